//! One change of a cluster, as EKS takes it.

use std::{collections::BTreeSet, fmt};

use aws_sdk_eks::types::{KubernetesNetworkConfigRequest, UpdateAccessConfigRequest, VpcConfigRequest};
use groundwork_contract::{
    ec2::{SecurityGroupId, SubnetId},
    eks::{
        AccessCidr, AuthenticationMode, ClusterLogType, ClusterName, ComputeConfig, ControlPlaneEgressMode,
        ControlPlaneScalingConfig, ElasticLoadBalancing, EncryptionConfig, KubeApiServerConfig,
        KubeControllerManagerConfig, KubeSchedulerConfig, KubernetesVersion, RemoteNetworkConfig, StorageConfig,
        UpgradePolicy, ZonalShiftConfig,
    },
};

use super::{
    cluster_form::{self as form, texts},
    updates::begin,
};
use crate::{
    cx::Cx,
    error::{Result, aws},
};

/// A change that is one update of EKS's. Source: EKS API Reference, `UpdateClusterConfig`: only one kind in each call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Access(AuthenticationMode),
    Vpc {
        subnet_ids: BTreeSet<SubnetId>,
        security_group_ids: BTreeSet<SecurityGroupId>,
    },
    /// In one call, so that an endpoint never opens to everyone before its ranges are there.
    Endpoint {
        private: bool,
        public: bool,
        cidrs: Option<BTreeSet<AccessCidr>>,
    },
    Egress(ControlPlaneEgressMode),
    Logging {
        on: Option<BTreeSet<ClusterLogType>>,
        off: Option<BTreeSet<ClusterLogType>>,
    },
    UpgradePolicy(UpgradePolicy),
    ZonalShift(ZonalShiftConfig),
    DeletionProtection(bool),
    AutoMode {
        compute: ComputeConfig,
        storage: StorageConfig,
        balancing: ElasticLoadBalancing,
    },
    RemoteNetwork(Option<RemoteNetworkConfig>),
    Scaling(ControlPlaneScalingConfig),
    ApiServer(KubeApiServerConfig),
    Scheduler(KubeSchedulerConfig),
    ControllerManager(KubeControllerManagerConfig),
    Encryption(EncryptionConfig),
    Version(KubernetesVersion),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(mode) => write!(f, "authentication mode {mode}"),
            Self::Vpc { .. } => f.write_str("subnets and security groups"),
            Self::Endpoint { .. } => f.write_str("access to the API"),
            Self::Egress(mode) => write!(f, "control plane egress mode {mode}"),
            Self::Logging { .. } => f.write_str("logs"),
            Self::UpgradePolicy(_) => f.write_str("upgrade policy"),
            Self::ZonalShift(_) => f.write_str("zonal shift"),
            Self::DeletionProtection(_) => f.write_str("deletion protection"),
            Self::AutoMode { .. } => f.write_str("Auto Mode"),
            Self::RemoteNetwork(_) => f.write_str("remote networks"),
            Self::Scaling(_) => f.write_str("control plane scaling"),
            Self::ApiServer(_) => f.write_str("settings of the API server"),
            Self::Scheduler(_) => f.write_str("settings of the scheduler"),
            Self::ControllerManager(_) => f.write_str("settings of the controller manager"),
            Self::Encryption(_) => f.write_str("encryption"),
            Self::Version(version) => write!(f, "version {version}"),
        }
    }
}

/// Asks EKS for one change.
pub(super) async fn take(cx: &Cx, id: &ClusterName, step: &Step) -> Result<()> {
    cx.log.debug(&cx.urn, format!("changing {step}"));
    match step {
        Step::Version(version) => {
            let answer = cx
                .eks()
                .update_cluster_version()
                .client_request_token(cx.update_token())
                .name(id.as_str())
                .version(version.as_str())
                .send()
                .await
                .map_err(aws("eks", "UpdateClusterVersion"))?;
            begin(cx, answer.update());
            Ok(())
        }
        Step::Encryption(config) => {
            let answer = cx
                .eks()
                .associate_encryption_config()
                .client_request_token(cx.update_token())
                .cluster_name(id.as_str())
                .encryption_config(form::encryption(config))
                .send()
                .await
                .map_err(aws("eks", "AssociateEncryptionConfig"))?;
            begin(cx, answer.update());
            Ok(())
        }
        step => configure(cx, id, step).await,
    }
}

async fn configure(cx: &Cx, id: &ClusterName, step: &Step) -> Result<()> {
    let call = cx
        .eks()
        .update_cluster_config()
        .client_request_token(cx.update_token())
        .name(id.as_str());
    let vpc = VpcConfigRequest::builder();
    let call = match step {
        Step::Access(mode) => call.access_config(
            UpdateAccessConfigRequest::builder()
                .authentication_mode(mode.word().into())
                .build(),
        ),
        Step::Vpc {
            subnet_ids,
            security_group_ids,
        } => call.resources_vpc_config(
            vpc.set_subnet_ids(Some(texts(subnet_ids)))
                .set_security_group_ids(Some(texts(security_group_ids)))
                .build(),
        ),
        Step::Endpoint { private, public, cidrs } => call.resources_vpc_config(
            vpc.endpoint_private_access(*private)
                .endpoint_public_access(*public)
                .set_public_access_cidrs(cidrs.as_ref().map(texts))
                .build(),
        ),
        Step::Egress(mode) => call.resources_vpc_config(vpc.control_plane_egress_mode(mode.word().into()).build()),
        Step::Logging { on, off } => call.logging(form::logging_change(on.as_ref(), off.as_ref())),
        Step::UpgradePolicy(policy) => call.upgrade_policy(form::upgrade_policy(policy)),
        Step::ZonalShift(config) => call.zonal_shift_config(form::zonal_shift(config)),
        Step::DeletionProtection(on) => call.deletion_protection(*on),
        Step::AutoMode {
            compute,
            storage,
            balancing,
        } => call
            .compute_config(form::compute(compute))
            .storage_config(form::storage(storage))
            .kubernetes_network_config(
                KubernetesNetworkConfigRequest::builder()
                    .elastic_load_balancing(form::balancing(balancing))
                    .build(),
            ),
        Step::RemoteNetwork(config) => {
            let none = RemoteNetworkConfig {
                remote_node_networks: None,
                remote_pod_networks: None,
            };
            call.remote_network_config(form::remote_network(config.as_ref().unwrap_or(&none)))
        }
        Step::Scaling(config) => call.control_plane_scaling_config(form::scaling(config)),
        Step::ApiServer(config) => call.kube_api_server_config(form::api_server(config)),
        Step::Scheduler(config) => call.kube_scheduler_config(form::scheduler(config)),
        Step::ControllerManager(config) => call.kube_controller_manager_config(form::controller_manager(config)),
        Step::Encryption(_) | Step::Version(_) => return Ok(()),
    };
    let answer = call.send().await.map_err(aws("eks", "UpdateClusterConfig"))?;
    begin(cx, answer.update());
    Ok(())
}
