//! The provider's configuration, as the engine hands it over.

use groundwork_contract::{
    Failure, ProviderConfig, check,
    descriptor::object,
    diff::{self, Change, Changes},
    shape::{ObjectSpec, apply_defaults},
};
use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::state::from_properties;

/// Keys of the engine's own.
const ENGINE: [&str; 3] = ["version", "pluginDownloadURL", "pluginChecksums"];

/// Every mistake in it.
pub(crate) fn check(args: &PropertyMap) -> Vec<Failure> {
    let spec = object::<ProviderConfig>();
    let args = normal(&spec, args);
    let mut failures = check::check(&spec, &args);
    if let Some(PropertyValue::Number(retries)) = args.get("retries")
        && !(1.0..=50.0).contains(retries)
    {
        failures.push(Failure::at("retries", format!("is 1 to 50, not {retries}")));
    }
    failures
}

/// The configuration, typed.
///
/// # Errors
/// Every mistake in it.
pub(crate) fn parse(args: &PropertyMap) -> Result<ProviderConfig, Vec<Failure>> {
    let failures = check(args);
    if !failures.is_empty() {
        return Err(failures);
    }
    let spec = object::<ProviderConfig>();
    let mut args = normal(&spec, args);
    apply_defaults(&spec, &mut args);
    from_properties(&args).map_err(|error| vec![Failure::new(PropertyPath::root(), error.to_string())])
}

/// What a change means. Another region is another provider, and everything in it is made anew there;
/// another way to the same place is an update.
pub(crate) fn diff(old: &PropertyMap, new: &PropertyMap) -> Changes {
    let spec = object::<ProviderConfig>();
    diff::diff(&spec, &normal(&spec, old), &normal(&spec, new))
        .into_iter()
        .map(|(path, change)| {
            let replace = path == PropertyPath::root().key("region");
            (path, Change { replace, ..change })
        })
        .collect()
}

fn normal(spec: &ObjectSpec, args: &PropertyMap) -> PropertyMap {
    let own = args.iter().filter(|(key, _)| !ENGINE.contains(&key.as_str()));
    check::from_text(spec, &own.map(|(key, value)| (key.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: serde_json::Value) -> PropertyMap {
        PropertyValue::from(json).as_object().cloned().unwrap()
    }

    #[test]
    fn text_of_the_stack_configuration_is_read_by_its_form() {
        let config = parse(&args(serde_json::json!({
            "version": "0.1.0", "region": "eu-central-1", "retries": "3", "defaultTags": "{\"team\":\"a\"}"
        })))
        .unwrap();
        assert_eq!(config.retries, 3);
        assert_eq!(config.default_tags.unwrap()["team"], "a");
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let failures = check(&args(
            serde_json::json!({"regoin": "x", "region": "Frankfurt", "retries": 0}),
        ));
        let text: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert_eq!(failures.len(), 3, "{text:?}");
        assert!(
            text.iter().any(|line| line.contains("did you mean \"region\"?")),
            "{text:?}"
        );
    }

    #[test]
    fn another_region_is_another_provider_and_another_profile_is_not() {
        let old = args(serde_json::json!({"region": "eu-central-1", "profile": "a"}));
        let new = args(serde_json::json!({"region": "eu-west-1", "profile": "b"}));
        let changes = diff(&old, &new);
        assert!(changes[&PropertyPath::root().key("region")].replace);
        assert!(!changes[&PropertyPath::root().key("profile")].replace);
    }
}
