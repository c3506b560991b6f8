//! Bad settings: every mistake at once, with path, reason and fix, and nothing registered.

use groundwork_program::sample;

async fn refused(settings: &[(&str, &str)]) -> String {
    let recording = sample::record(settings).await.unwrap();
    assert_eq!(recording.code, 32, "{settings:?} is accepted");
    assert_eq!(recording.registrations.len(), 1, "nothing but the stack is registered");
    assert_eq!(recording.errors().len(), 1, "{:?}", recording.errors());
    recording.errors()[0].to_owned()
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let text = refused(&[
        ("presett", "demo"),
        ("name", "Main!"),
        (
            "network",
            r#"{"cidr": "10.0.0.1/16", "natt": "single", "zoneCount": "many"}"#,
        ),
    ])
    .await;
    for part in [
        "platform:presett: is no property",
        "did you mean \"preset\"?",
        "platform:name",
        "platform:network.cidr",
        "did you mean 10.0.0.0/16?",
        "platform:network.natt",
        "did you mean \"nat\"?",
        "platform:network.zoneCount",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn what_does_not_fit_together_is_told_at_once() {
    let cases = [
        (
            r#"{"cidr": "10.0.0.0/24"}"#,
            vec!["platform:network.cidr", "too small", "at least /20"],
        ),
        (r#"{"cidr": "10.0.0.0/8"}"#, vec!["platform:network.cidr", "/16 to /28"]),
        (
            r#"{"zoneCount": 7}"#,
            vec!["platform:network.zoneCount", "2 to 6 zones"],
        ),
        (
            r#"{"zoneCount": 0}"#,
            vec!["platform:network.zoneCount", "2 to 6 zones"],
        ),
        (
            r#"{"zones": ["us-east-1a"]}"#,
            vec!["platform:network.zones[0]", "no zone of eu-central-1"],
        ),
        (
            r#"{"zones": ["eu-central-1a", "eu-central-1a"]}"#,
            vec!["platform:network.zones[1]", "twice"],
        ),
        (
            r#"{"subnets": {"private": ["10.0.0.0/20", "10.0.8.0/21"]}}"#,
            vec![
                "platform:network.subnets.private[0]",
                "platform:network.subnets.private[1]",
                "overlaps",
            ],
        ),
        (
            r#"{"subnets": {"private": ["10.1.0.0/20", "10.0.240.0/20"]}}"#,
            vec![
                "platform:network.subnets.private[0]",
                "not within the VPC's 10.0.0.0/16",
            ],
        ),
        (
            r#"{"subnets": {"public": ["10.0.0.0/20"]}}"#,
            vec!["platform:network.subnets.public", "1 ranges for 2 zones"],
        ),
        (
            r#"{"public": false}"#,
            vec!["platform:network.public", "nat is per-zone"],
        ),
        (
            r#"{"nat": "none"}"#,
            vec!["platform:images.registry", "platform:git.host"],
        ),
        (
            r#"{"flowLogs": {"destination": "arn:aws-cn:s3:::logs"}}"#,
            vec!["platform:network.flowLogs.destination", "partition aws-cn"],
        ),
        (
            r#"{"flowLogs": {"destination": "arn:aws:logs:eu-central-1:111122223333:log-group:x"}}"#,
            vec!["platform:network.flowLogs.role", "is required"],
        ),
        (
            r#"{"nat": "single", "existing": {"vpcId": "vpc-0a", "cidr": "10.0.0.0/16", "privateSubnetIds": []}}"#,
            vec![
                "platform:network.nat",
                "for a new VPC",
                "platform:network.existing.privateSubnetIds",
            ],
        ),
    ];
    for (network, parts) in cases {
        let text = refused(&[("network", network)]).await;
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in:\n{text}\nfor {network}");
        }
    }
}

#[tokio::test]
async fn a_private_platform_needs_images_and_git_within_reach() {
    let text = refused(&[("preset", "private")]).await;
    assert!(
        text.contains("platform:images.registry") && text.contains("platform:git.host"),
        "{text}"
    );
    let text = refused(&[
        ("preset", "private"),
        ("images", r#"{"registry": "quay.io/cilium"}"#),
        ("git", r#"{"host": "github.com"}"#),
    ])
    .await;
    assert!(
        text.contains("quay.io cannot be reached") && text.contains("github.com cannot be reached"),
        "{text}"
    );
}

/// The settings of preset `private`, with this of Flux.
fn private(flux: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut settings = sample::preset("private");
    settings.push(("flux", flux));
    settings
}

#[tokio::test]
async fn a_private_platform_is_handed_over_to_its_own_git_host() {
    for (flux, host) in [
        (
            r#"{"owner": "me", "repository": "fleet", "token": "t"}"#,
            "git.internal",
        ),
        (
            r#"{"owner": "me", "repository": "fleet", "token": "t", "hostname": "git.internal:8443"}"#,
            "git.internal:8443",
        ),
    ] {
        let recording = sample::record(&private(flux)).await.unwrap();
        assert_eq!(recording.errors(), Vec::<&str>::new());
        let hand_over = recording.resource("main-flux").unwrap();
        assert_eq!(hand_over.inputs["hostname"].as_str(), Some(host));
    }
    for (flux, parts) in [
        (
            r#"{"owner": "me", "repository": "fleet", "token": "t", "hostname": "github.com"}"#,
            [
                "platform:flux.hostname: github.com cannot be reached",
                "`git.host` is git.internal",
            ],
        ),
        (
            r#"{"provider": "git", "url": "ssh://git@ssh.github.com:443/me/fleet", "sshKey": "k"}"#,
            ["platform:flux.url: github.com cannot be reached", "inside the network"],
        ),
        (
            r#"{"provider": "git", "url": "https://other.internal/fleet", "token": "t"}"#,
            [
                "platform:flux.url: goes to other.internal",
                "`git.host` is git.internal",
            ],
        ),
    ] {
        let text = refused(&private(flux)).await;
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }
}

#[tokio::test]
async fn each_origin_of_images_has_its_prefix_in_a_pull_through_cache() {
    let mut settings = private(r#"{"owner": "me", "repository": "fleet", "token": "t"}"#);
    let images = r#"{"registry": "cache.internal/", "prefixes": {"quay.io": "quay", "ghcr.io": "ghcr"}}"#;
    settings.push(("images", images));
    let recording = sample::record(&settings).await.unwrap();
    assert_eq!(recording.errors(), Vec::<&str>::new());
    let flux = recording.resource("main-flux").unwrap().to_json()["inputs"].clone();
    assert_eq!(flux["image"], "cache.internal/ghcr/fluxcd/flux-cli:v2.9.4");
    assert_eq!(flux["registry"], "cache.internal/ghcr/fluxcd");
    let cilium = recording.resource("main-cilium-cni").unwrap().to_json()["inputs"].clone();
    assert_eq!(
        cilium["values"]["operator"]["image"]["repository"],
        "cache.internal/quay/cilium/operator"
    );
    for (images, part) in [
        (
            r#"{"prefixes": {"quay.io": "quay"}}"#,
            "platform:images.prefixes: are those of a registry",
        ),
        (
            r#"{"registry": "cache.internal", "prefixes": {"docker.io": "hub"}}"#,
            "platform:images.prefixes[\"docker.io\"]: the platform pulls nothing from there",
        ),
    ] {
        let text = refused(&[("images", images)]).await;
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn a_zone_that_eks_refuses_is_told_with_those_there_are() {
    let recording = sample::record(&[("network", r#"{"zones": ["eu-central-1a", "eu-central-1z"]}"#)])
        .await
        .unwrap();
    assert_eq!(recording.code, 32);
    let told = recording.errors()[0];
    assert!(
        told.contains("platform:network.zones: eu-central-1z is no zone of eu-central-1 that EKS accepts"),
        "{told}"
    );
    assert!(told.contains("eu-central-1a, eu-central-1b, eu-central-1c"), "{told}");
    assert!(recording.resource("main-vpc").is_none());
}

#[tokio::test]
async fn endpoints_that_do_not_exist_are_named() {
    let text = refused(&[("endpoints", r#"{"gateway": ["sts", "s3", "s3"]}"#)]).await;
    assert!(
        text.contains("platform:endpoints.gateway[0]") && text.contains("no gateway endpoint"),
        "{text}"
    );
    assert!(
        text.contains("platform:endpoints.gateway[2]") && text.contains("twice"),
        "{text}"
    );
}

#[tokio::test]
async fn too_many_zones_for_the_region_are_told_with_those_there_are() {
    let recording = sample::record(&[("network", r#"{"zoneCount": 4}"#)]).await.unwrap();
    assert_eq!(recording.code, 32);
    assert!(
        recording.errors()[0].contains("eu-central-1a, eu-central-1b, eu-central-1c"),
        "{:?}",
        recording.errors()
    );
    assert!(recording.resource("main-vpc").is_none());
}
