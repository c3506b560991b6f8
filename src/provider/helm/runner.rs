//! Runs `helm`, the provider's only child process.
//!
//! What is secret (the cluster's token, values) reaches it through files that exist in memory alone, which it inherits:
//! they have no name, and end with the last process that has them open, however that ends. Nothing secret is in its
//! arguments, its environment or on a disk.

use std::{
    fs::File,
    io::Write as _,
    os::fd::{AsRawFd, OwnedFd},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::{
    fs::{MemfdFlags, Mode, fchmod, memfd_create},
    process::{Pid, Signal, kill_process_group},
};
use serde_json::Value as Json;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    time::{Instant, timeout, timeout_at},
};

use crate::{
    cx::Cx,
    error::{Error, Result},
};

/// How long helm has to end by itself once it is told to: the engine gives a provider five seconds in all.
const GRACE: Duration = Duration::from_secs(3);

/// What helm has at least, though the operation's time be up: the state is still to be told.
const LEAST: Duration = Duration::from_secs(10);

/// How helm ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Whether it says that it succeeded.
    pub(super) success: bool,
    /// What it answers.
    pub(super) out: String,
    /// What it says.
    pub(super) words: String,
}

/// A file that helm is given.
#[derive(Debug)]
pub(super) struct Handed<'a> {
    /// The option that names it, such as `--values`.
    pub(super) option: &'static str,
    /// What is in it. JSON is YAML.
    pub(super) content: &'a Json,
}

/// Runs helm to its end, to the operation's, or to the user's.
///
/// # Errors
/// It cannot be run, did not end in time, or the user broke it off.
pub(super) async fn helm(cx: &Cx, arguments: &[String], files: &[Handed<'_>]) -> Result<Ended> {
    let begun = Instant::now();
    let until = cx.until.max(begun + LEAST);
    let mut child = start(arguments, files)?;
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut words) = (String::new(), String::new());
    let reading = async {
        let read_out = async {
            match &mut stdout {
                Some(pipe) => pipe.read_to_string(&mut out).await.map(drop),
                None => Ok(()),
            }
        };
        let read_words = async {
            match &mut stderr {
                Some(pipe) => pipe.read_to_string(&mut words).await.map(drop),
                None => Ok(()),
            }
        };
        tokio::try_join!(read_out, read_words)?;
        child.wait().await
    };
    let ended = tokio::select! {
        biased;
        () = cx.cancel.cancelled() => None,
        ended = timeout_at(until, reading) => Some(ended),
    };
    let verb = arguments.first().map_or("", String::as_str);
    let error = match ended {
        Some(Ok(status)) => {
            return Ok(Ended {
                success: status.map_err(|error| broken(&error))?.success(),
                out,
                words,
            });
        }
        Some(Err(_)) => Error::Timeout {
            phase: format!("running helm {verb}"),
            waited: begun.elapsed(),
        },
        None => Error::Cancelled {
            phase: "helm was at work".to_owned(),
        },
    };
    end(&mut child).await;
    Err(error)
}

/// Whether a variable of the environment would lead helm to another cluster than it is told of, as another user, or to
/// other records of its releases than the cluster's Secrets. Source: Helm documentation, "Helm", environment variables.
fn leads_elsewhere(name: &str) -> bool {
    ["KUBECONFIG", "HELM_NAMESPACE"].contains(&name) || name.starts_with("HELM_KUBE") || name.starts_with("HELM_DRIVER")
}

/// One at a time: a file that one helm is to inherit is closed here before another one starts.
static STARTING: Mutex<()> = Mutex::new(());

fn start(arguments: &[String], files: &[Handed<'_>]) -> Result<Child> {
    let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let program = std::env::var_os("GROUNDWORK_HELM").unwrap_or_else(|| "helm".into());
    #[expect(
        clippy::disallowed_methods,
        reason = "helm is the one process that the provider starts"
    )]
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(leads_elsewhere) {
            command.env_remove(name);
        }
    }
    let mut handed = Vec::new();
    for Handed { option, content } in files {
        let file = in_memory(content).map_err(|error| broken(&error))?;
        command.arg(option).arg(format!("/proc/self/fd/{}", file.as_raw_fd()));
        handed.push(file);
    }
    command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::Invalid(
            "helm is not installed, or not on the PATH; install it (https://helm.sh/docs/intro/install, 3.14 or later), or \
             name it in GROUNDWORK_HELM, and run the same command again"
                .to_owned(),
        ),
        _ => broken(&error),
    })
}

/// A file without a name that a child inherits.
fn in_memory(content: &Json) -> std::io::Result<OwnedFd> {
    // Not closed by exec: that is how the child has it.
    let file = memfd_create("groundwork", MemfdFlags::empty())?;
    fchmod(&file, Mode::RUSR | Mode::WUSR)?;
    let mut file = File::from(file);
    file.write_all(content.to_string().as_bytes())?;
    Ok(file.into())
}

/// Lets helm write down that it was broken off, and ends it when it does not.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    for signal in [Signal::TERM, Signal::KILL] {
        // It may have ended by itself.
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
        if timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
}

fn broken(error: &std::io::Error) -> Error {
    Error::Invalid(format!("helm cannot be run: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_is_told_its_cluster_by_us_alone() {
        for name in [
            "KUBECONFIG",
            "HELM_KUBEAPISERVER",
            "HELM_KUBEASUSER",
            "HELM_KUBECAFILE",
            "HELM_KUBECONTEXT",
            "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
            "HELM_KUBETOKEN",
            "HELM_DRIVER",
            "HELM_DRIVER_SQL_CONNECTION_STRING",
            "HELM_NAMESPACE",
        ] {
            assert!(leads_elsewhere(name), "{name}");
        }
        for name in ["PATH", "HOME", "HTTPS_PROXY", "HELM_CACHE_HOME", "HELM_REGISTRY_CONFIG"] {
            assert!(!leads_elsewhere(name), "{name}");
        }
    }
}
