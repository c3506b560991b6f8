//! The real thing, started for real: Python, moto, and our extension of it.
//!
//! A machine that lacks Python fails these tests; nothing is skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod charts;
mod kubernetes;
mod machines;

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use groundwork_local::cli::{LocalArgs, run};
use groundwork_local::cloud::Fault;
use groundwork_local::process::{Process, Processes};
use groundwork_local::tools::PULUMI;
use groundwork_local::{Lifetime, LocalCloud, Options, Ui};

/// Where the process of [`be_a_parent`] keeps its state.
const STATE_OF_PARENT: &str = "GROUNDWORK_TEST_STATE";

fn ui() -> Ui {
    Ui::plain(io::sink(), io::stderr())
}

async fn up(state: &Path) -> LocalCloud {
    LocalCloud::up(&Options::for_test(state).unwrap(), &ui())
        .await
        .unwrap_or_else(|error| panic!("{}", error.explain()))
}

fn aws_of(state: &Path) -> Process {
    Processes::of(state).find("aws").unwrap().expect("AWS is on record")
}

/// A call without an SDK and without a signature: the local AWS answers anybody. `request` is a method and a path.
async fn call(cloud: &LocalCloud, service: &str, request: &str, content: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let scope = format!("Credential=local/20260101/eu-central-1/{service}/aws4_request");
    let request = format!(
        "{request} HTTP/1.1\r\nHost: {service}.eu-central-1.amazonaws.com\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n\
         Content-Type: {content}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = cloud.endpoint().replace("http://", "");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn create_vpc(cloud: &LocalCloud) -> String {
    let body = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16";
    call(cloud, "ec2", "POST /", "application/x-www-form-urlencoded", body).await
}

#[tokio::test]
async fn it_comes_up_once_and_goes_down_without_a_trace() {
    let state = tempfile::tempdir().unwrap();
    let cloud = up(state.path()).await;
    assert!(cloud.is_fresh());
    let aws = aws_of(state.path());
    assert!(aws.alive);

    let again = up(state.path()).await;
    assert!(!again.is_fresh());
    assert_eq!(
        (again.endpoint(), aws_of(state.path()).pid),
        (cloud.endpoint(), aws.pid)
    );
    drop(again);
    assert!(aws.is_alive(), "a guest has ended the host's cloud");

    let port = cloud.endpoint().rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let stopped = cloud.down().await.unwrap();
    assert_eq!(stopped.len(), 1);
    assert!(!aws.is_alive());
    assert!(
        std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(),
        "the port is still taken"
    );
    let error = LocalCloud::attach(state.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "no local cloud is up");
}

#[tokio::test]
async fn what_was_called_and_what_is_left_can_be_told() {
    let state = tempfile::tempdir().unwrap();
    let cloud = up(state.path()).await;
    let before = cloud.dump().await.unwrap();
    assert!(before.left_over(&before).is_empty());

    cloud
        .set_fault(&Fault {
            kind: "throttle".into(),
            operation: Some("CreateVpc".into()),
            nth: Some(1),
            ..Fault::default()
        })
        .await
        .unwrap();
    let throttled = create_vpc(&cloud).await;
    assert!(throttled.contains("RequestLimitExceeded"), "{throttled}");
    let created = create_vpc(&cloud).await;
    assert!(created.contains("<vpcId>vpc-"), "{created}");
    let faults = cloud.faults().await.unwrap();
    assert_eq!(
        faults.iter().map(|fault| (fault.met, fault.struck)).collect::<Vec<_>>(),
        [(2, 1)]
    );

    let calls = cloud.journal(0).await.unwrap();
    let told: Vec<_> = calls
        .iter()
        .map(|call| (call.service.as_str(), call.operation.as_str(), call.acted))
        .collect();
    assert_eq!(told, [("ec2", "CreateVpc", true), ("ec2", "CreateVpc", true)]);
    assert_eq!(calls[0].fault.as_deref(), Some("throttle"));
    assert_eq!(cloud.journal(calls[0].n).await.unwrap().len(), 1);

    let after = cloud.dump().await.unwrap();
    let left = after.left_over(&before);
    assert!(left.iter().any(|name| name.contains("vpc-")), "{left:?}");

    cloud.clear_faults().await.unwrap();
    assert!(cloud.faults().await.unwrap().is_empty());
    cloud.reset().await.unwrap();
    let emptied = cloud.dump().await.unwrap();
    assert!(!left.iter().any(|name| emptied.0.contains_key(*name)));
    assert!(cloud.journal(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn hazards_are_switched_by_name() {
    let state = tempfile::tempdir().unwrap();
    let cloud = up(state.path()).await;
    let hazards = cloud.hazards().await.unwrap();
    let (first, _) = hazards.iter().next().expect("there are hazards");
    assert!(!hazards[first]);

    cloud.set_hazard(first).await.unwrap();
    assert!(cloud.hazards().await.unwrap()[first]);
    cloud.clear_hazards().await.unwrap();
    assert_eq!(cloud.hazards().await.unwrap(), hazards);

    let refused = cloud.set_hazard("no-such-thing").await.unwrap_err();
    assert!(refused.because().contains("no-such-thing"), "{}", refused.because());
}

#[tokio::test]
async fn two_clouds_do_not_meet() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = tokio::join!(up(one.path()), up(two.path()));
    assert_ne!(first.endpoint(), second.endpoint());
    create_vpc(&first).await;
    assert_eq!(
        (
            first.journal(0).await.unwrap().len(),
            second.journal(0).await.unwrap().len()
        ),
        (1, 0)
    );
    first.down().await.unwrap();
    second.dump().await.unwrap();
}

#[tokio::test]
async fn of_two_that_start_it_at_once_one_finds_it_up() {
    let state = tempfile::tempdir().unwrap();
    let (one, other) = tokio::join!(up(state.path()), up(state.path()));
    assert_eq!(one.endpoint(), other.endpoint());
    assert_ne!(one.is_fresh(), other.is_fresh());
}

#[tokio::test]
async fn pulumi_works_with_nothing_but_its_environment() {
    let state = tempfile::tempdir().unwrap();
    let mut options = Options::for_test(state.path()).unwrap();
    options.tools.push(&PULUMI);
    let cloud = LocalCloud::up(&options, &ui())
        .await
        .unwrap_or_else(|error| panic!("{}", error.explain()));
    let project = tempfile::tempdir().unwrap();
    fs::write(project.path().join("Pulumi.yaml"), "name: ground\nruntime: rust\n").unwrap();

    for args in [
        &["stack", "init", "dev"][..],
        &["config", "set", "answer", "42"],
        &["stack", "ls", "--json"],
    ] {
        let output = cloud
            .command("pulumi")
            .args(args)
            .arg("--non-interactive")
            .current_dir(&project)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(state.path().join("pulumi/.pulumi/stacks").exists());

    cloud.reset().await.unwrap();
    let listed = cloud
        .command("pulumi")
        .args(["stack", "ls", "--json"])
        .current_dir(&project)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout).trim(), "[]");
}

/// Plays the parent that these tests kill: brings a local cloud up and waits.
async fn be_a_parent(state: OsString) {
    let mut options = Options::for_test(state).unwrap();
    if std::env::var_os("GROUNDWORK_TEST_DETACHED").is_some() {
        options.lifetime = Lifetime::Detached;
    }
    let ui = ui();
    let _cloud = LocalCloud::up(&options, &ui).await.unwrap();
    ui.note("PARENT IS UP");
    // Until it is killed.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// This program once more, as a process of its own that plays the parent.
fn start_parent(state: &Path, lifetime: Lifetime) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "a_killed_parent_leaves_nothing_behind", "--nocapture"])
        .env(STATE_OF_PARENT, state);
    if lifetime == Lifetime::Detached {
        command.env("GROUNDWORK_TEST_DETACHED", "1");
    }
    let mut parent = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(parent.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut heard = Vec::new();
    for line in said {
        if line.contains("PARENT IS UP") {
            return parent;
        }
        heard.push(line);
    }
    parent.wait().unwrap();
    panic!("the parent did not come up:\n{}", heard.join("\n"));
}

fn kill(mut parent: Child) {
    parent.kill().unwrap();
    parent.wait().unwrap();
}

#[tokio::test]
async fn a_killed_parent_leaves_nothing_behind() {
    if let Some(state) = std::env::var_os(STATE_OF_PARENT) {
        return be_a_parent(state).await;
    }
    let state = tempfile::tempdir().unwrap();
    let parent = start_parent(state.path(), Lifetime::Attached);
    let aws = aws_of(state.path());
    assert!(aws.alive);
    kill(parent);
    assert!(aws.gone().await, "AWS outlived its parent");
}

#[tokio::test]
async fn the_next_up_ends_what_a_crashed_run_has_left() {
    let state = tempfile::tempdir().unwrap();
    kill(start_parent(state.path(), Lifetime::Detached));
    let orphan = aws_of(state.path());
    assert!(orphan.alive, "a detached process ended with its parent");
    // As if the parent had been killed before it could write down what it had started.
    fs::remove_file(state.path().join("cloud.json")).unwrap();

    let cloud = up(state.path()).await;
    assert!(cloud.is_fresh());
    assert!(!orphan.is_alive());
    assert_ne!(aws_of(state.path()).pid, orphan.pid);
}

#[tokio::test]
async fn the_command_line_tells_what_is_up_and_how_to_use_it() {
    use clap::Parser;
    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: LocalArgs,
    }
    let state = tempfile::tempdir().unwrap();
    let say = async |line: &str| {
        let words = ["local", "--state", state.path().to_str().unwrap()]
            .into_iter()
            .chain(line.split_whitespace());
        let page = tempfile::NamedTempFile::new().unwrap();
        let ui = Ui::plain(page.reopen().unwrap(), io::sink());
        let result = run(Cli::try_parse_from(words).unwrap().args, &ui).await;
        result.map(|_| fs::read_to_string(page.path()).unwrap())
    };

    assert!(
        say("status")
            .await
            .unwrap()
            .starts_with("down    none has been started")
    );
    assert_eq!(say("env").await.unwrap_err().remedy(), "`groundwork local up`");

    let cloud = up(state.path()).await;
    assert!(
        say("status")
            .await
            .unwrap()
            .starts_with(&format!("up      AWS at {}", cloud.endpoint()))
    );
    assert!(say("logs").await.unwrap().contains("listening on 127.0.0.1:"));
    assert!(
        say("env")
            .await
            .unwrap()
            .contains(&format!("export AWS_ENDPOINT_URL='{}'", cloud.endpoint()))
    );
    create_vpc(&cloud).await;
    assert_eq!(say("calls").await.unwrap(), "     1  ec2:CreateVpc  200\n");
    assert!(
        say("faults set throttle ec2:Create* --nth 2")
            .await
            .unwrap()
            .contains("1 from call 2")
    );
    assert!(say("faults list").await.unwrap().contains("throttle  ec2:Create*"));
    assert!(say("down").await.unwrap().starts_with("Ended aws (process "));
    assert_eq!(say("down").await.unwrap(), "Nothing was up.\n");
}
