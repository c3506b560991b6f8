//! Whatever AWS has to say against a platform is told before anything of it is there.

use groundwork_contract::Arn;
use groundwork_program::{
    sample,
    sdk::mock::{Invocation, Options, Recording, run},
};
use groundwork_wire::PropertyValue;
use serde_json::{Value as Json, json};

const ROLE: &str =
    "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Admin_0123";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123/me";

/// The sample with these settings, where these functions answer otherwise: null is a refusal.
async fn asked(settings: &[(&str, &str)], answers: Json) -> Recording {
    let options = settings
        .iter()
        .fold(sample::options(), |options: Options, (key, value)| {
            options.config(&format!("platform:{key}"), value)
        });
    let options = options.invoke(move |invocation: &Invocation| match answers.get(&invocation.token) {
        None => sample::invoke(invocation),
        Some(Json::Null) => Err("denied".to_owned()),
        Some(answer) => match PropertyValue::from(answer.clone()) {
            PropertyValue::Object(map) => Ok(map),
            other => panic!("{other:?}"),
        },
    });
    run(options, groundwork_program::platform).await.unwrap()
}

/// What is told, where nothing but stack and provider is registered.
fn refused(recording: &Recording) -> String {
    let names: Vec<&str> = recording.registrations.iter().map(|one| one.token.as_str()).collect();
    assert_eq!(names, ["pulumi:pulumi:Stack", "pulumi:providers:groundwork"]);
    assert_eq!(recording.code, 32);
    recording.errors().join("\n")
}

fn caller(arn: &str) -> Json {
    json!({"account": "111122223333", "arn": arn, "userId": "AIDASAMPLE"})
}

#[tokio::test]
async fn whatever_is_refused_is_refused_before_anything_is_registered() {
    let interface = r#"{"interface": ["sts"]}"#;
    for token in [
        "groundwork:sts:getCallerIdentity",
        "groundwork:ec2:getAvailabilityZones",
        "groundwork:ec2:getVpcEndpointServices",
        "groundwork:eks:getClusterVersions",
    ] {
        let recording = asked(&[("endpoints", interface)], json!({token: null})).await;
        assert!(refused(&recording).contains("denied"), "{token}");
    }
    let nowhere = json!({"groundwork:ec2:getVpcEndpointServices": {"services": []}});
    let recording = asked(&[("endpoints", interface)], nowhere).await;
    let told = refused(&recording);
    assert!(
        told.contains("platform:endpoints.interface: sts is not offered in any zone"),
        "{told}"
    );
    let older = json!({"groundwork:eks:getClusterVersions": {"defaultVersion": "1.34", "versions": [
        {"version": "1.34", "status": "STANDARD", "default": true},
    ]}});
    let told = refused(&asked(&[], older).await);
    assert!(
        told.contains("platform:version: EKS has no Kubernetes 1.35 in eu-central-1; it has 1.34"),
        "{told}"
    );
}

#[tokio::test]
async fn nothing_is_made_in_an_existing_network_without_the_service() {
    let network = r#"{"existing": {"vpcId": "vpc-0aaa", "cidr": "10.9.0.0/16",
        "privateSubnetIds": ["subnet-0aaa", "subnet-0bbb"], "routeTableIds": ["rtb-0aaa"]}}"#;
    let nowhere = json!({"groundwork:ec2:getVpcEndpointServices": {"services": []}});
    let recording = asked(
        &[("network", network), ("endpoints", r#"{"interface": ["sts"]}"#)],
        nowhere,
    )
    .await;
    assert!(recording.errors()[0].contains("sts is not offered in any zone"));
    // They exist in the state alone.
    let made: Vec<&str> = recording
        .registrations
        .iter()
        .filter(|one| one.read.is_none() && !one.token.starts_with("pulumi:"))
        .map(|one| one.token.as_str())
        .collect();
    assert_eq!(made, ["groundwork:index:Stamp", "groundwork:teardown:Audit"]);
}

#[tokio::test]
async fn a_version_in_extended_support_is_for_a_cluster_that_runs_it_or_for_who_consents() {
    let told = refused(&asked(&[("version", "1.33")], json!({})).await);
    assert!(
        told.contains("platform:version: 1.33 has left standard support, which costs $365 a month more"),
        "{told}"
    );
    assert!(told.contains("`cluster.supportType: EXTENDED`"), "{told}");
    let running = |version: &str| {
        json!({"groundwork:eks:getCluster": {
            "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/main",
            "status": "ACTIVE", "version": version, "platformVersion": "eks.1", "endpoint": "", "certificateAuthority": "",
            "oidcIssuer": "", "roleArn": "arn:aws:iam::111122223333:role/main", "vpcId": "vpc-0aaa", "subnetIds": [],
            "authenticationMode": "API", "tags": {},
        }})
    };
    refused(&asked(&[("version", "1.33")], running("1.32")).await);
    let cluster = r#"{"supportType": "EXTENDED"}"#;
    for recording in [
        asked(&[("version", "1.33")], running("1.33")).await,
        asked(&[("version", "1.33"), ("cluster", cluster)], json!({})).await,
    ] {
        assert_eq!(recording.errors(), Vec::<&str>::new());
        let cluster = recording.resource("eks-main").unwrap();
        assert_eq!(cluster.inputs["version"].as_str(), Some("1.33"));
    }
}

#[tokio::test]
async fn a_sessions_role_is_let_in_by_its_whole_arn() {
    let known = json!({
        "groundwork:sts:getCallerIdentity": caller(SESSION),
        "groundwork:iam:getRole": {"arn": ROLE, "path": "/aws-reserved/sso.amazonaws.com/eu-central-1/"},
    });
    let recording = asked(&[], known).await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
    let arn: Arn = ROLE.parse().unwrap();
    let entry = recording.resource(&format!("main-access-{}", arn.resource().replace('/', "-")));
    assert_eq!(entry.unwrap().inputs["principalArn"].as_str(), Some(ROLE));
    let denied = json!({"groundwork:sts:getCallerIdentity": caller(SESSION), "groundwork:iam:getRole": null});
    let told = refused(&asked(&[], denied.clone()).await);
    assert!(
        told.contains("aws iam get-role --role-name AWSReservedSSO_Admin_0123 --query Role.Arn"),
        "{told}"
    );
    assert!(told.contains("platform:cluster.access.deployerArn"), "{told}");
    let named = format!(r#"{{"access": {{"deployerArn": "{ROLE}"}}}}"#);
    let recording = asked(&[("cluster", named.as_str())], denied).await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
}

#[tokio::test]
async fn whoever_makes_the_cluster_is_one_of_those_it_lets_in() {
    let admins = |arn: &str| format!(r#"{{"access": {{"deployer": false, "admins": ["{arn}"]}}}}"#);
    let others = admins("arn:aws:iam::111122223333:role/others");
    for preset in ["standard", "demo"] {
        let recording = asked(&[("preset", preset), ("cluster", others.as_str())], json!({})).await;
        let told = refused(&recording);
        assert!(
            told.contains("platform:cluster.access.admins: arn:aws:iam::111122223333:user/sample, who runs Pulumi"),
            "{told}"
        );
    }
    let own = admins("arn:aws:iam::111122223333:user/sample");
    let recording = asked(&[("cluster", own.as_str())], json!({})).await;
    assert_eq!(recording.errors(), Vec::<&str>::new());
    assert!(recording.resource("main-access-user-sample").is_some());
}
