//! An object of a cluster.

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};
use serde_json::{Value as Json, json};

use super::{Connection, ObjectId, manifest_mistakes};
use crate::{Example, Failure};

/// An object of a cluster, of whatever kind.
///
/// It is put there by server-side apply: the fields that the manifest names are ours, the rest is left to whoever cares for
/// it, and drift is looked for in ours alone. Its creation ends once it can be used, as its kind understands that.
/// Source: Kubernetes documentation, "Server-Side Apply".
#[resource(
    "groundwork:kubernetes:Manifest", ObjectId,
    example = example, check = check, identity = identity, conceal = conceal
)]
pub struct Manifest;

/// Source: Kubernetes API conventions; "Server-Side Apply".
#[shape]
pub struct ManifestInputs {
    /// The cluster's API.
    pub connection: Connection,
    /// The object: `apiVersion`, `kind`, `metadata` and what else its kind has, in the API's own words. Another group,
    /// kind, name or namespace is another object, and replaces it.
    pub manifest: Json,
    /// The name under which the API server keeps the fields as ours.
    #[default("groundwork".to_owned())]
    pub field_manager: String,
    /// Whether fields that another manager keeps are taken from it. Without it they are a conflict, which names them both.
    #[default(false)]
    pub force: bool,
    /// What its creation and its changes wait for.
    #[default(WaitFor::Ready)]
    pub wait_for: WaitFor,
}

/// What is waited for.
#[shape]
pub enum WaitFor {
    /// It can be used: a workload's pods are ready, a job is complete, a definition is established, a claim is bound. For
    /// kinds that have no such state it is enough that it exists.
    Ready,
    /// It exists.
    Exists,
}

/// What the API server says.
#[shape(outputs)]
pub struct ManifestOutputs {
    /// The object's own id, which another one of the same name does not have.
    #[stable]
    pub uid: String,
    /// `ready`, or what is still missing, such as `1 of 2 replicas are available`.
    pub readiness: String,
    /// Why it can never be ready, where it cannot: a job that failed, with its pods' last words.
    pub failure: Option<String>,
}

fn check(args: &ManifestArgs) -> Vec<Failure> {
    let mut failures = manifest_mistakes("manifest", &args.manifest.peek());
    if let Some(manager) = args.field_manager.as_ref().and_then(crate::Input::known)
        && !(1..=128).contains(&manager.chars().count())
    {
        failures.push(Failure::at("fieldManager", "has 1 to 128 characters"));
    }
    failures
}

/// Group, kind, namespace and name; the version of a group may change in place.
pub(super) fn identity(inputs: &PropertyMap) -> Vec<(PropertyPath, PropertyValue)> {
    identity_of("manifest", inputs.get("manifest"))
}

pub(super) fn identity_of(root: &str, object: Option<&PropertyValue>) -> Vec<(PropertyPath, PropertyValue)> {
    let path = PropertyPath::root().key(root);
    let unknown = object.is_some_and(PropertyValue::is_unknown);
    let part = |map: Option<&PropertyMap>, key: &str, default: PropertyValue| match map.and_then(|map| map.get(key)) {
        _ if unknown => PropertyValue::UNKNOWN,
        Some(value) if !value.is_null() => value.plain().clone(),
        _ => default,
    };
    let map = object.and_then(PropertyValue::as_object);
    let metadata = map.and_then(|map| map.get("metadata"));
    let hidden = metadata.is_some_and(PropertyValue::is_unknown);
    let metadata = metadata.and_then(PropertyValue::as_object);
    let named = |key: &str, default: PropertyValue| {
        if hidden {
            PropertyValue::UNKNOWN
        } else {
            part(metadata, key, default)
        }
    };
    let group = match part(map, "apiVersion", PropertyValue::Null) {
        PropertyValue::String(version) => PropertyValue::from(version.rsplit_once('/').map_or("", |(group, _)| group)),
        other => other,
    };
    let below = path.key("metadata");
    vec![
        (path.key("apiVersion"), group),
        (path.key("kind"), part(map, "kind", PropertyValue::Null)),
        (below.key("namespace"), named("namespace", "default".into())),
        (below.key("name"), named("name", PropertyValue::Null)),
    ]
}

/// What a `Secret` holds is never shown, whoever wrote it.
fn conceal(properties: &mut PropertyMap) {
    let Some(manifest) = properties.get_mut("manifest") else {
        return;
    };
    let is_secret = manifest
        .as_object()
        .is_some_and(|map| map.get("kind").and_then(PropertyValue::as_str) == Some("Secret"));
    if !is_secret {
        return;
    }
    if let PropertyValue::Object(map) = manifest {
        for key in ["data", "stringData"] {
            if let Some(value) = map.get_mut(key) {
                *value = PropertyValue::secret(std::mem::take(value));
            }
        }
    } else {
        *manifest = PropertyValue::secret(std::mem::take(manifest));
    }
}

pub(crate) fn connection_example() -> Json {
    json!({
        "endpoint": "$groundwork:eks:Cluster.endpoint",
        "certificateAuthority": "$groundwork:eks:Cluster.certificateAuthority",
        "clusterName": "$groundwork:eks:Cluster",
    })
}

fn example() -> Example {
    let manifest = |data: Json| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "example", "namespace": "kube-system"},
            "data": data,
        })
    };
    Example {
        inputs: json!({"connection": connection_example(), "manifest": manifest(json!({"colour": "green"}))}),
        update: json!({"manifest": manifest(json!({"colour": "blue", "shape": "round"}))}),
        ..Example::default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads better with values than with borrowed ones"
    )]

    use super::*;
    use crate::descriptor::Descriptor;

    fn inputs(manifest: Json) -> PropertyMap {
        PropertyValue::from(json!({"manifest": manifest}))
            .as_object()
            .cloned()
            .unwrap()
    }

    fn replaced(old: Json, new: Json) -> Vec<String> {
        let changes = Descriptor::of::<Manifest>().diff(&inputs(old), &inputs(new));
        let replacing = changes.iter().filter(|(_, change)| change.replace);
        replacing.map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn another_name_is_another_object_and_another_version_is_not() {
        let object = |version: &str, kind: &str, metadata: Json| json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {"a": 1}});
        let old = object("apps/v1", "Deployment", json!({"name": "a"}));
        assert!(
            replaced(
                old.clone(),
                object("apps/v2", "Deployment", json!({"name": "a", "namespace": "default"}))
            )
            .is_empty()
        );
        assert_eq!(
            replaced(
                old.clone(),
                object("apps/v1", "Deployment", json!({"name": "b", "namespace": "x"}))
            ),
            ["manifest.metadata.name", "manifest.metadata.namespace"]
        );
        assert_eq!(
            replaced(old, object("v1", "Pod", json!({"name": "a"}))),
            ["manifest.apiVersion", "manifest.kind"]
        );
    }

    #[test]
    fn a_change_inside_is_told_by_its_path() {
        let old = json!({"kind": "A", "spec": {"list": [{"a": 1}], "same": true}});
        let new = json!({"kind": "A", "spec": {"list": [{"a": 2}], "same": true}});
        let changes = Descriptor::of::<Manifest>().diff(&inputs(old), &inputs(new));
        let paths: Vec<String> = changes.keys().map(ToString::to_string).collect();
        assert_eq!(paths, ["manifest.spec.list[0].a"]);
    }

    #[test]
    fn what_a_secret_holds_is_never_shown() {
        let descriptor = Descriptor::of::<Manifest>();
        let seen = descriptor.with_secrets(inputs(
            json!({"kind": "Secret", "data": {"a": "Yg=="}, "type": "Opaque"}),
        ));
        let manifest = seen["manifest"].as_object().unwrap();
        assert!(manifest["data"].contains_secret() && !manifest["type"].contains_secret());
        let seen = descriptor.with_secrets(inputs(json!({"kind": "ConfigMap", "data": {"a": "b"}})));
        assert!(!seen["manifest"].contains_secret());
    }
}
