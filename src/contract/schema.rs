//! The Pulumi package schema, made from the contracts.
//!
//! Form: Pulumi's package metaschema (`pulumi schema check` accepts it).

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::{
    descriptor::{Descriptor, FunctionDescriptor},
    shape::{ChoiceSpec, FieldSpec, ObjectSpec, Spec},
};

/// The package's name: the first part of every token.
pub const PACKAGE: &str = "groundwork";

/// The schema of a package.
#[must_use]
pub fn package(version: &str, config: &ObjectSpec, resources: &[Descriptor], functions: &[FunctionDescriptor]) -> Json {
    let mut types = Types::default();
    let config_types = types.properties("config", config);
    let resource_docs: Map<String, Json> = resources
        .iter()
        .map(|resource| (resource.token.to_owned(), resource_schema(&mut types, resource)))
        .collect();
    let function_docs: Map<String, Json> = functions
        .iter()
        .map(|function| (function.token.to_owned(), function_schema(&mut types, function)))
        .collect();
    json!({
        "name": PACKAGE,
        "displayName": "Groundwork",
        "version": version,
        "description": "The ground under a GitOps platform on AWS: network, EKS, identity, nodes, Cilium, Flux.",
        "keywords": ["pulumi", "aws", "eks", "kubernetes", "category/cloud"],
        "license": "Apache-2.0",
        "meta": {"moduleFormat": "(.*)"},
        "config": {"variables": config_types.clone()},
        "provider": {"description": config.docs, "inputProperties": config_types},
        "types": types.0,
        "resources": resource_docs,
        "functions": function_docs,
    })
}

fn resource_schema(types: &mut Types, resource: &Descriptor) -> Json {
    let module = module_of(resource.token);
    let inputs = types.properties(module, &resource.inputs);
    let mut outputs = inputs.clone();
    outputs.extend(types.properties(module, &resource.outputs));
    // A default makes a property optional to give and certain to have.
    let certain = |field: &&FieldSpec| field.required || field.default.is_some();
    let mut required: Vec<&str> = resource
        .inputs
        .fields
        .iter()
        .filter(certain)
        .chain(resource.outputs.fields.iter().filter(certain))
        .map(|field| field.name)
        .collect();
    required.sort_unstable();
    required.dedup();
    json!({
        "description": resource.docs,
        "properties": outputs,
        "required": required,
        "inputProperties": inputs,
        "requiredInputs": required_of(&resource.inputs),
    })
}

fn function_schema(types: &mut Types, function: &FunctionDescriptor) -> Json {
    let module = module_of(function.token);
    json!({
        "description": function.docs,
        "inputs": {"properties": types.properties(module, &function.inputs), "required": required_of(&function.inputs)},
        "outputs": {"properties": types.properties(module, &function.result), "required": required_of(&function.result)},
    })
}

fn required_of(spec: &ObjectSpec) -> Vec<&'static str> {
    spec.fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect()
}

fn module_of(token: &str) -> &str {
    token.split(':').nth(1).unwrap_or("index")
}

/// The named types met on the way.
#[derive(Default)]
struct Types(BTreeMap<String, Json>);

impl Types {
    fn properties(&mut self, module: &str, spec: &ObjectSpec) -> Map<String, Json> {
        spec.fields
            .iter()
            .map(|field| (field.name.to_owned(), self.property(module, field)))
            .collect()
    }

    fn property(&mut self, module: &str, field: &FieldSpec) -> Json {
        let mut schema = self.reference(module, &field.spec);
        if let Json::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), json!(field.docs));
            if field.flags.immutable {
                schema.insert("replaceOnChanges".to_owned(), json!(true));
            }
            if field.flags.secret {
                schema.insert("secret".to_owned(), json!(true));
            }
            // The metaschema takes defaults of primitive types alone; Check knows the others.
            if let Some(default @ (Json::Bool(_) | Json::Number(_) | Json::String(_))) = &field.default {
                schema.insert("default".to_owned(), default.clone());
            }
        }
        schema
    }

    fn reference(&mut self, module: &str, spec: &Spec) -> Json {
        match spec {
            Spec::Bool => json!({"type": "boolean"}),
            Spec::Integer { .. } => json!({"type": "integer"}),
            Spec::Number => json!({"type": "number"}),
            Spec::Text(_) => json!({"type": "string"}),
            Spec::List(item) | Spec::Set(item) => json!({"type": "array", "items": self.reference(module, item)}),
            Spec::Map(item) => json!({"type": "object", "additionalProperties": self.reference(module, item)}),
            Spec::Any | Spec::Document => json!({"$ref": "pulumi.json#/Any"}),
            Spec::Choice(choice) => self.choice(module, choice),
            Spec::Object(object) => self.object(module, object),
        }
    }

    fn object(&mut self, module: &str, object: &ObjectSpec) -> Json {
        let token = format!("{PACKAGE}:{module}:{}", object.name);
        if !self.0.contains_key(&token) {
            // Reserved first: a type may contain itself.
            self.0.insert(token.clone(), Json::Null);
            let properties = self.properties(module, object);
            let schema = json!({
                "type": "object",
                "description": object.docs,
                "properties": properties,
                "required": required_of(object),
            });
            self.0.insert(token.clone(), schema);
        }
        json!({"$ref": format!("#/types/{token}")})
    }

    fn choice(&mut self, module: &str, choice: &ChoiceSpec) -> Json {
        let token = format!("{PACKAGE}:{module}:{}", choice.name);
        let words: Vec<Json> = choice
            .words
            .iter()
            .map(|(word, docs)| json!({"value": word, "description": docs}))
            .collect();
        self.0
            .entry(token.clone())
            .or_insert_with(|| json!({"type": "string", "description": choice.docs, "enum": words}));
        json!({"$ref": format!("#/types/{token}")})
    }
}
