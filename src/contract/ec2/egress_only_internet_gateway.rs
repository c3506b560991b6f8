//! An egress-only internet gateway.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{EgressOnlyInternetGatewayId, VpcId};
use crate::{Arn, Example, Tags};

/// An egress-only internet gateway: lets IPv6 out of a VPC to the internet, and nothing in.
#[resource("groundwork:ec2:EgressOnlyInternetGateway", EgressOnlyInternetGatewayId, example = example)]
pub struct EgressOnlyInternetGateway;

/// Source: EC2 API Reference, `CreateEgressOnlyInternetGateway`.
#[shape]
pub struct EgressOnlyInternetGatewayInputs {
    /// The VPC that it belongs to.
    #[immutable]
    pub vpc_id: VpcId,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct EgressOnlyInternetGatewayOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The attachment's state: `attached` once it carries traffic.
    pub attachment_state: String,
}

fn example() -> Example {
    Example {
        inputs: json!({"vpcId": "$groundwork:ec2:Vpc", "tags": {"Name": "example"}}),
        update: json!({"tags": {"Name": "changed", "team": "platform"}}),
        ..Example::default()
    }
}
