//! The engine's state of a resource: what is kept beside inputs and outputs, and what guards it.

use groundwork_contract::{AccountId, Region};
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

/// Where a resource lives, and what only its creation could tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Origin {
    schema: u32,
    account: AccountId,
    region: Region,
    #[serde(default, skip_serializing_if = "Json::is_null")]
    facts: Json,
}

/// Puts inputs, outputs and origin together as the engine keeps them.
///
/// # Errors
/// A value that JSON cannot say: a mistake of ours.
pub fn encode<R: Resource>(
    aws: &Aws,
    inputs: &PropertyMap,
    outputs: Option<&R::Outputs>,
    facts: &R::Facts,
) -> Result<PropertyMap> {
    let mut properties = inputs.clone();
    if let Some(outputs) = outputs {
        properties.extend(to_properties(outputs)?);
    }
    let origin = Origin {
        schema: SCHEMA,
        account: aws.caller.account.clone(),
        region: aws.region.clone(),
        facts: serde_json::to_value(facts).map_err(bug)?,
    };
    properties.insert(
        ORIGIN.to_owned(),
        PropertyValue::from(serde_json::to_value(origin).map_err(bug)?),
    );
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
