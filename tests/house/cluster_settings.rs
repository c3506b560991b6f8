//! Bad settings of the cluster and of what runs in it: every mistake at once, with path, reason and fix.

use groundwork_contract::{Failure, Region, eks::KubernetesVersion};
use groundwork_program::{
    plan::{ComputePlan, Plan, plan},
    sdk::mock::{Options, run},
    settings,
};

/// What is made of these settings.
async fn planned(given: &[(&str, &str)], secret: &[&str]) -> Result<Plan, Vec<Failure>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let options = given
        .iter()
        .fold(Options::new("platform", "dev"), |options, (key, value)| {
            let full = format!("platform:{key}");
            if secret.contains(key) {
                options.secret_config(&full, value)
            } else {
                options.config(&full, value)
            }
        });
    let recording = run(options, |pulumi| async move {
        let region: Region = "eu-central-1".parse().unwrap();
        let planned = settings::read(&pulumi.config("platform"))
            .and_then(|settings| plan(settings, Some(&region), pulumi.today()));
        sender.send(planned).unwrap();
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(recording.errors(), Vec::<&str>::new());
    receiver.recv().unwrap()
}

/// Settings, and what is said of them.
type Mistake = (&'static [(&'static str, &'static str)], &'static [&'static str]);

async fn refused(given: &[(&str, &str)], parts: &[&str]) {
    let failures = planned(given, &[]).await.expect_err(&format!("{given:?} is accepted"));
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let text = told.join("\n");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}\nfor {given:?}");
    }
}

#[tokio::test]
async fn mistakes_of_the_cluster_are_told_with_their_fix() {
    let cases: [Mistake; 16] = [
        (
            &[("version", "1.24")],
            &["version: EKS has no Kubernetes 1.24; it has 1.36, 1.35, 1.34"],
        ),
        (&[("version", "latest")], &["version", "expected `1.` and a number"]),
        (
            &[("cluster", r#"{"endpoint": {"publicAccessCidrs": ["0.0.0.0/0"]}}"#)],
            &[
                "cluster.endpoint.publicAccessCidrs: has 0.0.0.0/0",
                "allowPublicAnywhere",
            ],
        ),
        (
            &[
                ("preset", "demo"),
                (
                    "cluster",
                    r#"{"endpoint": {"publicAccessCidrs": ["0.0.0.0/0"], "allowPublicAnywhere": false}}"#,
                ),
            ],
            &["cluster.endpoint.publicAccessCidrs: has 0.0.0.0/0"],
        ),
        (
            &[(
                "cluster",
                r#"{"endpoint": {"publicAccess": false, "privateAccess": false}}"#,
            )],
            &["cluster.endpoint.privateAccess: is false", "nobody would reach the API"],
        ),
        (
            &[("cluster", r#"{"endpoint": {"publicAccess": true}}"#)],
            &["cluster.endpoint.publicAccessCidrs: names nobody"],
        ),
        (
            &[("cluster", r#"{"access": {"deployer": false}}"#)],
            &["cluster.access.deployer", "no administrator would be left"],
        ),
        (
            &[(
                "cluster",
                r#"{"access": {"admins": ["arn:aws:sts::111122223333:assumed-role/a/b"]}}"#,
            )],
            &["cluster.access.admins[0]", "neither a role nor a user of IAM"],
        ),
        (
            &[("cluster", r#"{"logging": {"retentionDays": 100}}"#)],
            &["cluster.logging.retentionDays", "the next is 120"],
        ),
        (
            &[("cluster", r#"{"proxyUrl": "localhost"}"#)],
            &["cluster.proxyUrl", "must begin with http:// or https://"],
        ),
        (
            &[("part", "1"), ("identity", "pod-identity")],
            &["identity: is pod-identity", "does not run on Fargate"],
        ),
        (&[("part", "1"), ("nodes", "{}")], &["nodes: is for part 2"]),
        (&[("fargate", "{}")], &["fargate: is for part 1"]),
        (&[("addons", r#"{"vpcCni": {}}"#)], &["addons.vpcCni: is for part 1"]),
        (
            &[("rolePath", "platform")],
            &["rolePath", "expected a slash at the beginning"],
        ),
        (
            &[("name", "a-name-of-twenty-seven-chars")],
            &["name", "more than 26 characters"],
        ),
    ];
    for (given, parts) in cases {
        refused(given, parts).await;
    }
}

#[tokio::test]
async fn mistakes_of_the_nodes_are_told_with_their_fix() {
    let cases: [Mistake; 8] = [
        (
            &[("nodes", r#"{"instanceTypes": ["t4g.medium", "m5.large"]}"#)],
            &["nodes.instanceTypes[1]: m5.large is x86_64, but `amiType` is arm64"],
        ),
        (
            &[(
                "nodes",
                r#"{"amiType": "BOTTLEROCKET_x86_64", "instanceTypes": ["c7gn.large"]}"#,
            )],
            &["nodes.instanceTypes[0]: c7gn.large is arm64, but `amiType` is x86_64"],
        ),
        (
            &[
                (
                    "nodes",
                    r#"{"amiType": "AL2023_x86_64_STANDARD", "instanceTypes": ["m4.large"]}"#,
                ),
                ("cilium", r#"{"prefixDelegation": true}"#),
            ],
            &["nodes.instanceTypes[0]: m4.large is not built on Nitro"],
        ),
        (
            &[("nodes", r#"{"maxPods": 110}"#)],
            &[
                "nodes.maxPods: 110 is more than the 17 addresses",
                "cilium.prefixDelegation",
            ],
        ),
        (&[("nodes", r#"{"min": 0}"#)], &["nodes.min: is 0"]),
        (
            &[("nodes", r#"{"min": 3, "max": 2}"#)],
            &["nodes.desired: 3 is not between min (3) and max (2)"],
        ),
        (
            &[("cilium", r#"{"version": "1.12.5"}"#)],
            &["cilium.version", "1.12.5 is older, so take 1.19.6"],
        ),
        (
            &[(
                "cilium",
                r#"{"chart": "oci://example/cilium", "repository": "https://example"}"#,
            )],
            &["cilium.repository: is given"],
        ),
    ];
    for (given, parts) in cases {
        refused(given, parts).await;
    }
}

#[tokio::test]
async fn two_halves_of_the_internet_are_all_of_it() {
    let halves = r#"{"endpoint": {"publicAccessCidrs": ["0.0.0.0/1", "128.0.0.0/1"]}}"#;
    let path = "cluster.endpoint.publicAccessCidrs: has 0.0.0.0/1, more than anybody's own network";
    refused(&[("cluster", halves)], &[path, "allowPublicAnywhere"]).await;
    let insisted = halves.replace("]}", r#"], "allowPublicAnywhere": true}"#);
    planned(&[("cluster", insisted.as_str())], &[]).await.unwrap();
}

#[tokio::test]
async fn values_that_do_not_work_are_told_before_anything_is_made() {
    let cases: [Mistake; 5] = [
        (
            &[(
                "cilium",
                r#"{"prefixDelegation": true, "values": {"eni": {"awsEnablePrefixDelegation": false}}}"#,
            )],
            &["cilium.values.eni.awsEnablePrefixDelegation: is false, but `cilium.prefixDelegation` says true"],
        ),
        (
            &[(
                "cilium",
                r#"{"ingress": false, "values": {"ingressController": {"enabled": true}}}"#,
            )],
            &["cilium.values.ingressController.enabled: is true, but `cilium.ingress` says false"],
        ),
        (
            &[("cilium", r#"{"values": {"cluster": {"name": "other"}}}"#)],
            &["cilium.values.cluster.name: is \"other\", but `name` says \"main\""],
        ),
        (
            &[("cilium", r#"{"values": {"tunnel": "disabled"}}"#)],
            &["cilium.values.tunnel: the chart has no tunnel since 1.15"],
        ),
        (
            &[("cilium", r#"{"values": {"kubeProxyReplacment": "true"}}"#)],
            &[
                "cilium.values.kubeProxyReplacment",
                "did you mean \"kubeProxyReplacement\"?",
            ],
        ),
    ];
    for (given, parts) in cases {
        refused(given, parts).await;
    }
    let same = r#"{"values": {"eni": {"awsEnablePrefixDelegation": false}, "hubble": {"ui": {"enabled": false}}}}"#;
    planned(&[("cilium", same)], &[]).await.unwrap();
}

#[tokio::test]
async fn a_fargate_profile_has_five_selectors() {
    const FLUX: &str = r#"{"owner": "me", "repository": "fleet", "token": "t"}"#;
    const GITLAB: &str = r#"{"provider": "gitlab", "owner": "me", "repository": "fleet", "token": "t"}"#;
    let namespaces = |plan: Plan| match plan.compute {
        ComputePlan::Fargate(fargate) => fargate.namespaces,
        ComputePlan::Nodes(..) => panic!("no Fargate"),
    };
    let two = r#"{"namespaces": ["web", "shop"]}"#;
    // The Job of the shown architectures runs in kube-system, for GitHub alone.
    let plan = planned(
        &[("part", "1"), ("preset", "demo"), ("flux", FLUX), ("fargate", two)],
        &[],
    )
    .await;
    assert_eq!(
        namespaces(plan.unwrap()),
        ["karpenter", "flux-system", "kube-system", "web", "shop"]
    );
    let plan = planned(&[("part", "1"), ("preset", "demo"), ("flux", GITLAB)], &[]).await;
    assert_eq!(
        namespaces(plan.unwrap()),
        ["karpenter", "flux-system", "kube-system", "flux-bootstrap"]
    );
    let path = "fargate.namespaces: a Fargate profile has 5 selectors at most";
    for (given, parts) in [
        (
            [("part", "1"), ("flux", FLUX), ("fargate", two)],
            [path, "needs 4; name 1 at most"],
        ),
        (
            [
                ("part", "1"),
                ("preset", "demo"),
                ("fargate", r#"{"namespaces": ["a", "b", "c"]}"#),
            ],
            [path, "needs 3; name 2 at most"],
        ),
        (
            [
                ("part", "1"),
                ("flux", FLUX),
                ("fargate", r#"{"namespaces": ["flux-bootstrap"]}"#),
            ],
            ["fargate.namespaces[0]: flux-bootstrap is there already", "leave it out"],
        ),
    ] {
        refused(&given, &parts).await;
    }
}

#[tokio::test]
async fn mistakes_of_the_hand_over_are_told_with_their_fix() {
    let cases: [Mistake; 5] = [
        (
            &[("flux", "{}")],
            &[
                "flux.owner: is required",
                "flux.repository: is required",
                "flux.token: is required",
            ],
        ),
        (&[("flux", r#"{"provider": "git"}"#)], &["flux.url: is required"]),
        (
            &[("flux", r#"{"provider": "git", "url": "ssh://git@git.internal/fleet"}"#)],
            &["flux.sshKey: is required"],
        ),
        (
            &[(
                "flux",
                r#"{"provider": "git", "url": "https://git.internal/fleet", "owner": "me", "token": "t"}"#,
            )],
            &["flux.owner: is for GitHub and GitLab"],
        ),
        (
            &[
                ("version", "1.32"),
                ("cluster", r#"{"supportType": "EXTENDED"}"#),
                ("flux", r#"{"owner": "me", "repository": "fleet", "token": "t"}"#),
            ],
            &["flux: Flux 2.9.4 needs Kubernetes 1.33 or newer"],
        ),
    ];
    for (given, parts) in cases {
        refused(given, parts).await;
    }
}

#[tokio::test]
async fn prefixes_and_pods_go_together() {
    for (given, pods) in [("{}", None), (r#"{"prefixDelegation": true}"#, Some(110))] {
        let plan = planned(&[("cilium", given)], &[]).await.unwrap();
        let ComputePlan::Nodes(cilium, nodes) = plan.compute else {
            panic!("no nodes")
        };
        assert_eq!(nodes.max_pods, pods);
        assert_eq!(cilium.prefix_delegation, pods.is_some());
    }
}

#[tokio::test]
async fn a_version_that_is_newer_than_this_release_is_left_to_eks() {
    let plan = planned(&[("version", "1.99")], &[]).await.unwrap();
    let newest: KubernetesVersion = "1.99".parse().unwrap();
    assert_eq!(plan.cluster.version, newest);
}

#[tokio::test]
async fn a_token_in_the_settings_is_never_shown() {
    let flux = r#"{"owner": "me", "repository": "fleet", "token": "hunter2"}"#;
    let plan = planned(&[("flux", flux)], &["flux"]).await.unwrap();
    assert!(plan.flux.is_some());
    assert!(!format!("{plan:?}").contains("hunter2"));
    let wrong = r#"{"owner": "me", "repository": "fleet", "token": ["hunter2"]}"#;
    let failures = planned(&[("flux", wrong)], &["flux"]).await.unwrap_err();
    assert!(!format!("{failures:?}").contains("hunter2"), "{failures:?}");
}

#[tokio::test]
async fn a_token_reaches_the_hand_over_as_a_secret_and_nothing_else() {
    let flux = r#"{"owner": "me", "repository": "fleet", "token": "hunter2"}"#;
    for settings in [vec![("flux", flux)], vec![("flux", flux), ("preset", "demo")]] {
        let recording = groundwork_program::sample::record(&settings).await.unwrap();
        assert_eq!(recording.errors(), Vec::<&str>::new());
        let mut told = recording.to_json();
        let mut found = 0;
        let mut open = vec![&mut told];
        while let Some(json) = open.pop() {
            match json {
                serde_json::Value::Object(map) => {
                    if let Some(secret) = map.remove("<secret>") {
                        found += usize::from(secret.to_string().contains("hunter2"));
                    }
                    open.extend(map.values_mut());
                }
                serde_json::Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        assert_eq!(found, 1, "the one place that needs it");
        assert!(!told.to_string().contains("hunter2"));
        assert!(
            recording
                .messages
                .iter()
                .all(|message| !message.text.contains("hunter2"))
        );
    }
}
