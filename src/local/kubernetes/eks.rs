//! What the Kubernetes side sees of the local AWS, and what it tells it (`groundwork_aws/eks/outside.py`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::token::CLUSTER_HEADER;
use crate::Result;
use crate::cloud::Admin;

/// A client of the local AWS's admin path, as far as it is about clusters.
#[derive(Debug, Clone)]
pub(crate) struct Eks {
    pub(super) admin: Admin,
}

/// A cluster with all that is in it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterView {
    /// The account that it is in.
    pub(crate) account: String,
    /// The region that it is in.
    pub(crate) region: String,
    /// Whether it is to have a control plane: not while it is deleted, and not once it has failed.
    pub(crate) wanted: bool,
    /// When it was made: tells it from one before it that had its name.
    pub(crate) birth: String,
    /// The ARN of the user or role that made it.
    pub(crate) creator: String,
    /// Itself.
    pub(crate) cluster: Cluster,
    /// Who may enter.
    pub(crate) access_entries: Vec<AccessEntry>,
}

/// A cluster in EKS's shape ("Cluster" in EKS's API reference); only what is used here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: String,
    /// Who may enter, and by what.
    pub(crate) access_config: AccessConfig,
    /// The addresses of its services.
    pub(crate) kubernetes_network_config: NetworkConfig,
}

/// How a cluster knows its users.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessConfig {
    /// `API`, `CONFIG_MAP` or `API_AND_CONFIG_MAP`.
    pub(crate) authentication_mode: String,
    /// Whether its creator is an administrator without being named.
    pub(crate) bootstrap_cluster_creator_admin_permissions: bool,
}

/// The addresses of a cluster's services.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkConfig {
    /// The range of IPv4 services.
    pub(crate) service_ipv4_cidr: Option<String>,
}

/// A user or role that may enter.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessEntry {
    /// The user or role.
    pub(crate) principal_arn: String,
    /// Its name in Kubernetes; may contain `{{SessionName}}`.
    pub(crate) username: String,
    /// Its groups in Kubernetes.
    pub(crate) kubernetes_groups: Vec<String>,
    /// What EKS lets it do besides.
    pub(crate) policies: Vec<AccessPolicy>,
}

/// An access policy of EKS that an entry has.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessPolicy {
    /// The policy.
    pub(crate) policy_arn: String,
    /// Where it holds.
    pub(crate) access_scope: AccessScope,
}

/// Where an access policy holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccessScope {
    /// `cluster` or `namespace`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The namespaces, for the latter.
    #[serde(default)]
    pub(crate) namespaces: Vec<String>,
}

#[derive(Deserialize)]
struct Identity {
    arn: String,
}

impl Eks {
    /// The AWS behind this port of the loopback.
    pub(crate) fn at(port: u16) -> Self {
        Self { admin: Admin { port } }
    }

    /// Every cluster of every account and region.
    pub(crate) async fn clusters(&self) -> Result<Vec<ClusterView>> {
        self.admin.get("show its clusters", "/clusters").await
    }

    /// Says that a cluster's API answers.
    pub(crate) async fn endpoint(&self, cluster: &ClusterView, document: &Value) -> Result<()> {
        let ClusterView {
            account,
            region,
            cluster,
            ..
        } = cluster;
        let path = format!("/clusters/{}/endpoint?account={account}&region={region}", cluster.name);
        self.admin
            .post::<Value>("take the news", &path, document)
            .await
            .map(drop)
    }

    /// The ARN of who signed a URL for STS with this cluster's name in its header; what was signed otherwise is refused.
    pub(crate) async fn identity(&self, url: &str, cluster: &str) -> Result<String> {
        let document = json!({"url": url, "headers": {CLUSTER_HEADER: cluster}});
        let Identity { arn } = self.admin.post("tell who signed it", "/identity", &document).await?;
        Ok(arn)
    }
}
