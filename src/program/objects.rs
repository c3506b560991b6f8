//! Kubernetes' objects as the program writes them: typed, with unknown texts inside.

use groundwork_contract::{
    Input,
    kubernetes::{Manifest, ManifestArgs},
};
use k8s_openapi::Resource as Kind;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::{
    cluster::Cluster,
    ground::Ground,
    sdk::{Error, Resource, ResourceOptions, Result},
};

/// An object in the API's own words.
///
/// To put texts into it that are not known yet, make it within [`Output::map_parts`](groundwork_contract::Output::map_parts):
/// what is unknown is then unknown there alone, not the whole object.
pub fn written<K: Kind + Serialize>(object: &K) -> serde_json::Result<Json> {
    let mut json = json!({"apiVersion": K::API_VERSION, "kind": K::KIND});
    if let (Json::Object(all), Json::Object(own)) = (&mut json, serde_json::to_value(object)?) {
        all.extend(own);
    }
    Ok(json)
}

/// An object that is known as a whole.
///
/// # Errors
/// The object cannot be written down.
pub fn whole<K: Kind + Serialize>(object: &K) -> Result<Input<Json>> {
    written(object)
        .map(Into::into)
        .map_err(|error| Error::new(error.to_string()))
}

/// Puts an object into the cluster.
pub fn apply(
    ground: &Ground,
    cluster: &Cluster,
    name: &str,
    manifest: Input<Json>,
    options: ResourceOptions,
) -> Resource<Manifest> {
    let args = ManifestArgs::new(cluster.connection.clone(), manifest);
    ground.pulumi.create::<Manifest>(name, args, options)
}

/// Lays one object over another, key by key; null takes a key away.
pub fn merged(under: Json, over: Json) -> Json {
    match (under, over) {
        (Json::Object(mut under), Json::Object(over)) => {
            for (key, value) in over {
                let below = under.remove(&key);
                if !value.is_null() {
                    under.insert(
                        key,
                        below.map_or_else(|| value.clone(), |below| merged(below, value.clone())),
                    );
                }
            }
            Json::Object(under)
        }
        (_, over) => over,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ServiceAccount;

    use super::*;

    #[test]
    fn an_object_says_what_it_is() {
        let written = written(&ServiceAccount::default()).unwrap();
        assert_eq!(written["apiVersion"], "v1");
        assert_eq!(written["kind"], "ServiceAccount");
    }

    #[test]
    fn what_lies_over_wins_key_by_key() {
        let under = json!({"a": {"b": 1, "c": 2}, "d": 3, "list": [1, 2]});
        let over = json!({"a": {"b": 9}, "d": null, "list": [3], "new": true});
        assert_eq!(
            merged(under, over),
            json!({"a": {"b": 9, "c": 2}, "list": [3], "new": true})
        );
    }
}
