//! A platform on a local cloud with Kubernetes.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use groundwork_local::{
    Call, Rhythm, Ui,
    tools::{Cache, PULUMI, Python, Sources},
};
use serde_json::Value as Json;

use crate::{Cloud, programs, stack::Stack};

/// How long each transition takes, where a test does not care.
pub(crate) const QUICK: Duration = Duration::from_millis(100);
/// The token that Flux is given. It must not be seen anywhere.
pub(crate) const TOKEN: &str = "ghp_0Needle7That8Nobody9MayEver3See4Again";
/// The platform's cluster, in presets `standard` and `private`.
pub(crate) const CLUSTER: &str = "main";

/// A local cloud with Kubernetes and Pulumi.
pub(crate) async fn cloud(settle: Duration) -> Cloud {
    Cloud::with(|options| {
        options.rhythm = Rhythm::Settle(settle);
        options.kubernetes = Some(programs().join("groundwork"));
        options.tools.push(&PULUMI);
    })
    .await
}

/// A stack of the platform with Flux, on charts that the local cloud serves.
pub(crate) fn platform(cloud: &Cloud, settings: &[(&str, &str)]) -> Stack {
    let stack = Stack::of_platform(cloud, settings);
    stack.set("platform:flux.owner", "somebody");
    stack.set("platform:flux.repository", "fleet");
    stack.set_secret("platform:flux.token", TOKEN);
    stack
}

/// The calls of these operations, in order.
pub(crate) async fn calls(cloud: &Cloud, operations: &[&str]) -> Vec<Call> {
    let journal = cloud.cloud.journal(0).await.unwrap();
    journal
        .into_iter()
        .filter(|call| operations.contains(&call.operation.as_str()))
        .collect()
}

/// Waits until something holds; a test that waits for ever is ended by its runner.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let mut every = tokio::time::interval(Duration::from_millis(50));
    loop {
        every.tick().await;
        if let Some(found) = look().await {
            return found;
        }
    }
}

/// A program in the environment of the local cloud, with `groundwork` on its PATH, which kubeconfigs name.
pub(crate) fn command(cloud: &Cloud, program: &str) -> Command {
    let path = cloud.cloud.env().remove("PATH").unwrap_or_default();
    let mut command = cloud.cloud.command(program);
    command.env("PATH", format!("{}:{path}", programs().display()));
    command
}

/// A program of the local cloud's tools with arguments: its output, which must be good.
pub(crate) fn run(cloud: &Cloud, program: &str, arguments: &[&str]) -> String {
    let output = command(cloud, program).args(arguments).output().unwrap();
    said(program, arguments, &output)
}

fn said(program: &str, arguments: &[&str], output: &Output) -> String {
    assert!(
        output.status.success(),
        "{program} {}\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `kubectl get` as the cluster's own administrator, as JSON.
pub(crate) fn get(cloud: &Cloud, cluster: &str, arguments: &[&str]) -> Json {
    let kubeconfig = cloud.cloud.kubeconfig(cluster).unwrap();
    let mut all = vec!["--kubeconfig", kubeconfig.to_str().unwrap(), "get", "--output=json"];
    all.extend(arguments);
    serde_json::from_str(&run(cloud, "kubectl", &all)).unwrap()
}

/// The Python that the local AWS runs on.
pub(crate) async fn python_program() -> String {
    let python = Python::obtain(&Sources::find(), &Cache::find().unwrap(), &Ui::silent())
        .await
        .unwrap();
    python.program.to_str().unwrap().to_owned()
}

/// Runs a few lines of Python against the cloud.
pub(crate) async fn python(cloud: &Cloud, code: &str) {
    run(cloud, &python_program().await, &["-c", code]);
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/platform").join(name)
}

/// Runs a script of these tests; the JSON of its last line.
pub(crate) async fn script(cloud: &Cloud, name: &str, arguments: &[&str]) -> Json {
    let mut command = command(cloud, &python_program().await);
    let output = command.arg(file(name)).args(arguments).output().unwrap();
    let text = said(name, arguments, &output);
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}
