//! Whoever has the kubeconfig reads the cluster: kubectl, and a client that only knows the format.

use std::fs;

use serde_json::Value as Json;

use crate::{
    platform::{CLUSTER, QUICK, calls, cloud, command, platform, python, run, script},
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

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_of_an_assumed_role_is_read_as_that_role() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/platform/deployer";
    let cloud = cloud(QUICK).await;
    let role = "import boto3, json\n\
        trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole', \
        'Principal': {'AWS': 'arn:aws:iam::123456789012:root'}, \
        'Condition': {'StringEquals': {'sts:ExternalId': 'from-outside'}}}]}\n\
        boto3.client('iam').create_role(RoleName='deployer', Path='/platform/', \
        AssumeRolePolicyDocument=json.dumps(trust))\n";
    python(&cloud, role).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    stack.set("groundwork:assumeRole.roleArn", ROLE);
    stack.set("groundwork:assumeRole.externalId", "from-outside");
    stack.up();
    let entries = calls(&cloud, &["CreateAccessEntry"]).await;
    assert!(
        entries.iter().any(|call| call.params["principalArn"] == ROLE),
        "{entries:?}"
    );
    // The kubeconfig assumes the role first; without that its owner is a stranger to the cluster.
    let config = kubeconfig(&stack, cloud.folder.path());
    run(&cloud, "kubectl", &["--kubeconfig", &config, "get", "nodes"]);
    let token = command(&cloud, "groundwork")
        .args(["token", "--cluster", CLUSTER])
        .output()
        .unwrap();
    let token: Json = serde_json::from_slice(&token.stdout).unwrap();
    let token = token["status"]["token"].as_str().unwrap();
    let text = fs::read_to_string(&config).unwrap();
    let mut of_base: Json = serde_json::from_str(&text).unwrap();
    of_base["users"][0]["user"] = serde_json::json!({ "token": token });
    let path = cloud.folder.path().join("of-base");
    fs::write(&path, of_base.to_string()).unwrap();
    let refused = command(&cloud, "kubectl")
        .args(["--kubeconfig", path.to_str().unwrap(), "get", "nodes"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("nauthorized"), "{words}");
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}
