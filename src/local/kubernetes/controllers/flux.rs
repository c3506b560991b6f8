//! A stand-in for the `flux` command line: kwok runs no containers, so when the Job of a bootstrap has completed, what
//! `flux bootstrap` would have left in the cluster is put there.
//!
//! That is the namespace, the Git Secret, the kinds of `GitRepository` and `Kustomization` with the objects `flux-system`, and
//! the controllers' Deployments. Nothing is reconciled, and no repository is reached.

mod left;

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use super::{Cluster, Outcome, Seen, objects};
use left::Bootstrap;

/// The image of a container that bootstraps Flux.
const IMAGE: &str = "flux-cli";
/// Why a pod of a Job is to fail; kwok's stages read it.
pub(crate) const FAILS: &str = "groundwork.local/fails";
/// What the failing bootstrap says: the words of a Git host that does not know the token.
const REFUSAL: &str = "✗ failed to get Git repository \"https://github.com/acme/fleet\": 401 Bad credentials";

/// Which Jobs have been served, by uid.
#[derive(Debug, Default)]
pub(crate) struct Served {
    jobs: BTreeSet<String>,
}

/// One pass over the Jobs that bootstrap Flux. With the hazard `flux-bootstrap` their pods fail.
pub(crate) async fn pass(it: &Cluster, seen: &Seen, fails: bool, served: &mut Served) -> Outcome {
    if fails {
        for pod in seen.pods.iter().filter(|pod| is_bootstrap(pod)) {
            let patch = json!({"metadata": {"annotations": {FAILS: REFUSAL}}});
            let pods = it.pods(&pod.namespace().unwrap_or_default());
            objects::gone(
                pods.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch))
                    .await,
            )?;
        }
    }
    let jobs: Api<Job> = Api::all(it.client.clone());
    for job in jobs.list(&ListParams::default()).await? {
        let Some(bootstrap) = Bootstrap::of(&job) else { continue };
        let complete = job
            .status
            .as_ref()
            .and_then(|status| status.succeeded)
            .unwrap_or_default()
            > 0;
        let uid = job.uid().unwrap_or_default();
        if complete && !served.jobs.contains(&uid) {
            bootstrap.leave(it).await?;
            served.jobs.insert(uid);
        }
    }
    Ok(())
}

fn is_bootstrap(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut images = containers.filter_map(|container| container.image.as_deref());
    images.any(|image| image.contains(IMAGE))
        && pod.annotations().get(FAILS).is_none()
        && pod.owner_references().iter().any(|owner| owner.kind == "Job")
}
