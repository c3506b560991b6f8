//! An internet gateway.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{InternetGatewayId, VpcId};
use crate::{AccountId, Arn, Example, Tags};

/// An internet gateway: the way between a VPC and the internet.
#[resource("groundwork:ec2:InternetGateway", InternetGatewayId, example = example)]
pub struct InternetGateway;

/// Source: EC2 API Reference, `CreateInternetGateway`, `AttachInternetGateway`, `DetachInternetGateway`.
#[shape]
pub struct InternetGatewayInputs {
    /// The VPC that it is attached to. A VPC has at most one internet gateway. Changing it detaches and attaches in
    /// place; AWS lets it be detached once no interface of the VPC has a public address any more.
    pub vpc_id: Option<VpcId>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct InternetGatewayOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns it.
    #[stable]
    pub owner_id: AccountId,
    /// The attachment's state: `available` once it carries traffic; absent when it is not attached.
    pub attachment_state: Option<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({"vpcId": "$groundwork:ec2:Vpc", "tags": {"Name": "example"}}),
        update: json!({"vpcId": null, "tags": {"Name": "changed"}}),
        ..Example::default()
    }
}
