//! The versions of an addon.

use groundwork_contract_derive::{function, shape};

use super::KubernetesVersion;

/// The versions of an addon that fit a version of Kubernetes, as EKS lists them.
#[function("groundwork:eks:getAddonVersions")]
pub struct GetAddonVersions;

/// Source: EKS API Reference, `DescribeAddonVersions`, `DescribeAddonConfiguration`.
#[shape]
pub struct GetAddonVersionsInputs {
    /// The addon, such as `coredns`.
    pub addon_name: String,
    /// The version of Kubernetes.
    pub kubernetes_version: KubernetesVersion,
    /// Whether the schema of the default version's configuration is asked for as well.
    #[default(false)]
    pub configuration_schema: bool,
}

/// The versions.
#[shape(outputs)]
pub struct GetAddonVersionsResult {
    /// The version that EKS takes when none is given.
    pub default_version: Option<String>,
    /// Every version, as EKS lists them: the newest first.
    pub versions: Vec<AddonVersion>,
    /// The JSON schema of the default version's configuration, as text, where it was asked for.
    pub configuration_schema: Option<String>,
}

/// A version of an addon. Source: EKS API Reference, `AddonVersionInfo`.
#[shape(settings)]
pub struct AddonVersion {
    /// The version, such as `v1.13.1-eksbuild.1`.
    pub version: String,
    /// Whether it is the one that EKS takes when none is given.
    pub default: bool,
    /// The processors that it runs on: `amd64`, `arm64`.
    pub architectures: Vec<String>,
    /// What it runs on: `ec2`, `fargate`, `hybrid`.
    pub compute_types: Vec<String>,
    /// Whether it must be configured.
    pub requires_configuration: bool,
    /// Whether it needs permissions of IAM.
    pub requires_iam_permissions: bool,
}
