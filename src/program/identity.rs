//! Identity: the roles that pods have by their service accounts.

use groundwork_contract::{
    Arn, Document, Input, Output,
    eks::{Addon, AddonArgs, PodIdentityAssociation, PodIdentityAssociationArgs},
    findings,
    iam::{Audience, Trust},
};

use crate::{cluster::Cluster, ground::Ground, plan::IdentityPlan, roles::Granted, sdk::Dependency, settings::Preset};

/// How pods of the cluster get rights in AWS.
#[derive(Debug, Clone)]
pub struct Identity {
    cluster: Cluster,
    pod_identity: Option<Dependency>,
}

/// A role that the pods of a service account have.
#[derive(Debug, Clone)]
pub struct PodRole {
    /// The role.
    pub role: Granted,
    /// The annotation that its service account needs; none where EKS hands the role out by itself.
    pub annotation: Option<Output<Arn>>,
    /// What must stand while pods use the role.
    pub made: Vec<Dependency>,
}

impl Identity {
    /// Declares what pods need to have roles at all.
    pub fn new(ground: &Ground, cluster: &Cluster, plan: &IdentityPlan) -> Self {
        if ground.preset == Preset::Demo {
            ground.warn(&findings::NO_AUDIENCE, "the roles of service accounts");
        }
        let pod_identity = plan.pod_identity.then(|| {
            let name = ground.in_cluster("pod-identity-agent");
            let agent = ground.pulumi.create::<Addon>(
                &name,
                AddonArgs::new(&cluster.name, "eks-pod-identity-agent").tags(ground.tags(&name, [])),
                cluster.within(ground),
            );
            Dependency::from(&agent)
        });
        Self {
            cluster: cluster.clone(),
            pod_identity,
        }
    }

    /// A role for the pods of a service account.
    pub fn role(
        &self,
        ground: &Ground,
        words: &str,
        (namespace, service_account): (&str, &str),
        policies: impl IntoIterator<Item = Input<Arn>>,
    ) -> PodRole {
        let name = ground.in_cluster(words);
        let description = format!("Pods of {namespace}/{service_account} in {}", ground.cluster);
        if let Some(agent) = &self.pod_identity {
            let role = ground.role(&name, &description, Trust::pod_identity().document(), policies);
            let association = ground.pulumi.create::<PodIdentityAssociation>(
                &format!("{name}-identity"),
                PodIdentityAssociationArgs::new(&self.cluster.name, namespace, service_account, &role.arn)
                    .tags(ground.tags(&name, [])),
                self.cluster.within(ground),
            );
            return PodRole {
                role,
                annotation: None,
                made: vec![Dependency::from(&association), agent.clone()],
            };
        }
        let audience = if ground.preset == Preset::Demo {
            Audience::Any
        } else {
            Audience::Sts
        };
        let issuer = &self.cluster.resource.oidc_issuer;
        let trust: Output<Document> =
            Trust::irsa_of(issuer, &self.cluster.provider.arn, namespace, service_account, audience);
        let role = ground.role(&name, &description, trust, policies);
        PodRole {
            annotation: Some(role.arn.clone()),
            made: vec![(&role.arn).into()],
            role,
        }
    }
}
