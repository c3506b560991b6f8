//! S6: a security group that lets everything in from everywhere.

use groundwork_contract::{ec2::Direction, findings};

use super::traffic::{Traffic, listed, traffic};
use crate::{Resource, Rule, Subject, Verdict};

pub(super) const RULE: Rule = Rule {
    name: "s6-any-any-group",
    finding: &findings::ANY_ANY_GROUP,
    subject: Subject::Resource(check),
};

/// Every protocol from every address, by a rule of the group or by one that is a resource.
pub(super) fn check(resource: &Resource) -> Verdict {
    let incoming = traffic(resource, Direction::Ingress);
    listed(incoming.iter().filter(|traffic| is_any_any(traffic)))
}

fn is_any_any(traffic: &Traffic) -> bool {
    traffic.is_everywhere() && traffic.is_any_protocol()
}

#[cfg(test)]
mod tests {
    use groundwork_contract::ec2::{DefaultSecurityGroup, SecurityGroup, SecurityGroupRule};
    use serde_json::json;

    use super::*;

    #[test]
    fn it_speaks_of_a_group_open_to_everyone() {
        let rules = json!([
            {"protocol": "-1", "cidrIpv4": "0.0.0.0/0"},
            {"protocol": "-1", "cidrIpv6": "::/0"},
            {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "0.0.0.0/0"},
        ]);
        let both = Some("everything from 0.0.0.0/0, everything from ::/0".to_owned());
        assert_eq!(
            check(&Resource::of::<SecurityGroup>("open", json!({"ingress": rules}))),
            both
        );
        assert_eq!(
            check(&Resource::of::<DefaultSecurityGroup>("open", json!({"ingress": rules}))),
            both
        );
    }

    #[test]
    fn it_speaks_of_a_rule_that_opens_its_group() {
        let rule = json!({"direction": "ingress", "protocol": "all", "cidrIpv6": "::/0"});
        let rule = Resource::of::<SecurityGroupRule>("open", rule).unknown("securityGroupId");
        assert_eq!(check(&rule).as_deref(), Some("everything from ::/0"));
    }

    #[test]
    fn it_is_silent_where_protocol_or_source_is_limited() {
        let group = json!({
            "ingress": [
                {"protocol": "-1", "self": true},
                {"protocol": "-1", "cidrIpv4": "10.0.0.0/16"},
                {"protocol": "tcp", "fromPort": 0, "toPort": 65535, "cidrIpv4": "0.0.0.0/0"},
            ],
            "egress": [{"protocol": "-1", "cidrIpv4": "0.0.0.0/0"}],
        });
        assert_eq!(check(&Resource::of::<SecurityGroup>("closed", group)), None);
        let egress = json!({"direction": "egress", "protocol": "-1", "cidrIpv4": "0.0.0.0/0"});
        assert_eq!(check(&Resource::of::<SecurityGroupRule>("out", egress)), None);
    }

    #[test]
    fn it_is_silent_about_what_is_unknown() {
        let rule = json!({"direction": "ingress", "protocol": "-1", "cidrIpv4": "0.0.0.0/0"});
        let rule = Resource::of::<SecurityGroupRule>("rule", rule);
        assert!(check(&rule).is_some());
        for property in ["direction", "protocol", "cidrIpv4"] {
            assert_eq!(check(&rule.clone().unknown(property)), None, "{property}");
        }
    }
}
