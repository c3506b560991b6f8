//! An object of a cluster.

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};
use serde_json::{Value as Json, json};

use super::{
    Connection, ObjectId,
    object_manifest::{conceal_object, object_identity, object_mistakes},
};
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

/// The input that holds the object.
const ROOT: &str = "manifest";

fn check(args: &ManifestArgs) -> Vec<Failure> {
    object_mistakes(ROOT, &args.manifest, args.field_manager.as_ref())
}

fn identity(inputs: &PropertyMap) -> Vec<(PropertyPath, PropertyValue)> {
    object_identity(ROOT, inputs)
}

fn conceal(properties: &mut PropertyMap) {
    conceal_object(ROOT, properties);
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
