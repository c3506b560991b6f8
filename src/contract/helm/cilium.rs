//! What Cilium's chart refuses, or takes without a word and then does not work with, by the chart's version.
//!
//! Source: the charts 1.12 to 1.20, rendered; `values.yaml` and `validate.yaml` of each. What is not known yet is skipped.

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::{Failure, check::nearest};

/// Whether a chart is Cilium's.
#[must_use]
pub fn is_cilium(chart: &str) -> bool {
    let name = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    name == "cilium" || name.starts_with("cilium-1.")
}

/// Every value that the chart of this version refuses or that does not work with it.
#[must_use]
pub fn mistakes(version: &str, values: &PropertyValue) -> Vec<Failure> {
    let Some(version) = minor(version) else {
        return Vec::new();
    };
    let values = Values(values);
    let mut failures = Vec::new();
    for rule in RULES {
        if (rule.versions.0..=rule.versions.1).contains(&version)
            && let Some(reason) = (rule.wrong)(values)
        {
            failures.push(Failure::new(path(rule.path), reason));
        }
    }
    failures.extend(misspelt(values));
    failures
}

/// The minor version of a chart of Cilium 1.
fn minor(version: &str) -> Option<u32> {
    let mut parts = version.trim_start_matches('v').split('.');
    (parts.next()? == "1").then(|| parts.next()?.parse().ok()).flatten()
}

fn path(dotted: &str) -> PropertyPath {
    let root = PropertyPath::root().key("values");
    dotted.split('.').fold(root, |path, key| path.key(key))
}

/// A value that is wrong in some versions, the first and the last of which are given.
struct Rule {
    path: &'static str,
    versions: (u32, u32),
    wrong: fn(Values<'_>) -> Option<String>,
}

const EVER: u32 = u32::MAX;

const RULES: &[Rule] = &[
    Rule {
        path: "tunnel",
        versions: (15, EVER),
        wrong: |values| {
            let given = values.text("tunnel")?;
            Some(match given.as_str() {
                "disabled" => "the chart has no tunnel since 1.15; write routingMode: native".to_owned(),
                other => {
                    format!("the chart has no tunnel since 1.15; write routingMode: tunnel and tunnelProtocol: {other}")
                }
            })
        },
    },
    Rule {
        path: "kubeProxyReplacement",
        versions: (16, EVER),
        wrong: |values| {
            let given = values.text("kubeProxyReplacement")?;
            (given != "true" && given != "false")
                .then(|| format!("{given:?} is refused since 1.16: write \"true\" (as strict did) or \"false\""))
        },
    },
    Rule {
        path: "kubeProxyReplacement",
        versions: (0, 13),
        wrong: |values| {
            let needed = values.truth("ingressController.enabled") == Some(true);
            (needed && values.text("kubeProxyReplacement").as_deref() == Some("true")).then(|| {
                "must be \"partial\" or \"strict\" before 1.14 where the ingress controller is enabled".to_owned()
            })
        },
    },
    Rule {
        path: "k8sServicePort",
        versions: (16, EVER),
        wrong: |values| {
            (values.given("k8sServiceHost") && !values.given("k8sServicePort")).then(|| {
                "is missing: since 1.16 the chart then writes an empty port, with which no agent starts; write 443"
                    .to_owned()
            })
        },
    },
    Rule {
        path: "cluster.name",
        versions: (0, EVER),
        wrong: |values| {
            let name = values.text("cluster.name")?;
            let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let whole = name.chars().all(fine) && !name.starts_with('-') && !name.ends_with('-');
            (name.len() > 32 || name.is_empty() || !whole).then(|| {
                format!(
                    "{name:?} has {} characters: Cilium takes 1 to 32 lower-case letters, digits and '-', with a letter or \
                     digit at both ends",
                    name.len()
                )
            })
        },
    },
    Rule {
        path: "hubble.ui.enabled",
        versions: (0, EVER),
        wrong: |values| {
            (values.truth("hubble.ui.enabled") == Some(true)
                && !values.unknown("hubble.relay.enabled")
                && values.truth("hubble.relay.enabled") != Some(true))
            .then(|| "needs the relay: write hubble.relay.enabled: true".to_owned())
        },
    },
    Rule {
        path: "ingressController.service.externalTrafficPolicy",
        versions: (16, EVER),
        wrong: |values| {
            let cluster_ip = values.text("ingressController.service.type").as_deref() == Some("ClusterIP");
            let enabled = values.truth("ingressController.enabled") == Some(true);
            let key = "ingressController.service.externalTrafficPolicy";
            let empty = values.unknown(key) || values.text(key).as_deref() == Some("");
            (enabled && cluster_ip && !empty).then(|| {
                "must be \"\" where the service is of type ClusterIP: the API server refuses every other one, and the chart's \
                 own is Cluster"
                    .to_owned()
            })
        },
    },
    Rule {
        path: "eni.subnetTagsFilter",
        versions: (15, EVER),
        wrong: |values| {
            let given = values.at("eni.subnetTagsFilter")?;
            (!given.is_unknown() && given.as_array().is_none())
                .then(|| "must be a list, such as [\"kubernetes.io/role/internal-elb=1\"]".to_owned())
        },
    },
];

/// Values, looked into by dotted paths.
#[derive(Clone, Copy)]
struct Values<'a>(&'a PropertyValue);

impl<'a> Values<'a> {
    /// What stands there; what is null is not given.
    fn at(self, dotted: &str) -> Option<&'a PropertyValue> {
        let mut value = self.0.plain();
        for key in dotted.split('.') {
            if value.is_unknown() {
                return Some(value);
            }
            value = value.as_object()?.get(key)?.plain();
        }
        (!value.is_null()).then_some(value)
    }

    fn given(self, dotted: &str) -> bool {
        self.at(dotted).is_some()
    }

    fn unknown(self, dotted: &str) -> bool {
        self.at(dotted).is_some_and(PropertyValue::is_unknown)
    }

    /// As helm would write it.
    fn text(self, dotted: &str) -> Option<String> {
        match self.at(dotted)? {
            PropertyValue::String(text) => Some(text.clone()),
            PropertyValue::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    fn truth(self, dotted: &str) -> Option<bool> {
        self.text(dotted)?.parse().ok()
    }
}

/// A key at the top that the charts do not have and that is nearly one that they have: they take it without a word.
fn misspelt(values: Values<'_>) -> Vec<Failure> {
    let nothing = PropertyMap::new();
    let given = values.0.as_object().unwrap_or(&nothing).keys();
    given
        .filter(|key| !KEYS.contains(&key.as_str()))
        .filter_map(|key| {
            let near = nearest(key, KEYS.iter().copied())?;
            Some(Failure::new(
                path(key),
                format!("is no value of the chart, which takes it without a word; did you mean {near:?}?"),
            ))
        })
        .collect()
}

/// What the charts 1.14 to 1.20 have at the top. Source: their `values.yaml`.
#[rustfmt::skip]
const KEYS: &[&str] = &[
    "MTU", "affinity", "agent", "agentNotReadyTaintKey", "aksbyocni", "alibabacloud", "annotateK8sNode",
    "annotations", "apiRateLimit", "authentication", "autoDirectNodeRoutes", "azure", "bandwidthManager", "bgp",
    "bgpControlPlane", "bpf", "bpfClockProbe", "certgen", "cgroup", "ciliumEndpointSlice", "cleanBpfState",
    "cleanState", "cleanupKubeProxy", "cluster", "clustermesh", "cni", "commonLabels", "config",
    "configDriftDetection", "connectivityProbeFrequencyRatio", "conntrackGCInterval", "conntrackGCMaxInterval",
    "containerRuntime", "crdWaitTimeout", "customCalls", "daemon", "dashboards", "debug", "defaultLBServiceIPAM",
    "defaultPolicies", "devices", "directRoutingSkipUnreachable", "disableEndpointCRD", "disableEnvoyVersionCheck",
    "disableIptablesFeederRules", "dnsPolicy", "dnsPolicyUnloadOnShutdown", "dnsProxy", "egressGateway",
    "egressMasqueradeInterfaces", "eksMode", "enableCiliumEndpointSlice", "enableCnpStatusUpdates",
    "enableCriticalPriorityClass", "enableIPv4BIGTCP", "enableIPv4Masquerade", "enableIPv6BIGTCP",
    "enableIPv6Masquerade", "enableIdentityMark", "enableInternalTrafficPolicy", "enableK8sEndpointSlice",
    "enableK8sEventHandover", "enableK8sTerminatingEndpoint", "enableLBIPAM", "enableMasqueradeRouteSource",
    "enableNoServiceEndpointsRoutable", "enableNonDefaultDenyPolicies", "enableRuntimeDeviceDetection",
    "enableTunnelBIGTCP", "enableXTSocketFallback", "encryption", "endpointHealthChecking", "endpointRoutes",
    "endpointStatus", "eni", "envoy", "envoyConfig", "etcd", "externalIPs", "externalWorkloads", "extraArgs",
    "extraConfig", "extraContainers", "extraEnv", "extraHostPathMounts", "extraPolicies", "extraVolumeMounts",
    "extraVolumes", "forceDeviceDetection", "fragmentTracking", "gatewayAPI", "gke", "global", "healthChecking",
    "healthPort", "highScaleIPcache", "hostFirewall", "hubble", "identityAllocationMode", "identityChangeGracePeriod",
    "identityManagementMode", "image", "imagePullSecrets", "ingressController", "initResources",
    "installNoConntrackIptablesRules", "ipMasqAgent", "ipam", "iptablesLockTimeout", "ipv4", "ipv4NativeRoutingCIDR",
    "ipv6", "ipv6NativeRoutingCIDR", "k8s", "k8sClientRateLimit", "k8sNetworkPolicy", "k8sServiceHost",
    "k8sServiceHostRef", "k8sServiceLookupConfigMapName", "k8sServiceLookupNamespace", "k8sServicePort",
    "keepDeprecatedLabels", "keepDeprecatedProbes", "kubeConfigPath", "kubeProxyReplacement",
    "kubeProxyReplacementHealthzBindAddr", "l2NeighDiscovery", "l2announcements", "l2podAnnouncements", "l7Proxy",
    "labels", "livenessProbe", "loadBalancer", "localRedirectPolicies", "localRedirectPolicy", "logOptions",
    "logSystemLoad", "maglev", "monitor", "namespaceOverride", "nat46x64Gateway", "nodeIPAM", "nodePort",
    "nodeSelector", "nodeinit", "operator", "pmtuDiscovery", "podAnnotations", "podLabels", "podSecurityContext",
    "policyAuditMode", "policyCIDRMatchMode", "policyDenyResponse", "policyEnforcementMode", "pprof", "preflight",
    "priorityClassName", "prometheus", "proxy", "rbac", "readinessProbe", "remoteNodeIdentity", "resourceQuotas",
    "resources", "rollOutCiliumPods", "routingMode", "scheduling", "sctp", "secretsNamespaceAnnotations",
    "secretsNamespaceLabels", "securityContext", "serviceAccounts", "serviceNoBackendResponse", "sessionAffinity",
    "sleepAfterInit", "socketLB", "standaloneDnsProxy", "startupProbe", "svcSourceRangeCheck", "synchronizeK8sNodes",
    "sysctlfix", "terminationGracePeriodSeconds", "tls", "tlsInterception", "tolerations", "tunnel", "tunnelPort",
    "tunnelProtocol", "underlayProtocol", "updateStrategy", "upgradeCompatibility", "vtep", "waitForKubeProxy",
    "wellKnownIdentities",
];

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn wrong(version: &str, values: Json) -> Vec<String> {
        let found = mistakes(version, &values.into());
        found.into_iter().map(|failure| failure.path.to_string()).collect()
    }

    #[test]
    fn what_the_blog_posts_wrote_renders_on_old_charts_alone() {
        let seed = json!({
            "tunnel": "disabled", "kubeProxyReplacement": "strict", "k8sServiceHost": "a.example.com",
            "ingressController": {"enabled": true}, "eni": {"enabled": true},
        });
        assert_eq!(wrong("1.14.19", seed.clone()), Vec::<String>::new());
        assert_eq!(wrong("1.15.0", seed.clone()), ["values.tunnel"]);
        assert_eq!(
            wrong("1.20.0", seed),
            ["values.tunnel", "values.kubeProxyReplacement", "values.k8sServicePort"]
        );
    }

    #[test]
    fn modern_values_are_fine_in_every_version() {
        let values = json!({
            "cluster": {"name": "demo-k8s-cilium"},
            "eni": {"enabled": true, "subnetTagsFilter": ["a=b"]},
            "ipam": {"mode": "eni"}, "routingMode": "native", "kubeProxyReplacement": "true",
            "k8sServiceHost": "a.example.com", "k8sServicePort": 443,
            "ingressController": {"enabled": true, "service": {"type": "ClusterIP", "externalTrafficPolicy": ""}},
            "hubble": {"relay": {"enabled": true}, "ui": {"enabled": true}},
        });
        for version in ["1.14.19", "1.16.0", "1.19.6", "1.20.0"] {
            assert_eq!(wrong(version, values.clone()), Vec::<String>::new(), "{version}");
        }
    }

    #[test]
    fn each_trap_is_told() {
        for (values, path) in [
            (
                json!({"cluster": {"name": "a-name-of-more-than-thirty-two-characters"}}),
                "values.cluster.name",
            ),
            (json!({"hubble": {"ui": {"enabled": true}}}), "values.hubble.ui.enabled"),
            (
                json!({"ingressController": {"enabled": true, "service": {"type": "ClusterIP"}}}),
                "values.ingressController.service.externalTrafficPolicy",
            ),
            (
                json!({"eni": {"subnetTagsFilter": "a=b"}}),
                "values.eni.subnetTagsFilter",
            ),
            (json!({"kubeProxyReplacment": true}), "values.kubeProxyReplacment"),
            (json!({"kubeProxyReplacement": "strict"}), "values.kubeProxyReplacement"),
        ] {
            assert_eq!(wrong("1.19.6", values.clone()), [path], "{values}");
        }
    }

    #[test]
    fn what_is_not_known_yet_is_skipped() {
        let mut map = PropertyMap::new();
        for key in [
            "cluster",
            "kubeProxyReplacement",
            "k8sServiceHost",
            "hubble",
            "k8sServicePort",
        ] {
            map.insert(key.to_owned(), PropertyValue::UNKNOWN);
        }
        assert!(mistakes("1.20.0", &PropertyValue::Object(map)).is_empty());
        assert!(mistakes("1.20.0", &PropertyValue::UNKNOWN).is_empty());
    }

    #[test]
    fn ciliums_chart_is_known_by_its_name() {
        for chart in [
            "cilium",
            "oci://quay.io/cilium/charts/cilium",
            "charts/cilium-1.19.6.tgz",
        ] {
            assert!(is_cilium(chart), "{chart}");
        }
        assert!(!is_cilium("cilium-extras"));
    }
}
