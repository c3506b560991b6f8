//! What the program tells the engine, for every preset.

use groundwork_program::sample;

use crate::golden::assert_golden;

async fn golden(name: &str, settings: &[(&str, &str)]) {
    let recording = sample::record(settings).await.unwrap();
    assert_eq!(recording.errors(), Vec::<&str>::new());
    assert_eq!(recording.code, 0);
    let text = serde_json::to_string_pretty(&recording.to_json()).unwrap() + "\n";
    assert_golden(&format!("tests/golden/registrations/{name}.json"), &text);
}

#[tokio::test]
async fn standard() {
    golden("standard", &[]).await;
}

#[tokio::test]
async fn demo() {
    golden("demo", &sample::preset("demo")).await;
}

#[tokio::test]
async fn demo_on_fargate() {
    golden("demo-1", &sample::preset("demo-1")).await;
}

#[tokio::test]
async fn private() {
    golden("private", &sample::preset("private")).await;
}

#[tokio::test]
async fn private_with_pod_identity() {
    let mut settings = sample::preset("private");
    settings.push(("identity", "pod-identity"));
    golden("private-pod-identity", &settings).await;
}

#[tokio::test]
async fn the_shown_job_says_what_the_settings_say() {
    let flux = r#"{"owner": "me", "repository": "fleet", "token": "t", "hostname": "git.internal", "branch": "live",
        "tokenAuth": true, "interval": "5m", "components": ["source-controller", "image-reflector-controller"]}"#;
    let settings = [
        ("preset", "demo"),
        ("flux", flux),
        ("images", r#"{"registry": "mirror"}"#),
    ];
    let recording = sample::record(&settings).await.unwrap();
    assert_eq!(recording.errors(), Vec::<&str>::new());
    let job = recording.resource("flux-bootstrap-job").unwrap().to_json()["inputs"]["manifest"]["<secret>"].clone();
    assert_eq!(
        job["spec"]["template"]["spec"]["containers"][0]["command"],
        serde_json::json!([
            "flux",
            "bootstrap",
            "github",
            "--owner=me",
            "--repository=fleet",
            "--path=./clusters/demo-k8s-cilium",
            "--private=false",
            "--personal=true",
            "--hostname=git.internal",
            "--token-auth=true",
            "--branch=live",
            "--registry=mirror/fluxcd",
            "--interval=5m",
            "--components=source-controller",
            "--components-extra=image-reflector-controller",
        ])
    );
}

#[tokio::test]
async fn one_regional_nat_gateway_with_ipv6() {
    golden(
        "regional-ipv6",
        &[("network", r#"{"nat": "regional", "ipv6": true, "zoneCount": 3}"#)],
    )
    .await;
}

#[tokio::test]
async fn an_existing_network() {
    let network = r#"{"existing": {"vpcId": "vpc-0aaa", "cidr": "10.9.0.0/16", "privateSubnetIds": ["subnet-0aaa", "subnet-0bbb"],
        "routeTableIds": ["rtb-0aaa"]}}"#;
    golden(
        "existing",
        &[("network", network), ("endpoints", r#"{"interface": ["sts"]}"#)],
    )
    .await;
}

#[tokio::test]
async fn the_end_of_standard_support_is_told_before_it_comes() {
    let options = sample::options()
        .config("platform:version", "1.34")
        .today(jiff::civil::date(2026, 11, 28));
    let recording = groundwork_program::sdk::mock::run(options, groundwork_program::platform)
        .await
        .unwrap();
    let told = recording
        .messages
        .iter()
        .find(|message| message.text.starts_with("[C4,"));
    let told = &told.unwrap().text;
    assert!(
        told.contains("standard support of Kubernetes 1.34 ends in 4 days, on 2026-12-02"),
        "{told}"
    );
    assert!(told.contains("$365 a month"), "{told}");
}

#[tokio::test]
async fn demo_warns_of_its_choices_and_standard_has_nothing_to_warn_of() {
    let demo = sample::record(&sample::preset("demo")).await.unwrap();
    let said: Vec<&str> = demo.messages.iter().map(|message| message.text.as_str()).collect();
    for id in [
        "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S15", "S16", "S17",
        "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S25", "S27", "S28", "C1", "C2", "C3",
    ] {
        assert!(
            said.iter().any(|text| text.starts_with(&format!("[{id},"))),
            "{id} is not in {said:#?}"
        );
    }
    let standard = sample::record(&[]).await.unwrap();
    let said: Vec<&str> = standard.messages.iter().map(|message| message.text.as_str()).collect();
    assert!(
        matches!(said.as_slice(), [only] if only.starts_with("the Kubernetes API is private")),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_project_with_the_providers_name_is_refused() {
    use groundwork_program::sdk::mock::{Options, run};
    let recording = run(Options::new("groundwork", "dev"), groundwork_program::platform)
        .await
        .unwrap();
    assert_eq!(recording.code, 32);
    assert!(
        recording.errors()[0].contains("must not be named `groundwork`"),
        "{:?}",
        recording.errors()
    );
    assert_eq!(recording.registrations.len(), 1, "nothing but the stack");
}

#[tokio::test]
async fn whoever_has_the_kubeconfig_asks_as_the_provider_does() {
    use groundwork_program::sdk::mock::run;
    let role = r#"{"roleArn": "arn:aws:iam::111122223333:role/deploy", "externalId": "42"}"#;
    let options = || sample::options().config("groundwork:assumeRole", role);
    let recording = run(options(), groundwork_program::platform).await.unwrap();
    let kubeconfig = recording.to_json()["exports"]["kubeconfig"]["<secret>"].clone();
    let kubeconfig = kubeconfig.as_str().unwrap();
    assert!(
        kubeconfig.contains(r#""--role-arn","arn:aws:iam::111122223333:role/deploy""#),
        "{kubeconfig}"
    );
    let aws = options().config("platform:kubeconfig", "aws");
    let recording = run(aws, groundwork_program::platform).await.unwrap();
    assert_eq!(recording.registrations.len(), 1, "nothing but the stack");
    assert!(
        recording.errors()[0].contains("platform:kubeconfig: is aws, whose command line gives no external id"),
        "{:?}",
        recording.errors()
    );
}

#[tokio::test]
async fn the_settings_of_other_providers_reach_ours() {
    use groundwork_program::sdk::mock::run;
    let options = sample::options()
        .config("aws:profile", "mine")
        .config("groundwork:retries", "3");
    let recording = run(options, groundwork_program::platform).await.unwrap();
    let provider = recording.resource("aws").unwrap();
    assert_eq!(provider.inputs["profile"].as_str(), Some("mine"));
    assert_eq!(provider.inputs["region"].as_str(), Some(sample::REGION));
    assert_eq!(provider.inputs["retries"].as_str(), Some("3"));
}
