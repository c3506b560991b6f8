//! What an instance's user data says about its node: Bottlerocket's settings, which are TOML.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Labels, taints and the number of pods ("Bottlerocket settings: kubernetes"). Empty for other user data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserData {
    pub(crate) labels: BTreeMap<String, String>,
    /// Key, value, effect.
    pub(crate) taints: Vec<(String, String, String)>,
    pub(crate) max_pods: Option<u64>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    settings: Settings,
}

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    kubernetes: Kubernetes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kubernetes {
    #[serde(default)]
    node_labels: BTreeMap<String, String>,
    #[serde(default)]
    node_taints: BTreeMap<String, Taints>,
    max_pods: Option<u64>,
}

/// `"value:Effect"`, or a list of these.
#[derive(Deserialize)]
#[serde(untagged)]
enum Taints {
    One(String),
    Several(Vec<String>),
}

impl UserData {
    /// Reads user data; what is not Bottlerocket's says nothing about the node.
    pub(crate) fn read(text: &str) -> Self {
        let Ok(Document { settings }) = toml::from_str(text) else {
            return Self::default();
        };
        let Kubernetes {
            node_labels,
            node_taints,
            max_pods,
        } = settings.kubernetes;
        let taints = node_taints.into_iter().flat_map(|(key, taints)| {
            let each = match taints {
                Taints::One(one) => vec![one],
                Taints::Several(several) => several,
            };
            each.into_iter().filter_map(move |taint| {
                let (value, effect) = taint.rsplit_once(':')?;
                Some((key.clone(), value.to_owned(), effect.to_owned()))
            })
        });
        Self {
            labels: node_labels,
            taints: taints.collect(),
            max_pods,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bottlerocket_says_labels_taints_and_pods() {
        let text = r#"
            [settings.kubernetes]
            cluster-name = "demo"
            max-pods = 110
            [settings.kubernetes.node-labels]
            tier = "system"
            [settings.kubernetes.node-taints]
            "node.cilium.io/agent-not-ready" = ["true:NoExecute"]
            "karpenter.sh/unregistered" = ":NoExecute"
        "#;
        let read = UserData::read(text);
        assert_eq!(read.max_pods, Some(110));
        assert_eq!(read.labels, BTreeMap::from([("tier".to_owned(), "system".to_owned())]));
        let taint = |key: &str, value: &str| (key.to_owned(), value.to_owned(), "NoExecute".to_owned());
        assert_eq!(
            read.taints,
            [
                taint("karpenter.sh/unregistered", ""),
                taint("node.cilium.io/agent-not-ready", "true")
            ]
        );
    }

    #[test]
    fn other_user_data_says_nothing() {
        assert_eq!(
            UserData::read("#!/bin/bash\n/etc/eks/bootstrap.sh demo"),
            UserData::default()
        );
    }
}
