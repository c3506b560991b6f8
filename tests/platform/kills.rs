//! Killed on the way up, at five places: the next `up` goes on with the same ids.

use std::{collections::BTreeMap, fs, time::Duration};

use groundwork_local::Rhythm;

use crate::{
    Cloud,
    platform::{QUICK, calls, cloud, platform, until},
    stack::{Stack, is_below},
};

/// The processes below `ancestor` whose command line has these words.
fn processes(ancestor: u32, words: &[&str]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let command = fs::read_to_string(entry.path().join("cmdline"))
                .ok()?
                .replace('\0', " ");
            (words.iter().all(|word| command.contains(word)) && is_below(pid, ancestor)).then_some(pid)
        })
        .collect()
}

fn kill(pid: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

/// The ids of everything in the state that has settled.
fn ids(stack: &Stack) -> BTreeMap<String, String> {
    let state = stack.state();
    let resources = state["deployment"]["resources"].as_array().cloned().unwrap_or_default();
    resources
        .iter()
        .filter(|resource| {
            resource["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("groundwork:"))
        })
        .map(|resource| {
            (
                resource["urn"].as_str().unwrap().to_owned(),
                resource["id"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// Starts `up`, waits until the cloud has acted on a call, and kills what has these words.
async fn killed_at(cloud: &Cloud, stack: &Stack, operation: &str, words: &[&str]) {
    let told = cloud.folder.path().join(format!("up-{operation}-{}", words.join("-")));
    let file = fs::File::create(&told).unwrap();
    let mut engine = stack
        .command(&["up", "--yes", "--skip-preview"])
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let pid = engine.id();
    let say = || fs::read_to_string(&told).unwrap();
    let found = until(|| {
        let ended = engine.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it could be killed:\n{}", say());
        async {
            let acted = calls(cloud, &[operation]).await.iter().any(|call| call.acted);
            let found = if acted { processes(pid, words) } else { Vec::new() };
            (!found.is_empty()).then_some(found)
        }
    })
    .await;
    for pid in found {
        kill(pid);
    }
    let ended = tokio::task::spawn_blocking(move || engine.wait().unwrap())
        .await
        .unwrap();
    assert!(
        !ended.success(),
        "an up whose {words:?} was killed cannot succeed:\n{}",
        say()
    );
}

const PROVIDER: &[&str] = &["pulumi-resource-groundwork"];

/// A platform whose first `up` is killed there: the next one ends well with every id that was known, and so does destroy.
async fn goes_on_after_a_kill(operation: &str, words: &[&str]) {
    let cloud = cloud(Duration::from_secs(2)).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    killed_at(&cloud, &stack, operation, words).await;
    let known = ids(&stack);
    assert!(!known.is_empty(), "nothing was made before the kill");

    cloud.cloud.set_rhythm(Rhythm::Settle(QUICK)).await.unwrap();
    stack.up();
    let now = ids(&stack);
    for (urn, id) in &known {
        assert_eq!(now.get(urn), Some(id), "{urn} after the kill");
    }
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    // What had been made twice would stand now: no state would know it.
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_at_the_nat_gateways_loses_nothing() {
    goes_on_after_a_kill("CreateNatGateway", PROVIDER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_at_the_cluster_loses_nothing() {
    goes_on_after_a_kill("CreateCluster", PROVIDER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helm_killed_at_cilium_loses_nothing() {
    // Helm runs once the cluster's API answers.
    goes_on_after_a_kill("CreateCluster", &["helm", "cilium"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_at_the_nodes_loses_nothing() {
    goes_on_after_a_kill("CreateNodegroup", PROVIDER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_at_coredns_loses_nothing() {
    goes_on_after_a_kill("CreateAddon", &["platform"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_killed_at_the_nodes_that_replace_others_makes_no_third_group() {
    const GROUP: &str = "groundwork:eks:NodeGroup";
    let cloud = cloud(QUICK).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);
    stack.up();
    let first = stack.ids(GROUP);
    // Nodes that are paid for otherwise are another group, which is there before the first one goes.
    stack.set("platform:nodes.capacityType", "SPOT");
    cloud.cloud.clear_journal().await.unwrap();
    cloud
        .cloud
        .set_rhythm(Rhythm::Settle(Duration::from_secs(2)))
        .await
        .unwrap();
    killed_at(&cloud, &stack, "CreateNodegroup", PROVIDER).await;
    cloud.cloud.set_rhythm(Rhythm::Settle(QUICK)).await.unwrap();
    stack.up();
    let made = calls(&cloud, &["CreateNodegroup"]).await;
    let made = made.iter().filter(|call| call.acted && call.error_code.is_none());
    assert_eq!(
        made.count(),
        1,
        "the one that was made before the kill is the one that stands"
    );
    let now = stack.ids(GROUP);
    assert!(now.len() == 1 && now != first, "{first:?} {now:?}");
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}
