//! The order that spares everybody the race: Cilium's objects, nodes, the gate, CoreDNS, Flux.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::platform::{CLUSTER, QUICK, calls, cloud, get, platform, script};

fn created(object: &Json) -> String {
    // RFC 3339 in UTC and without fractions: texts are in the order of their times.
    object["metadata"]["creationTimestamp"]
        .as_str()
        .unwrap_or_else(|| panic!("{object}"))
        .to_owned()
}

fn second(time: &str) -> i64 {
    time.parse::<Timestamp>().unwrap().as_second()
}

/// When a pod became ready, in seconds since 1970.
fn ready_since(pod: &Json) -> i64 {
    let conditions = pod["status"]["conditions"].as_array().unwrap();
    let ready = conditions
        .iter()
        .find(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    second(ready.unwrap()["lastTransitionTime"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn cilium_before_nodes_before_coredns_before_flux() {
    let cloud = cloud(Duration::from_secs(2)).await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let cilium = get(&cloud, CLUSTER, &["--namespace=kube-system", "daemonset/cilium"]);
    let nodes = get(&cloud, CLUSTER, &["nodes"]);
    let first_node = nodes["items"].as_array().unwrap().iter().map(created).min().unwrap();
    let coredns = get(&cloud, CLUSTER, &["--namespace=kube-system", "deployment/coredns"]);
    let flux = get(&cloud, CLUSTER, &["namespace/flux-system"]);
    let order = [created(&cilium), first_node, created(&coredns), created(&flux)];
    assert!(
        order[0] < order[1] && order[1] < order[2] && order[2] <= order[3],
        "{order:?}"
    );

    // And by AWS's own journal: what was called when, and when what it began had come true.
    let first = async |operation: &str| {
        let call = calls(&cloud, &[operation]).await.into_iter().find(|call| call.acted);
        call.unwrap_or_else(|| panic!("{operation} was not called"))
    };
    let nodes = first("CreateNodegroup").await;
    let addon = first("CreateAddon").await;
    assert!(first("CreateCluster").await.settled.unwrap() < nodes.time);
    assert!(nodes.settled.unwrap() < addon.time);

    // CoreDNS was asked for after every agent was ready, and Flux after CoreDNS was.
    let agents = ["--namespace=kube-system", "--selector=k8s-app=cilium", "pods"];
    let agents = get(&cloud, CLUSTER, &agents);
    let ready: Vec<i64> = agents["items"].as_array().unwrap().iter().map(ready_since).collect();
    assert_eq!(ready.len(), 2, "an agent on each node");
    let whole = |seconds: f64| i64::try_from(Duration::from_secs_f64(seconds).as_secs()).unwrap();
    assert!(ready.iter().all(|at| *at <= whole(addon.time)), "{ready:?} {addon:?}");
    let flux = second(&created(&flux));
    assert!(whole(addon.settled.unwrap()) <= flux, "{flux} {addon:?}");
    stack.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_order_hangs() {
    let cloud = cloud(QUICK).await;
    // CoreDNS on a cluster without a node: what a client sees that puts it first.
    let seen = script(&cloud, "coredns_first.py", &[]).await;
    assert_eq!(seen["status"], "DEGRADED", "{seen}");
    assert_eq!(seen["issues"][0]["code"], "InsufficientNumberOfReplicas", "{seen}");
}
