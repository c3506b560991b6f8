//! A managed node group.

use std::time::Duration;

use aws_sdk_eks::types::{AmiTypes, CapacityTypes, Nodegroup, NodegroupResources, NodegroupScalingConfig};
use groundwork_contract::eks::{
    NodeGroup, NodeGroupArgs, NodeGroupId, NodeGroupInputs, NodeGroupOutputs, ScalingConfig,
};

use super::{
    health::{name_taken, with_issues},
    node_group_drain, node_group_foresee,
    node_group_form::{
        self as form, differing_labels, differing_taints, image, inputs, issues, remote_access, repair, rolled_out,
        status, taints, template, update_config, warm_pool,
    },
    to_tags, update_tags,
    updates::{self, Of},
};
use crate::{
    cx::Cx,
    ec2::{maybe, need, parse},
    engine::ours,
    error::{Error, Gone, Result, aws},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

impl Resource for NodeGroup {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    /// An update takes each node in turn, and a deletion drains them all.
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_mins(30),
        update: Duration::from_mins(90),
        delete: Duration::from_hours(1),
    };
    const RHYTHM: Rhythm = Rhythm::MINUTES;

    async fn create(cx: &Cx, inputs: &NodeGroupInputs) -> Result<Created<Self>> {
        let id = id(inputs)?;
        let size = inputs
            .scaling_config
            .desired_size
            .unwrap_or(inputs.scaling_config.min_size);
        cx.eks()
            .create_nodegroup()
            .client_request_token(&cx.client_token)
            .cluster_name(inputs.cluster_name.as_str())
            .nodegroup_name(id.name())
            .node_role(inputs.node_role.as_str())
            .set_subnets(Some(inputs.subnets.iter().map(ToString::to_string).collect()))
            .scaling_config(scaling(&inputs.scaling_config, size))
            .set_ami_type(inputs.ami_type.map(|kind| AmiTypes::from(kind.word())))
            .capacity_type(CapacityTypes::from(inputs.capacity_type.word()))
            .set_instance_types(inputs.instance_types.clone())
            .set_disk_size(inputs.disk_size.map(form::number))
            .set_labels(inputs.labels.clone().map(|labels| labels.into_iter().collect()))
            .set_taints(inputs.taints.as_ref().map(taints))
            .set_update_config(inputs.update_config.as_ref().map(update_config))
            .set_node_repair_config(inputs.node_repair_config.as_ref().map(repair))
            .set_launch_template(inputs.launch_template.as_ref().map(template))
            .set_version(inputs.version.as_ref().map(ToString::to_string))
            .set_release_version(inputs.release_version.clone())
            .set_remote_access(inputs.remote_access.as_ref().map(remote_access))
            .set_warm_pool_config(inputs.warm_pool_config.as_ref().map(warm_pool))
            .set_tags(to_tags(inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("eks", "CreateNodegroup"))
            .map_err(name_taken)?;
        Ok(Created::new(id))
    }

    async fn read(cx: &Cx, id: &NodeGroupId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(group) = describe(cx, id).await? else {
            return Ok(None);
        };
        let resources = group.resources();
        let scalers = resources
            .map(NodegroupResources::auto_scaling_groups)
            .unwrap_or_default();
        Ok(Some(Live {
            inputs: inputs(&group, last.map(|last| &last.inputs))?,
            outputs: NodeGroupOutputs {
                arn: parse(group.nodegroup_arn(), "nodegroupArn")?,
                status: updates::status(cx, id.cluster(), Of::Nodegroup(id.name()), status(&group)).await?,
                issues: issues(&group),
                auto_scaling_groups: scalers.iter().filter_map(|scaler| scaler.name.clone()).collect(),
                remote_access_security_group: maybe(
                    resources.and_then(|resources| resources.remote_access_security_group()),
                    "remoteAccessSecurityGroup",
                )?,
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &NodeGroupId, _old: &State<Self>, new: &NodeGroupInputs) -> Result<()> {
        let Some(group) = describe(cx, id).await? else {
            let message = format!("{id} does not exist");
            return Err(Error::refused(
                "eks",
                "DescribeNodegroup",
                "ResourceNotFoundException",
                &message,
                None,
            ));
        };
        // One at a time: what is under way is waited for, and then looked at again.
        if matches!(status(&group), "CREATING" | "UPDATING") {
            return Ok(());
        }
        let now = inputs(&group, Some(new))?;
        let arn = need(group.nodegroup_arn(), "nodegroupArn")?;
        update_tags(cx, arn, now.tags.as_ref(), new.tags.as_ref()).await?;
        if !configure(cx, id, &group, &now, new).await? {
            roll_out(cx, id, &now, new).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, id: &NodeGroupId, _state: &State<Self>) -> Result<()> {
        node_group_drain::delete(cx, id).await
    }

    fn phase(live: &Live<Self>) -> Phase {
        let NodeGroupOutputs { status, issues, .. } = &live.outputs;
        match status.as_str() {
            // Some of a degraded group's nodes may be well; what is wrong stands among its outputs.
            "ACTIVE" | "DEGRADED" => Phase::Ready,
            "CREATE_FAILED" | "DELETE_FAILED" => Phase::Failed(with_issues(status, issues)),
            other => Phase::Pending(with_issues(other, issues)),
        }
    }

    async fn nudge(cx: &Cx, id: &NodeGroupId, state: &State<Self>, elapsed: Duration) -> Result<()> {
        let budget = Duration::from_secs(state.inputs.drain_budget_seconds.into());
        if elapsed < budget {
            return Ok(());
        }
        node_group_drain::end(cx, id, budget).await
    }

    async fn find(cx: &Cx, inputs: &NodeGroupInputs) -> Result<Option<NodeGroupId>> {
        ours::<Self>(cx, id(inputs)?, inputs).await
    }

    async fn obstacles(cx: &Cx, id: &NodeGroupId) -> Result<Vec<String>> {
        Ok(describe(cx, id).await?.as_ref().map(issues).unwrap_or_default())
    }

    async fn foresee(cx: &Cx, args: &NodeGroupArgs) -> Result<Vec<Finding>> {
        node_group_foresee::foresee(cx, args).await
    }
}

fn id(inputs: &NodeGroupInputs) -> Result<NodeGroupId> {
    // Check has made a name up where none was given.
    let name = inputs.nodegroup_name.as_deref().unwrap_or_default();
    NodeGroupId::of(inputs.cluster_name.as_str(), name).map_err(|error| Error::Invalid(error.to_string()))
}

/// A node group by its id; `None` where there is none.
pub(super) async fn describe(cx: &Cx, id: &NodeGroupId) -> Result<Option<Nodegroup>> {
    let answer = cx
        .eks()
        .describe_nodegroup()
        .cluster_name(id.cluster())
        .nodegroup_name(id.name())
        .send()
        .await
        .map_err(aws("eks", "DescribeNodegroup"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.nodegroup))
}

fn scaling(config: &ScalingConfig, desired: u32) -> NodegroupScalingConfig {
    NodegroupScalingConfig::builder()
        .min_size(form::number(config.min_size))
        .max_size(form::number(config.max_size))
        .desired_size(form::number(desired))
        .build()
}

/// Asks for the sizes, labels, taints and ways of updating that differ; whether there were any.
async fn configure(
    cx: &Cx,
    id: &NodeGroupId,
    group: &Nodegroup,
    now: &NodeGroupInputs,
    new: &NodeGroupInputs,
) -> Result<bool> {
    let desired = form::desired(group, &new.scaling_config);
    let resized = form::sizes(group) != (new.scaling_config.min_size, new.scaling_config.max_size, desired);
    let labels = differing_labels(now.labels.as_ref(), new.labels.as_ref());
    let taints = differing_taints(now.taints.as_ref(), new.taints.as_ref());
    let ways = new
        .update_config
        .as_ref()
        .filter(|wanted| now.update_config.as_ref() != Some(wanted));
    let repairs = new
        .node_repair_config
        .as_ref()
        .filter(|wanted| now.node_repair_config.as_ref() != Some(wanted));
    let pool = new
        .warm_pool_config
        .as_ref()
        .filter(|wanted| now.warm_pool_config.as_ref() != Some(wanted));
    if !resized && labels.is_none() && taints.is_none() && ways.is_none() && repairs.is_none() && pool.is_none() {
        return Ok(false);
    }
    let answer = cx
        .eks()
        .update_nodegroup_config()
        .client_request_token(cx.update_token())
        .cluster_name(id.cluster())
        .nodegroup_name(id.name())
        .set_scaling_config(resized.then(|| scaling(&new.scaling_config, desired)))
        .set_labels(labels)
        .set_taints(taints)
        .set_update_config(ways.map(update_config))
        .set_node_repair_config(repairs.map(repair))
        .set_warm_pool_config(pool.map(warm_pool))
        .send()
        .await
        .map_err(aws("eks", "UpdateNodegroupConfig"))?;
    updates::begin(cx, answer.update());
    Ok(true)
}

/// Asks for another version, release or launch template, where one differs.
async fn roll_out(cx: &Cx, id: &NodeGroupId, now: &NodeGroupInputs, new: &NodeGroupInputs) -> Result<()> {
    if image(now, new) && rolled_out(now, new) {
        return Ok(());
    }
    let answer = cx
        .eks()
        .update_nodegroup_version()
        .client_request_token(cx.update_token())
        .cluster_name(id.cluster())
        .nodegroup_name(id.name())
        .set_version(new.version.as_ref().map(ToString::to_string))
        .set_release_version(new.release_version.clone())
        .set_launch_template(new.launch_template.as_ref().map(template))
        .force(new.force_update_version)
        .send()
        .await
        .map_err(aws("eks", "UpdateNodegroupVersion"))?;
    updates::begin(cx, answer.update());
    Ok(())
}
