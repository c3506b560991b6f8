//! Objects of a real cluster's API, where `GROUNDWORK_KUBERNETES` names one: `<https URL> <file with its CA's certificate>`.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use base64::{Engine, prelude::BASE64_STANDARD};
use groundwork_wire::PropertyMap;
use serde_json::{Value as Json, json};

use super::{ACCOUNT, Kept, REGION, Stage, json as as_json, wire::Reply, wire::Wire};
use crate::{registry::Registry, rpc::Provider};

/// The connection of the cluster that is named, if one is.
fn connection() -> Option<Json> {
    let Some(named) = std::env::var_os("GROUNDWORK_KUBERNETES") else {
        println!("not run: GROUNDWORK_KUBERNETES names no cluster");
        return None;
    };
    let named = named.to_string_lossy();
    let (endpoint, file) = named.split_once(' ')?;
    Some(json!({
        "endpoint": endpoint,
        "certificateAuthority": BASE64_STANDARD.encode(std::fs::read(file).unwrap_or_default()),
        "clusterName": "platform",
    }))
}

fn stage(token: &str) -> Option<(Stage, Json)> {
    Some((of(token), connection()?))
}

fn of(token: &str) -> Stage {
    let wire = Wire::new(|_| Reply::Error("InvalidAction"));
    let mut aws = wire.aws(ACCOUNT, REGION);
    aws.credentials = Some(SharedCredentialsProvider::new(Credentials::new(
        "id", "word", None, None, "trial",
    )));
    Stage {
        provider: Provider::configured(Registry::standard(), aws, PropertyMap::new()),
        ..Stage::new(token)
    }
}

async fn settled(stage: &Stage, kept: &Kept) {
    let seen = stage.read(&kept.id, Some(kept)).await.unwrap().unwrap();
    assert_eq!(as_json(&seen.inputs), as_json(&kept.inputs), "a refresh finds nothing");
    assert_eq!(
        as_json(&seen.properties),
        as_json(&kept.properties),
        "a refresh finds nothing"
    );
    let diff = stage.diff(&seen, as_json(&kept.inputs), &[]).await;
    assert!(diff.diffs.is_empty(), "{:?}", diff.diffs);
}

#[tokio::test]
async fn an_object_lives_its_life() {
    let Some((stage, connection)) = stage("groundwork:kubernetes:Manifest") else {
        return;
    };
    let inputs = |data: Json| {
        json!({"connection": connection, "manifest": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "life", "namespace": "default"}, "data": data}})
    };
    let made = stage.create(inputs(json!({"a": "1", "b": "2"}))).await.unwrap();
    assert_eq!(made.id, "platform/v1/ConfigMap/default/life");
    settled(&stage, &made).await;
    let changed = stage.update(&made, inputs(json!({"a": "3"}))).await.unwrap();
    settled(&stage, &changed).await;
    let imported = stage.read(&made.id, None).await;
    println!(
        "import: {:?}",
        imported.map(|_| ()).map_err(|status| status.message().to_owned())
    );
    stage.delete(&changed).await.unwrap();
    stage.delete(&changed).await.unwrap();
    assert!(stage.read(&made.id, Some(&changed)).await.unwrap().is_none());
}

#[tokio::test]
async fn secrets_quantities_and_lists_come_back_as_they_were_written() {
    let Some((stage, connection)) = stage("groundwork:kubernetes:Manifest") else {
        return;
    };
    for manifest in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "life", "namespace": "default"},
            "stringData": {"word": "open"}, "data": {"raw": "eA=="}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "life", "namespace": "default", "labels": {}},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {
                    "hostNetwork": false,
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "c", "image": "x", "args": [], "ports": [{"containerPort": 80}],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                        "resources": {"requests": {"cpu": "1000m", "memory": "0.5Gi"}}}],
                    "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}]}}}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "life:x"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "life", "namespace": "default"},
            "spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http"}, {"name": "q", "port": 53, "protocol": "UDP"}]}}),
    ] {
        let mut manifest = manifest;
        if manifest["kind"] == "Service" {
            manifest["spec"]["ports"][0]["name"] = json!("p");
        }
        let kind = manifest["kind"].as_str().unwrap().to_owned();
        let wait = if kind == "Deployment" { "exists" } else { "ready" };
        let made = stage
            .create(json!({"connection": connection, "manifest": manifest, "waitFor": wait}))
            .await;
        let made = made.unwrap_or_else(|status| panic!("{kind}: {}", status.message()));
        println!("{kind}: {}", made.id);
        settled(&stage, &made).await;
        if kind == "Secret" {
            let data = &made.properties["manifest"].as_object().unwrap();
            assert!(data["stringData"].contains_secret() && data["data"].contains_secret());
        }
        stage.delete(&made).await.unwrap();
    }
}

#[tokio::test]
async fn a_conflict_and_a_missing_kind_are_told() {
    let Some((stage, connection)) = stage("groundwork:kubernetes:Manifest") else {
        return;
    };
    let inputs = |manager: &str, value: &str| {
        json!({"connection": connection, "fieldManager": manager, "manifest": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conflict", "namespace": "default"}, "data": {"a": value}}})
    };
    let made = stage.create(inputs("groundwork", "1")).await.unwrap();
    let other = of("groundwork:kubernetes:Manifest");
    let status = other.create(inputs("other", "2")).await.unwrap_err();
    println!("--- exists:\n{}", status.message());
    let patch = of("groundwork:kubernetes:Patch");
    let patched = json!({"connection": connection, "patch": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conflict", "namespace": "default"}, "data": {"a": "2", "b": "3"}}});
    let status = patch.create(patched.clone()).await.unwrap_err();
    println!("--- conflict:\n{}", status.message());
    assert!(status.message().contains("data.a") && status.message().contains("groundwork"));
    let mut forced = patched;
    forced["force"] = json!(true);
    let kept = patch.create(forced).await.unwrap();
    settled(&patch, &kept).await;
    let drift = stage.read(&made.id, Some(&made)).await.unwrap().unwrap();
    assert_eq!(
        as_json(&drift.inputs)["manifest"]["data"],
        json!({"a": "2"}),
        "drift in our fields alone"
    );
    patch.delete(&kept).await.unwrap();
    let back = stage.read(&made.id, Some(&made)).await.unwrap().unwrap();
    assert_eq!(as_json(&back.inputs)["manifest"]["data"], json!({"a": "1"}), "put back");
    stage.delete(&made).await.unwrap();
    let gate = of("groundwork:kubernetes:Gate");
    let passed = gate
        .create(json!({"connection": connection, "conditions": [
        {"exists": {"apiVersion": "v1", "kind": "Namespace", "name": "default"}}]}))
        .await
        .unwrap();
    settled(&gate, &passed).await;
    let waiting = json!({"connection": connection, "conditions": [{"nodes": {"minimum": 2}},
        {"daemonSet": {"namespace": "kube-system", "name": "cilium"}}]});
    let status = gate
        .create_within(waiting, std::time::Duration::from_secs(2))
        .await
        .unwrap_err();
    println!("--- gate:\n{}", Stage::unfinished(&PropertyMap::new(), &status).1);
}

#[tokio::test]
async fn what_holds_a_deletion_is_named() {
    let Some((stage, connection)) = stage("groundwork:kubernetes:Manifest") else {
        return;
    };
    let inputs = |finalizers: Json| {
        json!({"connection": connection, "manifest": {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "default", "finalizers": finalizers}}})
    };
    let made = stage.create(inputs(json!(["example.com/held"]))).await.unwrap();
    settled(&stage, &made).await;
    let status = stage
        .delete_within(&made, std::time::Duration::from_secs(2))
        .await
        .unwrap_err();
    println!("--- held:\n{}", status.message());
    assert!(status.message().contains("example.com/held"));
    // Without its finalizer it goes, and there is nothing left to wait for.
    let freed = stage.update(&made, inputs(json!([])));
    drop(tokio::time::timeout(std::time::Duration::from_secs(2), freed).await);
    assert!(stage.read(&made.id, Some(&made)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_release_lives_its_life() {
    let Some((stage, connection)) = stage("groundwork:helm:Release") else {
        return;
    };
    let chart = std::env::temp_dir().join("groundwork-trial-chart");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    std::fs::write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: groundwork-trial-chart\nversion: 0.1.0\nappVersion: \"9\"\n",
    )
    .unwrap();
    std::fs::write(chart.join("templates/a.yaml"), "{{ if eq (toString .Values.colour) \"red\" }}{{ fail \"red is refused\" }}{{ end }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {colour: {{ .Values.colour }}}\n").unwrap();
    let inputs = |colour: &str| {
        json!({"connection": connection, "name": "life", "namespace": "default",
        "chart": chart.to_str().unwrap(), "values": {"colour": colour, "list": [1, 2.5]}})
    };
    let status = stage.create(inputs("red")).await.unwrap_err();
    println!("--- refused:\n{}", status.message());
    let made = stage
        .create(inputs("green"))
        .await
        .unwrap_or_else(|status| panic!("{}", status.message()));
    println!("{}", as_json(&made.properties));
    settled(&stage, &made).await;
    let changed = stage.update(&made, inputs("blue")).await.unwrap();
    assert_ne!(
        as_json(&made.properties)["manifestDigest"],
        as_json(&changed.properties)["manifestDigest"]
    );
    settled(&stage, &changed).await;
    stage.delete(&changed).await.unwrap();
    stage.delete(&changed).await.unwrap();
    assert!(stage.read(&changed.id, Some(&changed)).await.unwrap().is_none());
}
