//! A security group.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{ResourceType, SecurityGroup as AwsGroup};
use groundwork_contract::{
    ec2::{Direction, InlineRule, SecurityGroup, SecurityGroupId, SecurityGroupInputs, SecurityGroupOutputs},
    tags::STAMP,
};

use super::{
    filter, interfaces, need, parse, read_tags, references,
    rule::{self, LiveRule},
    rules, update_tags,
};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for SecurityGroup {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("security-group");

    async fn create(cx: &Cx, inputs: &SecurityGroupInputs) -> Result<Created<Self>> {
        let Some(name) = &inputs.name else {
            return Err(Error::Invalid(
                "name is required where autonaming is switched off; give one".to_owned(),
            ));
        };
        let answer = cx
            .ec2_once()
            .create_security_group()
            .vpc_id(inputs.vpc_id.as_str())
            .group_name(name)
            .description(&inputs.description)
            .tag_specifications(cx.tag_specification(ResourceType::SecurityGroup, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateSecurityGroup"))?;
        parse(answer.group_id(), "groupId").map(Created::new)
    }

    async fn read(cx: &Cx, id: &SecurityGroupId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(group) = find(cx, id).await? else {
            return Ok(None);
        };
        let rules = rule::of_group(&group)?;
        let settled = default_egress_settled(last, &rules);
        let (tags, pending_mark) = read_tags(group.tags.as_deref());
        Ok(Some(Live {
            inputs: SecurityGroupInputs {
                vpc_id: parse(group.vpc_id(), "vpcId")?,
                name: group.group_name.clone(),
                description: group.description.clone().unwrap_or_default(),
                ingress: listed(&rules, Direction::Ingress, id, last, |inputs| inputs.ingress.as_ref()),
                egress: listed(&rules, Direction::Egress, id, last, |inputs| inputs.egress.as_ref()),
                tags,
            },
            outputs: SecurityGroupOutputs {
                arn: cx.aws.ec2_arn(&format!("security-group/{id}"))?,
                owner_id: need(group.owner_id.clone(), "ownerId")?,
                default_egress_settled: settled,
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &SecurityGroupId, old: &State<Self>, new: &SecurityGroupInputs) -> Result<()> {
        let settled = old
            .outputs
            .as_ref()
            .is_some_and(|outputs| outputs.default_egress_settled);
        let old = &old.inputs;
        if let Some(wanted) = new
            .ingress
            .as_ref()
            .filter(|wanted| old.ingress.as_ref() != Some(wanted))
        {
            rules::bring(cx, id, Direction::Ingress, wanted).await?;
        }
        match &new.egress {
            Some(wanted) if old.egress.as_ref() != Some(wanted) => {
                rules::bring(cx, id, Direction::Egress, wanted).await?;
            }
            None if !settled => rules::close(cx, id).await?,
            // Managed apart from now on: what is there is somebody else's.
            _ => {}
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &SecurityGroupId, state: &State<Self>) -> Result<()> {
        let deleted = cx
            .ec2()
            .delete_security_group()
            .group_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteSecurityGroup"));
        let Err(error) = deleted else { return Ok(()) };
        // Groups of one platform may refer to each other both ways, so that none could go first.
        if error.kind() == Kind::InUse
            && let Some(stamp) = state.inputs.tags.as_ref().and_then(|tags| tags.get(STAMP))
        {
            let ours = [
                filter("vpc-id", state.inputs.vpc_id.as_str()),
                filter(&format!("tag:{STAMP}"), stamp),
            ];
            references::revoke(cx, id.as_str(), &ours).await?;
        }
        Err(error)
    }

    fn unfinished(live: &Live<Self>) -> Option<&'static str> {
        (!live.outputs.default_egress_settled).then_some("egress")
    }

    async fn obstacles(cx: &Cx, id: &SecurityGroupId) -> Result<Vec<String>> {
        let mut found = interfaces(cx, [filter("group-id", id.as_str())]).await?;
        let naming = references::referring(cx, id.as_str(), &[]).await?;
        found.extend(naming.iter().map(|group| {
            format!(
                "a rule of security group {} ({}, {}, owner {})",
                group.group_id().unwrap_or("?"),
                group.group_name().unwrap_or("?"),
                group.description().unwrap_or("no description"),
                group.owner_id().unwrap_or("?"),
            )
        }));
        Ok(found)
    }
}

/// A group by its id.
pub(super) async fn find(cx: &Cx, id: &SecurityGroupId) -> Result<Option<AwsGroup>> {
    let answer = cx
        .ec2()
        .describe_security_groups()
        .group_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeSecurityGroups"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.security_groups.unwrap_or_default().into_iter().next()))
}

/// Whether AWS's own egress rule needs no more looking after.
///
/// Nothing but the outputs of a state that was read once remembers it: while a creation has none, or says that it has not
/// happened, a rule that looks like AWS's own is AWS's own, because nobody knows the group's id yet.
fn default_egress_settled(last: Option<&State<SecurityGroup>>, rules: &[LiveRule]) -> bool {
    let Some(state) = last else {
        // An import: its rules are what they are.
        return true;
    };
    state.inputs.egress.is_some()
        || state
            .outputs
            .as_ref()
            .is_some_and(|outputs| outputs.default_egress_settled)
        || !rules.iter().any(LiveRule::is_default)
}

/// The rules of a direction: none when they are managed apart, and at import all, if there are any.
fn listed(
    rules: &[LiveRule],
    direction: Direction,
    id: &SecurityGroupId,
    last: Option<&State<SecurityGroup>>,
    side: impl Fn(&SecurityGroupInputs) -> Option<&BTreeSet<InlineRule>>,
) -> Option<BTreeSet<InlineRule>> {
    let Some(state) = last else {
        return Some(rule::spelled(rules, direction, id, None)).filter(|rules| !rules.is_empty());
    };
    side(&state.inputs).map(|given| rule::spelled(rules, direction, id, Some(given)))
}

#[cfg(test)]
mod tests {
    use groundwork_wire::{PropertyMap, PropertyValue};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::engine::{Erased, Of};

    fn map(json: Json) -> PropertyMap {
        match PropertyValue::from(json) {
            PropertyValue::Object(map) => map,
            _ => PropertyMap::new(),
        }
    }

    #[test]
    fn awss_own_rule_is_seen_to_where_we_made_the_group_and_left_where_others_did() {
        let inputs = map(json!({"vpcId": "vpc-0a", "name": "web", "description": "The web"}));
        let state = |settled: bool| {
            let mut state = inputs.clone();
            state.extend(map(json!({
                "arn": "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-0a",
                "ownerId": "123456789012",
                "defaultEgressSettled": settled,
            })));
            state
        };
        let groups = Of::<SecurityGroup>::default();
        assert_eq!(groups.unfinished(&state(false), &inputs), Some("egress"));
        assert_eq!(groups.unfinished(&state(true), &inputs), None);
        // A creation that was broken off says so by itself.
        assert_eq!(groups.unfinished(&inputs, &inputs), None);
        assert!(default_egress_settled(None, &[]), "an import");
    }
}
