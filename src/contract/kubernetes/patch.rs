//! A change of an object that is not ours.

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};
use serde_json::{Value as Json, json};

use super::{
    Connection, ObjectId,
    manifest::connection_example,
    object_manifest::{conceal_object, object_identity, object_mistakes},
};
use crate::{Example, Failure};

/// A change of an object that somebody else made and keeps, undone when this is deleted.
///
/// The object must exist; it outlives this. What was there before is noted in an annotation of the object itself
/// (`groundwork/before-…`), so that every field is put back as soon as this no longer names it, whatever was broken off
/// meanwhile. Of a `Secret` the state alone has it, as it was at the creation.
#[resource(
    "groundwork:kubernetes:Patch", ObjectId,
    example = example, check = check, identity = identity, conceal = conceal
)]
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
    /// The name under which the API server keeps the fields as ours. Two patches of one object need two of them, for what
    /// goes on under one name is one patch.
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

/// The input that holds the object.
const ROOT: &str = "patch";

fn check(args: &PatchArgs) -> Vec<Failure> {
    object_mistakes(ROOT, &args.patch, args.field_manager.as_ref())
}

fn identity(inputs: &PropertyMap) -> Vec<(PropertyPath, PropertyValue)> {
    object_identity(ROOT, inputs)
}

fn conceal(properties: &mut PropertyMap) {
    conceal_object(ROOT, properties);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Descriptor;

    #[test]
    fn what_is_put_into_a_secret_is_never_shown() {
        let patch =
            json!({"patch": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"b": "Yw=="}}});
        let patch = PropertyValue::from(patch).as_object().cloned().unwrap();
        let seen = Descriptor::of::<Patch>().with_secrets(patch);
        let seen = seen["patch"].as_object().unwrap();
        assert!(seen["data"].contains_secret() && !seen["metadata"].contains_secret());
    }
}
