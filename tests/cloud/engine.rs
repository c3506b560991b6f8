//! The real Pulumi engine on the platform's network: up, quiet, clean, gone; kills, faults, moved states, mistakes.
//!
//! Whole platforms are `tests/platform`'s.

use groundwork_local::{Rhythm, cloud::Fault, tools::PULUMI};
use std::time::Duration;

use crate::{
    Cloud,
    stack::{Stack, kill_providers},
};

const NAT: &str = "groundwork:ec2:NatGateway";

/// A local cloud with Pulumi on it.
async fn cloud(settle: Duration) -> Cloud {
    Cloud::with(|options| {
        options.rhythm = Rhythm::Settle(settle);
        options.tools.push(&PULUMI);
    })
    .await
}

pub(crate) async fn quick() -> Cloud {
    cloud(Duration::from_millis(200)).await
}

async fn lives_its_life(settings: &[(&str, &str)], resources: usize) {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, settings);
    let before = cloud.dump().await;
    stack.succeed(&["preview"]);
    assert_eq!(cloud.dump().await, before, "a preview makes nothing");
    stack.up();
    let made: usize = groundwork_contract::all()
        .iter()
        .map(|contract| stack.ids(contract.token).len())
        .sum();
    // Stamp and audit are two more than the network.
    assert_eq!(made, resources + 2);
    assert!(stack.outputs()["vpcId"].as_str().unwrap().starts_with("vpc-"));
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["preview", "--refresh", "--expect-no-changes"]);
    assert!(
        !dump_text(&cloud).await.contains("groundwork:pending"),
        "no mark is left on anything that is safe"
    );
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

async fn dump_text(cloud: &Cloud) -> String {
    let dump = cloud.dump().await;
    serde_json::to_string(&dump.0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_comes_up_stays_quiet_and_goes_away() {
    lives_its_life(&[], 32).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_comes_up_stays_quiet_and_goes_away() {
    lives_its_life(&[("platform:preset", "demo")], 31 + 11).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_comes_up_stays_quiet_and_goes_away() {
    let settings = [
        ("platform:preset", "private"),
        (
            "platform:images",
            r#"{"registry": "111122223333.dkr.ecr.eu-central-1.amazonaws.com"}"#,
        ),
        ("platform:git", r#"{"host": "git.internal"}"#),
    ];
    lives_its_life(&settings, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_regional_nat_gateway_and_ipv6_come_up_stay_quiet_and_go_away() {
    let network = r#"{"nat": "regional", "ipv6": true, "zoneCount": 3}"#;
    lives_its_life(&[("platform:network", network)], 51).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_in_place_replace_nothing() {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, &[]);
    let before = cloud.dump().await;
    stack.up();
    let (vpc, nats) = (stack.ids("groundwork:ec2:Vpc"), stack.ids(NAT));
    stack.succeed(&["config", "set", "platform:tags", r#"{"team": "platform"}"#]);
    stack.succeed(&["config", "set", "platform:endpoints", r#"{"policy": "open"}"#]);
    let said = stack.up();
    assert!(said.contains("updated") && !said.contains("replaced"), "{said}");
    assert_eq!((stack.ids("groundwork:ec2:Vpc"), stack.ids(NAT)), (vpc, nats));
    assert!(dump_text(&cloud).await.contains(r#""team""#));
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_nat_gateways_leave_no_address_behind() {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, &[]);
    let before = cloud.dump().await;
    stack.up();
    stack.succeed(&["config", "set", "platform:network", r#"{"nat": "single"}"#]);
    stack.up();
    assert_eq!(stack.ids(NAT).len(), 1);
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

/// Waits until the cloud has seen a call.
async fn call(cloud: &Cloud, operation: &str, answered: bool) {
    let mut every = tokio::time::interval(Duration::from_millis(20));
    loop {
        every.tick().await;
        let calls = cloud.cloud.journal(0).await.unwrap();
        if calls
            .iter()
            .any(|call| call.operation == operation && call.acted && call.answered == answered)
        {
            return;
        }
    }
}

/// The NAT gateways that the cloud knows and that are not deleted.
async fn nat_gateways(cloud: &Cloud) -> Vec<String> {
    let dump = cloud.dump().await;
    let alive = dump
        .0
        .iter()
        .filter(|(name, value)| name.contains("/natgateway/") && value["gone"] != true);
    alive
        .map(|(name, _)| name.rsplit('/').next().unwrap().to_owned())
        .collect()
}

/// Kills the provider when the cloud has seen a NAT gateway, and goes on with `up`.
async fn survives_a_kill(hold_the_answer_back: bool) {
    let cloud = cloud(Duration::from_secs(3)).await;
    let stack = Stack::of_network(&cloud, &[("platform:network", r#"{"nat": "single"}"#)]);
    let before = cloud.dump().await;
    if hold_the_answer_back {
        let fault = Fault {
            kind: "delay_response".to_owned(),
            operation: Some("CreateNatGateway".to_owned()),
            count: Some(1),
            seconds: Some(600.0),
            ..Fault::default()
        };
        cloud.cloud.set_fault(&fault).await.unwrap();
    }
    let mut up = stack.start(&["up", "--yes", "--skip-preview"]);
    call(&cloud, "CreateNatGateway", !hold_the_answer_back).await;
    assert_eq!(kill_providers(up.id()), 1);
    assert!(!up.wait().unwrap().success());
    cloud.cloud.clear_faults().await.unwrap();
    let begun = nat_gateways(&cloud).await;
    assert_eq!(begun.len(), 1);

    stack.up();
    assert_eq!(
        stack.ids(NAT).into_values().collect::<Vec<_>>(),
        begun,
        "the same one, and no other"
    );
    assert_eq!(nat_gateways(&cloud).await, begun);
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);

    let urn = format!(
        "urn:pulumi:test::platform::{NAT}::{}",
        stack.ids(NAT).into_keys().next().unwrap()
    );
    stack.succeed(&["up", "--yes", "--skip-preview", "--replace", &urn]);
    let replaced: Vec<String> = stack.ids(NAT).into_values().collect();
    assert_eq!(replaced.len(), 1);
    assert_ne!(replaced, begun, "a replacement is a new one");
    assert_eq!(nat_gateways(&cloud).await, replaced);

    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_while_a_nat_gateway_is_pending_loses_nothing() {
    survives_a_kill(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_between_awss_answer_and_its_own_loses_nothing() {
    survives_a_kill(true).await;
}

/// Every operation of an `up` and a `destroy` fails once.
async fn survives_faults(kind: &str) {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, &[("platform:preset", "demo")]);
    let before = cloud.dump().await;
    let mut operations: Vec<String> = Vec::new();
    stack.up();
    stack.destroy();
    operations.extend(
        cloud
            .cloud
            .journal(0)
            .await
            .unwrap()
            .into_iter()
            .map(|call| call.operation),
    );
    operations.sort();
    operations.dedup();
    assert!(operations.len() > 30, "{operations:?}");
    for operation in &operations {
        let fault = Fault {
            kind: kind.to_owned(),
            operation: Some(operation.clone()),
            count: Some(1),
            ..Fault::default()
        };
        cloud.cloud.set_fault(&fault).await.unwrap();
    }
    stack.up();
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    let unmet: Vec<_> = cloud
        .cloud
        .faults()
        .await
        .unwrap()
        .into_iter()
        .filter(|fault| fault.struck == 0)
        .map(|fault| fault.operation)
        .collect();
    assert!(unmet.is_empty(), "never struck: {unmet:?}");
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new(), "with {kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_throttled_once_ends_well() {
    survives_faults("throttle").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_reset_before_aws_acts_ends_well() {
    survives_faults("reset_before").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_reset_after_aws_acted_ends_well() {
    survives_faults("reset_after").await;
}

/// What the state knows of each resource. (The engine itself drops empty lists of dependencies when it writes.)
fn resources(state: &serde_json::Value) -> Vec<[serde_json::Value; 4]> {
    let resources = state["deployment"]["resources"].as_array().cloned().unwrap_or_default();
    resources
        .into_iter()
        .map(|mut resource| ["urn", "id", "inputs", "outputs"].map(|key| resource[key].take()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_account_or_region_is_not_touched() {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, &[]);
    stack.up();
    let (state, dump) = (stack.state(), cloud.dump().await);
    for (name, value, told) in [
        ("AWS_ACCESS_KEY_ID", "ACCOUNT999988887777", "account 999988887777"),
        ("AWS_REGION", "eu-west-1", "region eu-west-1"),
    ] {
        let moved = stack.with_env(name, value);
        for command in ["refresh", "destroy"] {
            let said = moved.fail(&[command, "--yes", "--skip-preview"]);
            assert!(
                said.contains("it lives in account 123456789012, region eu-central-1"),
                "{said}"
            );
            assert!(said.contains(told), "{said}");
            assert_eq!(resources(&stack.state()), resources(&state), "{command}");
            assert_eq!(cloud.dump().await, dump, "{command}");
        }
    }
    stack.destroy();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_credentials_and_a_wrong_account_are_told_and_make_nothing() {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, &[]);
    let before = cloud.dump().await;
    let said = stack
        .without_env("AWS_ACCESS_KEY_ID")
        .fail(&["up", "--yes", "--skip-preview"]);
    assert!(
        said.contains("no AWS credentials were found") && said.contains("log in again"),
        "{said}"
    );
    assert_eq!(
        said.matches("no AWS credentials were found").count(),
        2,
        "told once, and once in the summary: {said}"
    );
    for key in ["EXPIRED", "INVALID"] {
        let said = stack
            .with_env("AWS_ACCESS_KEY_ID", key)
            .fail(&["up", "--yes", "--skip-preview"]);
        assert!(
            said.contains("does not accept the credentials") && said.contains("log in again"),
            "{said}"
        );
        assert_eq!(cloud.dump().await, before);
    }
    stack.succeed(&["config", "set", "groundwork:allowedAccountIds", r#"["111122223333"]"#]);
    let said = stack.fail(&["up", "--yes", "--skip-preview"]);
    assert!(said.contains("allows 111122223333 alone"), "{said}");
    assert_eq!(cloud.dump().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_provider_configuration_are_told_at_once() {
    let cloud = quick().await;
    let stack = Stack::of_network(&cloud, &[("groundwork:regoin", "x"), ("groundwork:retries", "99")]);
    let before = cloud.dump().await;
    let said = stack.fail(&["preview"]);
    assert!(
        said.contains("did you mean \"region\"?") && said.contains("is 1 to 50"),
        "{said}"
    );
    assert_eq!(cloud.dump().await, before);
}
