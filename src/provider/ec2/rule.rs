//! A rule of a security group: what AWS calls one, and what a user calls one.
//!
//! AWS knows a rule by group, direction, protocol, ports and source; its description and its tags are its own. It keeps
//! one spelling of each; users have several. Two rules are the same here when their [`Key`]s are.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId as AwsPrefixListId, SecurityGroup as AwsGroup,
    SecurityGroupRule as AwsRule, SecurityGroupRuleRequest, UserIdGroupPair,
};
use groundwork_contract::{
    Ipv4Cidr, Ipv6Cidr,
    ec2::{Direction, InlineRule, PrefixListId, Protocol, SecurityGroupId},
};

use super::parse;
use crate::error::{Error, Result};

/// What makes a rule the same as another of its group and direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    protocol: Protocol,
    /// Ports, or ICMP type and code, -1 for all; `None` for protocols without.
    range: Option<(i32, i32)>,
    source: Source,
}

/// Where traffic comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    V4(Ipv4Cidr),
    V6(Ipv6Cidr),
    PrefixList(PrefixListId),
    Group(SecurityGroupId),
}

/// The range of a protocol: AWS answers -1 where there is none.
fn range(protocol: &Protocol, from: Option<i32>, to: Option<i32>) -> Option<(i32, i32)> {
    (protocol.has_ports() || protocol.is_icmp()).then(|| (from.unwrap_or(-1), to.unwrap_or(-1)))
}

impl Key {
    /// The key of a rule as a user wrote it, in a group.
    pub(super) fn of(rule: &InlineRule, group: &SecurityGroupId) -> Result<Self> {
        let source = if let Some(cidr) = &rule.cidr_ipv4 {
            Source::V4(cidr.clone())
        } else if let Some(cidr) = &rule.cidr_ipv6 {
            Source::V6(cidr.clone())
        } else if let Some(list) = &rule.prefix_list_id {
            Source::PrefixList(list.clone())
        } else if let Some(other) = &rule.referenced_security_group_id {
            Source::Group(other.clone())
        } else if rule.self_ {
            Source::Group(group.clone())
        } else {
            return Err(Error::Invalid("a rule has neither source nor destination".to_owned()));
        };
        Ok(Self {
            protocol: rule.protocol.clone(),
            range: range(&rule.protocol, rule.from_port, rule.to_port),
            source,
        })
    }

    /// The key of a rule as AWS answers it.
    fn live(rule: &AwsRule) -> Result<Self> {
        let protocol: Protocol = parse(rule.ip_protocol(), "ipProtocol")?;
        let source = if let Some(cidr) = rule.cidr_ipv4() {
            Source::V4(parse(Some(cidr), "cidrIpv4")?)
        } else if let Some(cidr) = rule.cidr_ipv6() {
            Source::V6(parse(Some(cidr), "cidrIpv6")?)
        } else if let Some(list) = rule.prefix_list_id() {
            Source::PrefixList(parse(Some(list), "prefixListId")?)
        } else {
            let group = rule.referenced_group_info().and_then(|group| group.group_id());
            Source::Group(parse(group, "referencedGroupInfo")?)
        };
        Ok(Self {
            range: range(&protocol, rule.from_port(), rule.to_port()),
            protocol,
            source,
        })
    }

    /// The spelling that a user most likely chose.
    fn spelled(self, group: &SecurityGroupId, description: Option<String>) -> InlineRule {
        let Self {
            protocol,
            range,
            source,
        } = self;
        // All types and codes of ICMP go without saying.
        let range = range.filter(|range| *range != (-1, -1));
        let mut rule = InlineRule {
            protocol,
            from_port: range.map(|(from, _)| from),
            to_port: range.map(|(_, to)| to),
            cidr_ipv4: None,
            cidr_ipv6: None,
            prefix_list_id: None,
            referenced_security_group_id: None,
            self_: false,
            description,
        };
        match source {
            Source::V4(cidr) => rule.cidr_ipv4 = Some(cidr),
            Source::V6(cidr) => rule.cidr_ipv6 = Some(cidr),
            Source::PrefixList(list) => rule.prefix_list_id = Some(list),
            Source::Group(other) if other == *group => rule.self_ = true,
            Source::Group(other) => rule.referenced_security_group_id = Some(other),
        }
        rule
    }

    /// The rule with which AWS lets everything out of a new group.
    fn lets_all_out(&self) -> bool {
        self.protocol.as_str() == "-1"
            && match &self.source {
                Source::V4(cidr) => *cidr == Ipv4Cidr::everywhere(),
                Source::V6(cidr) => *cidr == Ipv6Cidr::everywhere(),
                Source::PrefixList(_) | Source::Group(_) => false,
            }
    }

    pub(super) fn permission(&self, description: Option<String>) -> IpPermission {
        let Self {
            protocol,
            range,
            source,
        } = self;
        let permission = IpPermission::builder()
            .ip_protocol(protocol.as_str())
            .set_from_port(range.map(|(from, _)| from))
            .set_to_port(range.map(|(_, to)| to));
        match source {
            Source::V4(cidr) => permission.ip_ranges(
                IpRange::builder()
                    .cidr_ip(cidr.as_str())
                    .set_description(description)
                    .build(),
            ),
            Source::V6(cidr) => permission.ipv6_ranges(
                Ipv6Range::builder()
                    .cidr_ipv6(cidr.as_str())
                    .set_description(description)
                    .build(),
            ),
            Source::PrefixList(list) => permission.prefix_list_ids(
                AwsPrefixListId::builder()
                    .prefix_list_id(list.as_str())
                    .set_description(description)
                    .build(),
            ),
            Source::Group(group) => permission.user_id_group_pairs(
                UserIdGroupPair::builder()
                    .group_id(group.as_str())
                    .set_description(description)
                    .build(),
            ),
        }
        .build()
    }
}

/// A description, where an empty one is none.
pub(super) fn described(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A rule as AWS takes it to authorize it.
pub(super) fn permission(rule: &InlineRule, group: &SecurityGroupId) -> Result<IpPermission> {
    Ok(Key::of(rule, group)?.permission(described(rule.description.as_deref())))
}

/// A rule as AWS takes it to change it.
pub(super) fn request(rule: &InlineRule, group: &SecurityGroupId) -> Result<SecurityGroupRuleRequest> {
    let Key {
        protocol,
        range,
        source,
    } = Key::of(rule, group)?;
    let request = SecurityGroupRuleRequest::builder()
        .ip_protocol(protocol.as_str())
        .set_from_port(range.map(|(from, _)| from))
        .set_to_port(range.map(|(_, to)| to))
        .set_description(described(rule.description.as_deref()));
    Ok(match source {
        Source::V4(cidr) => request.cidr_ipv4(cidr.as_str()),
        Source::V6(cidr) => request.cidr_ipv6(cidr.as_str()),
        Source::PrefixList(list) => request.prefix_list_id(list.as_str()),
        Source::Group(group) => request.referenced_group_id(group.as_str()),
    }
    .build())
}

/// A rule that is there.
#[derive(Debug, Clone)]
pub(super) struct LiveRule {
    /// What it is.
    pub(super) key: Key,
    /// What it is for.
    pub(super) description: Option<String>,
    /// Which way.
    pub(super) direction: Direction,
}

impl LiveRule {
    /// A rule as AWS answers it.
    pub(super) fn read(rule: &AwsRule) -> Result<Self> {
        Ok(Self {
            key: Key::live(rule)?,
            description: described(rule.description()),
            direction: if rule.is_egress() == Some(true) {
                Direction::Egress
            } else {
                Direction::Ingress
            },
        })
    }

    /// Whether it is a rule with which AWS lets everything out of a new group.
    pub(super) fn is_default(&self) -> bool {
        self.direction == Direction::Egress && self.description.is_none() && self.key.lets_all_out()
    }

    /// The rule as the user would write it: as in `last` where that means the same.
    pub(super) fn spelled<'a>(
        self,
        group: &SecurityGroupId,
        last: impl IntoIterator<Item = &'a InlineRule>,
    ) -> InlineRule {
        let given = last
            .into_iter()
            .find(|rule| Key::of(rule, group).is_ok_and(|key| key == self.key));
        match given {
            Some(rule) if described(rule.description.as_deref()) == self.description => rule.clone(),
            Some(rule) => InlineRule {
                description: self.description,
                ..rule.clone()
            },
            None => self.key.spelled(group, self.description),
        }
    }
}

/// The rules of a group as the group itself lists them: it is never seen without them, as it is in a list of rules that
/// lags behind.
pub(super) fn of_group(group: &AwsGroup) -> Result<Vec<LiveRule>> {
    let mut rules = Vec::new();
    for (direction, permissions) in [
        (Direction::Ingress, group.ip_permissions()),
        (Direction::Egress, group.ip_permissions_egress()),
    ] {
        for permission in permissions {
            rules.extend(of_permission(direction, permission)?);
        }
    }
    Ok(rules)
}

fn of_permission(direction: Direction, permission: &IpPermission) -> Result<Vec<LiveRule>> {
    let protocol: Protocol = parse(permission.ip_protocol(), "ipProtocol")?;
    let range = range(&protocol, permission.from_port(), permission.to_port());
    let rule = |source: Source, description: Option<&str>| LiveRule {
        key: Key {
            protocol: protocol.clone(),
            range,
            source,
        },
        description: described(description),
        direction,
    };
    let mut rules = Vec::new();
    for one in permission.ip_ranges() {
        rules.push(rule(Source::V4(parse(one.cidr_ip(), "cidrIp")?), one.description()));
    }
    for one in permission.ipv6_ranges() {
        rules.push(rule(Source::V6(parse(one.cidr_ipv6(), "cidrIpv6")?), one.description()));
    }
    for one in permission.prefix_list_ids() {
        let list = parse(one.prefix_list_id(), "prefixListId")?;
        rules.push(rule(Source::PrefixList(list), one.description()));
    }
    for one in permission.user_id_group_pairs() {
        rules.push(rule(
            Source::Group(parse(one.group_id(), "groupId")?),
            one.description(),
        ));
    }
    Ok(rules)
}

/// The rules of one direction as the user would write them.
pub(super) fn spelled(
    rules: &[LiveRule],
    direction: Direction,
    group: &SecurityGroupId,
    last: Option<&BTreeSet<InlineRule>>,
) -> BTreeSet<InlineRule> {
    rules
        .iter()
        .filter(|rule| rule.direction == direction)
        .map(|rule| rule.clone().spelled(group, last.into_iter().flatten()))
        .collect()
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
