//! A route table's association with a subnet or a gateway.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{GatewayId, RouteTableAssociationId, RouteTableId, SubnetId};
use crate::{Example, Failure, check::exactly_one, text::ec2_id, text_type};

/// Which route table a subnet uses, or which one takes the traffic that a gateway lets in.
///
/// A subnet without an association uses the VPC's main route table. Import it by the subnet's or the gateway's id.
#[resource("groundwork:ec2:RouteTableAssociation", RouteTableAssociationTarget, example = example, check = check)]
pub struct RouteTableAssociation;

text_type!(
    /// What a route table is associated with: the id of a subnet, an internet gateway or a virtual private gateway.
    /// It is the association's id as well, for AWS gives a new association id with every change of the table.
    RouteTableAssociationTarget, "the id of a subnet or a gateway", "subnet-0123456789abcdef0", |text| {
        ["subnet", "igw", "vgw"]
            .iter()
            .find_map(|prefix| ec2_id(text, prefix).ok())
            .ok_or_else(|| "expected `subnet-`, `igw-` or `vgw-` and lower-case hexadecimal digits".to_owned())
    }
);

impl RouteTableAssociationTarget {
    /// The subnet, if it is one.
    pub fn subnet(&self) -> Option<SubnetId> {
        self.0.parse().ok()
    }

    /// The gateway, if it is one.
    pub fn gateway(&self) -> Option<GatewayId> {
        self.0.parse().ok()
    }
}

impl From<&SubnetId> for RouteTableAssociationTarget {
    fn from(id: &SubnetId) -> Self {
        Self(id.to_string())
    }
}

impl From<&GatewayId> for RouteTableAssociationTarget {
    fn from(id: &GatewayId) -> Self {
        Self(id.to_string())
    }
}

/// A subnet or a gateway. Source: EC2 API Reference, `AssociateRouteTable`, `ReplaceRouteTableAssociation`.
#[shape]
pub struct RouteTableAssociationInputs {
    /// The subnet whose traffic the table directs.
    #[immutable]
    pub subnet_id: Option<SubnetId>,
    /// The gateway whose inbound traffic the table directs (a gateway route table).
    #[immutable]
    pub gateway_id: Option<GatewayId>,
    /// The route table, of the same VPC. Changing it swaps the table at once, without a gap.
    pub route_table_id: RouteTableId,
}

/// What AWS answers.
#[shape(outputs)]
pub struct RouteTableAssociationOutputs {
    /// AWS's id of the association; a new one whenever the table changes.
    pub association_id: RouteTableAssociationId,
    /// `associating`, `associated` or `failed`.
    pub state: String,
    /// AWS's words about the state, if it has any.
    pub status_message: Option<String>,
}

impl RouteTableAssociationInputs {
    /// The id; `None` only for inputs that Check refuses.
    pub fn target(&self) -> Option<RouteTableAssociationTarget> {
        let subnet = self.subnet_id.as_ref().map(RouteTableAssociationTarget::from);
        subnet.or_else(|| self.gateway_id.as_ref().map(RouteTableAssociationTarget::from))
    }
}

fn example() -> Example {
    Example {
        inputs: json!({"subnetId": "$groundwork:ec2:Subnet", "routeTableId": "$groundwork:ec2:RouteTable"}),
        update: json!({"routeTableId": "$groundwork:ec2:Vpc.mainRouteTableId"}),
        ..Example::default()
    }
}

fn check(args: &RouteTableAssociationArgs) -> Vec<Failure> {
    exactly_one(
        "what to associate the table with",
        &[
            ("subnetId", args.subnet_id.is_some()),
            ("gatewayId", args.gateway_id.is_some()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_association_is_with_a_subnet_or_a_gateway() {
        let args = || RouteTableAssociationArgs::new("rtb-0a");
        assert_eq!(check(&args()).len(), 1);
        assert!(check(&args().subnet_id("subnet-0a")).is_empty());
        assert!(check(&args().gateway_id("igw-0a")).is_empty());
        assert_eq!(check(&args().subnet_id("subnet-0a").gateway_id("igw-0a")).len(), 2);
        assert!(check(&args().subnet_id(crate::Output::<SubnetId>::unknown())).is_empty());
    }

    #[test]
    fn its_id_is_what_it_is_associated_with() {
        let id: RouteTableAssociationTarget = "subnet-0a".parse().unwrap();
        assert!(id.subnet().is_some() && id.gateway().is_none());
        let id: RouteTableAssociationTarget = "igw-0a".parse().unwrap();
        assert!(id.subnet().is_none() && id.gateway().is_some());
        assert!("rtbassoc-0a".parse::<RouteTableAssociationTarget>().is_err());
    }
}
