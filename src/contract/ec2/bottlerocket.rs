//! The settings of Bottlerocket that a node starts with, as user data.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::Ipv4Address;

/// Settings of Bottlerocket for a node of Kubernetes; what is absent, EKS or Bottlerocket chooses.
///
/// EKS adds cluster name, API server and certificate to the user data of a managed node group by itself; they must not stand in
/// it. Source: Bottlerocket, "settings.kubernetes"; EKS User Guide, "Customize managed nodes with launch templates".
///
/// ```toml
/// [settings.kubernetes]
/// "max-pods" = 110
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BottlerocketSettings {
    /// How many pods the node takes.
    pub max_pods: Option<u32>,
    /// Where pods ask for names: the cluster's DNS.
    pub cluster_dns_ip: Option<Ipv4Address>,
    /// The cluster's domain.
    pub cluster_domain: Option<String>,
    /// Labels of the node.
    pub node_labels: BTreeMap<String, String>,
    /// Taints of the node: by key, `value:effect` with an effect of Kubernetes such as `NoExecute`.
    pub node_taints: BTreeMap<String, BTreeSet<String>>,
    /// Settings of the kernel, such as `net.core.somaxconn`.
    pub sysctl: BTreeMap<String, String>,
    /// Whether the admin container runs, by which a shell on the host can be had. Off when absent.
    pub admin_container: Option<bool>,
}

impl BottlerocketSettings {
    /// The settings as TOML, the form of Bottlerocket's user data; empty where nothing is set.
    ///
    /// Always the same text for the same settings, so that a launch template does not change by itself.
    pub fn to_toml(&self) -> String {
        let Self {
            max_pods,
            cluster_dns_ip,
            cluster_domain,
            node_labels,
            node_taints,
            sysctl,
            admin_container,
        } = self;
        let text = |value: String| quoted(&value);
        let kubernetes = [
            ("max-pods", max_pods.map(|pods| pods.to_string())),
            (
                "cluster-dns-ip",
                cluster_dns_ip.as_ref().map(|address| text(address.to_string())),
            ),
            ("cluster-domain", cluster_domain.clone().map(text)),
        ];
        let kubernetes = kubernetes
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let plain = |map: &BTreeMap<String, String>| -> Vec<(String, String)> {
            map.iter().map(|(key, value)| (key.clone(), quoted(value))).collect()
        };
        let taints = node_taints.iter().map(|(key, taints)| {
            let taints: Vec<String> = taints.iter().map(|taint| quoted(taint)).collect();
            (key.clone(), format!("[{}]", taints.join(", ")))
        });
        let admin = admin_container.map(|on| ("enabled".to_owned(), on.to_string()));
        let tables = [
            ("settings.kubernetes", kubernetes.collect()),
            ("settings.kubernetes.node-labels", plain(node_labels)),
            ("settings.kubernetes.node-taints", taints.collect()),
            ("settings.kernel.sysctl", plain(sysctl)),
            ("settings.host-containers.admin", admin.into_iter().collect::<Vec<_>>()),
        ];
        let mut toml = String::new();
        for (name, lines) in tables.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            // Writing to a string cannot fail.
            let _ = writeln!(toml, "[{name}]");
            for (key, value) in lines {
                let _ = writeln!(toml, "{} = {value}", quoted(&key));
            }
        }
        toml
    }
}

/// A basic string of TOML: JSON's escapes are all among TOML's. Source: TOML 1.0, "String".
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_toml_in_one_order() {
        let settings = BottlerocketSettings {
            max_pods: Some(110),
            cluster_dns_ip: Some("172.20.0.10".parse().unwrap()),
            node_labels: [("role".to_owned(), "a \"b\"".to_owned())].into(),
            node_taints: [(
                "node.cilium.io/agent-not-ready".to_owned(),
                ["true:NoExecute".to_owned()].into(),
            )]
            .into(),
            admin_container: Some(false),
            ..BottlerocketSettings::default()
        };
        let expected = r#"[settings.kubernetes]
"max-pods" = 110
"cluster-dns-ip" = "172.20.0.10"
[settings.kubernetes.node-labels]
"role" = "a \"b\""
[settings.kubernetes.node-taints]
"node.cilium.io/agent-not-ready" = ["true:NoExecute"]
[settings.host-containers.admin]
"enabled" = false
"#;
        assert_eq!(settings.to_toml(), expected);
    }

    #[test]
    fn no_settings_are_no_user_data() {
        assert_eq!(BottlerocketSettings::default().to_toml(), "");
    }
}
