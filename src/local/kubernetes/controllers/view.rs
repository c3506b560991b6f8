//! What the local AWS says of a cluster and of its instances, as far as Kubernetes has to know it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A cluster with all that is in it (`GET clusters`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterView {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) bootstrap_self_managed_addons: bool,
    pub(crate) cluster: Shape,
    pub(crate) access_entries: Vec<AccessEntry>,
    pub(crate) nodegroups: Vec<Nodegroup>,
    pub(crate) fargate_profiles: Vec<FargateProfile>,
    pub(crate) addons: Vec<Addon>,
}

/// The cluster itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) access_config: AccessConfig,
}

/// How callers are admitted.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessConfig {
    pub(crate) authentication_mode: String,
}

/// Who may come in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessEntry {
    pub(crate) principal_arn: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) kubernetes_groups: Vec<String>,
}

/// A managed node group.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Nodegroup {
    #[serde(rename = "nodegroupName")]
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) node_role: String,
    pub(crate) scaling_config: Scaling,
}

/// How many nodes a group is to have.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scaling {
    pub(crate) desired_size: usize,
}

/// A Fargate profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FargateProfile {
    #[serde(rename = "fargateProfileName")]
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) selectors: Vec<Selector>,
}

/// Which pods a profile is for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Selector {
    pub(crate) namespace: String,
    #[serde(default)]
    pub(crate) labels: Option<BTreeMap<String, String>>,
}

/// An addon.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Addon {
    #[serde(rename = "addonName")]
    pub(crate) name: String,
    #[serde(rename = "addonArn")]
    pub(crate) arn: String,
    #[serde(rename = "addonVersion")]
    pub(crate) version: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) configuration_values: Option<String>,
    #[serde(default)]
    pub(crate) service_account_role_arn: Option<String>,
    #[serde(default)]
    pub(crate) health: Value,
    /// Whether its transition has lasted as long as it was to last.
    #[serde(default)]
    pub(crate) settled: bool,
}

/// A running instance (`GET nodes`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) provider_id: String,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) cluster: Option<String>,
    pub(crate) zone: String,
    #[serde(rename = "instanceType")]
    pub(crate) kind: String,
    pub(crate) architecture: String,
    pub(crate) vcpus: Option<u64>,
    #[serde(rename = "memoryMiB")]
    pub(crate) memory_mib: Option<u64>,
    pub(crate) max_pods: Option<u64>,
    pub(crate) private_dns_name: String,
    pub(crate) private_ip_address: String,
    pub(crate) user_data: Option<String>,
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) interfaces: Vec<String>,
    pub(crate) nodegroup: Option<InstanceGroup>,
}

/// What an instance's node group gives its node.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstanceGroup {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) taints: Vec<GroupTaint>,
    pub(crate) ami_type: String,
    pub(crate) capacity_type: String,
    pub(crate) image_id: String,
}

/// A taint in the words of EKS: `NO_SCHEDULE`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GroupTaint {
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: Option<String>,
    pub(crate) effect: String,
}
