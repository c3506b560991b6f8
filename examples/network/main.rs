//! A network in two zones: public subnets behind an internet gateway, private ones behind one NAT gateway, and S3 by a
//! gateway endpoint, which is free.
//!
//! Nothing here waits: each resource is made as soon as those that it names are there.

use std::process::ExitCode;

use groundwork_contract::{
    Region, Tags, ZoneName,
    ec2::{
        Eip, EipArgs, GetAvailabilityZones, GetAvailabilityZonesArgs, InternetGateway, InternetGatewayArgs, NatGateway,
        NatGatewayArgs, Route, RouteArgs, RouteTable, RouteTableArgs, RouteTableAssociation, RouteTableAssociationArgs,
        RouteTableId, Subnet, SubnetArgs, SubnetId, Vpc, VpcArgs, VpcEndpoint, VpcEndpointArgs,
    },
    index::{GetRegion, GetRegionArgs},
};
use groundwork_program::sdk::{self, Context, Input, Resource, ResourceOptions, Result};

/// What each zone's subnets are called, and their ranges: the public one's and the private one's.
const ZONES: [(&str, &str, &str); 2] = [
    ("a", "10.0.0.0/20", "10.0.32.0/20"),
    ("b", "10.0.16.0/20", "10.0.48.0/20"),
];

fn main() -> ExitCode {
    sdk::run(network)
}

async fn network(pulumi: Context) -> Result {
    let zones = pulumi.invoke::<GetAvailabilityZones>(GetAvailabilityZonesArgs::new());
    let zones = zones.field::<Vec<ZoneName>>("names");
    let region = pulumi
        .invoke::<GetRegion>(GetRegionArgs::new())
        .field::<Region>("region");

    let args = VpcArgs::new("10.0.0.0/16")
        .enable_dns_hostnames(true)
        .tags(named("main"));
    let vpc = pulumi.create::<Vpc>("main", args, None);
    let below = || ResourceOptions::new().parent(&vpc);

    // The ways out: one table for the public subnets, one for the private ones.
    let args = InternetGatewayArgs::new().vpc_id(&vpc.id).tags(named("main"));
    let internet = pulumi.create::<InternetGateway>("main", args, below());
    let table = |name| pulumi.create::<RouteTable>(name, RouteTableArgs::new(&vpc.id).tags(named(name)), below());
    let (public, private) = (table("public"), table("private"));
    let everywhere = |table: &Resource<RouteTable>| RouteArgs::new(&table.id).destination_cidr_block("0.0.0.0/0");
    let to_internet = pulumi.create::<Route>("public", everywhere(&public).gateway_id(&internet.id), below());

    let subnet = |name: &str, index, range, table: &Resource<RouteTable>| {
        let args = SubnetArgs::new(&vpc.id, range)
            .availability_zone(zones.item(index))
            .tags(named(name));
        let subnet = pulumi.create::<Subnet>(name, args, below());
        let args = RouteTableAssociationArgs::new(&table.id).subnet_id(&subnet.id);
        pulumi.create::<RouteTableAssociation>(name, args, ResourceOptions::new().parent(&subnet));
        subnet
    };
    let mut ids: Vec<Input<SubnetId>> = Vec::new();
    for (index, (zone, public_range, private_range)) in ZONES.into_iter().enumerate() {
        let open = subnet(&format!("public-{zone}"), index, public_range, &public);
        let closed = subnet(&format!("private-{zone}"), index, private_range, &private);
        ids.push(Input::from(&closed.id));
        if index == 0 {
            // A NAT gateway comes after the route that it needs, and so goes before it.
            let address = pulumi.create::<Eip>("nat", EipArgs::new().tags(named("nat")), below().depends_on(&internet));
            let args = NatGatewayArgs::new()
                .subnet_id(&open.id)
                .allocation_id(&address.allocation_id);
            let nat = pulumi.create::<NatGateway>("nat", args.tags(named("nat")), below().depends_on(&to_internet));
            pulumi.create::<Route>("private", everywhere(&private).nat_gateway_id(&nat.id), below());
            pulumi.export("natAddress", &nat.public_ip);
        }
    }

    let s3 = region.map(|region| format!("com.amazonaws.{region}.s3"));
    let tables: Vec<Input<RouteTableId>> = vec![(&private.id).into()];
    let args = VpcEndpointArgs::new(&vpc.id, s3)
        .route_table_ids(tables)
        .tags(named("s3"));
    pulumi.create::<VpcEndpoint>("s3", args, below());

    pulumi.export("vpcId", &vpc.id);
    pulumi.export("privateSubnetIds", Input::<Vec<SubnetId>>::from(ids));
    pulumi.export("privateRouteTableId", &private.id);
    Ok(())
}

fn named(name: &str) -> Tags {
    [("Name".to_owned(), name.to_owned())].into()
}
