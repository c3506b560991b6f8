//! A NAT gateway.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{AllocationId, NatGatewayId, NetworkInterfaceId, RouteTableId, SubnetId, VpcId};
use crate::{Arn, Example, Failure, Input, Ipv4Address, Tags, ZoneName, check::exactly_one};

/// A NAT gateway: lets what has private addresses reach out, and nothing in.
///
/// A public one needs the VPC's internet gateway to be attached before it is made: AWS ends it as `failed` otherwise.
#[resource("groundwork:ec2:NatGateway", NatGatewayId, example = example, check = check)]
pub struct NatGateway;

/// Source: EC2 API Reference, `CreateNatGateway`; VPC User Guide, "NAT gateways" and "Regional NAT gateways for
/// automatic multi-AZ expansion".
#[shape]
pub struct NatGatewayInputs {
    /// Whether it is in one zone or serves every zone of the VPC.
    #[immutable]
    #[default(AvailabilityMode::Zonal)]
    pub availability_mode: AvailabilityMode,
    /// Whether it leads to the internet or to other networks alone.
    #[immutable]
    #[default(ConnectivityType::Public)]
    pub connectivity_type: ConnectivityType,
    /// Zonal: the subnet that it is in; a public one's must have a route to the internet gateway.
    #[immutable]
    pub subnet_id: Option<SubnetId>,
    /// Zonal and public: the Elastic IP address that it uses.
    #[immutable]
    pub allocation_id: Option<AllocationId>,
    /// Zonal: its address in the subnet. AWS chooses one when none is given.
    #[immutable]
    #[computed]
    pub private_ip: Option<Ipv4Address>,
    /// Zonal and public: further Elastic IP addresses, each for 64,512 more connections to one destination.
    /// They come and go in place; one that goes is given up to 350 seconds to end its connections.
    pub secondary_allocation_ids: Option<BTreeSet<AllocationId>>,
    /// Regional: the VPC that it serves.
    #[immutable]
    pub vpc_id: Option<VpcId>,
    /// Regional: the zones to serve, each with its Elastic IP addresses. When none are given AWS serves every zone with
    /// network interfaces and brings the addresses. They come and go in place; to begin or end naming them replaces it.
    #[variant]
    pub availability_zone_addresses: Option<BTreeSet<AvailabilityZoneAddress>>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// How many zones a NAT gateway serves.
#[shape]
pub enum AvailabilityMode {
    /// It is in one subnet.
    Zonal,
    /// It is in no subnet and serves all zones of the VPC.
    Regional,
}

/// Where a NAT gateway leads.
#[shape]
pub enum ConnectivityType {
    /// To the internet, with an Elastic IP address.
    Public,
    /// To other VPCs and to networks on premises.
    Private,
}

/// A zone of a regional NAT gateway, by name or by id.
#[shape(settings)]
#[derive(Eq, PartialOrd, Ord)]
pub struct AvailabilityZoneAddress {
    /// The zone's name, such as `eu-central-1a`.
    pub availability_zone: Option<ZoneName>,
    /// The zone's id, such as `euc1-az2`, instead of its name.
    pub availability_zone_id: Option<String>,
    /// The Elastic IP addresses that the zone's traffic leaves by.
    pub allocation_ids: BTreeSet<AllocationId>,
}

/// An address of a NAT gateway.
#[shape(settings)]
pub struct NatGatewayAddress {
    /// Public: the Elastic IP address's allocation.
    pub allocation_id: Option<AllocationId>,
    /// Public: the Elastic IP address's association.
    pub association_id: Option<String>,
    /// Public: the address.
    pub public_ip: Option<Ipv4Address>,
    /// The address in the subnet.
    pub private_ip: Option<Ipv4Address>,
    /// The network interface.
    pub network_interface_id: Option<NetworkInterfaceId>,
    /// Regional: the zone.
    pub availability_zone: Option<ZoneName>,
    /// Whether it is the first one.
    pub is_primary: bool,
    /// `succeeded`, `failed`, or what is being done to it.
    pub status: String,
    /// Why it failed.
    pub failure_message: Option<String>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct NatGatewayOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// `pending`, `available`, `failed` or `deleting`.
    pub state: String,
    /// AWS's code for why it failed.
    pub failure_code: Option<String>,
    /// AWS's words for why it failed.
    pub failure_message: Option<String>,
    /// Zonal and public: the address that the world sees.
    #[stable]
    pub public_ip: Option<Ipv4Address>,
    /// Zonal: its network interface.
    #[stable]
    pub network_interface_id: Option<NetworkInterfaceId>,
    /// Regional: the route table that AWS keeps for it.
    #[stable]
    pub route_table_id: Option<RouteTableId>,
    /// All of its addresses.
    pub nat_gateway_addresses: Vec<NatGatewayAddress>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "subnetId": "$groundwork:ec2:Subnet",
            "allocationId": "$groundwork:ec2:Eip",
            "tags": {"Name": "example"},
        }),
        update: json!({"tags": {"Name": "changed", "team": "platform"}}),
        needs: &["groundwork:ec2:InternetGateway"],
        ..Example::default()
    }
}

fn check(args: &NatGatewayArgs) -> Vec<Failure> {
    let or = |given: Option<Option<AvailabilityMode>>| given.unwrap_or(Some(AvailabilityMode::Zonal));
    let mode = or(args.availability_mode.as_ref().map(Input::known));
    let kind = args
        .connectivity_type
        .as_ref()
        .map_or(Some(ConnectivityType::Public), Input::known);
    match mode {
        // Not known yet: every rule depends on it.
        None => Vec::new(),
        Some(AvailabilityMode::Zonal) => check_zonal(args, kind),
        Some(AvailabilityMode::Regional) => check_regional(args, kind),
    }
}

fn needs(property: &str, given: bool, why: &str) -> Option<Failure> {
    (!given).then(|| Failure::at(property, why))
}

fn forbids(property: &str, given: bool, why: &str) -> Option<Failure> {
    given.then(|| Failure::at(property, why))
}

fn check_zonal(args: &NatGatewayArgs, kind: Option<ConnectivityType>) -> Vec<Failure> {
    const REGIONAL: &str = "is for a regional NAT gateway: leave it out, or set availabilityMode: regional";
    const PRIVATE: &str = "is for a public NAT gateway: leave it out, or set connectivityType: public";
    let mut failures: Vec<Failure> = [
        needs(
            "subnetId",
            args.subnet_id.is_some(),
            "a zonal NAT gateway is in a subnet: name it",
        ),
        forbids("vpcId", args.vpc_id.is_some(), REGIONAL),
        forbids(
            "availabilityZoneAddresses",
            args.availability_zone_addresses.is_some(),
            REGIONAL,
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    let addresses = match kind {
        None => [None, None],
        Some(ConnectivityType::Public) => [
            needs(
                "allocationId",
                args.allocation_id.is_some(),
                "a public NAT gateway has an Elastic IP address: name its allocation, or set connectivityType: private",
            ),
            None,
        ],
        Some(ConnectivityType::Private) => [
            forbids("allocationId", args.allocation_id.is_some(), PRIVATE),
            forbids(
                "secondaryAllocationIds",
                args.secondary_allocation_ids.is_some(),
                PRIVATE,
            ),
        ],
    };
    failures.extend(addresses.into_iter().flatten());
    failures
}

fn check_regional(args: &NatGatewayArgs, kind: Option<ConnectivityType>) -> Vec<Failure> {
    const ZONAL: &str = "is for a zonal NAT gateway: leave it out, or set availabilityMode: zonal";
    let mut failures: Vec<Failure> = [
        needs(
            "vpcId",
            args.vpc_id.is_some(),
            "a regional NAT gateway serves a VPC: name it",
        ),
        forbids("subnetId", args.subnet_id.is_some(), ZONAL),
        forbids(
            "allocationId",
            args.allocation_id.is_some(),
            "is for a zonal NAT gateway: name Elastic IP addresses in availabilityZoneAddresses",
        ),
        forbids("privateIp", args.private_ip.is_some(), ZONAL),
        forbids("secondaryAllocationIds", args.secondary_allocation_ids.is_some(), ZONAL),
        forbids(
            "connectivityType",
            kind == Some(ConnectivityType::Private),
            "a regional NAT gateway is public: leave it out, or set availabilityMode: zonal",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    let zones = args.availability_zone_addresses.as_ref().and_then(Input::known);
    failures.extend(forbids(
        "availabilityZoneAddresses",
        zones.as_ref().is_some_and(BTreeSet::is_empty),
        "names no zone: leave it out, and AWS serves every zone",
    ));
    for (index, zone) in zones.iter().flatten().enumerate() {
        let which = exactly_one(
            "the zone",
            &[
                ("availabilityZone", zone.availability_zone.is_some()),
                ("availabilityZoneId", zone.availability_zone_id.is_some()),
            ],
        );
        failures.extend(which.into_iter().map(|failure| {
            // The set is sorted here, so the index need not be the user's own.
            Failure::at("availabilityZoneAddresses", format!("entry {index}: {failure}"))
        }));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(args: &NatGatewayArgs) -> Vec<String> {
        check(args).iter().map(|failure| failure.path.to_string()).collect()
    }

    fn zone(name: Option<&str>, id: Option<&str>) -> BTreeSet<AvailabilityZoneAddress> {
        BTreeSet::from([AvailabilityZoneAddress {
            availability_zone: name.map(|name| name.parse().unwrap()),
            availability_zone_id: id.map(str::to_owned),
            allocation_ids: BTreeSet::from(["eipalloc-0a".parse().unwrap()]),
        }])
    }

    #[test]
    fn a_zonal_one_is_in_a_subnet_and_has_an_address() {
        assert_eq!(paths(&NatGatewayArgs::new()), ["subnetId", "allocationId"]);
        let public = NatGatewayArgs::new()
            .subnet_id("subnet-0a")
            .allocation_id("eipalloc-0a");
        assert!(paths(&public).is_empty());
        assert_eq!(paths(&public.clone().vpc_id("vpc-0a")), ["vpcId"]);
        assert_eq!(
            paths(&public.connectivity_type(ConnectivityType::Private)),
            ["allocationId"]
        );
    }

    #[test]
    fn a_regional_one_is_in_a_vpc() {
        let regional = || NatGatewayArgs::new().availability_mode(AvailabilityMode::Regional);
        assert_eq!(paths(&regional()), ["vpcId"]);
        assert!(paths(&regional().vpc_id("vpc-0a")).is_empty());
        let mixed = regional()
            .vpc_id("vpc-0a")
            .subnet_id("subnet-0a")
            .allocation_id("eipalloc-0a");
        assert_eq!(paths(&mixed), ["subnetId", "allocationId"]);
        let named = |zones| regional().vpc_id("vpc-0a").availability_zone_addresses(zones);
        assert!(paths(&named(zone(Some("eu-central-1a"), None))).is_empty());
        assert!(paths(&named(zone(None, Some("euc1-az2")))).is_empty());
        assert_eq!(paths(&named(zone(None, None))), ["availabilityZoneAddresses"]);
    }

    #[test]
    fn what_is_not_known_yet_is_no_mistake() {
        let args = NatGatewayArgs::new()
            .subnet_id(crate::Output::<SubnetId>::unknown())
            .allocation_id(crate::Output::<AllocationId>::unknown());
        assert!(paths(&args).is_empty());
        let args = NatGatewayArgs::new().availability_mode(crate::Output::<AvailabilityMode>::unknown());
        assert!(paths(&args).is_empty());
    }
}
