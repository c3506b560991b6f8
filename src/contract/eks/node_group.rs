//! A managed node group.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{ClusterName, KubernetesVersion, NodeGroupId, node_group_check::check};
use crate::{
    Arn, Example, Tags,
    ec2::{LaunchTemplateId, SecurityGroupId, SubnetId},
};

/// A managed node group: EC2 instances that EKS makes nodes of a cluster, keeps in number and replaces by newer ones.
///
/// EKS changes one thing at a time; several changes of one `up` follow each other. What it cannot change replaces the group:
/// the new one stands before the old one is drained, and so needs another name where the old one was given one.
#[resource("groundwork:eks:NodeGroup", NodeGroupId, example = example, check = check)]
pub struct NodeGroup;

/// Source: EKS API Reference, `CreateNodegroup`, `UpdateNodegroupConfig`, `UpdateNodegroupVersion`; EKS User Guide, "Simplify
/// node lifecycle with managed node groups".
#[shape]
pub struct NodeGroupInputs {
    /// The cluster.
    #[immutable]
    pub cluster_name: ClusterName,
    /// Its name: up to 63 characters. Made up when absent.
    #[immutable]
    #[autonamed]
    pub nodegroup_name: Option<String>,
    /// The role of its nodes. It trusts `ec2.amazonaws.com`, and must outlive the group.
    #[immutable]
    pub node_role: Arn,
    /// The subnets of its nodes.
    #[immutable]
    pub subnets: BTreeSet<SubnetId>,
    /// How many nodes.
    pub scaling_config: ScalingConfig,
    /// The image of its nodes. EKS takes `AL2023_x86_64_STANDARD` when absent, and `CUSTOM` when the launch template names an
    /// image.
    #[immutable]
    #[computed]
    pub ami_type: Option<AmiType>,
    /// How capacity is bought.
    #[immutable]
    #[default(CapacityType::OnDemand)]
    pub capacity_type: CapacityType,
    /// The types of instance, the preferred first. EKS takes `t3.medium` when absent; a launch template may name one instead.
    #[immutable]
    #[computed]
    pub instance_types: Option<Vec<String>>,
    /// The size of each node's disk in GiB. EKS takes 20 (50 for Windows) when absent; a launch template says it by itself.
    #[immutable]
    #[computed]
    pub disk_size: Option<u32>,
    /// Labels that its nodes have in Kubernetes.
    pub labels: Option<BTreeMap<String, String>>,
    /// Taints that its nodes have in Kubernetes: 50 at most.
    pub taints: Option<BTreeSet<Taint>>,
    /// How many nodes an update may take at once. EKS takes one when absent.
    #[computed]
    pub update_config: Option<NodeUpdateConfig>,
    /// Whether EKS replaces nodes that are not well. EKS does not when absent.
    #[computed]
    pub node_repair_config: Option<NodeRepairConfig>,
    /// The launch template of its instances. Another version is rolled out; giving one or taking it away replaces the group.
    #[variant]
    pub launch_template: Option<NodeLaunchTemplate>,
    /// The version of Kubernetes, such as `1.35`, not above the cluster's. EKS takes the cluster's once when absent, and it stays;
    /// give the cluster's `version` to follow it.
    #[computed]
    pub version: Option<KubernetesVersion>,
    /// The release of the image, such as `1.35.4-20261015`. EKS takes the newest of the version once when absent, and it stays.
    #[computed]
    pub release_version: Option<String>,
    /// Whether an update to another version goes on when a pod cannot be drained because of its `PodDisruptionBudget`.
    #[create_only]
    #[default(false)]
    pub force_update_version: bool,
    /// Access by SSH. A launch template says it by itself.
    #[immutable]
    pub remote_access: Option<RemoteAccess>,
    /// Instances that are kept ready to become nodes. EKS keeps none when absent.
    #[computed]
    pub warm_pool_config: Option<WarmPoolConfig>,
    /// For how many seconds a deletion waits for pods to be drained before it terminates the instances that are left: a
    /// `PodDisruptionBudget` can keep up a drain for ever.
    #[create_only]
    #[default(900)]
    pub drain_budget_seconds: u32,
    /// Tags of the group; its instances have those of the launch template.
    pub tags: Option<Tags>,
}

/// How many nodes. Source: EKS API Reference, `NodegroupScalingConfig`.
#[shape]
pub struct ScalingConfig {
    /// At least.
    pub min_size: u32,
    /// At most.
    pub max_size: u32,
    /// How many now. When absent, it begins with the least and is left to whoever scales it, such as an autoscaler.
    #[computed]
    pub desired_size: Option<u32>,
}

/// How capacity is bought.
#[shape]
pub enum CapacityType {
    /// By the second, at a fixed price.
    #[word("ON_DEMAND")]
    OnDemand,
    /// What is left over, cheaper, and taken back at two minutes' notice.
    #[word("SPOT")]
    Spot,
    /// Reserved in blocks beforehand.
    #[word("CAPACITY_BLOCK")]
    CapacityBlock,
}

/// The image of a node. Source: EKS API Reference, `Nodegroup`, `amiType`.
#[shape]
pub enum AmiType {
    /// Amazon Linux 2023.
    #[word("AL2023_x86_64_STANDARD")]
    Al2023X8664Standard,
    /// Amazon Linux 2023 on Graviton.
    #[word("AL2023_ARM_64_STANDARD")]
    Al2023Arm64Standard,
    /// Amazon Linux 2023 for Inferentia and Trainium.
    #[word("AL2023_x86_64_NEURON")]
    Al2023X8664Neuron,
    /// Amazon Linux 2023 for GPUs of NVIDIA.
    #[word("AL2023_x86_64_NVIDIA")]
    Al2023X8664Nvidia,
    /// Amazon Linux 2023 for GPUs of NVIDIA, on Graviton.
    #[word("AL2023_ARM_64_NVIDIA")]
    Al2023Arm64Nvidia,
    /// Bottlerocket.
    #[word("BOTTLEROCKET_x86_64")]
    BottlerocketX8664,
    /// Bottlerocket on Graviton.
    #[word("BOTTLEROCKET_ARM_64")]
    BottlerocketArm64,
    /// Bottlerocket with FIPS modules.
    #[word("BOTTLEROCKET_x86_64_FIPS")]
    BottlerocketX8664Fips,
    /// Bottlerocket with FIPS modules, on Graviton.
    #[word("BOTTLEROCKET_ARM_64_FIPS")]
    BottlerocketArm64Fips,
    /// Bottlerocket for GPUs of NVIDIA.
    #[word("BOTTLEROCKET_x86_64_NVIDIA")]
    BottlerocketX8664Nvidia,
    /// Bottlerocket for GPUs of NVIDIA, on Graviton.
    #[word("BOTTLEROCKET_ARM_64_NVIDIA")]
    BottlerocketArm64Nvidia,
    /// Bottlerocket for GPUs of NVIDIA with FIPS modules.
    #[word("BOTTLEROCKET_x86_64_NVIDIA_FIPS")]
    BottlerocketX8664NvidiaFips,
    /// Bottlerocket for GPUs of NVIDIA with FIPS modules, on Graviton.
    #[word("BOTTLEROCKET_ARM_64_NVIDIA_FIPS")]
    BottlerocketArm64NvidiaFips,
    /// Windows Server 2019 Core.
    #[word("WINDOWS_CORE_2019_x86_64")]
    WindowsCore2019,
    /// Windows Server 2019 Full.
    #[word("WINDOWS_FULL_2019_x86_64")]
    WindowsFull2019,
    /// Windows Server 2022 Core.
    #[word("WINDOWS_CORE_2022_x86_64")]
    WindowsCore2022,
    /// Windows Server 2022 Full.
    #[word("WINDOWS_FULL_2022_x86_64")]
    WindowsFull2022,
    /// Windows Server 2025 Core.
    #[word("WINDOWS_CORE_2025_x86_64")]
    WindowsCore2025,
    /// Windows Server 2025 Full.
    #[word("WINDOWS_FULL_2025_x86_64")]
    WindowsFull2025,
    /// Amazon Linux 2, which ended with Kubernetes 1.32.
    #[word("AL2_x86_64")]
    Al2X8664,
    /// Amazon Linux 2 for GPUs, which ended with Kubernetes 1.32.
    #[word("AL2_x86_64_GPU")]
    Al2X8664Gpu,
    /// Amazon Linux 2 on Graviton, which ended with Kubernetes 1.32.
    #[word("AL2_ARM_64")]
    Al2Arm64,
    /// The image that the launch template names.
    #[word("CUSTOM")]
    Custom,
}

/// A taint: pods that do not tolerate it keep away.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Option<String>,
    /// What it does.
    pub effect: TaintEffect,
}

/// What a taint does.
#[shape]
pub enum TaintEffect {
    /// New pods keep away.
    #[word("NO_SCHEDULE")]
    NoSchedule,
    /// Pods keep away, and leave.
    #[word("NO_EXECUTE")]
    NoExecute,
    /// New pods keep away where they can.
    #[word("PREFER_NO_SCHEDULE")]
    PreferNoSchedule,
}

/// How many nodes an update may take at once: a number or a percentage, not both.
#[shape]
pub struct NodeUpdateConfig {
    /// A number of nodes, 1 to 100.
    pub max_unavailable: Option<u32>,
    /// A share of the nodes in percent, 1 to 100.
    pub max_unavailable_percentage: Option<u32>,
    /// Whether new nodes come first, or old ones go first. EKS takes `DEFAULT` when absent.
    #[computed]
    pub update_strategy: Option<NodeUpdateStrategy>,
}

/// Which nodes come first at an update.
#[shape]
pub enum NodeUpdateStrategy {
    /// New ones come before old ones go.
    #[word("DEFAULT")]
    Default,
    /// Old ones go before new ones come, where capacity is scarce.
    #[word("MINIMAL")]
    Minimal,
}

/// Whether EKS replaces nodes that are not well.
#[shape]
pub struct NodeRepairConfig {
    /// Whether it does.
    #[default(true)]
    pub enabled: bool,
}

/// A launch template, by id or by name.
#[shape]
pub struct NodeLaunchTemplate {
    /// Its id.
    #[immutable]
    #[computed]
    pub id: Option<LaunchTemplateId>,
    /// Its name.
    #[immutable]
    #[computed]
    pub name: Option<String>,
    /// Its version; give the template's `latestVersion` to roll out each change of it. EKS takes the template's default once when
    /// absent, and it stays.
    #[computed]
    pub version: Option<u32>,
}

/// Access by SSH.
#[shape]
pub struct RemoteAccess {
    /// The key pair.
    pub ec2_ssh_key: Option<String>,
    /// From where: whatever has one of these groups. EKS opens port 22 to everybody when a key is given without.
    pub source_security_groups: Option<BTreeSet<SecurityGroupId>>,
}

/// Instances that are kept ready to become nodes. Source: EKS API Reference, `WarmPoolConfig`.
#[shape]
pub struct WarmPoolConfig {
    /// Whether there are any.
    #[default(true)]
    pub enabled: bool,
    /// At least.
    #[computed]
    pub min_size: Option<u32>,
    /// Instances in the group and the pool together, at most.
    #[computed]
    pub max_group_prepared_capacity: Option<u32>,
    /// In which state they wait.
    #[computed]
    pub pool_state: Option<WarmPoolState>,
    /// Whether instances go back to the pool when the group gets smaller.
    #[computed]
    pub reuse_on_scale_in: Option<bool>,
}

/// In which state the instances of a warm pool wait.
#[shape]
pub enum WarmPoolState {
    /// Stopped: only their disks cost.
    #[word("STOPPED")]
    Stopped,
    /// Running.
    #[word("RUNNING")]
    Running,
    /// Hibernated.
    #[word("HIBERNATED")]
    Hibernated,
}

/// What EKS answers.
#[shape(outputs)]
pub struct NodeGroupOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `CREATE_FAILED`, `DELETE_FAILED` or `DEGRADED`.
    pub status: String,
    /// What is wrong with it, in EKS's words.
    pub issues: Vec<String>,
    /// The Auto Scaling groups behind it.
    #[stable]
    pub auto_scaling_groups: Vec<String>,
    /// The security group that lets SSH in, when there is remote access.
    #[stable]
    pub remote_access_security_group: Option<SecurityGroupId>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "clusterName": "$groundwork:eks:Cluster",
            "nodegroupName": "example",
            "nodeRole": "$groundwork:iam:Role.arn",
            "subnets": ["$groundwork:ec2:Subnet"],
            "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
            "amiType": "BOTTLEROCKET_ARM_64",
            "instanceTypes": ["t4g.medium"],
            "labels": {"role": "initial"},
            "taints": [{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}],
            "updateConfig": {"maxUnavailable": 1},
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 2},
            "labels": {"team": "platform"},
            "taints": [],
            "updateConfig": {"maxUnavailablePercentage": 50},
            "tags": {"Name": "changed", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}
