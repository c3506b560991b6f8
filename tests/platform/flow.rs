//! The platform comes up, stays quiet, finds no drift and goes away, in each preset; nothing of it is left.

use crate::{
    Cloud,
    platform::{QUICK, cloud, platform},
    stack::Stack,
};

/// What stood in the cluster when its deletion began and was put there by the platform.
fn left_in(cloud: &Cloud, cluster: &str) -> Vec<String> {
    let last = cloud.cloud.last_words(cluster).unwrap();
    assert!(last.len() > 20, "a cluster holds more than that: {last:?}");
    last.into_iter()
        .filter(groundwork_local::Object::is_of_the_platform)
        .map(|object| object.name)
        .collect()
}

async fn lives_its_life(cluster: &str, settings: &[(&str, &str)]) {
    let cloud = cloud(QUICK).await;
    let stack = platform(&cloud, settings);
    let before = cloud.dump().await;
    stack.succeed(&["preview"]);
    assert_eq!(cloud.dump().await, before, "a preview makes nothing");
    stack.up();
    tells_its_outputs(&stack, cluster);
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["preview", "--refresh", "--expect-no-changes"]);
    let dump = serde_json::to_string(&cloud.dump().await.0).unwrap();
    assert!(
        !dump.contains("groundwork:pending"),
        "no mark is left on anything that is safe"
    );
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
    assert_eq!(left_in(&cloud, cluster), Vec::<String>::new());
}

fn tells_its_outputs(stack: &Stack, cluster: &str) {
    let outputs = stack.outputs();
    let text = |name: &str| outputs[name].as_str().unwrap_or_else(|| panic!("{name} in {outputs}"));
    assert_eq!(text("clusterName"), cluster);
    assert!(text("clusterEndpoint").starts_with("https://"));
    assert!(text("oidcIssuer").starts_with("https://"));
    assert!(text("clusterSecurityGroupId").starts_with("sg-"));
    assert!(text("karpenter-oidc-role-arn").contains(":role/"));
    assert_eq!(text("kubeconfig"), "[secret]");
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_comes_up_stays_quiet_and_goes_away() {
    lives_its_life("main", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_1_comes_up_stays_quiet_and_goes_away() {
    lives_its_life("demo-k8s", &[("platform:preset", "demo"), ("platform:part", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn part_2_comes_up_stays_quiet_and_goes_away() {
    lives_its_life(
        "demo-k8s-cilium",
        &[("platform:preset", "demo"), ("platform:part", "2")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_comes_up_stays_quiet_and_goes_away() {
    let registry = r#"{"registry": "111122223333.dkr.ecr.eu-central-1.amazonaws.com"}"#;
    let settings = [
        ("platform:preset", "private"),
        ("platform:images", registry),
        ("platform:git", r#"{"host": "git.internal"}"#),
    ];
    lives_its_life("main", &settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_get_their_rights_by_pod_identity() {
    lives_its_life("main", &[("platform:identity", "pod-identity")]).await;
}
