use serde_json::json;

use super::*;

fn reasons(rule: &serde_json::Value) -> Vec<String> {
    let rules = Input::from_property(PropertyValue::from(json!([rule])));
    check_rules("ingress", Some(&rules))
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn rule(given: &serde_json::Value) -> serde_json::Value {
    let mut rule = json!({"cidrIpv4": "10.0.0.0/16"});
    rule.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
    rule
}

#[test]
fn protocols_have_one_spelling() {
    for (given, canonical) in [
        ("TCP", "tcp"),
        ("6", "tcp"),
        ("58", "icmpv6"),
        ("all", "-1"),
        ("050", "50"),
        ("47", "47"),
    ] {
        assert_eq!(given.parse::<Protocol>().unwrap().as_str(), canonical);
    }
    assert!("256".parse::<Protocol>().is_err());
    assert!("https".parse::<Protocol>().is_err());
}

#[test]
fn good_rules_pass() {
    for good in [
        json!({"protocol": "tcp", "fromPort": 443, "toPort": 443}),
        json!({"protocol": "17", "fromPort": 0, "toPort": 65535}),
        json!({"protocol": "-1"}),
        json!({"protocol": "-1", "fromPort": 0, "toPort": 0}),
        json!({"protocol": "-1", "fromPort": -1, "toPort": -1}),
        json!({"protocol": "50"}),
        json!({"protocol": "icmp"}),
        json!({"protocol": "icmp", "fromPort": 8, "toPort": 0}),
        json!({"protocol": "icmp", "fromPort": 3, "toPort": -1}),
    ] {
        assert_eq!(reasons(&rule(&good)), Vec::<String>::new());
    }
    assert!(reasons(&json!({"protocol": "-1", "self": true})).is_empty());
}

#[test]
fn ports_fit_their_protocol() {
    for (bad, at, why) in [
        (json!({"protocol": "tcp"}), "fromPort", "is required"),
        (json!({"protocol": "tcp", "fromPort": 1}), "toPort", "is required"),
        (
            json!({"protocol": "udp", "fromPort": 20, "toPort": 10}),
            "toPort",
            "below",
        ),
        (
            json!({"protocol": "udp", "fromPort": 0, "toPort": 65536}),
            "toPort",
            "0 to 65535",
        ),
        (
            json!({"protocol": "tcp", "fromPort": -1, "toPort": -1}),
            "fromPort",
            "0 to 65535",
        ),
        (
            json!({"protocol": "-1", "fromPort": 443, "toPort": 443}),
            "fromPort",
            "all ports",
        ),
        (json!({"protocol": "icmp", "fromPort": 300}), "fromPort", "0 to 255"),
        (
            json!({"protocol": "icmp", "fromPort": -1, "toPort": 0}),
            "toPort",
            "makes no sense",
        ),
    ] {
        let found = reasons(&rule(&bad));
        assert!(
            matches!(found.as_slice(), [one] if one.contains(at) && one.contains(why)),
            "{found:?}"
        );
    }
}

#[test]
fn a_rule_has_exactly_one_source() {
    let all = json!({"protocol": "-1"});
    assert!(reasons(&all)[0].contains("needs a source"));
    let two = reasons(&rule(&json!({"protocol": "-1", "self": true})));
    assert!(two[0].contains("cidrIpv4 and self"), "{two:?}");
}

#[test]
fn a_description_does_not_make_two_rules_of_one() {
    let rules = Input::from_property(PropertyValue::from(json!([
        rule(&json!({"protocol": "tcp", "fromPort": 1, "toPort": 2, "description": "one"})),
        rule(&json!({"protocol": "6", "fromPort": 1, "toPort": 2})),
    ])));
    let found = check_rules("egress", Some(&rules));
    assert_eq!(found[0].path.to_string(), "egress[1]");
}

#[test]
fn what_is_unknown_is_skipped_and_only_that() {
    let mut one = PropertyValue::from(rule(&json!({"protocol": "tcp", "fromPort": 5, "toPort": 4})));
    if let PropertyValue::Object(map) = &mut one {
        map.insert("cidrIpv4".to_owned(), PropertyValue::UNKNOWN);
    }
    let rules = Input::from_property(PropertyValue::Array(vec![PropertyValue::UNKNOWN, one]));
    let found = check_rules("ingress", Some(&rules));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path.to_string(), "ingress[1].toPort");
}

#[test]
fn text_is_what_aws_takes() {
    let path = PropertyPath::root();
    assert!(check_text(&path, "HTTPS (from the VPC), 443").is_none());
    assert!(check_text(&path, "<any>").is_some());
    assert!(check_text(&path, "für alle").is_some());
    assert!(check_text(&path, &"x".repeat(256)).is_some());
}
