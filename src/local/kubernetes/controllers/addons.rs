//! Addons: their objects, applied once for every change of the addon, and whether their pods are well.
//!
//! The objects are stand-ins of our own, as far as the story depends on them. A cluster that is made with self-managed addons
//! has the same ones from the start, and then nobody looks after them.

mod manifests;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::view::{Addon, ClusterView};
use super::{Cluster, Outcome, objects};
use crate::embedded;
use manifests::Workload;

/// The field manager of EKS.
const OWNER: &str = "eks";
/// What an addon's workload has been applied for.
const APPLIED: &str = "groundwork.local/addon";
/// A cluster that has had its self-managed addons; they do not come back.
const BOOTSTRAPPED: &str = "groundwork.local/bootstrapped";
/// How long an addon's pods may take before the addon is DEGRADED.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is remembered from pass to pass.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    bootstrapped: bool,
    /// By addon: what was applied.
    applied: BTreeMap<String, String>,
    /// By addon: since when its pods are not well.
    unwell: BTreeMap<String, Instant>,
}

/// One pass over the addons that there are, and over those that there were.
pub(crate) async fn pass(it: &Cluster, view: &ClusterView, memory: &mut Memory) -> Outcome {
    if !memory.bootstrapped {
        bootstrap(it, view).await?;
        memory.bootstrapped = true;
    }
    for addon in &view.addons {
        // Where a self-managed one may be in the way, whether it is shows once the addon has settled.
        let undecided = view.bootstrap_self_managed_addons && addon.status == "CREATING" && !addon.settled;
        if undecided || addon.status == "DELETING" || addon.status == "CREATE_FAILED" && has_conflict(addon) {
            continue;
        }
        let parts = manifests::of(&addon.name, &Choice::of(addon));
        apply(it, addon, &parts, memory).await?;
        tell(it, addon, &parts, memory).await?;
    }
    for name in manifests::NAMES {
        let wanted = view
            .addons
            .iter()
            .any(|one| one.name == *name && one.status != "DELETING");
        if !wanted {
            memory.unwell.remove(*name);
            remove(it, name, memory).await?;
        }
    }
    Ok(())
}

/// What configuration says about an addon's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) version: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) on_fargate: bool,
    pub(crate) replicas: Option<u64>,
    pub(crate) tolerations: Vec<Value>,
}

impl Choice {
    /// Configuration is JSON, or YAML of which nothing is read.
    fn of(addon: &Addon) -> Self {
        let text = addon.configuration_values.as_deref().unwrap_or("{}");
        let values: Value = serde_json::from_str(text).unwrap_or_default();
        let compute = values.get("computeType").and_then(Value::as_str).unwrap_or_default();
        let tolerations = values.get("tolerations").and_then(Value::as_array);
        Self {
            version: Some(addon.version.clone()),
            role: addon.service_account_role_arn.clone(),
            on_fargate: compute.eq_ignore_ascii_case("fargate"),
            replicas: values.get("replicaCount").and_then(Value::as_u64),
            tolerations: tolerations.cloned().unwrap_or_default(),
        }
    }
}

/// The three addons that `CreateCluster` installs unless it is told not to, once.
async fn bootstrap(it: &Cluster, view: &ClusterView) -> Outcome {
    if !view.bootstrap_self_managed_addons {
        return Ok(());
    }
    let namespaces: Api<Namespace> = Api::all(it.client.clone());
    let system = namespaces.get("kube-system").await?;
    if system.annotations().contains_key(BOOTSTRAPPED) {
        return Ok(());
    }
    for name in ["vpc-cni", "kube-proxy", "coredns"] {
        for object in manifests::of(name, &Choice::default()).objects {
            objects::apply(&it.client, OWNER, &object).await?;
        }
    }
    let done = json!({"metadata": {"annotations": {BOOTSTRAPPED: "true"}}});
    namespaces
        .patch("kube-system", &PatchParams::default(), &Patch::Merge(done))
        .await?;
    Ok(())
}

/// The self-managed addon is in the way, and the addon was told to leave it.
fn has_conflict(addon: &Addon) -> bool {
    let issues = addon.health.get("issues").and_then(Value::as_array);
    issues
        .into_iter()
        .flatten()
        .any(|issue| issue.get("code") == Some(&json!("ConfigurationConflict")))
}

/// Applies an addon's objects, unless they have been applied for this version and configuration: what others change
/// afterwards stays changed, as on EKS.
async fn apply(it: &Cluster, addon: &Addon, parts: &manifests::Parts, memory: &mut Memory) -> Outcome {
    let asked = [
        addon.arn.as_str(),
        addon.version.as_str(),
        addon.configuration_values.as_deref().unwrap_or_default(),
        addon.service_account_role_arn.as_deref().unwrap_or_default(),
    ];
    let digest = embedded::digest(asked.map(str::as_bytes));
    let held = memory.applied.get(&addon.name);
    if held == Some(&digest) {
        return Ok(());
    }
    let Some(workload) = parts.objects.first() else {
        return Ok(());
    };
    if objects::annotation(&it.client, workload, APPLIED).await?.as_ref() != Some(&digest) {
        for (index, object) in parts.objects.iter().enumerate() {
            let mut object = object.clone();
            if index == 0
                && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
            {
                metadata.insert("annotations".to_owned(), json!({APPLIED: digest}));
            }
            objects::apply(&it.client, OWNER, &object).await?;
        }
    }
    memory.applied.insert(addon.name.clone(), digest);
    Ok(())
}

async fn remove(it: &Cluster, name: &str, memory: &mut Memory) -> Outcome {
    let parts = manifests::of(name, &Choice::default());
    let Some(workload) = parts.objects.first() else {
        return Ok(());
    };
    // What EKS has not made as an addon is not EKS's to delete.
    let known = memory.applied.remove(name).is_some();
    if known || objects::annotation(&it.client, workload, APPLIED).await?.is_some() {
        for object in &parts.objects {
            objects::delete(&it.client, object).await?;
        }
    }
    Ok(())
}

async fn tell(it: &Cluster, addon: &Addon, parts: &manifests::Parts, memory: &mut Memory) -> Outcome {
    let name = &addon.name;
    let (ready, wanted) = match &parts.workload {
        Some(Workload::DaemonSet(workload)) => daemon_set(it, workload).await?,
        Some(Workload::Deployment(workload)) => deployment(it, workload).await?,
        // An addon of which there are no objects here is well.
        None => (0, 0),
    };
    let (status, issues) = if ready >= wanted {
        memory.unwell.remove(name);
        ("ACTIVE", json!([]))
    } else {
        let since = *memory.unwell.entry(name.clone()).or_insert_with(Instant::now);
        if since.elapsed() < PATIENCE {
            return Ok(());
        }
        ("DEGRADED", json!([too_few()]))
    };
    if addon.status == status || !matches!(addon.status.as_str(), "CREATING" | "ACTIVE" | "DEGRADED") {
        return Ok(());
    }
    let document = json!({"status": status, "issues": issues});
    it.tell(&format!("addons/{name}/health"), &document).await
}

fn too_few() -> Value {
    json!({
        "code": "InsufficientNumberOfReplicas",
        "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
        "resourceIds": [],
    })
}

async fn daemon_set(it: &Cluster, name: &str) -> Outcome<(i32, i32)> {
    let api: Api<DaemonSet> = Api::namespaced(it.client.clone(), "kube-system");
    let Some(found) = api.get_opt(name).await? else {
        return Ok((0, 1));
    };
    let generation = found.metadata.generation;
    let counts = found
        .status
        .filter(|status| status.observed_generation == generation)
        .map(|status| (status.number_ready, status.desired_number_scheduled));
    Ok(counts.unwrap_or((0, 1)))
}

async fn deployment(it: &Cluster, name: &str) -> Outcome<(i32, i32)> {
    let api: Api<Deployment> = Api::namespaced(it.client.clone(), "kube-system");
    let Some(found) = api.get_opt(name).await? else {
        return Ok((0, 1));
    };
    let wanted = found.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let ready = found.status.and_then(|status| status.available_replicas).unwrap_or(0);
    Ok((ready, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addon(configuration: &str) -> Addon {
        serde_json::from_value(json!({
            "addonName": "coredns",
            "addonArn": "arn:aws:eks:eu-central-1:123456789012:addon/demo/coredns/1",
            "addonVersion": "v1.13.1-eksbuild.1",
            "status": "CREATING",
            "settled": true,
            "configurationValues": configuration,
            "health": {"issues": []},
        }))
        .unwrap()
    }

    #[test]
    fn configuration_says_where_coredns_runs() {
        assert!(Choice::of(&addon(r#"{"computeType": "Fargate"}"#)).on_fargate);
        let other = Choice::of(&addon(
            r#"{"replicaCount": 3, "tolerations": [{"operator": "Exists"}]}"#,
        ));
        assert_eq!(
            (other.on_fargate, other.replicas, other.tolerations.len()),
            (false, Some(3), 1)
        );
        assert_eq!(Choice::of(&addon("computeType: Fargate")).replicas, None);
    }

    #[test]
    fn an_addon_in_conflict_is_left_alone() {
        let mut one = addon("{}");
        assert!(!has_conflict(&one));
        one.health = json!({"issues": [{"code": "ConfigurationConflict"}]});
        assert!(has_conflict(&one));
    }
}
