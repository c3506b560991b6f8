//! The rules of a security group: from the ones that are there to the ones that are wanted.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::{
    Client,
    types::{IpPermission, SecurityGroupRule as AwsRule, SecurityGroupRuleDescription, TagSpecification},
};
use groundwork_contract::ec2::{Direction, InlineRule, SecurityGroupId};

use super::{
    filter, parse,
    rule::{Key, LiveRule, described},
};
use crate::{
    cx::Cx,
    error::{Kind, Result, aws},
};

/// Every rule of a group, by its id.
pub(super) async fn by_id(cx: &Cx, group: &SecurityGroupId) -> Result<Vec<(String, LiveRule)>> {
    let mut pages = cx
        .ec2()
        .describe_security_group_rules()
        .filters(filter("group-id", group.as_str()))
        .into_paginator()
        .send();
    let mut rules = Vec::new();
    while let Some(page) = pages.next().await {
        for rule in page
            .map_err(aws("ec2", "DescribeSecurityGroupRules"))?
            .security_group_rules()
        {
            let id = parse(rule.security_group_rule_id(), "securityGroupRuleId")?;
            rules.push((id, LiveRule::read(rule)?));
        }
    }
    Ok(rules)
}

/// Adds rules; all of them or none.
pub(super) async fn authorize(
    client: &Client,
    group: &SecurityGroupId,
    direction: Direction,
    permissions: Vec<IpPermission>,
    tags: Option<TagSpecification>,
) -> Result<Vec<AwsRule>> {
    let (permissions, tags) = (Some(permissions), tags.map(|tags| vec![tags]));
    match direction {
        Direction::Ingress => client
            .authorize_security_group_ingress()
            .group_id(group.as_str())
            .set_ip_permissions(permissions)
            .set_tag_specifications(tags)
            .send()
            .await
            .map_err(aws("ec2", "AuthorizeSecurityGroupIngress"))
            .map(|answer| answer.security_group_rules.unwrap_or_default()),
        Direction::Egress => client
            .authorize_security_group_egress()
            .group_id(group.as_str())
            .set_ip_permissions(permissions)
            .set_tag_specifications(tags)
            .send()
            .await
            .map_err(aws("ec2", "AuthorizeSecurityGroupEgress"))
            .map(|answer| answer.security_group_rules.unwrap_or_default()),
    }
}

/// Takes rules off; all of them or none.
pub(super) async fn revoke(cx: &Cx, group: &SecurityGroupId, direction: Direction, ids: Vec<String>) -> Result<()> {
    match direction {
        Direction::Ingress => cx
            .ec2()
            .revoke_security_group_ingress()
            .group_id(group.as_str())
            .set_security_group_rule_ids(Some(ids))
            .send()
            .await
            .map_err(aws("ec2", "RevokeSecurityGroupIngress"))
            .map(drop),
        Direction::Egress => cx
            .ec2()
            .revoke_security_group_egress()
            .group_id(group.as_str())
            .set_security_group_rule_ids(Some(ids))
            .send()
            .await
            .map_err(aws("ec2", "RevokeSecurityGroupEgress"))
            .map(drop),
    }
}

/// Gives rules other descriptions; none where there is none.
pub(super) async fn describe(
    cx: &Cx,
    group: &SecurityGroupId,
    direction: Direction,
    descriptions: impl IntoIterator<Item = (String, Option<String>)>,
) -> Result<()> {
    let descriptions = Some(
        descriptions
            .into_iter()
            .map(|(id, text)| {
                SecurityGroupRuleDescription::builder()
                    .security_group_rule_id(id)
                    .set_description(text)
                    .build()
            })
            .collect(),
    );
    match direction {
        Direction::Ingress => cx
            .ec2()
            .update_security_group_rule_descriptions_ingress()
            .group_id(group.as_str())
            .set_security_group_rule_descriptions(descriptions)
            .send()
            .await
            .map_err(aws("ec2", "UpdateSecurityGroupRuleDescriptionsIngress"))
            .map(drop),
        Direction::Egress => cx
            .ec2()
            .update_security_group_rule_descriptions_egress()
            .group_id(group.as_str())
            .set_security_group_rule_descriptions(descriptions)
            .send()
            .await
            .map_err(aws("ec2", "UpdateSecurityGroupRuleDescriptionsEgress"))
            .map(drop),
    }
}

/// What leads from the rules that are there to the ones that are wanted.
#[derive(Debug, Default, PartialEq)]
struct Steps {
    authorize: Vec<IpPermission>,
    describe: Vec<(String, Option<String>)>,
    revoke: Vec<String>,
}

fn steps(
    live: &[(String, LiveRule)],
    direction: Direction,
    group: &SecurityGroupId,
    wanted: &BTreeSet<InlineRule>,
) -> Result<Steps> {
    let mut wanted: BTreeMap<Key, Option<String>> = wanted
        .iter()
        .map(|rule| Ok((Key::of(rule, group)?, described(rule.description.as_deref()))))
        .collect::<Result<_>>()?;
    let mut steps = Steps::default();
    for (id, rule) in live.iter().filter(|(_, rule)| rule.direction == direction) {
        match wanted.remove(&rule.key) {
            None => steps.revoke.push(id.clone()),
            Some(text) if text != rule.description => steps.describe.push((id.clone(), text)),
            Some(_) => {}
        }
    }
    steps.authorize = wanted.into_iter().map(|(key, text)| key.permission(text)).collect();
    Ok(steps)
}

/// Makes the rules of one direction the wanted ones. New ones come before old ones go, so that nothing that both allow
/// is interrupted, unless the group has no room for both.
pub(super) async fn bring(
    cx: &Cx,
    group: &SecurityGroupId,
    direction: Direction,
    wanted: &BTreeSet<InlineRule>,
) -> Result<()> {
    let Steps {
        authorize,
        describe: descriptions,
        mut revoke,
    } = steps(&by_id(cx, group).await?, direction, group, wanted)?;
    match add(cx, group, direction, authorize.clone()).await {
        Err(error) if error.kind() == Kind::Quota && !revoke.is_empty() => {
            take_off(cx, group, direction, std::mem::take(&mut revoke)).await?;
            add(cx, group, direction, authorize).await?;
        }
        answer => answer?,
    }
    if !descriptions.is_empty() {
        describe(cx, group, direction, descriptions).await?;
    }
    take_off(cx, group, direction, revoke).await
}

/// Adds rules. AWS refuses the whole call when one is there already, which a look may not have shown yet.
async fn add(cx: &Cx, group: &SecurityGroupId, direction: Direction, rules: Vec<IpPermission>) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let Err(error) = authorize(cx.ec2(), group, direction, rules.clone(), None).await else {
        return Ok(());
    };
    if error.kind() != Kind::Exists {
        return Err(error);
    }
    for rule in rules {
        match authorize(cx.ec2(), group, direction, vec![rule], None).await {
            Err(error) if error.kind() != Kind::Exists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Takes rules off. AWS refuses the whole call when one is gone already.
async fn take_off(cx: &Cx, group: &SecurityGroupId, direction: Direction, ids: Vec<String>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let Err(error) = revoke(cx, group, direction, ids.clone()).await else {
        return Ok(());
    };
    if error.kind() != Kind::Missing {
        return Err(error);
    }
    for id in ids {
        match revoke(cx, group, direction, vec![id]).await {
            Err(error) if error.kind() != Kind::Missing => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Takes off the rules with which AWS lets everything out of a new group.
pub(super) async fn close(cx: &Cx, group: &SecurityGroupId) -> Result<()> {
    let open = by_id(cx, group)
        .await?
        .into_iter()
        .filter(|(_, rule)| rule.is_default())
        .map(|(id, _)| id)
        .collect();
    take_off(cx, group, Direction::Egress, open).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group() -> SecurityGroupId {
        "sg-0a".parse().unwrap()
    }

    fn rule(json: serde_json::Value) -> InlineRule {
        serde_json::from_value(json).unwrap()
    }

    fn answered(id: &str, port: i32, description: Option<&str>) -> (String, LiveRule) {
        let rule = AwsRule::builder()
            .is_egress(false)
            .ip_protocol("tcp")
            .from_port(port)
            .to_port(port)
            .cidr_ipv4("10.0.0.0/16")
            .set_description(description.map(str::to_owned))
            .build();
        (id.to_owned(), LiveRule::read(&rule).unwrap())
    }

    #[test]
    fn only_what_differs_is_changed() {
        let live = [
            answered("sgr-1", 22, None),
            answered("sgr-2", 443, Some("HTTPS")),
            answered("sgr-3", 80, None),
        ];
        let wanted = BTreeSet::from([
            rule(json!({"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/16"})),
            rule(json!({"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrIpv4": "10.0.0.0/16"})),
            rule(json!({"protocol": "-1", "self": true, "description": "each other"})),
        ]);
        let steps = steps(&live, Direction::Ingress, &group(), &wanted).unwrap();
        assert_eq!(steps.revoke, ["sgr-1"]);
        assert_eq!(steps.describe, [("sgr-2".to_owned(), None)]);
        let [added] = steps.authorize.as_slice() else {
            panic!("{steps:?}")
        };
        assert_eq!(added.from_port(), None);
        assert_eq!(added.user_id_group_pairs()[0].description(), Some("each other"));
    }

    #[test]
    fn the_other_direction_is_left_alone() {
        let live = [answered("sgr-1", 22, None)];
        let steps = steps(&live, Direction::Egress, &group(), &BTreeSet::new()).unwrap();
        assert_eq!(steps, Steps::default());
    }
}
