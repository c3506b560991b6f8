//! A Fargate profile.

use std::time::Duration;

use aws_sdk_eks::types::{
    FargateProfile as AwsProfile, FargateProfileHealth, FargateProfileIssueCode, FargateProfileSelector,
};
use groundwork_contract::eks::{
    FargateProfile, FargateProfileId, FargateProfileInputs, FargateProfileOutputs, FargateSelector,
};

use super::{
    health::{issue, name_taken, with_issues},
    read_tags, to_tags, update_tags,
};
use crate::{
    cx::Cx,
    ec2::{need, parse},
    engine::ours,
    error::{Error, Gone, Result, aws},
    resource::{Created, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

impl Resource for FargateProfile {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    /// Each takes some minutes, and the profiles of a cluster follow each other.
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_mins(30),
        update: Duration::from_mins(5),
        delete: Duration::from_hours(1),
    };
    const RHYTHM: Rhythm = Rhythm::MINUTES;

    async fn create(cx: &Cx, inputs: &FargateProfileInputs) -> Result<Created<Self>> {
        let selectors = inputs.selectors.iter().map(|selector| {
            FargateProfileSelector::builder()
                .namespace(&selector.namespace)
                .set_labels(selector.labels.clone().map(|labels| labels.into_iter().collect()))
                .build()
        });
        let id = id(inputs)?;
        cx.eks()
            .create_fargate_profile()
            .client_request_token(&cx.client_token)
            .cluster_name(inputs.cluster_name.as_str())
            .fargate_profile_name(id.name())
            .pod_execution_role_arn(inputs.pod_execution_role_arn.as_str())
            .set_subnets(Some(inputs.subnets.iter().map(ToString::to_string).collect()))
            .set_selectors(Some(selectors.collect()))
            .set_tags(to_tags(inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("eks", "CreateFargateProfile"))
            .map_err(name_taken)?;
        Ok(Created::new(id))
    }

    async fn read(cx: &Cx, id: &FargateProfileId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let answer = cx
            .eks()
            .describe_fargate_profile()
            .cluster_name(id.cluster())
            .fargate_profile_name(id.name())
            .send()
            .await
            .map_err(aws("eks", "DescribeFargateProfile"))
            .or_gone()?;
        let Some(profile) = answer.and_then(|answer| answer.fargate_profile) else {
            return Ok(None);
        };
        Ok(Some(Live {
            inputs: inputs(&profile)?,
            outputs: FargateProfileOutputs {
                arn: parse(profile.fargate_profile_arn(), "fargateProfileArn")?,
                status: profile
                    .status()
                    .map_or_else(String::new, |status| status.as_str().to_owned()),
                issues: issues(&profile),
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, _id: &FargateProfileId, old: &State<Self>, new: &FargateProfileInputs) -> Result<()> {
        let arn = &need(old.outputs.as_ref(), "fargateProfileArn")?.arn;
        update_tags(cx, arn.as_str(), old.inputs.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &FargateProfileId, _state: &State<Self>) -> Result<()> {
        cx.eks()
            .delete_fargate_profile()
            .cluster_name(id.cluster())
            .fargate_profile_name(id.name())
            .send()
            .await
            .map_err(aws("eks", "DeleteFargateProfile"))?;
        Ok(())
    }

    fn phase(live: &Live<Self>) -> Phase {
        let FargateProfileOutputs { status, issues, .. } = &live.outputs;
        match status.as_str() {
            "ACTIVE" => Phase::Ready,
            "CREATE_FAILED" | "DELETE_FAILED" => Phase::Failed(with_issues(status, issues)),
            other => Phase::Pending(with_issues(other, issues)),
        }
    }

    async fn find(cx: &Cx, inputs: &FargateProfileInputs) -> Result<Option<FargateProfileId>> {
        ours::<Self>(cx, id(inputs)?, inputs).await
    }
}

fn id(inputs: &FargateProfileInputs) -> Result<FargateProfileId> {
    // Check has made a name up where none was given.
    let name = inputs.fargate_profile_name.as_deref().unwrap_or_default();
    FargateProfileId::of(inputs.cluster_name.as_str(), name).map_err(|error| Error::Invalid(error.to_string()))
}

fn inputs(profile: &AwsProfile) -> Result<FargateProfileInputs> {
    let selectors = profile.selectors().iter().map(|selector| {
        let labels = selector.labels.clone().unwrap_or_default();
        FargateSelector {
            namespace: selector.namespace.clone().unwrap_or_default(),
            labels: (!labels.is_empty()).then(|| labels.into_iter().collect()),
        }
    });
    Ok(FargateProfileInputs {
        cluster_name: parse(profile.cluster_name(), "clusterName")?,
        fargate_profile_name: profile.fargate_profile_name.clone(),
        pod_execution_role_arn: parse(profile.pod_execution_role_arn(), "podExecutionRoleArn")?,
        subnets: profile
            .subnets()
            .iter()
            .map(|id| parse(Some(id), "subnets"))
            .collect::<Result<_>>()?,
        selectors: selectors.collect(),
        tags: read_tags(profile.tags.clone()),
    })
}

fn issues(profile: &AwsProfile) -> Vec<String> {
    let issues = profile.health().map(FargateProfileHealth::issues).unwrap_or_default();
    issues
        .iter()
        .map(|found| {
            issue(
                found.code().map(FargateProfileIssueCode::as_str),
                found.message(),
                found.resource_ids(),
            )
        })
        .collect()
}
