//! The versions of Kubernetes that EKS has.

use groundwork_contract_derive::{function, shape};

use super::KubernetesVersion;

/// The versions of Kubernetes that EKS has in the provider's region, the newest first.
#[function("groundwork:eks:getClusterVersions")]
pub struct GetClusterVersions;

/// Source: EKS API Reference, `DescribeClusterVersions`.
#[shape]
pub struct GetClusterVersionsInputs {
    /// Whether versions that EKS supports no more are named as well.
    #[default(false)]
    pub include_all: bool,
}

/// The versions.
#[shape(outputs)]
pub struct GetClusterVersionsResult {
    /// The versions, the newest first.
    pub versions: Vec<ClusterVersion>,
    /// The version that EKS takes when none is given.
    pub default_version: Option<KubernetesVersion>,
}

/// A version of Kubernetes. Source: EKS API Reference, `ClusterVersionInformation`.
#[shape(settings)]
pub struct ClusterVersion {
    /// The version.
    pub version: KubernetesVersion,
    /// How EKS supports it.
    pub status: VersionStatus,
    /// Whether it is the one that EKS takes when none is given.
    pub default: bool,
    /// The day on which standard support ends, such as `2027-03-27`.
    pub end_of_standard_support: Option<String>,
    /// The day on which extended support ends.
    pub end_of_extended_support: Option<String>,
    /// The whole version, such as `1.35.4`.
    pub kubernetes_patch_version: Option<String>,
}

/// How EKS supports a version.
#[shape]
pub enum VersionStatus {
    /// At the usual price.
    #[word("STANDARD")]
    Standard,
    /// At six times the price.
    #[word("EXTENDED")]
    Extended,
    /// No more.
    #[word("UNSUPPORTED")]
    Unsupported,
}
