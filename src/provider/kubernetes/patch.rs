//! A change of an object that is not ours.
//!
//! What was there before is noted on the object itself before it is changed, so that no kill can come between, and each later
//! change adds what it is the first to change. A `Secret` has no such note, for an annotation is no place for what it holds;
//! of it the state keeps what was there at the creation.

use groundwork_contract::kubernetes::{ObjectId, Patch, PatchArgs, PatchInputs, PatchOutputs, PatchType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::{
    Cluster,
    fields::{as_sent, as_written, is_secret, owned},
    object::{Object, apply, encoded, text},
    out_of_reach,
};
use crate::{
    cx::Cx,
    error::{Error, Result},
    resource::{Created, Finding, Live, Recovery, Resource, State},
};

/// What to put back, as far as the creation knew it.
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
        let change = as_sent(&inputs.patch);
        let note = Note::on(&live, &inputs.field_manager);
        // What an earlier try put there is no value of before.
        let undo = match &note.before {
            None if owned(&live, &inputs.field_manager).is_some() => Json::Null,
            before => over(&undo(&change, &live), before.as_ref()),
        };
        note.keep(&cluster, &object, &undo).await?;
        patched(&cluster, &path, &object, inputs, &change).await?;
        let id = object.id(&cluster, &inputs.connection).await?;
        Ok(Created::with(id, Before { undo }))
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
        let Some(live) = object.live(&cluster).await? else {
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
        let live = cluster.get(&path).await?.ok_or_else(|| missing(&object))?;
        let (former, manager) = (&old.inputs.field_manager, &new.field_manager);
        let former_note = Note::on(&live, former);
        let before = former_note.before.as_ref().unwrap_or(&old.facts.undo);
        let (old_change, change) = (as_sent(&old.inputs.patch), as_sent(&new.patch));
        let all = over(&undo(&change, &live), Some(before).filter(|before| before.is_object()));
        let note = Note::on(&live, manager);
        note.keep(&cluster, &object, &all).await?;
        patched(&cluster, &path, &object, new, &change).await?;
        let kind = old.inputs.patch_type;
        if kind == PatchType::Apply && (new.patch_type != kind || former != manager) {
            apply(&cluster, &object, former, true, &object.bare()).await?;
        }
        // What is no longer changed is put back, and noted until it is.
        let dropped = without(&within(before, &old_change), &change);
        if !nothing(&dropped) {
            let left = cluster.get(&path).await?.ok_or_else(|| missing(&object))?;
            put_back(&cluster, &path, kind, manager, &dropped, &left).await?;
            note.keep(&cluster, &object, &without(&all, &dropped)).await?;
        }
        if former != manager && former_note.before.is_some() {
            former_note.keep(&cluster, &object, &Json::Null).await?;
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
        let Some(live) = cluster.get(&path).await? else {
            return Ok(());
        };
        let note = Note::on(&live, field_manager);
        let before = note.before.as_ref().unwrap_or(&state.facts.undo);
        let back = within(before, &as_sent(patch));
        let left = match patch_type {
            // What nobody else keeps goes away with our name; what was there before is put back.
            PatchType::Apply => apply(&cluster, &object, field_manager, true, &object.bare()).await?,
            PatchType::Strategic | PatchType::Merge => live.clone(),
        };
        put_back(&cluster, &path, *patch_type, field_manager, &back, &left).await?;
        if note.before.is_some() {
            note.keep(&cluster, &object, &without(before, &back)).await?;
        }
        Ok(())
    }

    fn outlives_delete(_state: &State<Self>) -> bool {
        // The object is somebody else's.
        true
    }

    async fn find(cx: &Cx, inputs: &PatchInputs) -> Result<Option<ObjectId>> {
        let object = Object::of(&inputs.patch)?;
        let cluster = cx.cluster(&inputs.connection);
        let ours = |live: &Json| {
            let manager = &inputs.field_manager;
            owned(live, manager).is_some() || Note::on(live, manager).before.is_some()
        };
        match object.live(&cluster).await? {
            Some(live) if ours(&live) => object.id(&cluster, &inputs.connection).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn foresee(cx: &Cx, inputs: &PatchArgs) -> Result<Vec<Finding>> {
        Ok(out_of_reach(cx, &inputs.connection).await)
    }
}

const MERGE: &str = "application/merge-patch+json";

fn missing(object: &Object) -> Error {
    Error::Invalid(format!(
        "there is no {} {} to change; make it with groundwork:kubernetes:Manifest, or let this depend on what makes it",
        object.kind, object.name
    ))
}

async fn patched(
    cluster: &Cluster<'_>,
    path: &str,
    object: &Object,
    inputs: &PatchInputs,
    change: &Json,
) -> Result<()> {
    let PatchInputs {
        patch_type,
        field_manager,
        force,
        ..
    } = inputs;
    match patch_type {
        PatchType::Apply => apply(cluster, object, field_manager, *force, change).await.map(drop),
        PatchType::Strategic => {
            let query = format!("{path}?fieldManager={}", encoded(field_manager));
            let form = "application/strategic-merge-patch+json";
            cluster.patch(&query, form, change).await.map(drop)
        }
        PatchType::Merge => merge(cluster, path, field_manager, change).await,
    }
}

async fn merge(cluster: &Cluster<'_>, path: &str, manager: &str, change: &Json) -> Result<()> {
    let query = format!("{path}?fieldManager={}", encoded(manager));
    cluster.patch(&query, MERGE, change).await.map(drop)
}

/// Puts back what is to be; what an apply has let go of is looked at first, for somebody else may keep it.
async fn put_back(
    cluster: &Cluster<'_>,
    path: &str,
    kind: PatchType,
    manager: &str,
    back: &Json,
    left: &Json,
) -> Result<()> {
    let back = match kind {
        PatchType::Apply => only_missing(back, left),
        PatchType::Strategic | PatchType::Merge => back.clone(),
    };
    if nothing(&back) {
        return Ok(());
    }
    merge(cluster, path, manager, &back).await
}

/// The annotation that says what was there before a manager's changes.
struct Note {
    name: String,
    uid: String,
    before: Option<Json>,
}

impl Note {
    /// The one that an object carries, or would.
    fn on(live: &Json, manager: &str) -> Self {
        // A manager's name may be longer than an annotation's.
        let hash = Sha256::digest(manager.as_bytes());
        let short = hash.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let name = format!("groundwork/before-{short:08x}");
        let annotations = live.pointer("/metadata/annotations");
        let noted = annotations.and_then(|annotations| annotations.get(&name)?.as_str());
        Self {
            before: noted.and_then(|noted| serde_json::from_str(noted).ok()),
            uid: text(live, "/metadata/uid").to_owned(),
            name,
        }
    }

    /// Writes it, or takes it away when there is nothing to note. It is kept under a name of its own, so that neither the
    /// patch's kind nor its manager's fields have to do with it; of another object of the same name it is not.
    async fn keep(&self, cluster: &Cluster<'_>, object: &Object, before: &Json) -> Result<()> {
        let mut note = object.bare();
        if is_secret(&note) || self.before.as_ref() == Some(before) {
            return Ok(());
        }
        if let Some(metadata) = note.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.insert("uid".to_owned(), json!(self.uid));
            if !nothing(before) {
                metadata.insert("annotations".to_owned(), json!({&self.name: before.to_string()}));
            }
        }
        let manager = self.name.replace('/', "-");
        apply(cluster, object, &manager, true, &note).await.map(drop)
    }
}

fn nothing(patch: &Json) -> bool {
    patch.as_object().is_none_or(Map::is_empty)
}

/// One undoing and what was known before it, which is nearer to what there was.
fn over(now: &Json, before: Option<&Json>) -> Json {
    match (now, before) {
        (now, None) => now.clone(),
        (Json::Object(now), Some(Json::Object(before))) => {
            let mut both = now.clone();
            for (key, value) in before {
                let value = now.get(key).map_or_else(|| value.clone(), |now| over(now, Some(value)));
                both.insert(key.clone(), value);
            }
            Json::Object(both)
        }
        (_, Some(before)) => before.clone(),
    }
}

/// What of an undoing is of fields that a patch names.
fn within(undo: &Json, patch: &Json) -> Json {
    parts(undo, |key, value| {
        let named = patch.get(key)?;
        Some(match (value, named) {
            (Json::Object(_), Json::Object(_)) => within(value, named),
            _ => value.clone(),
        })
    })
}

/// What of an undoing is of fields that a patch does not name.
fn without(undo: &Json, patch: &Json) -> Json {
    parts(undo, |key, value| match (value, patch.get(key)) {
        (value, None) => Some(value.clone()),
        (Json::Object(_), Some(named @ Json::Object(_))) => Some(without(value, named)),
        _ => None,
    })
}

/// The parts of a merge patch that are chosen, without objects of which nothing is left.
fn parts(patch: &Json, choose: impl Fn(&str, &Json) -> Option<Json>) -> Json {
    let Json::Object(map) = patch else { return Json::Null };
    map.iter()
        .filter_map(|(key, value)| {
            let chosen = choose(key, value)?;
            let empty = value.is_object() && nothing(&chosen);
            (!empty).then(|| (key.clone(), chosen))
        })
        .collect()
}

/// The merge patch that makes of the changed object what it is now.
fn undo(patch: &Json, live: &Json) -> Json {
    parts(patch, |key, value| match (value, live.get(key)) {
        // What names the object, and what says how the patch is meant.
        _ if ["apiVersion", "kind"].contains(&key) || key.starts_with('$') => None,
        (_, None) => Some(Json::Null),
        (value, Some(now)) if value == now => None,
        (Json::Object(_), Some(now @ Json::Object(_))) => Some(undo(value, now)),
        (_, Some(now)) => Some(now.clone()),
    })
}

/// What of an undoing is still to be done: values that are not there; what is there is kept by somebody.
fn only_missing(undo: &Json, live: &Json) -> Json {
    parts(undo, |key, value| match (value, live.get(key)) {
        (Json::Null, _) => None,
        (value, None) => Some(value.clone()),
        (Json::Object(_), Some(there @ Json::Object(_))) => Some(only_missing(value, there)),
        _ => None,
    })
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

    #[test]
    fn each_change_adds_what_it_is_the_first_to_change_and_gives_back_what_it_drops() {
        let first = undo(&json!({"data": {"a": "1", "b": "1"}}), &json!({"data": {"a": "0"}}));
        assert_eq!(first, json!({"data": {"a": "0", "b": null}}));
        let live = json!({"data": {"a": "1", "b": "1", "c": "0"}});
        let patch = json!({"data": {"b": "2", "c": "2"}});
        let all = over(&undo(&patch, &live), Some(&first));
        assert_eq!(all, json!({"data": {"a": "0", "b": null, "c": "0"}}));
        let dropped = without(&all, &patch);
        assert_eq!(dropped, json!({"data": {"a": "0"}}));
        assert_eq!(without(&all, &dropped), json!({"data": {"b": null, "c": "0"}}));
        assert_eq!(within(&all, &patch), json!({"data": {"b": null, "c": "0"}}));
        assert_eq!(over(&first, Some(&json!({}))), first);
    }

    #[test]
    fn a_note_is_read_where_it_is_written() {
        let name = Note::on(&json!({}), "somebody").name;
        let live = json!({"metadata": {"uid": "1", "annotations": {&name: "{\"data\":null}"}}});
        assert_eq!(Note::on(&live, "somebody").before, Some(json!({"data": null})));
        assert_eq!(Note::on(&live, "somebody else").before, None);
    }
}
