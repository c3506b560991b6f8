//! What every registered resource must do. A new one is tested by being registered.

use futures::{StreamExt, stream};
use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::{Value as Json, json};
use std::{collections::BTreeSet, sync::Mutex};

use crate::{
    Cloud,
    golden::{assert_golden, root},
    programs,
    provider::{Kept, Provider},
    world::World,
};

/// What exists in the state alone: nothing of it can be gone.
const STATE_ALONE: &[&str] = &[
    "groundwork:index:Stamp",
    "groundwork:kubernetes:Gate",
    "groundwork:teardown:Audit",
];
/// What cannot be told from what is there.
const NEVER_IMPORTED: &[&str] = &["groundwork:kubernetes:Gate", "groundwork:kubernetes:Patch"];

/// Whether a resource needs a cluster whose API answers.
fn lives_in_a_cluster(token: &str) -> bool {
    ["groundwork:kubernetes:", "groundwork:helm:", "groundwork:flux:"]
        .iter()
        .any(|module| token.starts_with(module))
}

/// The one resource that a run is for: `GROUNDWORK_RESOURCE=groundwork:ec2:Vpc`.
fn only() -> Option<String> {
    let only = std::env::var("GROUNDWORK_RESOURCE").ok()?;
    let known = groundwork_contract::all().iter().any(|contract| contract.token == only);
    assert!(known, "no resource is called {only}");
    Some(only)
}

/// Where a kind of resource is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In AWS.
    Aws,
    /// In a cluster whose API answers, so that its cloud has Kubernetes.
    Cluster,
}

impl Place {
    /// A cloud that has what this place needs.
    pub(crate) async fn cloud(self) -> Cloud {
        match self {
            Self::Aws => Cloud::up().await,
            Self::Cluster => Cloud::with(|options| options.kubernetes = Some(programs().join("groundwork"))).await,
        }
    }
}

/// Runs a case for every registered resource of a place, some at a time, and tells of all that fail.
pub(crate) async fn for_every_resource<F: Future<Output = ()> + Send + 'static>(
    place: Place,
    at_once: usize,
    case: impl Fn(&'static str) -> F,
) {
    let only = only();
    let contracts: Vec<_> = groundwork_contract::all()
        .into_iter()
        .filter(|contract| lives_in_a_cluster(contract.token) == (place == Place::Cluster))
        .filter(|contract| only.as_ref().is_none_or(|only| contract.token == only))
        // Its Job needs a machine, and has a test of its own (`flux.rs`).
        .filter(|contract| contract.token != "groundwork:flux:Bootstrap")
        .collect();
    let mut cases = stream::iter(contracts)
        .map(|contract| {
            let case = case(contract.token);
            // In a task of its own, so that one that panics does not end the others.
            async move { (contract.token, tokio::spawn(case).await) }
        })
        .buffer_unordered(at_once);
    let mut failed = Vec::new();
    while let Some((token, ended)) = cases.next().await {
        if ended.is_err() {
            failed.push(token);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_lives_its_life() {
    let mut states = lives(Place::Aws, 6).await;
    states.extend(lives(Place::Cluster, 2).await);
    if only().is_none() {
        hold_against_kept(&states);
    }
}

/// Takes every resource of a place through its life, each in a cloud of its own, as names are taken once. Returns the state
/// of each.
async fn lives(place: Place, at_once: usize) -> Vec<Kept> {
    let states: &'static Mutex<Vec<Kept>> = Box::leak(Box::default());
    for_every_resource(place, at_once, move |token| async move {
        let cloud = place.cloud().await;
        let provider = &Provider::start(&cloud).await;
        let before = cloud.dump().await;
        let mut world = World::new();
        let inputs = world.inputs(provider, token, "one").await;
        if place == Place::Cluster {
            world.admit(provider).await;
        }

        let preview = provider.preview(token, "one", &inputs).await;
        assert_eq!(preview, inputs, "{token}: a preview guesses nothing");

        let made = provider
            .create(token, "one", &inputs)
            .await
            .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
        provider.assert_same(&made, &inputs, "right after create").await;
        states.lock().unwrap().push(made.clone());

        let seen = provider
            .read(&made)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{token}: gone at once"));
        assert_eq!(seen, made, "{token}: a refresh right after create changes nothing");

        let imported = provider.import(token, "one", &made.id).await;
        if NEVER_IMPORTED.contains(&token) {
            assert!(imported.is_err(), "{token}: {imported:?}");
        } else {
            let imported = imported.unwrap().unwrap();
            if token == "groundwork:helm:Release" {
                // A release keeps its chart, and not where that came from: the program has to say it.
                assert_eq!(imported.id, made.id);
                assert!(imported.inputs["chart"].as_str().is_some());
            } else {
                let rechecked = provider.checked(token, "one", &imported.inputs).await;
                provider
                    .assert_same(&imported, &rechecked, "imported, against itself")
                    .await;
                provider
                    .assert_same(&imported, &inputs, "imported, against the program")
                    .await;
            }
        }

        let made = match world.changed(provider, token, "one").await {
            None => made,
            Some(changed) => {
                let diff = provider.diff(&made, &changed).await;
                assert!(!diff.diffs.is_empty(), "{token}: the example's update changes nothing");
                assert!(
                    diff.replaces.is_empty(),
                    "{token}: the example's update replaces: {:?}",
                    diff.replaces
                );
                let updated = provider
                    .update(&made, &changed)
                    .await
                    .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
                let seen = provider.read(&updated).await.unwrap().unwrap();
                assert_eq!(seen, updated, "{token}: a refresh right after update changes nothing");
                let back = provider
                    .update(&updated, &inputs)
                    .await
                    .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
                provider
                    .assert_same(&provider.read(&back).await.unwrap().unwrap(), &inputs, "changed back")
                    .await;
                back
            }
        };

        provider
            .delete(&made)
            .await
            .unwrap_or_else(|status| panic!("{token}: {}", status.message()));
        provider
            .delete(&made)
            .await
            .unwrap_or_else(|status| panic!("{token} twice: {}", status.message()));
        world.tear_down(provider).await;
        if !STATE_ALONE.contains(&token) {
            assert_eq!(
                provider.read(&made).await.unwrap(),
                None,
                "{token}: what is gone reads as gone"
            );
        }
        assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new(), "{token}");
    })
    .await;
    std::mem::take(&mut states.lock().unwrap())
}

/// Holds what is written to a state today against the one that is kept of this version (`src/provider/state.rs`):
/// another form of it needs another version.
pub(crate) fn hold_against_kept(states: &[Kept]) {
    const KEPT: &str = "tests/golden/states/v1.json";
    let json = |map: &PropertyMap| PropertyValue::Object(map.clone()).to_json().unwrap();
    let now: Vec<Json> = states
        .iter()
        .map(|kept| {
            json!({
                "type": kept.token,
                "id": kept.id,
                "inputs": json(&kept.inputs),
                "outputs": json(&kept.properties),
            })
        })
        .collect();
    let form = |states: &[Json]| -> Vec<(String, BTreeSet<String>)> {
        let keys = |state: &Json| state["outputs"].as_object().unwrap().keys().cloned().collect();
        states
            .iter()
            .map(|state| (state["type"].to_string(), keys(state)))
            .collect()
    };
    let kept = std::fs::read_to_string(root().join(KEPT)).unwrap_or_else(|_| "[]".to_owned());
    let kept: Vec<Json> = serde_json::from_str(&kept).unwrap();
    // What another test makes stays as it is.
    let others = kept
        .iter()
        .filter(|state| now.iter().all(|made| made["type"] != state["type"]));
    let mut now: Vec<Json> = others.chain(&now).cloned().collect();
    now.sort_by_key(|state| state["type"].to_string());
    if form(&kept) != form(&now) {
        // Ids and addresses are new each time, so it is only written when its form is.
        assert_golden(KEPT, &(serde_json::to_string_pretty(&now).unwrap() + "\n"));
    }
}

/// A value of an example at a first preview: what another resource answers is unknown, wherever it stands.
fn unknown(value: &serde_json::Value) -> PropertyValue {
    match value {
        serde_json::Value::String(text) if text.starts_with('$') => PropertyValue::UNKNOWN,
        serde_json::Value::Array(items) => PropertyValue::Array(items.iter().map(unknown).collect()),
        serde_json::Value::Object(map) => {
            PropertyValue::Object(map.iter().map(|(key, value)| (key.clone(), unknown(value))).collect())
        }
        other => PropertyValue::from(other.clone()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_checks_what_is_not_known_yet() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    for contract in groundwork_contract::all() {
        let unknown = contract
            .inputs
            .fields
            .iter()
            .filter(|field| field.required)
            .map(|field| (field.name.to_owned(), PropertyValue::UNKNOWN))
            .chain(
                contract
                    .example
                    .inputs
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name.clone(), unknown(value))),
            )
            .collect();
        let inputs = provider.checked(contract.token, "unknown", &unknown).await;
        provider.preview(contract.token, "unknown", &inputs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_names_its_mistakes() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    for contract in groundwork_contract::all() {
        let wrong = [("tgas".to_owned(), PropertyValue::Bool(true))].into();
        let (_, failures) = provider.check(contract.token, "wrong", &wrong).await;
        let required = contract.inputs.fields.iter().filter(|field| field.required).count();
        assert!(failures.len() > required, "{}: {failures:?}", contract.token);
        assert!(
            failures.iter().any(|failure| failure.property == "tgas"),
            "{}: {failures:?}",
            contract.token
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_id_is_refused_before_aws_is_asked() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let since = cloud.cloud.journal(0).await.unwrap().len();
    for contract in groundwork_contract::all() {
        let error = provider.import(contract.token, "wrong", "no id!").await.unwrap_err();
        assert_eq!(
            error.code(),
            tonic::Code::InvalidArgument,
            "{}: {error}",
            contract.token
        );
    }
    assert_eq!(cloud.cloud.journal(0).await.unwrap().len(), since);
}
