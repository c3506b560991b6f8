//! Releases that do not come to their end: what helm began is kept, goes on with the next run, and can be taken away.

use std::time::Duration;

use groundwork_wire::{PropertyMap, PropertyValue, status::init_failed};
use serde_json::{Value as Json, json};

use crate::{
    Cloud,
    lifecycle::Place,
    objects::{everything, kubectl},
    provider::{Kept, Provider, properties},
    world::World,
};

const RELEASE: &str = "groundwork:helm:Release";

fn with(inputs: &PropertyMap, name: &str, value: Json) -> PropertyMap {
    let mut inputs = inputs.clone();
    inputs.insert(name.to_owned(), PropertyValue::from(value));
    inputs
}

/// Waits until helm has begun: there is a record of the release.
async fn begun(cloud: &Cloud, cluster: &str) {
    let mut every = tokio::time::interval(Duration::from_millis(100));
    loop {
        every.tick().await;
        if everything(cloud, cluster)
            .iter()
            .any(|line| line.starts_with("release "))
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_does_not_come_to_its_end_is_kept_and_goes_on() {
    let cloud = Place::Cluster.cloud().await;
    let helper = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&helper, RELEASE, "one").await;
    world.admit(&helper).await;
    let cluster = world.cluster();
    let before = everything(&cloud, &cluster);
    // A hook's job never runs, for there are no nodes.
    let hanging = with(&with(&inputs, "hooks", json!(true)), "values", json!({"hook": true}));
    let goes_on = async |kept: &Kept, when: &str| {
        let next = Provider::start(&cloud).await;
        let settled = next
            .update(kept, &inputs)
            .await
            .unwrap_or_else(|status| panic!("{when}: {}", status.message()));
        assert_eq!(settled.properties["status"].as_str(), Some("deployed"), "{when}");
        next.delete(&settled).await.unwrap();
        kubectl(
            &cloud,
            &cluster,
            &["delete", "jobs", "--all", "--namespace=kube-system"],
        );
        assert_eq!(everything(&cloud, &cluster), before, "{when}");
    };

    // The API refuses an object of it.
    let refused = with(&inputs, "values", json!({"refused": true}));
    let status = helper.create(RELEASE, "one", &refused).await.unwrap_err();
    let why = init_failed(&status).unwrap().reasons.join("\n");
    assert!(
        why.contains("helm upgrade says: ") && why.contains("Not_A_Name"),
        "{why}"
    );
    let kept = Provider::kept_of(RELEASE, "one", &refused, &status).unwrap();
    assert_eq!(kept.properties["status"].as_str(), Some("failed"));
    let diff = helper.diff(&kept, &refused).await;
    assert_eq!(diff.diffs, ["values"], "it is tried again");
    goes_on(&kept, "refused").await;
    let status = helper.create(RELEASE, "one", &refused).await.unwrap_err();
    let kept = Provider::kept_of(RELEASE, "one", &refused, &status).unwrap();
    helper.delete(&kept).await.unwrap();
    assert_eq!(everything(&cloud, &cluster), before, "a failed one is taken away");

    // The user breaks it off.
    let provider = Provider::start(&cloud).await;
    let (ended, ()) = tokio::join!(provider.create(RELEASE, "one", &hanging), async {
        begun(&cloud, &cluster).await;
        provider.cancel().await;
    });
    let kept = Provider::kept_of(RELEASE, "one", &hanging, &ended.unwrap_err()).expect("an id");
    goes_on(&kept, "broken off").await;

    // It takes longer than it may.
    let status = helper.create_within(RELEASE, "one", &hanging, 2.0).await.unwrap_err();
    let why = init_failed(&status).unwrap().reasons.join("\n");
    assert!(why.contains("still running helm upgrade after 1"), "{why}");
    let kept = Provider::kept_of(RELEASE, "one", &hanging, &status).unwrap();
    goes_on(&kept, "out of time").await;
    world.tear_down(&helper).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_where_it_is_said_to_be_whatever_the_environment_says_of_helm() {
    let cloud = Place::Cluster.cloud().await;
    let mut environment = cloud.cloud.env();
    for (name, value) in [
        ("HELM_DRIVER", "configmap"),
        ("HELM_KUBEAPISERVER", "https://127.0.0.1:9"),
        ("HELM_KUBEASUSER", "nobody"),
        ("HELM_NAMESPACE", "nowhere"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let provider = Provider::start_in(environment);
    provider.configure(json!({})).await.unwrap();
    let mut world = World::new();
    let inputs = world.inputs(&provider, RELEASE, "one").await;
    world.admit(&provider).await;
    let cluster = world.cluster();
    let made = provider
        .create(RELEASE, "one", &inputs)
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    let there = everything(&cloud, &cluster);
    assert!(there.contains("release \"kube-system\" \"example\""), "{there:?}");

    // Somebody gives it other values: what was secret of them stays so.
    let secret = PropertyValue::Object([("colour".to_owned(), PropertyValue::secret("green".into()))].into());
    let mut kept = made.clone();
    for map in [&mut kept.inputs, &mut kept.properties] {
        map.insert("values".to_owned(), secret.clone());
    }
    let kubeconfig = cloud.cloud.kubeconfig(&cluster).unwrap();
    let mut helm = cloud.cloud.command("helm");
    helm.args([
        "upgrade",
        "example",
        "tests/cloud/chart",
        "--namespace=kube-system",
        "--set=colour=hidden",
    ]);
    let output = helm.arg("--kubeconfig").arg(kubeconfig).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen = provider.read(&kept).await.unwrap().unwrap();
    for map in [&seen.inputs, &seen.properties] {
        let values = map["values"].as_object().unwrap();
        assert_eq!(values["colour"], PropertyValue::secret("hidden".into()));
    }
    provider.delete(&made).await.unwrap();
    world.tear_down(&provider).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_charts_schema_refuses_is_a_mistake_and_what_its_templates_refuse_a_warning_at_preview() {
    let cloud = Place::Cluster.cloud().await;
    let (provider, mut heard) = Provider::start_heard(&cloud).await;
    let previewed = async |values: Json| {
        let mut inputs = properties(json!({"name": "one", "chart": "tests/cloud/chart", "values": values}));
        inputs.insert("connection".to_owned(), PropertyValue::UNKNOWN);
        let inputs = provider.checked(RELEASE, "one", &inputs).await;
        provider.previewed(RELEASE, "one", &inputs).await
    };
    let refused = previewed(json!({"colour": 7})).await.unwrap_err();
    assert!(
        refused.message().contains("the chart's schema refuses the values"),
        "{refused}"
    );
    previewed(json!({"colour": "green"})).await.unwrap();
    previewed(json!({"needs": true})).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
    let told = told.expect("it is told").unwrap();
    assert!(
        told.starts_with("values: helm template says: ") && told.contains("the cluster has no Thing"),
        "{told}"
    );
}
