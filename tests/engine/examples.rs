//! Every example, as its README tells to run it.

use crate::stage::{Project, Stage, program, programs, source};

/// The project of an example as it stands in the repository, with executables instead of sources.
pub(crate) fn example<'a>(stage: &'a Stage, name: &str) -> Project<'a> {
    let (option, binary) = if settings_alone(name) {
        ("bin: platform\n".to_owned(), program("platform"))
    } else {
        (format!("example: {name}\n"), programs().join("examples").join(name))
    };
    assert!(
        binary.is_file(),
        "{} is not built: `cargo build --examples`",
        binary.display()
    );
    let built = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "no `{from}` in the project of {name}");
        text.replace(from, to)
    };
    let project = source(&format!("examples/{name}/Pulumi.yaml"));
    let project = built(&project, &option, &format!("binary: {}\n", binary.display()));
    let project = built(
        &project,
        "path: ../../bin\n",
        &format!("path: {}\n", programs().display()),
    );
    stage.project_of(name, &project, &source(&format!("examples/{name}/Pulumi.dev.yaml")))
}

/// Whether an example is the platform's own program with settings of its own.
fn settings_alone(name: &str) -> bool {
    ["part1", "part2", "standard", "private"].contains(&name)
}

#[tokio::test]
async fn the_network_lives_its_life() {
    let stage = Stage::up().await;
    let before = stage.dump().await;
    example(&stage, "network").live();
    assert_eq!(stage.dump().await.left_over(&before), Vec::<&str>::new());
}

/// A whole platform is shown by a preview, comes up, and leaves nothing. (That it stays as it is, `tests/platform` holds.)
async fn comes_and_goes(name: &str, cluster: &str, last: &str) {
    let stage = Stage::with_kubernetes().await;
    let before = stage.dump().await;
    let platform = example(&stage, name);
    let shown = platform.run(&["preview"]);
    assert!(shown.contains(last) && !shown.contains("error:"), "{shown}");
    assert_eq!(stage.dump().await, before, "a preview makes nothing");
    platform.run(&["up", "--yes", "--skip-preview"]);
    assert_eq!(platform.output("clusterName"), cluster);
    platform.run(&["destroy", "--yes", "--skip-preview"]);
    assert_eq!(stage.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test]
async fn part_1_comes_and_goes() {
    comes_and_goes("part1", "demo-k8s", "demo-coredns").await;
}

#[tokio::test]
async fn part_2_comes_and_goes() {
    comes_and_goes("part2", "demo-k8s-cilium", "demo-coredns").await;
}

#[tokio::test]
async fn standard_comes_and_goes() {
    comes_and_goes("standard", "main", "main-coredns").await;
}

#[tokio::test]
async fn private_comes_and_goes() {
    comes_and_goes("private", "main", "main-coredns").await;
}

#[tokio::test]
async fn a_platform_in_an_existing_vpc_leaves_it_as_it_was() {
    let stage = Stage::with_kubernetes().await;
    let before = stage.dump().await;
    let network = example(&stage, "network");
    network.run(&["up", "--yes", "--skip-preview"]);
    let without = stage.dump().await;

    let existing = example(&stage, "existing-vpc");
    let refused = existing.fail(&["preview"]);
    assert!(refused.contains("platform:network.existing is not set"), "{refused}");
    let text = |name| network.output(name).as_str().unwrap().to_owned();
    existing.set("platform:network.existing.vpcId", &text("vpcId"));
    existing.set("platform:network.existing.cidr", "10.0.0.0/16");
    for (index, subnet) in network
        .output("privateSubnetIds")
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let path = format!("platform:network.existing.privateSubnetIds[{index}]");
        existing.set(&path, subnet.as_str().unwrap());
    }
    existing.set(
        "platform:network.existing.routeTableIds[0]",
        &text("privateRouteTableId"),
    );
    existing.set("platform:endpoints.gateway[0]", "dynamodb");
    // What is only read is others' to judge.
    let pack = program("groundwork-policies").display().to_string();
    let shown = existing.run(&["preview", "--policy-pack", &pack]);
    assert!(
        shown.contains("groundwork@v") && !shown.contains("[advisory]"),
        "{shown}"
    );
    existing.rise();
    let judged = network.run(&["policy", "analyze", "--policy-pack", &pack]);
    assert!(
        judged.contains("s25-open-default-group  (groundwork:ec2:Vpc: main)"),
        "{judged}"
    );
    assert_eq!(existing.output("vpcId"), network.output("vpcId"));
    assert_eq!(existing.output("clusterName"), "main");
    let added = stage.dump().await;
    assert!(added.left_over(&without).iter().any(|name| name.contains("vpce-")));

    existing.run(&["destroy", "--yes", "--skip-preview"]);
    let after = stage.dump().await;
    assert_eq!(after.left_over(&without), Vec::<&str>::new());
    // AWS goes on showing instances that have ended; all else is as it was.
    for (name, value) in &without.0 {
        assert_eq!(after.0.get(name), Some(value), "{name}");
    }
    network.run(&["destroy", "--yes", "--skip-preview"]);
    assert_eq!(stage.dump().await.left_over(&before), Vec::<&str>::new());
}
