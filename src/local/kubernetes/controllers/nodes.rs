//! Instances become nodes, and nodes go with their instances.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::access::Admission;
use super::user_data::UserData;
use super::view::{ClusterView, Instance};
use super::{Cluster, Outcome, Seen, objects, size};

/// The instance that a node stands for.
pub(crate) const INSTANCE: &str = "groundwork.local/instance";
/// `ready` once something networks the node: then kwok lets it become Ready.
pub(crate) const NETWORK: &str = "groundwork.local/network";
/// What kubelets of the local cloud call themselves.
pub(crate) const KUBELET: &str = "v1.35.4";

/// One pass: nodes for the instances that may join, labels that node groups have been given since, the network's arrival,
/// and the end of nodes whose instance has ended.
pub(crate) async fn pass(it: &Cluster, view: &ClusterView, instances: &[Instance], seen: &Seen) -> Outcome {
    let admission = Admission::of(it, view).await?;
    let api: Api<Node> = Api::all(it.client.clone());
    for instance in instances {
        let Some(node) = seen.node_of(&instance.id) else {
            if admission.admits(instance.role.as_deref()) {
                create(&api, &node(instance, it.kubelet_port)).await?;
            }
            continue;
        };
        let mut change = BTreeMap::new();
        let held = node.labels();
        let labels: BTreeMap<_, _> = labels(instance)
            .into_iter()
            .filter(|(key, value)| held.get(key) != Some(value))
            .collect();
        if !labels.is_empty() {
            change.insert("labels", json!(labels));
        }
        if seen.is_networked(&node.name_any()) && node.annotations().get(NETWORK).is_none() {
            change.insert("annotations", json!({NETWORK: "ready"}));
        }
        if !change.is_empty() {
            let patch = json!({"metadata": change});
            api.patch(&node.name_any(), &PatchParams::default(), &Patch::Merge(patch))
                .await?;
        }
        keep_port(it, &api, node).await?;
    }
    for node in &seen.nodes {
        let Some(id) = node.annotations().get(INSTANCE) else {
            continue;
        };
        if !instances.iter().any(|instance| &instance.id == id) {
            remove(it, &node.name_any(), seen).await?;
        }
    }
    for pod in &seen.pods {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        if node.is_some_and(|name| !seen.nodes.iter().any(|node| node.name_any() == name)) {
            end(it, pod).await?;
        }
    }
    Ok(())
}

/// Creates a node; another pass may have done it already.
pub(crate) async fn create(api: &Api<Node>, node: &Value) -> Outcome {
    let node: Node = serde_json::from_value(node.clone())?;
    match api.create(&PostParams::default(), &node).await {
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// Where logs are asked for, which is another port whenever the local cloud has been started again.
async fn keep_port(it: &Cluster, api: &Api<Node>, node: &Node) -> Outcome {
    let endpoint = node.status.as_ref().and_then(|status| status.daemon_endpoints.as_ref());
    let port = endpoint
        .and_then(|endpoint| endpoint.kubelet_endpoint.as_ref())
        .map(|kubelet| kubelet.port);
    if port != Some(i32::from(it.kubelet_port)) {
        let patch = json!({"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": it.kubelet_port}}}});
        api.patch_status(&node.name_any(), &PatchParams::default(), &Patch::Merge(patch))
            .await?;
    }
    Ok(())
}

/// Removes a node with its pods.
pub(crate) async fn remove(it: &Cluster, name: &str, seen: &Seen) -> Outcome {
    let nodes: Api<Node> = Api::all(it.client.clone());
    objects::gone(nodes.delete(name, &DeleteParams::default()).await)?;
    for pod in seen.pods_on(name) {
        end(it, pod).await?;
    }
    Ok(())
}

/// Ends a pod at once: there is no machine that could end it in order.
async fn end(it: &Cluster, pod: &Pod) -> Outcome {
    let at_once = DeleteParams {
        grace_period_seconds: Some(0),
        ..DeleteParams::default()
    };
    let pods = it.pods(&pod.namespace().unwrap_or_default());
    objects::gone(pods.delete(&pod.name_any(), &at_once).await)
}

fn labels(instance: &Instance) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    if let Some(text) = &instance.user_data {
        labels.extend(UserData::read(text).labels);
    }
    if let Some(group) = &instance.nodegroup {
        labels.extend(group.labels.clone());
        labels.extend(
            [
                ("eks.amazonaws.com/nodegroup", &group.name),
                ("eks.amazonaws.com/nodegroup-image", &group.image_id),
                ("eks.amazonaws.com/capacityType", &group.capacity_type),
            ]
            .map(|(key, value)| (key.to_owned(), value.clone())),
        );
    }
    let known = [
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", architecture(instance)),
        ("kubernetes.io/hostname", &instance.private_dns_name),
        ("node.kubernetes.io/instance-type", &instance.kind),
        ("topology.kubernetes.io/region", &instance.region),
        ("topology.kubernetes.io/zone", &instance.zone),
    ];
    labels.extend(known.map(|(key, value)| (key.to_owned(), value.to_owned())));
    labels
}

fn architecture(instance: &Instance) -> &str {
    match instance.architecture.as_str() {
        "x86_64" => "amd64",
        other => other,
    }
}

fn taints(instance: &Instance, data: &UserData) -> Vec<Value> {
    let group = instance.nodegroup.iter().flat_map(|group| &group.taints);
    let of_group = group.map(|taint| {
        let effect = match taint.effect.as_str() {
            "NO_EXECUTE" => "NoExecute",
            "PREFER_NO_SCHEDULE" => "PreferNoSchedule",
            _ => "NoSchedule",
        };
        (
            taint.key.clone(),
            taint.value.clone().unwrap_or_default(),
            effect.to_owned(),
        )
    });
    let mut all: Vec<_> = of_group.chain(data.taints.iter().cloned()).collect();
    all.sort();
    // A key and effect may stand once.
    all.dedup_by(|one, other| (&one.0, &one.2) == (&other.0, &other.2));
    all.into_iter()
        .map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}))
        .collect()
}

/// The node of an instance, as its kubelet would register it: not Ready, because nothing networks it yet.
pub(crate) fn node(instance: &Instance, kubelet_port: u16) -> Value {
    let data = instance.user_data.as_deref().map(UserData::read).unwrap_or_default();
    let (capacity, allocatable) = size::of(instance, data.max_pods);
    let bottlerocket = instance
        .nodegroup
        .as_ref()
        .is_none_or(|group| group.ami_type.starts_with("BOTTLEROCKET"));
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": instance.private_dns_name,
            "labels": labels(instance),
            "annotations": {INSTANCE: instance.id},
        },
        "spec": {"providerID": instance.provider_id, "taints": taints(instance, &data)},
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "addresses": [
                // The API server asks for logs at the first address that it prefers, which is the host name.
                {"type": "Hostname", "address": "127.0.0.1"},
                {"type": "InternalIP", "address": instance.private_ip_address},
                {"type": "InternalDNS", "address": instance.private_dns_name},
            ],
            "conditions": [{
                "type": "Ready",
                "status": "False",
                "reason": "KubeletNotReady",
                "message": "container runtime network not ready: cni plugin not initialized",
            }],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
            "nodeInfo": node_info(architecture(instance), if bottlerocket { "Bottlerocket OS" } else { "Amazon Linux 2023" }),
        },
    })
}

/// What a node tells of its system.
pub(crate) fn node_info(architecture: &str, image: &str) -> Value {
    json!({
        "architecture": architecture,
        "bootID": "",
        "containerRuntimeVersion": "kwok",
        "kernelVersion": "",
        "kubeProxyVersion": KUBELET,
        "kubeletVersion": KUBELET,
        "machineID": "",
        "operatingSystem": "linux",
        "osImage": image,
        "systemUUID": "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::controllers::tests::instance;

    #[test]
    fn a_node_tells_where_it_is_and_what_it_belongs_to() {
        let made = node(&instance("i-1"), 10250);
        let label = |key: &str| made["metadata"]["labels"][key].as_str().unwrap_or_default().to_owned();
        assert_eq!(label("kubernetes.io/arch"), "arm64");
        assert_eq!(label("topology.kubernetes.io/zone"), "eu-central-1a");
        assert_eq!(label("eks.amazonaws.com/nodegroup"), "system");
        assert_eq!(label("eks.amazonaws.com/capacityType"), "ON_DEMAND");
        assert_eq!(label("tier"), "system");
        assert_eq!(made["spec"]["providerID"], "aws:///eu-central-1a/i-1");
    }

    #[test]
    fn taints_of_group_and_user_data_stand_once() {
        let mut one = instance("i-1");
        one.user_data = Some(
            "[settings.kubernetes.node-taints]\n\
             \"node.cilium.io/agent-not-ready\" = [\"true:NoExecute\"]\n\
             \"karpenter.sh/unregistered\" = \":NoExecute\""
                .to_owned(),
        );
        let taints = node(&one, 1)["spec"]["taints"].clone();
        let expected = json!([
            {"key": "karpenter.sh/unregistered", "value": "", "effect": "NoExecute"},
            {"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NoExecute"},
        ]);
        assert_eq!(taints, expected);
    }

    #[test]
    fn a_new_node_is_not_ready() {
        let made = node(&instance("i-1"), 1);
        assert_eq!(made["status"]["conditions"][0]["status"], "False");
        assert!(made["metadata"]["annotations"].get(NETWORK).is_none());
    }
}
