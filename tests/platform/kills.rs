//! Killed on the way up, at five places: the next `up` goes on with the same ids.

use std::{collections::BTreeMap, fs, time::Duration};

use crate::{
    Cloud,
    platform::{calls, cloud, platform, until},
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

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_of_five_places_loses_nothing() {
    const PROVIDER: &[&str] = &["pulumi-resource-groundwork"];

    let cloud = cloud(Duration::from_secs(2)).await;
    let before = cloud.dump().await;
    let stack = platform(&cloud, &[]);

    let mut known = BTreeMap::new();
    let mut goes_on = |stack: &Stack, place: &str| {
        let now = ids(stack);
        for (urn, id) in &known {
            assert_eq!(now.get(urn), Some(id), "{urn} after the kill at {place}");
        }
        known = now;
    };
    killed_at(&cloud, &stack, "CreateNatGateway", PROVIDER).await;
    goes_on(&stack, "the NAT gateways");
    killed_at(&cloud, &stack, "CreateCluster", PROVIDER).await;
    goes_on(&stack, "the cluster");
    // Helm runs once the cluster's API answers.
    killed_at(&cloud, &stack, "CreateCluster", &["helm", "cilium"]).await;
    goes_on(&stack, "helm");
    killed_at(&cloud, &stack, "CreateNodegroup", PROVIDER).await;
    goes_on(&stack, "the nodes");
    killed_at(&cloud, &stack, "CreateAddon", &["platform"]).await;
    goes_on(&stack, "the program");

    stack.up();
    goes_on(&stack, "the end");
    stack.succeed(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.destroy();
    assert_eq!(cloud.dump().await.left_over(&before), Vec::<&str>::new());
}
