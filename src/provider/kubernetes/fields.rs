//! What of a live object is ours: the fields that the manifest names, and those that the API server keeps as ours.
//!
//! Source: Kubernetes documentation, "Server-Side Apply", "Field management"; `FieldsV1`: `f:<name>` is a field,
//! `k:<keys>` an item of a list by its keys, `v:<value>` an item of a set, `.` the thing itself.

use base64::{Engine, prelude::BASE64_STANDARD};
use groundwork_contract::kubernetes::SERVERS_METADATA;
use serde_json::{Map, Value as Json, json};

use super::object::{items, text};

/// The fields that the API server keeps as this manager's by server-side apply.
pub(super) fn owned<'a>(live: &'a Json, manager: &str) -> Option<&'a Json> {
    items(live, "/metadata/managedFields")
        .iter()
        .find(|entry| {
            text(entry, "/manager") == manager
                && text(entry, "/operation") == "Apply"
                && text(entry, "/subresource").is_empty()
        })
        .and_then(|entry| entry.get("fieldsV1"))
}

/// The live object as the user would have written it: what means the same in the user's own spelling, what differs as it is,
/// and what else is ours. Without a manifest (an import), what is ours, or all but what the server writes.
pub(super) fn as_written(desired: Option<&Json>, live: &Json, manager: &str) -> Json {
    let owned = owned(live, manager);
    match desired {
        Some(desired) => {
            let (live, owned) = with_string_data(desired, live, owned);
            written(Some(desired), Some(&live), owned.as_ref(), &["", ""]).unwrap_or_default()
        }
        None => imported(live, owned),
    }
}

/// What `kubectl apply` notes for itself: all that it was given, whatever that is.
const KUBECTLS_NOTE: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn imported(live: &Json, owned: Option<&Json>) -> Json {
    let mut object = owned
        .and_then(|owned| prune(live, owned))
        .unwrap_or_else(|| live.clone());
    let Some(map) = object.as_object_mut() else {
        return object;
    };
    map.remove("status");
    for key in ["apiVersion", "kind"] {
        if let Some(value) = live.get(key) {
            map.insert(key.to_owned(), value.clone());
        }
    }
    let metadata = map.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        for key in SERVERS_METADATA {
            metadata.remove(key);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut)
            && annotations.remove(KUBECTLS_NOTE).is_some()
            && annotations.is_empty()
        {
            metadata.remove("annotations");
        }
        for key in ["name", "namespace"] {
            if let Some(value) = live.pointer(&format!("/metadata/{key}")) {
                metadata.insert(key.to_owned(), value.clone());
            }
        }
    }
    object
}

/// A `Secret`'s `stringData` is written into its `data`, where the API server looks for it alone.
pub(super) fn as_sent(manifest: &Json) -> Json {
    let mut manifest = manifest.clone();
    if !is_secret(&manifest) {
        return manifest;
    }
    if let Some(map) = manifest.as_object_mut()
        && let Some(Json::Object(plain)) = map.remove("stringData")
        && let Some(data) = map.entry("data").or_insert_with(|| json!({})).as_object_mut()
    {
        for (key, value) in plain {
            let value = value
                .as_str()
                .map_or_else(|| value.clone(), |text| json!(BASE64_STANDARD.encode(text)));
            data.insert(key, value);
        }
    }
    manifest
}

pub(super) fn is_secret(manifest: &Json) -> bool {
    text(manifest, "/kind") == "Secret" && text(manifest, "/apiVersion") == "v1"
}

/// The other way around, for the keys that the user wrote in `stringData`.
fn with_string_data(desired: &Json, live: &Json, owned: Option<&Json>) -> (Json, Option<Json>) {
    let (mut live, mut owned) = (live.clone(), owned.cloned());
    if is_secret(desired)
        && let Some(plain) = desired.get("stringData").and_then(Json::as_object)
    {
        let mut found = Map::new();
        for key in plain.keys() {
            let data = live.get_mut("data").and_then(Json::as_object_mut);
            if let Some(value) = data.and_then(|data| data.remove(key)) {
                let decoded = value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
                let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                found.insert(key.clone(), decoded.map_or(value, Json::String));
            }
            if let Some(fields) = owned
                .as_mut()
                .and_then(|owned| owned.get_mut("f:data")?.as_object_mut())
            {
                fields.remove(&format!("f:{key}"));
            }
        }
        // Without fields it would stand for the whole of it.
        if let Some(owned) = owned.as_mut().and_then(Json::as_object_mut)
            && owned
                .get("f:data")
                .and_then(Json::as_object)
                .is_some_and(|fields| fields.keys().all(|name| name == "."))
        {
            owned.remove("f:data");
        }
        if let Some(live) = live.as_object_mut() {
            live.insert("stringData".to_owned(), Json::Object(found));
        }
    }
    (live, owned)
}

/// `at` holds the key that a value stands at, and the key above it.
fn written(desired: Option<&Json>, live: Option<&Json>, owned: Option<&Json>, at: &[&str; 2]) -> Option<Json> {
    let Some(desired) = desired else {
        return prune(live?, owned?);
    };
    let Some(live) = live else {
        // What is empty is left out by the API server.
        return nothing(desired).then(|| desired.clone());
    };
    Some(match (desired, live) {
        (Json::Object(desired), Json::Object(live)) => {
            let field = |key: &str| owned.and_then(|owned| owned.get(format!("f:{key}")));
            let ours = owned.and_then(Json::as_object).into_iter().flatten();
            let more = ours
                .filter_map(|(name, _)| name.strip_prefix("f:"))
                .filter(|key| !desired.contains_key(*key));
            let [key, _] = at;
            desired
                .keys()
                .map(String::as_str)
                .chain(more)
                .filter_map(|name| {
                    let value = written(desired.get(name), live.get(name), field(name), &[name, key])?;
                    Some((name.to_owned(), value))
                })
                .collect()
        }
        (Json::Array(desired), Json::Array(live)) => list(desired, live, owned, at),
        (desired, live) if same(desired, live, at) => desired.clone(),
        (_, live) => live.clone(),
    })
}

fn list(desired: &[Json], live: &[Json], owned: Option<&Json>, at: &[&str; 2]) -> Json {
    let ours: Vec<&str> = owned
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(|fields| fields.keys().map(String::as_str))
        .collect();
    let keyed: Vec<(&str, Json)> = ours
        .iter()
        .filter_map(|name| Some((*name, serde_json::from_str(name.strip_prefix("k:")?).ok()?)))
        .collect();
    if !keyed.is_empty() {
        let mut left = keyed;
        let mut found = Vec::new();
        for item in desired {
            let Some(index) = left.iter().position(|(_, keys)| fits(item, keys, true)) else {
                continue;
            };
            let (name, keys) = left.remove(index);
            let there = live.iter().find(|item| fits(item, &keys, false));
            found.extend(written(Some(item), there, owned.and_then(|owned| owned.get(name)), at));
        }
        let more = left.iter().filter_map(|(name, keys)| {
            let there = live.iter().find(|item| fits(item, keys, false))?;
            prune(there, owned?.get(*name)?)
        });
        found.extend(more);
        return Json::Array(found);
    }
    let set: Vec<Json> = ours
        .iter()
        .filter_map(|name| serde_json::from_str(name.strip_prefix("v:")?).ok())
        .collect();
    if !set.is_empty() {
        let kept = desired.iter().filter(|item| live.contains(item)).cloned();
        let more = set
            .iter()
            .filter(|item| !desired.contains(item) && live.contains(item))
            .cloned();
        return Json::Array(kept.chain(more).collect());
    }
    if desired.len() == live.len() {
        let items = desired.iter().zip(live);
        return items
            .filter_map(|(desired, live)| written(Some(desired), Some(live), None, at))
            .collect();
    }
    Json::Array(live.to_vec())
}

/// Whether an item of a list goes by these keys; one that the user left out is the kind's default.
fn fits(item: &Json, keys: &Json, lenient: bool) -> bool {
    keys.as_object().is_some_and(|keys| {
        keys.iter()
            .all(|(key, value)| item.get(key).map_or(lenient, |given| given == value))
    })
}

/// What of a live value is owned.
fn prune(live: &Json, owned: &Json) -> Option<Json> {
    let fields = owned.as_object()?;
    if fields.is_empty() {
        return Some(live.clone());
    }
    match live {
        Json::Object(map) => {
            let pruned: Map<String, Json> = fields
                .iter()
                .filter_map(|(name, owned)| {
                    let key = name.strip_prefix("f:")?;
                    Some((key.to_owned(), prune(map.get(key)?, owned)?))
                })
                .collect();
            Some(Json::Object(pruned))
        }
        Json::Array(list) => {
            let pruned = fields.iter().filter_map(|(name, owned)| {
                if let Some(keys) = name.strip_prefix("k:") {
                    let keys: Json = serde_json::from_str(keys).ok()?;
                    prune(list.iter().find(|item| fits(item, &keys, false))?, owned)
                } else {
                    let value: Json = serde_json::from_str(name.strip_prefix("v:")?).ok()?;
                    list.contains(&value).then_some(value)
                }
            });
            Some(pruned.collect())
        }
        other => Some(other.clone()),
    }
}

/// What the API server leaves out when it writes an object.
fn nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Bool(true) => false,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.values().all(nothing),
    }
}

/// Whether two scalars mean the same where they stand.
fn same(desired: &Json, live: &Json, at: &[&str; 2]) -> bool {
    if desired == live || (desired.is_number() && live.is_number() && desired.as_f64() == live.as_f64()) {
        return true;
    }
    quantities(at)
        && match (quantity(desired), quantity(live)) {
            (Some(desired), Some(live)) => (desired - live).abs() <= f64::EPSILON * desired.abs(),
            _ => false,
        }
}

/// Where quantities stand, which the API server writes in its own way: `1000m` as `1`.
fn quantities([key, above]: &[&str; 2]) -> bool {
    const MAPS: [&str; 11] = [
        "limits",
        "requests",
        "hard",
        "capacity",
        "default",
        "defaultRequest",
        "max",
        "min",
        "podFixed",
        "allocatable",
        "maxLimitRequestRatio",
    ];
    MAPS.contains(above) || ["sizeLimit", "divisor", "averageValue"].contains(key)
}

/// A quantity's value. Source: Kubernetes API reference, "Quantity".
fn quantity(value: &Json) -> Option<f64> {
    const UNITS: [(&str, f64); 14] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let text = match value {
        Json::Number(number) => return number.as_f64(),
        Json::String(text) => text,
        _ => return None,
    };
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    UNITS
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads better with values than with borrowed ones"
    )]

    use super::*;

    fn live(fields: Json, rest: Json) -> Json {
        let mut live = json!({
            "apiVersion": "v1", "kind": "Thing",
            "metadata": {
                "name": "a", "uid": "1", "resourceVersion": "2", "generation": 1,
                "managedFields": [
                    {"manager": "controller", "operation": "Update", "fieldsV1": {"f:spec": {"f:theirs": {}}}},
                    {"manager": "groundwork", "operation": "Apply", "fieldsV1": fields},
                ],
            },
            "status": {"phase": "Active"},
        });
        for (key, value) in rest.as_object().unwrap() {
            live[key] = value.clone();
        }
        live
    }

    fn desired(spec: Json) -> Json {
        json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec})
    }

    #[test]
    fn what_others_add_and_what_the_server_respells_is_no_drift() {
        let wanted = desired(json!({
            "replicas": 2, "empty": {}, "off": false,
            "containers": [{"name": "b", "resources": {"limits": {"cpu": "1000m", "memory": "0.5Gi"}}, "ports": [{"containerPort": 80}]}],
            "args": [{"x": 1}],
        }));
        let seen = live(
            json!({"f:spec": {"f:replicas": {}, "f:args": {}, "f:containers": {
                "k:{\"name\":\"b\"}": {".": {}, "f:name": {}, "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}},
            }}}),
            json!({"spec": {
                "replicas": 2, "theirs": true, "args": [{"x": 1, "defaulted": true}],
                "containers": [
                    {"name": "injected"},
                    {"name": "b", "image": "x", "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
                     "ports": [{"containerPort": 80, "protocol": "TCP"}]},
                ],
            }}),
        );
        assert_eq!(as_written(Some(&wanted), &seen, "groundwork"), wanted);
    }

    #[test]
    fn a_change_of_what_is_ours_is_drift() {
        let wanted = desired(json!({"replicas": 2, "list": ["a"], "gone": "x"}));
        let seen = live(
            json!({"f:spec": {"f:replicas": {}, "f:list": {}, "f:old": {}}}),
            json!({"spec": {"replicas": 3, "list": ["a", "b"], "old": 1}}),
        );
        assert_eq!(
            as_written(Some(&wanted), &seen, "groundwork")["spec"],
            json!({"replicas": 3, "list": ["a", "b"], "old": 1})
        );
    }

    #[test]
    fn a_set_keeps_what_others_put_there() {
        let wanted = desired(json!({"finalizers": ["ours"]}));
        let seen = live(
            json!({"f:spec": {"f:finalizers": {".": {}, "v:\"ours\"": {}}}}),
            json!({"spec": {"finalizers": ["theirs", "ours"]}}),
        );
        assert_eq!(as_written(Some(&wanted), &seen, "groundwork"), wanted);
    }

    #[test]
    fn an_import_takes_what_is_ours_or_all_that_is_not_the_servers() {
        let seen = live(json!({"f:spec": {"f:a": {}}}), json!({"spec": {"a": 1, "theirs": 2}}));
        assert_eq!(as_written(None, &seen, "groundwork"), desired(json!({"a": 1})));
        let mut seen = seen;
        seen["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
        assert_eq!(as_written(None, &seen, "nobody"), desired(json!({"a": 1, "theirs": 2})));
    }

    #[test]
    fn what_a_secret_has_as_text_is_sent_and_seen_as_data() {
        let wanted =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"word": "open"}});
        let sent = as_sent(&wanted);
        assert_eq!(sent["data"], json!({"word": "b3Blbg=="}));
        assert!(sent.get("stringData").is_none());
        let mut seen = live(
            json!({"f:data": {"f:word": {}}}),
            json!({"data": {"word": "b3Blbg==", "theirs": "eA=="}}),
        );
        seen["kind"] = json!("Secret");
        assert_eq!(as_written(Some(&wanted), &seen, "groundwork"), wanted);
        seen["data"]["word"] = json!("eA==");
        assert_eq!(
            as_written(Some(&wanted), &seen, "groundwork")["stringData"],
            json!({"word": "x"})
        );
    }
}
