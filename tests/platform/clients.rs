//! Whoever has the kubeconfig reads the cluster: kubectl, and a client that only knows the format.

use std::fs;

use serde_json::Value as Json;

use crate::{
    platform::{QUICK, cloud, platform, run, script},
    stack::Stack,
};

/// The output `kubeconfig`, in a file.
pub(crate) fn kubeconfig(stack: &Stack, folder: &std::path::Path) -> String {
    let outputs = stack.outputs_revealed();
    let path = folder.join("kubeconfig");
    fs::write(&path, outputs["kubeconfig"].as_str().expect("the kubeconfig is text")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_independent_clients_read_the_cluster_with_the_exported_kubeconfig() {
    let cloud = cloud(QUICK).await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let config = kubeconfig(&stack, cloud.folder.path());
    // The kubeconfig names `groundwork`, which the tests have beside them.
    let by_kubectl: Json = serde_json::from_str(&run(
        &cloud,
        "kubectl",
        &["--kubeconfig", &config, "get", "nodes", "--output=json"],
    ))
    .unwrap();
    let mut names: Vec<&str> = by_kubectl["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["metadata"]["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names.len(), 2, "{by_kubectl}");
    let by_another = script(&cloud, "read_cluster.py", &[&config]).await;
    assert_eq!(by_another, serde_json::json!(names));
    stack.destroy();
}
