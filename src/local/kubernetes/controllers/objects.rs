//! Objects of any kind, written as JSON: applied by their owner, and taken away again.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use super::Outcome;

/// Applies an object as `owner`, taking over fields that others own.
pub(crate) async fn apply(client: &Client, owner: &str, object: &Value) -> Outcome {
    let (api, name) = place(client, object)?;
    let how = PatchParams::apply(owner).force();
    api.patch(&name, &how, &Patch::Apply(object)).await?;
    Ok(())
}

/// Applies the status of an object.
pub(crate) async fn apply_status(client: &Client, owner: &str, object: &Value) -> Outcome {
    let (api, name) = place(client, object)?;
    let how = PatchParams::apply(owner).force();
    api.patch_status(&name, &how, &Patch::Apply(object)).await?;
    Ok(())
}

/// Deletes an object; one that is gone is fine.
pub(crate) async fn delete(client: &Client, object: &Value) -> Outcome {
    let (api, name) = place(client, object)?;
    gone(api.delete(&name, &DeleteParams::background()).await)
}

/// The annotation of an object, if there is the object and it has it.
pub(crate) async fn annotation(client: &Client, object: &Value, key: &str) -> Outcome<Option<String>> {
    let (api, name) = place(client, object)?;
    let found = api.get_opt(&name).await?;
    Ok(found.and_then(|it| it.annotations().get(key).cloned()))
}

/// A deletion of what is not there has succeeded.
pub(crate) fn gone<T>(deleted: kube::Result<T>) -> Outcome {
    match deleted {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

/// Whether an error says that there is no such kind, or no such object.
pub(crate) fn is_missing(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(kube::Error::Api(status)) if status.code == 404)
}

fn place(client: &Client, object: &Value) -> Outcome<(Api<DynamicObject>, String)> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let (Some(version), Some(kind), Some(name)) = (text("/apiVersion"), text("/kind"), text("/metadata/name")) else {
        return Err("an object has apiVersion, kind and a name".into());
    };
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let api = match text("/metadata/namespace") {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    Ok((api, name.to_owned()))
}
