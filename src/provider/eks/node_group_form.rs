//! A managed node group's form at EKS: what is sent, what is read, and what differs.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::types::{
    LaunchTemplateSpecification, NodeRepairConfig as AwsRepair, Nodegroup, NodegroupHealth, NodegroupIssueCode,
    NodegroupUpdateConfig, NodegroupUpdateStrategies, RemoteAccessConfig, Taint as AwsTaint,
    TaintEffect as AwsTaintEffect, UpdateLabelsPayload, UpdateTaintsPayload, WarmPoolConfig as AwsWarmPool,
    WarmPoolState as AwsWarmPoolState,
};
use groundwork_contract::eks::{
    NodeGroupInputs, NodeLaunchTemplate, NodeRepairConfig, NodeUpdateConfig, RemoteAccess, ScalingConfig, Taint,
    WarmPoolConfig,
};

use super::{choice, health::issue, read_tags};
use crate::{
    ec2::{maybe, need, parse},
    error::Result,
};

/// A number as AWS takes it.
pub(super) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn counted(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

pub(super) fn status(group: &Nodegroup) -> &str {
    group.status().map_or("", |status| status.as_str())
}

/// What is wrong with a group, in EKS's words.
pub(super) fn issues(group: &Nodegroup) -> Vec<String> {
    let issues = group.health().map(NodegroupHealth::issues).unwrap_or_default();
    issues
        .iter()
        .map(|found| {
            issue(
                found.code().map(NodegroupIssueCode::as_str),
                found.message(),
                found.resource_ids(),
            )
        })
        .collect()
}

pub(super) fn taints(taints: &BTreeSet<Taint>) -> Vec<AwsTaint> {
    taints.iter().map(taint).collect()
}

fn taint(taint: &Taint) -> AwsTaint {
    AwsTaint::builder()
        .key(&taint.key)
        .set_value(taint.value.clone())
        .effect(AwsTaintEffect::from(taint.effect.word()))
        .build()
}

pub(super) fn update_config(config: &NodeUpdateConfig) -> NodegroupUpdateConfig {
    NodegroupUpdateConfig::builder()
        .set_max_unavailable(config.max_unavailable.map(number))
        .set_max_unavailable_percentage(config.max_unavailable_percentage.map(number))
        .set_update_strategy(
            config
                .update_strategy
                .map(|strategy| NodegroupUpdateStrategies::from(strategy.word())),
        )
        .build()
}

pub(super) fn repair(config: &NodeRepairConfig) -> AwsRepair {
    AwsRepair::builder().enabled(config.enabled).build()
}

pub(super) fn warm_pool(config: &WarmPoolConfig) -> AwsWarmPool {
    AwsWarmPool::builder()
        .enabled(config.enabled)
        .set_min_size(config.min_size.map(number))
        .set_max_group_prepared_capacity(config.max_group_prepared_capacity.map(number))
        .set_pool_state(config.pool_state.map(|state| AwsWarmPoolState::from(state.word())))
        .set_reuse_on_scale_in(config.reuse_on_scale_in)
        .build()
}

/// EKS takes the id or the name, not both.
pub(super) fn template(template: &NodeLaunchTemplate) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .set_id(template.id.as_ref().map(ToString::to_string))
        .set_name(template.name.clone().filter(|_| template.id.is_none()))
        .set_version(template.version.map(|version| version.to_string()))
        .build()
}

pub(super) fn remote_access(access: &RemoteAccess) -> RemoteAccessConfig {
    let groups = access.source_security_groups.as_ref();
    RemoteAccessConfig::builder()
        .set_ec2_ssh_key(access.ec2_ssh_key.clone())
        .set_source_security_groups(groups.map(|groups| groups.iter().map(ToString::to_string).collect()))
        .build()
}

/// The least, the most, and how many there should be now.
pub(super) fn sizes(group: &Nodegroup) -> (u32, u32, u32) {
    let config = group.scaling_config();
    let of = |size: Option<i32>| counted(size).unwrap_or_default();
    (
        of(config.and_then(|config| config.min_size)),
        of(config.and_then(|config| config.max_size)),
        of(config.and_then(|config| config.desired_size)),
    )
}

/// How many nodes there should be: what is asked for, or what there are, within the bounds.
pub(super) fn desired(group: &Nodegroup, wanted: &ScalingConfig) -> u32 {
    let (_, _, now) = sizes(group);
    // Check holds the least below the most; `clamp` would panic.
    wanted
        .desired_size
        .unwrap_or_else(|| now.max(wanted.min_size).min(wanted.max_size))
}

/// The labels to set and to take off; `None` where none differs.
pub(super) fn differing_labels(
    now: Option<&BTreeMap<String, String>>,
    new: Option<&BTreeMap<String, String>>,
) -> Option<UpdateLabelsPayload> {
    let none = BTreeMap::new();
    let (now, new) = (now.unwrap_or(&none), new.unwrap_or(&none));
    let set: Vec<_> = new.iter().filter(|(key, value)| now.get(*key) != Some(value)).collect();
    let unset: Vec<String> = now.keys().filter(|key| !new.contains_key(*key)).cloned().collect();
    (!set.is_empty() || !unset.is_empty()).then(|| {
        let set = set
            .into_iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        UpdateLabelsPayload::builder()
            .set_add_or_update_labels(Some(set))
            .set_remove_labels(Some(unset))
            .build()
    })
}

/// The taints to set and to take off; `None` where none differs. EKS knows a taint by its key and effect.
pub(super) fn differing_taints(
    now: Option<&BTreeSet<Taint>>,
    new: Option<&BTreeSet<Taint>>,
) -> Option<UpdateTaintsPayload> {
    let none = BTreeSet::new();
    let (now, new) = (now.unwrap_or(&none), new.unwrap_or(&none));
    let set: Vec<AwsTaint> = new.difference(now).map(taint).collect();
    let kept = |old: &&Taint| new.iter().any(|new| (&new.key, new.effect) == (&old.key, old.effect));
    let unset: Vec<AwsTaint> = now.iter().filter(|old| !kept(old)).map(taint).collect();
    (!set.is_empty() || !unset.is_empty()).then(|| {
        UpdateTaintsPayload::builder()
            .set_add_or_update_taints(Some(set))
            .set_remove_taints(Some(unset))
            .build()
    })
}

/// Whether version and release are as asked for.
pub(super) fn image(now: &NodeGroupInputs, new: &NodeGroupInputs) -> bool {
    (new.version.is_none() || new.version == now.version)
        && (new.release_version.is_none() || new.release_version == now.release_version)
}

/// Whether the launch template's version is the one asked for.
pub(super) fn rolled_out(now: &NodeGroupInputs, new: &NodeGroupInputs) -> bool {
    let version = |inputs: &NodeGroupInputs| inputs.launch_template.as_ref().and_then(|template| template.version);
    version(new).is_none() || version(new) == version(now)
}

/// The inputs as a user would have written them. What somebody else may choose (how many nodes, which names a template has
/// besides) is told only where the user has said it as well.
pub(super) fn inputs(group: &Nodegroup, last: Option<&NodeGroupInputs>) -> Result<NodeGroupInputs> {
    let (min_size, max_size, desired) = sizes(group);
    let sized = last.is_none_or(|last| last.scaling_config.desired_size.is_some());
    let labels = group.labels.clone().unwrap_or_default();
    let taints = group
        .taints()
        .iter()
        .map(|taint| {
            Ok(Taint {
                key: taint.key.clone().unwrap_or_default(),
                value: taint.value.clone().filter(|value| !value.is_empty()),
                effect: choice(taint.effect().map_or("", |effect| effect.as_str()), "effect")?,
            })
        })
        .collect::<Result<BTreeSet<_>>>()?;
    let types = group.instance_types();
    Ok(NodeGroupInputs {
        cluster_name: parse(group.cluster_name(), "clusterName")?,
        nodegroup_name: group.nodegroup_name.clone(),
        node_role: parse(group.node_role(), "nodeRole")?,
        subnets: group
            .subnets()
            .iter()
            .map(|id| parse(Some(id), "subnets"))
            .collect::<Result<_>>()?,
        scaling_config: ScalingConfig {
            min_size,
            max_size,
            desired_size: sized.then_some(desired),
        },
        ami_type: group
            .ami_type()
            .map(|kind| choice(kind.as_str(), "amiType"))
            .transpose()?,
        capacity_type: choice(
            group.capacity_type().map_or("ON_DEMAND", |kind| kind.as_str()),
            "capacityType",
        )?,
        instance_types: (!types.is_empty()).then(|| types.to_vec()),
        disk_size: counted(group.disk_size),
        labels: (!labels.is_empty()).then(|| labels.into_iter().collect()),
        taints: (!taints.is_empty()).then_some(taints),
        update_config: group
            .update_config()
            .map(|config| read_update_config(config, last.and_then(|last| last.update_config.as_ref())))
            .transpose()?,
        node_repair_config: group.node_repair_config().map(|config| NodeRepairConfig {
            enabled: config.enabled == Some(true),
        }),
        launch_template: group
            .launch_template()
            .map(|template| read_template(template, last.and_then(|last| last.launch_template.as_ref())))
            .transpose()?,
        version: maybe(group.version(), "version")?,
        release_version: group.release_version.clone(),
        force_update_version: last.is_some_and(|last| last.force_update_version),
        remote_access: group.remote_access().map(read_remote_access).transpose()?,
        warm_pool_config: group
            .warm_pool_config()
            .map(|config| read_warm_pool(config, last.and_then(|last| last.warm_pool_config.as_ref())))
            .transpose()?,
        drain_budget_seconds: last.map_or(900, |last| last.drain_budget_seconds),
        tags: read_tags(group.tags.clone()),
    })
}

fn read_update_config(config: &NodegroupUpdateConfig, last: Option<&NodeUpdateConfig>) -> Result<NodeUpdateConfig> {
    let told = last.is_none_or(|last| last.update_strategy.is_some());
    let strategy = config.update_strategy().filter(|_| told);
    Ok(NodeUpdateConfig {
        max_unavailable: counted(config.max_unavailable),
        max_unavailable_percentage: counted(config.max_unavailable_percentage),
        update_strategy: strategy
            .map(|strategy| choice(strategy.as_str(), "updateStrategy"))
            .transpose()?,
    })
}

fn read_template(
    template: &LaunchTemplateSpecification,
    last: Option<&NodeLaunchTemplate>,
) -> Result<NodeLaunchTemplate> {
    let version = template
        .version()
        .map(|version| parse(Some(version), "version"))
        .transpose()?;
    // Without a last state, the id says it all.
    let told = |given: fn(&NodeLaunchTemplate) -> bool, by_itself: bool| last.map_or(by_itself, given);
    Ok(NodeLaunchTemplate {
        id: maybe(template.id().filter(|_| told(|last| last.id.is_some(), true)), "id")?,
        name: template
            .name
            .clone()
            .filter(|_| told(|last| last.name.is_some(), false)),
        version: version.filter(|_| told(|last| last.version.is_some(), true)),
    })
}

fn read_remote_access(access: &RemoteAccessConfig) -> Result<RemoteAccess> {
    let groups = access.source_security_groups();
    let groups = groups
        .iter()
        .map(|id| parse(Some(id), "sourceSecurityGroups"))
        .collect::<Result<BTreeSet<_>>>()?;
    Ok(RemoteAccess {
        ec2_ssh_key: access.ec2_ssh_key.clone(),
        source_security_groups: (!groups.is_empty()).then_some(groups),
    })
}

fn read_warm_pool(config: &AwsWarmPool, last: Option<&WarmPoolConfig>) -> Result<WarmPoolConfig> {
    let told = |given: fn(&WarmPoolConfig) -> bool| last.is_none_or(given);
    let state = config
        .pool_state()
        .map(|state| choice(state.as_str(), "poolState"))
        .transpose()?;
    Ok(WarmPoolConfig {
        enabled: need(config.enabled, "enabled")?,
        min_size: counted(config.min_size).filter(|_| told(|last| last.min_size.is_some())),
        max_group_prepared_capacity: counted(config.max_group_prepared_capacity)
            .filter(|_| told(|last| last.max_group_prepared_capacity.is_some())),
        pool_state: state.filter(|_| told(|last| last.pool_state.is_some())),
        reuse_on_scale_in: config
            .reuse_on_scale_in
            .filter(|_| told(|last| last.reuse_on_scale_in.is_some())),
    })
}

#[cfg(test)]
#[path = "node_group_form_tests.rs"]
mod tests;
