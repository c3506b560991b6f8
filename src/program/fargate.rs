//! Fargate: pods without nodes.
//!
//! What costs: a pod of 0.25 vCPU and 0.5 GB $9 a month.

use groundwork_contract::{
    Input,
    ec2::SubnetId,
    eks::{FargateProfile, FargateProfileArgs, FargateSelector, FargateSelectorArgs},
    iam::{Service, Trust},
};

use crate::{
    cluster::Cluster,
    ground::Ground,
    network::Network,
    plan::FargatePlan,
    sdk::{Dependency, Resource},
    settings::Preset,
};

/// A profile that others run by.
#[derive(Debug, Clone)]
pub struct Fargate {
    profile: Resource<FargateProfile>,
}

impl Fargate {
    /// Declares the Fargate profile of a plan.
    pub fn new(ground: &Ground, network: &Network, cluster: &Cluster, plan: &FargatePlan) -> Self {
        let role = ground.role(
            &ground.in_cluster("fargate-role"),
            &format!("Pods on Fargate in {}", ground.cluster),
            ground.trust(Trust::service(Service::EksFargatePods.principal(ground.partition()))),
            [ground.managed_policy("AmazonEKSFargatePodExecutionRolePolicy")],
        );
        // EKS keeps names that begin with `eks-` for itself, and the shown architectures go around that.
        let name = if ground.preset == Preset::Demo {
            format!("eks_{}fargateProfile", ground.cluster)
        } else {
            ground.in_cluster("fargate")
        };
        let subnets: Vec<Input<SubnetId>> = network.private.iter().map(|place| (&place.subnet).into()).collect();
        let selectors: Vec<Input<FargateSelector>> = plan
            .namespaces
            .iter()
            .map(|namespace| FargateSelectorArgs::new(namespace.as_str()).into())
            .collect();
        let profile = ground.pulumi.create::<FargateProfile>(
            &name,
            FargateProfileArgs::new(&cluster.name, &role.arn, subnets, selectors).tags(ground.tags(&name, [])),
            cluster.within(ground),
        );
        Self { profile }
    }

    /// What must stand while pods run on Fargate.
    pub fn made(&self) -> Dependency {
        Dependency::from(&self.profile)
    }
}
