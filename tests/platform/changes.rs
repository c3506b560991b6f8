//! Several changes of the cluster in one `up`: EKS makes one at a time, and each is made.

use crate::platform::{CLUSTER, QUICK, cloud, platform, python_program};

#[tokio::test(flavor = "multi_thread")]
async fn version_logging_cidrs_and_access_mode_change_in_one_up() {
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    let first = r#"{"endpoint": {"publicAccessCidrs": ["192.0.2.0/24"]}, "logging": {"types": ["audit"]},
        "access": {"authenticationMode": "API_AND_CONFIG_MAP"}}"#;
    let stack = platform(&cloud, &[("platform:version", "1.34"), ("platform:cluster", first)]);
    stack.up();
    let ids = stack.ids("groundwork:eks:Cluster");
    let since = cloud.cloud.journal(0).await.unwrap().last().unwrap().n;

    let then = r#"{"endpoint": {"publicAccessCidrs": ["198.51.100.0/24"]}, "logging": {"types": ["audit", "api"]},
        "access": {"authenticationMode": "API"}}"#;
    stack.succeed(&["config", "set", "platform:version", "1.36"]);
    stack.succeed(&["config", "set", "platform:cluster", then]);
    stack.up();

    let journal = cloud.cloud.journal(since).await.unwrap();
    let updates: Vec<&str> = journal
        .iter()
        .map(|call| call.operation.as_str())
        .filter(|operation| ["UpdateClusterConfig", "UpdateClusterVersion"].contains(operation))
        .collect();
    // Access mode, CIDRs and logging are three updates; the version goes by way of 1.35. The version comes last.
    assert_eq!(
        updates,
        [
            "UpdateClusterConfig",
            "UpdateClusterConfig",
            "UpdateClusterConfig",
            "UpdateClusterVersion",
            "UpdateClusterVersion"
        ]
    );
    assert_eq!(stack.ids("groundwork:eks:Cluster"), ids, "nothing was replaced");
    let code = format!(
        "import boto3, json; c = boto3.client('eks').describe_cluster(name='{CLUSTER}')['cluster']; \
         print(json.dumps([c['version'], c['accessConfig']['authenticationMode'], \
         c['resourcesVpcConfig']['publicAccessCidrs'], c['logging']['clusterLogging'][0]['types']]))"
    );
    let said = cloud
        .cloud
        .command(&python_program().await)
        .args(["-c", &code])
        .output()
        .unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(
        seen,
        serde_json::json!(["1.36", "API", ["198.51.100.0/24"], ["api", "audit"]])
    );
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}
