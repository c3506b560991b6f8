//! What a user may say about nodes, their network, Fargate and addons.

use std::collections::BTreeMap;

use groundwork_contract::eks::{AmiType, CapacityType};
use groundwork_contract_derive::shape;
use serde_json::Value as Json;

/// Cilium.
#[shape(settings)]
pub struct CiliumSettings {
    /// The chart's version. Default: the one that this release was tested with.
    pub version: Option<String>,
    /// The chart: its name in the repository, an `oci://` address, a folder or an archive. Default `cilium`.
    pub chart: Option<String>,
    /// The repository. Default `https://helm.cilium.io` where `chart` is a name.
    pub repository: Option<String>,
    /// Values of the chart, laid over the platform's own. What a setting says is said there alone.
    pub values: Option<BTreeMap<String, Json>>,
    /// Whether interfaces get ranges of 16 addresses instead of single ones, so that a node carries 110 pods. Default
    /// false.
    pub prefix_delegation: Option<bool>,
    /// Whether Hubble's relay and its user interface run. Default true.
    pub hubble: Option<bool>,
    /// Whether Cilium serves Ingresses. Default true, by a Service of type `ClusterIP`.
    pub ingress: Option<bool>,
}

/// The first nodes: those that Cilium, CoreDNS, Flux and Karpenter run on.
#[shape(settings)]
pub struct NodeSettings {
    /// The kinds of instances, by preference. Default `[t4g.medium]`.
    pub instance_types: Option<Vec<String>>,
    /// The image. Default `BOTTLEROCKET_ARM_64`.
    pub ami_type: Option<AmiType>,
    /// How they are paid for. Default `ON_DEMAND`.
    pub capacity_type: Option<CapacityType>,
    /// How many at least. Default 2.
    pub min: Option<u16>,
    /// How many at most. Default one more than `min`, so that an update has room; 2 in preset `demo`.
    pub max: Option<u16>,
    /// How many at first. Default `min`.
    pub desired: Option<u16>,
    /// How many pods a node carries. Default: as many as its network interfaces have addresses; 110 with
    /// `cilium.prefixDelegation`.
    pub max_pods: Option<u16>,
    /// The size of the disk for images and containers, in GiB. Default 20.
    pub disk_size: Option<u16>,
    /// For how many seconds a deletion waits for pods to be drained before it terminates the instances that are left: a
    /// `PodDisruptionBudget` can keep up a drain for ever. Default 900.
    pub drain_budget_seconds: Option<u32>,
    /// Labels of the nodes.
    pub labels: Option<BTreeMap<String, String>>,
}

/// Fargate.
#[shape(settings)]
pub struct FargateSettings {
    /// Namespaces whose pods run on Fargate, beside `karpenter`, `flux-system` and `kube-system`.
    pub namespaces: Option<Vec<String>>,
}

/// EKS' addons. Those that a part does not have are left out: with Cilium there is neither VPC CNI nor kube-proxy.
#[shape(settings)]
pub struct AddonSettings {
    /// The VPC CNI, in part 1.
    pub vpc_cni: Option<AddonChoice>,
    /// kube-proxy, in part 1.
    pub kube_proxy: Option<AddonChoice>,
    /// CoreDNS.
    pub coredns: Option<AddonChoice>,
}

/// What may be said of an addon.
#[shape(settings)]
pub struct AddonChoice {
    /// Its version, such as `v1.11.4-eksbuild.2`. Default: EKS' choice for the cluster's version when it is made.
    pub version: Option<String>,
    /// Its configuration, laid over the platform's own.
    pub configuration: Option<BTreeMap<String, Json>>,
}
