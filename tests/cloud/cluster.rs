//! What is special about clusters: changes in their order, failures in EKS's words, and nothing left behind.

use groundwork_local::cloud::Fault;
use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::{Value as Json, json};

use crate::{
    Cloud,
    provider::{Kept, Provider, properties},
    recovery::fault,
    world::World,
};

const CLUSTER: &str = "groundwork:eks:Cluster";

/// The example's inputs with others put in place of some of them.
fn with(inputs: &PropertyMap, changes: Json) -> PropertyMap {
    let mut inputs = inputs.clone();
    inputs.extend(properties(changes));
    inputs
}

/// The subnets of the example.
fn subnets(inputs: &PropertyMap) -> Json {
    inputs["resourcesVpcConfig"].to_json().unwrap()["subnetIds"].clone()
}

async fn make(provider: &Provider, inputs: &PropertyMap) -> Kept {
    provider
        .create(CLUSTER, "one", inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()))
}

/// The updates that EKS was asked for, in order, by what they are of.
async fn updates(cloud: &Cloud, since: usize) -> Vec<String> {
    let calls = cloud.cloud.journal(0).await.unwrap();
    let kinds = [
        "accessConfig",
        "resourcesVpcConfig",
        "logging",
        "upgradePolicy",
        "version",
    ];
    calls
        .iter()
        .skip(since)
        .filter(|call| call.operation.starts_with("UpdateCluster") && call.status == Some(200))
        .map(|call| {
            let kind = kinds.iter().find(|kind| !call.params[**kind].is_null());
            let kind = kind.unwrap_or_else(|| panic!("{call:?}"));
            match &call.params[*kind] {
                Json::String(version) => version.clone(),
                _ => (*kind).to_owned(),
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_changes_in_one_go_by_one_update_after_the_other() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, CLUSTER, "one").await;
    let old = with(
        &inputs,
        json!({
            "version": "1.34",
            "accessConfig": {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": true},
        }),
    );
    let made = make(&provider, &old).await;
    let since = cloud.cloud.journal(0).await.unwrap().len();
    let new = with(
        &old,
        json!({
            "version": "1.36",
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": true},
            "enabledClusterLogTypes": ["api", "audit", "authenticator"],
            "resourcesVpcConfig": {
                "subnetIds": subnets(&inputs),
                "endpointPrivateAccess": true,
                "endpointPublicAccess": true,
                "publicAccessCidrs": ["203.0.113.0/24"],
            },
        }),
    );
    let changed = provider
        .update(&made, &new)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    assert_eq!(
        updates(&cloud, since).await,
        [
            "accessConfig",
            "accessConfig",
            "resourcesVpcConfig",
            "logging",
            "1.35",
            "1.36"
        ]
    );
    provider.assert_same(&changed, &new, "after all of it").await;
    assert_eq!(provider.read(&changed).await.unwrap().unwrap(), changed);

    // There is no way back, and a preview says so before anything is done.
    let since = cloud.cloud.journal(0).await.unwrap().len();
    let refused = provider.update(&changed, &old).await.unwrap_err();
    for path in ["version: it runs 1.36", "accessConfig.authenticationMode: "] {
        assert!(refused.message().contains(path), "{}", refused.message());
    }
    assert_eq!(updates(&cloud, since).await, Vec::<String>::new());
    provider.delete(&changed).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_update_tells_ekss_reason_and_the_next_run_tries_again() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, CLUSTER, "one").await;
    let made = make(&provider, &inputs).await;
    cloud
        .cloud
        .set_fault(&Fault {
            kind: "fail_state".to_owned(),
            operation: Some("UpdateClusterVersion".to_owned()),
            count: Some(1),
            code: Some("IpNotAvailable".to_owned()),
            message: Some("no free addresses in the subnets".to_owned()),
            ..Fault::default()
        })
        .await
        .unwrap();
    let new = with(&inputs, json!({"version": "1.36"}));
    let failed = provider.update(&made, &new).await.unwrap_err();
    let kept = Provider::kept_of(CLUSTER, "one", &new, &failed).expect("an id");
    let why = groundwork_wire::status::init_failed(&failed)
        .unwrap()
        .reasons
        .join("\n");
    assert!(
        why.contains("VersionUpdate as Failed: IpNotAvailable: no free addresses in the subnets"),
        "{why}"
    );
    // The failure stays in EKS's list, and troubles nobody any more.
    let provider = Provider::start(&cloud).await;
    let done = provider
        .update(&kept, &new)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    provider.assert_same(&done, &new, "tried again").await;
    provider.delete(&done).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_never_replaced_under_its_name() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, CLUSTER, "one").await;
    let made = make(&provider, &inputs).await;
    let role = json!({"roleArn": "arn:aws:iam::123456789012:role/other"});
    let checks = async |news: &PropertyMap| {
        let diff = provider.diff(&made, news).await;
        // Without the old inputs, as the engine checks a replacement.
        let (_, failures) = provider.check(CLUSTER, "one", news).await;
        let failures: Vec<String> = failures.iter().map(|failure| failure.property.clone()).collect();
        (diff.replaces, failures, diff.delete_before_replace)
    };
    let other_role = with(&inputs, role.clone());
    let (replaces, failures, _) = checks(&other_role).await;
    assert_eq!(
        (replaces, failures),
        (vec!["roleArn".to_owned()], vec!["name".to_owned()])
    );
    let renamed = with(&other_role, json!({"name": "other"}));
    let (replaces, failures, before) = checks(&renamed).await;
    assert_eq!(replaces, ["name", "roleArn"]);
    assert!(failures.is_empty(), "{failures:?}");
    assert!(!before, "the new one stands before the old one goes");
    assert!(checks(&inputs).await.1.is_empty(), "back again");

    let protected = with(&inputs, json!({"deletionProtection": true}));
    let made = provider.update(&made, &protected).await.unwrap();
    let refused = provider.delete(&made).await.unwrap_err();
    assert!(refused.message().contains("set it to false"), "{}", refused.message());
    let made = provider.update(&made, &inputs).await.unwrap();
    provider.delete(&made).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_never_came_up_is_made_anew_under_its_name() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, CLUSTER, "one").await;
    let wrong = with(
        &inputs,
        json!({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.200.0.0/16"}}),
    );
    let right = with(
        &inputs,
        json!({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.201.0.0/16"}}),
    );
    cloud
        .cloud
        .set_fault(&fault("fail_state", "CreateCluster"))
        .await
        .unwrap();
    let failed = provider.create(CLUSTER, "one", &wrong).await.unwrap_err();
    let kept = Provider::kept_of(CLUSTER, "one", &wrong, &failed).expect("an id");
    // What was wrong with it is often what EKS cannot change: it may be put right all the same.
    let diff = provider.diff(&kept, &right).await;
    assert!(diff.replaces.contains(&"state".to_owned()), "{:?}", diff.replaces);
    assert!(diff.replaces.len() > 1, "{:?}", diff.replaces);
    assert!(diff.delete_before_replace);
    let right = provider.checked(CLUSTER, "one", &right).await;
    provider.delete(&kept).await.unwrap();
    let made = make(&provider, &right).await;
    assert_eq!(made.id, kept.id);
    provider.delete(&made).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_whose_logs_do_not_turn_off_is_deleted_all_the_same() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, CLUSTER, "one").await;
    let made = make(&provider, &with(&inputs, json!({"enabledClusterLogTypes": ["audit"]}))).await;
    let fault = Fault {
        kind: "fail_state".to_owned(),
        operation: Some("UpdateClusterConfig".to_owned()),
        ..Fault::default()
    };
    cloud.cloud.set_fault(&fault).await.unwrap();
    let since = cloud.cloud.journal(0).await.unwrap().len();
    provider
        .delete(&made)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    assert_eq!(updates(&cloud, since).await, ["logging"], "it is tried once");
    assert!(provider.read(&made).await.unwrap().is_none());
    cloud.cloud.clear_faults().await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_cluster_leaves_nothing_of_its_own_nor_of_guardduty_in_the_vpc() {
    let cloud = Cloud::up().await;
    let before = cloud.dump().await;
    for hazard in ["orphan-enis", "guardduty"] {
        cloud.cloud.set_hazard(hazard).await.unwrap();
    }
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    // A node group brings instances, and with them interfaces that outlive these.
    let inputs = world.inputs(&provider, "groundwork:eks:NodeGroup", "one").await;
    let group = provider
        .create("groundwork:eks:NodeGroup", "one", &inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    provider.delete(&group).await.unwrap();
    let orphans = |dump: &groundwork_local::Dump| {
        let orphan = |thing: &Json| thing.to_string().contains("aws-K8S-i-");
        dump.0.values().filter(|thing| orphan(thing)).count()
    };
    assert!(orphans(&cloud.dump().await) > 0, "nothing outlived its instance");
    world.tear_down(&provider).await;
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_eks_would_refuse_is_told_at_preview() {
    let cloud = Cloud::up().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, CLUSTER, "one").await;
    let foreseen = async |changes: Json| {
        let news = with(&inputs, changes);
        provider
            .previewed(CLUSTER, "one", &news)
            .await
            .err()
            .map(|status| status.message().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(foreseen(json!({})).await, "");
    assert!(
        foreseen(json!({"version": "1.33"}))
            .await
            .contains("consent to extended support")
    );
    assert_eq!(
        foreseen(json!({"version": "1.33", "upgradePolicy": {"supportType": "EXTENDED"}})).await,
        ""
    );
    assert!(
        foreseen(json!({"version": "1.29"}))
            .await
            .contains("version: EKS does not know")
    );
    let first = subnets(&inputs)[0].clone();
    let crowded = json!({"resourcesVpcConfig": {"subnetIds": [first, first]}});
    assert!(
        foreseen(crowded)
            .await
            .contains("resourcesVpcConfig.subnetIds: all of them are in zone")
    );
    let unknown = PropertyValue::UNKNOWN;
    let mut news = inputs.clone();
    news.insert("version".to_owned(), unknown.clone());
    news.insert("name".to_owned(), unknown);
    assert!(provider.previewed(CLUSTER, "one", &news).await.is_ok());
    world.tear_down(&provider).await;
}
