//! What AWS and its controllers leave behind in real life: a client that deletes in the order of its graph fails or
//! leaks, each time; Groundwork leaves nothing.

use std::time::Duration;

use groundwork_local::{Call, Rhythm};
use serde_json::Value as Json;

use crate::{
    Cloud,
    platform::{CLUSTER, QUICK, calls, cloud, command, platform, python, run, script, until},
    stack::Stack,
};

/// What a plain client could not delete, by what it is, and what is left in the end.
async fn plainly(hazard: Option<&str>, parts: &[&str]) -> (Json, Vec<String>) {
    plainly_at(QUICK, hazard, parts).await
}

/// The same, where a test cares how long each transition takes.
async fn plainly_at(settle: Duration, hazard: Option<&str>, parts: &[&str]) -> (Json, Vec<String>) {
    let cloud = Cloud::with(|options| options.rhythm = Rhythm::Settle(settle)).await;
    let before = cloud.dump().await;
    if let Some(hazard) = hazard {
        cloud.cloud.set_hazard(hazard).await.unwrap();
    }
    let errors = script(&cloud, "plain_client.py", parts).await;
    // What comes back by itself has the time to.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let left = cloud
        .dump()
        .await
        .left_over(&before)
        .into_iter()
        .map(str::to_owned)
        .collect();
    (errors, left)
}

/// The platform under the same hazard: up, down, and nothing left. What it took to get there, of these calls.
async fn ours(hazard: &str, operation: &str) -> usize {
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    cloud.cloud.set_hazard(hazard).await.unwrap();
    let stack = platform(&cloud, &[]);
    stack.up();
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
    let calls = calls(&cloud, &[operation]).await;
    calls
        .iter()
        .filter(|call| call.acted && call.error_code.is_none())
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_hazard_the_plain_client_leaves_nothing() {
    let (errors, left) = plainly(None, &["nodes"]).await;
    assert_eq!(errors, serde_json::json!({}));
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn h6_interfaces_that_outlive_their_instances() {
    let (errors, left) = plainly(Some("orphan-enis"), &["nodes"]).await;
    assert_eq!(errors["subnet"], "DependencyViolation");
    assert!(left.iter().any(|name| name.contains("/eni-")), "{left:?}");
    let swept = ours("orphan-enis", "DeleteNetworkInterface").await;
    assert!(swept > 0, "nothing outlived its instance");
}

#[tokio::test(flavor = "multi_thread")]
async fn h7_a_group_that_another_groups_rule_names() {
    let (errors, left) = plainly(Some("orphan-enis"), &["nodes", "reference"]).await;
    assert_eq!(errors["group"], "DependencyViolation");
    assert!(left.iter().any(|name| name.contains("/sg-")), "{left:?}");
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let outputs = stack.outputs();
    let own = outputs["clusterSecurityGroupId"].as_str().unwrap();
    let other = stack
        .ids("groundwork:ec2:SecurityGroup")
        .into_values()
        .next()
        .expect("a group of the platform");
    // A controller lets each into the other, as the load balancer controller does.
    let admit = |group: &str, source: &str| {
        format!(
            "import boto3; boto3.client('ec2').authorize_security_group_ingress(GroupId='{group}', \
             IpPermissions=[{{'IpProtocol': 'tcp', 'FromPort': 9443, 'ToPort': 9443, \
             'UserIdGroupPairs': [{{'GroupId': '{source}'}}]}}])"
        )
    };
    for code in [admit(own, &other), admit(&other, own)] {
        python(&cloud, &code).await;
    }
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn h8_a_log_group_that_comes_back() {
    let (errors, left) = plainly(Some("log-group-reborn"), &[]).await;
    assert_eq!(errors, serde_json::json!({}), "nothing tells the plain client");
    assert!(
        left.iter().any(|name| name.contains("/aws/eks/plain/cluster")),
        "{left:?}"
    );
    let deleted = ours("log-group-reborn", "DeleteLogGroup").await;
    assert!(deleted > 1, "it did not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn h9_guardduty_moves_into_the_vpc() {
    let (errors, _) = plainly(Some("guardduty"), &[]).await;
    assert_eq!(errors["vpc"], "DependencyViolation");
    let deleted = ours("guardduty", "DeleteVpcEndpoints").await;
    assert!(deleted > 1, "the platform's own gateway endpoint alone");
}

/// Deletes the cluster and all that belongs to it behind the platform's back.
async fn delete_cluster(cloud: &Cloud) {
    let code = format!(
        "import boto3\n\
         eks = boto3.client('eks')\n\
         for name in eks.list_addons(clusterName='{CLUSTER}')['addons']:\n    \
             eks.delete_addon(clusterName='{CLUSTER}', addonName=name)\n\
         for name in eks.list_nodegroups(clusterName='{CLUSTER}')['nodegroups']:\n    \
             eks.delete_nodegroup(clusterName='{CLUSTER}', nodegroupName=name)\n    \
             eks.get_waiter('nodegroup_deleted').wait(clusterName='{CLUSTER}', nodegroupName=name, \
             WaiterConfig={{'Delay': 1}})\n\
         eks.delete_cluster(name='{CLUSTER}')\n\
         eks.get_waiter('cluster_deleted').wait(name='{CLUSTER}', WaiterConfig={{'Delay': 1}})\n"
    );
    python(cloud, &code).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h10_objects_in_the_state_of_a_cluster_that_is_gone() {
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let kubeconfig = cloud.cloud.kubeconfig(CLUSTER).unwrap();
    delete_cluster(&cloud).await;
    // A client of Kubernetes alone has nobody to talk to, and fails for ever.
    let arguments = ["--kubeconfig", kubeconfig.to_str().unwrap(), "--request-timeout=5s"];
    let plain = command(&cloud, "kubectl")
        .args(arguments)
        .args(["delete", "namespace", "default"])
        .output();
    assert!(!plain.unwrap().status.success());
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

/// The principal that made the cluster, whom an access entry of its own lets in.
fn deployer(stack: &Stack) -> String {
    let entries = stack.ids("groundwork:eks:AccessEntry");
    let (_, id) = entries
        .iter()
        .find(|(name, _)| name.contains("-access-"))
        .unwrap_or_else(|| panic!("{entries:?}"));
    id.split_once('/').unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_access_that_is_taken_away_before_what_needs_it() {
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let deployer = deployer(&stack);
    stack.destroy();
    // In the order of the calls: whatever deletes objects comes before the access that it needs.
    let gone = calls(&cloud, &["DeleteAccessEntry", "DeleteAddon", "DeleteNodegroup"]).await;
    let of_deployer = |call: &&Call| {
        call.acted && call.operation == "DeleteAccessEntry" && call.params["principalArn"] == deployer.as_str()
    };
    let entry = gone.iter().find(of_deployer).unwrap_or_else(|| panic!("{gone:?}")).n;
    for operation in ["DeleteAddon", "DeleteNodegroup"] {
        let mut of_it = gone.iter().filter(|call| call.operation == operation).peekable();
        assert!(of_it.peek().is_some(), "{gone:?}");
        assert!(of_it.all(|call| call.n < entry), "{gone:?}");
    }
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());

    // A plain client that revokes it first is told 401 from then on.
    stack.up();
    let config = crate::clients::kubeconfig(&stack, cloud.folder.path());
    run(&cloud, "kubectl", &["--kubeconfig", &config, "get", "nodes"]);
    let revoke = format!(
        "import boto3\neks = boto3.client('eks')\nfor arn in eks.list_access_entries(clusterName='{CLUSTER}')\
         ['accessEntries']:\n    eks.delete_access_entry(clusterName='{CLUSTER}', principalArn=arn)\n"
    );
    python(&cloud, &revoke).await;
    // Who was just let in is remembered for a second; no namespace goes meanwhile, as this one never may.
    until(async || {
        let plain = command(&cloud, "kubectl")
            .args(["--kubeconfig", &config, "delete", "namespace", "default"])
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&plain.stderr).into_owned();
        assert!(!plain.status.success(), "{words}");
        words.contains("nauthorized").then_some(())
    })
    .await;
    // Ours says whose access is missing and how to give it back; once that is done, the same command ends well.
    let text = stack.fail(&["destroy", "--yes", "--skip-preview"]);
    assert!(
        text.contains("create-access-entry") && text.contains(&deployer),
        "{text}"
    );
    let grant = format!(
        "import boto3\neks = boto3.client('eks')\nwho = {{'clusterName': '{CLUSTER}', 'principalArn': '{deployer}'}}\n\
         eks.create_access_entry(**who)\neks.associate_access_policy(**who, accessScope={{'type': 'cluster'}}, \
         policyArn='arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy')\n"
    );
    python(&cloud, &grant).await;
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_a_drain_that_a_budget_blocks() {
    let (errors, left) = plainly(Some("pdb"), &["nodes", "impatient"]).await;
    let waited = errors["nodes"].as_str().unwrap_or_default();
    assert!(waited.contains("Max attempts exceeded"), "{errors}");
    assert_eq!(errors["cluster"], "ResourceInUseException");
    assert!(left.iter().any(|name| name.contains("/i-")), "{left:?}");
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    cloud.cloud.set_hazard("pdb").await.unwrap();
    let stack = platform(&cloud, &[("platform:nodes", r#"{"drainBudgetSeconds": 3}"#)]);
    stack.up();
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
    assert!(
        calls(&cloud, &["TerminateInstances"])
            .await
            .iter()
            .any(|call| call.acted),
        "the drain ended by itself"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h14_fargate_profiles_go_one_at_a_time() {
    let (errors, left) = plainly_at(Duration::from_secs(2), None, &["fargate"]).await;
    assert_eq!(errors["profile two"], "ResourceInUseException");
    // What the second holds cannot go either.
    assert_eq!(errors["cluster"], "ResourceInUseException");
    assert!(left.iter().any(|name| name.starts_with("eks/")), "{left:?}");
    // Ours, two at once: `fargate_profiles_come_and_go_one_at_a_time` in `tests/cloud/nodes.rs`. The platform has one.
}
