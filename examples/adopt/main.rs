//! Takes over a network that exists: each resource is told as it is, with the id that it has. The first `pulumi up`
//! imports them, changes nothing, and from then on they are this program's.
//!
//! What is told must be what is there: a difference is an update, or even a replacement, right after the import. What AWS
//! chose by itself (the subnet's zone, the DNS of an endpoint) need not be told.

use std::process::ExitCode;

use groundwork_contract::{
    Input, Region, Tags,
    ec2::{
        Direction, Eip, EipArgs, InlineRule, InlineRuleArgs, InternetGateway, InternetGatewayArgs, NatGateway,
        NatGatewayArgs, RouteTableId, SecurityGroup, SecurityGroupArgs, SecurityGroupRule, SecurityGroupRuleArgs,
        Subnet, SubnetArgs, SubnetId, Vpc, VpcArgs, VpcEndpoint, VpcEndpointArgs, VpcEndpointType,
    },
    index::{GetRegion, GetRegionArgs},
};
use groundwork_program::sdk::{self, Context, ResourceOptions, Result};
use serde::Deserialize;

/// What exists: `adopt:ids` in the stack's configuration.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ids {
    vpc: String,
    subnet: String,
    internet_gateway: String,
    eip: String,
    nat_gateway: String,
    s3: String,
    sts: String,
    web: String,
    nodes: String,
    nodes_in: String,
    nodes_out: String,
}

fn main() -> ExitCode {
    sdk::run(adopt)
}

async fn adopt(pulumi: Context) -> Result {
    let ids = pulumi.config("adopt").require_object::<Ids>("ids")?;
    let region = pulumi
        .invoke::<GetRegion>(GetRegionArgs::new())
        .field::<Region>("region");

    let args = VpcArgs::new("10.1.0.0/16")
        .enable_dns_hostnames(true)
        .tags(named("old"));
    let vpc = pulumi.create::<Vpc>("main", args, ResourceOptions::new().import(ids.vpc));
    let below = |id: String| ResourceOptions::new().parent(&vpc).import(id);

    let args = SubnetArgs::new(&vpc.id, "10.1.0.0/20").map_public_ip_on_launch(true);
    let subnet = pulumi.create::<Subnet>("public", args, below(ids.subnet));
    let args = InternetGatewayArgs::new().vpc_id(&vpc.id);
    let internet = pulumi.create::<InternetGateway>("main", args, below(ids.internet_gateway));
    let address = pulumi.create::<Eip>("nat", EipArgs::new().tags(named("old-nat")), below(ids.eip));
    let args = NatGatewayArgs::new().subnet_id(&subnet.id).allocation_id(&address.id);
    let options = below(ids.nat_gateway).depends_on(&internet);
    let nat = pulumi.create::<NatGateway>("main", args.tags(named("old")), options);

    let service = |name: &'static str| region.map(move |region| format!("com.amazonaws.{region}.{name}"));
    let tables: Vec<Input<RouteTableId>> = vec![(&vpc.main_route_table_id).into()];
    let args = VpcEndpointArgs::new(&vpc.id, service("s3")).route_table_ids(tables);
    pulumi.create::<VpcEndpoint>("s3", args, below(ids.s3));
    let subnets: Vec<Input<SubnetId>> = vec![(&subnet.id).into()];
    let args = VpcEndpointArgs::new(&vpc.id, service("sts")).vpc_endpoint_type(VpcEndpointType::Interface);
    pulumi.create::<VpcEndpoint>("sts", args.subnet_ids(subnets), below(ids.sts));

    // All rules for what comes in are listed here. What goes out is not: AWS's own rule stays, and is not looked at.
    let open = |port: i32, text: &str| {
        let rule = InlineRuleArgs::new("tcp").from_port(port).to_port(port);
        Input::<InlineRule>::from(rule.cidr_ipv4("0.0.0.0/0").description(text))
    };
    let args = SecurityGroupArgs::new(&vpc.id).name("web").description("The web");
    let args = args.ingress(vec![open(80, "HTTP"), open(443, "HTTPS")]);
    let web = pulumi.create::<SecurityGroup>("web", args, below(ids.web));

    // This group lists nothing: its rules are resources of their own, AWS's own among them.
    let args = SecurityGroupArgs::new(&vpc.id).name("nodes").description("Nodes");
    let nodes = pulumi.create::<SecurityGroup>("nodes", args, below(ids.nodes));
    let args = SecurityGroupRuleArgs::new(&nodes.id, Direction::Ingress, "tcp");
    let args = args.from_port(8080).to_port(8080).referenced_security_group_id(&web.id);
    pulumi.create::<SecurityGroupRule>("nodes-in", args, below(ids.nodes_in));
    let args = SecurityGroupRuleArgs::new(&nodes.id, Direction::Egress, "-1").cidr_ipv4("0.0.0.0/0");
    pulumi.create::<SecurityGroupRule>("nodes-out", args, below(ids.nodes_out));

    pulumi.export("vpcId", &vpc.id);
    pulumi.export("natAddress", &nat.public_ip);
    Ok(())
}

fn named(name: &str) -> Tags {
    [("Name", name), ("team", "network")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
