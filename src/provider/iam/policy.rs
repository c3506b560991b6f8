//! A managed policy.

use aws_sdk_iam::types::PolicyVersion;
use groundwork_contract::{
    Arn, Tags,
    iam::{Policy, PolicyInputs, PolicyName, PolicyOutputs},
};

use super::{arn, document, parse, read_tags, tag_changes, to_tags, words};
use crate::{
    cx::Cx,
    engine,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

/// How many versions AWS keeps of a policy.
const VERSIONS: usize = 5;

impl Resource for Policy {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &PolicyInputs) -> Result<Created<Self>> {
        let answer = cx
            .iam()
            .create_policy()
            .set_policy_name(inputs.name.as_ref().map(PolicyName::to_string))
            .path(inputs.path.as_str())
            .set_description(inputs.description.clone())
            .policy_document(inputs.policy.to_text())
            .set_tags(to_tags(inputs.tags.as_ref())?)
            .send()
            .await
            .map_err(aws("iam", "CreatePolicy"))?;
        let made = answer.policy.and_then(|policy| policy.arn);
        parse(&made.ok_or_else(|| Error::lacks("arn"))?, "arn").map(Created::new)
    }

    async fn read(cx: &Cx, id: &Arn, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let answer = cx
            .iam()
            .get_policy()
            .policy_arn(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "GetPolicy"))
            .or_gone()?;
        let Some(policy) = answer.and_then(|answer| answer.policy) else {
            return Ok(None);
        };
        let version = policy.default_version_id.clone().unwrap_or_default();
        let answer = cx
            .iam()
            .get_policy_version()
            .policy_arn(id.as_str())
            .version_id(&version)
            .send()
            .await
            .map_err(aws("iam", "GetPolicyVersion"))
            .or_gone()?;
        let Some(held) = answer.and_then(|answer| answer.policy_version) else {
            return Ok(None);
        };
        Ok(Some(Live {
            inputs: PolicyInputs {
                name: policy.policy_name().map(|name| parse(name, "policyName")).transpose()?,
                path: parse(policy.path().unwrap_or("/"), "path")?,
                description: words(policy.description()),
                policy: document(held.document().unwrap_or_default(), "document")?,
                tags: read_tags(policy.tags()),
            },
            outputs: PolicyOutputs {
                arn: id.clone(),
                policy_id: policy.policy_id.unwrap_or_default(),
                default_version_id: version,
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &Arn, old: &State<Self>, new: &PolicyInputs) -> Result<()> {
        if !old.inputs.policy.means(&new.policy) {
            let versions = versions(cx, id).await?;
            if versions.len() >= VERSIONS
                && let Some(oldest) = oldest(&versions)
            {
                delete_version(cx, id, oldest).await.or_gone()?;
            }
            cx.iam()
                .create_policy_version()
                .policy_arn(id.as_str())
                .policy_document(new.policy.to_text())
                .set_as_default(true)
                .send()
                .await
                .map_err(aws("iam", "CreatePolicyVersion"))?;
        }
        update_tags(cx, id, old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &Arn, _state: &State<Self>) -> Result<()> {
        for version in versions(cx, id)
            .await?
            .iter()
            .filter(|version| !version.is_default_version)
        {
            if let Some(version) = version.version_id() {
                delete_version(cx, id, version).await.or_gone()?;
            }
        }
        cx.iam()
            .delete_policy()
            .policy_arn(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "DeletePolicy"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &PolicyInputs) -> Result<Option<Arn>> {
        match &inputs.name {
            Some(name) => engine::ours::<Self>(cx, arn(cx, &format!("policy{}{name}", inputs.path))?, inputs).await,
            None => Ok(None),
        }
    }

    async fn obstacles(cx: &Cx, id: &Arn) -> Result<Vec<String>> {
        let answer = cx
            .iam()
            .list_entities_for_policy()
            .policy_arn(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "ListEntitiesForPolicy"))?;
        let named = |kind: &str, name: Option<&str>| format!("{kind} {}", name.unwrap_or("?"));
        let roles = answer.policy_roles().iter().map(|role| named("role", role.role_name()));
        let users = answer.policy_users().iter().map(|user| named("user", user.user_name()));
        let groups = answer
            .policy_groups()
            .iter()
            .map(|group| named("group", group.group_name()));
        Ok(roles.chain(users).chain(groups).collect())
    }
}

async fn versions(cx: &Cx, id: &Arn) -> Result<Vec<PolicyVersion>> {
    // There are five at most: one page has them all.
    let answer = cx
        .iam()
        .list_policy_versions()
        .policy_arn(id.as_str())
        .send()
        .await
        .map_err(aws("iam", "ListPolicyVersions"))?;
    Ok(answer.versions.unwrap_or_default())
}

/// The oldest version that does not hold. Their ids count up: `v1`, `v2`…
fn oldest(versions: &[PolicyVersion]) -> Option<&str> {
    let others = versions.iter().filter(|version| !version.is_default_version);
    others
        .filter_map(PolicyVersion::version_id)
        .min_by_key(|id| id.trim_start_matches('v').parse::<u32>().unwrap_or(u32::MAX))
}

async fn delete_version(cx: &Cx, id: &Arn, version: &str) -> Result<()> {
    cx.iam()
        .delete_policy_version()
        .policy_arn(id.as_str())
        .version_id(version)
        .send()
        .await
        .map_err(aws("iam", "DeletePolicyVersion"))?;
    Ok(())
}

async fn update_tags(cx: &Cx, id: &Arn, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let (set, unset) = tag_changes(old, new)?;
    if !set.is_empty() {
        cx.iam()
            .tag_policy()
            .policy_arn(id.as_str())
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("iam", "TagPolicy"))?;
    }
    if !unset.is_empty() {
        cx.iam()
            .untag_policy()
            .policy_arn(id.as_str())
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("iam", "UntagPolicy"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_version_that_does_not_hold_goes_first() {
        let version = |id: &str, holds: bool| {
            PolicyVersion::builder()
                .version_id(id)
                .is_default_version(holds)
                .build()
        };
        let versions = [
            version("v10", true),
            version("v9", false),
            version("v2", false),
            version("v11", false),
        ];
        assert_eq!(oldest(&versions), Some("v2"));
        assert_eq!(oldest(&[version("v1", true)]), None);
    }
}
