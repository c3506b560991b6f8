//! Programs that are run to prepare something, and waited for.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::process::tail;
use crate::{Error, Result};

/// How long a program may think about a question as simple as that for its version.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a program answers on stdout; `None` when it cannot be run, fails, or takes a minute.
pub(super) async fn answer(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Option<String> {
    let mut command = command(program);
    command.args(args).envs(env.iter().copied()).stderr(Stdio::null());
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command that reads nothing and dies with whoever waits for it.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end; each line that it writes goes to `log` (which is appended to) and to `each`.
/// `what` is a noun for the error: `the build of pulumi`. Returns the lines of stdout.
pub(crate) async fn run(
    mut command: Command,
    what: &str,
    log: &PathBuf,
    mut each: impl FnMut(&str),
) -> Result<Vec<String>> {
    let not_run = |source| Error::Run {
        program: what.to_owned(),
        source,
    };
    let broken = |source| Error::file("write", log)(source);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| Error::Run {
            program: command.as_std().get_program().to_string_lossy().into_owned(),
            source,
        })?;
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(not_run(std::io::Error::other("its output cannot be read")));
    };
    let (mut out, mut err) = (BufReader::new(out).lines(), BufReader::new(err).lines());
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .await
        .map_err(Error::file("open", log))?;
    let mut told = Vec::new();
    let (mut out_open, mut err_open) = (true, true);
    while out_open || err_open {
        let (line, on_out) = tokio::select! {
            line = out.next_line(), if out_open => (line, true),
            line = err.next_line(), if err_open => (line, false),
        };
        match line.map_err(not_run)? {
            Some(line) => {
                each(&line);
                file.write_all(format!("{line}\n").as_bytes()).await.map_err(broken)?;
                if on_out {
                    told.push(line);
                }
            }
            None if on_out => out_open = false,
            None => err_open = false,
        }
    }
    file.flush().await.map_err(broken)?;
    let status = child.wait().await.map_err(not_run)?;
    if status.success() {
        return Ok(told);
    }
    Err(Error::Prepare {
        what: what.to_owned(),
        ended: status.to_string(),
        tail: tail(log, 12),
        log: log.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_brings_the_last_words_along() {
        let folder = tempfile::tempdir().unwrap();
        let mut sh = command(Path::new("/bin/sh"));
        sh.args(["-c", "echo one; echo two >&2; exit 3"]);
        let error = run(sh, "the build", &folder.path().join("log"), |_| {})
            .await
            .unwrap_err();
        let text = error.explain().to_string();
        assert!(
            text.starts_with("the build failed\n  because   exit status: 3; its last words:\n"),
            "{text}"
        );
        assert!(text.contains("            two"), "{text}");
    }

    #[tokio::test]
    async fn stdout_is_returned_and_every_line_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let mut sh = command(Path::new("/bin/sh"));
        sh.args(["-c", "echo one; echo two >&2"]);
        let mut lines = Vec::new();
        let out = run(sh, "it", &folder.path().join("log"), |line| lines.push(line.to_owned()))
            .await
            .unwrap();
        lines.sort();
        assert_eq!(
            (out, lines),
            (vec!["one".to_owned()], vec!["one".to_owned(), "two".to_owned()])
        );
    }

    #[tokio::test]
    async fn what_is_not_there_answers_nothing() {
        assert_eq!(answer(Path::new("/no/such/program"), &[], &[]).await, None);
    }
}
