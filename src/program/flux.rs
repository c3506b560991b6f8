//! The hand-over to Flux: from here on the cluster follows its Git repository.
//!
//! A Job in the cluster runs `flux bootstrap`. It comes after everything else, for what the repository asks for needs DNS,
//! roles and a network; and it goes first.

use std::collections::BTreeMap;

use groundwork_contract::{
    Output, findings,
    flux::{Bootstrap, BootstrapArgs, GitProvider, component_flags},
};
use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{Container, EnvVar, PodSpec, PodTemplateSpec, ServiceAccount},
        rbac::v1::{ClusterRoleBinding, RoleRef, Subject},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use crate::{
    addons::Addons,
    cluster::Cluster,
    ground::Ground,
    karpenter::Karpenter,
    objects,
    plan::{BOOTSTRAP_NAMESPACE, DEFAULT_BRANCH, FluxPlan, Source},
    sdk::{Dependency, Result},
    settings::SecretText,
};

const NAMESPACE: &str = "kube-system";
const ACCOUNT: &str = "flux-controller";

/// Hands the cluster over, if there is a repository to hand it over to.
///
/// # Errors
/// An object cannot be written down.
pub fn hand_over(
    ground: &Ground,
    cluster: &Cluster,
    karpenter: &Karpenter,
    addons: &Addons,
    plan: Option<&FluxPlan>,
) -> Result {
    let Some(plan) = plan else { return Ok(()) };
    let after: Vec<Dependency> = karpenter.made().into_iter().chain([addons.made()]).collect();
    if let Some(token) = plan.as_shown(ground.preset) {
        return as_shown(ground, cluster, &after, plan, token);
    }
    safely(ground, cluster, &after, plan);
    Ok(())
}

/// The Job in its safe form: its token and its rights go with it.
fn safely(ground: &Ground, cluster: &Cluster, after: &[Dependency], plan: &FluxPlan) {
    let mut args = BootstrapArgs::new(cluster.connection.clone(), plan.path.as_str(), plan.image.as_str())
        .branch(plan.branch.as_str())
        .version(plan.version.as_str())
        .namespace(BOOTSTRAP_NAMESPACE);
    match &plan.source {
        Source::Hosted {
            provider,
            owner,
            repository,
            hostname,
            private,
            personal,
            token_auth,
        } => {
            args = args
                .provider(*provider)
                .owner(owner.as_str())
                .repository(repository.as_str())
                .private(*private)
                .personal(*personal)
                .token_auth(*token_auth);
            if let Some(hostname) = hostname {
                args = args.hostname(hostname.as_str());
            }
            if !private {
                ground.warn(&findings::PUBLIC_REPOSITORY, "the repository that Flux makes");
            }
        }
        Source::Git { url, username } => {
            args = args.provider(GitProvider::Git).url(url.as_str());
            if let Some(username) = username {
                args = args.username(username.as_str());
            }
        }
    }
    if let Some(token) = &plan.token {
        args = args.token(token.output());
    }
    if let Some(key) = &plan.ssh_key {
        args = args.ssh_key(key.output());
    }
    if let Some(passphrase) = &plan.ssh_key_passphrase {
        args = args.ssh_key_passphrase(passphrase.output());
    }
    if let Some(components) = &plan.components {
        args = args.components(components.clone());
    }
    if let Some(registry) = &plan.registry {
        args = args.registry(registry.as_str());
    }
    if let Some(interval) = &plan.interval {
        args = args.interval(interval.as_str());
    }
    warn_of_tag(ground, plan);
    ground.pulumi.create::<Bootstrap>(
        &ground.in_cluster("flux"),
        args,
        cluster.within(ground).depends_on_all(after.iter().cloned()),
    );
}

fn warn_of_tag(ground: &Ground, plan: &FluxPlan) {
    if !plan.image.contains("@sha256:") {
        ground.warn(&findings::IMAGE_BY_TAG, &plan.image);
    }
}

/// The Job of the shown architectures: token in its environment, rights that stay.
fn as_shown(ground: &Ground, cluster: &Cluster, after: &[Dependency], plan: &FluxPlan, token: &SecretText) -> Result {
    let metadata = |name: &str, namespace: Option<&str>| ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        ..ObjectMeta::default()
    };
    let account = ServiceAccount {
        metadata: metadata(ACCOUNT, Some(NAMESPACE)),
        ..ServiceAccount::default()
    };
    let binding = ClusterRoleBinding {
        metadata: metadata(ACCOUNT, None),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "ClusterRole".to_owned(),
            name: "cluster-admin".to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: ACCOUNT.to_owned(),
            namespace: Some(NAMESPACE.to_owned()),
            ..Subject::default()
        }]),
    };
    let apply = |name: &str, manifest, options| objects::apply(ground, cluster, name, manifest, options);
    let account = apply(
        "flux-controller-service-account",
        objects::whole(&account)?,
        cluster.within(ground),
    );
    let binding = apply(
        "flux-controller-cluster-role-binding",
        objects::whole(&binding)?,
        cluster.within(ground).depends_on(&account),
    );
    let (image, command) = (plan.image.clone(), command(plan));
    let job: Output<serde_json::Value> = token.output().map_parts(move |token: String| {
        let container = Container {
            name: "flux-bootstrap".to_owned(),
            image: Some(image),
            command: Some(command),
            env: Some(vec![EnvVar {
                name: "GITHUB_TOKEN".to_owned(),
                value: Some(token),
                ..EnvVar::default()
            }]),
            ..Container::default()
        };
        let pod = PodSpec {
            containers: vec![container],
            restart_policy: Some("OnFailure".to_owned()),
            service_account_name: Some(ACCOUNT.to_owned()),
            ..PodSpec::default()
        };
        let annotations = BTreeMap::from([("pulumi.com/replaceUnready".to_owned(), "true".to_owned())]);
        let job = Job {
            metadata: ObjectMeta {
                annotations: Some(annotations),
                ..metadata("flux-bootstrap-job", Some(NAMESPACE))
            },
            spec: Some(JobSpec {
                backoff_limit: Some(3),
                template: PodTemplateSpec {
                    spec: Some(pod),
                    ..PodTemplateSpec::default()
                },
                ..JobSpec::default()
            }),
            ..Job::default()
        };
        objects::written(&job).unwrap_or_default()
    });
    apply(
        "flux-bootstrap-job",
        job.into(),
        cluster
            .within(ground)
            .depends_on(&account)
            .depends_on(&binding)
            .depends_on_all(after.iter().cloned()),
    );
    ground.warn(&findings::TOKEN_IN_JOB, "flux-bootstrap-job");
    ground.warn(&findings::LASTING_CLUSTER_ADMIN, ACCOUNT);
    ground.warn(&findings::BROAD_TOKEN, "platform:flux.token");
    warn_of_tag(ground, plan);
    if let Source::Hosted { private: false, .. } = &plan.source {
        ground.warn(&findings::PUBLIC_REPOSITORY, "the repository that Flux makes");
    }
    Ok(())
}

/// `flux bootstrap github …`, as the shown architectures run it, and what the settings say beyond them.
fn command(plan: &FluxPlan) -> Vec<String> {
    let mut command: Vec<String> = ["flux", "bootstrap", "github"].map(str::to_owned).into();
    let mut say = |flag: &str, value: &str| command.push(format!("--{flag}={value}"));
    if let Source::Hosted {
        provider: _,
        owner,
        repository,
        hostname,
        private,
        personal,
        token_auth,
    } = &plan.source
    {
        say("owner", owner);
        say("repository", repository);
        say("path", &plan.path);
        say("private", &private.to_string());
        say("personal", &personal.to_string());
        if let Some(hostname) = hostname {
            say("hostname", hostname);
        }
        if *token_auth {
            say("token-auth", "true");
        }
    }
    if plan.branch != DEFAULT_BRANCH {
        say("branch", &plan.branch);
    }
    for (flag, given) in [("registry", &plan.registry), ("interval", &plan.interval)] {
        if let Some(given) = given {
            say(flag, given);
        }
    }
    for (flag, listed) in plan.components.iter().flat_map(|all| component_flags(all)) {
        say(flag, &listed);
    }
    command
}
