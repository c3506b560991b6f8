//! A change of an object that is not ours.

use groundwork_contract::kubernetes::{ObjectId, Patch, PatchInputs, PatchOutputs, PatchType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{
    Cluster,
    fields::{as_written, owned},
    object::{Object, apply, encoded, text},
};
use crate::{
    cx::Cx,
    error::{Error, Result},
    resource::{Created, Live, Recovery, Resource, State},
};

/// What to put back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Before {
    /// A JSON merge patch that makes the changed fields what they were; null where they were not.
    #[serde(default)]
    undo: Json,
}

impl Resource for Patch {
    type Facts = Before;
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(cx: &Cx, inputs: &PatchInputs) -> Result<Created<Self>> {
        let object = Object::of(&inputs.patch)?;
        let cluster = cx.cluster(&inputs.connection);
        let path = object.expected(&cluster).await?;
        let live = cluster.get(&path).await?.ok_or_else(|| missing(&object))?;
        // What an earlier try put there is no value of before.
        let undo = if owned(&live, &inputs.field_manager).is_some() {
            Json::Null
        } else {
            undo(&inputs.patch, &live)
        };
        patched(&cluster, &path, &object, inputs).await?;
        Ok(Created {
            id: object.id(&cluster, &inputs.connection).await?,
            facts: Before { undo },
        })
    }

    async fn read(cx: &Cx, _id: &ObjectId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(last) = last else {
            return Err(Error::Invalid(
                "what a patch changes, and what was there before, cannot be told from the object: let the program make it"
                    .to_owned(),
            ));
        };
        let object = Object::of(&last.inputs.patch)?;
        let cluster = cx.cluster(&last.inputs.connection);
        let Some(path) = object.path(&cluster).await? else {
            return Ok(None);
        };
        let Some(live) = cluster.get(&path).await? else {
            return Ok(None);
        };
        let mut inputs = last.inputs.clone();
        inputs.patch = as_written(Some(&last.inputs.patch), &live, &last.inputs.field_manager);
        Ok(Some(Live {
            inputs,
            outputs: PatchOutputs {
                uid: text(&live, "/metadata/uid").to_owned(),
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, _id: &ObjectId, old: &State<Self>, new: &PatchInputs) -> Result<()> {
        let object = Object::of(&new.patch)?;
        let cluster = cx.cluster(&new.connection);
        let path = object.expected(&cluster).await?;
        patched(&cluster, &path, &object, new).await?;
        if old.inputs.patch_type == PatchType::Apply
            && (new.patch_type != PatchType::Apply || old.inputs.field_manager != new.field_manager)
        {
            apply(&cluster, &object, &old.inputs.field_manager, true, &object.bare()).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx, _id: &ObjectId, state: &State<Self>) -> Result<()> {
        let PatchInputs {
            connection,
            patch,
            patch_type,
            field_manager,
            ..
        } = &state.inputs;
        let object = Object::of(patch)?;
        let cluster = cx.cluster(connection);
        let Some(path) = object.path(&cluster).await? else {
            return Ok(());
        };
        if cluster.get(&path).await?.is_none() {
            return Ok(());
        }
        let undo = match patch_type {
            PatchType::Apply => {
                // What nobody else keeps goes away with our name; what was there before is put back.
                let left = apply(&cluster, &object, field_manager, true, &object.bare()).await?;
                only_missing(&state.facts.undo, &left)
            }
            PatchType::Strategic | PatchType::Merge => state.facts.undo.clone(),
        };
        if undo.as_object().is_none_or(Map::is_empty) {
            return Ok(());
        }
        let query = format!("{path}?fieldManager={}", encoded(field_manager));
        cluster.patch(&query, MERGE, &undo).await.map(drop)
    }

    fn outlives_delete(_state: &State<Self>) -> bool {
        // The object is somebody else's.
        true
    }

    async fn find(cx: &Cx, inputs: &PatchInputs) -> Result<Option<ObjectId>> {
        let object = Object::of(&inputs.patch)?;
        let cluster = cx.cluster(&inputs.connection);
        let Some(path) = object.path(&cluster).await? else {
            return Ok(None);
        };
        match cluster.get(&path).await? {
            Some(live) if owned(&live, &inputs.field_manager).is_some() => {
                object.id(&cluster, &inputs.connection).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

const MERGE: &str = "application/merge-patch+json";

fn missing(object: &Object) -> Error {
    Error::Invalid(format!(
        "there is no {} {} to change; make it with groundwork:kubernetes:Manifest, or let this depend on what makes it",
        object.kind, object.name
    ))
}

async fn patched(cluster: &Cluster<'_>, path: &str, object: &Object, inputs: &PatchInputs) -> Result<()> {
    let PatchInputs {
        patch,
        patch_type,
        field_manager,
        force,
        ..
    } = inputs;
    let form = match patch_type {
        PatchType::Apply => return apply(cluster, object, field_manager, *force, patch).await.map(drop),
        PatchType::Strategic => "application/strategic-merge-patch+json",
        PatchType::Merge => MERGE,
    };
    let query = format!("{path}?fieldManager={}", encoded(field_manager));
    cluster.patch(&query, form, patch).await.map(drop)
}

/// The merge patch that makes of the changed object what it is now.
fn undo(patch: &Json, live: &Json) -> Json {
    let (Json::Object(patch), Json::Object(live)) = (patch, live) else {
        return live.clone();
    };
    let changed = patch
        .iter()
        .filter(|(key, _)| !["apiVersion", "kind"].contains(&key.as_str()));
    changed
        .filter_map(|(key, value)| match (value, live.get(key)) {
            (_, None) => Some((key.clone(), Json::Null)),
            (value, Some(now)) if value == now => None,
            (Json::Object(_), Some(now @ Json::Object(_))) => {
                let inner = undo(value, now);
                let empty = inner.as_object().is_some_and(Map::is_empty);
                (!empty).then(|| (key.clone(), inner))
            }
            (_, Some(now)) => Some((key.clone(), now.clone())),
        })
        .collect()
}

/// What of an undoing is still to be done: values that are not there; what is there is kept by somebody.
fn only_missing(undo: &Json, live: &Json) -> Json {
    let Json::Object(undo) = undo else { return Json::Null };
    undo.iter()
        .filter_map(|(key, value)| match (value, live.get(key)) {
            (Json::Null, _) => None,
            (value, None) => Some((key.clone(), value.clone())),
            (Json::Object(_), Some(there @ Json::Object(_))) => {
                let inner = only_missing(value, there);
                let empty = inner.as_object().is_some_and(Map::is_empty);
                (!empty).then(|| (key.clone(), inner))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn undoing_puts_back_what_was_and_takes_away_what_was_not() {
        let patch = json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "aws-node"},
            "spec": {"template": {"spec": {"nodeSelector": {"io.cilium/aws-node-enabled": "true", "os": "none"}, "list": [1]}}},
        });
        let live = json!({
            "metadata": {"name": "aws-node"},
            "spec": {"template": {"spec": {"nodeSelector": {"os": "linux", "arch": "arm64"}, "list": [2]}}},
        });
        let undone = undo(&patch, &live);
        let back = json!({"nodeSelector": {"io.cilium/aws-node-enabled": null, "os": "linux"}, "list": [2]});
        assert_eq!(undone, json!({"spec": {"template": {"spec": back}}}));
        let released = json!({"spec": {"template": {"spec": {"nodeSelector": {"arch": "arm64"}, "list": [3]}}}});
        assert_eq!(
            only_missing(&undone, &released),
            json!({"spec": {"template": {"spec": {"nodeSelector": {"os": "linux"}}}}})
        );
    }
}
