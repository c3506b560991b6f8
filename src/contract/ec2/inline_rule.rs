//! A rule of a security group, and what it takes for one to make sense.

use std::collections::BTreeSet;

use groundwork_contract_derive::shape;
use groundwork_wire::{PropertyPath, PropertyValue};
use serde::de::DeserializeOwned;

use super::{PrefixListId, SecurityGroupId};
use crate::{Failure, FromProperties, Input, Ipv4Cidr, Ipv6Cidr, text_type};

text_type!(
    /// An IP protocol: `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all of them, or a number from 0 to 255.
    ///
    /// Source: EC2 API Reference, `IpPermission`; IANA, "Protocol Numbers".
    Protocol, "an IP protocol", "tcp", |text| {
        match text.to_ascii_lowercase().as_str() {
            "-1" | "all" => Ok("-1".to_owned()),
            "1" => Ok("icmp".to_owned()),
            "6" => Ok("tcp".to_owned()),
            "17" => Ok("udp".to_owned()),
            "58" => Ok("icmpv6".to_owned()),
            name @ ("tcp" | "udp" | "icmp" | "icmpv6") => Ok(name.to_owned()),
            number => number
                .parse::<u8>()
                .map(|number| number.to_string())
                .map_err(|_| "expected tcp, udp, icmp, icmpv6, a number from 0 to 255, or -1 for all".to_owned()),
        }
    }
);

impl Protocol {
    /// Whether it has ports: TCP and UDP do.
    pub fn has_ports(&self) -> bool {
        matches!(self.as_str(), "tcp" | "udp")
    }

    /// Whether its "ports" are a type and a code.
    pub fn is_icmp(&self) -> bool {
        matches!(self.as_str(), "icmp" | "icmpv6")
    }
}

/// A rule of a security group: what may come in from one source, or go out to one destination.
///
/// Exactly one of `cidrIpv4`, `cidrIpv6`, `prefixListId`, `referencedSecurityGroupId` and `self` is given.
/// Source: EC2 API Reference, `SecurityGroupRuleRequest`.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct InlineRule {
    /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all protocols and ports.
    pub protocol: Protocol,
    /// The first port (TCP, UDP), or the ICMP type, where -1 and nothing mean all. Nothing for other protocols.
    pub from_port: Option<i32>,
    /// The last port (TCP, UDP), or the ICMP code, where -1 and nothing mean all. Nothing for other protocols.
    pub to_port: Option<i32>,
    /// A range of IPv4 addresses.
    pub cidr_ipv4: Option<Ipv4Cidr>,
    /// A range of IPv6 addresses.
    pub cidr_ipv6: Option<Ipv6Cidr>,
    /// A prefix list.
    pub prefix_list_id: Option<PrefixListId>,
    /// Whatever has a security group.
    pub referenced_security_group_id: Option<SecurityGroupId>,
    /// Whatever has this security group itself.
    #[default(false)]
    pub self_: bool,
    /// What the rule is for: up to 255 characters.
    pub description: Option<String>,
}

/// What is known of an optional property.
pub(super) fn known<T: DeserializeOwned>(input: Option<&Input<T>>) -> Option<T> {
    input.and_then(Input::known)
}

/// The mistakes in one rule, each at its property below `path`.
pub(super) fn check_rule(path: &PropertyPath, rule: &InlineRuleArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    failures.extend(check_source(path, rule));
    if let Some(protocol) = rule.protocol.known() {
        failures.extend(check_ports(path, &protocol, rule));
    }
    if let Some(text) = known(rule.description.as_ref()) {
        failures.extend(check_text(&path.key("description"), &text));
    }
    failures
}

fn check_source(path: &PropertyPath, rule: &InlineRuleArgs) -> Option<Failure> {
    let itself = rule.self_.as_ref().map(Input::known);
    let given: Vec<&str> = [
        ("cidrIpv4", rule.cidr_ipv4.is_some()),
        ("cidrIpv6", rule.cidr_ipv6.is_some()),
        ("prefixListId", rule.prefix_list_id.is_some()),
        ("referencedSecurityGroupId", rule.referenced_security_group_id.is_some()),
        ("self", itself == Some(Some(true))),
    ]
    .into_iter()
    .filter_map(|(name, given)| given.then_some(name))
    .collect();
    match given.as_slice() {
        [_] => None,
        // A `self` that is not known yet may turn out to be the one.
        [] if itself == Some(None) => None,
        [] => Some(Failure::new(
            path.key("cidrIpv4"),
            "a rule needs a source or destination: give one of cidrIpv4, cidrIpv6, prefixListId, \
             referencedSecurityGroupId and self",
        )),
        [first, rest @ ..] => Some(Failure::new(
            path.key(rest.first().unwrap_or(first)),
            format!(
                "a rule has one source or destination, but this one has {}; write a rule for each",
                given.join(" and ")
            ),
        )),
    }
}

fn check_ports(path: &PropertyPath, protocol: &Protocol, rule: &InlineRuleArgs) -> Option<Failure> {
    let at = |name: &str, reason: String| Some(Failure::new(path.key(name), reason));
    let (from_given, to_given) = (rule.from_port.is_some(), rule.to_port.is_some());
    let (from, to) = (known(rule.from_port.as_ref()), known(rule.to_port.as_ref()));
    if protocol.has_ports() {
        if !from_given || !to_given {
            let name = if from_given { "toPort" } else { "fromPort" };
            return at(name, format!("is required for {protocol}; all ports are 0 to 65535"));
        }
        for (name, port) in [("fromPort", from), ("toPort", to)] {
            if let Some(port) = port.filter(|port| !(0..=65535).contains(port)) {
                return at(name, format!("a port is 0 to 65535, not {port}"));
            }
        }
        return match (from, to) {
            (Some(from), Some(to)) if from > to => {
                at("toPort", format!("is {to}, below fromPort {from}; exchange them"))
            }
            _ => None,
        };
    }
    if protocol.is_icmp() {
        for (name, value) in [("fromPort", from), ("toPort", to)] {
            if let Some(value) = value.filter(|value| !(-1..=255).contains(value)) {
                return at(
                    name,
                    format!("an ICMP type or code is 0 to 255, or -1 for all, not {value}"),
                );
            }
        }
        let all_types = !from_given || from == Some(-1);
        return match to {
            Some(code) if all_types && code != -1 => at(
                "toPort",
                format!("code {code} of all types makes no sense: give the type as fromPort"),
            ),
            _ => None,
        };
    }
    // Nothing, -1 and the whole range are three spellings of what AWS does anyway.
    let whole = |port: Option<i32>, last: i32| matches!(port, None | Some(-1 | 0)) || port == Some(last);
    (!whole(from, 0) || !whole(to, 65535)).then(|| {
        Failure::new(
            path.key("fromPort"),
            format!("protocol {protocol} is let through on all ports whatever is given here: leave the ports out, or give tcp or udp"),
        )
    })
}

/// The characters and the length that EC2 takes in names and descriptions of security groups and rules.
///
/// Source: EC2 API Reference, `CreateSecurityGroup`, `IpRange`.
pub(super) fn check_text(path: &PropertyPath, text: &str) -> Option<Failure> {
    let allowed = |letter: &char| letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(*letter);
    if let Some(letter) = text.chars().find(|letter| !allowed(letter)) {
        return Some(Failure::new(
            path.clone(),
            format!("contains {letter:?}; AWS takes letters, digits, spaces and ._-:/()#,@[]+=&;{{}}!$*"),
        ));
    }
    (text.len() > 255).then(|| Failure::new(path.clone(), format!("has {} characters; AWS takes 255", text.len())))
}

/// The mistakes in a set of rules: each rule's own, and rules that are there twice.
pub(super) fn check_rules(property: &str, rules: Option<&Input<BTreeSet<InlineRule>>>) -> Vec<Failure> {
    let path = PropertyPath::root().key(property);
    let Some(value) = rules.map(Input::peek) else {
        return Vec::new();
    };
    let PropertyValue::Array(items) = value.plain() else {
        return Vec::new();
    };
    let mut failures = Vec::new();
    let mut seen: Vec<(InlineRule, usize)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = path.index(index);
        if let PropertyValue::Object(map) = item.plain() {
            failures.extend(check_rule(&path, &InlineRuleArgs::from_properties(map)));
        }
        let Some(rule) = Input::<InlineRule>::from_property(item.clone()).known() else {
            continue;
        };
        let rule = InlineRule {
            description: None,
            ..rule
        };
        match seen.iter().find(|(other, _)| *other == rule) {
            Some((_, other)) => failures.push(Failure::new(
                path,
                format!("is the same rule as {property}[{other}]; a description does not make two of them"),
            )),
            None => seen.push((rule, index)),
        }
    }
    failures
}

#[cfg(test)]
#[path = "inline_rule_tests.rs"]
mod tests;
