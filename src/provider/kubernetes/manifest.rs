//! An object of a cluster.

use groundwork_contract::kubernetes::{
    Connection, Manifest, ManifestArgs, ManifestInputs, ManifestOutputs, ObjectId, WaitFor,
};
use serde_json::Value as Json;

use super::{
    Cluster, KubernetesFault, described,
    fields::{as_sent, as_written, owned},
    object::{Object, apply, items, text},
    out_of_reach,
    readiness::{Readiness, readiness},
};
use crate::{
    cx::Cx,
    error::{Error, Kind, Result},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
};

impl Resource for Manifest {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    const TIMEOUTS: Timeouts = Timeouts::MINUTES;
    /// Its name is its identity: two of it cannot be.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &ManifestInputs) -> Result<Created<Self>> {
        let object = Object::of(&inputs.manifest)?;
        let cluster = cx.cluster(&inputs.connection);
        let path = object.expected(&cluster).await?;
        if let Some(live) = cluster.get(&path).await? {
            refuse_anothers(&cluster, &path, &live, &inputs.field_manager)?;
        }
        applied(&cluster, &object, inputs).await?;
        object.id(&cluster, &inputs.connection).await.map(Created::new)
    }

    async fn read(cx: &Cx, id: &ObjectId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let connection = match last {
            Some(last) => last.inputs.connection.clone(),
            None => match described(cx, id.cluster()).await? {
                Some(connection) => connection,
                None => return Ok(None),
            },
        };
        let cluster = cx.cluster(&connection);
        let object = match last {
            Some(last) => Object::of(&last.inputs.manifest)?,
            None => Object::named(id),
        };
        let Some(live) = object.live(&cluster).await? else {
            return Ok(None);
        };
        let (manager, force, wait_for) = match last {
            Some(last) => (
                last.inputs.field_manager.clone(),
                last.inputs.force,
                last.inputs.wait_for,
            ),
            None => ("groundwork".to_owned(), false, WaitFor::Ready),
        };
        let judged = match (wait_for, readiness(&live)) {
            // A deletion is looked at even where nothing else is waited for.
            (WaitFor::Exists, _) if live.pointer("/metadata/deletionTimestamp").is_none() => Readiness::Ready,
            (_, judged) => judged,
        };
        let (readiness, failure) = match judged {
            Readiness::Ready => ("ready".to_owned(), None),
            Readiness::Waiting(words) => (words, None),
            Readiness::Failed(reason) => {
                let words = last_words(&cluster, &live).await;
                ("failed".to_owned(), Some(format!("{reason}{words}")))
            }
        };
        let outputs = ManifestOutputs {
            uid: text(&live, "/metadata/uid").to_owned(),
            readiness,
            failure,
        };
        let desired = last.map(|last| &last.inputs.manifest);
        let manifest = as_written(desired, &live, &manager);
        Ok(Some(Live {
            inputs: ManifestInputs {
                connection,
                manifest,
                field_manager: manager,
                force,
                wait_for,
            },
            outputs,
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, _id: &ObjectId, old: &State<Self>, new: &ManifestInputs) -> Result<()> {
        let object = Object::of(&new.manifest)?;
        let cluster = cx.cluster(&new.connection);
        let former = &old.inputs.field_manager;
        if *former == new.field_manager {
            return applied(&cluster, &object, new).await;
        }
        // What we kept under another name is still ours to take.
        apply(&cluster, &object, &new.field_manager, true, &as_sent(&new.manifest)).await?;
        apply(&cluster, &object, former, true, &object.bare()).await.map(drop)
    }

    async fn delete(cx: &Cx, _id: &ObjectId, state: &State<Self>) -> Result<()> {
        let object = Object::of(&state.inputs.manifest)?;
        let cluster = cx.cluster(&state.inputs.connection);
        match object.path(&cluster).await? {
            Some(path) => cluster.delete(&path).await,
            None => Ok(()),
        }
    }

    fn phase(live: &Live<Self>) -> Phase {
        let ManifestOutputs { readiness, failure, .. } = &live.outputs;
        match failure {
            Some(reason) => Phase::Failed(reason.clone()),
            None if readiness == "ready" => Phase::Ready,
            None => Phase::Pending(readiness.clone()),
        }
    }

    async fn find(cx: &Cx, inputs: &ManifestInputs) -> Result<Option<ObjectId>> {
        let object = Object::of(&inputs.manifest)?;
        let cluster = cx.cluster(&inputs.connection);
        match object.live(&cluster).await? {
            Some(live) if owned(&live, &inputs.field_manager).is_some() => {
                object.id(&cluster, &inputs.connection).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn foresee(cx: &Cx, inputs: &ManifestArgs) -> Result<Vec<Finding>> {
        Ok(out_of_reach(cx, &inputs.connection).await)
    }
}

async fn applied(cluster: &Cluster<'_>, object: &Object, inputs: &ManifestInputs) -> Result<()> {
    let manifest = as_sent(&inputs.manifest);
    apply(cluster, object, &inputs.field_manager, inputs.force, &manifest)
        .await
        .map(drop)
}

/// One that exists and carries nothing of ours is somebody else's: deleting it some day would take it from them.
fn refuse_anothers(cluster: &Cluster<'_>, path: &str, live: &Json, manager: &str) -> Result<()> {
    let fault = |kind, message: String, advice: Option<String>| {
        Err(Error::Kubernetes(Box::new(KubernetesFault {
            cluster: cluster.name().to_owned(),
            request: format!("GET {path}"),
            code: 409,
            reason: "AlreadyExists".to_owned(),
            message,
            kind,
            advice,
        })))
    };
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return fault(Kind::Busy, "one of the same name is being deleted".to_owned(), None);
    }
    if owned(live, manager).is_some() {
        return Ok(());
    }
    let mut others: Vec<&str> = items(live, "/metadata/managedFields")
        .iter()
        .map(|entry| text(entry, "/manager"))
        .collect();
    others.sort_unstable();
    others.dedup();
    fault(
        Kind::Exists,
        format!("it exists already, and is kept by {}", others.join(", ")),
        Some(
            "take it over (`pulumi import groundwork:kubernetes:Manifest <name> \
             <cluster>/<apiVersion>/<kind>/<namespace or ->/<name>`), change it with groundwork:kubernetes:Patch, or remove it"
                .to_owned(),
        ),
    )
}

/// The last lines of the pods of a job; nothing where they cannot be had, for they are help and not the error.
async fn last_words(cluster: &Cluster<'_>, live: &Json) -> String {
    if text(live, "/kind") != "Job" {
        return String::new();
    }
    let (namespace, name) = (text(live, "/metadata/namespace"), text(live, "/metadata/name"));
    let pods = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=batch.kubernetes.io%2Fjob-name%3D{name}");
    let Ok(Some(pods)) = cluster.get(&pods).await else {
        return String::new();
    };
    let mut words = String::new();
    for pod in items(&pods, "/items") {
        let pod_name = text(pod, "/metadata/name");
        for container in ["initContainerStatuses", "containerStatuses"]
            .iter()
            .flat_map(|list| items(pod, &format!("/status/{list}")))
            .filter(|container| {
                let code = container.pointer("/state/terminated/exitCode").and_then(Json::as_i64);
                code.is_some_and(|code| code != 0)
            })
        {
            let container = text(container, "/name");
            let log = format!(
                "/api/v1/namespaces/{namespace}/pods/{pod_name}/log?container={container}&tailLines=10&limitBytes=4096"
            );
            if let Ok(log) = cluster.text(&log).await
                && !log.trim().is_empty()
            {
                words = format!(
                    "; pod {pod_name}, container {container}, said last:\n{}",
                    log.trim_end()
                );
            }
        }
    }
    words
}

/// The connection to a cluster that is known by its name alone.
pub(super) fn connection(cluster: &aws_sdk_eks::types::Cluster) -> Result<Connection> {
    let need = |value: Option<&str>, what| value.map(str::to_owned).ok_or_else(|| Error::lacks(what));
    Ok(Connection {
        endpoint: need(cluster.endpoint(), "endpoint")?
            .parse()
            .map_err(|error| Error::Bug(format!("{error}")))?,
        certificate_authority: need(
            cluster.certificate_authority().and_then(|authority| authority.data()),
            "certificateAuthority",
        )?,
        cluster_name: need(cluster.name(), "name")?,
        proxy_url: None,
    })
}
