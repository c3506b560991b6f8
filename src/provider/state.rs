//! The engine's state of a resource: what is kept beside inputs and outputs, and what guards it.

use groundwork_contract::{AccountId, Region, descriptor::Descriptor};
use groundwork_wire::{PropertyMap, PropertyValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{
    clients::Aws,
    error::{Error, Result},
    resource::{Resource, State},
};

/// The property that holds [`Origin`]; hidden from displays and policies by its underscores.
pub const ORIGIN: &str = "__groundwork";

/// The version of the states that this provider writes. An older one is upgraded when it is read.
pub const SCHEMA: u32 = 1;

/// Makes of what one version wrote what the next one writes: of a type's properties, and of its inputs.
type Step = fn(token: &str, properties: &mut PropertyMap, inputs: &mut PropertyMap);

/// The steps, each from one version to the next, from version 1 on. Version 1 is the first, so there are none yet.
const STEPS: [Step; SCHEMA as usize - 1] = [];

/// Makes a state of an older version one of this version. A newer one stays as it is, and is refused where it is used.
pub(crate) fn upgrade(token: &str, properties: &mut PropertyMap, inputs: &mut PropertyMap) {
    upgrade_by(&STEPS, token, properties, inputs);
}

fn upgrade_by(steps: &[Step], token: &str, properties: &mut PropertyMap, inputs: &mut PropertyMap) {
    let schema = origin_of(properties).and_then(|origin| origin.get("schema")?.to_json().ok()?.as_u64());
    let Some(from) = schema.and_then(|schema| usize::try_from(schema).ok()?.checked_sub(1)) else {
        return;
    };
    for step in steps.iter().skip(from) {
        step(token, properties, inputs);
    }
    if from < steps.len()
        && let Some(mut origin) = origin_of(properties).cloned()
    {
        origin.insert("schema".to_owned(), PropertyValue::from(Json::from(steps.len() + 1)));
        properties.insert(ORIGIN.to_owned(), PropertyValue::Object(origin));
    }
}

fn origin_of(properties: &PropertyMap) -> Option<&PropertyMap> {
    properties.get(ORIGIN)?.as_object()
}

/// Where a resource lives, and what only its creation could tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Origin {
    schema: u32,
    account: AccountId,
    region: Region,
    #[serde(default, skip_serializing_if = "Json::is_null")]
    facts: Json,
}

/// Puts inputs, outputs and origin together as the engine keeps them, with all that is secret wrapped. What only the
/// creation could tell may be what a secret was before, so it is as secret as the rest.
///
/// # Errors
/// A value that JSON cannot say: a mistake of ours.
pub fn encode<R: Resource>(
    aws: &Aws,
    descriptor: &Descriptor,
    inputs: &PropertyMap,
    outputs: Option<&R::Outputs>,
    facts: &R::Facts,
) -> Result<PropertyMap> {
    let mut properties = inputs.clone();
    if let Some(outputs) = outputs {
        properties.extend(to_properties(outputs)?);
    }
    let mut properties = descriptor.with_secrets(properties);
    let origin = Origin {
        schema: SCHEMA,
        account: aws.caller.account.clone(),
        region: aws.region.clone(),
        facts: serde_json::to_value(facts).map_err(bug)?,
    };
    let mut origin = to_properties(&origin)?;
    if properties.values().any(PropertyValue::contains_secret)
        && let Some(facts) = origin.get_mut("facts")
    {
        *facts = PropertyValue::secret(std::mem::take(facts));
    }
    properties.insert(ORIGIN.to_owned(), PropertyValue::Object(origin));
    Ok(properties)
}

/// Reads a state back.
///
/// # Errors
/// It belongs to another account or region, or a newer provider wrote it: nothing may be done to it from here.
pub fn decode<R: Resource>(aws: &Aws, properties: &PropertyMap, inputs: &PropertyMap) -> Result<State<R>> {
    let facts = match origin(properties)? {
        None => R::Facts::default(),
        Some(origin) => {
            guard(aws, &origin)?;
            if origin.facts.is_null() {
                R::Facts::default()
            } else {
                serde_json::from_value(origin.facts).map_err(bug)?
            }
        }
    };
    // A state without inputs is one that was only ever read.
    let source = if inputs.is_empty() { properties } else { inputs };
    Ok(State {
        inputs: from_properties(source)?,
        outputs: from_properties(properties).ok(),
        facts,
    })
}

/// Refuses a state of another account or region before anything is asked of AWS.
///
/// There, "not found" would mean nothing but that we look in the wrong place.
///
/// # Errors
/// See above.
pub fn check_home(aws: &Aws, properties: &PropertyMap) -> Result<()> {
    origin(properties)?.map_or(Ok(()), |origin| guard(aws, &origin))
}

fn origin(properties: &PropertyMap) -> Result<Option<Origin>> {
    let Some(value) = properties.get(ORIGIN).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let json = value.to_json().map_err(|error| Error::Bug(error.to_string()))?;
    serde_json::from_value(json).map(Some).map_err(bug)
}

fn guard(aws: &Aws, origin: &Origin) -> Result<()> {
    let Origin {
        schema,
        account,
        region,
        facts: _,
    } = origin;
    if *schema > SCHEMA {
        return Err(Error::Invalid(format!(
            "its state was written by a newer groundwork (state version {schema}, this one knows {SCHEMA}); use that one"
        )));
    }
    if *account != aws.caller.account || *region != aws.region {
        return Err(Error::Invalid(format!(
            "it lives in account {account}, region {region}, but the provider is configured for account {}, region {}; \
             nothing was done, and its state is as it was; use credentials of account {account} with \
             groundwork:region {region}",
            aws.caller.account, aws.region
        )));
    }
    Ok(())
}

/// A typed value as properties.
///
/// # Errors
/// It is no object: a mistake of ours.
pub fn to_properties<T: Serialize>(value: &T) -> Result<PropertyMap> {
    match PropertyValue::from(serde_json::to_value(value).map_err(bug)?) {
        PropertyValue::Object(map) => Ok(map.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        _ => Err(Error::Bug("a resource's properties are no object".to_owned())),
    }
}

/// Properties as a typed value.
///
/// # Errors
/// A property is unknown, or of another form.
pub fn from_properties<T: DeserializeOwned>(map: &PropertyMap) -> Result<T> {
    let known: PropertyMap = map
        .iter()
        .filter(|(name, _)| !name.starts_with("__"))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let json = PropertyValue::Object(known)
        .to_json()
        .map_err(|error| Error::Invalid(error.to_string()))?;
    serde_json::from_value(json).map_err(|error| Error::Invalid(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn bug(error: serde_json::Error) -> Error {
    Error::Bug(error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAMED: Step = |token, properties, inputs| {
        if token == "groundwork:trial:Thing" {
            for map in [properties, inputs] {
                if let Some(size) = map.remove("length") {
                    map.insert("size".to_owned(), size);
                }
            }
        }
    };
    const COUNTED: Step = |_, properties, _| {
        properties.insert("steps".to_owned(), PropertyValue::from(json!(1)));
    };

    fn upgraded(token: &str, schema: &Json) -> (Json, Json) {
        let map = |json: Json| PropertyValue::from(json).as_object().cloned().unwrap();
        let mut properties = map(json!({"length": 3, ORIGIN: {"schema": schema, "facts": {"a": 1}}}));
        let mut inputs = map(json!({"length": 3}));
        upgrade_by(&[NAMED, COUNTED], token, &mut properties, &mut inputs);
        let json = |map| PropertyValue::Object(map).to_json().unwrap();
        (json(properties), json(inputs))
    }

    #[test]
    fn an_older_state_goes_through_every_step_since() {
        let thing = "groundwork:trial:Thing";
        let (properties, inputs) = upgraded(thing, &json!(1));
        assert_eq!(
            properties,
            json!({"size": 3, "steps": 1, ORIGIN: {"schema": 3, "facts": {"a": 1}}})
        );
        assert_eq!(inputs, json!({"size": 3}));
        let (properties, inputs) = upgraded(thing, &json!(2));
        assert_eq!(
            properties,
            json!({"length": 3, "steps": 1, ORIGIN: {"schema": 3, "facts": {"a": 1}}})
        );
        assert_eq!(inputs, json!({"length": 3}));
        let (_, inputs) = upgraded("groundwork:trial:Link", &json!(1));
        assert_eq!(inputs, json!({"length": 3}), "another type");
    }

    #[test]
    fn a_state_of_this_version_a_newer_one_and_none_stay_as_they_are() {
        for schema in [json!(3), json!(4), json!(0), json!("1"), json!(null)] {
            let (properties, inputs) = upgraded("groundwork:trial:Thing", &schema);
            let same = PropertyValue::from(json!({"length": 3, ORIGIN: {"schema": schema, "facts": {"a": 1}}}));
            assert_eq!(PropertyValue::from(properties), same);
            assert_eq!(inputs, json!({"length": 3}));
        }
    }
}
