//! A route table.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{RouteTableId, VpcId};
use crate::{AccountId, Arn, Example, Tags};

/// A route table: where traffic goes that leaves the subnets that it is associated with.
///
/// Its routes are resources of their own (`Route`); the route within the VPC is always there.
#[resource("groundwork:ec2:RouteTable", RouteTableId, example = example)]
pub struct RouteTable;

/// Source: EC2 API Reference, `CreateRouteTable`.
#[shape]
pub struct RouteTableInputs {
    /// The VPC that it belongs to.
    #[immutable]
    pub vpc_id: VpcId,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct RouteTableOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns it.
    #[stable]
    pub owner_id: AccountId,
}

fn example() -> Example {
    Example {
        inputs: json!({"vpcId": "$groundwork:ec2:Vpc", "tags": {"Name": "example"}}),
        update: json!({"tags": {"Name": "changed", "team": "platform"}}),
        ..Example::default()
    }
}
