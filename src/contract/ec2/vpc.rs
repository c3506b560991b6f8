//! A virtual private cloud.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{NetworkAclId, RouteTableId, SecurityGroupId, VpcId};
use crate::{Arn, Example, Failure, Ipv4Cidr, Ipv6Cidr, Tags};

/// A virtual private cloud: an address range of its own in one region.
#[resource("groundwork:ec2:Vpc", VpcId, example = example, check = check)]
pub struct Vpc;

/// Source: EC2 API Reference, `CreateVpc`, `ModifyVpcAttribute`.
#[shape]
pub struct VpcInputs {
    /// The IPv4 range, /16 to /28.
    #[immutable]
    pub cidr_block: Ipv4Cidr,
    /// Whether instances get DNS names. Needed by private endpoints and by EKS.
    #[default(false)]
    pub enable_dns_hostnames: bool,
    /// Whether Amazon's DNS server answers in the VPC.
    #[default(true)]
    pub enable_dns_support: bool,
    /// Whether Amazon gives an IPv6 range (/56). It can be added and taken away later.
    #[default(false)]
    pub amazon_provided_ipv6_cidr_block: bool,
    /// Whether network address usage metrics are collected.
    #[default(false)]
    pub enable_network_address_usage_metrics: bool,
    /// Whether instances run on shared hardware. `dedicated` costs more and can be changed to `default` alone.
    #[immutable]
    #[default(Tenancy::Default)]
    pub instance_tenancy: Tenancy,
    /// Tags.
    pub tags: Option<Tags>,
}

/// Whose hardware instances run on.
#[shape]
pub enum Tenancy {
    /// Shared hardware.
    Default,
    /// Hardware of one's own.
    Dedicated,
}

/// What AWS answers.
#[shape(outputs)]
pub struct VpcOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns it.
    #[stable]
    pub owner_id: String,
    /// The security group that things without one get.
    #[stable]
    pub default_security_group_id: SecurityGroupId,
    /// The route table of subnets without one.
    #[stable]
    pub main_route_table_id: RouteTableId,
    /// The network ACL of subnets without one.
    #[stable]
    pub default_network_acl_id: NetworkAclId,
    /// The IPv6 range, when there is one.
    pub ipv6_cidr_block: Option<Ipv6Cidr>,
    /// `pending` or `available`.
    pub state: String,
}

fn example() -> Example {
    Example {
        inputs: json!({"cidrBlock": "10.0.0.0/16", "tags": {"Name": "example"}}),
        update: json!({"enableDnsHostnames": true, "tags": {"Name": "changed", "team": "platform"}}),
        ..Example::default()
    }
}

fn check(args: &VpcArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(cidr) = args.cidr_block.known()
        && !(16..=28).contains(&cidr.prefix())
    {
        failures.push(Failure::at(
            "cidrBlock",
            format!("a VPC's range is /16 to /28, not /{}", cidr.prefix()),
        ));
    }
    let known = |input: &Option<crate::Input<bool>>| input.as_ref().and_then(crate::Input::known);
    if known(&args.enable_dns_hostnames) == Some(true) && known(&args.enable_dns_support) == Some(false) {
        failures.push(Failure::at("enableDnsHostnames", "needs enableDnsSupport: true"));
    }
    failures
}
