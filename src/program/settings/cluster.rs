//! What a user may say about the EKS cluster.

use std::collections::BTreeSet;

use groundwork_contract::{
    Arn, Ipv4Cidr,
    eks::{AuthenticationMode, ClusterLogType, SupportType},
    kubernetes::ProxyUrl,
};
use groundwork_contract_derive::shape;

/// The EKS cluster.
#[shape(settings)]
pub struct ClusterSettings {
    /// From where the Kubernetes API is reached.
    pub endpoint: Option<ApiEndpointSettings>,
    /// The control plane's logs.
    pub logging: Option<LoggingSettings>,
    /// A KMS key for Kubernetes' data. Default: the one that AWS owns; `{}` makes one.
    pub encryption: Option<EncryptionSettings>,
    /// Who is let in.
    pub access: Option<AccessSettings>,
    /// What comes after a version's standard support. Default `STANDARD`: EKS upgrades the cluster; not said in preset
    /// `demo`, which means `EXTENDED`.
    pub support_type: Option<SupportType>,
    /// Whether EKS refuses to delete the cluster. Default false.
    pub deletion_protection: Option<bool>,
    /// A proxy through which whoever runs Pulumi reaches the Kubernetes API, such as `http://127.0.0.1:8888`.
    pub proxy_url: Option<ProxyUrl>,
}

/// From where the Kubernetes API is reached.
#[shape(settings)]
pub struct ApiEndpointSettings {
    /// Whether it is reached from outside the VPC. Default: whether `publicAccessCidrs` names anybody.
    pub public_access: Option<bool>,
    /// From which addresses. Default none; `0.0.0.0/0` in preset `demo`.
    pub public_access_cidrs: Option<BTreeSet<Ipv4Cidr>>,
    /// Whether it is reached within the VPC. Default true.
    pub private_access: Option<bool>,
    /// Whether ranges shorter than /8, such as `0.0.0.0/0`, are accepted among `publicAccessCidrs`. Default false; true in
    /// preset `demo`.
    pub allow_public_anywhere: Option<bool>,
}

/// The control plane's logs.
#[shape(settings)]
pub struct LoggingSettings {
    /// Which of them are written. Default all five.
    pub types: Option<BTreeSet<ClusterLogType>>,
    /// How many days they are kept. Default 90; 1 in preset `demo`.
    pub retention_days: Option<u16>,
    /// The KMS key that they are encrypted with. Default CloudWatch's own.
    pub kms_key_arn: Option<Arn>,
    /// Whether they outlive the platform. Default false.
    pub retain: Option<bool>,
    /// For how many seconds a destroy watches that they stay gone, as EKS may make their log group anew. Default 90.
    pub quiet_seconds: Option<u16>,
}

/// A KMS key for Kubernetes' data.
#[shape(settings)]
pub struct EncryptionSettings {
    /// A key that exists. Default: a new one.
    pub key_arn: Option<Arn>,
}

/// Who is let in.
#[shape(settings)]
pub struct AccessSettings {
    /// The roles and users that administer the cluster.
    pub admins: Option<BTreeSet<Arn>>,
    /// Whether whoever runs Pulumi administers it as well. Default true.
    pub deployer: Option<bool>,
    /// The role or user that runs Pulumi, where neither its session nor IAM (`iam:GetRole`) tells.
    pub deployer_arn: Option<Arn>,
    /// Who decides. Default `API`; `API_AND_CONFIG_MAP` in preset `demo`. AWS only ever goes forwards.
    pub authentication_mode: Option<AuthenticationMode>,
}

/// How pods get rights in AWS.
#[shape]
pub enum IdentityKind {
    /// By roles for service accounts.
    Irsa,
    /// By EKS Pod Identity, whose agent runs on nodes alone.
    PodIdentity,
    /// By Pod Identity where there are nodes, and by roles for service accounts on Fargate.
    Auto,
}

/// Who mints the tokens of the exported kubeconfig.
#[shape]
pub enum KubeconfigStyle {
    /// `groundwork token`.
    Groundwork,
    /// `aws eks get-token`.
    Aws,
}
