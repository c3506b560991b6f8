//! Which roles' nodes may join: those with an access entry for nodes, or in `aws-auth`, as the cluster's mode says.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde_json::json;

use super::view::ClusterView;
use super::{Cluster, Outcome, objects};

const NODES: &str = "system:nodes";

/// The roles whose nodes may join a cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admission {
    roles: Vec<String>,
    aws_auth: Option<String>,
}

impl Admission {
    /// What `view` and, where the mode knows it, `aws-auth` say. In those modes EKS itself puts the roles of managed node
    /// groups into `aws-auth` ("Grant IAM users access to Kubernetes with a `ConfigMap`").
    pub(crate) async fn of(it: &Cluster, view: &ClusterView) -> Outcome<Self> {
        let mode = view.cluster.access_config.authentication_mode.as_str();
        let roles = if mode == "CONFIG_MAP" {
            Vec::new()
        } else {
            view.access_entries
                .iter()
                .filter(|entry| entry.kind == "EC2_LINUX" || entry.kubernetes_groups.iter().any(|group| group == NODES))
                .map(|entry| entry.principal_arn.clone())
                .collect()
        };
        if mode == "API" {
            return Ok(Self { roles, aws_auth: None });
        }
        let maps: Api<ConfigMap> = Api::namespaced(it.client.clone(), "kube-system");
        let found = maps.get_opt("aws-auth").await?;
        let mut text = found
            .and_then(|map| map.data)
            .and_then(|mut data| data.remove("mapRoles"))
            .unwrap_or_default();
        let missing: Vec<_> = view
            .nodegroups
            .iter()
            .filter(|group| group.status != "DELETING" && !text.contains(&group.node_role))
            .map(|group| group.node_role.as_str())
            .collect();
        if !missing.is_empty() {
            for role in missing {
                text = format!("{}{}", text, entry(role));
            }
            let map = json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "aws-auth", "namespace": "kube-system"},
                "data": {"mapRoles": text},
            });
            objects::apply(&it.client, "eks", &map).await?;
        }
        Ok(Self {
            roles,
            aws_auth: Some(text),
        })
    }

    /// Whether a node with this role may join.
    pub(crate) fn admits(&self, role: Option<&str>) -> bool {
        let Some(role) = role else { return false };
        self.roles.iter().any(|one| one == role)
            // Enough for what writes it: each entry names its role and its groups.
            || self.aws_auth.as_ref().is_some_and(|text| text.contains(role) && text.contains(NODES))
    }
}

/// An entry of `mapRoles` for nodes.
fn entry(role: &str) -> String {
    format!(
        "- groups:\n  - system:bootstrappers\n  - {NODES}\n  rolearn: {role}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/nodes";

    #[test]
    fn a_role_without_an_entry_is_not_admitted() {
        let admission = Admission {
            roles: vec![ROLE.to_owned()],
            aws_auth: None,
        };
        assert!(admission.admits(Some(ROLE)));
        assert!(!admission.admits(Some("arn:aws:iam::123456789012:role/others")));
        assert!(!admission.admits(None));
    }

    #[test]
    fn a_role_in_aws_auth_is_admitted() {
        let admission = Admission {
            roles: Vec::new(),
            aws_auth: Some(entry(ROLE)),
        };
        assert!(admission.admits(Some(ROLE)));
        assert!(entry(ROLE).contains("system:node:{{EC2PrivateDNSName}}"));
    }
}
