//! EKS' addons: on Fargate the VPC CNI, kube-proxy and CoreDNS, one after the other; with Cilium CoreDNS alone, once there
//! are nodes that take pods.

use groundwork_contract::{
    Document,
    eks::{Addon, AddonArgs, ResolveConflicts},
};
use serde_json::{Map, Value as Json, json};

use crate::{
    cilium::Cilium,
    cluster::Cluster,
    fargate::Fargate,
    ground::Ground,
    identity::{Identity, PodRole},
    objects::merged,
    plan::{AddonPlan, FargatePlan},
    sdk::{Dependency, Resource},
};

/// Addons that others build on.
#[derive(Debug, Clone)]
pub struct Addons {
    /// The role of the VPC CNI, where there is one.
    pub vpc_cni: Option<PodRole>,
    coredns: Resource<Addon>,
}

impl Addons {
    /// The addons of a cluster whose pods run on Fargate.
    pub fn on_fargate(
        ground: &Ground,
        cluster: &Cluster,
        identity: &Identity,
        fargate: &Fargate,
        (plan, coredns): (&FargatePlan, &AddonPlan),
    ) -> Self {
        let policy = ground.managed_policy("AmazonEKS_CNI_Policy");
        let role = identity.role(ground, "aws-node", ("kube-system", "aws-node"), [policy]);
        let vpc_cni = Given {
            name: "vpc-cni",
            plan: &plan.vpc_cni,
            ours: Json::Null,
            role: Some(&role),
        };
        let vpc_cni = vpc_cni.create(ground, cluster, &[fargate.made()]);
        let kube_proxy = Given::of("kube-proxy", &plan.kube_proxy, Json::Null);
        let kube_proxy = kube_proxy.create(ground, cluster, &[(&vpc_cni).into()]);
        let coredns = Given::of("coredns", coredns, json!({"computeType": "Fargate"}));
        let coredns = coredns.create(ground, cluster, &[(&kube_proxy).into(), fargate.made()]);
        Self {
            vpc_cni: Some(role),
            coredns,
        }
    }

    /// The addon of a cluster with Cilium.
    pub fn on_nodes(ground: &Ground, cluster: &Cluster, cilium: &Cilium, coredns: &AddonPlan) -> Self {
        let coredns = Given::of("coredns", coredns, Json::Null);
        Self {
            vpc_cni: None,
            coredns: coredns.create(ground, cluster, &[cilium.at_work()]),
        }
    }

    /// What must stand while pods resolve names.
    pub fn made(&self) -> Dependency {
        Dependency::from(&self.coredns)
    }
}

/// What is known of an addon before it is declared.
struct Given<'a> {
    name: &'static str,
    plan: &'a AddonPlan,
    ours: Json,
    role: Option<&'a PodRole>,
}

impl<'a> Given<'a> {
    const fn of(name: &'static str, plan: &'a AddonPlan, ours: Json) -> Self {
        Self {
            name,
            plan,
            ours,
            role: None,
        }
    }

    fn create(self, ground: &Ground, cluster: &Cluster, after: &[Dependency]) -> Resource<Addon> {
        let Self { name, plan, ours, role } = self;
        let resource = ground.name(name);
        let mut args = AddonArgs::new(&cluster.name, name)
            .resolve_conflicts_on_create(ResolveConflicts::Overwrite)
            .resolve_conflicts_on_update(ResolveConflicts::Overwrite)
            .tags(ground.tags(&resource, []));
        if let Some(version) = &plan.version {
            args = args.addon_version(version.as_str());
        }
        let users: Map<String, Json> = plan.configuration.clone().into_iter().collect();
        if let Json::Object(values) = merged(ours, Json::Object(users))
            && !values.is_empty()
        {
            args = args.configuration_values(Document::from(values));
        }
        if let Some(role) = role.and_then(|role| role.annotation.as_ref()) {
            args = args.service_account_role_arn(role);
        }
        ground.pulumi.create::<Addon>(
            &resource,
            args,
            cluster.within(ground).depends_on_all(after.iter().cloned()),
        )
    }
}
