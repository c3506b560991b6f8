//! What the Kubernetes side sees of the local AWS, and what it tells it (`groundwork_aws/eks/outside.py`).

use serde::Deserialize;
use serde_json::{Value, json};

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
    /// The ARN of the user or role that made it.
    pub(crate) creator: String,
    /// Whether aws-node, kube-proxy and coredns are there from the start.
    pub(crate) bootstrap_self_managed_addons: bool,
    /// Itself.
    pub(crate) cluster: Cluster,
    /// Who may enter.
    pub(crate) access_entries: Vec<AccessEntry>,
    /// Managed node groups, in EKS's own shape.
    pub(crate) nodegroups: Vec<Value>,
    /// Fargate profiles, in EKS's own shape.
    pub(crate) fargate_profiles: Vec<Value>,
    /// Addons, in EKS's own shape.
    pub(crate) addons: Vec<Value>,
    /// Pod identity associations, in EKS's own shape.
    pub(crate) pod_identity_associations: Vec<Value>,
}

/// A cluster in EKS's shape ("Cluster" in EKS's API reference); only what is used here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: String,
    /// When it was made; tells it from one before it that had its name.
    pub(crate) created_at: Value,
    /// Its Kubernetes version: `1.35`.
    pub(crate) version: String,
    /// `CREATING`, `ACTIVE`, …
    pub(crate) status: String,
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

impl Eks {
    /// The AWS behind this port of the loopback.
    pub(crate) fn at(port: u16) -> Self {
        Self { admin: Admin { port } }
    }

    /// Every cluster of every account and region.
    pub(crate) async fn clusters(&self) -> Result<Vec<ClusterView>> {
        self.admin.get("show its clusters", "/clusters").await
    }

    /// Every running instance, with what a node of it needs (`outside.py`, `_node`).
    pub(crate) async fn nodes(&self) -> Result<Vec<Value>> {
        self.admin.get("show its instances", "/nodes").await
    }

    /// Says that a cluster's API answers.
    pub(crate) async fn endpoint(&self, cluster: &ClusterView, document: &Value) -> Result<()> {
        self.tell(
            &cluster.account,
            &cluster.region,
            &cluster.cluster.name,
            "endpoint",
            document,
        )
        .await
    }

    /// Says that a node group's nodes are Ready; or, with issues in EKS's own shape, that they never will be.
    pub(crate) async fn nodegroup_ready(
        &self,
        [account, region, cluster]: [&str; 3],
        nodegroup: &str,
        issues: &[Value],
    ) -> Result<()> {
        let document = if issues.is_empty() {
            json!({})
        } else {
            json!({"issues": issues})
        };
        self.tell(
            account,
            region,
            cluster,
            &format!("nodegroups/{nodegroup}/ready"),
            &document,
        )
        .await
    }

    /// Says how an addon is: `ACTIVE`, `DEGRADED` or `CREATE_FAILED`, with issues in EKS's own shape.
    pub(crate) async fn addon_health(
        &self,
        [account, region, cluster]: [&str; 3],
        addon: &str,
        status: &str,
        issues: &[Value],
    ) -> Result<()> {
        let document = json!({"status": status, "issues": issues});
        self.tell(account, region, cluster, &format!("addons/{addon}/health"), &document)
            .await
    }

    async fn tell(&self, account: &str, region: &str, cluster: &str, what: &str, document: &Value) -> Result<()> {
        let path = format!("/clusters/{cluster}/{what}?account={account}&region={region}");
        self.admin
            .post::<Value>("take the news", &path, document)
            .await
            .map(drop)
    }
}
