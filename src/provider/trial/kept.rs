//! States that were written once, and that every later version must read: `tests/golden/states`.
//! The life of every resource on the local cloud (`tests/cloud`) holds the newest of them to what is written today.

use std::{collections::BTreeMap, fs};

use groundwork_contract::Contract;
use groundwork_wire::{PropertyMap, codec::from_optional, proto::diff_response::DiffChanges};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    Kept, Stage,
    golden::root,
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
#[derive(Debug, Deserialize)]
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
