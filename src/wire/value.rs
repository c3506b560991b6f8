//! `PropertyValue`: any value that crosses the wire between engine, program and provider.

use std::collections::{BTreeMap, BTreeSet};

use crate::{PropertyPath, Urn};

/// An object's properties, sorted by key so that everything derived from them is deterministic.
pub type PropertyMap = BTreeMap<String, PropertyValue>;

/// A value as Pulumi knows it: JSON, and what JSON cannot say (secret, not known yet, refers to a resource).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum PropertyValue {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Every number is a 64-bit float on the wire; ids and large integers travel as strings.
    Number(f64),
    /// Text.
    String(String),
    /// A list.
    Array(Vec<Self>),
    /// An object.
    Object(PropertyMap),
    /// A value that must never be shown.
    Secret(Box<Self>),
    /// A value that is not known yet (a preview).
    Unknown(UnknownKind),
    /// A value with the resources that it comes from.
    Output(Box<OutputValue>),
    /// A reference to another resource.
    Resource(Box<ResourceReference>),
    /// An asset, passed through untouched (its wire form without the signature).
    Asset(PropertyMap),
    /// An archive, passed through untouched (its wire form without the signature).
    Archive(PropertyMap),
    /// Bytes that need not be UTF-8, in base64 as they travel.
    Bytes(String),
}

/// What kind of value is not known yet; the engine has one sentinel for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum UnknownKind {
    /// Text, or of no known kind.
    #[default]
    String,
    /// A boolean.
    Bool,
    /// A number.
    Number,
    /// A list.
    Array,
    /// An asset.
    Asset,
    /// An archive.
    Archive,
    /// An object.
    Object,
}

/// A value together with where it comes from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OutputValue {
    /// The value; `None` while it is unknown.
    pub value: Option<PropertyValue>,
    /// Whether it must never be shown.
    pub secret: bool,
    /// The resources that it comes from.
    pub dependencies: BTreeSet<Urn>,
}

/// A reference to another resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceReference {
    /// The resource's URN.
    pub urn: Urn,
    /// Its id: `None` for a component, `Some(Unknown)` in a preview.
    pub id: Option<PropertyValue>,
    /// The package version that made it, or empty.
    pub package_version: String,
}

impl PropertyValue {
    /// An unknown of no particular kind.
    pub const UNKNOWN: Self = Self::Unknown(UnknownKind::String);

    /// Wraps a value so that it is never shown; wrapping twice changes nothing.
    #[must_use]
    pub fn secret(value: Self) -> Self {
        match value {
            Self::Secret(_) => value,
            other => Self::Secret(Box::new(other)),
        }
    }

    /// The value itself, looking through secrets and known outputs at the top.
    #[must_use]
    pub fn plain(&self) -> &Self {
        match self {
            Self::Secret(inner) => inner.plain(),
            Self::Output(output) => output.value.as_ref().map_or(&Self::UNKNOWN, Self::plain),
            other => other,
        }
    }

    /// Whether it is null, looking through secrets.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.plain(), Self::Null)
    }

    /// Whether it is itself unknown (not merely something inside it).
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.plain(), Self::Unknown(_))
    }

    /// Whether anything in it is unknown.
    #[must_use]
    pub fn contains_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::Array(items) => items.iter().any(Self::contains_unknown),
            Self::Object(map) | Self::Asset(map) | Self::Archive(map) => map.values().any(Self::contains_unknown),
            Self::Secret(inner) => inner.contains_unknown(),
            Self::Output(output) => output.value.as_ref().is_none_or(Self::contains_unknown),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Resource(_) | Self::Bytes(_) => {
                false
            }
        }
    }

    /// Whether anything in it is secret.
    #[must_use]
    pub fn contains_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Array(items) => items.iter().any(Self::contains_secret),
            Self::Object(map) | Self::Asset(map) | Self::Archive(map) => map.values().any(Self::contains_secret),
            Self::Output(output) => output.secret || output.value.as_ref().is_some_and(Self::contains_secret),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::String(_)
            | Self::Resource(_)
            | Self::Bytes(_)
            | Self::Unknown(_) => false,
        }
    }

    /// This value as somebody else left it, with as little of it secret as keeps to itself what `given` does: what stands
    /// where a secret stood, and what is new beside one that is no longer where it was.
    #[must_use]
    pub fn secret_as(self, given: &Self) -> Self {
        if !given.contains_secret() {
            return self;
        }
        match (self, given) {
            (Self::Object(map), Self::Object(given)) => {
                let moved = given
                    .iter()
                    .any(|(key, value)| value.contains_secret() && !map.contains_key(key));
                let keep = |(key, value): (String, Self)| {
                    let value = match given.get(&key) {
                        Some(given) => value.secret_as(given),
                        None if moved => Self::secret(value),
                        None => value,
                    };
                    (key, value)
                };
                Self::Object(map.into_iter().map(keep).collect())
            }
            // Of a list nobody can tell which item is which.
            (value, _) => Self::secret(value),
        }
    }

    /// The same value with every secret and known output unwrapped, at any depth.
    #[must_use]
    pub fn revealed(&self) -> Self {
        match self {
            Self::Secret(inner) => inner.revealed(),
            Self::Output(output) => output.value.as_ref().map_or(Self::UNKNOWN, Self::revealed),
            Self::Array(items) => Self::Array(items.iter().map(Self::revealed).collect()),
            Self::Object(map) => Self::Object(map.iter().map(|(k, v)| (k.clone(), v.revealed())).collect()),
            other => other.clone(),
        }
    }

    /// Its text, looking through secrets.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.plain() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Its truth, looking through secrets.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.plain() {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Its items, looking through secrets.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self.plain() {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Its properties, looking through secrets.
    #[must_use]
    pub fn as_object(&self) -> Option<&PropertyMap> {
        match self.plain() {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// As plain JSON, secrets revealed.
    ///
    /// # Errors
    /// The path of the first part that JSON cannot say: an unknown, a resource reference, an asset, an archive.
    pub fn to_json(&self) -> Result<serde_json::Value, NotPlain> {
        self.to_json_at(&PropertyPath::root())
    }

    fn to_json_at(&self, path: &PropertyPath) -> Result<serde_json::Value, NotPlain> {
        use serde_json::Value as Json;
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Number(number) => number_to_json(*number),
            Self::String(text) | Self::Bytes(text) => Json::String(text.clone()),
            Self::Array(items) => Json::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| item.to_json_at(&path.index(i)))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Object(map) => Json::Object(
                map.iter()
                    .map(|(key, value)| Ok((key.clone(), value.to_json_at(&path.key(key))?)))
                    .collect::<Result<_, NotPlain>>()?,
            ),
            Self::Secret(inner) => inner.to_json_at(path)?,
            Self::Output(output) => match &output.value {
                Some(value) => value.to_json_at(path)?,
                None => {
                    return Err(NotPlain {
                        path: path.clone(),
                        what: "not known yet",
                    });
                }
            },
            Self::Unknown(_) => {
                return Err(NotPlain {
                    path: path.clone(),
                    what: "not known yet",
                });
            }
            Self::Resource(_) => {
                return Err(NotPlain {
                    path: path.clone(),
                    what: "a resource reference",
                });
            }
            Self::Asset(_) => {
                return Err(NotPlain {
                    path: path.clone(),
                    what: "an asset",
                });
            }
            Self::Archive(_) => {
                return Err(NotPlain {
                    path: path.clone(),
                    what: "an archive",
                });
            }
        })
    }
}

/// Why a value cannot be said in plain JSON.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{path} is {what}")]
pub struct NotPlain {
    /// Where.
    pub path: PropertyPath,
    /// What stands there.
    pub what: &'static str,
}

/// Whole numbers become JSON integers, so that typed readers accept them.
fn number_to_json(number: f64) -> serde_json::Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53, so exact")]
        return serde_json::Value::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

impl From<serde_json::Value> for PropertyValue {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(truth),
            serde_json::Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(map) => {
                Self::Object(map.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for PropertyValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for PropertyValue {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<f64> for PropertyValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<PropertyMap> for PropertyValue {
    fn from(map: PropertyMap) -> Self {
        Self::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_where_a_secret_stood_is_secret_and_what_else_is_there_is_not() {
        let secret = |text: &str| PropertyValue::secret(text.into());
        let map = |entries: &[(&str, PropertyValue)]| {
            PropertyValue::Object(
                entries
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
            )
        };
        let list = PropertyValue::Array(vec![secret("c"), "d".into()]);
        let given = map(&[
            ("auth", map(&[("word", secret("a")), ("user", "b".into())])),
            ("list", list),
        ]);
        let seen = |json: serde_json::Value| PropertyValue::from(json).secret_as(&given);
        let changed = seen(json!({"auth": {"word": "x", "user": "y", "new": 1}, "list": ["z"], "size": 2}));
        let list = PropertyValue::secret(PropertyValue::Array(vec!["z".into()]));
        let auth = map(&[("word", secret("x")), ("user", "y".into()), ("new", 1.0.into())]);
        assert_eq!(changed, map(&[("auth", auth), ("list", list), ("size", 2.0.into())]));
        // It may stand under another name by now.
        let moved = seen(json!({"auth": {"password": "a", "user": "b"}, "list": []}));
        let auth = moved.as_object().unwrap()["auth"].as_object().unwrap();
        assert_eq!((&auth["password"], &auth["user"]), (&secret("a"), &"b".into()));
        let other = PropertyValue::from(json!("a")).secret_as(&given);
        assert_eq!(other, secret("a"));
        let whole = PropertyValue::from(json!({"a": 1})).secret_as(&PropertyValue::secret(given.clone()));
        assert_eq!(whole, PropertyValue::secret(json!({"a": 1}).into()));
    }
}
