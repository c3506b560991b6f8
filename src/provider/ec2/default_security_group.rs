//! The default security group of a VPC: adopted, never made and never removed.

use std::collections::BTreeSet;

use aws_sdk_ec2::operation::RequestId;
use groundwork_contract::ec2::{
    DefaultSecurityGroup, DefaultSecurityGroupInputs, DefaultSecurityGroupOutputs, Direction, InlineRule,
    SecurityGroupId,
};
use serde::{Deserialize, Serialize};

use super::{filter, need, parse, read_tags, rule, rules, security_group::find, update_tags};
use crate::{
    cx::Cx,
    error::{Error, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

/// The rules that were there when the group was adopted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Adopted {
    ingress: BTreeSet<InlineRule>,
    egress: BTreeSet<InlineRule>,
}

impl Resource for DefaultSecurityGroup {
    type Facts = Adopted;
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &DefaultSecurityGroupInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2()
            .describe_security_groups()
            .filters(filter("vpc-id", inputs.vpc_id.as_str()))
            .filters(filter("group-name", "default"))
            .send()
            .await
            .map_err(aws("ec2", "DescribeSecurityGroups"))?;
        let Some(group) = answer.security_groups().first() else {
            // AWS answers a filter that finds nothing with nothing.
            return Err(Error::refused(
                "ec2",
                "DescribeSecurityGroups",
                "InvalidGroup.NotFound",
                &format!("{} has no default security group, or is not there", inputs.vpc_id),
                answer.request_id(),
            ));
        };
        let id: SecurityGroupId = parse(group.group_id(), "groupId")?;
        let live = rule::of_group(group)?;
        let facts = Adopted {
            ingress: rule::spelled(&live, Direction::Ingress, &id, None),
            egress: rule::spelled(&live, Direction::Egress, &id, None),
        };
        Ok(Created::with(id, facts))
    }

    async fn read(cx: &Cx, id: &SecurityGroupId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(group) = find(cx, id).await? else {
            return Ok(None);
        };
        let live = rule::of_group(&group)?;
        let name = need(group.group_name.clone(), "groupName")?;
        if name != "default" {
            return Err(Error::Invalid(format!(
                "{id} is no default security group but {name:?}; manage it as groundwork:ec2:SecurityGroup"
            )));
        }
        let last = last.map(|state| &state.inputs);
        let (tags, pending_mark) = read_tags(group.tags.as_deref());
        Ok(Some(Live {
            inputs: DefaultSecurityGroupInputs {
                vpc_id: parse(group.vpc_id(), "vpcId")?,
                ingress: rule::spelled(&live, Direction::Ingress, id, last.map(|last| &last.ingress)),
                egress: rule::spelled(&live, Direction::Egress, id, last.map(|last| &last.egress)),
                tags,
            },
            outputs: DefaultSecurityGroupOutputs {
                arn: cx.aws.ec2_arn(&format!("security-group/{id}"))?,
                owner_id: need(group.owner_id.clone(), "ownerId")?,
                name,
                description: group.description.clone().unwrap_or_default(),
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &SecurityGroupId, old: &State<Self>, new: &DefaultSecurityGroupInputs) -> Result<()> {
        let old = &old.inputs;
        if old.ingress != new.ingress {
            rules::bring(cx, id, Direction::Ingress, &new.ingress).await?;
        }
        if old.egress != new.egress {
            rules::bring(cx, id, Direction::Egress, &new.egress).await?;
        }
        update_tags(cx, id.as_str(), old.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(_cx: &Cx, _id: &SecurityGroupId, _state: &State<Self>) -> Result<()> {
        Ok(())
    }

    fn outlives_delete(_state: &State<Self>) -> bool {
        true
    }
}
