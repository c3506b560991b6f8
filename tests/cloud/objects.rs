//! Objects of a cluster: what is told before they are made, what they wait for, and what is put back after them.

use std::{collections::BTreeSet, time::Duration};

use groundwork_wire::{PropertyMap, PropertyValue};
use serde_json::{Value as Json, json};

use crate::{
    Cloud,
    lifecycle::Place,
    provider::{Provider, properties, shown},
    proxy::Proxy,
    world::World,
};

const MANIFEST: &str = "groundwork:kubernetes:Manifest";
const PATCH: &str = "groundwork:kubernetes:Patch";
const GATE: &str = "groundwork:kubernetes:Gate";

/// What `kubectl` says as the cluster's own administrator.
pub(crate) fn kubectl(cloud: &Cloud, cluster: &str, arguments: &[&str]) -> String {
    let kubeconfig = cloud.cloud.kubeconfig(cluster).unwrap();
    let mut command = cloud.cloud.command("kubectl");
    let output = command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(arguments)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {}\n{words}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the suites of these tests put into a cluster, one line for each object with all that is in it; a release of helm's is
/// one however often it was upgraded.
pub(crate) fn everything(cloud: &Cloud, cluster: &str) -> BTreeSet<String> {
    let kinds = "namespaces,configmaps,secrets";
    let listed = kubectl(cloud, cluster, &["get", kinds, "--all-namespaces", "--output=json"]);
    let listed: Json = serde_json::from_str(&listed).unwrap();
    let line = |object: &Json| {
        let metadata = &object["metadata"];
        if object["type"] == "helm.sh/release.v1" {
            return format!("release {} {}", metadata["namespace"], metadata["labels"]["name"]);
        }
        format!(
            "{} {} {} {} {} {}",
            object["kind"],
            metadata["namespace"],
            metadata["name"],
            metadata["labels"],
            metadata["annotations"],
            object["data"]
        )
    };
    // What the control plane makes for itself comes when it comes.
    let own = |object: &Json| {
        let name = object["metadata"]["name"].as_str().unwrap();
        name.starts_with("kube-") || name.starts_with("extension-")
    };
    let objects = listed["items"].as_array().unwrap().iter();
    objects.filter(|object| !own(object)).map(line).collect()
}

/// The inputs, with a connection that leads through the proxy.
pub(crate) fn through(proxy: &Proxy, inputs: &PropertyMap) -> PropertyMap {
    with_connection(inputs, "proxyUrl", &proxy.url)
}

fn with_connection(inputs: &PropertyMap, name: &str, value: &str) -> PropertyMap {
    let mut inputs = inputs.clone();
    let mut connection = inputs["connection"].as_object().unwrap().clone();
    connection.insert(name.to_owned(), value.into());
    inputs.insert("connection".to_owned(), PropertyValue::Object(connection));
    inputs
}

fn connection(inputs: &PropertyMap) -> Json {
    inputs["connection"].to_json().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_out_of_reach_is_told_at_preview_and_a_cluster_that_is_gone_is_not() {
    let cloud = Cloud::up().await;
    let helper = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&helper, MANIFEST, "one").await;
    let gate = world.inputs(&helper, GATE, "one").await;
    // A cluster without a control plane has no certificate either.
    let nowhere = |inputs: &PropertyMap| {
        let inputs = with_connection(inputs, "certificateAuthority", "");
        with_connection(&inputs, "endpoint", "https://127.0.0.1:9")
    };

    let (provider, mut heard) = Provider::start_heard(&cloud).await;
    provider.preview(MANIFEST, "one", &nowhere(&inputs)).await;
    provider.preview(GATE, "one", &nowhere(&gate)).await;
    let told = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
    let told = told.expect("it is told").unwrap();
    assert!(
        told.starts_with("connection: the API of cluster ") && told.contains("at https://127.0.0.1:9: "),
        "{told}"
    );
    assert!(told.contains("nothing is lost"), "{told}");
    assert!(heard.try_recv().is_err(), "once for all that is in it");

    // Nobody knows yet where it will be.
    let (provider, mut heard) = Provider::start_heard(&cloud).await;
    let mut unknown = inputs.clone();
    unknown.insert("connection".to_owned(), PropertyValue::UNKNOWN);
    provider.preview(MANIFEST, "one", &unknown).await;
    world.tear_down(&helper).await;
    provider.preview(MANIFEST, "one", &nowhere(&inputs)).await;
    assert!(heard.try_recv().is_err(), "it will be made anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_wait_for_their_kind_and_patches_put_back_whatever_they_changed() {
    let cloud = Place::Cluster.cloud().await;
    let provider = Provider::start(&cloud).await;
    let mut world = World::new();
    let inputs = world.inputs(&provider, MANIFEST, "one").await;
    world.admit(&provider).await;
    let cluster = world.cluster();
    let connection = connection(&inputs);
    waits_for_its_kind(&provider, &connection).await;
    puts_back(&cloud, &cluster, &connection).await;
    keeps_a_secret(&cloud, &cluster, &connection).await;
    world.tear_down(&provider).await;
}

/// A definition that comes in the same run, a few seconds later, and what is of its kind.
async fn waits_for_its_kind(provider: &Provider, connection: &Json) {
    let of = async |manifest: Json| {
        let inputs = json!({"connection": connection, "manifest": manifest});
        provider.checked(MANIFEST, "kind", &properties(inputs)).await
    };
    let definition = of(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    }))
    .await;
    let thing = of(json!({
        "apiVersion": "example.com/v1", "kind": "Thing",
        "metadata": {"name": "one", "namespace": "default"}, "spec": {"size": 1},
    }))
    .await;
    let mut pause = tokio::time::interval(Duration::from_secs(3));
    pause.tick().await;
    let (thing, definition) = tokio::join!(provider.create(MANIFEST, "thing", &thing), async {
        pause.tick().await;
        provider.create(MANIFEST, "definition", &definition).await
    });
    for made in [thing, definition] {
        let made = made.unwrap_or_else(|status| panic!("{}", status.message()));
        provider.delete(&made).await.unwrap();
    }
}

/// A patch that is killed, changed to other fields and deleted, in each of the ways to patch.
async fn puts_back(cloud: &Cloud, cluster: &str, connection: &Json) {
    let get = || -> Json {
        let found = kubectl(cloud, cluster, &["get", "configmap", "theirs", "--output=json"]);
        serde_json::from_str(&found).unwrap()
    };
    kubectl(
        cloud,
        cluster,
        &[
            "create",
            "configmap",
            "theirs",
            "--from-literal=a=0",
            "--from-literal=b=0",
            "--from-literal=c=0",
        ],
    );
    for kind in ["apply", "strategic", "merge"] {
        let provider = Provider::start(cloud).await;
        let patch = async |data: Json| {
            let inputs = json!({
                "connection": connection, "patchType": kind, "force": true,
                "patch": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": data},
            });
            provider.checked(PATCH, "patch", &properties(inputs)).await
        };
        let first = patch(json!({"a": "1", "new": "1"})).await;
        // Its answer died with the provider: the next run makes it once more.
        provider.create(PATCH, "patch", &first).await.unwrap();
        let provider = Provider::start(cloud).await;
        let made = provider.create(PATCH, "patch", &first).await.unwrap();
        let seen = provider.read(&made).await.unwrap().unwrap();
        assert_eq!(seen, made, "{kind}: a refresh finds nothing");
        let second = patch(json!({"b": "2", "new": "2"})).await;
        let made = provider
            .update(&made, &second)
            .await
            .unwrap_or_else(|status| panic!("{kind}: {}", status.message()));
        assert_eq!(
            get()["data"],
            json!({"a": "0", "b": "2", "c": "0", "new": "2"}),
            "{kind}"
        );
        let third = patch(json!({"a": "3", "b": "3"})).await;
        let made = provider
            .update(&made, &third)
            .await
            .unwrap_or_else(|status| panic!("{kind}: {}", status.message()));
        assert_eq!(get()["data"]["a"], "3", "{kind}");
        assert_eq!(
            provider.read(&made).await.unwrap().unwrap(),
            made,
            "{kind}: a refresh finds nothing"
        );
        provider.delete(&made).await.unwrap();
        let left = get();
        assert_eq!(left["data"], json!({"a": "0", "b": "0", "c": "0"}), "{kind}");
        assert_eq!(left["metadata"]["annotations"], Json::Null, "{kind}: a note stayed");
        provider.delete(&made).await.unwrap();
    }
}

/// What a Secret has held is as secret in the state as what it holds, and stands nowhere else.
async fn keeps_a_secret(cloud: &Cloud, cluster: &str, connection: &Json) {
    let provider = Provider::start(cloud).await;
    kubectl(
        cloud,
        cluster,
        &["create", "secret", "generic", "theirs", "--from-literal=word=old"],
    );
    let get = || kubectl(cloud, cluster, &["get", "secret", "theirs", "--output=json"]);
    let inputs = json!({
        "connection": connection, "force": true,
        "patch": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {"word": "new"}},
    });
    let inputs = provider.checked(PATCH, "secret", &properties(inputs)).await;
    let made = provider.create(PATCH, "secret", &inputs).await.unwrap();
    assert!(get().contains("bmV3"));
    for name in ["patch", "__groundwork"] {
        assert!(made.properties[name].contains_secret(), "{name}");
    }
    let shown = shown(&made.properties);
    assert!(!shown.contains("b2xk"), "{shown}");
    let live: Json = serde_json::from_str(&get()).unwrap();
    assert_eq!(live["metadata"]["annotations"], Json::Null);
    assert_eq!(provider.read(&made).await.unwrap().unwrap(), made);
    provider.delete(&made).await.unwrap();
    assert!(get().contains("b2xk"), "put back");
}
