//! Flux, stopped and let go on: what is suspended makes nothing anew.

use serde_json::{Value as Json, json};

use crate::{error::Result, kubernetes::Cluster};

/// What says that it was us who suspended it.
const SUSPENDED: &str = "groundwork/suspended";

/// What keeps Flux going: the repository, and what is made of it. Source: Flux documentation, APIs of 2.9.
const KINDS: [(&str, &str); 2] = [
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
];

/// The content type of a patch that leaves alone what it does not name.
const MERGE: &str = "application/merge-patch+json";

/// Stops what is in Flux' namespace.
pub(super) async fn suspend(cluster: &Cluster<'_>, flux_namespace: &str) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {SUSPENDED: "true"}}, "spec": {"suspend": true}});
    each(cluster, flux_namespace, &patch, |object| {
        object.pointer("/spec/suspend") != Some(&Json::Bool(true))
    })
    .await
}

/// Lets go on what we stopped: `flux bootstrap` waits for it, and leaves the field alone.
pub(super) async fn resume(cluster: &Cluster<'_>, flux_namespace: &str) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {SUSPENDED: null}}, "spec": {"suspend": null}});
    each(cluster, flux_namespace, &patch, |object| {
        object
            .pointer("/metadata/annotations")
            .is_some_and(|annotations| annotations.get(SUSPENDED).is_some())
    })
    .await
}

async fn each(
    cluster: &Cluster<'_>,
    flux_namespace: &str,
    change: &Json,
    wanted: impl Fn(&Json) -> bool,
) -> Result<()> {
    for (api_version, kind) in KINDS {
        let Some(path) = cluster.path(api_version, kind, Some(flux_namespace), None).await? else {
            continue;
        };
        let listed = cluster.get(&path).await?.unwrap_or_default();
        let objects = listed.get("items").and_then(Json::as_array).into_iter().flatten();
        for object in objects.filter(|object| wanted(object)) {
            if let Some(name) = object.pointer("/metadata/name").and_then(Json::as_str) {
                super::steps::or_gone(cluster.patch(&format!("{path}/{name}"), MERGE, change).await)?;
            }
        }
    }
    Ok(())
}
