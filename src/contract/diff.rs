//! Diff: what a change of inputs means for a resource; one algorithm for all of them.

use std::collections::BTreeMap;

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::{
    document,
    shape::{FieldSpec, Flags, ObjectSpec, Spec},
};

/// How one property changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What happens to the property.
    pub kind: ChangeKind,
    /// Whether that replaces the resource.
    pub replace: bool,
}

/// What happens to a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was absent.
    Add,
    /// It will be absent.
    Delete,
    /// It has another value.
    Update,
}

/// Every property that changes, by path.
pub type Changes = BTreeMap<PropertyPath, Change>;

/// Holds the old inputs against the new ones.
///
/// Null is absence; the order of a set, the layout of a document and the spelling of an address are no change;
/// what AWS chose by itself is not a change when nothing is asked for; what AWS takes at creation alone is not compared.
#[must_use]
pub fn diff(spec: &ObjectSpec, old: &PropertyMap, new: &PropertyMap) -> Changes {
    let mut changes = Changes::new();
    diff_object(spec, old, new, &PropertyPath::root(), false, &mut changes);
    changes
}

fn diff_object(
    spec: &ObjectSpec,
    old: &PropertyMap,
    new: &PropertyMap,
    path: &PropertyPath,
    immutable: bool,
    changes: &mut Changes,
) {
    for FieldSpec {
        name,
        spec,
        default,
        flags,
        docs: _,
        required: _,
    } in &spec.fields
    {
        let Flags {
            immutable: fixed,
            create_only,
            computed,
            secret,
            stable: _,
            autonamed: _,
            variant,
        } = *flags;
        // A secret that is never given back is known from its user alone, before and now; after an import it is not.
        let told = |map: &PropertyMap| map.get(*name).is_some_and(|value| !value.is_null());
        if create_only && !(secret && told(old) && told(new)) {
            continue;
        }
        let default = default.clone().map(PropertyValue::from);
        // No tags at all are what AWS answers for an empty map of them.
        let nothing = |value: &PropertyValue| match (spec, value.plain()) {
            (_, PropertyValue::Null) => true,
            (Spec::Map(_), PropertyValue::Object(map)) => map.is_empty(),
            _ => false,
        };
        let given = |map: &PropertyMap| {
            map.get(*name)
                .filter(|value| !nothing(value))
                .cloned()
                .or_else(|| default.clone())
        };
        let new = given(new);
        if computed && new.is_none() {
            continue;
        }
        let old = given(old);
        let other_variant = variant && old.is_some() != new.is_some();
        diff_value(
            spec,
            old.as_ref(),
            new.as_ref(),
            &path.key(name),
            immutable || fixed || other_variant,
            changes,
        );
    }
}

fn diff_value(
    spec: &Spec,
    old: Option<&PropertyValue>,
    new: Option<&PropertyValue>,
    path: &PropertyPath,
    immutable: bool,
    changes: &mut Changes,
) {
    let change = |kind| Change {
        kind,
        replace: immutable,
    };
    let (old, new) = match (old, new) {
        (None, None) => return,
        (None, Some(_)) => {
            changes.insert(path.clone(), change(ChangeKind::Add));
            return;
        }
        (Some(_), None) => {
            changes.insert(path.clone(), change(ChangeKind::Delete));
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    if same(spec, old, new) {
        return;
    }
    let before = changes.len();
    match (spec, old.plain(), new.plain()) {
        (Spec::Object(object), PropertyValue::Object(old), PropertyValue::Object(new)) => {
            diff_object(object, old, new, path, immutable, changes);
            return;
        }
        (Spec::Any, PropertyValue::Object(old), PropertyValue::Object(new)) => {
            let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for key in keys {
                diff_value(
                    &Spec::Any,
                    old.get(key),
                    new.get(key),
                    &path.key(key),
                    immutable,
                    changes,
                );
            }
        }
        (Spec::Any, PropertyValue::Array(old), PropertyValue::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                let path = path.index(index);
                diff_value(&Spec::Any, Some(old), Some(new), &path, immutable, changes);
            }
        }
        (Spec::Map(item), PropertyValue::Object(old), PropertyValue::Object(new)) => {
            let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for key in keys {
                diff_value(item, old.get(key), new.get(key), &path.key(key), immutable, changes);
            }
        }
        (Spec::List(item), PropertyValue::Array(old), PropertyValue::Array(new)) => {
            for index in 0..old.len().max(new.len()) {
                diff_value(
                    item,
                    old.get(index),
                    new.get(index),
                    &path.index(index),
                    immutable,
                    changes,
                );
            }
        }
        _ => {}
    }
    if changes.len() == before {
        changes.insert(path.clone(), change(ChangeKind::Update));
    }
}

/// Whether two values mean the same to AWS. An unknown is like nothing, not even another unknown.
#[must_use]
pub fn same(spec: &Spec, old: &PropertyValue, new: &PropertyValue) -> bool {
    let (old, new) = (old.plain(), new.plain());
    if old.contains_unknown() || new.contains_unknown() {
        return false;
    }
    match (spec, old, new) {
        (Spec::Text(text), PropertyValue::String(a), PropertyValue::String(b)) => {
            a == b || matches!(((text.parse)(a), (text.parse)(b)), (Ok(a), Ok(b)) if a == b)
        }
        (Spec::Document, a, b) => document::same(a, b),
        (Spec::List(item), PropertyValue::Array(a), PropertyValue::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(item, a, b))
        }
        (Spec::Set(item), PropertyValue::Array(a), PropertyValue::Array(b)) => {
            a.iter().all(|a| b.iter().any(|b| same(item, a, b))) && b.iter().all(|b| a.iter().any(|a| same(item, a, b)))
        }
        (Spec::Map(item), PropertyValue::Object(a), PropertyValue::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(item, a, b)))
        }
        (Spec::Object(object), PropertyValue::Object(a), PropertyValue::Object(b)) => diff(object, a, b).is_empty(),
        (_, a, b) => a.revealed() == b.revealed(),
    }
}
