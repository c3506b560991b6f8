//! What the rules about security groups share: the traffic that a resource lets through.

use std::{collections::BTreeSet, fmt};

use groundwork_contract::{
    FromProperties, Input, Ipv4Cidr, Ipv6Cidr,
    ec2::{DefaultSecurityGroup, Direction, InlineRule, InlineRuleArgs, SecurityGroup, SecurityGroupRule},
};
use groundwork_wire::PropertyValue;

use crate::Resource;

/// What a rule of a security group lets through, with whatever is not known left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traffic {
    /// The protocol, as AWS has it; `-1` for all.
    protocol: Option<String>,
    ports: (Option<i32>, Option<i32>),
    direction: Direction,
    /// The whole of IPv4 or IPv6, or so much that a few such rules make it so.
    everywhere: Option<String>,
}

impl Traffic {
    fn new(direction: Direction, rule: &InlineRuleArgs) -> Self {
        let cidr_ipv4 = rule.cidr_ipv4.as_ref().and_then(Input::known);
        let cidr_ipv6 = rule.cidr_ipv6.as_ref().and_then(Input::known);
        let port = |port: &Option<Input<i32>>| port.as_ref().and_then(Input::known);
        Self {
            protocol: rule.protocol.known().map(|protocol| protocol.as_str().to_owned()),
            ports: (port(&rule.from_port), port(&rule.to_port)),
            direction,
            everywhere: cidr_ipv4
                .filter(Ipv4Cidr::is_wide)
                .map(|cidr| cidr.to_string())
                .or_else(|| cidr_ipv6.filter(Ipv6Cidr::is_wide).map(|cidr| cidr.to_string())),
        }
    }

    /// Whether it comes from, or goes to, every address.
    pub(super) fn is_everywhere(&self) -> bool {
        self.everywhere.is_some()
    }

    /// Whether it is of every protocol; `false` while that is not known.
    pub(super) fn is_any_protocol(&self) -> bool {
        self.protocol.as_deref() == Some("-1")
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol.as_deref() {
            None => f.write_str("a protocol not known yet")?,
            Some("-1") => f.write_str("everything")?,
            Some(protocol @ ("tcp" | "udp")) => match self.ports {
                (Some(first), Some(last)) if first == last => write!(f, "{protocol} {first}")?,
                (Some(first), Some(last)) => write!(f, "{protocol} {first}-{last}")?,
                _ => write!(f, "{protocol} of ports not known yet")?,
            },
            Some(protocol @ ("icmp" | "icmpv6")) => f.write_str(protocol)?,
            Some(number) => write!(f, "protocol {number}")?,
        }
        f.write_str(match self.direction {
            Direction::Ingress => " from ",
            Direction::Egress => " to ",
        })?;
        f.write_str(self.everywhere.as_deref().unwrap_or("somewhere"))
    }
}

/// What a resource lets through in one direction: a group by its inline rules, a rule by itself.
pub(super) fn traffic(resource: &Resource, direction: Direction) -> Vec<Traffic> {
    if let Some(group) = resource.args::<SecurityGroup>() {
        inline(direction, pick(direction, group.ingress, group.egress).as_ref())
    } else if let Some(group) = resource.args::<DefaultSecurityGroup>() {
        inline(direction, pick(direction, group.ingress, group.egress).as_ref())
    } else if let Some(rule) = resource.args::<SecurityGroupRule>() {
        let its = rule.direction.known();
        (its == Some(direction))
            .then(|| Traffic::new(direction, &rule.into()))
            .into_iter()
            .collect()
    } else {
        Vec::new()
    }
}

fn pick<T>(direction: Direction, ingress: T, egress: T) -> T {
    match direction {
        Direction::Ingress => ingress,
        Direction::Egress => egress,
    }
}

fn inline(direction: Direction, rules: Option<&Input<BTreeSet<InlineRule>>>) -> Vec<Traffic> {
    let rules = rules.map(Input::peek).unwrap_or_default();
    rules
        .as_array()
        .unwrap_or_default()
        .iter()
        .filter_map(PropertyValue::as_object)
        .map(|rule| Traffic::new(direction, &InlineRuleArgs::from_properties(rule)))
        .collect()
}

/// What a finding is about: some of the traffic, if any.
pub(super) fn listed<'a>(traffic: impl IntoIterator<Item = &'a Traffic>) -> Option<String> {
    let all: Vec<String> = traffic.into_iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(resource: &Resource, direction: Direction) -> Vec<String> {
        traffic(resource, direction).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_group_and_a_rule_say_the_same() {
        let rule = json!({"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"});
        let group = Resource::of::<SecurityGroup>("group", json!({"ingress": [rule], "egress": []}));
        let default = Resource::of::<DefaultSecurityGroup>("default", json!({"ingress": [rule]}));
        let mut by_itself = rule;
        by_itself["direction"] = "ingress".into();
        let rule = Resource::of::<SecurityGroupRule>("rule", by_itself);
        for resource in [group, default, rule] {
            assert_eq!(shown(&resource, Direction::Ingress), ["tcp 443 from 0.0.0.0/0"]);
            assert!(shown(&resource, Direction::Egress).is_empty());
        }
    }

    #[test]
    fn traffic_is_told_as_people_tell_it() {
        let group = Resource::of::<SecurityGroup>(
            "group",
            json!({"egress": [
                {"protocol": "all", "cidrIpv6": "::/0"},
                {"protocol": "UDP", "fromPort": 53, "toPort": 54, "cidrIpv4": "10.0.0.0/8"},
                {"protocol": "1", "self": true},
                {"protocol": "50", "cidrIpv4": "0.0.0.0/0"},
            ]}),
        );
        assert_eq!(
            shown(&group, Direction::Egress),
            [
                "everything to ::/0",
                "udp 53-54 to somewhere",
                "icmp to somewhere",
                "protocol 50 to 0.0.0.0/0"
            ]
        );
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let group = Resource::of::<SecurityGroup>("group", json!({})).unknown("ingress");
        assert!(traffic(&group, Direction::Ingress).is_empty());
        let rule = json!({"direction": "ingress", "protocol": "-1"});
        let rule = Resource::of::<SecurityGroupRule>("rule", rule);
        let source = rule.clone().unknown("cidrIpv4");
        assert!(!traffic(&source, Direction::Ingress)[0].is_everywhere());
        let protocol = rule.clone().unknown("protocol");
        assert!(!traffic(&protocol, Direction::Ingress)[0].is_any_protocol());
        assert!(traffic(&rule.unknown("direction"), Direction::Ingress).is_empty());
    }
}
