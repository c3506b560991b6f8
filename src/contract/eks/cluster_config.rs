//! The parts of a cluster's configuration.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract_derive::shape;

use super::AccessCidr;
use crate::{
    Arn, Ipv4Cidr,
    ec2::{SecurityGroupId, SubnetId},
};

/// Where the control plane is, and from where its API is reached. Source: EKS API Reference, `VpcConfigRequest`.
#[shape]
pub struct ResourcesVpcConfig {
    /// The subnets that EKS puts the control plane's network interfaces in: at least two, in two zones of one VPC.
    /// They can be exchanged for others of the same VPC.
    pub subnet_ids: BTreeSet<SubnetId>,
    /// Further security groups of these interfaces, beside the one that EKS makes.
    pub security_group_ids: Option<BTreeSet<SecurityGroupId>>,
    /// Whether the API is reached from within the VPC, by an address of the VPC.
    #[default(true)]
    pub endpoint_private_access: bool,
    /// Whether the API is reached from the internet, from `publicAccessCidrs`.
    #[default(false)]
    pub endpoint_public_access: bool,
    /// The ranges that reach a public API. EKS would take every address when absent, so it is required with
    /// `endpointPublicAccess`.
    #[computed]
    pub public_access_cidrs: Option<BTreeSet<AccessCidr>>,
    /// How the control plane reaches what is outside: webhooks, OIDC providers. AWS takes `AWS_MANAGED` when absent.
    /// From `AWS_MANAGED` there is a way to the others and none back.
    #[computed]
    pub control_plane_egress_mode: Option<ControlPlaneEgressMode>,
}

/// How the control plane reaches what is outside. Source: EKS User Guide, "Control plane egress".
#[shape]
pub enum ControlPlaneEgressMode {
    /// By AWS's own ways.
    #[word("AWS_MANAGED")]
    AwsManaged,
    /// By the routes of the cluster's subnets.
    #[word("CUSTOMER_ROUTED")]
    CustomerRouted,
    /// Within the cluster's subnets alone.
    #[word("CUSTOMER_ISOLATED")]
    CustomerIsolated,
}

/// The addresses of Services. Source: EKS API Reference, `KubernetesNetworkConfigRequest`.
#[shape]
pub struct KubernetesNetworkConfig {
    /// The range of Services' addresses, /12 to /24 within the private ranges, apart from the VPC's. EKS chooses
    /// `10.100.0.0/16` or `172.20.0.0/16` when absent.
    #[immutable]
    #[computed]
    pub service_ipv4_cidr: Option<Ipv4Cidr>,
    /// Which addresses pods and Services have. EKS takes `ipv4` when absent.
    #[immutable]
    #[computed]
    pub ip_family: Option<IpFamily>,
    /// Auto Mode: whether EKS makes load balancers. Together with `computeConfig` and `storageConfig`.
    #[computed]
    pub elastic_load_balancing: Option<ElasticLoadBalancing>,
}

/// Which addresses pods and Services have.
#[shape]
pub enum IpFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// Auto Mode's load balancers.
#[shape]
pub struct ElasticLoadBalancing {
    /// Whether EKS makes them.
    pub enabled: bool,
}

/// A log of the control plane. Source: EKS User Guide, "Send control plane logs to `CloudWatch` Logs".
#[shape]
pub enum ClusterLogType {
    /// The API server's.
    #[word("api")]
    Api,
    /// Who asked the API for what.
    #[word("audit")]
    Audit,
    /// Who was let in by IAM.
    #[word("authenticator")]
    Authenticator,
    /// The controller manager's.
    #[word("controllerManager")]
    ControllerManager,
    /// The scheduler's.
    #[word("scheduler")]
    Scheduler,
}

/// A key of one's own around the encryption of Kubernetes' data. EKS's own `resources` says nothing any more: all data is
/// encrypted. Source: EKS API Reference, `EncryptionConfig`.
#[shape]
pub struct EncryptionConfig {
    /// The key: symmetric, in the cluster's region.
    #[immutable]
    pub key_arn: Arn,
}

/// Who is let in. Source: EKS User Guide, "Grant IAM users and roles access to Kubernetes APIs".
#[shape]
pub struct AccessConfig {
    /// Where it is written who is let in. There is a way forward alone: `CONFIG_MAP`, `API_AND_CONFIG_MAP`, `API`.
    #[default(AuthenticationMode::Api)]
    pub authentication_mode: AuthenticationMode,
    /// Whether whoever makes the cluster is an administrator of it for ever. When not, administrators are access entries,
    /// and the deployer must be among them before anything is put into the cluster.
    #[create_only]
    #[default(false)]
    pub bootstrap_cluster_creator_admin_permissions: bool,
}

impl AccessConfig {
    /// Access entries alone, and nobody let in by having made the cluster.
    pub(super) const fn safe() -> Self {
        Self {
            authentication_mode: AuthenticationMode::Api,
            bootstrap_cluster_creator_admin_permissions: false,
        }
    }
}

/// Where it is written who is let in.
#[shape]
pub enum AuthenticationMode {
    /// In the ConfigMap `aws-auth` alone.
    #[word("CONFIG_MAP")]
    ConfigMap,
    /// In both.
    #[word("API_AND_CONFIG_MAP")]
    ApiAndConfigMap,
    /// In access entries alone.
    #[word("API")]
    Api,
}

/// What happens at the end of a version's standard support. Source: EKS API Reference, `UpgradePolicyRequest`.
#[shape]
pub struct UpgradePolicy {
    /// The kind of support.
    #[default(SupportType::Standard)]
    pub support_type: SupportType,
}

/// What happens at the end of a version's standard support.
#[shape]
pub enum SupportType {
    /// EKS updates the cluster by itself.
    #[word("STANDARD")]
    Standard,
    /// The version stays for another year, at $0.60 an hour instead of $0.10.
    #[word("EXTENDED")]
    Extended,
}

/// Whether traffic may be moved away from a zone that fails. Source: EKS API Reference, `ZonalShiftConfigRequest`.
#[shape]
pub struct ZonalShiftConfig {
    /// Whether it may.
    #[default(false)]
    pub enabled: bool,
}

/// Auto Mode's nodes. Source: EKS API Reference, `ComputeConfigRequest`.
#[shape]
pub struct ComputeConfig {
    /// Whether EKS makes nodes.
    pub enabled: bool,
    /// The node pools: `general-purpose`, `system`.
    #[computed]
    pub node_pools: Option<BTreeSet<String>>,
    /// The role of the nodes; it cannot be changed once it is there.
    #[computed]
    pub node_role_arn: Option<Arn>,
}

/// Auto Mode's volumes. Source: EKS API Reference, `StorageConfigRequest`.
#[shape]
pub struct StorageConfig {
    /// Volumes of EBS.
    pub block_storage: BlockStorage,
}

/// Auto Mode's volumes of EBS.
#[shape]
pub struct BlockStorage {
    /// Whether EKS makes them.
    pub enabled: bool,
}

/// Nodes outside AWS. Source: EKS API Reference, `RemoteNetworkConfigRequest`.
#[shape]
pub struct RemoteNetworkConfig {
    /// The ranges of the nodes.
    pub remote_node_networks: Option<Vec<RemoteNetwork>>,
    /// The ranges of their pods, where webhooks run on them.
    pub remote_pod_networks: Option<Vec<RemoteNetwork>>,
}

/// Ranges of a network outside AWS.
#[shape]
pub struct RemoteNetwork {
    /// The ranges.
    pub cidrs: BTreeSet<Ipv4Cidr>,
}

/// A control plane on Outposts. Source: EKS API Reference, `OutpostConfigRequest`.
#[shape]
pub struct OutpostConfig {
    /// The Outpost: one.
    pub outpost_arns: BTreeSet<Arn>,
    /// The type of the control plane's three instances.
    pub control_plane_instance_type: String,
    /// The placement group of these instances.
    pub control_plane_placement: Option<ControlPlanePlacement>,
}

/// Where the instances of a control plane on Outposts are.
#[shape]
pub struct ControlPlanePlacement {
    /// The placement group.
    pub group_name: String,
}

/// How much the control plane can do at least. Source: EKS API Reference, `ControlPlaneScalingConfig`.
#[shape]
pub struct ControlPlaneScalingConfig {
    /// `standard`, or one that is there ahead of the load and costs more, such as `tier-xl`.
    pub tier: String,
}

/// Settings of the API server. Source: EKS API Reference, `KubeApiServerConfigRequest`.
#[shape]
pub struct KubeApiServerConfig {
    /// How long events are kept, such as `30m` or `1h`.
    #[computed]
    pub event_ttl: Option<String>,
    /// The ports of Services of type `NodePort`.
    #[computed]
    pub service_node_port_range: Option<ServiceNodePortRange>,
}

/// The ports of Services of type `NodePort`.
#[shape]
pub struct ServiceNodePortRange {
    /// The first.
    pub min_port: u16,
    /// The last.
    pub max_port: u16,
}

/// Settings of the scheduler. Source: EKS API Reference, `KubeSchedulerConfigRequest`.
#[shape]
pub struct KubeSchedulerConfig {
    /// Which of the nodes that a pod fits on comes first.
    #[computed]
    pub scoring_strategy: Option<ScoringStrategy>,
}

/// Which of the nodes that a pod fits on comes first. Source: EKS API Reference, `ScoringStrategy`.
#[shape]
pub struct ScoringStrategy {
    /// Those that are emptiest, or those that are fullest.
    pub r#type: ScoringStrategyType,
    /// How much each resource counts, such as `cpu`: 1 to 100. EKS chooses when absent.
    #[computed]
    pub resources: Option<BTreeMap<String, i32>>,
}

/// Which nodes come first. Source: EKS API Reference, `ScoringStrategy`.
#[shape]
pub enum ScoringStrategyType {
    /// Those of which least is taken, so that load spreads.
    #[word("LeastAllocated")]
    LeastAllocated,
    /// Those of which most is taken, so that few nodes do.
    #[word("MostAllocated")]
    MostAllocated,
}

/// Settings of the controller manager. Source: EKS API Reference, `KubeControllerManagerConfigRequest`.
#[shape]
pub struct KubeControllerManagerConfig {
    /// How many ended pods are kept.
    #[computed]
    pub terminated_pod_gc_threshold: Option<i32>,
    /// How often horizontal autoscalers look, such as `15s`.
    #[computed]
    pub horizontal_pod_autoscaler_sync_period: Option<String>,
}
