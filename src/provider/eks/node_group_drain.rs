//! The end of a managed node group: EKS drains its nodes, and has no word for doing it by force.

use std::time::Duration;

use aws_sdk_ec2::types::{Filter, InstanceStateName, Reservation};
use groundwork_contract::eks::NodeGroupId;

use super::{node_group::describe, node_group_form::status};
use crate::{
    cx::Cx,
    ec2::filter,
    error::{Kind, Result, aws},
    wait::human,
};

pub(super) async fn delete(cx: &Cx, id: &NodeGroupId) -> Result<()> {
    cx.eks()
        .delete_nodegroup()
        .cluster_name(id.cluster())
        .nodegroup_name(id.name())
        .send()
        .await
        .map_err(aws("eks", "DeleteNodegroup"))?;
    Ok(())
}

/// Ends a drain that a `PodDisruptionBudget` keeps up: terminates what is left of the group's instances.
pub(super) async fn end(cx: &Cx, id: &NodeGroupId, budget: Duration) -> Result<()> {
    let Some(group) = describe(cx, id).await? else {
        return Ok(());
    };
    if status(&group) != "DELETING" {
        return Ok(());
    }
    let left = instances(cx, id).await?;
    if left.is_empty() {
        return Ok(());
    }
    cx.warn(format!(
        "its pods could not be drained within {}, as a PodDisruptionBudget may forbid it; terminating {}",
        human(budget),
        left.join(", ")
    ));
    let answer = cx
        .ec2()
        .terminate_instances()
        .set_instance_ids(Some(left))
        .send()
        .await
        .map_err(aws("ec2", "TerminateInstances"));
    match answer {
        // Gone between the look and the call.
        Err(error) if error.kind() == Kind::Missing => Ok(()),
        answer => answer.map(drop),
    }
}

/// The instances of a group that are not on their way out, by the tags that EKS gives them.
async fn instances(cx: &Cx, id: &NodeGroupId) -> Result<Vec<String>> {
    let alive = [
        InstanceStateName::Pending,
        InstanceStateName::Running,
        InstanceStateName::Stopping,
        InstanceStateName::Stopped,
    ];
    let state = Filter::builder()
        .name("instance-state-name")
        .set_values(Some(alive.iter().map(|state| state.as_str().to_owned()).collect()))
        .build();
    let mut pages = cx
        .ec2()
        .describe_instances()
        .filters(filter("tag:eks:cluster-name", id.cluster()))
        .filters(filter("tag:eks:nodegroup-name", id.name()))
        .filters(state)
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("ec2", "DescribeInstances"))?;
        let instances = page.reservations().iter().flat_map(Reservation::instances);
        found.extend(instances.filter_map(|instance| instance.instance_id.clone()));
    }
    Ok(found)
}
