//! An Elastic IP address.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::AllocationId;
use crate::{Arn, Example, Ipv4Address, Tags};

/// An Elastic IP address: a public IPv4 address that stays until it is released.
#[resource("groundwork:ec2:Eip", AllocationId, example = example)]
pub struct Eip;

/// It is for use in VPCs (`Domain: vpc`), the only kind that AWS still has.
/// Source: EC2 API Reference, `AllocateAddress`.
#[shape]
pub struct EipInputs {
    /// The pool that the address comes from; AWS's own when none is given, an id such as `ipv4pool-ec2-0123456789abcdef0`
    /// for addresses that were brought along.
    #[immutable]
    #[computed]
    pub public_ipv4_pool: Option<String>,
    /// The group of zones from which AWS announces the address; the region's own when none is given, or a Local Zone's,
    /// such as `us-west-2-lax-1`.
    #[immutable]
    #[computed]
    pub network_border_group: Option<String>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct EipOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The allocation's id, which is the id as well.
    #[stable]
    pub allocation_id: AllocationId,
    /// The address.
    #[stable]
    pub public_ip: Ipv4Address,
}

fn example() -> Example {
    Example {
        inputs: json!({"tags": {"Name": "example"}}),
        update: json!({"tags": {"Name": "changed", "team": "platform"}}),
        ..Example::default()
    }
}
