//! JSON policy documents, compared by meaning.
//!
//! AWS rewrites what it is given: it reorders statements, turns a list of one into its item and back, an account id into
//! the ARN of the account's root, and numbers and truth in conditions into text. None of that is drift.
//! It is drift that a role or user which was deleted stands there by its unique id (`AROA…`): whoever has the name now is
//! not trusted. Source: IAM User Guide, "Grammar of the IAM JSON policy language", "Principal".

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

    /// Its statements; a policy may have one that stands in no list.
    pub fn statements(&self) -> impl Iterator<Item = &Map<String, Json>> {
        let statements = match self.0.get("Statement") {
            Some(Json::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        statements.iter().filter_map(Json::as_object)
    }

    /// Its characters as AWS counts them: white space aside.
    #[must_use]
    pub fn size(&self) -> usize {
        self.to_text().chars().filter(|c| !c.is_whitespace()).count()
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

/// One form for all documents that say the same: lists sorted, a list of one unwrapped, account ids as root ARNs,
/// everybody as `*`.
fn canonical(json: &Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| {
                    let value = match key.as_str() {
                        "AWS" => principals(canonical(value)),
                        "Condition" => canonical(&text_alone(value)),
                        "Principal" | "NotPrincipal" => everybody(canonical(value)),
                        _ => canonical(value),
                    };
                    (key.clone(), value)
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

/// `{"AWS": "*"}` says the same as `*`.
fn everybody(value: Json) -> Json {
    if value == serde_json::json!({"AWS": "*"}) {
        return Json::String("*".to_owned());
    }
    value
}

/// A condition, whose values are text for AWS, however they are written.
fn text_alone(value: &Json) -> Json {
    match value {
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), text_alone(value)))
                .collect(),
        ),
        Json::Array(items) => Json::Array(items.iter().map(text_alone).collect()),
        Json::Bool(_) | Json::Number(_) => Json::String(value.to_string()),
        other => other.clone(),
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
    fn everybody_and_the_values_of_conditions_are_written_in_several_ways() {
        let ours = document(serde_json::json!({"Statement": {
            "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"a": 3}}}}));
        let theirs = document(serde_json::json!({"Statement": [{
            "Principal": {"AWS": ["*"]},
            "Condition": {"Bool": {"aws:SecureTransport": ["false"]}, "NumericLessThan": {"a": "3"}}}]}));
        assert!(ours.means(&theirs));
    }

    #[test]
    fn a_principal_that_was_deleted_is_no_longer_the_one_that_is_named() {
        let trusts = |principal: &str| document(serde_json::json!({"Statement": {"Principal": {"AWS": principal}}}));
        let named = trusts("arn:aws:iam::111122223333:role/deployer");
        assert!(!named.means(&trusts("AROAEXAMPLEEXAMPLEEXA")));
        assert!(!named.means(&trusts("arn:aws:iam::111122223333:root")));
        assert!(!trusts("111122223333").means(&trusts("444455556666")));
    }

    #[test]
    fn statements_stand_in_a_list_or_alone_and_white_space_counts_for_nothing() {
        let alone = document(serde_json::json!({"Statement": {"Sid": "A b"}}));
        let listed = document(serde_json::json!({"Statement": [{"Sid": "A b"}, {"Sid": "C"}]}));
        assert_eq!((alone.statements().count(), listed.statements().count()), (1, 2));
        assert_eq!(alone.size(), r#"{"Statement":{"Sid":"Ab"}}"#.len());
    }

    #[test]
    fn text_and_object_are_read_alike() {
        assert_eq!(
            document(serde_json::json!("{\"a\":1}")),
            document(serde_json::json!({"a": 1}))
        );
    }
}
