//! The order in which a platform comes up and goes away, as the engine is told it.

use std::collections::BTreeSet;

use groundwork_program::{
    sample,
    sdk::mock::{Recording, Registration},
};

/// The names of all that a resource comes after, however far away. What is not among them may come at any time.
pub(crate) fn after(recording: &Recording, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let registration = recording
            .resource(&name)
            .unwrap_or_else(|| panic!("{name} is not registered"));
        let named = registration.dependencies.iter().chain(&registration.parent);
        for urn in named.filter(|urn| urn.token() != "pulumi:pulumi:Stack") {
            if found.insert(urn.name().to_owned()) {
                open.push(urn.name().to_owned());
            }
        }
    }
    found
}

fn of<'a>(recording: &'a Recording, token: &str) -> Vec<&'a Registration> {
    let all = recording.registrations.iter();
    all.filter(|registration| registration.token == token).collect()
}

fn assert_after(recording: &Recording, later: &str, earlier: &[&str]) {
    let after = after(recording, later);
    for earlier in earlier {
        assert!(
            after.contains(*earlier),
            "{later} does not come after {earlier}: {after:?}"
        );
    }
}

fn assert_apart(recording: &Recording, one: &str, other: &str) {
    assert!(!after(recording, one).contains(other), "{one} comes after {other}");
}

async fn recorded(name: &str, more: &[(&'static str, &'static str)]) -> Recording {
    let mut settings = sample::preset(name);
    settings.extend_from_slice(more);
    let recording = sample::record(&settings).await.unwrap();
    assert_eq!(recording.errors(), Vec::<&str>::new());
    recording
}

#[tokio::test]
async fn cilium_comes_before_nodes_and_waits_for_none() {
    let standard = recorded("standard", &[]).await;
    assert_after(&standard, "main-initial-nodegroup", &["main-cilium-cni", "eks-main"]);
    assert_apart(&standard, "main-cilium-cni", "main-initial-nodegroup");
    assert_after(
        &standard,
        "main-cilium-ready",
        &["main-cilium-cni", "main-initial-nodegroup"],
    );
    assert_after(
        &standard,
        "main-coredns",
        &["main-cilium-ready", "main-initial-nodegroup"],
    );
    let demo = recorded("demo", &[]).await;
    assert_after(&demo, "cilium-initial-nodegroup", &["cilium-cni"]);
    assert_apart(&demo, "cilium-cni", "cilium-initial-nodegroup");
    assert_after(&demo, "demo-coredns", &["cilium-initial-nodegroup"]);
}

#[tokio::test]
async fn the_cluster_comes_after_every_way_out_and_endpoint() {
    for (name, cluster) in [
        ("standard", "eks-main"),
        ("demo", "eks-demo-k8s-cilium"),
        ("demo-1", "eks-demo-k8s"),
        ("private", "eks-main"),
    ] {
        let recording = recorded(name, &[]).await;
        let before = after(&recording, cluster);
        let endpoints = of(&recording, "groundwork:ec2:VpcEndpoint");
        let routes = of(&recording, "groundwork:ec2:Route");
        let ways_out = routes.iter().filter(|route| !route.name.contains("public"));
        let needed: Vec<&&Registration> = endpoints.iter().chain(ways_out).collect();
        assert!(!needed.is_empty());
        for needed in needed {
            assert!(before.contains(&needed.name), "{name}: {}", needed.name);
        }
    }
}

#[tokio::test]
async fn whoever_makes_the_cluster_is_let_in_before_anything_is_put_into_it() {
    for name in ["standard", "private"] {
        let recording = recorded(name, &[]).await;
        let inside: Vec<_> = recording
            .registrations
            .iter()
            .filter(|registration| registration.inputs.contains_key("connection"))
            .collect();
        assert!(inside.len() > 2);
        for registration in inside {
            assert_after(&recording, &registration.name, &["main-access-user-sample"]);
        }
        for later in ["main-initial-nodegroup", "main-coredns"] {
            assert_after(&recording, later, &["main-access-user-sample"]);
        }
    }
}

#[tokio::test]
async fn roles_outlive_what_has_them() {
    let standard = recorded("standard", &[]).await;
    assert_after(
        &standard,
        "main-initial-nodegroup",
        &["main-node-role", "main-node-role-policy-0"],
    );
    assert_after(&standard, "eks-main", &["main-eks-role", "main-eks-role-policy-0"]);
    assert_after(
        &standard,
        "main-cilium-cni",
        &["main-cilium-policy-0", "main-oidc-provider"],
    );
    let demo = recorded("demo-1", &[]).await;
    assert_after(
        &demo,
        "eks_demo-k8sfargateProfile",
        &["demo-k8s-fargate-role", "demo-k8s-fargate-role-policy-0"],
    );
}

#[tokio::test]
async fn nodes_are_let_in_for_as_long_as_they_stand() {
    let demo = recorded("demo", &[]).await;
    assert_after(
        &demo,
        "cilium-initial-nodegroup",
        &["demo-k8s-cilium-karpenter-node-access"],
    );
    // With a role of their own EKS keeps their entry.
    let standard = recorded("standard", &[]).await;
    assert_apart(&standard, "main-initial-nodegroup", "main-karpenter-node-access");
}

#[tokio::test]
async fn addons_on_fargate_follow_each_other() {
    let demo = recorded("demo-1", &[]).await;
    assert_after(&demo, "demo-kube-proxy", &["demo-vpc-cni"]);
    assert_after(
        &demo,
        "demo-coredns",
        &["demo-kube-proxy", "eks_demo-k8sfargateProfile"],
    );
    assert_after(&demo, "flux-bootstrap-job", &["demo-coredns"]);
}

#[tokio::test]
async fn the_hand_over_comes_last() {
    let flux = r#"{"owner": "sample", "repository": "fleet", "token": "sample", "image": "flux@sha256:00"}"#;
    let standard = recorded("standard", &[("flux", flux)]).await;
    assert_after(
        &standard,
        "main-flux",
        &[
            "main-coredns",
            "main-karpenter",
            "main-karpenter-policy-5",
            "karpenter-namespace",
        ],
    );
    let demo = recorded("demo", &[]).await;
    assert_after(
        &demo,
        "flux-bootstrap-job",
        &[
            "demo-coredns",
            "karpenter-namespace",
            "demo-k8s-cilium-karpenter",
            "demo-k8s-cilium-karpenter-node-access",
        ],
    );
    for registration in &demo.registrations {
        let later = &registration.name;
        if registration.parent.is_some() && later != "flux-bootstrap-job" {
            assert_apart(&demo, later, "flux-bootstrap-job");
        }
    }
}
