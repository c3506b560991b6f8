//! What belongs to a cluster, on days that are not like the others.

use groundwork_local::cloud::Fault;
use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::json;

use crate::{
    Cloud,
    provider::{Provider, properties},
    recovery::fault,
    world::World,
};

const GROUP: &str = "groundwork:eks:NodeGroup";
const PROFILE: &str = "groundwork:eks:FargateProfile";
const ADDON: &str = "groundwork:eks:Addon";
const ENTRY: &str = "groundwork:eks:AccessEntry";

/// The inputs with some changed.
async fn with(provider: &Provider, token: &str, inputs: &PropertyMap, more: serde_json::Value) -> PropertyMap {
    let mut changed = inputs.clone();
    changed.extend(properties(more));
    provider.checked(token, "one", &changed).await
}

async fn operations(cloud: &Cloud, since: usize) -> Vec<String> {
    let calls = cloud.cloud.journal(0).await.unwrap();
    calls.into_iter().skip(since).map(|call| call.operation).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_a_disruption_budget_keeps_up_is_ended() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, GROUP, "one").await;
    let before = cloud.dump().await;
    // No time for draining at all, so that nothing has to be waited for here.
    let inputs = with(&provider, GROUP, &inputs, json!({"drainBudgetSeconds": 0})).await;
    let made = provider.create(GROUP, "one", &inputs).await.unwrap();
    cloud.cloud.set_hazard("pdb").await.unwrap();
    let since = operations(&cloud, 0).await.len();
    provider.delete(&made).await.unwrap();
    let calls = operations(&cloud, since).await;
    let place = |name: &str| calls.iter().position(|call| call == name);
    assert!(place("DeleteNodegroup") < place("TerminateInstances"), "{calls:?}");
    assert!(place("TerminateInstances").is_some(), "{calls:?}");
    cloud.cloud.clear_hazards().await.unwrap();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fargate_profiles_come_and_go_one_at_a_time() {
    let cloud = Cloud::with(|options| {
        options.rhythm = groundwork_local::Rhythm::Settle(std::time::Duration::from_millis(500));
    })
    .await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, PROFILE, "one").await;
    let before = cloud.dump().await;
    let other = with(&provider, PROFILE, &inputs, json!({"fargateProfileName": "other"})).await;
    // As the engine does: both at once, each way.
    let (one, two) = tokio::join!(
        provider.create(PROFILE, "one", &inputs),
        provider.create(PROFILE, "two", &other)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let since = cloud.cloud.journal(0).await.unwrap().len();
    let (first, second) = tokio::join!(provider.delete(&one), provider.delete(&two));
    for ended in [first, second] {
        ended.unwrap_or_else(|status| panic!("{}", status.message()));
    }
    let calls = cloud.cloud.journal(0).await.unwrap();
    let refused = calls
        .iter()
        .skip(since)
        .filter(|call| call.operation == "DeleteFargateProfile" && call.error_code.is_some());
    assert!(refused.count() > 0, "EKS let both go at once, which it does not");
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_changes_of_a_node_group_follow_each_other() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, GROUP, "one").await;
    let first = with(&provider, GROUP, &inputs, json!({"version": "1.33"})).await;
    let made = provider.create(GROUP, "one", &first).await.unwrap();
    let since = operations(&cloud, 0).await.len();
    let both = json!({"version": "1.34", "labels": {"role": "other"}, "forceUpdateVersion": true});
    let both = with(&provider, GROUP, &inputs, both).await;
    let changed = provider.update(&made, &both).await.unwrap();
    provider.assert_same(&changed, &both, "after both").await;
    let calls = operations(&cloud, since).await;
    let updates: Vec<&str> = calls
        .iter()
        .map(String::as_str)
        .filter(|call| call.starts_with("Update"))
        .collect();
    assert_eq!(updates, ["UpdateNodegroupConfig", "UpdateNodegroupVersion"]);
    // How the last one ended as well, for the group's status does not tell.
    let last = |name: &str| calls.iter().rposition(|call| call == name);
    assert!(last("DescribeUpdate") > last("UpdateNodegroupVersion"), "{calls:?}");
    provider.delete(&changed).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_update_shows_ekss_own_reason_and_the_next_run_asks_again() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, GROUP, "one").await;
    let made = provider.create(GROUP, "one", &inputs).await.unwrap();
    let changed = with(&provider, GROUP, &inputs, json!({"labels": {"role": "other"}})).await;
    cloud
        .cloud
        .set_fault(&Fault {
            kind: "fail_state".to_owned(),
            operation: Some("UpdateNodegroupConfig".to_owned()),
            count: Some(1),
            code: Some("PodEvictionFailure".to_owned()),
            message: Some("Reached max retries while trying to evict pods from nodes".to_owned()),
            ..Fault::default()
        })
        .await
        .unwrap();
    let refused = provider.update(&made, &changed).await.unwrap_err();
    // The reason goes with the state, in the details.
    let words = String::from_utf8_lossy(refused.details());
    assert!(words.contains("PodEvictionFailure: Reached max retries"), "{words}");
    assert!(words.contains("nothing is replaced"), "{words}");
    let kept = provider.read(&made).await.unwrap().unwrap();
    assert!(provider.diff(&kept, &changed).await.replaces.is_empty());
    let settled = provider.update(&kept, &changed).await.unwrap();
    provider.assert_same(&settled, &changed, "the second time").await;
    provider.delete(&settled).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_under_a_fixed_name_is_made_anew_under_it() {
    let cloud = Cloud::up().await;
    let mut provider = Provider::start(&cloud).await;
    let mut world = World::new();
    for (token, name, operation, code) in [
        (GROUP, "nodegroupName", "CreateNodegroup", "NodeCreationFailure"),
        (
            PROFILE,
            "fargateProfileName",
            "CreateFargateProfile",
            "PodExecutionRoleAlreadyInUse",
        ),
    ] {
        let inputs = world.inputs(&provider, token, "one").await;
        let inputs = with(&provider, token, &inputs, json!({name: "initial"})).await;
        let fault = Fault {
            code: Some(code.to_owned()),
            ..fault("fail_state", operation)
        };
        cloud.cloud.set_fault(&fault).await.unwrap();
        let failed = provider.create(token, "one", &inputs).await.unwrap_err();
        let kept = Provider::kept_of(token, "one", &inputs, &failed).expect("an id");

        // A run that knows nothing of it takes it over, so that nothing is lost.
        provider = Provider::start(&cloud).await;
        let failed = provider.create(token, "one", &inputs).await.unwrap_err();
        let again = Provider::kept_of(token, "one", &inputs, &failed).expect("an id");
        assert_eq!(again.id, kept.id);

        // And the next one replaces it, in the order that Diff asks for.
        provider = Provider::start(&cloud).await;
        let (inputs, _) = provider.check_with(token, "one", Some(&again.inputs), &inputs).await;
        let diff = provider.diff(&again, &inputs).await;
        assert_eq!(
            (diff.replaces, diff.delete_before_replace),
            (vec!["state".to_owned()], true)
        );
        let inputs = provider.checked(token, "one", &inputs).await;
        provider.delete(&again).await.unwrap();
        let made = provider
            .create(token, "one", &inputs)
            .await
            .unwrap_or_else(|status| panic!("{}", status.message()));
        assert_eq!(made.id, kept.id);
        provider.assert_same(&made, &inputs, "made anew").await;
        provider.delete(&made).await.unwrap();
    }
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_eks_made_is_taken_as_it_is_and_outlives_ours() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let group = world.inputs(&provider, GROUP, "one").await;
    let made = provider.create(GROUP, "one", &group).await.unwrap();
    let entry = PropertyMap::from([
        ("clusterName".to_owned(), group["clusterName"].clone()),
        ("principalArn".to_owned(), group["nodeRole"].clone()),
        ("type".to_owned(), PropertyValue::from("EC2_LINUX")),
    ]);
    let entry = with(&provider, ENTRY, &entry, json!({"tags": {"team": "platform"}})).await;
    let before = cloud.dump().await;
    let adopted = provider.create(ENTRY, "one", &entry).await.unwrap();
    let seen = provider.read(&adopted).await.unwrap().unwrap();
    assert_eq!(seen, adopted, "a refresh finds nothing");
    provider.delete(&adopted).await.unwrap();
    assert_eq!(
        before.left_over(&cloud.dump().await),
        Vec::<&str>::new(),
        "it is EKS's own"
    );
    provider.delete(&made).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_update_of_an_addon_is_no_success_and_is_asked_for_again() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, ADDON, "one").await;
    let made = provider.create(ADDON, "one", &inputs).await.unwrap();
    let changed = with(
        &provider,
        ADDON,
        &inputs,
        json!({"configurationValues": {"replicaCount": 3}}),
    )
    .await;
    let fault = Fault {
        code: Some("ConfigurationConflict".to_owned()),
        message: Some("somebody else keeps the field".to_owned()),
        ..fault("fail_state", "UpdateAddon")
    };
    cloud.cloud.set_fault(&fault).await.unwrap();
    let refused = provider.update(&made, &changed).await.unwrap_err();
    let words = String::from_utf8_lossy(refused.details());
    assert!(
        words.contains("ConfigurationConflict: somebody else keeps the field"),
        "{words}"
    );
    // Whoever goes back to what it was has to ask for that as well.
    let kept = provider.read(&made).await.unwrap().unwrap();
    assert_eq!(kept.properties["status"].as_str(), Some("UPDATE_FAILED"));
    assert_eq!(provider.diff(&kept, &inputs).await.diffs, ["addonVersion"]);
    let settled = provider.update(&kept, &inputs).await.unwrap();
    assert_eq!(settled.properties["status"].as_str(), Some("ACTIVE"));
    provider.assert_same(&settled, &inputs, "as it was").await;
    provider.delete(&settled).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addon_is_held_against_what_eks_offers_at_preview() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, ADDON, "one").await;
    for (wrong, reason) in [
        (
            json!({"addonName": "coredsn"}),
            "EKS has no addon coredsn for Kubernetes 1.34",
        ),
        (
            json!({"addonVersion": "v0.0.1-eksbuild.1"}),
            "EKS has no v0.0.1-eksbuild.1 of coredns",
        ),
        (
            json!({"configurationValues": {"replicaCuont": 2}}),
            "replicaCuont is not known to the addon; did you mean replicaCount?",
        ),
    ] {
        let wrong = with(&provider, ADDON, &inputs, wrong).await;
        let refused = provider.previewed(ADDON, "one", &wrong).await.unwrap_err();
        assert!(refused.message().contains(reason), "{refused}");
    }
    // The cluster may be taken to 1.35 in the same go.
    let ahead = json!({"addonVersion": "v1.13.4-eksbuild.2", "configurationValues": {"replicaCount": 3}});
    let ahead = with(&provider, ADDON, &inputs, ahead).await;
    provider.preview(ADDON, "one", &ahead).await;
    let wrong = json!({"addonVersion": "v1.13.4-eksbuild.2", "configurationValues": {"replicaCuont": 3}});
    let wrong = with(&provider, ADDON, &inputs, wrong).await;
    assert!(provider.previewed(ADDON, "one", &wrong).await.is_err());
    world.tear_down(&provider).await;
}
