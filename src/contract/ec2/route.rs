//! A route.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{
    CarrierGatewayId, EgressOnlyInternetGatewayId, GatewayId, LocalGatewayId, NatGatewayId, NetworkInterfaceId,
    PrefixListId, RouteTableId, TransitGatewayId, VpcEndpointId, VpcPeeringConnectionId,
};
use crate::{Arn, Example, Failure, Ipv4Cidr, Ipv6Cidr, check::exactly_one, text_type};

/// A route of a route table: which target takes the traffic for one destination.
#[resource("groundwork:ec2:Route", RouteId, example = example, check = check)]
pub struct Route;

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteDestination {
    /// A range of IPv4 addresses.
    Ipv4(Ipv4Cidr),
    /// A range of IPv6 addresses.
    Ipv6(Ipv6Cidr),
    /// The ranges of a prefix list.
    PrefixList(PrefixListId),
}

impl std::fmt::Display for RouteDestination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ipv4(cidr) => cidr.fmt(f),
            Self::Ipv6(cidr) => cidr.fmt(f),
            Self::PrefixList(id) => id.fmt(f),
        }
    }
}

text_type!(
    /// A route's id: its route table's id and its destination, as in `rtb-0123456789abcdef0_0.0.0.0/0`.
    RouteId, "a route's id", "rtb-0123456789abcdef0_0.0.0.0/0", |text| {
        split(text).map(|(table, destination)| format!("{table}_{destination}"))
    }
);

fn split(text: &str) -> Result<(RouteTableId, RouteDestination), String> {
    let (table, destination) = text
        .split_once('_')
        .ok_or("expected `<route table id>_<destination>`")?;
    let table = table.parse().map_err(|error| format!("{error}"))?;
    let destination = if destination.starts_with("pl-") {
        destination.parse().map(RouteDestination::PrefixList)
    } else if destination.contains(':') {
        destination.parse().map(RouteDestination::Ipv6)
    } else {
        destination.parse().map(RouteDestination::Ipv4)
    };
    Ok((table, destination.map_err(|error| format!("{error}"))?))
}

impl RouteId {
    /// The id of the route for a destination.
    pub fn new(table: &RouteTableId, destination: &RouteDestination) -> Self {
        Self(format!("{table}_{destination}"))
    }

    /// The table and the destination; `None` never comes, for an id is parsed when it is made.
    pub fn parts(&self) -> Option<(RouteTableId, RouteDestination)> {
        split(&self.0).ok()
    }
}

/// Exactly one destination, and exactly one target. Source: EC2 API Reference, `CreateRoute`, `ReplaceRoute`.
#[shape]
pub struct RouteInputs {
    /// The route table.
    #[immutable]
    pub route_table_id: RouteTableId,
    /// The IPv4 range that the route is for; `0.0.0.0/0` is everything without a closer route.
    #[immutable]
    pub destination_cidr_block: Option<Ipv4Cidr>,
    /// The IPv6 range that the route is for; `::/0` is everything without a closer route.
    #[immutable]
    pub destination_ipv6_cidr_block: Option<Ipv6Cidr>,
    /// The prefix list whose ranges the route is for.
    #[immutable]
    pub destination_prefix_list_id: Option<PrefixListId>,
    /// The target: an internet gateway or a virtual private gateway that is attached to the VPC.
    pub gateway_id: Option<GatewayId>,
    /// The target: a NAT gateway.
    pub nat_gateway_id: Option<NatGatewayId>,
    /// The target: an egress-only internet gateway. For IPv6 alone.
    pub egress_only_internet_gateway_id: Option<EgressOnlyInternetGatewayId>,
    /// The target: a network interface.
    pub network_interface_id: Option<NetworkInterfaceId>,
    /// The target: a transit gateway.
    pub transit_gateway_id: Option<TransitGatewayId>,
    /// The target: a VPC peering connection.
    pub vpc_peering_connection_id: Option<VpcPeeringConnectionId>,
    /// The target: a Gateway Load Balancer endpoint.
    pub vpc_endpoint_id: Option<VpcEndpointId>,
    /// The target: a carrier gateway (Wavelength Zones). For IPv4 alone.
    pub carrier_gateway_id: Option<CarrierGatewayId>,
    /// The target: a local gateway (Outposts).
    pub local_gateway_id: Option<LocalGatewayId>,
    /// The target: a core network of Cloud WAN.
    pub core_network_arn: Option<Arn>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct RouteOutputs {
    /// `active`, or `blackhole` when the target is gone or cannot be used: its traffic is dropped.
    pub state: String,
    /// `CreateRoute`, or how else the route came about.
    #[stable]
    pub origin: String,
}

impl RouteInputs {
    /// The destination; `None` only for inputs that Check refuses.
    pub fn destination(&self) -> Option<RouteDestination> {
        let ipv4 = || self.destination_cidr_block.clone().map(RouteDestination::Ipv4);
        let ipv6 = || self.destination_ipv6_cidr_block.clone().map(RouteDestination::Ipv6);
        let list = || {
            self.destination_prefix_list_id
                .clone()
                .map(RouteDestination::PrefixList)
        };
        ipv4().or_else(ipv6).or_else(list)
    }
}

fn example() -> Example {
    Example {
        inputs: json!({
            "routeTableId": "$groundwork:ec2:RouteTable",
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": "$groundwork:ec2:InternetGateway",
        }),
        update: json!({"gatewayId": null, "natGatewayId": "$groundwork:ec2:NatGateway"}),
        ..Example::default()
    }
}

fn check(args: &RouteArgs) -> Vec<Failure> {
    let mut failures = exactly_one(
        "a destination",
        &[
            ("destinationCidrBlock", args.destination_cidr_block.is_some()),
            ("destinationIpv6CidrBlock", args.destination_ipv6_cidr_block.is_some()),
            ("destinationPrefixListId", args.destination_prefix_list_id.is_some()),
        ],
    );
    failures.extend(exactly_one(
        "a target",
        &[
            ("gatewayId", args.gateway_id.is_some()),
            ("natGatewayId", args.nat_gateway_id.is_some()),
            (
                "egressOnlyInternetGatewayId",
                args.egress_only_internet_gateway_id.is_some(),
            ),
            ("networkInterfaceId", args.network_interface_id.is_some()),
            ("transitGatewayId", args.transit_gateway_id.is_some()),
            ("vpcPeeringConnectionId", args.vpc_peering_connection_id.is_some()),
            ("vpcEndpointId", args.vpc_endpoint_id.is_some()),
            ("carrierGatewayId", args.carrier_gateway_id.is_some()),
            ("localGatewayId", args.local_gateway_id.is_some()),
            ("coreNetworkArn", args.core_network_arn.is_some()),
        ],
    ));
    if args.egress_only_internet_gateway_id.is_some() && args.destination_cidr_block.is_some() {
        failures.push(Failure::at(
            "egressOnlyInternetGatewayId",
            "takes IPv6 traffic alone: give destinationIpv6CidrBlock instead of destinationCidrBlock",
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> RouteArgs {
        RouteArgs::new("rtb-0a")
    }

    #[test]
    fn a_route_has_one_destination_and_one_target() {
        assert_eq!(check(&args()).len(), 2);
        let one = args().destination_cidr_block("0.0.0.0/0").gateway_id("igw-0a");
        assert!(check(&one).is_empty());
        let two = one.nat_gateway_id("nat-0a");
        assert_eq!(check(&two).len(), 2, "each of the two is named");
        let unknown = args()
            .destination_cidr_block("0.0.0.0/0")
            .nat_gateway_id(crate::Output::<NatGatewayId>::unknown());
        assert!(check(&unknown).is_empty());
    }

    #[test]
    fn an_egress_only_gateway_takes_no_ipv4() {
        let ipv4 = args()
            .destination_cidr_block("0.0.0.0/0")
            .egress_only_internet_gateway_id("eigw-0a");
        assert_eq!(check(&ipv4).len(), 1);
        let ipv6 = args()
            .destination_ipv6_cidr_block("::/0")
            .egress_only_internet_gateway_id("eigw-0a");
        assert!(check(&ipv6).is_empty());
    }

    #[test]
    fn ids_name_table_and_destination() {
        for (text, canonical) in [
            ("rtb-0a_0.0.0.0/0", "rtb-0a_0.0.0.0/0"),
            ("rtb-0a_2001:0DB8::/32", "rtb-0a_2001:db8::/32"),
            ("rtb-0a_pl-0b", "rtb-0a_pl-0b"),
        ] {
            let id: RouteId = text.parse().unwrap();
            assert_eq!(id.as_str(), canonical);
            let (table, destination) = id.parts().unwrap();
            assert_eq!(RouteId::new(&table, &destination), id);
        }
        for text in ["rtb-0a", "rtb-0a_", "vpc-0a_0.0.0.0/0", "rtb-0a_10.0.0.1/8", "no id!"] {
            assert!(text.parse::<RouteId>().is_err(), "{text}");
        }
    }
}
