use aws_sdk_ec2::types::ReferencedSecurityGroup;
use serde_json::json;

use super::*;

fn group() -> SecurityGroupId {
    "sg-0a".parse().unwrap()
}

fn rule(json: serde_json::Value) -> InlineRule {
    serde_json::from_value(json).unwrap()
}

fn key(json: serde_json::Value) -> Key {
    Key::of(&rule(json), &group()).unwrap()
}

fn answered(id: &str, protocol: &str, ports: i32, cidr: &str, description: Option<&str>) -> (String, LiveRule) {
    let rule = AwsRule::builder()
        .security_group_rule_id(id)
        .is_egress(false)
        .ip_protocol(protocol)
        .from_port(ports)
        .to_port(ports)
        .cidr_ipv4(cidr)
        .set_description(description.map(str::to_owned))
        .build();
    (id.to_owned(), LiveRule::read(&rule).unwrap())
}

#[test]
fn spellings_of_one_rule_have_one_key() {
    let all = key(json!({"protocol": "-1", "cidrIpv4": "0.0.0.0/0"}));
    for ports in [(0, 0), (-1, -1), (0, 65535)] {
        let spelled = json!({"protocol": "all", "fromPort": ports.0, "toPort": ports.1, "cidrIpv4": "0.0.0.0/0"});
        assert_eq!(key(spelled), all);
    }
    assert_eq!(
        key(json!({"protocol": "6", "fromPort": 1, "toPort": 2, "self": true})),
        key(json!({"protocol": "TCP", "fromPort": 1, "toPort": 2, "referencedSecurityGroupId": "sg-0a"})),
    );
    assert_eq!(
        key(json!({"protocol": "icmp", "self": true})),
        key(json!({"protocol": "1", "fromPort": -1, "toPort": -1, "self": true})),
    );
    assert_eq!(
        key(json!({"protocol": "-1", "cidrIpv6": "0::0/0"})),
        key(json!({"protocol": "-1", "cidrIpv6": "::/0"})),
    );
    assert_ne!(
        key(json!({"protocol": "tcp", "fromPort": 1, "toPort": 2, "self": true})),
        key(json!({"protocol": "udp", "fromPort": 1, "toPort": 2, "self": true})),
    );
}

#[test]
fn a_rule_is_read_as_it_was_written() {
    let written = rule(json!({
        "protocol": "all", "fromPort": 0, "toPort": 0, "cidrIpv4": "10.0.0.0/16", "description": "",
    }));
    let (_, live) = answered("sgr-1", "-1", -1, "10.0.0.0/16", None);
    assert_eq!(live.clone().spelled(&group(), [&written]), written);
    assert_eq!(
        live.spelled(&group(), []),
        rule(json!({"protocol": "-1", "cidrIpv4": "10.0.0.0/16"}))
    );
}

#[test]
fn another_description_is_a_difference() {
    let written = rule(json!({"protocol": "-1", "cidrIpv4": "10.0.0.0/16", "description": "ours"}));
    let (_, live) = answered("sgr-1", "-1", -1, "10.0.0.0/16", Some("theirs"));
    assert_eq!(
        live.spelled(&group(), [&written]).description.as_deref(),
        Some("theirs")
    );
}

#[test]
fn the_groups_own_members_are_itself() {
    let own = AwsRule::builder()
        .security_group_rule_id("sgr-1")
        .is_egress(true)
        .ip_protocol("tcp")
        .from_port(1)
        .to_port(2)
        .referenced_group_info(ReferencedSecurityGroup::builder().group_id("sg-0a").build())
        .build();
    let spelled = LiveRule::read(&own).unwrap().spelled(&group(), []);
    assert_eq!(
        spelled,
        rule(json!({"protocol": "tcp", "fromPort": 1, "toPort": 2, "self": true}))
    );
}

#[test]
fn a_groups_own_list_says_the_same_as_the_list_of_rules() {
    let listed = AwsGroup::builder()
        .ip_permissions(
            key(json!({"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/16"})).permission(None),
        )
        .ip_permissions(key(json!({"protocol": "-1", "self": true})).permission(Some("each other".to_owned())))
        .ip_permissions_egress(key(json!({"protocol": "-1", "cidrIpv4": "0.0.0.0/0"})).permission(None))
        .build();
    let rules = of_group(&listed).unwrap();
    assert_eq!(rules[0].key, answered("sgr-1", "tcp", 22, "10.0.0.0/16", None).1.key);
    assert_eq!(rules[1].description.as_deref(), Some("each other"));
    assert!(rules[2].is_default());
    assert_eq!(spelled(&rules, Direction::Egress, &group(), None).len(), 1);
}

#[test]
fn what_aws_lets_out_of_a_new_group_is_known() {
    assert!(key(json!({"protocol": "-1", "cidrIpv4": "0.0.0.0/0"})).lets_all_out());
    assert!(key(json!({"protocol": "-1", "cidrIpv6": "::/0"})).lets_all_out());
    assert!(!key(json!({"protocol": "-1", "cidrIpv4": "10.0.0.0/8"})).lets_all_out());
    assert!(!key(json!({"protocol": "tcp", "fromPort": 1, "toPort": 2, "cidrIpv4": "0.0.0.0/0"})).lets_all_out());
}
