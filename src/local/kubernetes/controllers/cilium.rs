//! What Cilium's operator and the VPC CNI do outside their pods: interfaces, and the end of the taint that keeps pods off.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use super::view::Instance;
use super::{Cluster, Outcome, Seen};

const TAINT: &str = "node.cilium.io/agent-not-ready";

/// One pass over the nodes that a CNI runs on.
pub(crate) async fn pass(it: &Cluster, instances: &[Instance], seen: &Seen) -> Outcome {
    for instance in instances {
        let Some(node) = seen.node_of(&instance.id) else {
            continue;
        };
        if seen.runs("aws-node", &node.name_any()) {
            interface(it, instance, "vpc-cni", "aws-K8S-", None).await?;
        }
    }
    let with_cilium: Vec<_> = seen
        .nodes
        .iter()
        .filter(|node| seen.runs("cilium", &node.name_any()))
        .collect();
    if with_cilium.is_empty() || !operator_runs(it).await? {
        return Ok(());
    }
    let maps: Api<ConfigMap> = Api::namespaced(it.client.clone(), "kube-system");
    let config = maps
        .get_opt("cilium-config")
        .await?
        .and_then(|map| map.data)
        .unwrap_or_default();
    let value = |key: &str| config.get(key).map(String::as_str);
    for node in with_cilium {
        let instance = instances
            .iter()
            .find(|one| seen.node_of(&one.id).is_some_and(|of| of.name_any() == node.name_any()));
        if let Some(instance) = instance
            && value("ipam") == Some("eni")
        {
            interface(it, instance, "cilium", "Cilium-CNI", value("cluster-name")).await?;
        }
        if value("remove-cilium-node-taints") != Some("false") {
            free(it, node, value("agent-not-ready-taint-key").unwrap_or(TAINT)).await?;
        }
    }
    Ok(())
}

async fn operator_runs(it: &Cluster) -> Outcome<bool> {
    let api: Api<Deployment> = Api::namespaced(it.client.clone(), "kube-system");
    let found = api.get_opt("cilium-operator").await?;
    let available = found
        .and_then(|it| it.status)
        .and_then(|status| status.available_replicas);
    Ok(available.unwrap_or_default() > 0)
}

async fn interface(it: &Cluster, instance: &Instance, cni: &str, prefix: &str, cluster: Option<&str>) -> Outcome {
    if instance
        .interfaces
        .iter()
        .any(|description| description.starts_with(prefix))
    {
        return Ok(());
    }
    let document = json!({"instance": instance.id, "cni": cni, "clusterName": cluster});
    it.tell("interfaces", &document).await
}

async fn free(it: &Cluster, node: &Node, key: &str) -> Outcome {
    let held = node
        .spec
        .as_ref()
        .and_then(|spec| spec.taints.clone())
        .unwrap_or_default();
    let left: Vec<_> = held.iter().filter(|taint| taint.key != key).collect();
    if left.len() == held.len() {
        return Ok(());
    }
    // With the version that was looked at: a taint that somebody adds in between must not be lost.
    let patch = json!({
        "metadata": {"resourceVersion": node.resource_version()},
        "spec": {"taints": left},
    });
    let api: Api<Node> = Api::all(it.client.clone());
    match api
        .patch(&node.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await
    {
        // The next pass sees what the other has done.
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}
