//! The provider by itself: how soon it serves, how much memory it takes, how large it is.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use groundwork_local::cloud::{FOREIGN, REGION};
use groundwork_local::{LocalCloud, Ui};
use groundwork_wire::proto::resource_provider_client::ResourceProviderClient;
use groundwork_wire::proto::{CheckRequest, ConfigureRequest};
use groundwork_wire::{PropertyMap, PropertyValue, codec, serve};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use super::measure::{Goal, Measure, Unit};
use crate::error::{Error, Result};
use crate::programs::{PROVIDER, Programs};

/// Milliseconds: one frame of a screen; the bridged AWS provider takes 1.7 s.
const READY: Goal = Goal::AtMost(30.0);
/// Megabytes: less than a tenth of what the bridged AWS provider takes (317 to 430).
const MEMORY: Goal = Goal::AtMost(30.0);
/// Megabytes: a twentieth of the bridged AWS provider (637).
const SIZE: Goal = Goal::AtMost(30.0);

/// How long it may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn measure(programs: &Programs, cloud: &LocalCloud, runs: usize, ui: &Ui) -> Result<Vec<Measure>> {
    let path = programs.path(PROVIDER)?;
    let mut step = ui.step("starting the provider", None);
    step.parts(u64::try_from(runs).unwrap_or_default());
    let (mut ready, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (mut child, took, port) = start(path, cloud).await?;
        let configured = configure(&port).await.and_then(|()| resident(child.id()));
        drop(child.kill().await);
        ready.push(took.as_secs_f64() * 1000.0);
        memory.push(configured?);
        step.part();
    }
    step.done("measured the provider");
    let size = fs::metadata(path).map_err(Error::file("read", path))?.len();
    Ok(vec![
        Measure {
            what: "provider: from its start to its port".to_owned(),
            unit: Unit::Milliseconds,
            values: ready,
            goal: Some(READY),
        },
        Measure {
            what: "provider: memory once configured".to_owned(),
            unit: Unit::Megabytes,
            values: memory,
            goal: Some(MEMORY),
        },
        Measure {
            what: format!("provider: size on disk{}", profile(path)),
            unit: Unit::Megabytes,
            values: vec![megabytes(size)],
            goal: Some(SIZE),
        },
    ])
}

/// What is not built for release says so, for it is larger and slower.
fn profile(path: &Path) -> String {
    let name = path
        .parent()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    match name {
        Some(name) if name == "debug" => " (debug)".to_owned(),
        _ => String::new(),
    }
}

fn broken(because: impl Into<String>) -> Error {
    Error::Measure {
        what: "the provider".to_owned(),
        because: because.into(),
    }
}

/// Starts it as the engine does and waits for the line with its port.
async fn start(path: &Path, cloud: &LocalCloud) -> Result<(Child, Duration, String)> {
    let mut command = Command::new(path);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
        .envs(cloud.env())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let started = Instant::now();
    let mut child = command.spawn().map_err(Error::run(path))?;
    let Some(stdout) = child.stdout.take() else {
        return Err(broken("its stdout cannot be read"));
    };
    let line = timeout(PATIENCE, BufReader::new(stdout).lines().next_line()).await;
    let took = started.elapsed();
    match line {
        Ok(Ok(Some(port))) => Ok((child, took, port)),
        _ => Err(broken("it told no port within 30 seconds")),
    }
}

/// What the engine asks before anything else.
async fn configure(port: &str) -> Result<()> {
    let channel = serve::connect(&format!("127.0.0.1:{port}")).map_err(|error| broken(error.to_string()))?;
    let mut provider = ResourceProviderClient::new(channel);
    let region = PropertyMap::from([("region".to_owned(), PropertyValue::from(REGION))]);
    let check = CheckRequest {
        news: Some(codec::to_struct(&region)),
        ..CheckRequest::default()
    };
    let checked = provider
        .check_config(check)
        .await
        .map_err(|status| broken(status.to_string()))?;
    let configure = ConfigureRequest {
        args: checked.into_inner().inputs,
        accept_secrets: true,
        accept_resources: true,
        ..ConfigureRequest::default()
    };
    provider
        .configure(configure)
        .await
        .map_err(|status| broken(status.to_string()))
        .map(drop)
}

fn resident(pid: Option<u32>) -> Result<f64> {
    let status = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
    status
        .and_then(|status| megabytes_of(&status, "VmRSS:"))
        .ok_or_else(|| broken("/proc does not tell its memory"))
}

/// Megabytes of a line of `/proc/<pid>/status`, which is in units of 1024 bytes.
pub(super) fn megabytes_of(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let count: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(megabytes(count * 1024))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of programs and processes are far below 2^52 bytes"
)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_the_system_tells() {
        let status = "Name:\tx\nVmHWM:\t   20000 kB\nVmRSS:\t   10000 kB\n";
        let told =
            ["VmRSS:", "VmHWM:", "VmSwap:"].map(|name| megabytes_of(status, name).map(|value| value.to_string()));
        assert_eq!(told, [Some("10.24".to_owned()), Some("20.48".to_owned()), None]);
    }
}
