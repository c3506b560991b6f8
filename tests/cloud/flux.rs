//! The hand-over to Flux, in a cluster whose API answers.

use groundwork_wire::{PropertyMap, PropertyValue, status::init_failed};
use serde_json::json;

use crate::{
    lifecycle::{Place, hold_against_kept},
    objects::kubectl,
    provider::{Kept, Provider, properties, shown},
    world::World,
};

const BOOTSTRAP: &str = "groundwork:flux:Bootstrap";
const PROFILE: &str = "groundwork:eks:FargateProfile";
const MANIFEST: &str = "groundwork:kubernetes:Manifest";

async fn is_there(provider: &Provider, object: &str) -> bool {
    let found = provider.import(MANIFEST, "one", object).await;
    found
        .unwrap_or_else(|status| panic!("{object}: {}", status.message()))
        .is_some()
}

fn completed_at(kept: &Kept) -> String {
    assert_eq!(
        kept.properties["stage"].as_str(),
        Some("done"),
        "{:?}",
        kept.properties["stage"]
    );
    kept.properties["completedAt"].as_str().unwrap().to_owned()
}

/// A cluster that takes a bootstrap: its inputs, and the profile by which its pod runs, for there is no CNI.
async fn ready(provider: &Provider) -> (World, PropertyMap, Kept) {
    let mut world = World::new();
    let inputs = world.inputs(provider, BOOTSTRAP, "one").await;
    let mut profile = world.inputs(provider, PROFILE, "one").await;
    let selected = json!([{"namespace": "flux-bootstrap"}]);
    profile.insert("selectors".to_owned(), PropertyValue::from(selected));
    let profile = provider
        .create(PROFILE, "one", &profile)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    world.admit(provider).await;
    (world, inputs, profile)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_leaves_flux_and_nothing_of_its_own() {
    let cloud = Place::Cluster.cloud().await;
    let provider = Provider::start(&cloud).await;
    let (world, inputs, profile) = ready(&provider).await;
    let made = provider
        .create(BOOTSTRAP, "one", &inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    completed_at(&made);
    hold_against_kept(std::slice::from_ref(&made));
    let cluster = made.id.split('/').next().unwrap().to_owned();
    let own = [
        format!("{cluster}/v1/Namespace/-/flux-bootstrap"),
        format!("{cluster}/rbac.authorization.k8s.io/v1/ClusterRoleBinding/-/groundwork:flux-bootstrap"),
    ];
    for object in &own {
        assert!(!is_there(&provider, object).await, "{object} stayed");
    }
    let marker = format!("{cluster}/v1/ConfigMap/flux-system/groundwork-flux-bootstrap");
    assert!(is_there(&provider, &marker).await);
    assert_eq!(
        provider.read(&made).await.unwrap().unwrap(),
        made,
        "a refresh changes nothing"
    );

    let imported = provider.import(BOOTSTRAP, "one", &made.id).await.unwrap().unwrap();
    provider
        .assert_same(&imported, &inputs, "imported, against the program")
        .await;

    // Another token runs it again.
    let mut rotated = inputs.clone();
    rotated.insert(
        "token".to_owned(),
        PropertyValue::secret(PropertyValue::from(json!("another-example"))),
    );
    let diff = provider.diff(&made, &rotated).await;
    assert_eq!(diff.detailed_diff.keys().collect::<Vec<_>>(), ["token"]);
    let again = provider
        .update(&made, &rotated)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    completed_at(&again);
    for object in &own {
        assert!(!is_there(&provider, object).await, "{object} stayed");
    }

    provider
        .delete(&again)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    assert_eq!(provider.read(&again).await.unwrap(), None);
    assert!(!is_there(&provider, &marker).await);
    provider.delete(&again).await.unwrap();
    provider.delete(&profile).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_that_fails_tells_its_pods_last_words_and_no_secret_and_the_next_run_mends_it() {
    let cloud = Place::Cluster.cloud().await;
    cloud.cloud.set_hazard("flux-bootstrap").await.unwrap();
    let provider = Provider::start(&cloud).await;
    let (world, inputs, profile) = ready(&provider).await;
    let status = provider.create(BOOTSTRAP, "one", &inputs).await.unwrap_err();
    let why = init_failed(&status).unwrap().reasons.join("\n");
    assert!(why.contains("flux bootstrap failed (BackoffLimitExceeded: "), "{why}");
    assert!(
        why.contains("said last:") && why.contains("401 Bad credentials"),
        "{why}"
    );
    let token = inputs["token"].to_json().unwrap();
    let token = token.as_str().unwrap();
    let kept = Provider::kept_of(BOOTSTRAP, "one", &inputs, &status).unwrap();
    let shown = format!("{why}{}{}", status.message(), shown(&kept.properties));
    assert!(!token.is_empty() && !shown.contains(token), "{shown}");

    cloud.cloud.clear_hazards().await.unwrap();
    let next = Provider::start(&cloud).await;
    let made = next
        .update(&kept, &inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    completed_at(&made);

    // Flux goes on elsewhere too, until it is suspended everywhere.
    let cluster = world.cluster();
    let everywhere = |kinds: &str, path: &str| {
        let output = format!("--output=jsonpath={{.items[*]{path}}}");
        kubectl(&cloud, &cluster, &["get", kinds, "--all-namespaces", &output])
    };
    let kinds = "kustomizations.kustomize.toolkit.fluxcd.io,helmreleases.helm.toolkit.fluxcd.io";
    let teams = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "team", "namespace": "default"},
        "spec": {"interval": "10m", "path": "./team", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "team"}}});
    let teams = next
        .checked(
            MANIFEST,
            "team",
            &properties(
                json!({"connection": inputs["connection"].to_json().unwrap(), "manifest": teams, "waitFor": "exists"}),
            ),
        )
        .await;
    next.create(MANIFEST, "team", &teams)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    next.delete(&made).await.unwrap();
    assert_eq!(everywhere(kinds, ".metadata.name"), "team flux-system");
    assert_eq!(everywhere(kinds, ".spec.suspend"), "true true");
    next.delete(&profile).await.unwrap();
    world.tear_down(&next).await;
}
