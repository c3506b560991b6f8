//! One rule of a security group, managed by itself.

use aws_sdk_ec2::types::{ResourceType, SecurityGroupRule as AwsRule, SecurityGroupRuleUpdate};
use groundwork_contract::ec2::{
    InlineRule, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, SecurityGroupRuleInputs,
    SecurityGroupRuleOutputs,
};

use super::{
    need, parse, read_tags,
    rule::{self, Key, LiveRule},
    rules, update_tags,
};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for SecurityGroupRule {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("security-group-rule");

    async fn create(cx: &Cx, inputs: &SecurityGroupRuleInputs) -> Result<Created<Self>> {
        let (group, direction) = (&inputs.security_group_id, inputs.direction);
        let permission = rule::permission(&inputs.rule(), group)?;
        let tags = cx.tag_specification(ResourceType::SecurityGroupRule, inputs.tags.as_ref());
        match rules::authorize(cx.ec2_once(), group, direction, vec![permission], Some(tags)).await {
            Ok(made) => parse(
                made.first().and_then(AwsRule::security_group_rule_id),
                "securityGroupRuleId",
            )
            .map(Created::new),
            Err(error) if error.kind() == Kind::Exists => Err(taken(cx, inputs, error).await),
            Err(error) => Err(error),
        }
    }

    async fn read(cx: &Cx, id: &SecurityGroupRuleId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(found) = find(cx, id).await? else {
            return Ok(None);
        };
        let group: SecurityGroupId = parse(found.group_id(), "groupId")?;
        let rule = LiveRule::read(&found)?;
        let direction = rule.direction;
        let last: Option<InlineRule> = last.map(|state| state.inputs.rule());
        let rule = rule.spelled(&group, &last);
        let (tags, pending_mark) = read_tags(found.tags.as_deref());
        Ok(Some(Live {
            inputs: SecurityGroupRuleInputs::of(group, direction, rule, tags),
            outputs: SecurityGroupRuleOutputs {
                arn: cx.aws.ec2_arn(&format!("security-group-rule/{id}"))?,
                owner_id: need(found.group_owner_id.clone(), "groupOwnerId")?,
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &SecurityGroupRuleId, old: &State<Self>, new: &SecurityGroupRuleInputs) -> Result<()> {
        let old = &old.inputs;
        let (group, direction) = (&new.security_group_id, new.direction);
        let (was, wanted) = (old.rule(), new.rule());
        if Key::of(&was, group)? != Key::of(&wanted, group)? {
            let update = SecurityGroupRuleUpdate::builder()
                .security_group_rule_id(id.as_str())
                .security_group_rule(rule::request(&wanted, group)?)
                .build();
            cx.ec2()
                .modify_security_group_rules()
                .group_id(group.as_str())
                .security_group_rules(update)
                .send()
                .await
                .map_err(aws("ec2", "ModifySecurityGroupRules"))?;
        } else if was.description != wanted.description {
            let text = rule::described(wanted.description.as_deref());
            rules::describe(cx, group, direction, [(id.to_string(), text)]).await?;
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &SecurityGroupRuleId, state: &State<Self>) -> Result<()> {
        let SecurityGroupRuleInputs {
            security_group_id,
            direction,
            ..
        } = &state.inputs;
        rules::revoke(cx, security_group_id, *direction, vec![id.to_string()]).await
    }
}

/// The same error with the id of the rule that is in the way. It is never taken over: another resource may manage it.
async fn taken(cx: &Cx, inputs: &SecurityGroupRuleInputs, error: Error) -> Error {
    let (group, direction) = (&inputs.security_group_id, inputs.direction);
    // The id is help; not finding it must not hide the error itself.
    let Ok(wanted) = Key::of(&inputs.rule(), group) else {
        return error;
    };
    let live = rules::by_id(cx, group).await.unwrap_or_default();
    match live
        .iter()
        .find(|(_, rule)| rule.direction == direction && rule.key == wanted)
    {
        None => error,
        Some((id, _)) => error.adding(&format!(
            "{group} has this rule as {id}: if the group lists it in its own {direction}, or another SecurityGroupRule \
             makes it, keep one of the two; if nothing manages it, \
             `pulumi import groundwork:ec2:SecurityGroupRule <name> {id}`"
        )),
    }
}

/// A rule by its id.
async fn find(cx: &Cx, id: &SecurityGroupRuleId) -> Result<Option<AwsRule>> {
    let answer = cx
        .ec2()
        .describe_security_group_rules()
        .security_group_rule_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeSecurityGroupRules"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.security_group_rules.unwrap_or_default().into_iter().next()))
}
