//! A cluster in EKS's form and in ours.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eks::{
    error::BuildError,
    types::{
        BlockStorage as AwsBlockStorage, Cluster as AwsCluster, ComputeConfigRequest, ControlPlanePlacementRequest,
        ControlPlaneScalingConfig as AwsScaling, ElasticLoadBalancing as AwsBalancing,
        EncryptionConfig as AwsEncryption, HorizontalPodAutoscalerControllerConfigRequest, KubeApiServerConfigRequest,
        KubeControllerManagerConfigRequest, KubeSchedulerConfigRequest, KubernetesNetworkConfigRequest, LogSetup,
        Logging, NodeResourcesFitConfig, OutpostConfigRequest, PodGcControllerConfigRequest, Provider,
        RemoteNetworkConfigRequest, RemoteNodeNetwork, RemotePodNetwork, ResourceWeight,
        ScoringStrategy as AwsStrategy, ServiceNodePortRange as AwsPorts, StorageConfigRequest, UpgradePolicyRequest,
        VpcConfigRequest, ZonalShiftConfigRequest,
    },
};
use groundwork_contract::eks::{
    AccessCidr, AccessConfig, AuthenticationMode, BlockStorage, ClusterInputs, ClusterIssue, ClusterLogType,
    ClusterOutputs, ComputeConfig, ControlPlanePlacement, ControlPlaneScalingConfig, ElasticLoadBalancing,
    EncryptionConfig, KubeApiServerConfig, KubeControllerManagerConfig, KubeSchedulerConfig, KubernetesNetworkConfig,
    OutpostConfig, RemoteNetwork, RemoteNetworkConfig, ResourcesVpcConfig, ScoringStrategy, ServiceNodePortRange,
    StorageConfig, SupportType, UpgradePolicy, ZonalShiftConfig,
};

use super::{choice, read_tags, time};
use crate::{
    ec2::{maybe, need, parse},
    error::{Error, Result},
};

/// The texts of a set, in their order.
pub(super) fn texts<T: ToString>(set: &BTreeSet<T>) -> Vec<String> {
    set.iter().map(ToString::to_string).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn lacking(error: BuildError) -> Error {
    Error::Bug(error.to_string())
}

pub(super) fn vpc_config(config: &ResourcesVpcConfig) -> VpcConfigRequest {
    VpcConfigRequest::builder()
        .set_subnet_ids(Some(texts(&config.subnet_ids)))
        .set_security_group_ids(config.security_group_ids.as_ref().map(texts))
        .endpoint_private_access(config.endpoint_private_access)
        .endpoint_public_access(config.endpoint_public_access)
        .set_public_access_cidrs(config.public_access_cidrs.as_ref().map(texts))
        .set_control_plane_egress_mode(config.control_plane_egress_mode.map(|mode| mode.word().into()))
        .build()
}

pub(super) fn network_config(config: &KubernetesNetworkConfig) -> KubernetesNetworkConfigRequest {
    KubernetesNetworkConfigRequest::builder()
        .set_service_ipv4_cidr(config.service_ipv4_cidr.as_ref().map(ToString::to_string))
        .set_ip_family(config.ip_family.map(|family| family.word().into()))
        .set_elastic_load_balancing(config.elastic_load_balancing.as_ref().map(balancing))
        .build()
}

pub(super) fn balancing(config: &ElasticLoadBalancing) -> AwsBalancing {
    AwsBalancing::builder().enabled(config.enabled).build()
}

fn log_setup(types: &BTreeSet<ClusterLogType>, enabled: bool) -> LogSetup {
    LogSetup::builder()
        .set_types(Some(types.iter().map(|one| one.word().into()).collect()))
        .enabled(enabled)
        .build()
}

pub(super) fn logging(types: &BTreeSet<ClusterLogType>, enabled: bool) -> Logging {
    Logging::builder().cluster_logging(log_setup(types, enabled)).build()
}

/// Logs that are turned on and others that are turned off, in one change.
pub(super) fn logging_change(on: Option<&BTreeSet<ClusterLogType>>, off: Option<&BTreeSet<ClusterLogType>>) -> Logging {
    let setups = [
        on.map(|types| log_setup(types, true)),
        off.map(|types| log_setup(types, false)),
    ];
    Logging::builder()
        .set_cluster_logging(Some(setups.into_iter().flatten().collect()))
        .build()
}

pub(super) fn encryption(config: &EncryptionConfig) -> AwsEncryption {
    AwsEncryption::builder()
        .provider(Provider::builder().key_arn(config.key_arn.as_str()).build())
        .build()
}

pub(super) fn upgrade_policy(policy: &UpgradePolicy) -> UpgradePolicyRequest {
    UpgradePolicyRequest::builder()
        .support_type(policy.support_type.word().into())
        .build()
}

pub(super) fn zonal_shift(config: &ZonalShiftConfig) -> ZonalShiftConfigRequest {
    ZonalShiftConfigRequest::builder().enabled(config.enabled).build()
}

pub(super) fn compute(config: &ComputeConfig) -> ComputeConfigRequest {
    ComputeConfigRequest::builder()
        .enabled(config.enabled)
        .set_node_pools(config.node_pools.as_ref().map(|pools| pools.iter().cloned().collect()))
        .set_node_role_arn(config.node_role_arn.as_ref().map(ToString::to_string))
        .build()
}

pub(super) fn storage(config: &StorageConfig) -> StorageConfigRequest {
    let block = AwsBlockStorage::builder().enabled(config.block_storage.enabled);
    StorageConfigRequest::builder().block_storage(block.build()).build()
}

/// Empty lists take the ranges away.
pub(super) fn remote_network(config: &RemoteNetworkConfig) -> RemoteNetworkConfigRequest {
    let nodes = config.remote_node_networks.iter().flatten();
    let pods = config.remote_pod_networks.iter().flatten();
    let node = |one: &RemoteNetwork| RemoteNodeNetwork::builder().set_cidrs(Some(texts(&one.cidrs))).build();
    let pod = |one: &RemoteNetwork| RemotePodNetwork::builder().set_cidrs(Some(texts(&one.cidrs))).build();
    RemoteNetworkConfigRequest::builder()
        .set_remote_node_networks(Some(nodes.map(node).collect()))
        .set_remote_pod_networks(Some(pods.map(pod).collect()))
        .build()
}

pub(super) fn outpost(config: &OutpostConfig) -> Result<OutpostConfigRequest> {
    let placement = |placement: &ControlPlanePlacement| {
        ControlPlanePlacementRequest::builder()
            .group_name(&placement.group_name)
            .build()
    };
    OutpostConfigRequest::builder()
        .set_outpost_arns(Some(texts(&config.outpost_arns)))
        .control_plane_instance_type(&config.control_plane_instance_type)
        .set_control_plane_placement(config.control_plane_placement.as_ref().map(placement))
        .build()
        .map_err(lacking)
}

pub(super) fn scaling(config: &ControlPlaneScalingConfig) -> AwsScaling {
    AwsScaling::builder().tier(config.tier.as_str().into()).build()
}

pub(super) fn api_server(config: &KubeApiServerConfig) -> KubeApiServerConfigRequest {
    let ports = |range: &ServiceNodePortRange| {
        AwsPorts::builder()
            .min_port(range.min_port.into())
            .max_port(range.max_port.into())
            .build()
    };
    KubeApiServerConfigRequest::builder()
        .set_event_ttl(config.event_ttl.clone())
        .set_service_node_port_range(config.service_node_port_range.as_ref().map(ports))
        .build()
}

pub(super) fn scheduler(config: &KubeSchedulerConfig) -> KubeSchedulerConfigRequest {
    let weights = |resources: &BTreeMap<String, i32>| {
        let weigh = |(name, weight): (&String, &i32)| ResourceWeight::builder().name(name).weight(*weight).build();
        resources.iter().map(weigh).collect()
    };
    let fit = config.scoring_strategy.as_ref().map(|strategy| {
        let strategy = AwsStrategy::builder()
            .r#type(strategy.r#type.word().into())
            .set_resources(strategy.resources.as_ref().map(weights))
            .build();
        NodeResourcesFitConfig::builder().scoring_strategy(strategy).build()
    });
    KubeSchedulerConfigRequest::builder()
        .set_node_resources_fit(fit)
        .build()
}

pub(super) fn controller_manager(config: &KubeControllerManagerConfig) -> KubeControllerManagerConfigRequest {
    let gc = config.terminated_pod_gc_threshold.map(|threshold| {
        PodGcControllerConfigRequest::builder()
            .terminated_pod_gc_threshold(threshold)
            .build()
    });
    let autoscaler = config.horizontal_pod_autoscaler_sync_period.as_ref().map(|period| {
        HorizontalPodAutoscalerControllerConfigRequest::builder()
            .horizontal_pod_autoscaler_sync_period(period)
            .build()
    });
    KubeControllerManagerConfigRequest::builder()
        .set_pod_gc_controller_config(gc)
        .set_horizontal_pod_autoscaler_controller_config(autoscaler)
        .build()
}

/// A set of AWS's as the user gave it: AWS has no empty ones, the user may.
fn set<T: std::str::FromStr<Err: std::fmt::Display> + Ord>(
    items: &[String],
    what: &str,
    given: Option<&BTreeSet<T>>,
) -> Result<Option<BTreeSet<T>>> {
    let items = items
        .iter()
        .map(|item| parse(Some(item), what))
        .collect::<Result<BTreeSet<T>>>()?;
    Ok((!items.is_empty() || given.is_some_and(BTreeSet::is_empty)).then_some(items))
}

/// The inputs as if the user had written them.
pub(super) fn inputs(cluster: &AwsCluster, last: Option<&ClusterInputs>) -> Result<ClusterInputs> {
    let vpc = resources_vpc_config(cluster, last)?;
    let cidrs = vpc.public_access_cidrs.iter().flatten();
    let anywhere = cidrs.clone().any(AccessCidr::is_wide);
    let access = cluster.access_config();
    let mode = access.and_then(|access| access.authentication_mode());
    Ok(ClusterInputs {
        name: parse(cluster.name(), "name")?,
        version: maybe(cluster.version(), "version")?,
        role_arn: parse(cluster.role_arn(), "roleArn")?,
        resources_vpc_config: vpc,
        allow_public_anywhere: last.map_or(anywhere, |last| last.allow_public_anywhere),
        kubernetes_network_config: kubernetes_network_config(cluster)?,
        enabled_cluster_log_types: log_types(cluster)?,
        encryption_config: encryption_config(cluster)?,
        access_config: AccessConfig {
            authentication_mode: match mode {
                // A cluster from before there was another.
                None => AuthenticationMode::ConfigMap,
                Some(mode) => choice(mode.as_str(), "authenticationMode")?,
            },
            bootstrap_cluster_creator_admin_permissions: access
                .and_then(aws_sdk_eks::types::AccessConfigResponse::bootstrap_cluster_creator_admin_permissions)
                .unwrap_or(true),
        },
        bootstrap_self_managed_addons: last.is_some_and(|last| last.bootstrap_self_managed_addons),
        upgrade_policy: UpgradePolicy {
            support_type: match cluster.upgrade_policy().and_then(|policy| policy.support_type()) {
                None => SupportType::Extended,
                Some(kind) => choice(kind.as_str(), "supportType")?,
            },
        },
        zonal_shift_config: ZonalShiftConfig {
            enabled: cluster
                .zonal_shift_config()
                .and_then(aws_sdk_eks::types::ZonalShiftConfigResponse::enabled)
                .unwrap_or_default(),
        },
        deletion_protection: cluster.deletion_protection().unwrap_or_default(),
        compute_config: compute_config(cluster)?,
        storage_config: cluster
            .storage_config()
            .and_then(|config| config.block_storage()?.enabled())
            .map(|enabled| StorageConfig {
                block_storage: BlockStorage { enabled },
            }),
        remote_network_config: remote_network_config(cluster, last)?,
        outpost_config: outpost_config(cluster)?,
        control_plane_scaling_config: cluster
            .control_plane_scaling_config()
            .and_then(|config| config.tier())
            .map(|tier| ControlPlaneScalingConfig {
                tier: tier.as_str().to_owned(),
            }),
        kube_api_server_config: kube_api_server_config(cluster),
        kube_scheduler_config: kube_scheduler_config(cluster)?,
        kube_controller_manager_config: kube_controller_manager_config(cluster),
        tags: read_tags(cluster.tags.clone()),
    })
}

fn resources_vpc_config(cluster: &AwsCluster, last: Option<&ClusterInputs>) -> Result<ResourcesVpcConfig> {
    let config = need(cluster.resources_vpc_config(), "resourcesVpcConfig")?;
    let last = last.map(|last| &last.resources_vpc_config);
    Ok(ResourcesVpcConfig {
        subnet_ids: set(config.subnet_ids(), "subnetIds", None)?.unwrap_or_default(),
        security_group_ids: set(
            config.security_group_ids(),
            "securityGroupIds",
            last.and_then(|last| last.security_group_ids.as_ref()),
        )?,
        endpoint_private_access: config.endpoint_private_access(),
        endpoint_public_access: config.endpoint_public_access(),
        // EKS remembers the ranges of an endpoint that is closed.
        public_access_cidrs: if config.endpoint_public_access() {
            set(config.public_access_cidrs(), "publicAccessCidrs", None)?
        } else {
            None
        },
        control_plane_egress_mode: config
            .control_plane_egress_mode()
            .map(|mode| choice(mode.as_str(), "controlPlaneEgressMode"))
            .transpose()?,
    })
}

fn kubernetes_network_config(cluster: &AwsCluster) -> Result<Option<KubernetesNetworkConfig>> {
    let Some(config) = cluster.kubernetes_network_config() else {
        return Ok(None);
    };
    Ok(Some(KubernetesNetworkConfig {
        service_ipv4_cidr: maybe(config.service_ipv4_cidr(), "serviceIpv4Cidr")?,
        ip_family: config
            .ip_family()
            .map(|family| choice(family.as_str(), "ipFamily"))
            .transpose()?,
        elastic_load_balancing: config
            .elastic_load_balancing()
            .and_then(aws_sdk_eks::types::ElasticLoadBalancing::enabled)
            .map(|enabled| ElasticLoadBalancing { enabled }),
    }))
}

fn log_types(cluster: &AwsCluster) -> Result<Option<BTreeSet<ClusterLogType>>> {
    let setups = cluster.logging().map(Logging::cluster_logging).unwrap_or_default();
    let types = setups
        .iter()
        .filter(|setup| setup.enabled() == Some(true))
        .flat_map(LogSetup::types)
        .map(|one| choice(one.as_str(), "logging"))
        .collect::<Result<BTreeSet<_>>>()?;
    Ok((!types.is_empty()).then_some(types))
}

fn encryption_config(cluster: &AwsCluster) -> Result<Option<EncryptionConfig>> {
    let Some(config) = cluster.encryption_config().first() else {
        return Ok(None);
    };
    // What EKS encrypts with a key of its own has none to name.
    let Some(key) = config.provider().and_then(Provider::key_arn) else {
        return Ok(None);
    };
    Ok(Some(EncryptionConfig {
        key_arn: parse(Some(key), "keyArn")?,
    }))
}

fn compute_config(cluster: &AwsCluster) -> Result<Option<ComputeConfig>> {
    let Some(config) = cluster.compute_config() else {
        return Ok(None);
    };
    let pools: BTreeSet<String> = config.node_pools().iter().cloned().collect();
    Ok(Some(ComputeConfig {
        enabled: config.enabled().unwrap_or_default(),
        node_pools: (!pools.is_empty()).then_some(pools),
        node_role_arn: maybe(config.node_role_arn(), "nodeRoleArn")?,
    }))
}

fn remote_network_config(cluster: &AwsCluster, last: Option<&ClusterInputs>) -> Result<Option<RemoteNetworkConfig>> {
    let given = last.and_then(|last| last.remote_network_config.as_ref());
    let networks = |networks: Vec<&[String]>, given: Option<&Vec<RemoteNetwork>>| {
        let networks = networks
            .into_iter()
            .map(|cidrs| {
                let cidrs = set(cidrs, "cidrs", None)?.unwrap_or_default();
                Ok(RemoteNetwork { cidrs })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok::<_, Error>((!networks.is_empty() || given.is_some_and(Vec::is_empty)).then_some(networks))
    };
    let config = cluster.remote_network_config();
    let nodes = config
        .map(aws_sdk_eks::types::RemoteNetworkConfigResponse::remote_node_networks)
        .unwrap_or_default();
    let pods = config
        .map(aws_sdk_eks::types::RemoteNetworkConfigResponse::remote_pod_networks)
        .unwrap_or_default();
    let live = RemoteNetworkConfig {
        remote_node_networks: networks(
            nodes.iter().map(RemoteNodeNetwork::cidrs).collect(),
            given.and_then(|given| given.remote_node_networks.as_ref()),
        )?,
        remote_pod_networks: networks(
            pods.iter().map(RemotePodNetwork::cidrs).collect(),
            given.and_then(|given| given.remote_pod_networks.as_ref()),
        )?,
    };
    let none = live.remote_node_networks.is_none() && live.remote_pod_networks.is_none();
    Ok((!none || given.is_some()).then_some(live))
}

fn outpost_config(cluster: &AwsCluster) -> Result<Option<OutpostConfig>> {
    let Some(config) = cluster.outpost_config() else {
        return Ok(None);
    };
    Ok(Some(OutpostConfig {
        outpost_arns: set(config.outpost_arns(), "outpostArns", None)?.unwrap_or_default(),
        control_plane_instance_type: config.control_plane_instance_type().to_owned(),
        control_plane_placement: config
            .control_plane_placement()
            .and_then(|placement| placement.group_name())
            .map(|name| ControlPlanePlacement {
                group_name: name.to_owned(),
            }),
    }))
}

fn kube_api_server_config(cluster: &AwsCluster) -> Option<KubeApiServerConfig> {
    let config = cluster.kube_api_server_config()?;
    Some(KubeApiServerConfig {
        event_ttl: config.event_ttl().map(str::to_owned),
        service_node_port_range: config.service_node_port_range().and_then(|range| {
            Some(ServiceNodePortRange {
                min_port: range.min_port().try_into().ok()?,
                max_port: range.max_port().try_into().ok()?,
            })
        }),
    })
}

fn kube_scheduler_config(cluster: &AwsCluster) -> Result<Option<KubeSchedulerConfig>> {
    let Some(config) = cluster.kube_scheduler_config() else {
        return Ok(None);
    };
    let strategy = config
        .node_resources_fit()
        .and_then(NodeResourcesFitConfig::scoring_strategy);
    let strategy = strategy.map(|strategy| {
        let weights: BTreeMap<String, i32> = strategy
            .resources()
            .iter()
            .filter_map(|weighed| Some((weighed.name()?.to_owned(), weighed.weight()?)))
            .collect();
        Ok(ScoringStrategy {
            r#type: choice(
                need(strategy.r#type(), "scoringStrategy.type")?.as_str(),
                "scoringStrategy.type",
            )?,
            resources: (!weights.is_empty()).then_some(weights),
        })
    });
    Ok(Some(KubeSchedulerConfig {
        scoring_strategy: strategy.transpose()?,
    }))
}

fn kube_controller_manager_config(cluster: &AwsCluster) -> Option<KubeControllerManagerConfig> {
    let config = cluster.kube_controller_manager_config()?;
    Some(KubeControllerManagerConfig {
        terminated_pod_gc_threshold: config
            .pod_gc_controller_config()
            .and_then(aws_sdk_eks::types::PodGcControllerConfigResponse::terminated_pod_gc_threshold),
        horizontal_pod_autoscaler_sync_period: config
            .horizontal_pod_autoscaler_controller_config()
            .and_then(|config| config.horizontal_pod_autoscaler_sync_period())
            .map(str::to_owned),
    })
}

/// What EKS answers beyond the inputs.
pub(super) fn outputs(cluster: &AwsCluster) -> Result<ClusterOutputs> {
    let config = need(cluster.resources_vpc_config(), "resourcesVpcConfig")?;
    let issues = cluster
        .health()
        .map(aws_sdk_eks::types::ClusterHealth::issues)
        .unwrap_or_default();
    let authority = cluster.certificate_authority().and_then(|authority| authority.data());
    let oidc = cluster.identity().and_then(|identity| identity.oidc());
    Ok(ClusterOutputs {
        arn: parse(cluster.arn(), "arn")?,
        endpoint: cluster.endpoint().unwrap_or_default().to_owned(),
        certificate_authority: authority.unwrap_or_default().to_owned(),
        oidc_issuer: oidc.and_then(|oidc| oidc.issuer()).unwrap_or_default().to_owned(),
        cluster_security_group_id: maybe(config.cluster_security_group_id(), "clusterSecurityGroupId")?,
        vpc_id: parse(config.vpc_id(), "vpcId")?,
        platform_version: cluster.platform_version().unwrap_or_default().to_owned(),
        status: cluster
            .status()
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        created_at: time(cluster.created_at()),
        health: issues
            .iter()
            .map(|issue| ClusterIssue {
                code: issue.code().map_or("Other", |code| code.as_str()).to_owned(),
                message: issue.message().unwrap_or("EKS gives no reason").to_owned(),
                resource_ids: issue.resource_ids().to_vec(),
            })
            .collect(),
    })
}
