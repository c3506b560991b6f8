//! An instance profile.

use aws_sdk_iam::types::InstanceProfile as AwsInstanceProfile;
use groundwork_contract::{
    Tags,
    iam::{InstanceProfile, InstanceProfileInputs, InstanceProfileName, InstanceProfileOutputs, RoleName},
};

use super::{parse, read_tags, tag_changes, to_tags};
use crate::{
    cx::Cx,
    engine,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for InstanceProfile {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &InstanceProfileInputs) -> Result<Created<Self>> {
        let answer = cx
            .iam()
            .create_instance_profile()
            .set_instance_profile_name(inputs.name.as_ref().map(InstanceProfileName::to_string))
            .path(inputs.path.as_str())
            .set_tags(to_tags(inputs.tags.as_ref())?)
            .send()
            .await
            .map_err(aws("iam", "CreateInstanceProfile"))?;
        let profile = answer.instance_profile.ok_or_else(|| Error::lacks("instanceProfile"))?;
        parse(&profile.instance_profile_name, "instanceProfileName").map(Created::new)
    }

    async fn read(cx: &Cx, id: &InstanceProfileName, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(profile) = look(cx, id).await? else {
            return Ok(None);
        };
        let role = profile.roles().first();
        Ok(Some(Live {
            inputs: InstanceProfileInputs {
                name: Some(parse(&profile.instance_profile_name, "instanceProfileName")?),
                path: parse(&profile.path, "path")?,
                role: role.map(|role| parse(&role.role_name, "roleName")).transpose()?,
                tags: read_tags(profile.tags()),
            },
            outputs: InstanceProfileOutputs {
                arn: parse(&profile.arn, "arn")?,
                unique_id: profile.instance_profile_id,
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &InstanceProfileName, old: &State<Self>, new: &InstanceProfileInputs) -> Result<()> {
        if old.inputs.role != new.role {
            // AWS takes one role alone: the old one has to leave first.
            clear(cx, id, new.role.as_ref().map(RoleName::as_str)).await?;
            if let Some(role) = &new.role {
                join(cx, id, role).await?;
            }
        }
        update_tags(cx, id, old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &InstanceProfileName, _state: &State<Self>) -> Result<()> {
        clear(cx, id, None).await?;
        cx.iam()
            .delete_instance_profile()
            .instance_profile_name(id.as_str())
            .send()
            .await
            .map_err(aws("iam", "DeleteInstanceProfile"))?;
        Ok(())
    }

    async fn find(cx: &Cx, inputs: &InstanceProfileInputs) -> Result<Option<InstanceProfileName>> {
        match &inputs.name {
            Some(name) => engine::ours::<Self>(cx, name.clone(), inputs).await,
            None => Ok(None),
        }
    }
}

async fn look(cx: &Cx, id: &InstanceProfileName) -> Result<Option<AwsInstanceProfile>> {
    let answer = cx
        .iam()
        .get_instance_profile()
        .instance_profile_name(id.as_str())
        .send()
        .await
        .map_err(aws("iam", "GetInstanceProfile"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.instance_profile))
}

/// Takes every role but one out of a profile.
async fn clear(cx: &Cx, id: &InstanceProfileName, but: Option<&str>) -> Result<()> {
    let profile = look(cx, id).await?;
    let roles = profile.iter().flat_map(aws_sdk_iam::types::InstanceProfile::roles);
    for role in roles.filter(|role| Some(role.role_name()) != but) {
        cx.iam()
            .remove_role_from_instance_profile()
            .instance_profile_name(id.as_str())
            .role_name(role.role_name())
            .send()
            .await
            .map_err(aws("iam", "RemoveRoleFromInstanceProfile"))
            .or_gone()?;
    }
    Ok(())
}

async fn holds(cx: &Cx, id: &InstanceProfileName, role: &RoleName) -> Result<bool> {
    let profile = look(cx, id).await?;
    Ok(profile.is_some_and(|profile| profile.roles().iter().any(|held| held.role_name() == role.as_str())))
}

/// Puts a role into a profile that has no other.
async fn join(cx: &Cx, id: &InstanceProfileName, role: &RoleName) -> Result<()> {
    if holds(cx, id, role).await? {
        return Ok(());
    }
    let added = cx
        .iam()
        .add_role_to_instance_profile()
        .instance_profile_name(id.as_str())
        .role_name(role.as_str())
        .send()
        .await
        .map_err(aws("iam", "AddRoleToInstanceProfile"));
    match added {
        Ok(_) => Ok(()),
        // There is room for one: it may be this one, by a call whose answer was lost.
        Err(error) if error.kind() == Kind::Quota && holds(cx, id, role).await? => Ok(()),
        Err(error) => Err(error),
    }
}

async fn update_tags(cx: &Cx, id: &InstanceProfileName, old: Option<&Tags>, new: Option<&Tags>) -> Result<()> {
    let (set, unset) = tag_changes(old, new)?;
    if !set.is_empty() {
        cx.iam()
            .tag_instance_profile()
            .instance_profile_name(id.as_str())
            .set_tags(Some(set))
            .send()
            .await
            .map_err(aws("iam", "TagInstanceProfile"))?;
    }
    if !unset.is_empty() {
        cx.iam()
            .untag_instance_profile()
            .instance_profile_name(id.as_str())
            .set_tag_keys(Some(unset))
            .send()
            .await
            .map_err(aws("iam", "UntagInstanceProfile"))?;
    }
    Ok(())
}
