//! What others made: a network by boto3 is taken over by `pulumi import` and by the `import` option of a program.

use std::{collections::BTreeMap, path::Path};

use groundwork_local::{
    Ui,
    tools::{Cache, Python, Sources},
};

use crate::{
    Cloud,
    engine::quick,
    programs,
    stack::{Said, Stack},
};

/// A network that `make_network.py` made: its ids as it prints them.
async fn network(cloud: &Cloud) -> String {
    let python = Python::obtain(&Sources::find(), &Cache::find().unwrap(), &Ui::silent())
        .await
        .unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/make_network.py");
    let output = cloud
        .cloud
        .command(python.program.to_str().unwrap())
        .arg(script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Each of the ids with the type and the name that the resource has.
const KINDS: [(&str, &str, &str); 11] = [
    ("vpc", "Vpc", "main"),
    ("subnet", "Subnet", "public"),
    ("internetGateway", "InternetGateway", "main"),
    ("eip", "Eip", "nat"),
    ("natGateway", "NatGateway", "main"),
    ("s3", "VpcEndpoint", "s3"),
    ("sts", "VpcEndpoint", "sts"),
    ("web", "SecurityGroup", "web"),
    ("nodes", "SecurityGroup", "nodes"),
    ("nodesIn", "SecurityGroupRule", "nodes-in"),
    ("nodesOut", "SecurityGroupRule", "nodes-out"),
];

/// How many calls changed something.
async fn changes(cloud: &Cloud) -> Vec<String> {
    let calls = cloud.cloud.journal(0).await.unwrap().into_iter();
    calls
        .map(|call| call.operation)
        .filter(|operation| {
            !["Describe", "Get", "List"]
                .iter()
                .any(|verb| operation.starts_with(verb))
        })
        .collect()
}

/// What a preview is going to do, as it tells it: operation, type and name, and what differs.
fn steps(stack: &Stack) -> Vec<String> {
    let preview = stack.json(&["preview", "--json"]);
    let mut steps: Vec<String> = preview["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let (_, what) = step["urn"].as_str().unwrap().split_once("::platform::").unwrap();
            let what = what.rsplit('$').next().unwrap();
            let differs: Vec<String> = ["detailedDiff", "diffReasons", "replaceReasons"]
                .iter()
                .filter_map(|key| step.get(key).filter(|differs| !differs.is_null()))
                .map(|differs| format!(" {differs}"))
                .collect();
            format!("{} {what}{}", step["op"].as_str().unwrap(), differs.concat())
        })
        .collect();
    steps.sort();
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_boto3_made_is_imported_by_its_id() {
    let cloud = quick().await;
    let before = cloud.dump().await;
    let ids: BTreeMap<String, String> = serde_json::from_str(&network(&cloud).await).unwrap();
    let made = cloud.dump().await;
    let stack = Stack::of_network(&cloud, &[]);
    cloud.cloud.clear_journal().await.unwrap();
    for (key, kind, name) in KINDS {
        let token = format!("groundwork:ec2:{kind}");
        let said = stack.succeed(&["import", "--generate-code=false", "--yes", &token, name, &ids[key]]);
        assert!(said.contains("1 imported") && !said.contains("warning"), "{said}");
        assert_eq!(stack.ids(&token)[name], ids[key]);
    }
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert_eq!(changes(&cloud).await, Vec::<String>::new());
    assert_eq!(cloud.dump().await, made);

    // What is imported so is protected; and the state knows nothing of what needs what.
    stack.fail(&["destroy", "--yes", "--skip-preview"]);
    assert_eq!(cloud.dump().await, made);
    stack.succeed(&["state", "unprotect", "--all", "--yes"]);
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_takes_over_what_boto3_made_and_changes_nothing() {
    let cloud = quick().await;
    let before = cloud.dump().await;
    let ids = network(&cloud).await;
    let made = cloud.dump().await;
    let program = programs().join("examples/adopt");
    assert!(program.is_file(), "it is not built: `cargo build --example adopt`");
    let stack = Stack::of(&cloud, &program, &[("groundwork:region", "eu-central-1")]);
    let Said { text, success } = stack.run(&["preview"]);
    assert!(!success && text.contains("adopt:ids is not set"), "{text}");
    stack.succeed(&["config", "set", "adopt:ids", ids.trim()]);
    cloud.cloud.clear_journal().await.unwrap();

    let mut expected: Vec<String> = KINDS
        .iter()
        .map(|(_, kind, name)| format!("import groundwork:ec2:{kind}::{name}"))
        .collect();
    expected.push("create pulumi:pulumi:Stack::platform-test".to_owned());
    expected.sort();
    assert_eq!(steps(&stack), expected);
    let said = stack.up();
    assert!(said.contains("11 imported"), "{said}");
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert_eq!(changes(&cloud).await, Vec::<String>::new());
    assert_eq!(cloud.dump().await, made);

    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}
