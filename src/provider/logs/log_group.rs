//! A log group.

use std::{collections::HashMap, time::Duration};

use aws_sdk_cloudwatchlogs::types::LogGroupClass as AwsLogGroupClass;
use groundwork_contract::{
    Arn, Tags,
    logs::{LogGroup, LogGroupClass, LogGroupInputs, LogGroupName, LogGroupOutputs},
    tags::{is_system, of_the_user},
};

use crate::{
    cx::Cx,
    engine,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for LogGroup {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &LogGroupInputs) -> Result<Created<Self>> {
        let name = inputs
            .name
            .clone()
            .ok_or_else(|| Error::Bug("a log group has no name".to_owned()))?;
        let tags = inputs.tags.as_ref();
        cx.logs()
            .create_log_group()
            .log_group_name(name.as_str())
            .set_kms_key_id(inputs.kms_key_id.as_ref().map(Arn::to_string))
            .log_group_class(AwsLogGroupClass::from(inputs.log_group_class.word()))
            .set_tags(tags.map(|tags| tags.clone().into_iter().collect()))
            .send()
            .await
            .map_err(aws("logs", "CreateLogGroup"))?;
        Ok(Created::new(name))
    }

    async fn read(cx: &Cx, id: &LogGroupName, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        // Sorted by name, so that the one that is nothing but the prefix comes first.
        let answer = cx
            .logs()
            .describe_log_groups()
            .log_group_name_prefix(id.as_str())
            .send()
            .await
            .map_err(aws("logs", "DescribeLogGroups"))?;
        let mut groups = answer.log_groups.unwrap_or_default().into_iter();
        let Some(group) = groups.find(|group| group.log_group_name() == Some(id.as_str())) else {
            return Ok(None);
        };
        let arn = arn(cx, id)?;
        let answer = cx
            .logs()
            .list_tags_for_resource()
            .resource_arn(arn.as_str())
            .send()
            .await
            .map_err(aws("logs", "ListTagsForResource"))
            .or_gone()?;
        let Some(answer) = answer else { return Ok(None) };
        let tags = of_the_user(answer.tags.unwrap_or_default().into_iter().collect());
        Ok(Some(Live {
            inputs: LogGroupInputs {
                name: Some(id.clone()),
                retention_in_days: group.retention_in_days().and_then(|days| u16::try_from(days).ok()),
                kms_key_id: group
                    .kms_key_id()
                    .map(|key| key.parse().map_err(|error| Error::Bug(format!("kmsKeyId: {error}"))))
                    .transpose()?,
                log_group_class: match group.log_group_class() {
                    Some(AwsLogGroupClass::InfrequentAccess) => LogGroupClass::InfrequentAccess,
                    Some(AwsLogGroupClass::Delivery) => LogGroupClass::Delivery,
                    _ => LogGroupClass::Standard,
                },
                // What is ours alone is as it was said last.
                retain: last.is_some_and(|state| state.inputs.retain),
                quiet_seconds: last.and_then(|state| state.inputs.quiet_seconds),
                tags: (!tags.is_empty()).then_some(tags),
            },
            outputs: LogGroupOutputs { arn },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &LogGroupName, old: &State<Self>, new: &LogGroupInputs) -> Result<()> {
        let was = &old.inputs;
        if was.retention_in_days != new.retention_in_days {
            keep(cx, id, new.retention_in_days).await?;
        }
        if was.kms_key_id != new.kms_key_id {
            encrypt(cx, id, new.kms_key_id.as_ref()).await?;
        }
        update_tags(cx, &arn(cx, id)?, was.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &LogGroupName, state: &State<Self>) -> Result<()> {
        if state.inputs.retain {
            cx.log
                .info(Some(&cx.urn), format!("log group {id} stays, as asked for (retain)"));
            return Ok(());
        }
        cx.logs()
            .delete_log_group()
            .log_group_name(id.as_str())
            .send()
            .await
            .map_err(aws("logs", "DeleteLogGroup"))?;
        Ok(())
    }

    fn outlives_delete(state: &State<Self>) -> bool {
        state.inputs.retain
    }

    fn quiet(state: &State<Self>) -> Duration {
        Duration::from_secs(state.inputs.quiet().into())
    }

    async fn find(cx: &Cx, inputs: &LogGroupInputs) -> Result<Option<LogGroupName>> {
        match &inputs.name {
            Some(name) => engine::ours::<Self>(cx, name.clone(), inputs).await,
            None => Ok(None),
        }
    }
}

fn arn(cx: &Cx, name: &LogGroupName) -> Result<Arn> {
    let text = format!(
        "arn:{}:logs:{}:{}:log-group:{name}",
        cx.aws.partition(),
        cx.aws.region,
        cx.aws.caller.account
    );
    text.parse().map_err(|error| Error::Bug(format!("{error}")))
}

async fn keep(cx: &Cx, id: &LogGroupName, days: Option<u16>) -> Result<()> {
    match days {
        Some(days) => {
            cx.logs()
                .put_retention_policy()
                .log_group_name(id.as_str())
                .retention_in_days(days.into())
                .send()
                .await
                .map_err(aws("logs", "PutRetentionPolicy"))?;
        }
        None => {
            cx.logs()
                .delete_retention_policy()
                .log_group_name(id.as_str())
                .send()
                .await
                .map_err(aws("logs", "DeleteRetentionPolicy"))?;
        }
    }
    Ok(())
}

async fn encrypt(cx: &Cx, id: &LogGroupName, key: Option<&Arn>) -> Result<()> {
    match key {
        Some(key) => {
            cx.logs()
                .associate_kms_key()
                .log_group_name(id.as_str())
                .kms_key_id(key.as_str())
                .send()
                .await
                .map_err(aws("logs", "AssociateKmsKey"))?;
        }
        None => {
            cx.logs()
                .disassociate_kms_key()
                .log_group_name(id.as_str())
                .send()
                .await
                .map_err(aws("logs", "DisassociateKmsKey"))?;
        }
    }
    Ok(())
}

async fn update_tags(cx: &Cx, arn: &Arn, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let none = Tags::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let set = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
    let set: HashMap<String, String> = set.map(|(key, value)| (key.clone(), value.clone())).collect();
    if !set.is_empty() {
        cx.logs()
            .tag_resource()
            .resource_arn(arn.as_str())
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("logs", "TagResource"))?;
    }
    let unset = old.keys().filter(|key| !new.contains_key(*key) && !is_system(key));
    let unset: Vec<String> = unset.cloned().collect();
    if !unset.is_empty() {
        cx.logs()
            .untag_resource()
            .resource_arn(arn.as_str())
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("logs", "UntagResource"))?;
    }
    Ok(())
}
