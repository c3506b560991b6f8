//! The order that spares everybody the race: Cilium's objects, nodes, the gate, CoreDNS, Flux.

use serde_json::Value as Json;

use crate::platform::{CLUSTER, QUICK, cloud, get, platform, script};

fn created(object: &Json) -> String {
    // RFC 3339 in UTC and without fractions: texts are in the order of their times.
    object["metadata"]["creationTimestamp"]
        .as_str()
        .unwrap_or_else(|| panic!("{object}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn cilium_before_nodes_before_coredns_before_flux() {
    let cloud = cloud(std::time::Duration::from_secs(2)).await;
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

    // And by AWS's own journal.
    let journal = cloud.cloud.journal(0).await.unwrap();
    let first = |operation: &str| {
        journal
            .iter()
            .find(|call| call.operation == operation)
            .map(|call| call.n)
    };
    assert!(first("CreateCluster") < first("CreateNodegroup"), "{journal:?}");
    assert!(first("CreateNodegroup") < first("CreateAddon"), "{journal:?}");
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
