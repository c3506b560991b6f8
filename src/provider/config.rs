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
    let own = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut args = check::from_text(spec, &own);
    if let Some(accounts) = args.get_mut("allowedAccountIds") {
        *accounts = account_ids(std::mem::take(accounts));
    }
    args
}

/// One account stands for a list of it; and digits that were taken for a number on their way are text again.
fn account_ids(given: PropertyValue) -> PropertyValue {
    let text = |value: PropertyValue| match value {
        PropertyValue::Number(number) => PropertyValue::String(number.to_string()),
        other => other,
    };
    match given {
        PropertyValue::Array(ids) => PropertyValue::Array(ids.into_iter().map(text).collect()),
        PropertyValue::String(_) | PropertyValue::Number(_) => PropertyValue::Array(vec![text(given)]),
        other => other,
    }
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
    fn one_allowed_account_needs_no_list() {
        for (given, ids) in [
            (serde_json::json!("111122223333"), ["111122223333"].as_slice()),
            (serde_json::json!(111_122_223_333_u64), &["111122223333"]),
            // No number begins so.
            (serde_json::json!("012345678901"), &["012345678901"]),
            (
                serde_json::json!("[111122223333, \"012345678901\"]"),
                &["012345678901", "111122223333"],
            ),
            (serde_json::json!(["111122223333"]), &["111122223333"]),
        ] {
            let config = parse(&args(serde_json::json!({"allowedAccountIds": given}))).unwrap();
            let allowed = config.allowed_account_ids.unwrap();
            assert_eq!(
                allowed
                    .iter()
                    .map(groundwork_contract::AccountId::as_str)
                    .collect::<Vec<_>>(),
                ids,
                "{given}"
            );
        }
        for wrong in [
            serde_json::json!("production"),
            serde_json::json!("12"),
            serde_json::json!(12_345_678_901_u64),
        ] {
            let failures = check(&args(serde_json::json!({"allowedAccountIds": wrong})));
            assert_eq!(failures[0].path.to_string(), "allowedAccountIds[0]");
            assert!(failures[0].reason.contains("expected twelve digits"), "{}", failures[0]);
        }
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
