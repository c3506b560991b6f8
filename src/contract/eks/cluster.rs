//! A cluster.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{
    AccessConfig, ClusterLogType, ClusterName, ComputeConfig, ControlPlaneScalingConfig, EncryptionConfig,
    KubeApiServerConfig, KubeControllerManagerConfig, KubeSchedulerConfig, KubernetesNetworkConfig, KubernetesVersion,
    OutpostConfig, RemoteNetworkConfig, ResourcesVpcConfig, StorageConfig, SupportType, UpgradePolicy,
    ZonalShiftConfig, cluster_check::check,
};
use crate::{
    Arn, Example, Tags,
    ec2::{SecurityGroupId, VpcId},
};

/// Zones in which EKS runs no control plane. Source: EKS User Guide, "Amazon EKS networking requirements for VPC and
/// subnets".
pub const REFUSED_ZONE_IDS: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// An EKS cluster: a control plane of Kubernetes that AWS runs.
///
/// EKS makes one change at a time: several in one `up` are made one after the other, and a version goes up one minor
/// version at a time. What EKS cannot change of a cluster never replaces it: the error says to change its name, and then the
/// new one comes before the old one goes. Its deletion ends with its security group and the network interfaces that the
/// cluster and its nodes left in the VPC.
#[resource("groundwork:eks:Cluster", ClusterName, example = example, check = check, never_replaced = "name")]
pub struct Cluster;

/// Defaults are the safe ones, not always EKS's: access entries alone, standard support, a private API, no addons that EKS
/// would put into the cluster by itself.
/// Source: EKS API Reference, `CreateCluster`, `UpdateClusterConfig`, `UpdateClusterVersion`, `AssociateEncryptionConfig`.
#[shape]
pub struct ClusterInputs {
    /// Its name, unique in the account and region.
    #[immutable]
    pub name: ClusterName,
    /// The version of Kubernetes, such as `1.35`. EKS takes its default one when absent. It only ever goes up.
    #[computed]
    pub version: Option<KubernetesVersion>,
    /// The role of the control plane, which `eks.amazonaws.com` may assume.
    #[immutable]
    pub role_arn: Arn,
    /// Where the control plane is, and from where its API is reached.
    pub resources_vpc_config: ResourcesVpcConfig,
    /// Whether `publicAccessCidrs` may hold every address (`0.0.0.0/0`, `::/0`).
    #[create_only]
    #[default(false)]
    pub allow_public_anywhere: bool,
    /// The addresses of Services.
    #[computed]
    pub kubernetes_network_config: Option<KubernetesNetworkConfig>,
    /// The logs that go to the log group `/aws/eks/<name>/cluster`. None when absent.
    pub enabled_cluster_log_types: Option<BTreeSet<ClusterLogType>>,
    /// A key of one's own around the encryption of Kubernetes' data. It can be added later, and never be taken away.
    pub encryption_config: Option<EncryptionConfig>,
    /// Who is let in.
    #[default(AccessConfig::safe())]
    pub access_config: AccessConfig,
    /// Whether EKS puts `aws-node`, `kube-proxy` and CoreDNS into the cluster by itself, outside any addon.
    #[create_only]
    #[default(false)]
    pub bootstrap_self_managed_addons: bool,
    /// What happens at the end of the version's standard support.
    #[default(UpgradePolicy { support_type: SupportType::Standard })]
    pub upgrade_policy: UpgradePolicy,
    /// Whether traffic may be moved away from a zone that fails.
    #[default(ZonalShiftConfig { enabled: false })]
    pub zonal_shift_config: ZonalShiftConfig,
    /// Whether EKS refuses to delete it. Set it to false, and `up`, before a destroy.
    #[default(false)]
    pub deletion_protection: bool,
    /// Auto Mode's nodes. Together with `storageConfig` and `kubernetesNetworkConfig.elasticLoadBalancing`.
    #[computed]
    pub compute_config: Option<ComputeConfig>,
    /// Auto Mode's volumes.
    #[computed]
    pub storage_config: Option<StorageConfig>,
    /// Nodes outside AWS.
    pub remote_network_config: Option<RemoteNetworkConfig>,
    /// A control plane on Outposts.
    #[immutable]
    #[computed]
    pub outpost_config: Option<OutpostConfig>,
    /// How much the control plane can do at least.
    #[computed]
    pub control_plane_scaling_config: Option<ControlPlaneScalingConfig>,
    /// Settings of the API server.
    #[computed]
    pub kube_api_server_config: Option<KubeApiServerConfig>,
    /// Settings of the scheduler.
    #[computed]
    pub kube_scheduler_config: Option<KubeSchedulerConfig>,
    /// Settings of the controller manager.
    #[computed]
    pub kube_controller_manager_config: Option<KubeControllerManagerConfig>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct ClusterOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The URL of its API; empty until EKS has made it.
    #[stable]
    pub endpoint: String,
    /// The certificate of the authority that signs the API's, as PEM in base64; empty until EKS has made it.
    #[stable]
    pub certificate_authority: String,
    /// The URL of the issuer of its service accounts' tokens; empty until EKS has made it.
    #[stable]
    pub oidc_issuer: String,
    /// The security group that EKS has made for the control plane, its managed nodes and Fargate's pods.
    #[stable]
    pub cluster_security_group_id: Option<SecurityGroupId>,
    /// The VPC.
    #[stable]
    pub vpc_id: VpcId,
    /// EKS's own version of what is around Kubernetes, such as `eks.12`.
    pub platform_version: String,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `FAILED`, `PENDING` or `DELETING`.
    pub status: String,
    /// When it was made, as RFC 3339 writes times.
    #[stable]
    pub created_at: String,
    /// What is wrong with it.
    pub health: Vec<ClusterIssue>,
}

/// Something that is wrong with a cluster. Source: EKS API Reference, `ClusterIssue`.
#[shape(settings)]
pub struct ClusterIssue {
    /// EKS's code, such as `SecurityGroupNotFound`.
    pub code: String,
    /// EKS's words.
    pub message: String,
    /// What it is about.
    pub resource_ids: Vec<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "name": "example",
            "version": "1.34",
            "roleArn": "$groundwork:iam:Role.arn",
            "resourcesVpcConfig": {"subnetIds": ["$groundwork:ec2:Subnet", "$groundwork:ec2:Subnet+"]},
            "enabledClusterLogTypes": ["audit"],
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        // EKS takes a version never back, so it is not among what changes here.
        update: json!({
            "resourcesVpcConfig": {
                "subnetIds": ["$groundwork:ec2:Subnet", "$groundwork:ec2:Subnet+"],
                "endpointPublicAccess": true,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
            "enabledClusterLogTypes": ["api", "audit"],
            "upgradePolicy": {"supportType": "EXTENDED"},
            "zonalShiftConfig": {"enabled": true},
            "kubeSchedulerConfig": {"scoringStrategy": {"type": "MostAllocated", "resources": {"cpu": 1, "memory": 2}}},
            "tags": {"Name": "changed", "team": "platform", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}
