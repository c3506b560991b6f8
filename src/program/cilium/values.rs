//! The values of Cilium's chart.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::plan::CiliumPlan;

/// What the platform says to Cilium's chart, typed. Taken by charts since 1.16.
///
/// Source: <https://docs.cilium.io/en/stable/helm-reference/>, and the charts themselves, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// The cluster's name: up to 32 lower-case letters, digits and hyphens.
    pub cluster: String,
    /// Whether interfaces get ranges of addresses.
    pub prefix_delegation: bool,
    /// Whether Hubble's relay and user interface run.
    pub hubble: bool,
    /// Whether Cilium serves Ingresses.
    pub ingress: bool,
    /// How many operators; they keep apart by host.
    pub operators: u16,
    /// The interfaces whose traffic is masqueraded. Charts since 1.18 do not masquerade with ENIs, and take no notice.
    pub masquerade_interfaces: Option<String>,
    /// Where the images come from, instead of Cilium's own registry.
    pub images: Option<Images>,
}

/// Cilium's images in another registry, under the names that they have in their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    registry: String,
}

impl Images {
    /// In this registry.
    pub const fn of(registry: String) -> Self {
        Self { registry }
    }

    fn image(&self, name: &str) -> Image {
        Image {
            repository: format!("{}/cilium/{name}", self.registry),
        }
    }
}

/// Where an image comes from.
#[derive(Debug, Clone, Serialize)]
struct Image {
    repository: String,
}

impl Values {
    /// What a plan says of the cluster of this name.
    pub fn of(cluster: &str, plan: &CiliumPlan) -> Self {
        Self {
            cluster: cluster.to_owned(),
            prefix_delegation: plan.prefix_delegation,
            hubble: plan.hubble,
            ingress: plan.ingress,
            operators: plan.operators,
            masquerade_interfaces: None,
            images: None,
        }
    }

    /// The values, for an API at `endpoint` and an operator with a role.
    pub fn json(&self, endpoint: &str, role: Option<&str>) -> Json {
        let (host, port) = host_and_port(endpoint);
        let mut json = json!({
            "cluster": {"name": self.cluster},
            "eni": {"enabled": true, "awsEnablePrefixDelegation": self.prefix_delegation},
            "ipam": {"mode": "eni"},
            "routingMode": "native",
            // Private subnets and NAT do it.
            "enableIPv4Masquerade": false,
            "kubeProxyReplacement": "true",
            // Without kube-proxy the API's address in the cluster leads nowhere. Since 1.16 the port must be said as well.
            "k8sServiceHost": host,
            "k8sServicePort": port,
            "loadBalancer": {"algorithm": "maglev"},
            "defaultLBServiceIPAM": "none",
            "ingressController": {"enabled": self.ingress},
            "hubble": {
                "relay": {"enabled": self.hubble},
                "ui": {"enabled": self.hubble},
                // By default the chart makes new certificates each time that it is rendered.
                "tls": {"auto": {"enabled": true, "method": "cronJob"}},
            },
            "operator": {
                "replicas": self.operators,
                "removeNodeTaints": true,
                // It would set the same taint with another effect, which Karpenter does not know as temporary.
                "setNodeTaints": false,
                "podDisruptionBudget": {"enabled": true},
            },
        });
        let mut put = |pointer: &str, key: &str, value: Json| {
            if let Some(Json::Object(map)) = json.pointer_mut(pointer) {
                map.insert(key.to_owned(), value);
            }
        };
        if let Some(role) = role {
            put("/eni", "iamRole", role.into());
        }
        if self.ingress {
            put("/ingressController", "default", false.into());
            put("/ingressController", "loadbalancerMode", "shared".into());
            // The chart's own type makes a load balancer that costs and outlives the cluster; its own policy is refused for
            // this type.
            put(
                "/ingressController",
                "service",
                json!({"type": "ClusterIP", "externalTrafficPolicy": ""}),
            );
        }
        if let Some(interfaces) = &self.masquerade_interfaces {
            put("", "egressMasqueradeInterfaces", interfaces.as_str().into());
        }
        if let Some(images) = &self.images {
            let image = |name: &str| json!(images.image(name));
            put("", "image", image("cilium"));
            put("", "envoy", json!({"image": image("cilium-envoy")}));
            put("", "certgen", json!({"image": image("certgen")}));
            put("/operator", "image", image("operator"));
            put("/hubble/relay", "image", image("hubble-relay"));
            put("/hubble/ui", "backend", json!({"image": image("hubble-ui-backend")}));
            put("/hubble/ui", "frontend", json!({"image": image("hubble-ui")}));
        }
        json
    }
}

/// Host and port of a URL; 443 where it names none.
fn host_and_port(url: &str) -> (&str, u16) {
    let rest = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
    match rest.rsplit_once(':') {
        Some((host, port)) => port.parse().map_or((rest, 443), |port| (host, port)),
        None => (rest, 443),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values {
            cluster: "demo-k8s-cilium".to_owned(),
            prefix_delegation: false,
            hubble: true,
            ingress: true,
            operators: 2,
            masquerade_interfaces: None,
            images: None,
        }
    }

    #[test]
    fn the_values_are_those_that_were_rendered_with_every_chart() {
        let json = values().json(
            "https://0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
            Some("arn:aws:iam::111122223333:role/demo-k8s-cilium-cilium"),
        );
        let expected = json!({
            "cluster": {"name": "demo-k8s-cilium"},
            "eni": {
                "enabled": true,
                "iamRole": "arn:aws:iam::111122223333:role/demo-k8s-cilium-cilium",
                "awsEnablePrefixDelegation": false,
            },
            "ipam": {"mode": "eni"},
            "routingMode": "native",
            "enableIPv4Masquerade": false,
            "kubeProxyReplacement": "true",
            "k8sServiceHost": "0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com",
            "k8sServicePort": 443,
            "loadBalancer": {"algorithm": "maglev"},
            "defaultLBServiceIPAM": "none",
            "ingressController": {
                "enabled": true,
                "default": false,
                "loadbalancerMode": "shared",
                "service": {"type": "ClusterIP", "externalTrafficPolicy": ""},
            },
            "hubble": {
                "relay": {"enabled": true},
                "ui": {"enabled": true},
                "tls": {"auto": {"enabled": true, "method": "cronJob"}},
            },
            "operator": {
                "replicas": 2,
                "removeNodeTaints": true,
                "setNodeTaints": false,
                "podDisruptionBudget": {"enabled": true},
            },
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_port_in_the_endpoint_is_the_apis() {
        let json = values().json("https://127.0.0.1:6443", None);
        assert_eq!(
            (&json["k8sServiceHost"], &json["k8sServicePort"]),
            (&json!("127.0.0.1"), &json!(6443))
        );
        assert_eq!(json["eni"].get("iamRole"), None);
    }

    #[test]
    fn another_registry_serves_every_image() {
        let mut values = values();
        values.images = Some(Images::of(
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com/quay".to_owned(),
        ));
        let text = values.json("https://a", None).to_string();
        assert_eq!(
            text.matches("dkr.ecr.eu-central-1.amazonaws.com/quay/cilium/").count(),
            7,
            "{text}"
        );
    }
}
