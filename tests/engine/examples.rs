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
async fn the_platforms_of_the_examples_are_previewed_whole() {
    let stage = Stage::up().await;
    for (name, last) in [
        ("part1", "demo-coredns"),
        ("part2", "demo-coredns"),
        ("standard", "main-coredns"),
        ("private", "main-coredns"),
    ] {
        let shown = example(&stage, name).run(&["preview"]);
        assert!(shown.contains(last) && !shown.contains("error:"), "{name}:\n{shown}");
    }
}

#[tokio::test]
async fn the_network_lives_its_life() {
    let stage = Stage::up().await;
    let before = stage.dump().await;
    example(&stage, "network").live();
    assert_eq!(stage.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test]
async fn an_existing_vpc_is_added_to_and_left_as_it_was() {
    let stage = Stage::up().await;
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
    let added = stage.dump().await;
    assert!(added.left_over(&without).iter().any(|name| name.contains("vpce-")));

    existing.run(&["destroy", "--yes", "--skip-preview"]);
    assert_eq!(stage.dump().await, without);
    network.run(&["destroy", "--yes", "--skip-preview"]);
    assert_eq!(stage.dump().await.left_over(&before), Vec::<&str>::new());
}
