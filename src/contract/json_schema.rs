//! JSON Schema, for editors: what a `Pulumi.<stack>.yaml` may say.
//!
//! Form: draft-07, which editors' YAML support understands.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::shape::{ChoiceSpec, FieldSpec, ObjectSpec, Spec};

/// The schema of a stack's file whose configuration has these namespaces, each with its settings.
///
/// What is said in other namespaces, and beside the configuration, is Pulumi's affair and left alone.
#[must_use]
pub fn stack_file(title: &str, namespaces: &[(&str, ObjectSpec)]) -> Json {
    let mut types = Types::default();
    let mut settings = Map::new();
    let mut unknown = Map::new();
    for (namespace, spec) in namespaces {
        let names: Vec<_> = spec.fields.iter().map(|field| field.name).collect();
        for field in &spec.fields {
            let schema = types.setting(namespace, field);
            settings.insert(format!("{namespace}:{}", field.name), schema);
        }
        unknown.insert(format!("^{namespace}:(?!({})$)", names.join("|")), json!(false));
    }
    types.0.insert(
        SECURE.to_owned(),
        json!({
            "description": "A secret, as `pulumi config set --secret` writes it.",
            "type": "object",
            "properties": {"secure": {"type": "string"}},
            "required": ["secure"],
            "additionalProperties": false,
        }),
    );
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "type": "object",
        "properties": {
            "config": {
                "description": "The stack's configuration.",
                "type": "object",
                "properties": settings,
                "patternProperties": unknown,
            },
        },
        "definitions": types.0,
    })
}

const SECURE: &str = "secure";

/// The named types met on the way.
#[derive(Default)]
struct Types(BTreeMap<String, Json>);

impl Types {
    /// A setting at the top: it may be a secret, and `pulumi config set` writes numbers and booleans as text.
    fn setting(&mut self, namespace: &str, field: &FieldSpec) -> Json {
        let mut forms = vec![self.form(namespace, &field.spec)];
        match &field.spec {
            Spec::Bool => forms.push(json!({"enum": ["true", "false"]})),
            Spec::Integer { .. } => forms.push(json!({"type": "string", "pattern": "^-?[0-9]+$"})),
            Spec::Number => forms.push(json!({"type": "string", "pattern": "^-?[0-9.eE+-]+$"})),
            _ => {}
        }
        forms.push(json!({"$ref": format!("#/definitions/{SECURE}")}));
        described(json!({"anyOf": forms}), field)
    }

    fn form(&mut self, namespace: &str, spec: &Spec) -> Json {
        match spec {
            Spec::Bool => json!({"type": "boolean"}),
            Spec::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            Spec::Number => json!({"type": "number"}),
            Spec::Text(text) if text.what == text.example => json!({"type": "string"}),
            Spec::Text(text) => json!({"type": "string", "title": text.what, "examples": [text.example]}),
            Spec::List(item) => json!({"type": "array", "items": self.form(namespace, item)}),
            Spec::Set(item) => json!({"type": "array", "items": self.form(namespace, item), "uniqueItems": true}),
            Spec::Map(item) => json!({"type": "object", "additionalProperties": self.form(namespace, item)}),
            Spec::Document => json!({"type": ["string", "object"]}),
            Spec::Any => json!({}),
            Spec::Choice(choice) => self.choice(namespace, choice),
            Spec::Object(object) => self.object(namespace, object),
        }
    }

    fn object(&mut self, namespace: &str, object: &ObjectSpec) -> Json {
        let name = format!("{namespace}.{}", object.name);
        if !self.0.contains_key(&name) {
            // Reserved first: a type may contain itself.
            self.0.insert(name.clone(), Json::Null);
            let mut properties = Map::new();
            for field in &object.fields {
                let schema = described(as_member(self.form(namespace, &field.spec)), field);
                properties.insert(field.name.to_owned(), schema);
            }
            let required: Vec<_> = object
                .fields
                .iter()
                .filter(|field| field.required)
                .map(|field| field.name)
                .collect();
            let schema = json!({
                "description": object.docs,
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            });
            self.0.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/definitions/{name}")})
    }

    /// A word at a time, so that an editor shows what each means.
    fn choice(&mut self, namespace: &str, choice: &ChoiceSpec) -> Json {
        let name = format!("{namespace}.{}", choice.name);
        let words: Vec<_> = choice
            .words
            .iter()
            .map(|(word, docs)| json!({"const": word, "description": docs}))
            .collect();
        let schema = json!({"description": choice.docs, "type": "string", "oneOf": words});
        self.0.entry(name.clone()).or_insert(schema);
        json!({"$ref": format!("#/definitions/{name}")})
    }
}

/// Draft-07 ignores whatever stands beside a reference, so a reference with a description is wrapped.
fn as_member(form: Json) -> Json {
    if form.get("$ref").is_some() {
        json!({"allOf": [form]})
    } else {
        form
    }
}

fn described(mut schema: Json, field: &FieldSpec) -> Json {
    if let Json::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), json!(field.docs));
        if let Some(default) = &field.default {
            schema.insert("default".to_owned(), default.clone());
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use groundwork_contract_derive::shape;

    use super::*;
    use crate::descriptor::object;

    /// Settings.
    #[shape(settings)]
    struct Sample {
        /// How many.
        count: Option<u8>,
        /// Where.
        place: Option<SamplePlace>,
        /// Which.
        #[default(SampleWord::One)]
        word: SampleWord,
    }

    /// A place.
    #[shape(settings)]
    struct SamplePlace {
        /// Its name.
        name: String,
        /// Which.
        word: Option<SampleWord>,
    }

    /// A word.
    #[shape]
    enum SampleWord {
        /// The first.
        One,
    }

    fn schema() -> Json {
        stack_file("t", &[("platform", object::<Sample>())])
    }

    #[test]
    fn a_setting_is_typed_or_text_or_secret() {
        let count = schema()["properties"]["config"]["properties"]["platform:count"].clone();
        let forms = [
            json!({"type": "integer", "minimum": 0, "maximum": 255}),
            json!({"type": "string", "pattern": "^-?[0-9]+$"}),
            json!({"$ref": "#/definitions/secure"}),
        ];
        assert_eq!(count, json!({"anyOf": forms, "description": "How many."}));
    }

    #[test]
    fn a_misspelt_setting_is_wrong_and_another_namespace_is_left_alone() {
        let config = schema()["properties"]["config"].clone();
        assert_eq!(
            config["patternProperties"],
            json!({"^platform:(?!(count|place|word)$)": false})
        );
        assert_eq!(config.get("additionalProperties"), None);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = schema();
        let text = schema.to_string();
        let references: Vec<_> = text
            .split("\"#/definitions/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(references.len() >= 4, "{text}");
        for name in references {
            assert!(schema["definitions"][name].is_object(), "{name}");
        }
        assert_eq!(
            schema["definitions"]["platform.SamplePlace"]["required"],
            json!(["name"])
        );
        assert_eq!(
            schema["definitions"]["platform.SamplePlace"]["additionalProperties"],
            json!(false)
        );
        assert_eq!(schema["definitions"]["platform.SampleWord"]["oneOf"][0]["const"], "one");
    }
}
