//! The policy pack, started by the engine.

use std::{collections::BTreeSet, fs};

use serde_json::{Value as Json, json};

use crate::{
    examples::example,
    stage::{Project, Stage, program, source},
};

/// The pack as an executable.
fn executable() -> String {
    program("groundwork-policies").display().to_string()
}

/// What the engine told of one run: every event that there was.
fn events(project: &Project<'_>, arguments: &[&str]) -> Vec<Json> {
    let log = project.folder.join("events.json");
    project.run(&[arguments, &["--event-log", &log.display().to_string()]].concat());
    let events = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    events.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the pack said: `<policy> <resource's name>`, every one of them advisory.
fn said(events: &[Json]) -> BTreeSet<String> {
    let spoken = events.iter().filter_map(|event| event.get("policyEvent"));
    spoken
        .map(|event| {
            assert_eq!(event["enforcementLevel"], "advisory", "{event}");
            assert!(event["message"].as_str().unwrap().contains("see "), "{event}");
            let name = event["resourceUrn"].as_str().unwrap().rsplit("::").next().unwrap();
            format!("{} {name}", event["policyName"].as_str().unwrap())
        })
        .collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Holds that the pack was asked about resources and about the stack, with a word from what it has seen to be well.
fn assert_judged(events: &[Json], well: &str) {
    let passed = |summary: &str| -> BTreeSet<&str> {
        let summaries = events.iter().filter_map(|event| event[summary]["passed"].as_array());
        summaries.flatten().filter_map(Json::as_str).collect()
    };
    assert!(
        passed("policyAnalyzeSummaryEvent").contains("s6-any-any-group"),
        "{events:?}"
    );
    assert_eq!(passed("policyAnalyzeStackSummaryEvent"), [well].into(), "{events:?}");
}

#[tokio::test]
async fn the_standard_platform_gives_no_cause() {
    let stage = Stage::with_kubernetes().await;
    let platform = stage.project("platform", &program("platform"));
    let pack = executable();
    for arguments in [
        &["preview", "--policy-pack", &pack][..],
        &["up", "--yes", "--skip-preview", "--policy-pack", &pack],
        // Ids are known now.
        &["preview", "--policy-pack", &pack],
    ] {
        let events = events(&platform, arguments);
        // The VPC accepts that it has no flow logs.
        assert_judged(&events, "s25-open-default-group");
        assert_eq!(said(&events), set(&[]), "{arguments:?}");
    }
    // What stands can be judged without the program.
    let judged = platform.run(&["policy", "analyze", "--policy-pack", &pack]);
    assert!(
        judged.contains("groundwork@v") && !judged.contains("[advisory]"),
        "{judged}"
    );
}

#[tokio::test]
async fn the_demo_platform_gives_every_cause() {
    let stage = Stage::with_kubernetes().await;
    let platform = stage.project("platform", &program("platform"));
    platform.set("platform:preset", "demo");
    let events = events(&platform, &["preview", "--policy-pack", &executable()]);
    assert_eq!(
        said(&events),
        set(&[
            "s6-any-any-group demo-security-group",
            "s7-wide-source inbound-eks-cp-demo-k8s-cilium",
            "s7-wide-source inbound-eks-node-demo-k8s-cilium",
            "s7-wide-source inbound-vpc-endpoint-cidrs",
            "s8-open-egress demo-security-group",
            "s8-open-egress outbound-eks-cp-demo-k8s-cilium",
            "s8-open-egress outbound-eks-node-demo-k8s-cilium",
            "s8-open-egress outbound-vpc-endpoint-cidrs",
            "s16-open-endpoint cloudformation-vpc-endpoint",
            "s16-open-endpoint ec2-vpc-endpoint",
            "s16-open-endpoint ecr-api-vpc-endpoint",
            "s16-open-endpoint ecr-dkr-vpc-endpoint",
            "s16-open-endpoint email-smtp-vpc-endpoint",
            "s16-open-endpoint logs-vpc-endpoint",
            "s16-open-endpoint s3-vpc-endpoint",
            "s16-open-endpoint sts-vpc-endpoint",
            "s22-no-flow-logs demo-vpc",
            "s25-open-default-group demo-vpc",
        ])
    );
}

#[tokio::test]
async fn a_folder_is_a_pack_that_the_language_host_builds_and_runs() {
    let stage = Stage::up().await;
    let network = example(&stage, "network");
    let folder = network.folder.join("policies");
    fs::create_dir(&folder).unwrap();
    let project = source("policies/PulumiPolicy.yaml");
    let from = "    manifest: ..\n";
    assert!(project.contains(from), "{project}");
    // Built as this test was, so that there is nothing left to build.
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let to = format!("    manifest: {}\n    profile: {profile}\n", env!("CARGO_MANIFEST_DIR"));
    fs::write(folder.join("PulumiPolicy.yaml"), project.replace(from, &to)).unwrap();
    let events = events(&network, &["preview", "--policy-pack", "policies"]);
    assert_eq!(
        said(&events),
        set(&[
            "s16-open-endpoint s3",
            "s22-no-flow-logs main",
            "s25-open-default-group main"
        ])
    );
}

#[tokio::test]
async fn rules_are_mandatory_or_silent_as_they_are_configured() {
    let stage = Stage::up().await;
    let network = example(&stage, "network");
    let pack = executable();
    let configured = |config: Json| {
        fs::write(network.folder.join("policies.json"), config.to_string()).unwrap();
        [
            "preview",
            "--policy-pack",
            &pack,
            "--policy-pack-config",
            "policies.json",
        ]
        .map(str::to_owned)
    };

    let arguments = configured(json!({"s22-no-flow-logs": "disabled", "s16-open-endpoint": "disabled"}));
    let events = events(&network, &arguments.each_ref().map(String::as_str));
    assert_eq!(said(&events), set(&["s25-open-default-group main"]));

    let arguments = configured(json!({"s22-no-flow-logs": "mandatory"}));
    let refused = network.fail(&arguments.each_ref().map(String::as_str));
    assert!(
        refused.contains("[mandatory] [severity: low]  s22-no-flow-logs"),
        "{refused}"
    );
    assert!(
        refused.contains("[advisory] [severity: low]  s25-open-default-group"),
        "{refused}"
    );

    let arguments = configured(json!({"s22-flow-log": "mandatory"}));
    let refused = network.fail(&arguments.each_ref().map(String::as_str));
    assert!(refused.contains("did you mean `s22-no-flow-logs`?"), "{refused}");
}
