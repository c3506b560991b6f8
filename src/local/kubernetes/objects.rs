//! What stands in a cluster: its nodes and workloads as a person would ask for them, and every object by name.

use std::fs;
use std::path::{Path, PathBuf};

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, DynamicObject, ListParams};
use kube::discovery::{Discovery, verbs};
use kube::{Client, ResourceExt as _};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Nodes and workloads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Every node: its name, and whether it is Ready.
    pub nodes: Vec<(String, bool)>,
    /// Every Deployment and `DaemonSet` and Job.
    pub workloads: Vec<Workload>,
}

/// A Deployment, a `DaemonSet` or a Job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// `deployment/coredns`.
    pub name: String,
    /// How many pods are as they should be.
    pub ready: i32,
    /// How many should be.
    pub wanted: i32,
}

/// An object, and whoever has applied or changed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// `kube-system/ConfigMap/cilium-config`.
    pub name: String,
    /// The managers of its fields.
    pub managers: Vec<String>,
}

impl Object {
    /// Whether the platform put it there: by itself, or by Helm.
    pub fn is_of_the_platform(&self) -> bool {
        self.managers
            .iter()
            .any(|name| name.starts_with("groundwork") || name == "helm")
    }
}

fn unanswered(error: &kube::Error) -> Error {
    Error::Admin {
        what: "tell what is in the cluster".to_owned(),
        reason: error.to_string(),
    }
}

/// Looks at the nodes and the workloads.
pub(crate) async fn overview(client: &Client) -> Result<Overview> {
    let all = ListParams::default();
    let nodes = Api::<Node>::all(client.clone())
        .list(&all)
        .await
        .map_err(|error| unanswered(&error))?;
    let deployments = Api::<Deployment>::all(client.clone())
        .list(&all)
        .await
        .map_err(|error| unanswered(&error))?;
    let sets = Api::<DaemonSet>::all(client.clone())
        .list(&all)
        .await
        .map_err(|error| unanswered(&error))?;
    let jobs = Api::<Job>::all(client.clone())
        .list(&all)
        .await
        .map_err(|error| unanswered(&error))?;
    let is_ready = |node: &Node| {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions
            .into_iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    let mut workloads: Vec<Workload> = deployments
        .iter()
        .map(|one| Workload {
            namespace: one.namespace().unwrap_or_default(),
            name: format!("deployment/{}", one.name_any()),
            ready: one
                .status
                .as_ref()
                .and_then(|status| status.ready_replicas)
                .unwrap_or(0),
            wanted: one.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1),
        })
        .chain(sets.iter().map(|one| Workload {
            namespace: one.namespace().unwrap_or_default(),
            name: format!("daemonset/{}", one.name_any()),
            ready: one.status.as_ref().map_or(0, |status| status.number_ready),
            wanted: one.status.as_ref().map_or(0, |status| status.desired_number_scheduled),
        }))
        .chain(jobs.iter().map(|one| Workload {
            namespace: one.namespace().unwrap_or_default(),
            name: format!("job/{}", one.name_any()),
            ready: one.status.as_ref().and_then(|status| status.succeeded).unwrap_or(0),
            wanted: one.spec.as_ref().and_then(|spec| spec.completions).unwrap_or(1),
        }))
        .collect();
    workloads.sort();
    Ok(Overview {
        nodes: nodes.iter().map(|node| (node.name_any(), is_ready(node))).collect(),
        workloads,
    })
}

/// Every object of every kind that can be listed, but events and leases, which are talk.
async fn every_object(client: &Client) -> Result<Vec<Object>> {
    let discovery = Discovery::new(client.clone())
        .run()
        .await
        .map_err(|error| unanswered(&error))?;
    let mut objects = Vec::new();
    for (kind, capabilities) in discovery
        .groups()
        .flat_map(kube::discovery::ApiGroup::recommended_resources)
    {
        if !capabilities.supports_operation(verbs::LIST) || ["Event", "Lease"].contains(&kind.kind.as_str()) {
            continue;
        }
        let listed = Api::<DynamicObject>::all_with(client.clone(), &kind)
            .list(&ListParams::default())
            .await
            .map_err(|error| unanswered(&error))?;
        objects.extend(listed.iter().map(|object| {
            Object {
                name: format!(
                    "{}/{}/{}",
                    object.namespace().unwrap_or_else(|| "-".to_owned()),
                    kind.kind,
                    object.name_any()
                ),
                managers: object
                    .managed_fields()
                    .iter()
                    .filter_map(|field| field.manager.clone())
                    .collect(),
            }
        }));
    }
    Ok(objects)
}

/// Where the last look at a cluster is kept, by its slot.
fn last_words_file(state: &Path, slot: &str) -> PathBuf {
    state.join("last-words").join(format!("{slot}.json"))
}

/// Writes down what stands in a cluster whose deletion has begun, before its API goes.
pub(crate) async fn write_last_words(state: &Path, slot: &str, client: &Client) -> Result<()> {
    let objects = every_object(client).await?;
    let path = last_words_file(state, slot);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    let text = serde_json::to_vec_pretty(&objects).unwrap_or_default();
    fs::write(&path, text).map_err(Error::file("write", &path))
}

/// What stood in a cluster when its deletion began.
pub(crate) fn read_last_words(state: &Path, slot: &str) -> Result<Vec<Object>> {
    let path = last_words_file(state, slot);
    let text = fs::read(&path).map_err(Error::file("read", &path))?;
    serde_json::from_slice(&text).map_err(|error| Error::file("read", &path)(error.into()))
}
