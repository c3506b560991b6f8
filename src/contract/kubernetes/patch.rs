//! A change of an object that is not ours.

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};
use serde_json::{Value as Json, json};

use super::{Connection, ObjectId, manifest::connection_example, manifest::identity_of, manifest_mistakes};
use crate::{Example, Failure};

/// A change of an object that somebody else made and keeps, undone when this is deleted.
///
/// The object must exist; it outlives this.
#[resource("groundwork:kubernetes:Patch", ObjectId, example = example, check = check, identity = identity)]
pub struct Patch;

/// Source: Kubernetes documentation, "Update API Objects in Place Using kubectl patch"; "Server-Side Apply".
#[shape]
pub struct PatchInputs {
    /// The cluster's API.
    pub connection: Connection,
    /// The object's `apiVersion`, `kind`, `metadata.name` and perhaps `metadata.namespace`, and the fields that change, as
    /// a manifest that leaves out the rest. Another object replaces this.
    pub patch: Json,
    /// How lists and existing values are treated.
    #[default(PatchType::Apply)]
    pub patch_type: PatchType,
    /// The name under which the API server keeps the fields as ours.
    #[default("groundwork-patch".to_owned())]
    pub field_manager: String,
    /// Whether fields that another manager keeps are taken from it (`apply` alone: the others always take them).
    #[default(false)]
    pub force: bool,
}

/// How a patch is applied.
#[shape]
pub enum PatchType {
    /// Server-side apply: fields are ours until this is deleted, items of lists are known by their keys.
    Apply,
    /// A strategic merge patch, for the kinds that Kubernetes itself has.
    Strategic,
    /// A JSON merge patch (RFC 7396): lists are replaced as a whole.
    Merge,
}

/// What the API server says.
#[shape(outputs)]
pub struct PatchOutputs {
    /// The object's own id, which another one of the same name does not have.
    pub uid: String,
}

fn check(args: &PatchArgs) -> Vec<Failure> {
    let mut failures = manifest_mistakes("patch", &args.patch.peek());
    if let Some(manager) = args.field_manager.as_ref().and_then(crate::Input::known)
        && !(1..=128).contains(&manager.chars().count())
    {
        failures.push(Failure::at("fieldManager", "has 1 to 128 characters"));
    }
    failures
}

fn identity(inputs: &PropertyMap) -> Vec<(PropertyPath, PropertyValue)> {
    identity_of("patch", inputs.get("patch"))
}

fn example() -> Example {
    let patch = |labels: Json| {
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "default", "labels": labels},
        })
    };
    Example {
        inputs: json!({"connection": connection_example(), "patch": patch(json!({"example": "one"}))}),
        update: json!({"patch": patch(json!({"example": "two"}))}),
        ..Example::default()
    }
}
