//! A key.

use aws_sdk_kms::types::{KeySpec, Tag};
use groundwork_contract::{
    Document, Tags,
    kms::{Key, KeyId, KeyInputs, KeyOutputs},
    tags::{PENDING, is_system, of_the_user},
};

use super::{describe, leaving, parse};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for Key {
    type Facts = ();
    /// A key has no name, and its creation no idempotency token.
    const RECOVERY: Recovery = Recovery::KmsTag;

    async fn create(cx: &Cx, inputs: &KeyInputs) -> Result<Created<Self>> {
        let mut tags = to_tags(inputs.tags.iter().flatten())?;
        tags.push(tag(PENDING, &cx.mark)?);
        let answer = cx
            .kms_once()
            .create_key()
            .set_description(inputs.description.clone())
            .set_policy(inputs.policy.as_ref().map(Document::to_text))
            .set_tags(Some(tags))
            .send()
            .await
            .map_err(aws("kms", "CreateKey"))?;
        let key = answer.key_metadata.ok_or_else(|| Error::lacks("keyMetadata"))?;
        parse(&key.key_id, "keyId").map(Created::new)
    }

    async fn read(cx: &Cx, id: &KeyId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(key) = describe(cx, id.as_str()).await?.filter(|key| !leaving(key)) else {
            return Ok(None);
        };
        if let Some(spec) = key.key_spec.as_ref().filter(|spec| **spec != KeySpec::SymmetricDefault) {
            return Err(Error::Invalid(format!(
                "key {id} is not symmetric ({spec}); Groundwork keeps symmetric ones"
            )));
        }
        let Some((tags, pending_mark)) = tags(cx, id).await.or_gone()? else {
            return Ok(None);
        };
        let rotation = cx
            .kms()
            .get_key_rotation_status()
            .key_id(id.as_str())
            .send()
            .await
            .map_err(aws("kms", "GetKeyRotationStatus"))
            .or_gone()?;
        let policy = cx
            .kms()
            .get_key_policy()
            .key_id(id.as_str())
            .policy_name("default")
            .send()
            .await
            .map_err(aws("kms", "GetKeyPolicy"))
            .or_gone()?;
        let policy = policy.and_then(|answer| answer.policy);
        let enabled = rotation.as_ref().is_some_and(|rotation| rotation.key_rotation_enabled);
        Ok(Some(Live {
            inputs: KeyInputs {
                description: key.description.filter(|text| !text.is_empty()),
                enable_key_rotation: enabled,
                rotation_period_in_days: rotation
                    .filter(|_| enabled)
                    .and_then(|rotation| rotation.rotation_period_in_days)
                    .and_then(|days| u16::try_from(days).ok()),
                policy: policy
                    .map(|text| Document::from_text(&text).map_err(|error| Error::Bug(format!("policy: {error}"))))
                    .transpose()?,
                // AWS is told of it when the key goes.
                deletion_window_in_days: last.map_or(7, |state| state.inputs.deletion_window_in_days),
                tags,
            },
            outputs: KeyOutputs {
                arn: parse(&key.arn.ok_or_else(|| Error::lacks("arn"))?, "arn")?,
                key_state: key.key_state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &KeyId, old: &State<Self>, new: &KeyInputs) -> Result<()> {
        let was = &old.inputs;
        if was.description != new.description {
            cx.kms()
                .update_key_description()
                .key_id(id.as_str())
                .description(new.description.clone().unwrap_or_default())
                .send()
                .await
                .map_err(aws("kms", "UpdateKeyDescription"))?;
        }
        let asked = new.rotation_period_in_days.is_some();
        let other_period = asked && was.rotation_period_in_days != new.rotation_period_in_days;
        if was.enable_key_rotation != new.enable_key_rotation || (new.enable_key_rotation && other_period) {
            rotate(cx, id, new).await?;
        }
        if let Some(policy) = &new.policy
            && !was.policy.as_ref().is_some_and(|was| was.means(policy))
        {
            cx.kms()
                .put_key_policy()
                .key_id(id.as_str())
                .policy_name("default")
                .policy(policy.to_text())
                .send()
                .await
                .map_err(aws("kms", "PutKeyPolicy"))?;
        }
        update_tags(cx, id, was.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &KeyId, state: &State<Self>) -> Result<()> {
        cx.kms()
            .schedule_key_deletion()
            .key_id(id.as_str())
            .pending_window_in_days(state.inputs.deletion_window_in_days.into())
            .send()
            .await
            .map_err(aws("kms", "ScheduleKeyDeletion"))?;
        Ok(())
    }

    async fn find(cx: &Cx, _inputs: &KeyInputs) -> Result<Option<KeyId>> {
        let mut pages = cx.kms().list_keys().into_paginator().send();
        while let Some(page) = pages.next().await {
            for key in page.map_err(aws("kms", "ListKeys"))?.keys.unwrap_or_default() {
                let Some(id) = key.key_id() else { continue };
                let marked = match all_tags(cx, id).await {
                    Ok(tags) => tags.get(PENDING) == Some(&cx.mark),
                    // A key that we may not look at is none that we have made, and what is gone is none to take over.
                    Err(error) if matches!(error.kind(), Kind::Denied | Kind::Missing) => false,
                    Err(error) => return Err(error),
                };
                if marked && describe(cx, id).await?.is_some_and(|key| !leaving(&key)) {
                    return parse(id, "keyId").map(Some);
                }
            }
        }
        Ok(None)
    }
}

async fn rotate(cx: &Cx, id: &KeyId, new: &KeyInputs) -> Result<()> {
    if new.enable_key_rotation {
        cx.kms()
            .enable_key_rotation()
            .key_id(id.as_str())
            .set_rotation_period_in_days(new.rotation_period_in_days.map(i32::from))
            .send()
            .await
            .map_err(aws("kms", "EnableKeyRotation"))?;
    } else {
        cx.kms()
            .disable_key_rotation()
            .key_id(id.as_str())
            .send()
            .await
            .map_err(aws("kms", "DisableKeyRotation"))?;
    }
    Ok(())
}

fn tag(key: &str, value: &str) -> Result<Tag> {
    let tag = Tag::builder().tag_key(key).tag_value(value).build();
    tag.map_err(|error| Error::Bug(format!("tags: {error}")))
}

fn to_tags<'a>(tags: impl Iterator<Item = (&'a String, &'a String)>) -> Result<Vec<Tag>> {
    tags.map(|(key, value)| tag(key, value)).collect()
}

async fn all_tags(cx: &Cx, id: &str) -> Result<Tags> {
    let mut pages = cx.kms().list_resource_tags().key_id(id).into_paginator().send();
    let mut tags = Tags::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("kms", "ListResourceTags"))?;
        let found = page.tags.unwrap_or_default().into_iter();
        tags.extend(found.map(|tag| (tag.tag_key, tag.tag_value)));
    }
    Ok(tags)
}

/// The user's tags, and whether our mark is among AWS's answer.
async fn tags(cx: &Cx, id: &KeyId) -> Result<(Option<Tags>, bool)> {
    let all = all_tags(cx, id.as_str()).await?;
    let marked = all.contains_key(PENDING);
    let user = of_the_user(all);
    Ok(((!user.is_empty()).then_some(user), marked))
}

async fn update_tags(cx: &Cx, id: &KeyId, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let none = Tags::new();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let set = to_tags(new.iter().filter(|(key, value)| old.get(*key) != Some(value)))?;
    if !set.is_empty() {
        cx.kms()
            .tag_resource()
            .key_id(id.as_str())
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("kms", "TagResource"))?;
    }
    let unset = old.keys().filter(|key| !new.contains_key(*key) && !is_system(key));
    let unset: Vec<String> = unset.cloned().collect();
    if !unset.is_empty() {
        cx.kms()
            .untag_resource()
            .key_id(id.as_str())
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("kms", "UntagResource"))?;
    }
    Ok(())
}
