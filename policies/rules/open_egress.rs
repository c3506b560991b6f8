//! S8: a security group that lets everything out.

use groundwork_contract::{ec2::Direction, findings};

use super::traffic::{listed, traffic};
use crate::{Resource, Rule, Subject, Verdict};

pub(super) const RULE: Rule = Rule {
    name: "s8-open-egress",
    finding: &findings::OPEN_EGRESS,
    subject: Subject::Resource(check),
};

/// Every protocol to every address, by a rule of the group or by one that is a resource.
fn check(resource: &Resource) -> Verdict {
    let outgoing = traffic(resource, Direction::Egress);
    listed(
        outgoing
            .iter()
            .filter(|traffic| traffic.is_everywhere() && traffic.is_any_protocol()),
    )
}

#[cfg(test)]
mod tests {
    use groundwork_contract::ec2::{SecurityGroup, SecurityGroupRule};
    use serde_json::json;

    use super::*;

    #[test]
    fn it_speaks_of_everything_to_everywhere() {
        let group = json!({"egress": [
            {"protocol": "-1", "cidrIpv4": "0.0.0.0/0"},
            {"protocol": "-1", "cidrIpv6": "::/0"},
        ]});
        assert_eq!(
            check(&Resource::of::<SecurityGroup>("group", group)).as_deref(),
            Some("everything to 0.0.0.0/0, everything to ::/0")
        );
        let rule = json!({"direction": "egress", "protocol": "-1", "cidrIpv4": "0.0.0.0/0"});
        assert_eq!(
            check(&Resource::of::<SecurityGroupRule>("rule", rule)).as_deref(),
            Some("everything to 0.0.0.0/0")
        );
    }

    #[test]
    fn it_is_silent_where_egress_is_limited_absent_or_unknown() {
        let group = json!({
            "ingress": [{"protocol": "-1", "cidrIpv4": "0.0.0.0/0"}],
            "egress": [
                {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"},
                {"protocol": "-1", "cidrIpv4": "10.0.0.0/8"},
            ],
        });
        let group = Resource::of::<SecurityGroup>("group", group);
        assert_eq!(check(&group), None);
        assert_eq!(check(&group.unknown("egress")), None);
        assert_eq!(check(&Resource::of::<SecurityGroup>("none", json!({}))), None);
        let rule = json!({"direction": "egress", "protocol": "-1", "cidrIpv4": "0.0.0.0/0"});
        let rule = Resource::of::<SecurityGroupRule>("rule", rule);
        for property in ["direction", "protocol", "cidrIpv4"] {
            assert_eq!(check(&rule.clone().unknown(property)), None, "{property}");
        }
    }
}
