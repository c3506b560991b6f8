//! Karpenter: what it needs in AWS. Flux brings the controller, from Git.

use groundwork_contract::{
    Output, findings,
    iam::{InstanceProfile, InstanceProfileArgs, InstanceProfileName, PolicyDocument, Service, Trust},
    kubernetes::Manifest,
};
use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::{
    cluster::Cluster,
    ground::Ground,
    identity::{Identity, PodRole},
    objects,
    roles::Granted,
    sdk::{Dependency, Resource, Result},
    settings::Preset,
};

/// Karpenter's side in AWS.
#[derive(Debug, Clone)]
pub struct Karpenter {
    /// The controller's role.
    pub controller: PodRole,
    /// The role of the nodes that it makes.
    pub node_role: Granted,
    /// The instance profile of these nodes.
    pub instance_profile: Output<InstanceProfileName>,
    /// The entry by which nodes with this role are let in.
    pub entry: Dependency,
    made: Vec<Dependency>,
}

impl Karpenter {
    /// Declares Karpenter's roles, and lets its nodes join.
    ///
    /// # Errors
    /// An object cannot be written down.
    pub fn new(ground: &Ground, cluster: &Cluster, identity: &Identity) -> Result<Self> {
        let demo = ground.preset == Preset::Demo;
        let node_role = node_role(ground, &format!("KarpenterNodeRole-{}", ground.cluster));
        let name = format!("KarpenterNodeInstanceProfile-{}", ground.cluster);
        let mut args = InstanceProfileArgs::new()
            .name(name.as_str())
            .role(&node_role.name)
            .tags(ground.tags(&name, []));
        if let Some(path) = &ground.roles.path {
            args = args.path(path.clone());
        }
        let profile = ground.pulumi.create::<InstanceProfile>(&name, args, ground.options());
        let documents: &[PolicyDocument] = if demo {
            &[PolicyDocument::KarpenterDemo, PolicyDocument::KarpenterDemoAdditions]
        } else {
            &PolicyDocument::KARPENTER
        };
        let policies: Vec<_> = documents
            .iter()
            .map(|document| ground.policy(*document, &node_role.name))
            .collect();
        let controller = identity.role(ground, "karpenter", ("karpenter", "karpenter"), policies);
        if demo {
            ground.warn(&findings::UNSCOPED_CONTROLLER, &ground.in_cluster("karpenter-policy"));
            let nodes = format!("KarpenterNodeRole-{}", ground.cluster);
            ground.warn(&findings::CNI_ON_NODES, &nodes);
            ground.warn(&findings::UNLOGGED_SESSIONS, &nodes);
        }
        let entry = Dependency::from(&cluster.admit_nodes(ground, "karpenter-node-access", &node_role));
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some("karpenter".to_owned()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let namespace: Resource<Manifest> = objects::apply(
            ground,
            cluster,
            "karpenter-namespace",
            objects::whole(&namespace)?,
            cluster.within(ground),
        );
        let mut made = controller.made.clone();
        made.extend([Dependency::from(&profile), entry.clone(), Dependency::from(&namespace)]);
        Ok(Self {
            controller,
            instance_profile: profile.id.clone(),
            node_role,
            entry,
            made,
        })
    }

    /// What must stand while Karpenter works.
    pub fn made(&self) -> Vec<Dependency> {
        self.made.clone()
    }
}

/// A role of nodes.
pub(crate) fn node_role(ground: &Ground, name: &str) -> Granted {
    let policies: &[&str] = if ground.preset == Preset::Demo {
        &[
            "AmazonEKSWorkerNodePolicy",
            "AmazonEC2ContainerRegistryReadOnly",
            "AmazonSSMManagedInstanceCore",
            "AmazonEKS_CNI_Policy",
        ]
    } else {
        // Network interfaces are the business of one service account, which has a role of its own.
        &[
            "AmazonEKSWorkerNodePolicy",
            "AmazonEC2ContainerRegistryPullOnly",
            "AmazonSSMManagedInstanceCore",
        ]
    };
    ground.role(
        name,
        &format!("Nodes of {}", ground.cluster),
        ground.trust(Trust::service(Service::Ec2.principal(ground.partition()))),
        policies.iter().map(|policy| ground.managed_policy(policy)),
    )
}
