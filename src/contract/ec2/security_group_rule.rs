//! One rule of a security group, managed by itself.

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::PropertyPath;
use serde_json::json;

use super::{
    InlineRule, InlineRuleArgs, PrefixListId, Protocol, SecurityGroupId, SecurityGroupRuleId, inline_rule::check_rule,
};
use crate::{Arn, Example, Failure, Ipv4Cidr, Ipv6Cidr, Tags};

/// One rule of a security group, managed by itself: for groups that several parties add to, and for two groups that name
/// each other.
///
/// Exactly one of `cidrIpv4`, `cidrIpv6`, `prefixListId`, `referencedSecurityGroupId` and `self` is given. Another value of
/// the same property is changed in place; another property replaces the rule.
#[resource("groundwork:ec2:SecurityGroupRule", SecurityGroupRuleId, example = example, check = check)]
pub struct SecurityGroupRule;

/// Source: EC2 API Reference, `AuthorizeSecurityGroupIngress`, `AuthorizeSecurityGroupEgress`,
/// `ModifySecurityGroupRules`.
#[shape]
pub struct SecurityGroupRuleInputs {
    /// The group that the rule belongs to.
    #[immutable]
    pub security_group_id: SecurityGroupId,
    /// Which way.
    #[immutable]
    pub direction: Direction,
    /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all protocols and ports.
    pub protocol: Protocol,
    /// The first port (TCP, UDP), or the ICMP type, where -1 and nothing mean all. Nothing for other protocols.
    pub from_port: Option<i32>,
    /// The last port (TCP, UDP), or the ICMP code, where -1 and nothing mean all. Nothing for other protocols.
    pub to_port: Option<i32>,
    /// A range of IPv4 addresses.
    #[variant]
    pub cidr_ipv4: Option<Ipv4Cidr>,
    /// A range of IPv6 addresses.
    #[variant]
    pub cidr_ipv6: Option<Ipv6Cidr>,
    /// A prefix list.
    #[variant]
    pub prefix_list_id: Option<PrefixListId>,
    /// Whatever has a security group.
    #[variant]
    pub referenced_security_group_id: Option<SecurityGroupId>,
    /// Whatever has this security group itself.
    #[immutable]
    #[default(false)]
    pub self_: bool,
    /// What the rule is for: up to 255 characters.
    pub description: Option<String>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// Which way traffic goes.
#[shape]
pub enum Direction {
    /// To what has the group.
    Ingress,
    /// From what has the group.
    Egress,
}

/// What AWS answers.
#[shape(outputs)]
pub struct SecurityGroupRuleOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns the group.
    #[stable]
    pub owner_id: String,
}

impl SecurityGroupRuleInputs {
    /// The rule without its group, its direction and its tags.
    #[must_use]
    pub fn rule(&self) -> InlineRule {
        InlineRule {
            protocol: self.protocol.clone(),
            from_port: self.from_port,
            to_port: self.to_port,
            cidr_ipv4: self.cidr_ipv4.clone(),
            cidr_ipv6: self.cidr_ipv6.clone(),
            prefix_list_id: self.prefix_list_id.clone(),
            referenced_security_group_id: self.referenced_security_group_id.clone(),
            self_: self.self_,
            description: self.description.clone(),
        }
    }

    /// A rule with its group, its direction and its tags.
    #[must_use]
    pub fn of(security_group_id: SecurityGroupId, direction: Direction, rule: InlineRule, tags: Option<Tags>) -> Self {
        let InlineRule {
            protocol,
            from_port,
            to_port,
            cidr_ipv4,
            cidr_ipv6,
            prefix_list_id,
            referenced_security_group_id,
            self_,
            description,
        } = rule;
        Self {
            security_group_id,
            direction,
            protocol,
            from_port,
            to_port,
            cidr_ipv4,
            cidr_ipv6,
            prefix_list_id,
            referenced_security_group_id,
            self_,
            description,
            tags,
        }
    }
}

impl From<SecurityGroupRuleArgs> for InlineRuleArgs {
    /// The rule without what only a resource of its own has.
    fn from(rule: SecurityGroupRuleArgs) -> Self {
        let SecurityGroupRuleArgs {
            security_group_id: _,
            direction: _,
            protocol,
            from_port,
            to_port,
            cidr_ipv4,
            cidr_ipv6,
            prefix_list_id,
            referenced_security_group_id,
            self_,
            description,
            tags: _,
        } = rule;
        Self {
            protocol,
            from_port,
            to_port,
            cidr_ipv4,
            cidr_ipv6,
            prefix_list_id,
            referenced_security_group_id,
            self_,
            description,
        }
    }
}

fn example() -> Example {
    Example {
        inputs: json!({
            "securityGroupId": "$groundwork:ec2:SecurityGroup",
            "direction": "egress",
            "protocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "0.0.0.0/0",
            "description": "HTTPS to anywhere",
            "tags": {"Name": "example"},
        }),
        update: json!({
            "fromPort": 80,
            "cidrIpv4": "10.0.0.0/8",
            "description": "The web within",
            "tags": {"Name": "changed"},
        }),
        ..Example::default()
    }
}

fn check(args: &SecurityGroupRuleArgs) -> Vec<Failure> {
    check_rule(&PropertyPath::root(), &InlineRuleArgs::from(args.clone()))
}
