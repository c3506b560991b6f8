//! What is wrong with a manifest before a cluster is asked. What is not known yet is skipped.

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::Failure;

/// What the API server writes and nobody else may. Source: Kubernetes API conventions, "Metadata".
const SERVERS: [&str; 7] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
];

/// Every mistake in a manifest, each with its path below `root`.
#[must_use]
pub fn manifest_mistakes(root: &str, manifest: &PropertyValue) -> Vec<Failure> {
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
            for key in SERVERS.iter().filter(|key| metadata.contains_key(**key)) {
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
