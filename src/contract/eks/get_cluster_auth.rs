//! A token for a cluster's API.

use groundwork_contract_derive::{function, shape};

use super::ClusterName;

/// A token that lets the provider's own identity into a cluster's API.
///
/// It is a signed request to STS that the cluster makes to learn who asks. It is good for 15 minutes, and is written to no
/// state by itself: what a program makes of it is secret.
#[function("groundwork:eks:getClusterAuth")]
pub struct GetClusterAuth;

/// Source: EKS User Guide, "Grant IAM users and roles access to Kubernetes APIs".
#[shape]
pub struct GetClusterAuthInputs {
    /// The cluster's name.
    pub name: ClusterName,
}

/// The token.
#[shape(outputs)]
pub struct GetClusterAuthResult {
    /// The token, for the header `Authorization: Bearer`.
    #[secret]
    pub token: String,
}
