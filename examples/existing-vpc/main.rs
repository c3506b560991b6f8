//! What the platform adds to a VPC that exists: its endpoints, by the platform's own chapters, and beside them a security
//! group of this program's own.
//!
//! The chapters are functions of what they need: ground, then network, then endpoints. A program of yours takes those that
//! it wants and goes on from there.

use std::{collections::BTreeSet, process::ExitCode};

use groundwork_contract::{
    Failure, Input,
    ec2::{InlineRule, InlineRuleArgs, SecurityGroup, SecurityGroupArgs, SubnetId},
};
use groundwork_program::{
    endpoints::Endpoints,
    ground::Ground,
    network::Network,
    plan::{NetworkPlan, plan},
    sdk::{self, Context, Error, Result},
    settings,
};

fn main() -> ExitCode {
    sdk::run(existing_vpc)
}

async fn existing_vpc(pulumi: Context) -> Result {
    let settings = settings::read(&pulumi.config("platform")).map_err(|failures| refused(&failures))?;
    let plan = plan(settings, None).map_err(|failures| refused(&failures))?;
    if matches!(plan.network, NetworkPlan::New(_)) {
        return Err(Error::new(
            "platform:network.existing is not set: say which VPC, as README.md shows",
        ));
    }

    let ground = Ground::new(&pulumi, &plan).await?;
    let network = Network::new(&ground, &plan.network).await?;
    let endpoints = Endpoints::new(&ground, &network, &plan.endpoints).await?;

    let name = ground.name("web");
    let rule = |port: i32| {
        Input::<InlineRule>::from(
            InlineRuleArgs::new("tcp")
                .from_port(port)
                .to_port(port)
                .cidr_ipv4(network.cidr.clone()),
        )
    };
    let group = pulumi.create::<SecurityGroup>(
        &name,
        SecurityGroupArgs::new(&network.vpc_id)
            .description("The web, from within the VPC")
            .ingress(vec![rule(80), rule(443)])
            .egress(BTreeSet::<InlineRule>::new())
            .tags(ground.tags(&name, [])),
        // Whatever has the group may need the endpoints.
        ground.options().depends_on_all(endpoints.made()),
    );

    let subnets: Vec<Input<SubnetId>> = network.private.iter().map(|place| (&place.subnet).into()).collect();
    pulumi.export("vpcId", &network.vpc_id);
    pulumi.export("privateSubnetIds", Input::<Vec<SubnetId>>::from(subnets));
    pulumi.export("securityGroupId", &group.id);
    Ok(())
}

/// Every mistake in the settings at once.
fn refused(failures: &[Failure]) -> Error {
    let lines: Vec<String> = failures
        .iter()
        .map(|failure| format!("\n  platform:{failure}"))
        .collect();
    Error::new(format!("nothing was changed:{}", lines.concat()))
}
