//! States that were written once, and that every later version must read: `tests/golden/states`.

use std::{collections::BTreeMap, fs, sync::Arc};

use groundwork_contract::Contract;
use groundwork_wire::{
    PropertyMap,
    codec::{from_optional, to_struct},
    proto::{ConfigureRequest, diff_response::DiffChanges, resource_provider_server::ResourceProvider},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tonic::Request;

use super::{
    Kept, Stage,
    golden::{assert_golden, root},
    json as as_json, properties,
    wire::{Reply, Wire},
};
use crate::{
    clients::Aws,
    registry::Registry,
    resource::Resource,
    rpc::Provider,
    state::{self, SCHEMA},
};

const FOLDER: &str = "../../tests/golden/states";

/// One resource, as `pulumi stack export` shows it.
#[derive(Debug, Serialize, Deserialize)]
struct Exported {
    #[serde(rename = "type")]
    token: String,
    id: String,
    inputs: Json,
    outputs: Json,
}

impl Exported {
    fn kept(&self) -> Kept {
        Kept {
            id: self.id.clone(),
            inputs: properties(self.inputs.clone()),
            properties: properties(self.outputs.clone()),
        }
    }
}

fn stage(token: &str, provider: Provider) -> Stage {
    Stage {
        provider,
        ..Stage::new(token)
    }
}

/// Whether a state reads as today's types say.
type Decode = fn(&Aws, &Kept) -> Result<(), String>;

fn decode<R: Resource>(aws: &Aws, kept: &Kept) -> Result<(), String> {
    kept.id.parse::<R::Id>().map_err(|error| format!("its id: {error}"))?;
    let state = state::decode::<R>(aws, &kept.properties, &kept.inputs).map_err(|error| error.to_string())?;
    state.outputs.map(drop).ok_or_else(|| "it has no outputs".to_owned())
}

macro_rules! decoders {
    ($($resource:ty),+ $(,)?) => {
        [$((<$resource as Contract>::TOKEN, decode::<$resource> as Decode)),+].into()
    };
}

#[tokio::test]
async fn every_state_that_was_ever_written_is_read_and_needs_no_change() {
    let decoders: BTreeMap<&str, Decode> = groundwork_contract::resources!(decoders);
    for version in 1..=SCHEMA {
        let text = fs::read_to_string(root().join(FOLDER).join(format!("v{version}.json"))).unwrap();
        let exported: Vec<Exported> = serde_json::from_str(&text).unwrap();
        if version == SCHEMA {
            let mut tokens: Vec<&str> = exported.iter().map(|resource| resource.token.as_str()).collect();
            tokens.sort_unstable();
            assert!(tokens.iter().eq(decoders.keys()), "one of each: {tokens:?}");
        }
        for resource in exported {
            let token = &resource.token;
            let origin = &resource.outputs[state::ORIGIN];
            assert_eq!(origin["schema"], version, "{token}");
            // No AWS: whatever asks it fails.
            let aws = Wire::new(|_| Reply::Reset)
                .aws(origin["account"].as_str().unwrap(), origin["region"].as_str().unwrap());
            let as_written = resource.kept();
            let mut kept = as_written.clone();
            state::upgrade(token, &mut kept.properties, &mut kept.inputs);
            decoders[token.as_str()](&aws, &kept).unwrap_or_else(|why| panic!("{token} of version {version}: {why}"));

            let stage = stage(
                token,
                Provider::configured(Registry::standard(), aws, PropertyMap::new()),
            );
            let checked = stage.check(Some(&kept.inputs), as_json(&kept.inputs)).await;
            assert!(
                checked.failures.is_empty(),
                "{token} of version {version}: {:?}",
                checked.failures
            );
            let inputs = as_json(&from_optional(checked.inputs.as_ref()));
            let diff = stage.diff(&as_written, inputs, &[]).await;
            assert_eq!(
                diff.changes(),
                DiffChanges::DiffNone,
                "{token} of version {version}: {:?}",
                diff.detailed_diff
            );
        }
    }
}

/// Makes the example of every type, each with what it needs, on the AWS of the environment.
#[derive(Default)]
struct Examples {
    made: BTreeMap<&'static str, Kept>,
    order: Vec<(Stage, Kept)>,
}

impl Examples {
    async fn make(&mut self, token: &str) -> Kept {
        if let Some(kept) = self.made.get(token) {
            return kept.clone();
        }
        let contract = groundwork_contract::all()
            .into_iter()
            .find(|contract| contract.token == token)
            .unwrap();
        for needed in contract.example.needs {
            Box::pin(self.make(needed)).await;
        }
        let inputs = Box::pin(self.resolve(contract.example.inputs)).await;
        let stage = stage(token, configured().await);
        let kept = stage
            .create(inputs)
            .await
            .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
        stage.cancel().await;
        self.made.insert(contract.token, kept.clone());
        self.order.push((stage, kept.clone()));
        kept
    }

    /// The inputs with the ids and outputs of other examples that they name.
    async fn resolve(&mut self, json: Json) -> Json {
        match json {
            Json::String(text) if text.starts_with("$groundwork:") => {
                let reference = &text[1..];
                let (token, property) = reference.split_once('.').unwrap_or((reference, ""));
                let kept = Box::pin(self.make(token)).await;
                match kept.properties.get(property) {
                    Some(value) => value.to_json().unwrap(),
                    None => Json::String(kept.id),
                }
            }
            Json::Array(items) => {
                let mut resolved = Vec::new();
                for item in items {
                    resolved.push(Box::pin(self.resolve(item)).await);
                }
                Json::Array(resolved)
            }
            Json::Object(map) => {
                let mut resolved = serde_json::Map::new();
                for (key, value) in map {
                    resolved.insert(key, Box::pin(self.resolve(value)).await);
                }
                Json::Object(resolved)
            }
            other => other,
        }
    }
}

async fn configured() -> Provider {
    let provider = Provider::new(Registry::standard(), None);
    let request = ConfigureRequest {
        args: Some(to_struct(&PropertyMap::new())),
        ..ConfigureRequest::default()
    };
    provider.configure(Request::new(request)).await.unwrap();
    provider
}

/// Once for each version, before its release: `groundwork local up --settle 50ms`, its `env`, and `GROUNDWORK_BLESS=1`.
#[tokio::test]
#[ignore = "writes the state of this version, on a local cloud"]
async fn a_state_of_this_version_is_kept() {
    let mut examples = Examples::default();
    for contract in groundwork_contract::all() {
        examples.make(contract.token).await;
    }
    let exported: Vec<Exported> = examples
        .made
        .iter()
        .map(|(token, kept)| Exported {
            token: (*token).to_owned(),
            id: kept.id.clone(),
            inputs: as_json(&kept.inputs),
            outputs: as_json(&kept.properties),
        })
        .collect();
    for (made, kept) in examples.order.iter().rev() {
        // The one that made it has been cancelled.
        let stage = Stage {
            provider: configured().await,
            wire: made.wire.clone(),
            urn: made.urn.clone(),
            world: Arc::clone(&made.world),
        };
        stage
            .delete(kept)
            .await
            .unwrap_or_else(|status| panic!("{}", status.message()));
    }
    let text = serde_json::to_string_pretty(&exported).unwrap() + "\n";
    assert_golden(&format!("{FOLDER}/v{SCHEMA}.json"), &text);
}
