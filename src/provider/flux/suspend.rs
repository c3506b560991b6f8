//! Flux, stopped and let go on: what is suspended makes nothing anew.

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value as Json, json};

use super::steps::or_gone;
use crate::{
    error::Result,
    kubernetes::{Cluster, items, text},
};

/// What says that it was us who suspended it.
const SUSPENDED: &str = "groundwork/suspended";

/// What keeps Flux going: what is made of a source, which makes others of these as well, and then the sources themselves.
/// Source: Flux documentation, APIs of 2.9.
const KINDS: [(&str, &str); 7] = [
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io/v1", "Bucket"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmChart"),
];

/// How many are changed at once: there may be hundreds.
const AT_ONCE: usize = 8;

/// The content type of a patch that leaves alone what it does not name.
const MERGE: &str = "application/merge-patch+json";

/// Stops all that Flux does, in whatever namespace.
pub(super) async fn suspend(cluster: &Cluster<'_>) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {SUSPENDED: "true"}}, "spec": {"suspend": true}});
    each(cluster, &patch, |object| {
        object.pointer("/spec/suspend") != Some(&Json::Bool(true))
    })
    .await
}

/// Lets go on what we stopped: `flux bootstrap` waits for it, and leaves the field alone.
pub(super) async fn resume(cluster: &Cluster<'_>) -> Result<()> {
    let patch = json!({"metadata": {"annotations": {SUSPENDED: null}}, "spec": {"suspend": null}});
    each(cluster, &patch, |object| {
        object
            .pointer("/metadata/annotations")
            .is_some_and(|annotations| annotations.get(SUSPENDED).is_some())
    })
    .await
}

async fn each(cluster: &Cluster<'_>, change: &Json, wanted: impl Fn(&Json) -> bool) -> Result<()> {
    for (api_version, kind) in KINDS {
        let Some(all) = cluster.path_of_all(api_version, kind).await? else {
            continue;
        };
        let listed = cluster.get(&all).await?.unwrap_or_default();
        let mut paths = Vec::new();
        for object in items(&listed, "/items").iter().filter(|object| wanted(object)) {
            let (namespace, name) = (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
            paths.extend(cluster.path(api_version, kind, Some(namespace), Some(name)).await?);
        }
        stream::iter(paths)
            .map(|path| async move { or_gone(cluster.patch(&path, MERGE, change).await) })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    Ok(())
}
