//! The hand-over to Flux, in a cluster whose API answers.

use groundwork_wire::PropertyValue;
use serde_json::json;

use crate::{
    Cloud,
    lifecycle::hold_against_kept,
    programs,
    provider::{Kept, Provider},
    world::World,
};

const BOOTSTRAP: &str = "groundwork:flux:Bootstrap";
const PROFILE: &str = "groundwork:eks:FargateProfile";
const ENTRY: &str = "groundwork:eks:AccessEntry";
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

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_leaves_flux_and_nothing_of_its_own() {
    let cloud = Cloud::with(|options| options.kubernetes = Some(programs().join("groundwork"))).await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, BOOTSTRAP, "one").await;
    // Its pod has to run somewhere, and there is no CNI.
    let mut profile = world.inputs(&provider, PROFILE, "one").await;
    let selected = json!([{"namespace": "flux-bootstrap"}]);
    profile.insert("selectors".to_owned(), PropertyValue::from(selected));
    let profile = provider
        .create(PROFILE, "one", &profile)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    let caller = provider
        .invoke("groundwork:sts:getCallerIdentity", json!({}))
        .await
        .unwrap();
    let mut entry = world.inputs(&provider, ENTRY, "one").await;
    entry.remove("kubernetesGroups");
    entry.insert("principalArn".to_owned(), caller["arn"].clone());
    let admin = json!([{
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "accessScope": {"type": "cluster"},
    }]);
    entry.insert("policies".to_owned(), PropertyValue::from(admin));
    let entry = provider.checked(ENTRY, "one", &entry).await;
    let entry = provider
        .create(ENTRY, "one", &entry)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
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
    provider.delete(&entry).await.unwrap();
    provider.delete(&profile).await.unwrap();
    world.tear_down(&provider).await;
}
