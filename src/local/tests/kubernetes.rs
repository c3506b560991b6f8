//! A real control plane for each EKS cluster. A machine that lacks Go, or a built Kubernetes, fails these tests; nothing is skipped.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use groundwork_local::cli::{LocalArgs, LocalCommand, run};
use groundwork_local::process::{Process, Processes};
use groundwork_local::tools::{Cache, Python, Sources};
use groundwork_local::{LocalCloud, Options};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::{call, ui};

const REGION: &str = "eu-central-1";

/// Where a process of [`a_supervisor_needs_a_cloud_with_kubernetes`] keeps its state, when it plays the supervisor.
const STATE_OF_SUPERVISOR: &str = "GROUNDWORK_TEST_SUPERVISOR";

/// A program that can be called like `groundwork`: this one, by way of a script.
fn groundwork(state: &Path) -> PathBuf {
    let script = state.join("groundwork");
    let this = std::env::current_exe().unwrap();
    let text = format!(
        "#!/bin/sh\n{STATE_OF_SUPERVISOR}=$4 exec {} --exact kubernetes::a_supervisor_needs_a_cloud_with_kubernetes --nocapture\n",
        this.display()
    );
    fs::create_dir_all(state).unwrap();
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

pub(super) fn options(state: &Path) -> Options {
    Options {
        kubernetes: Some(groundwork(state)),
        ..Options::for_test(state).unwrap()
    }
}

#[tokio::test]
async fn a_supervisor_needs_a_cloud_with_kubernetes() {
    let supervise = |state: PathBuf| LocalArgs {
        state: Some(state),
        command: LocalCommand::KubernetesSupervisor,
    };
    if let Some(state) = std::env::var_os(STATE_OF_SUPERVISOR) {
        let ended = run(supervise(state.into()), &ui()).await;
        ended.unwrap_or_else(|error| panic!("{}", error.explain()));
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let _cloud = LocalCloud::up(&Options::for_test(state.path()).unwrap(), &ui())
        .await
        .unwrap();
    let error = run(supervise(state.path().to_owned()), &ui()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "kube-apiserver is not among the tools of this local cloud"
    );
}

async fn up(state: &Path) -> LocalCloud {
    LocalCloud::up(&options(state), &ui())
        .await
        .unwrap_or_else(|error| panic!("{}", error.explain()))
}

async fn query(cloud: &LocalCloud, service: &str, fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect::<String>()
    };
    let body: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    call(
        cloud,
        service,
        "POST /",
        "application/x-www-form-urlencoded",
        &body.join("&"),
    )
    .await
}

pub(super) async fn eks(cloud: &LocalCloud, request: &str, body: &Value) -> Value {
    let answer = call(cloud, "eks", request, "application/json", &body.to_string()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{request}: {answer}");
    serde_json::from_str(body).unwrap()
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from)
        .and_then(|(_, rest)| rest.split_once(to))
        .unwrap_or_else(|| panic!("no {from} in {text}"))
        .0
}

/// A VPC with two subnets, and a role for EKS: what every cluster needs.
pub(super) struct Ground {
    role: String,
    pub(super) subnets: Vec<String>,
}

impl Ground {
    pub(super) async fn lay(cloud: &LocalCloud) -> Self {
        const EC2: &str = "2016-11-15";
        let made = query(
            cloud,
            "ec2",
            &[("Action", "CreateVpc"), ("Version", EC2), ("CidrBlock", "10.0.0.0/16")],
        )
        .await;
        let vpc = between(&made, "<vpcId>", "</vpcId>");
        let mut subnets = Vec::new();
        for (range, zone) in [("10.0.0.0/20", "eu-central-1a"), ("10.0.16.0/20", "eu-central-1b")] {
            let fields = [
                ("Action", "CreateSubnet"),
                ("Version", EC2),
                ("VpcId", vpc),
                ("CidrBlock", range),
                ("AvailabilityZone", zone),
            ];
            let made = query(cloud, "ec2", &fields).await;
            subnets.push(between(&made, "<subnetId>", "</subnetId>").to_owned());
        }
        let role = create_role(cloud, "eks", "eks.amazonaws.com").await;
        Self { role, subnets }
    }

    pub(super) async fn cluster(&self, cloud: &LocalCloud, name: &str, access: &Value) {
        let body = json!({
            "name": name, "version": "1.35", "roleArn": self.role, "accessConfig": access,
            "resourcesVpcConfig": {"subnetIds": self.subnets}, "bootstrapSelfManagedAddons": false,
        });
        eks(cloud, "POST /clusters", &body).await;
    }
}

pub(super) async fn create_role(cloud: &LocalCloud, name: &str, service: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
    ]});
    let fields = [
        ("Action", "CreateRole"),
        ("Version", "2010-05-08"),
        ("RoleName", name),
        ("AssumeRolePolicyDocument", &trust.to_string()),
    ];
    let made = query(cloud, "iam", &fields).await;
    between(&made, "<Arn>", "</Arn>").to_owned()
}

/// Waits until a cluster is ACTIVE.
pub(super) async fn active(cloud: &LocalCloud, name: &str) -> Value {
    let end = Instant::now() + Duration::from_mins(2);
    loop {
        let cluster = eks(cloud, &format!("GET /clusters/{name}"), &json!({})).await["cluster"].clone();
        if cluster["status"] == "ACTIVE" {
            return cluster;
        }
        let (logs, note) = (cloud.state().join("logs"), "it never becomes ACTIVE; read");
        assert!(Instant::now() < end, "{note} {}: {cluster}", logs.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn processes_of(state: &Path, cluster: &str) -> Vec<Process> {
    let all = Processes::of(state).recorded().unwrap();
    let prefix = format!("{cluster}.{REGION}.");
    all.into_iter()
        .filter(|process| process.name.starts_with(&prefix))
        .collect()
}

fn port_of(cluster: &Value) -> u16 {
    cluster["endpoint"]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}

async fn soon(mut true_at_last: impl FnMut() -> bool, what: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    while !true_at_last() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_cluster_has_an_api_of_its_own_that_goes_with_it() {
    let state = tempfile::tempdir().unwrap();
    let cloud = up(state.path()).await;
    let ground = Ground::lay(&cloud).await;
    let access = json!({"authenticationMode": "API"});
    ground.cluster(&cloud, "one", &access).await;
    ground.cluster(&cloud, "other", &access).await;
    let (one, other) = (active(&cloud, "one").await, active(&cloud, "other").await);
    assert_ne!(one["endpoint"], other["endpoint"]);
    assert_ne!(one["certificateAuthority"], other["certificateAuthority"]);
    assert_ne!(one["identity"], other["identity"]);

    let client = cloud.kubernetes("one").await.unwrap();
    assert!(
        client
            .apiserver_version()
            .await
            .unwrap()
            .git_version
            .starts_with("v1.35.")
    );
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "mark"}})).unwrap();
    let maps = Api::<ConfigMap>::default_namespaced(client.clone());
    maps.create(&PostParams::default(), &map).await.unwrap();
    let elsewhere = Api::<ConfigMap>::default_namespaced(cloud.kubernetes("other").await.unwrap());
    assert!(
        elsewhere.get_opt("mark").await.unwrap().is_none(),
        "two clusters share their objects"
    );
    // Made by the controllers: they are at work.
    let accounts = Api::<ServiceAccount>::default_namespaced(client);
    let end = Instant::now() + Duration::from_secs(20);
    while accounts.get_opt("default").await.unwrap().is_none() {
        assert!(Instant::now() < end, "no controller makes the default service account");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let processes = processes_of(state.path(), "one");
    let names: Vec<_> = processes
        .iter()
        .map(|process| process.name.rsplit('.').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kwok"
        ]
    );
    eks(&cloud, "DELETE /clusters/one", &json!({})).await;
    soon(
        || processes.iter().all(|process| !process.is_alive()),
        "processes outlive their cluster",
    )
    .await;
    soon(
        || !state.path().join("kubernetes/one.eu-central-1").exists(),
        "data outlives its cluster",
    )
    .await;
    assert!(processes_of(state.path(), "one").is_empty());
    soon(|| is_free(port_of(&one)), "the port of its API is still taken").await;
    assert!(cloud.kubeconfig("one").is_err());

    let left = processes_of(state.path(), "other");
    assert_eq!(left.len(), 5);
    cloud.down().await.unwrap();
    assert!(left.iter().all(|process| !process.is_alive()));
    assert!(Processes::of(state.path()).recorded().unwrap().is_empty());
    soon(
        || is_free(port_of(&other)),
        "the port of the other's API is still taken",
    )
    .await;
}

/// Makes tokens as `aws eks get-token` does, with botocore: lines of `cluster key secret`.
async fn tokens(wanted: &[[&str; 3]]) -> Vec<String> {
    const SCRIPT: &str = r#"
import base64, sys
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
for line in sys.stdin:
    cluster, key, secret = line.split()
    url = "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url, headers={"x-k8s-aws-id": cluster} if cluster != "-" else {})
    SigV4QueryAuth(Credentials(key, secret), "sts", "eu-central-1", expires=60).add_auth(request)
    print("k8s-aws-v1." + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("="))
"#;
    let cache = Cache::find().unwrap();
    let python = Python::obtain(&Sources::find(), &cache, &ui()).await.unwrap();
    let mut child = Command::new(&python.program)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<_> = wanted.iter().map(|words| words.join(" ")).collect();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.join("\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A client with a token, as whoever reads `endpoint` and `certificateAuthority` makes one.
fn bearer(cluster: &Value, token: &str) -> Client {
    use base64::Engine as _;
    let authority = cluster["certificateAuthority"]["data"].as_str().unwrap();
    let pem = base64::engine::general_purpose::STANDARD.decode(authority).unwrap();
    let text = String::from_utf8(pem).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut config = Config::new(cluster["endpoint"].as_str().unwrap().parse().unwrap());
    config.root_cert = Some(vec![base64::engine::general_purpose::STANDARD.decode(body).unwrap()]);
    config.auth_info.token = Some(token.to_owned().into());
    Client::try_from(config).unwrap()
}

async fn who(client: &Client) -> Result<(String, Vec<String>), u16> {
    let reviews = Api::<SelfSubjectReview>::all(client.clone());
    match reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
    {
        Ok(review) => {
            let user = review.status.unwrap().user_info.unwrap();
            Ok((user.username.unwrap(), user.groups.unwrap_or_default()))
        }
        Err(kube::Error::Api(status)) => Err(status.code),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_token_admits_who_has_access_and_nobody_else() {
    let state = tempfile::tempdir().unwrap();
    let cloud = up(state.path()).await;
    let ground = Ground::lay(&cloud).await;
    let reader = create_role(&cloud, "reader", "ec2.amazonaws.com").await;
    ground
        .cluster(&cloud, "demo", &json!({"authenticationMode": "API"}))
        .await;
    let cluster = active(&cloud, "demo").await;
    let fields = [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", reader.as_str()),
        ("RoleSessionName", "me"),
    ];
    let session = query(&cloud, "sts", &fields).await;
    let (key, secret) = (
        between(&session, "<AccessKeyId>", "</AccessKeyId>"),
        between(&session, "<SecretAccessKey>", "</SecretAccessKey>"),
    );
    let made = tokens(&[
        ["demo", "local", "local"],
        ["other", "local", "local"],
        ["demo", "local", "wrong"],
        ["-", "local", "local"],
        ["demo", key, secret],
    ])
    .await;
    let clients: Vec<_> = made.iter().map(|token| bearer(&cluster, token)).collect();

    let (name, groups) = who(&clients[0]).await.unwrap();
    assert_eq!(name, "arn:aws:iam::123456789012:user/groundwork");
    assert!(groups.contains(&"system:masters".to_owned()), "{groups:?}");
    for (nth, what) in [(1, "another cluster's"), (2, "wrongly signed"), (3, "no cluster's")] {
        assert_eq!(who(&clients[nth]).await, Err(401), "{what}");
    }
    assert_eq!(who(&bearer(&cluster, "k8s-aws-v1.bm9uc2Vuc2U")).await, Err(401));

    assert_eq!(who(&clients[4]).await, Err(401), "it has no access entry yet");
    let body = json!({"principalArn": reader});
    eks(&cloud, "POST /clusters/demo/access-entries", &body).await;
    let entry = format!(
        "/clusters/demo/access-entries/{}",
        reader.replace(':', "%3A").replace('/', "%2F")
    );
    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    let body = json!({"policyArn": view, "accessScope": {"type": "namespace", "namespaces": ["default"]}});
    eks(&cloud, &format!("POST {entry}/access-policies"), &body).await;
    let (name, _) = who(&clients[4]).await.unwrap();
    assert_eq!(name, "arn:aws:sts::123456789012:assumed-role/reader/me");
    assert!(
        Api::<ConfigMap>::namespaced(clients[4].clone(), "default")
            .list(&ListParams::default())
            .await
            .is_ok()
    );
    assert!(
        Api::<Namespace>::all(clients[4].clone())
            .list(&ListParams::default())
            .await
            .is_err(),
        "it reads what it may not"
    );

    eks(&cloud, &format!("DELETE {entry}"), &json!({})).await;
    let end = Instant::now() + Duration::from_secs(10);
    while who(&clients[4]).await.is_ok() {
        assert!(Instant::now() < end, "access that was taken away lasts");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn without_its_supervisor_a_cloud_is_not_up_and_the_next_up_begins_anew() {
    let state = tempfile::tempdir().unwrap();
    let cloud = up(state.path()).await;
    let supervisor = Processes::of(state.path()).find("kubernetes").unwrap().unwrap();
    let group = format!("-{}", supervisor.pid);
    assert!(
        Command::new("kill")
            .args(["-KILL", "--", &group])
            .status()
            .unwrap()
            .success()
    );
    assert!(supervisor.gone().await);
    let error = LocalCloud::attach(state.path()).await.unwrap_err();
    assert!(
        error.because().starts_with("what keeps its control planes has ended"),
        "{}",
        error.because()
    );
    drop(cloud);
    assert!(up(state.path()).await.is_fresh());
}
