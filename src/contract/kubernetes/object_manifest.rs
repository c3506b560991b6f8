//! What holds of an object however it is given: what is wrong with it before a cluster is asked, what it is known by, and
//! what of it is never shown. What is not known yet is skipped.

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};
use serde_json::Value as Json;

use crate::{Failure, Input};

/// What of an object's metadata the API server writes and nobody else may. Source: Kubernetes API conventions, "Metadata".
pub const SERVERS_METADATA: [&str; 7] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
];

/// Every mistake in an object below `root`, and in the name of who keeps it.
pub(super) fn object_mistakes(root: &str, object: &Input<Json>, manager: Option<&Input<String>>) -> Vec<Failure> {
    let mut failures = manifest_mistakes(root, &object.peek());
    if let Some(manager) = manager.and_then(Input::known)
        && !(1..=128).contains(&manager.chars().count())
    {
        failures.push(Failure::at("fieldManager", "has 1 to 128 characters"));
    }
    failures
}

/// Every mistake in a manifest, each with its path below `root`.
fn manifest_mistakes(root: &str, manifest: &PropertyValue) -> Vec<Failure> {
    let path = PropertyPath::root().key(root);
    let manifest = manifest.plain();
    if manifest.is_unknown() || manifest.is_null() {
        return Vec::new();
    }
    let Some(map) = manifest.as_object() else {
        return vec![Failure::new(
            path,
            "must be an object: apiVersion, kind, metadata and what else its kind has",
        )];
    };
    let mut failures = Vec::new();
    let mut text = |map: &PropertyMap, path: PropertyPath, key: &str, such_as: &str| match map.get(key) {
        Some(value) if value.is_unknown() || value.as_str().is_some_and(|text| !text.is_empty()) => {}
        Some(_) => failures.push(Failure::new(
            path.key(key),
            format!("must be text, such as {such_as:?}"),
        )),
        None => failures.push(Failure::new(path.key(key), format!("is required, such as {such_as:?}"))),
    };
    text(map, path.clone(), "apiVersion", "apps/v1");
    text(map, path.clone(), "kind", "Deployment");
    let nothing = PropertyValue::Object(PropertyMap::new());
    let metadata = map.get("metadata").unwrap_or(&nothing);
    let below = path.key("metadata");
    match metadata.plain() {
        PropertyValue::Unknown(_) => {}
        PropertyValue::Object(metadata) => {
            text(metadata, below.clone(), "name", "coredns");
            for key in SERVERS_METADATA.iter().filter(|key| metadata.contains_key(**key)) {
                failures.push(Failure::new(below.key(key), "is the API server's own; leave it out"));
            }
            if metadata.contains_key("generateName") {
                failures.push(Failure::new(
                    below.key("generateName"),
                    "would make another object each time; give a name",
                ));
            }
            for key in ["name", "namespace"] {
                let given = metadata.get(key).and_then(PropertyValue::as_str).unwrap_or("a");
                if given.is_empty() || given.contains(['/', '%', '?', '#', ' ']) || given == "." || given == ".." {
                    failures.push(Failure::new(
                        below.key(key),
                        format!("{given:?} is no name of an object"),
                    ));
                }
            }
        }
        _ => failures.push(Failure::new(below, "must be an object")),
    }
    if map.contains_key("status") {
        failures.push(Failure::new(
            path.key("status"),
            "is what the cluster says; leave it out",
        ));
    }
    if map.get("kind").and_then(PropertyValue::as_str) == Some("List") {
        failures.push(Failure::new(
            path.key("kind"),
            "a list is no object: make a manifest of each of its items",
        ));
    }
    failures
}

/// Group, kind, namespace and name; the version of a group may change in place.
pub(super) fn object_identity(root: &str, inputs: &PropertyMap) -> Vec<(PropertyPath, PropertyValue)> {
    let (path, object) = (PropertyPath::root().key(root), inputs.get(root));
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
pub(super) fn conceal_object(root: &str, properties: &mut PropertyMap) {
    let Some(manifest) = properties.get_mut(root) else {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reasons(manifest: serde_json::Value) -> Vec<String> {
        let found = manifest_mistakes("manifest", &manifest.into());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_manifest_says_what_it_is_and_nothing_that_is_the_servers() {
        assert_eq!(
            reasons(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {}})),
            Vec::<String>::new()
        );
        let found = reasons(json!({"kind": "List", "metadata": {"uid": "1", "name": "a/b"}, "status": {}}));
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found[0].starts_with("manifest.apiVersion: is required"), "{found:?}");
        assert_eq!(reasons(json!([])).len(), 1);
    }

    #[test]
    fn what_is_not_known_yet_is_skipped() {
        let mut map = PropertyMap::new();
        map.insert("kind".to_owned(), PropertyValue::UNKNOWN);
        map.insert("apiVersion".to_owned(), "v1".into());
        map.insert("metadata".to_owned(), PropertyValue::UNKNOWN);
        assert!(manifest_mistakes("manifest", &PropertyValue::Object(map)).is_empty());
        assert!(manifest_mistakes("manifest", &PropertyValue::UNKNOWN).is_empty());
    }
}
