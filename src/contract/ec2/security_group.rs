//! A security group.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::PropertyPath;
use serde_json::json;

use super::{
    InlineRule, SecurityGroupId, VpcId,
    inline_rule::{check_rules, check_text, known},
};
use crate::{Arn, Example, Failure, Tags};

/// A security group: which traffic reaches, and leaves, whatever has it.
///
/// A new group lets nothing in and nothing out: the rule with which AWS lets everything out of a new group is taken off
/// unless `egress` lists it. Rules are either listed here, and then the lists are all there is, or managed apart by
/// `SecurityGroupRule`, and then they are not looked at. Do not mix the two for one direction of one group. A group that is
/// imported keeps the rules that it has until they are listed.
#[resource("groundwork:ec2:SecurityGroup", SecurityGroupId, example = example, check = check)]
pub struct SecurityGroup;

/// Source: EC2 API Reference, `CreateSecurityGroup`, `AuthorizeSecurityGroupIngress`, `AuthorizeSecurityGroupEgress`.
#[shape]
pub struct SecurityGroupInputs {
    /// The VPC that it belongs to.
    #[immutable]
    pub vpc_id: VpcId,
    /// Its name, unique in the VPC: up to 255 characters, not beginning with `sg-`. Made up when absent.
    #[immutable]
    #[autonamed]
    pub name: Option<String>,
    /// What it is for: 1 to 255 characters.
    #[immutable]
    #[default("Managed by Groundwork".to_owned())]
    pub description: String,
    /// All rules for what comes in; an empty list for none. When absent, rules are managed apart and not looked at.
    #[computed]
    pub ingress: Option<BTreeSet<InlineRule>>,
    /// All rules for what goes out; an empty list for none. When absent, rules are managed apart and not looked at,
    /// but for AWS's own, which is taken off once when the group is made.
    #[computed]
    pub egress: Option<BTreeSet<InlineRule>>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct SecurityGroupOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns it.
    #[stable]
    pub owner_id: String,
    /// Whether the rule with which AWS lets everything out of a new group has been seen to. From then on, rules that
    /// are not listed here are left alone.
    pub default_egress_settled: bool,
}

fn example() -> Example {
    let https = json!({
        "protocol": "tcp", "fromPort": 443, "toPort": 443,
        "cidrIpv4": "10.0.0.0/16", "description": "HTTPS from the VPC",
    });
    Example {
        inputs: json!({
            "vpcId": "$groundwork:ec2:Vpc",
            "name": "example",
            "description": "What the VPC may reach",
            "ingress": [https],
            "tags": {"Name": "example"},
        }),
        update: json!({
            "ingress": [
                {
                    "protocol": "tcp", "fromPort": 443, "toPort": 443,
                    "cidrIpv4": "10.0.0.0/16", "description": "HTTPS from anywhere in the VPC",
                },
                {"protocol": "-1", "self": true},
            ],
            "tags": {"Name": "changed", "team": "platform"},
        }),
        ..Example::default()
    }
}

fn check(args: &SecurityGroupArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    let at = |name: &str| PropertyPath::root().key(name);
    if let Some(name) = known(args.name.as_ref()) {
        failures.extend(check_text(&at("name"), &name));
        if name.is_empty() || name.trim() != name {
            failures.push(Failure::at(
                "name",
                "must have a first and a last character that are no spaces",
            ));
        }
        if name.starts_with("sg-") {
            failures.push(Failure::at(
                "name",
                "AWS keeps names that begin with `sg-` for ids; choose another",
            ));
        }
        if name.eq_ignore_ascii_case("default") {
            failures.push(Failure::at(
                "name",
                "is the VPC's own group's name; choose another, or manage that one as DefaultSecurityGroup",
            ));
        }
    }
    if let Some(text) = known(args.description.as_ref()) {
        failures.extend(check_text(&at("description"), &text));
        if text.is_empty() {
            failures.push(Failure::at(
                "description",
                "AWS takes no empty description; leave it out for the default",
            ));
        }
    }
    failures.extend(check_rules("ingress", args.ingress.as_ref()));
    failures.extend(check_rules("egress", args.egress.as_ref()));
    failures
}

#[cfg(test)]
mod tests {
    use groundwork_wire::{PropertyMap, PropertyValue};

    use super::*;
    use crate::descriptor::Descriptor;

    fn group(rules: &serde_json::Value) -> PropertyMap {
        let mut group = json!({"vpcId": "vpc-0a", "name": "web", "description": "The web"});
        group
            .as_object_mut()
            .unwrap()
            .extend(rules.as_object().unwrap().clone());
        match PropertyValue::from(group) {
            PropertyValue::Object(map) => map,
            _ => PropertyMap::new(),
        }
    }

    #[test]
    fn rules_of_others_are_a_difference_to_a_list_alone() {
        let all = json!({"protocol": "-1", "cidrIpv4": "0.0.0.0/0"});
        let theirs = group(&json!({"ingress": [all], "egress": [all]}));
        let paths = |rules| {
            let changes = Descriptor::of::<SecurityGroup>().diff(&theirs, &group(&rules));
            changes.keys().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(paths(json!({})).is_empty());
        assert!(paths(json!({"egress": [all]})).is_empty());
        assert_eq!(paths(json!({"ingress": []})), ["ingress"]);
        assert_eq!(paths(json!({"ingress": [], "egress": []})), ["egress", "ingress"]);
    }
}
