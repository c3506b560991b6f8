//! The commands of the documents, run as a user runs them: in a shell, on a local cloud, with the real engine.
//!
//! The programs are those of this build: a function `cargo` in the shell starts `groundwork` where the documents say
//! `cargo run -q --release --`, and the copy of the project has executables where the repository has sources.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use groundwork_local::{Dump, LocalCloud, Options, Ui, cloud::ACCOUNT, tools::PULUMI};
use serde_json::json;

use crate::{
    commands::{Run, run_in},
    network::imports,
    read,
};

const GROUNDWORK: &str = env!("CARGO_BIN_EXE_groundwork");

/// What `cargo run -q --release --` means here.
const CARGO: &str = r#"
set -eu
cargo() {
    while [ "$1" != -- ]; do shift; done
    shift
    "$GROUNDWORK" "$@"
}
"#;

/// Runs commands in one shell, which must all work; what they write.
fn run(shell: &mut Command, commands: &[String]) -> String {
    let mut script = CARGO.to_owned();
    for command in commands {
        let shown = command.replace('\'', r"'\''");
        writeln!(script, "printf '%s\\n' '$ {shown}'\n{command}").unwrap();
    }
    let output = shell
        .args(["-c", &script])
        .env("GROUNDWORK", GROUNDWORK)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out
}

/// The repository's project in a folder of its own, with executables instead of sources.
fn project(folder: &Path) -> PathBuf {
    let built = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "no {from:?} in\n{text}");
        text.replace(from, to)
    };
    let programs = Path::new(GROUNDWORK).parent().unwrap();
    let project = folder.join("clone");
    fs::create_dir_all(project.join("bin")).unwrap();
    for name in [
        "pulumi-resource-groundwork",
        "pulumi-language-rust",
        "platform",
        "groundwork-policies",
    ] {
        std::os::unix::fs::symlink(programs.join(name), project.join("bin").join(name)).unwrap();
    }
    let program = built(&read("Pulumi.yaml"), "bin: platform\n", "binary: bin/platform\n");
    fs::write(project.join("Pulumi.yaml"), program).unwrap();
    fs::write(project.join("Pulumi.dev.yaml"), read("Pulumi.dev.yaml")).unwrap();
    let pack = built(&read("policies/PulumiPolicy.yaml"), "    manifest: ..\n", "");
    let pack = built(
        &pack,
        "bin: groundwork-policies\n",
        "binary: ../bin/groundwork-policies\n",
    );
    fs::create_dir(project.join("policies")).unwrap();
    fs::write(project.join("policies/PulumiPolicy.yaml"), pack).unwrap();
    project
}

/// A local cloud that is up because a command has brought it up; it ends with the test.
struct ByHand(PathBuf);

impl ByHand {
    fn shell(&self, folder: &Path) -> Command {
        let mut shell = Command::new("sh");
        shell.current_dir(folder).env("GROUNDWORK_STATE", &self.0);
        shell
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let mut down = Command::new(GROUNDWORK);
        // Down already, as a rule.
        drop(down.args(["local", "down"]).env("GROUNDWORK_STATE", &self.0).output());
    }
}

/// A local cloud with Pulumi and Kubernetes, for commands that say nothing of one.
async fn cloud(folder: &Path) -> LocalCloud {
    let mut options = Options::for_test(folder.join("cloud")).unwrap();
    options.tools.push(&PULUMI);
    options.kubernetes = Some(GROUNDWORK.into());
    LocalCloud::up(&options, &Ui::silent())
        .await
        .unwrap_or_else(|error| panic!("{}", error.explain()))
}

fn shell(cloud: &LocalCloud, folder: &Path) -> Command {
    let mut shell = cloud.command("sh");
    // There is nobody to say yes.
    shell.current_dir(folder).env("PULUMI_SKIP_CONFIRMATIONS", "true");
    shell
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through_works_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let by_hand = ByHand(folder.path().join("state"));
    let mut commands = run_in(Run::Walk);
    let down = commands.pop().unwrap();
    assert!(down.ends_with("local down"), "{down}");

    let out = run(&mut by_hand.shell(&project), &commands);
    for said in [
        "main-vpc",
        "main-nat-gateway-eu-central-1a",
        "The resources in the stack have been deleted",
    ] {
        assert!(out.contains(said), "{said:?} is not in\n{out}");
    }
    let cloud = LocalCloud::attach(&by_hand.0).await.unwrap();
    assert!(!cloud.journal(0).await.unwrap().is_empty());
    assert_eq!(
        cloud.dump().await.unwrap().left_over(&Dump::default()),
        Vec::<&str>::new()
    );

    let out = run(&mut by_hand.shell(&project), &[down]);
    assert!(out.contains("Ended aws"), "{out}");
    assert!(LocalCloud::attach(&by_hand.0).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passage_on_accounts_works_on_an_account_of_the_local_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let cloud = cloud(folder.path()).await;
    let before = cloud.dump().await.unwrap();
    let mut commands: Vec<String> = run_in(Run::Account)
        .iter()
        .map(|command| command.replace("111122223333", ACCOUNT))
        .collect();
    let pack = commands.remove(0);
    assert!(pack.contains("--policy-pack policies"), "{pack}");

    let out = run(
        &mut shell(&cloud, &project),
        &["pulumi stack init dev".to_owned(), pack],
    );
    assert!(out.contains("groundwork"), "{out}");
    let out = run(&mut shell(&cloud, &project), &commands);
    assert!(out.contains("has been removed"), "{out}");
    assert_eq!(cloud.dump().await.unwrap().left_over(&before), Vec::<&str>::new());

    // The guard that the passage speaks of.
    let mut refused = shell(&cloud, &project);
    let guard = "pulumi config set groundwork:allowedAccountIds '[\"111122223333\"]'";
    run(
        &mut shell(&cloud, &project),
        &["pulumi stack select dev".to_owned(), guard.to_owned()],
    );
    let output = refused.args(["-c", "pulumi preview"]).output().unwrap();
    assert!(!output.status.success());
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        out.contains("groundwork:allowedAccountIds allows 111122223333 alone"),
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_imports_work_as_the_network_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let cloud = cloud(folder.path()).await;
    let mut commands: Vec<String> = [
        "pulumi stack init dev",
        "pulumi up --yes --skip-preview",
        "vpc=\"$(pulumi stack output vpcId)\"",
    ]
    .map(str::to_owned)
    .into();
    commands.extend(
        run_in(Run::Network)
            .iter()
            .map(|command| command.replace("vpc-0123456789abcdef0", "\"$vpc\"")),
    );
    let out = run(&mut shell(&cloud, &project), &commands);
    for said in [
        "main-private-subnet-eu-central-1c",
        "main-ecr-api-vpc-endpoint",
        "cost-centre",
        "1 imported",
    ] {
        assert!(out.contains(said), "{said:?} is not in\n{out}");
    }

    // Each form of id is accepted as a form: what is refused is that there is no such thing.
    let named = imports();
    let resources: Vec<_> = named
        .iter()
        .filter(|(token, _)| *token != "groundwork:index:Stamp")
        .map(|(token, id)| json!({"type": token, "name": token.rsplit(':').next().unwrap(), "id": id}))
        .collect();
    let file = project.join("import.json");
    fs::write(&file, json!({ "resources": resources }).to_string()).unwrap();
    let script = "pulumi import --file import.json --generate-code=false --yes --parallel 1 2>&1";
    let output = shell(&cloud, &project).args(["-c", script]).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{out}");
    assert!(out.contains("does not exist"), "{out}");
    assert!(!out.contains("expected"), "an id is refused for its form:\n{out}");
}

#[test]
fn the_commands_of_the_local_cloud_work_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let by_hand = ByHand(folder.path().join("state"));
    let out = run(&mut by_hand.shell(folder.path()), &run_in(Run::LocalCloud));
    for said in [
        "The local cloud is up",
        "Ended aws",
        "is empty",
        "guardduty is on.",
        "struck 0",
        "No fault is set.",
    ] {
        assert!(out.contains(said), "{said:?} is not in\n{out}");
    }
}

#[test]
fn the_demo_ends_with_nothing_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut commands = run_in(Run::Demo);
    commands.dedup();
    let out = run(Command::new("sh").current_dir(folder.path()), &commands);
    assert!(out.matches("nothing left").count() >= 2, "{out}");
}
