//! A role.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use groundwork_contract::{
    Arn, Document, Tags,
    iam::{Role, RoleInputs, RoleName, RoleOutputs},
};

use super::{attached, document, parse, read_tags, tag_changes, to_tags, words};
use crate::{
    cx::Cx,
    engine,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Recovery, Resource, State, Timeouts},
};

impl Resource for Role {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    /// What is in the way is seldom on its way out: whatever the platform attaches goes before the role.
    const TIMEOUTS: Timeouts = Timeouts {
        delete: Duration::from_mins(5),
        ..Timeouts::QUICK
    };

    async fn create(cx: &Cx, inputs: &RoleInputs) -> Result<Created<Self>> {
        let answer = cx
            .iam()
            .create_role()
            .set_role_name(inputs.name.as_ref().map(RoleName::to_string))
            .path(inputs.path.as_str())
            .set_description(inputs.description.clone())
            .max_session_duration(seconds(inputs))
            .assume_role_policy_document(inputs.assume_role_policy.to_text())
            .set_permissions_boundary(inputs.permissions_boundary.as_ref().map(Arn::to_string))
            .set_tags(to_tags(inputs.tags.as_ref())?)
            .send()
            .await
            .map_err(aws("iam", "CreateRole"))?;
        let role = answer.role.ok_or_else(|| Error::lacks("role"))?;
        parse(&role.role_name, "roleName").map(Created::new)
    }

    async fn read(cx: &Cx, id: &RoleName, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let answer = cx
            .iam()
            .get_role()
            .role_name(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "GetRole"))
            .or_gone()?;
        let Some(role) = answer.and_then(|answer| answer.role) else {
            return Ok(None);
        };
        // What is managed apart is not asked for.
        let listed = |list: fn(&RoleInputs) -> bool| last.is_none_or(|state| list(&state.inputs));
        let managed = if listed(|inputs| inputs.managed_policy_arns.is_some()) {
            managed(cx, id).await.or_gone()?
        } else {
            None
        };
        let inline = if listed(|inputs| inputs.inline_policies.is_some()) {
            inline(cx, id).await.or_gone()?
        } else {
            None
        };
        let boundary = role.permissions_boundary.as_ref();
        let trust = role.assume_role_policy_document.as_deref().unwrap_or_default();
        Ok(Some(Live {
            inputs: RoleInputs {
                name: Some(parse(&role.role_name, "roleName")?),
                path: parse(&role.path, "path")?,
                description: words(role.description.as_deref()),
                max_session_duration: role
                    .max_session_duration
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .unwrap_or(3600),
                assume_role_policy: document(trust, "assumeRolePolicyDocument")?,
                managed_policy_arns: managed.filter(|arns| !arns.is_empty()),
                inline_policies: inline.filter(|policies| !policies.is_empty()),
                permissions_boundary: boundary
                    .and_then(|boundary| boundary.permissions_boundary_arn.as_deref())
                    .map(|arn| parse(arn, "permissionsBoundaryArn"))
                    .transpose()?,
                tags: read_tags(role.tags()),
            },
            outputs: RoleOutputs {
                arn: parse(&role.arn, "arn")?,
                unique_id: role.role_id,
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &RoleName, old: &State<Self>, new: &RoleInputs) -> Result<()> {
        let was = &old.inputs;
        if was.description != new.description || was.max_session_duration != new.max_session_duration {
            cx.iam()
                .update_role()
                .role_name(id.as_str())
                // No description at all would leave the old one.
                .description(new.description.clone().unwrap_or_default())
                .max_session_duration(seconds(new))
                .send()
                .await
                .map_err(aws("iam", "UpdateRole"))?;
        }
        if !was.assume_role_policy.means(&new.assume_role_policy) {
            cx.iam()
                .update_assume_role_policy()
                .role_name(id.as_str())
                .policy_document(new.assume_role_policy.to_text())
                .send()
                .await
                .map_err(aws("iam", "UpdateAssumeRolePolicy"))?;
        }
        if was.permissions_boundary != new.permissions_boundary {
            bound(cx, id, new.permissions_boundary.as_ref()).await?;
        }
        if let Some(wanted) = &new.managed_policy_arns {
            let held = managed(cx, id).await?;
            for arn in wanted.difference(&held) {
                attach(cx, id.as_str(), arn).await?;
            }
            for arn in held.difference(wanted) {
                detach(cx, id.as_str(), arn).await.or_gone()?;
            }
        }
        if let Some(wanted) = &new.inline_policies {
            let held = inline(cx, id).await?;
            for (name, policy) in wanted {
                if !held.get(name).is_some_and(|held| held.means(policy)) {
                    put(cx, id, name, policy).await?;
                }
            }
            for name in held.keys().filter(|name| !wanted.contains_key(*name)) {
                drop_inline(cx, id, name).await.or_gone()?;
            }
        }
        update_tags(cx, id, was.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &RoleName, state: &State<Self>) -> Result<()> {
        // What others have put on it is theirs to take off.
        if state.inputs.managed_policy_arns.is_some() {
            for arn in managed(cx, id).await? {
                detach(cx, id.as_str(), &arn).await.or_gone()?;
            }
        }
        if state.inputs.inline_policies.is_some() {
            for name in inline_names(cx, id).await? {
                drop_inline(cx, id, &name).await.or_gone()?;
            }
        }
        cx.iam()
            .delete_role()
            .role_name(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "DeleteRole"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &RoleInputs) -> Result<Option<RoleName>> {
        match &inputs.name {
            Some(name) => engine::ours::<Self>(cx, name.clone(), inputs).await,
            None => Ok(None),
        }
    }

    async fn obstacles(cx: &Cx, id: &RoleName) -> Result<Vec<String>> {
        let policies = attached(cx, id.as_str()).await?;
        let policies = policies.iter().filter_map(|policy| policy.policy_arn.as_deref());
        let mut obstacles: Vec<String> = policies.map(|arn| format!("attached policy {arn}")).collect();
        let inline = inline_names(cx, id).await?;
        obstacles.extend(inline.iter().map(|name| format!("inline policy {name}")));
        let mut pages = cx
            .iam()
            .list_instance_profiles_for_role()
            .role_name(id.as_str())
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(aws("iam", "ListInstanceProfilesForRole"))?;
            let profiles = page.instance_profiles.iter();
            obstacles.extend(profiles.map(|profile| format!("instance profile {}", profile.arn)));
        }
        Ok(obstacles)
    }
}

fn seconds(inputs: &RoleInputs) -> i32 {
    i32::try_from(inputs.max_session_duration).unwrap_or(i32::MAX)
}

async fn managed(cx: &Cx, id: &RoleName) -> Result<BTreeSet<Arn>> {
    let policies = attached(cx, id.as_str()).await?;
    let arns = policies.iter().filter_map(|policy| policy.policy_arn.as_deref());
    arns.map(|arn| parse(arn, "policyArn")).collect()
}

async fn inline_names(cx: &Cx, id: &RoleName) -> Result<Vec<String>> {
    let mut pages = cx
        .iam()
        .list_role_policies()
        .role_name(id.as_str())
        .into_paginator()
        .send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        names.extend(page.map_err(aws("iam", "ListRolePolicies"))?.policy_names);
    }
    Ok(names)
}

async fn inline(cx: &Cx, id: &RoleName) -> Result<BTreeMap<String, Document>> {
    let mut policies = BTreeMap::new();
    for name in inline_names(cx, id).await? {
        let answer = cx
            .iam()
            .get_role_policy()
            .role_name(id.as_str())
            .policy_name(&name)
            .send()
            .await
            .map_err(aws("iam", "GetRolePolicy"))
            .or_gone()?;
        if let Some(answer) = answer {
            policies.insert(name, document(&answer.policy_document, "policyDocument")?);
        }
    }
    Ok(policies)
}

/// Gives a role a managed policy; it may have it already.
pub(super) async fn attach(cx: &Cx, role: &str, policy: &Arn) -> Result<()> {
    cx.iam()
        .attach_role_policy()
        .role_name(role)
        .policy_arn(policy.as_str())
        .send()
        .await
        .map_err(aws("iam", "AttachRolePolicy"))?;
    Ok(())
}

/// Takes a managed policy off a role.
pub(super) async fn detach(cx: &Cx, role: &str, policy: &Arn) -> Result<()> {
    cx.iam()
        .detach_role_policy()
        .role_name(role)
        .policy_arn(policy.as_str())
        .send()
        .await
        .map_err(aws("iam", "DetachRolePolicy"))?;
    Ok(())
}

async fn put(cx: &Cx, id: &RoleName, name: &str, policy: &Document) -> Result<()> {
    cx.iam()
        .put_role_policy()
        .role_name(id.as_str())
        .policy_name(name)
        .policy_document(policy.to_text())
        .send()
        .await
        .map_err(aws("iam", "PutRolePolicy"))?;
    Ok(())
}

async fn drop_inline(cx: &Cx, id: &RoleName, name: &str) -> Result<()> {
    cx.iam()
        .delete_role_policy()
        .role_name(id.as_str())
        .policy_name(name)
        .send()
        .await
        .map_err(aws("iam", "DeleteRolePolicy"))?;
    Ok(())
}

async fn bound(cx: &Cx, id: &RoleName, boundary: Option<&Arn>) -> Result<()> {
    match boundary {
        Some(boundary) => {
            cx.iam()
                .put_role_permissions_boundary()
                .role_name(id.as_str())
                .permissions_boundary(boundary.as_str())
                .send()
                .await
                .map_err(aws("iam", "PutRolePermissionsBoundary"))?;
        }
        None => {
            cx.iam()
                .delete_role_permissions_boundary()
                .role_name(id.as_str())
                .send()
                .await
                .map_err(aws("iam", "DeleteRolePermissionsBoundary"))?;
        }
    }
    Ok(())
}

async fn update_tags(cx: &Cx, id: &RoleName, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let (set, unset) = tag_changes(old, new)?;
    if !set.is_empty() {
        cx.iam()
            .tag_role()
            .role_name(id.as_str())
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("iam", "TagRole"))?;
    }
    if !unset.is_empty() {
        cx.iam()
            .untag_role()
            .role_name(id.as_str())
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("iam", "UntagRole"))?;
    }
    Ok(())
}
