//! S7: a security group that lets something in from everywhere.

use groundwork_contract::{ec2::Direction, findings};

use super::{
    any_any_group,
    traffic::{Traffic, listed, traffic},
};
use crate::{Resource, Rule, Subject, Verdict};

pub(super) const RULE: Rule = Rule {
    name: "s7-wide-source",
    finding: &findings::WIDE_SOURCE,
    subject: Subject::Resource(check),
};

/// Anything from every address, unless S6 says already that the group is open to everyone.
pub(super) fn check(resource: &Resource) -> Verdict {
    if any_any_group::check(resource).is_some() {
        return None;
    }
    let incoming = traffic(resource, Direction::Ingress);
    listed(incoming.iter().filter(|traffic| Traffic::is_everywhere(traffic)))
}

#[cfg(test)]
mod tests {
    use groundwork_contract::ec2::{SecurityGroup, SecurityGroupRule};
    use serde_json::json;

    use super::*;

    #[test]
    fn it_speaks_of_a_source_that_is_everywhere() {
        let rule = json!({
            "direction": "ingress", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0",
        });
        let rule = Resource::of::<SecurityGroupRule>("rule", rule);
        assert_eq!(check(&rule).as_deref(), Some("tcp 443 from 0.0.0.0/0"));
        let half = json!({
            "direction": "ingress", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "128.0.0.0/1",
        });
        let half = Resource::of::<SecurityGroupRule>("rule", half);
        assert_eq!(check(&half).as_deref(), Some("tcp 443 from 128.0.0.0/1"));
        let protocol = check(&rule.unknown("protocol"));
        assert_eq!(protocol.as_deref(), Some("a protocol not known yet from 0.0.0.0/0"));
        let group = json!({"ingress": [
            {"protocol": "tcp", "fromPort": 0, "toPort": 65535, "cidrIpv6": "::/0"},
            {"protocol": "udp", "fromPort": 53, "toPort": 53, "cidrIpv4": "10.0.0.0/8"},
        ]});
        let group = Resource::of::<SecurityGroup>("group", group);
        assert_eq!(check(&group).as_deref(), Some("tcp 0-65535 from ::/0"));
    }

    #[test]
    fn it_is_silent_where_the_group_is_open_to_everyone_anyway() {
        let group = json!({"ingress": [
            {"protocol": "-1", "cidrIpv4": "0.0.0.0/0"},
            {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "0.0.0.0/0"},
        ]});
        let group = Resource::of::<SecurityGroup>("group", group);
        assert!(any_any_group::check(&group).is_some());
        assert_eq!(check(&group), None);
    }

    #[test]
    fn it_is_silent_where_the_source_is_limited_or_unknown() {
        let rule = json!({
            "direction": "ingress", "protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/16",
        });
        let rule = Resource::of::<SecurityGroupRule>("rule", rule);
        assert_eq!(check(&rule), None);
        assert_eq!(check(&rule.unknown("cidrIpv4")), None);
        let group = json!({
            "ingress": [{"protocol": "tcp", "fromPort": 1, "toPort": 2, "referencedSecurityGroupId": "sg-1"}],
            "egress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"}],
        });
        assert_eq!(check(&Resource::of::<SecurityGroup>("group", group)), None);
    }
}
