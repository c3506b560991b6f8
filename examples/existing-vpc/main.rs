//! A whole platform in a VPC that exists, by the platform's own chapters, and beside them a security group of this program's
//! own.
//!
//! The chapters are functions of what they need: ground, then network, then endpoints, then the cluster and what is in it.
//! A program of yours takes those that it wants and puts its own between them.

use std::{collections::BTreeSet, process::ExitCode};

use groundwork_contract::{
    Input,
    ec2::{InlineRule, InlineRuleArgs, SecurityGroup, SecurityGroupArgs},
};
use groundwork_program::{
    addons::Addons,
    cilium::Cilium,
    cluster::Cluster,
    endpoints::Endpoints,
    exports::Platform,
    flux,
    ground::Ground,
    identity::Identity,
    karpenter::Karpenter,
    network::Network,
    nodes::Nodes,
    plan::{ComputePlan, NetworkPlan},
    planned,
    sdk::{self, Context, Error, Resource, Result},
};

fn main() -> ExitCode {
    sdk::run(existing_vpc)
}

async fn existing_vpc(pulumi: Context) -> Result {
    let plan = planned(&pulumi)?;
    if matches!(plan.network, NetworkPlan::New(_)) {
        return Err(Error::new(
            "platform:network.existing is not set: say which VPC, as README.md shows",
        ));
    }
    let ComputePlan::Nodes(network_of_pods, first) = &plan.compute else {
        return Err(Error::new(
            "platform:part is 1: this program has nodes with Cilium, which is part 2",
        ));
    };

    let ground = Ground::new(&pulumi, &plan).await?;
    let network = Network::new(&ground, &plan.network).await?;
    let endpoints = Endpoints::new(&ground, &network, &plan.endpoints)?;
    let web = web(&ground, &network);

    let cluster = Cluster::new(&ground, &network, &endpoints, &plan.cluster);
    let identity = Identity::new(&ground, &cluster, &plan.identity);
    let karpenter = Karpenter::new(&ground, &cluster, &identity)?;
    let cni = Cilium::install(&ground, &cluster, &identity, network_of_pods);
    let nodes = Nodes::new(&ground, &network, &cluster, &karpenter, &cni, first);
    let cilium = cni.ready(&ground, &cluster, &nodes);
    let addons = Addons::on_nodes(&ground, &cluster, &cilium, &plan.coredns);
    flux::hand_over(&ground, &cluster, &karpenter, &addons, plan.flux.as_ref())?;

    let platform = Platform {
        ground: &ground,
        network: &network,
        endpoints: &endpoints,
        cluster: &cluster,
        karpenter: &karpenter,
        cilium: Some(&cilium),
        addons: &addons,
    };
    platform.export(&plan);
    pulumi.export("webSecurityGroupId", &web.id);
    Ok(())
}

/// What this program adds of its own: the group of a load balancer that the VPC alone reaches.
fn web(ground: &Ground, network: &Network) -> Resource<SecurityGroup> {
    let name = ground.name("web");
    let rule = |port: i32| {
        Input::<InlineRule>::from(
            InlineRuleArgs::new("tcp")
                .from_port(port)
                .to_port(port)
                .cidr_ipv4(network.cidr.clone()),
        )
    };
    ground.pulumi.create::<SecurityGroup>(
        &name,
        SecurityGroupArgs::new(&network.vpc_id)
            .description("The web, from within the VPC")
            .ingress(vec![rule(80), rule(443)])
            .egress(BTreeSet::<InlineRule>::new())
            .tags(ground.tags(&name, [])),
        ground.options(),
    )
}
