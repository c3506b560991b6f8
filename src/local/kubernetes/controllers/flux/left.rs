//! What `flux bootstrap` leaves in a cluster (flux 2.9: `manifests/bases`, `cmd/flux/bootstrap.go`), in our own words.

use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};

use super::super::{Cluster, Outcome, objects};
use super::IMAGE;

/// The field manager of the command line.
const OWNER: &str = "flux";
const NAMESPACE: &str = "flux-system";
const CONTROLLERS: [&str; 4] = [
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
];
/// Kinds that Flux brings: group, version, kind, plural.
const KINDS: [(&str, &str, &str, &str); 7] = [
    ("source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"),
    ("source.toolkit.fluxcd.io", "v1", "HelmRepository", "helmrepositories"),
    ("source.toolkit.fluxcd.io", "v1", "HelmChart", "helmcharts"),
    ("source.toolkit.fluxcd.io", "v1", "OCIRepository", "ocirepositories"),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations"),
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases"),
    ("notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers"),
];

/// What a bootstrap was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bootstrap {
    url: String,
    branch: String,
    path: String,
}

impl Bootstrap {
    /// From a Job whose container runs `flux bootstrap <provider>`; `None` for any other.
    pub(super) fn of(job: &Job) -> Option<Self> {
        let pod = job.spec.as_ref()?.template.spec.as_ref()?;
        let container = pod
            .containers
            .iter()
            .find(|one| one.image.as_ref().is_some_and(|image| image.contains(IMAGE)))?;
        let parts = [&container.command, &container.args].into_iter().flatten().flatten();
        // A shell's script is words as well.
        let words: Vec<_> = parts.flat_map(|part| part.split_whitespace()).collect();
        let provider = words.iter().skip_while(|word| **word != "bootstrap").nth(1)?;
        let option = |name: &str| {
            let mut rest = words
                .iter()
                .skip_while(|word| word.trim_start_matches('-').split('=').next() != Some(name));
            let word = rest.next()?;
            word.split_once('=')
                .map(|(_, value)| value)
                .or_else(|| rest.next().copied())
        };
        let host = match *provider {
            "gitlab" => "gitlab.com",
            _ => "github.com",
        };
        let url = match option("url") {
            Some(url) => url.to_owned(),
            None => format!(
                "ssh://git@{host}/{}/{}",
                option("owner").unwrap_or_default(),
                option("repository").unwrap_or_default()
            ),
        };
        Some(Self {
            url,
            branch: option("branch").unwrap_or("main").to_owned(),
            path: option("path").unwrap_or("./").to_owned(),
        })
    }

    /// Puts it all into the cluster.
    pub(super) async fn leave(&self, it: &Cluster) -> Outcome {
        objects::apply(&it.client, OWNER, &namespace()).await?;
        for kind in KINDS {
            objects::apply(&it.client, OWNER, &definition(kind)).await?;
        }
        for controller in CONTROLLERS {
            for object in [account(controller), deployment(controller)] {
                objects::apply(&it.client, OWNER, &object).await?;
            }
        }
        objects::apply(&it.client, OWNER, &secret()).await?;
        for object in [self.repository(), self.kustomization()] {
            objects::apply(&it.client, OWNER, &object).await?;
            objects::apply_status(&it.client, OWNER, &self.ready(&object)).await?;
        }
        Ok(())
    }

    fn repository(&self) -> Value {
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
            "spec": {
                "interval": "1m0s",
                "ref": {"branch": self.branch},
                "secretRef": {"name": NAMESPACE},
                "url": self.url,
            },
        })
    }

    fn kustomization(&self) -> Value {
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
            "spec": {
                "interval": "10m0s",
                "path": self.path,
                "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": NAMESPACE},
            },
        })
    }

    /// The status that Flux's controllers would write; there are none here.
    fn ready(&self, object: &Value) -> Value {
        json!({
            "apiVersion": object.get("apiVersion"),
            "kind": object.get("kind"),
            "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
            "status": {"conditions": [{
                "type": "Ready",
                "status": "True",
                "reason": "Succeeded",
                "message": format!("stand-in of the local cloud for branch {}", self.branch),
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]},
        })
    }
}

fn labels(component: &str) -> Value {
    json!({
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": NAMESPACE,
        "app.kubernetes.io/part-of": "flux",
        "groundwork.local/stand-in": "true",
    })
}

fn namespace() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {
            "app.kubernetes.io/instance": NAMESPACE,
            "app.kubernetes.io/part-of": "flux",
            "groundwork.local/stand-in": "true",
        }},
    })
}

fn account(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels(name)},
    })
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels(name)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name, "app.kubernetes.io/part-of": "flux"}},
                "spec": {
                    "serviceAccountName": name,
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "containers": [{
                        "name": "manager",
                        "image": format!("ghcr.io/fluxcd/{name}:stand-in"),
                        "resources": {
                            "requests": {"cpu": "100m", "memory": "64Mi"},
                            "limits": {"cpu": "1000m", "memory": "1Gi"},
                        },
                    }],
                },
            },
        },
    })
}

/// The Secret by which Flux reaches the repository. Its key is none: nothing here could use it.
fn secret() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": NAMESPACE, "namespace": NAMESPACE},
        "stringData": {
            "identity": "a stand-in for a private key",
            "identity.pub": "a stand-in for a public key",
            "known_hosts": "a stand-in for the keys of hosts",
        },
    })
}

fn definition((group, version, kind, plural): (&str, &str, &str, &str)) -> Value {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}"), "labels": labels("stand-in")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.to_lowercase(),
            },
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": anything, "status": anything},
                }},
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(image: &str, command: &Value) -> Job {
        serde_json::from_value(json!({
            "metadata": {"name": "bootstrap"},
            "spec": {"template": {"spec": {"containers": [{"name": "flux", "image": image, "args": command}]}}},
        }))
        .unwrap()
    }

    #[test]
    fn a_bootstrap_is_read_from_its_arguments() {
        let args = json!([
            "bootstrap",
            "github",
            "--owner=acme",
            "--repository",
            "fleet",
            "--path=./clusters/demo"
        ]);
        let read = Bootstrap::of(&job("ghcr.io/fluxcd/flux-cli:v2.9.4", &args)).unwrap();
        assert_eq!(read.url, "ssh://git@github.com/acme/fleet");
        assert_eq!((read.branch.as_str(), read.path.as_str()), ("main", "./clusters/demo"));
    }

    #[test]
    fn a_bootstrap_inside_a_shell_is_read_as_well() {
        let args = json!([
            "sh",
            "-c",
            "flux bootstrap git --url=ssh://git@host/fleet --branch=live"
        ]);
        let read = Bootstrap::of(&job("ghcr.io/fluxcd/flux-cli@sha256:00", &args)).unwrap();
        assert_eq!(
            (read.url.as_str(), read.branch.as_str()),
            ("ssh://git@host/fleet", "live")
        );
    }

    #[test]
    fn other_jobs_are_none() {
        assert_eq!(
            Bootstrap::of(&job("busybox", &json!(["flux", "bootstrap", "git"]))),
            None
        );
        assert_eq!(Bootstrap::of(&job("fluxcd/flux-cli", &json!(["check"]))), None);
    }
}
