//! A launch template.

use aws_sdk_ec2::types::{
    LaunchTemplate as AwsTemplate, LaunchTemplateVersion, ResourceType, ResponseLaunchTemplateData,
};
use groundwork_contract::ec2::{LaunchTemplate, LaunchTemplateId, LaunchTemplateInputs, LaunchTemplateOutputs};

use super::{
    launch_template_form::{inputs, request, same},
    need, read_tags, update_tags,
};
use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

/// How many versions are kept: those that a roll-out may still be on, and the way back.
const KEPT: u32 = 10;

impl Resource for LaunchTemplate {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Ec2Tag("launch-template");

    async fn create(cx: &Cx, inputs: &LaunchTemplateInputs) -> Result<Created<Self>> {
        let answer = cx
            .ec2_once()
            .create_launch_template()
            .client_token(&cx.client_token)
            // Check has made a name up where none was given.
            .set_launch_template_name(inputs.name.clone())
            .launch_template_data(request(inputs))
            .tag_specifications(cx.tag_specification(ResourceType::LaunchTemplate, inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("ec2", "CreateLaunchTemplate"))?;
        super::parse(
            answer.launch_template().and_then(AwsTemplate::launch_template_id),
            "launchTemplateId",
        )
        .map(Created::new)
    }

    async fn read(cx: &Cx, id: &LaunchTemplateId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(template) = describe(cx, id).await? else {
            return Ok(None);
        };
        let Some(data) = launch_template_data(cx, Some(id), None, "$Default").await? else {
            return Ok(None);
        };
        let (tags, pending_mark) = read_tags(template.tags.as_deref());
        Ok(Some(Live {
            inputs: LaunchTemplateInputs {
                name: template.launch_template_name.clone(),
                tags,
                ..inputs(&data, last.map(|last| &last.inputs))?
            },
            outputs: LaunchTemplateOutputs {
                arn: cx.aws.ec2_arn(&format!("launch-template/{id}"))?,
                latest_version: counted(template.latest_version_number, "latestVersionNumber")?,
                default_version: counted(template.default_version_number, "defaultVersionNumber")?,
            },
            pending_mark,
        }))
    }

    async fn update(cx: &Cx, id: &LaunchTemplateId, old: &State<Self>, new: &LaunchTemplateInputs) -> Result<()> {
        let Some(template) = describe(cx, id).await? else {
            let message = format!("{id} does not exist");
            return Err(Error::refused(
                "ec2",
                "DescribeLaunchTemplates",
                "InvalidLaunchTemplateId.NotFound",
                &message,
                None,
            ));
        };
        let default = counted(template.default_version_number, "defaultVersionNumber")?;
        let mut latest = counted(template.latest_version_number, "latestVersionNumber")?;
        // The newest may be as asked for and only not the default yet: an answer was lost in between.
        let data = launch_template_data(cx, Some(id), None, "$Latest").await?;
        let now = data.map(|data| inputs(&data, Some(new))).transpose()?;
        if !now.is_some_and(|now| same(&now, new)) {
            let answer = cx
                .ec2()
                .create_launch_template_version()
                .client_token(format!("{}-{latest}", cx.client_token))
                .launch_template_id(id.as_str())
                .launch_template_data(request(new))
                .send()
                .await
                .map_err(aws("ec2", "CreateLaunchTemplateVersion"))?;
            let made = answer
                .launch_template_version()
                .and_then(LaunchTemplateVersion::version_number);
            latest = counted(made, "versionNumber")?;
        }
        if default != latest {
            cx.ec2()
                .modify_launch_template()
                .launch_template_id(id.as_str())
                .default_version(latest.to_string())
                .send()
                .await
                .map_err(aws("ec2", "ModifyLaunchTemplate"))?;
            prune(cx, id, latest).await;
        }
        update_tags(cx, id.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &LaunchTemplateId, _state: &State<Self>) -> Result<()> {
        cx.ec2()
            .delete_launch_template()
            .launch_template_id(id.as_str())
            .send()
            .await
            .map_err(aws("ec2", "DeleteLaunchTemplate"))?;
        Ok(())
    }
}

async fn describe(cx: &Cx, id: &LaunchTemplateId) -> Result<Option<AwsTemplate>> {
    let answer = cx
        .ec2()
        .describe_launch_templates()
        .launch_template_ids(id.as_str())
        .send()
        .await
        .map_err(aws("ec2", "DescribeLaunchTemplates"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.launch_templates.unwrap_or_default().into_iter().next()))
}

/// What a version of a launch template says, by the template's id or name and by a number, `$Default` or `$Latest`.
pub(crate) async fn launch_template_data(
    cx: &Cx,
    id: Option<&LaunchTemplateId>,
    name: Option<&str>,
    version: &str,
) -> Result<Option<ResponseLaunchTemplateData>> {
    let answer = cx
        .ec2()
        .describe_launch_template_versions()
        .set_launch_template_id(id.map(ToString::to_string))
        .set_launch_template_name(name.filter(|_| id.is_none()).map(str::to_owned))
        .versions(version)
        .send()
        .await
        .map_err(aws("ec2", "DescribeLaunchTemplateVersions"))
        .or_gone()?;
    let found = answer.and_then(|answer| answer.launch_template_versions.unwrap_or_default().into_iter().next());
    Ok(found.and_then(|version| version.launch_template_data))
}

fn counted(number: Option<i64>, what: &str) -> Result<u32> {
    let number = need(number, what)?;
    u32::try_from(number).map_err(|error| Error::Bug(format!("{what}: {error}")))
}

/// Deletes the versions that are no longer kept. Nothing depends on it: what fails now is seen to after the next change.
async fn prune(cx: &Cx, id: &LaunchTemplateId, latest: u32) {
    let Some(last) = latest.checked_sub(KEPT).filter(|last| *last > 0) else {
        return;
    };
    let old = cx
        .ec2()
        .describe_launch_template_versions()
        .launch_template_id(id.as_str())
        .max_version(last.to_string())
        .send()
        .await
        .map_err(aws("ec2", "DescribeLaunchTemplateVersions"));
    let pruned = match old {
        Ok(answer) => {
            let numbers = answer
                .launch_template_versions()
                .iter()
                .filter_map(LaunchTemplateVersion::version_number);
            let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
            if numbers.is_empty() {
                return;
            }
            let call = cx
                .ec2()
                .delete_launch_template_versions()
                .launch_template_id(id.as_str());
            let call = call.set_versions(Some(numbers)).send().await;
            call.map_err(aws("ec2", "DeleteLaunchTemplateVersions")).map(drop)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = pruned
        && error.kind() != Kind::Missing
    {
        cx.log.debug(&cx.urn, format!("old versions stay: {error}"));
    }
}
