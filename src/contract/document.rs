//! JSON policy documents, compared by meaning.
//!
//! AWS rewrites what it is given: it reorders statements, turns a list of one into its item and back,
//! and an account id into the ARN of the account's root. None of that is drift.
//! Source: IAM User Guide, "Grammar of the IAM JSON policy language".

use std::fmt;

use groundwork_wire::PropertyValue;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use crate::shape::{Shape, Spec};

/// A policy document. Written as an object or as its JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Document(Map<String, Json>);

impl Document {
    /// The document as AWS takes it: compact JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        Json::Object(self.0.clone()).to_string()
    }

    /// Reads a document from its JSON text.
    ///
    /// # Errors
    /// The text is no JSON object.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self)
    }

    /// Whether both say the same.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        canonical(&Json::Object(self.0.clone())) == canonical(&Json::Object(other.0.clone()))
    }

    /// The document's JSON.
    #[must_use]
    pub fn as_json(&self) -> Json {
        Json::Object(self.0.clone())
    }
}

impl From<Map<String, Json>> for Document {
    fn from(map: Map<String, Json>) -> Self {
        Self(map)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match Json::deserialize(deserializer)? {
            Json::Object(map) => Ok(Self(map)),
            Json::String(text) => Self::from_text(&text).map_err(D::Error::custom),
            _ => Err(D::Error::custom("a JSON document is an object or its text")),
        }
    }
}

impl Shape for Document {
    fn spec() -> Spec {
        Spec::Document
    }
}

/// Whether two property values are documents that say the same.
pub(crate) fn same(a: &PropertyValue, b: &PropertyValue) -> bool {
    let read = |value: &PropertyValue| {
        value.to_json().ok().and_then(|json| match json {
            Json::String(text) => serde_json::from_str(&text).ok(),
            other => Some(other),
        })
    };
    matches!((read(a), read(b)), (Some(a), Some(b)) if canonical(&a) == canonical(&b))
}

/// One form for all documents that say the same: lists sorted, a list of one unwrapped, account ids as root ARNs.
fn canonical(json: &Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| {
                    let value = canonical(value);
                    (key.clone(), if key == "AWS" { principals(value) } else { value })
                })
                .collect(),
        ),
        Json::Array(items) => sorted(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

fn sorted(mut items: Vec<Json>) -> Json {
    items.sort_by_key(Json::to_string);
    items.dedup();
    match <[Json; 1]>::try_from(items) {
        Ok([only]) => only,
        Err(items) => Json::Array(items),
    }
}

fn principals(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(root_arn(&text).unwrap_or(text)),
        Json::Array(items) => sorted(items.into_iter().map(principals).collect()),
        other => other,
    }
}

/// `arn:aws:iam::111122223333:root` says the same as `111122223333`.
fn root_arn(text: &str) -> Option<String> {
    let rest = text.strip_prefix("arn:")?;
    let (_partition, rest) = rest.split_once(":iam::")?;
    let account = rest.strip_suffix(":root")?;
    (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then(|| account.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(json: Json) -> Document {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_list_of_one_and_the_order_of_lists_say_the_same() {
        let ours = document(serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": ["s3:Put", "s3:Get"], "Resource": "*"}]}));
        let theirs = document(serde_json::json!({"Statement":
            {"Resource": ["*"], "Action": ["s3:Get", "s3:Put"], "Principal": {"AWS": ["arn:aws:iam::111122223333:root"]}, "Effect": "Allow"},
            "Version": "2012-10-17"}));
        assert!(ours.means(&theirs));
    }

    #[test]
    fn another_action_says_something_else() {
        let a = document(serde_json::json!({"Statement": {"Action": "s3:Get"}}));
        let b = document(serde_json::json!({"Statement": {"Action": "s3:Put"}}));
        assert!(!a.means(&b));
    }

    #[test]
    fn text_and_object_are_read_alike() {
        assert_eq!(
            document(serde_json::json!("{\"a\":1}")),
            document(serde_json::json!({"a": 1}))
        );
    }
}
