//! Fargate: a pod that a profile selects has a node of its own.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt as _;
use kube::api::{Api, PostParams};
use serde::Deserialize;
use serde_json::{Value, json};

use super::nodes::{self, NETWORK};
use super::view::{ClusterView, FargateProfile};
use super::{Cluster, Outcome, Seen, objects};
use crate::embedded;

/// The pod that a Fargate node is for: `<namespace>/<name>/<uid>`.
const POD: &str = "groundwork.local/fargate-pod";
/// The interface of a Fargate node.
const INTERFACE: &str = "groundwork.local/fargate-interface";
/// The label by which EKS remembers which profile took a pod.
const PROFILE: &str = "eks.amazonaws.com/fargate-profile";
const COMPUTE: &str = "eks.amazonaws.com/compute-type";
const SCHEDULER: &str = "fargate-scheduler";
/// The priority of `system-node-critical`.
const CRITICAL: u32 = 2_000_001_000;

/// Where a Fargate node is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    id: String,
    zone: String,
    private_ip_address: String,
    private_dns_name: String,
}

/// One pass: the admission of new pods, nodes for those that wait, and the end of nodes whose pod or profile is gone.
pub(crate) async fn pass(
    it: &Cluster,
    view: &ClusterView,
    seen: &Seen,
    policies: &mut BTreeMap<String, String>,
) -> Outcome {
    let active: Vec<_> = view
        .fargate_profiles
        .iter()
        .filter(|one| one.status == "ACTIVE")
        .collect();
    admit(it, &active, policies).await?;
    let nodes: Api<Node> = Api::all(it.client.clone());
    for pod in &seen.pods {
        if let Some(profile) = waits_for(pod, &active) {
            let made = seen
                .nodes
                .iter()
                .find(|node| node.annotations().get(POD) == Some(&key(pod)));
            if let Some(node) = made {
                bind(it, pod, &node.name_any()).await?;
                continue;
            }
            let place: Place = it.ask(&format!("fargate/{}", profile.name)).await?;
            nodes::create(&nodes, &node(it, pod, profile, &place)).await?;
            bind(it, pod, &place.private_dns_name).await?;
        }
    }
    for node in &seen.nodes {
        let Some(whose) = node.annotations().get(POD) else {
            continue;
        };
        // One that has ended keeps its node until it is deleted, as on EKS.
        let lives = seen.pods.iter().any(|pod| &key(pod) == whose && may_be_on(pod, node));
        let profile = node.labels().get(PROFILE);
        let backed = view
            .fargate_profiles
            .iter()
            .any(|one| Some(&one.name) == profile && one.status != "DELETING");
        if !lives || !backed {
            nodes::remove(it, &node.name_any(), seen).await?;
            if let Some(interface) = node.annotations().get(INTERFACE) {
                it.forget(&format!("fargate/{interface}")).await?;
            }
        }
    }
    Ok(())
}

fn key(pod: &Pod) -> String {
    let part = |text: Option<String>| text.unwrap_or_default();
    format!("{}/{}/{}", part(pod.namespace()), pod.name_any(), part(pod.uid()))
}

/// Whether a pod is on a node, or on none yet.
fn may_be_on(pod: &Pod, node: &Node) -> bool {
    let name = pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref());
    name.is_none_or(|name| *name == node.name_any())
}

/// Whether a pod has ended.
fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The profile that a pod without a node waits for.
fn waits_for<'a>(pod: &Pod, active: &[&'a FargateProfile]) -> Option<&'a FargateProfile> {
    let spec = pod.spec.as_ref()?;
    let bound = spec.node_name.is_some() || pod.metadata.deletion_timestamp.is_some() || is_over(pod);
    let of_daemon_set = pod.owner_references().iter().any(|owner| owner.kind == "DaemonSet");
    let for_ec2 = pod
        .annotations()
        .get(COMPUTE)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("ec2"));
    if bound || of_daemon_set || for_ec2 || spec.host_network == Some(true) {
        return None;
    }
    let mut fitting: Vec<_> = active.iter().filter(|profile| selects(profile, pod)).collect();
    // Of several, EKS takes the first by name ("Define which Pods use AWS Fargate when launched").
    fitting.sort_by(|one, other| one.name.cmp(&other.name));
    fitting.first().map(|profile| **profile)
}

fn selects(profile: &FargateProfile, pod: &Pod) -> bool {
    let namespace = pod.namespace().unwrap_or_default();
    profile.selectors.iter().any(|selector| {
        let labels = selector.labels.iter().flatten();
        glob(&selector.namespace, &namespace)
            && labels
                .into_iter()
                .all(|(key, value)| pod.labels().get(key).is_some_and(|held| glob(value, held)))
    })
}

/// `*` stands for any text and `?` for one character ("Fargate profile wildcards").
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
    fits(&pattern, &text)
}

fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => fits(rest, text) || text.split_first().is_some_and(|(_, left)| fits(pattern, left)),
        (Some((one, rest)), Some((other, left))) => (*one == '?' || one == other) && fits(rest, left),
        _ => false,
    }
}

fn node(it: &Cluster, pod: &Pod, profile: &FargateProfile, place: &Place) -> Value {
    let size = json!({"cpu": "2", "memory": "4096Mi", "pods": "1"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": place.private_dns_name,
            "labels": {
                COMPUTE: "fargate",
                PROFILE: profile.name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": place.private_dns_name,
                "topology.kubernetes.io/region": it.region,
                "topology.kubernetes.io/zone": place.zone,
            },
            // Fargate brings its own network.
            "annotations": {NETWORK: "ready", POD: key(pod), INTERFACE: place.id},
        },
        "spec": {
            "providerID": format!("aws:///{}/{}", place.zone, place.private_dns_name),
            "taints": [{"key": COMPUTE, "value": "fargate", "effect": "NoSchedule"}],
        },
        "status": {
            "capacity": size,
            "allocatable": size,
            "addresses": [
                {"type": "Hostname", "address": "127.0.0.1"},
                {"type": "InternalIP", "address": place.private_ip_address},
            ],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": it.kubelet_port}},
            "nodeInfo": nodes::node_info("amd64", "Amazon Linux 2"),
        },
    })
}

async fn bind(it: &Cluster, pod: &Pod, node: &str) -> Outcome {
    let name = pod.name_any();
    let binding = json!({
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "namespace": pod.namespace()},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    });
    let pods = it.pods(&pod.namespace().unwrap_or_default());
    let bound = pods
        .create_subresource::<Value, Value>("binding", &name, &PostParams::default(), &binding)
        .await;
    match bound {
        Ok(_) => Ok(()),
        // Another scheduler was faster, or the pod is gone: the next pass ends the node.
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lets the API server hand new pods of a profile to Fargate's scheduler, as EKS does by a webhook. `policies` holds what has
/// been applied. An API server that knows no such policies leaves the pods to whoever is faster.
async fn admit(it: &Cluster, active: &[&FargateProfile], policies: &mut BTreeMap<String, String>) -> Outcome {
    for profile in active {
        let name = &profile.name;
        let [policy, binding] = policy(profile);
        let text = policy.to_string();
        if policies.get(name) != Some(&text) {
            for object in [policy, binding] {
                match objects::apply(&it.client, "eks", &object).await {
                    Err(error) if objects::is_missing(error.as_ref()) => {}
                    other => other?,
                }
            }
            policies.insert(name.clone(), text);
        }
    }
    let ended: Vec<_> = policies
        .keys()
        .filter(|name| !active.iter().any(|profile| &profile.name == *name))
        .cloned()
        .collect();
    for name in ended {
        let gone = FargateProfile {
            name: name.clone(),
            status: String::new(),
            selectors: Vec::new(),
        };
        for object in policy(&gone) {
            objects::delete(&it.client, &object).await?;
        }
        policies.remove(&name);
    }
    Ok(())
}

fn policy(profile: &FargateProfile) -> [Value; 2] {
    let api = "admissionregistration.k8s.io/v1beta1";
    // A profile's name may hold what an object's may not.
    let name = format!("eks-fargate-{}", embedded::digest([profile.name.as_bytes()]));
    let any: Vec<_> = profile.selectors.iter().map(condition).collect();
    let mine = json!({"name": "is-selected", "expression": any.join(" || ")});
    let not_ec2 = json!({
        "name": "may-be-on-fargate",
        "expression": format!(
            "(!has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(one, one.kind == 'DaemonSet')) \
             && (!has(object.metadata.annotations) || !('{COMPUTE}' in object.metadata.annotations) \
             || object.metadata.annotations['{COMPUTE}'].lowerAscii() != 'ec2')"
        ),
    });
    // Critical, as EKS makes it: nothing is to take the only place on its node.
    let mutation = format!(
        "Object{{spec: Object.spec{{schedulerName: '{SCHEDULER}', priorityClassName: 'system-node-critical', \
         priority: {CRITICAL}}}}}"
    );
    [
        json!({
            "apiVersion": api,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Ignore",
                "reinvocationPolicy": "Never",
                "matchConstraints": {"resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]},
                ]},
                "matchConditions": [mine, not_ec2],
                "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": mutation}}],
            },
        }),
        json!({
            "apiVersion": api,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        }),
    ]
}

/// A selector as an expression of the API server's.
fn condition(selector: &super::view::Selector) -> String {
    let matches = |subject: &str, pattern: &str| {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        if pattern.contains(['*', '?']) {
            let regex = pattern.replace('.', "[.]").replace('*', ".*").replace('?', ".");
            format!("{subject}.matches('^{}$')", quoted(&regex))
        } else {
            format!("{subject} == '{}'", quoted(pattern))
        }
    };
    let labels = selector.labels.iter().flatten().map(|(key, value)| {
        let subject = format!("object.metadata.labels['{key}']");
        let is = matches(&subject, value);
        format!("has(object.metadata.labels) && '{key}' in object.metadata.labels && {is}")
    });
    let all: Vec<_> = std::iter::once(matches("request.namespace", &selector.namespace))
        .chain(labels)
        .collect();
    format!("({})", all.join(" && "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(selectors: &Value) -> FargateProfile {
        serde_json::from_value(json!({"fargateProfileName": "one", "status": "ACTIVE", "selectors": selectors}))
            .unwrap()
    }

    fn pod(change: impl FnOnce(&mut Value)) -> Pod {
        let mut pod = json!({
            "metadata": {"name": "web", "namespace": "flux-system", "labels": {"app": "web"}},
            "spec": {"containers": []},
        });
        change(&mut pod);
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn a_pod_is_taken_by_namespace_and_labels() {
        let by_namespace = profile(&json!([{"namespace": "flux-*"}]));
        let by_label = profile(&json!([{"namespace": "flux-system", "labels": {"app": "w?b"}}]));
        let others =
            profile(&json!([{"namespace": "flux-system", "labels": {"app": "db"}}, {"namespace": "karpenter"}]));
        let taken = |profile: &FargateProfile| waits_for(&pod(|_| {}), &[profile]).is_some();
        assert_eq!([&by_namespace, &by_label, &others].map(taken), [true, true, false]);
    }

    #[test]
    fn what_must_be_on_ec2_stays_there() {
        let every = profile(&json!([{"namespace": "*"}]));
        let taken = |change: fn(&mut Value)| waits_for(&pod(change), &[&every]).is_some();
        assert!(taken(|_| {}));
        assert!(!taken(|pod| pod["metadata"]["annotations"] = json!({COMPUTE: "ec2"})));
        assert!(!taken(|pod| pod["spec"]["hostNetwork"] = json!(true)));
        assert!(!taken(|pod| pod["spec"]["nodeName"] = json!("some")));
        let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u"}]);
        let of_daemon_set = pod(|pod| pod["metadata"]["ownerReferences"] = owner);
        assert!(waits_for(&of_daemon_set, &[&every]).is_none());
    }

    #[test]
    fn selectors_become_expressions() {
        let selector = |value| serde_json::from_value(value).unwrap();
        assert_eq!(
            condition(&selector(json!({"namespace": "kube-system"}))),
            "(request.namespace == 'kube-system')"
        );
        assert_eq!(
            condition(&selector(json!({"namespace": "team-*", "labels": {"a": "b"}}))),
            "(request.namespace.matches('^team-.*$') && has(object.metadata.labels) && 'a' in object.metadata.labels \
             && object.metadata.labels['a'] == 'b')"
        );
    }
}
