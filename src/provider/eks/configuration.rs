//! An addon's configuration, held against its schema before anything is created.
//!
//! The part of JSON Schema that the schemas of EKS's addons are made of: types, properties, lists, closed sets, bounds,
//! alternatives, and references within the schema. What else a schema says (`pattern`, `format`) is left to EKS.
//! Source: EKS API Reference, `DescribeAddonConfiguration`; JSON Schema Draft 6, "Validation".

use groundwork_contract::check::nearest;
use serde_json::{Map, Value as Json};

/// Schemas refer to each other, but not for ever.
const DEPTH: usize = 64;

/// What a configuration has that its schema does not allow, each with its path.
pub(super) fn violations(schema: &Json, values: &Json) -> Vec<String> {
    let mut found = Vec::new();
    Against { root: schema, depth: 0 }.check(schema, values, "", &mut found);
    found
}

#[derive(Clone, Copy)]
struct Against<'a> {
    root: &'a Json,
    depth: usize,
}

impl<'a> Against<'a> {
    fn check(self, schema: &'a Json, value: &Json, path: &str, found: &mut Vec<String>) {
        let Some(rules) = schema.as_object().filter(|_| self.depth < DEPTH) else {
            return;
        };
        let deeper = Self {
            depth: self.depth + 1,
            ..self
        };
        if let Some(target) = rules.get("$ref").and_then(Json::as_str) {
            if let Some(target) = target.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                deeper.check(target, value, path, found);
            }
            return;
        }
        let mut fail = |reason: String| {
            let path = if path.is_empty() { "configurationValues" } else { path };
            found.push(format!("{path} {reason}"));
        };
        let types = words(rules.get("type"));
        if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
            fail(format!("must be {}, but is {}", types.join(" or "), kind(value)));
            return;
        }
        if let Some(allowed) = rules.get("enum").and_then(Json::as_array)
            && !allowed.contains(value)
        {
            let allowed: Vec<String> = allowed.iter().map(Json::to_string).collect();
            fail(format!("must be one of {}, not {value}", allowed.join(", ")));
        }
        for reason in bounds(rules, value) {
            fail(reason);
        }
        for alternative in ["anyOf", "oneOf"] {
            let Some(schemas) = rules.get(alternative).and_then(Json::as_array) else {
                continue;
            };
            let fits = |schema: &'a Json| {
                let mut apart = Vec::new();
                deeper.check(schema, value, path, &mut apart);
                apart.is_empty()
            };
            if !schemas.iter().any(fits) {
                fail(format!("fits none of the forms that it may have: {value}"));
            }
        }
        for schema in rules.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            deeper.check(schema, value, path, found);
        }
        match value {
            Json::Object(map) => deeper.object(rules, map, path, found),
            Json::Array(items) => {
                if let Some(schema) = rules.get("items").filter(|schema| schema.is_object()) {
                    for (index, item) in items.iter().enumerate() {
                        deeper.check(schema, item, &format!("{path}[{index}]"), found);
                    }
                }
            }
            _ => {}
        }
    }

    fn object(self, rules: &'a Map<String, Json>, map: &Map<String, Json>, path: &str, found: &mut Vec<String>) {
        let at = |key: &str| {
            if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            }
        };
        let properties = rules.get("properties").and_then(Json::as_object);
        let patterns = rules.contains_key("patternProperties");
        for (key, value) in map {
            if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                self.check(schema, value, &at(key), found);
                continue;
            }
            match rules.get("additionalProperties") {
                Some(Json::Bool(false)) if !patterns => {
                    let known = properties.into_iter().flat_map(Map::keys).map(String::as_str);
                    let hint = nearest(key, known).map_or_else(String::new, |near| format!("; did you mean {near}?"));
                    found.push(format!("{} is not known to the addon{hint}", at(key)));
                }
                Some(schema @ Json::Object(_)) => self.check(schema, value, &at(key), found),
                _ => {}
            }
        }
        for key in words(rules.get("required")) {
            if !map.contains_key(key) {
                found.push(format!("{} is required", at(key)));
            }
        }
    }
}

/// A word, or a list of words.
fn words(value: Option<&Json>) -> Vec<&str> {
    match value {
        Some(Json::String(word)) => vec![word],
        Some(Json::Array(words)) => words.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn is(wanted: &str, value: &Json) -> bool {
    match wanted {
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        wanted => kind(value) == wanted,
    }
}

/// The bounds of numbers, texts and lists.
fn bounds(rules: &Map<String, Json>, value: &Json) -> Vec<String> {
    let rule = |name: &str| rules.get(name).and_then(Json::as_f64);
    let length = |length: usize| u32::try_from(length).map_or(f64::INFINITY, f64::from);
    let (size, least, most, what) = match value {
        Json::Number(number) => (number.as_f64().unwrap_or_default(), "minimum", "maximum", ""),
        Json::String(text) => (length(text.chars().count()), "minLength", "maxLength", " characters"),
        Json::Array(items) => (length(items.len()), "minItems", "maxItems", " items"),
        _ => return Vec::new(),
    };
    let below = rule(least).filter(|least| size < *least);
    let above = rule(most).filter(|most| size > *most);
    let below = below.map(|least| format!("has {size}{what}, below the least of {least}"));
    let above = above.map(|most| format!("has {size}{what}, above the most of {most}"));
    below.into_iter().chain(above).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Json {
        json!({
            "$ref": "#/definitions/Coredns",
            "definitions": {
                "Coredns": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "replicaCount": {"type": "integer", "minimum": 1},
                        "computeType": {"type": "string", "enum": ["ec2", "fargate"]},
                        "autoScaling": {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["enabled"],
                            "properties": {"enabled": {"type": "boolean"}},
                        },
                        "tolerations": {"type": "array", "items": {"$ref": "#/definitions/Toleration"}},
                        "port": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                        "podLabels": {"type": "object", "additionalProperties": {"type": "string"}},
                    },
                },
                "Toleration": {"type": "object", "properties": {"key": {"type": "string"}}},
            },
        })
    }

    #[test]
    fn what_the_schema_allows_passes() {
        let values = json!({
            "replicaCount": 2, "computeType": "ec2", "autoScaling": {"enabled": true}, "tolerations": [{"key": "a"}],
            "port": "dns", "podLabels": {"a": "b"},
        });
        assert_eq!(violations(&schema(), &values), Vec::<String>::new());
        assert_eq!(violations(&schema(), &json!({})), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_told_with_its_path() {
        let values = json!({
            "replicaCuont": 2, "replicaCount": 0, "computeType": "fargat", "autoScaling": {}, "tolerations": [{"key": 1}],
            "port": true, "podLabels": {"a": 1},
        });
        let found = violations(&schema(), &values);
        let begins = |text: &str| found.iter().any(|reason| reason.starts_with(text));
        for text in [
            "replicaCuont is not known to the addon; did you mean replicaCount?",
            "replicaCount has 0, below the least of 1",
            "computeType must be one of",
            "autoScaling.enabled is required",
            "tolerations[0].key must be string, but is integer",
            "port fits none",
            "podLabels.a must be string",
        ] {
            assert!(begins(text), "{text}: {found:?}");
        }
        assert_eq!(found.len(), 7, "{found:?}");
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/a"}}});
        assert_eq!(violations(&schema, &json!({"a": 1})), Vec::<String>::new());
    }
}
