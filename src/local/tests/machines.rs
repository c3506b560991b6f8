//! What AWS and machines do to a cluster, from its nodes to the hand-over to Flux, in the order of the platform and in the wrong one.

use std::future::Future;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use groundwork_local::tools::HELM;
use groundwork_local::{LocalCloud, Options};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret};
use kube::api::{Api, ListParams, LogParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::kubernetes::{Ground, active, create_role, eks, options};
use super::ui;

const TAINT: &str = "node.cilium.io/agent-not-ready";

/// A cluster with nothing in it, and what is needed to put something in.
struct Stage {
    cloud: LocalCloud,
    ground: Ground,
    client: Client,
}

impl Stage {
    async fn set(state: &Path) -> Self {
        let options = Options {
            tools: vec![&HELM],
            ..options(state)
        };
        let cloud = LocalCloud::up(&options, &ui())
            .await
            .unwrap_or_else(|error| panic!("{}", error.explain()));
        let ground = Ground::lay(&cloud).await;
        ground
            .cluster(&cloud, "demo", &json!({"authenticationMode": "API"}))
            .await;
        active(&cloud, "demo").await;
        let client = cloud.kubernetes("demo").await.unwrap();
        Self { cloud, ground, client }
    }

    async fn addon(&self, name: &str) {
        eks(&self.cloud, "POST /clusters/demo/addons", &json!({"addonName": name})).await;
    }

    async fn addon_status(&self, name: &str) -> String {
        let addon = eks(&self.cloud, &format!("GET /clusters/demo/addons/{name}"), &json!({})).await;
        addon["addon"]["status"].as_str().unwrap().to_owned()
    }

    async fn node_group(&self, name: &str) -> String {
        let role = create_role(&self.cloud, name, "ec2.amazonaws.com").await;
        let body = json!({
            "nodegroupName": name, "nodeRole": role, "subnets": self.ground.subnets,
            "amiType": "BOTTLEROCKET_ARM_64", "instanceTypes": ["t4g.medium"],
            "scalingConfig": {"minSize": 2, "maxSize": 2, "desiredSize": 2},
            "taints": [{"key": TAINT, "value": "true", "effect": "NO_EXECUTE"}],
        });
        eks(&self.cloud, "POST /clusters/demo/node-groups", &body).await;
        role
    }

    async fn node_group_is(&self, name: &str, status: &str) -> bool {
        self.described(name).await["status"] == status
    }

    async fn described(&self, group: &str) -> Value {
        let path = format!("GET /clusters/demo/node-groups/{group}");
        eks(&self.cloud, &path, &json!({})).await["nodegroup"].clone()
    }

    async fn nodes(&self) -> Vec<Node> {
        let api: Api<Node> = Api::all(self.client.clone());
        api.list(&ListParams::default()).await.unwrap().items
    }

    async fn cilium(&self) {
        let mut command = Command::new(self.cloud.program("helm").unwrap());
        command
            .envs(self.cloud.env())
            .args([
                "install",
                "cilium-cni",
                "cilium",
                "--version",
                "1.19.6",
                "--namespace",
                "kube-system",
            ])
            .args(["--repo", &self.cloud.charts().unwrap()])
            .arg("--kubeconfig")
            .arg(self.cloud.kubeconfig("demo").unwrap())
            .args(["--set", "eni.enabled=true,kubeProxyReplacement=true,cluster.name=demo"])
            .args(["--set", "hubble.relay.enabled=true,hubble.tls.auto.method=cronJob"]);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn bootstrap(&self, name: &str) {
        let job: Job = serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"backoffLimit": 0, "template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "flux",
                    "image": "ghcr.io/fluxcd/flux-cli:v2.9.4",
                    "args": ["bootstrap", "github", "--owner=acme", "--repository=fleet"],
                }],
            }}},
        }))
        .unwrap();
        let jobs = Api::<Job>::default_namespaced(self.client.clone());
        jobs.create(&PostParams::default(), &job).await.unwrap();
    }

    async fn has_failed(&self, name: &str) -> bool {
        let jobs = Api::<Job>::default_namespaced(self.client.clone());
        let status = jobs.get(name).await.unwrap().status.unwrap_or_default();
        status.failed.unwrap_or_default() > 0
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|one| one.type_ == "Ready" && one.status == "True")
}

fn is_tainted(node: &Node) -> bool {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.into_iter().any(|taint| taint.key == TAINT)
}

async fn soon<F: Future<Output = bool>>(what: &str, mut true_at_last: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_mins(1);
    while !true_at_last().await {
        assert!(Instant::now() < end, "it never comes to this: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_platform_comes_up_in_its_order_and_hangs_in_the_wrong_one() {
    let state = tempfile::tempdir().unwrap();
    let it = Stage::set(state.path()).await;

    // CoreDNS before there is a node to run on.
    it.addon("coredns").await;
    soon("CoreDNS is DEGRADED", || async {
        it.addon_status("coredns").await == "DEGRADED"
    })
    .await;

    // Nodes before there is a network.
    let _role = it.node_group("system").await;
    soon("nodes join", || async { it.nodes().await.len() == 2 }).await;
    assert!(it.nodes().await.iter().all(|node| !is_ready(node) && is_tainted(node)));
    assert!(it.node_group_is("system", "CREATING").await);

    it.cilium().await;
    soon("the group is ACTIVE", || it.node_group_is("system", "ACTIVE")).await;
    soon("the taint is off", || async {
        !it.nodes().await.iter().any(is_tainted)
    })
    .await;
    soon("CoreDNS is ACTIVE", || async {
        it.addon_status("coredns").await == "ACTIVE"
    })
    .await;
    let interfaces = it.cloud.dump().await.unwrap().0;
    let of_cilium = interfaces
        .values()
        .filter(|one| one.to_string().contains("Cilium-CNI (i-"))
        .count();
    assert_eq!(of_cilium, 2);

    it.cloud.set_hazard("flux-bootstrap").await.unwrap();
    it.bootstrap("refused").await;
    soon("the bootstrap fails", || it.has_failed("refused")).await;
    let pods = Api::<Pod>::default_namespaced(it.client.clone());
    let pod = pods
        .list(&ListParams::default().labels("job-name=refused"))
        .await
        .unwrap()
        .items
        .remove(0);
    let last = LogParams {
        tail_lines: Some(1),
        ..LogParams::default()
    };
    let words = pods.logs(&pod.name_any(), &last).await.unwrap();
    assert!(words.contains("401 Bad credentials"), "{words}");

    it.cloud.clear_hazards().await.unwrap();
    it.bootstrap("good").await;
    let secrets: Api<Secret> = Api::namespaced(it.client.clone(), "flux-system");
    soon("Flux is there", || async {
        secrets.get_opt("flux-system").await.unwrap().is_some()
    })
    .await;

    eks(&it.cloud, "DELETE /clusters/demo/node-groups/system", &json!({})).await;
    soon("nodes go with their group", || async { it.nodes().await.is_empty() }).await;
}

#[tokio::test]
async fn a_node_without_access_never_joins() {
    let state = tempfile::tempdir().unwrap();
    let it = Stage::set(state.path()).await;
    let role = it.node_group("strangers").await.replace(':', "%3A").replace('/', "%2F");
    eks(
        &it.cloud,
        &format!("DELETE /clusters/demo/access-entries/{role}"),
        &json!({}),
    )
    .await;
    soon("the group has failed", || {
        it.node_group_is("strangers", "CREATE_FAILED")
    })
    .await;
    let issues = it.described("strangers").await["health"]["issues"].clone();
    assert_eq!(issues[0]["code"], "NodeCreationFailure", "{issues}");
    assert!(it.nodes().await.is_empty());
}

#[tokio::test]
async fn a_pod_of_a_fargate_profile_has_a_node_of_its_own() {
    let state = tempfile::tempdir().unwrap();
    let it = Stage::set(state.path()).await;
    let role = create_role(&it.cloud, "fargate", "eks-fargate-pods.amazonaws.com").await;
    let body = json!({
        "fargateProfileName": "one", "podExecutionRoleArn": role, "subnets": it.ground.subnets,
        "selectors": [{"namespace": "karpenter"}],
    });
    eks(&it.cloud, "POST /clusters/demo/fargate-profiles", &body).await;
    let namespaces: Api<Namespace> = Api::all(it.client.clone());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "karpenter"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {"automountServiceAccountToken": false, "containers": [{"name": "web", "image": "web"}]},
    }))
    .unwrap();
    let (of_profile, of_none) = (
        Api::<Pod>::namespaced(it.client.clone(), "karpenter"),
        Api::<Pod>::default_namespaced(it.client.clone()),
    );
    // Service accounts are made a moment after their namespaces.
    soon("pods are taken", || async {
        of_profile.create(&PostParams::default(), &pod).await.is_ok()
            && of_none.create(&PostParams::default(), &pod).await.is_ok()
    })
    .await;
    soon("the pod runs", || async {
        let pod = of_profile.get("web").await.unwrap();
        pod.status.and_then(|status| status.phase).as_deref() == Some("Running")
    })
    .await;
    let nodes = it.nodes().await;
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0].labels()["eks.amazonaws.com/compute-type"], "fargate");
    let other = of_none.get("web").await.unwrap();
    assert_eq!(other.spec.unwrap().node_name, None, "a pod of no profile has a node");

    of_profile
        .delete("web", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    soon("the node goes with its pod", || async { it.nodes().await.is_empty() }).await;
}
