//! A cluster that is there.

use groundwork_contract_derive::{function, shape};

use super::{AuthenticationMode, ClusterName, KubernetesVersion};
use crate::{
    Arn, Tags,
    ec2::{SecurityGroupId, SubnetId, VpcId},
};

/// An EKS cluster that is there, by its name; an error where there is none.
#[function("groundwork:eks:getCluster")]
pub struct GetCluster;

/// Source: EKS API Reference, `DescribeCluster`.
#[shape]
pub struct GetClusterInputs {
    /// Its name.
    pub name: ClusterName,
}

/// What there is to know of it.
#[shape(outputs)]
pub struct GetClusterResult {
    /// The ARN.
    pub arn: Arn,
    /// `ACTIVE`, or what is being done to it.
    pub status: String,
    /// The version of Kubernetes.
    pub version: KubernetesVersion,
    /// EKS's own version of what is around Kubernetes.
    pub platform_version: String,
    /// The URL of its API; empty until EKS has made it.
    pub endpoint: String,
    /// The certificate of the authority that signs the API's, as PEM in base64; empty until EKS has made it.
    pub certificate_authority: String,
    /// The URL of the issuer of its service accounts' tokens; empty until EKS has made it.
    pub oidc_issuer: String,
    /// The role of the control plane.
    pub role_arn: Arn,
    /// The VPC.
    pub vpc_id: VpcId,
    /// The subnets of the control plane.
    pub subnet_ids: Vec<SubnetId>,
    /// The security group that EKS has made.
    pub cluster_security_group_id: Option<SecurityGroupId>,
    /// Where it is written who is let in.
    pub authentication_mode: AuthenticationMode,
    /// Tags.
    pub tags: Tags,
}
