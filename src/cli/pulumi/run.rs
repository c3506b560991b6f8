//! Running a command of Pulumi's: progress while it runs, its own words when it fails, and an end when it is asked to end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use groundwork_local::{LocalCloud, Step, Ui};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::events::{Progress, Tail};
use super::project::Project;
use crate::error::{Error, Result};
use crate::interrupt::Interrupts;

/// Pulumi on a project, against a local cloud.
#[derive(Debug)]
pub(crate) struct Pulumi<'a> {
    /// The cloud.
    pub(crate) cloud: &'a LocalCloud,
    /// The project.
    pub(crate) project: &'a Project,
    /// The folder of its logs.
    pub(crate) logs: PathBuf,
}

/// An operation that went well.
#[derive(Debug)]
pub(crate) struct Run {
    /// How long it took, from start to end of the process.
    pub(crate) took: Duration,
    /// What it did.
    pub(crate) progress: Progress,
}

/// How often the event log is looked at.
const GLANCE: Duration = Duration::from_millis(100);

impl<'a> Pulumi<'a> {
    /// Pulumi on this project. Logs go to the cloud's own.
    pub(crate) fn on(cloud: &'a LocalCloud, project: &'a Project) -> Result<Self> {
        let logs = cloud.state().join("logs");
        fs::create_dir_all(&logs).map_err(Error::file("create", &logs))?;
        Ok(Self { cloud, project, logs })
    }

    /// Makes the stack.
    pub(crate) async fn init(&self) -> Result<()> {
        self.answer(&["stack", "init", &self.project.stack]).await.map(drop)
    }

    /// Sets a secret; it goes by standard input, as arguments can be seen.
    pub(crate) async fn set_secret(&self, path: &str, value: &str) -> Result<()> {
        let log = self.log("config-set", "log");
        let args = [
            "config",
            "set",
            "--secret",
            "--path",
            path,
            "--stack",
            &self.project.stack,
        ];
        let mut child = self
            .command(&log)?
            .args(args)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(Error::run("pulumi".as_ref()))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(value.as_bytes())
                .await
                .map_err(Error::run("pulumi".as_ref()))?;
        }
        let status = child.wait().await.map_err(Error::run("pulumi".as_ref()))?;
        if status.success() {
            return Ok(());
        }
        Err(failed(&args, status, &log))
    }

    /// The stack's outputs as JSON, secrets hidden.
    pub(crate) async fn outputs(&self) -> Result<serde_json::Value> {
        self.told("the stack's outputs", &["stack", "output", "--json"]).await
    }

    /// The stack's state as JSON, secrets encrypted.
    pub(crate) async fn export(&self) -> Result<serde_json::Value> {
        self.told("the stack's state", &["stack", "export"]).await
    }

    /// What a command on the stack tells as JSON.
    async fn told(&self, what: &str, command: &[&str]) -> Result<serde_json::Value> {
        let text = self
            .answer(&[command, &["--stack", &self.project.stack]].concat())
            .await?;
        serde_json::from_str(&text).map_err(|error| Error::Answer {
            what: what.to_owned(),
            because: error.to_string(),
        })
    }

    /// Runs an operation of the engine (`preview`, `up`, `refresh`, `destroy`), named `name` in logs and on the screen.
    /// `parts` is how many resources it will look at, as far as that is known.
    ///
    /// When it is interrupted, Pulumi is asked to end, and waited for: what it has begun is on record then.
    pub(crate) async fn operate(
        &self,
        name: &str,
        args: &[&str],
        parts: Option<usize>,
        interrupts: &Interrupts,
        ui: &Ui,
    ) -> Result<Run> {
        let mut interrupts = interrupts.clone();
        let (log, events) = (self.log(name, "log"), self.log(name, "events"));
        // Of an operation of the same name before this one.
        drop(fs::remove_file(&events));
        let mut command = self.command(&log)?;
        command
            .args(args)
            .args(["--stack", &self.project.stack, "--suppress-progress", "--event-log"])
            .arg(&events)
            .env("PULUMI_DEBUG_COMMANDS", "true");
        let mut step = ui.step(name.to_owned(), None);
        if let Some(parts) = parts {
            step.parts(u64::try_from(parts).unwrap_or_default());
        }
        let started = Instant::now();
        let mut child = command.spawn().map_err(Error::run("pulumi".as_ref()))?;
        let guard = Guard::over(&child)?;
        let mut watch = Watch {
            tail: Tail::of(events),
            progress: Progress::default(),
            step,
            shown: 0,
        };
        let mut tick = interval(GLANCE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut wishes = 0;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(Error::run("pulumi".as_ref()))?,
                () = interrupts.next() => {
                    wishes += 1;
                    end(&mut child, wishes, ui);
                }
                _ = tick.tick() => watch.look(),
            }
        };
        let took = started.elapsed();
        guard.dismiss().await;
        watch.look();
        if wishes > 0 {
            return Err(Error::Interrupted);
        }
        if !status.success() {
            return Err(failed(args, status, &log));
        }
        let Watch { step, progress, .. } = watch;
        step.done(name);
        Ok(Run { took, progress })
    }

    /// Runs a command to its end and returns what it writes to stdout.
    async fn answer(&self, args: &[&str]) -> Result<String> {
        let log = self.log(&args.join("-").replace("--", ""), "log");
        let mut command = self.command(&log)?;
        let output = command
            .args(args)
            .stdout(Stdio::piped())
            .output()
            .await
            .map_err(Error::run("pulumi".as_ref()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failed(args, output.status, &log))
    }

    /// A command in a process group of its own: Ctrl-C in a terminal reaches this program alone, which passes it on.
    fn command(&self, log: &Path) -> Result<Command> {
        let file = File::create(log).map_err(Error::file("create", log))?;
        let file_too = file.try_clone().map_err(Error::file("open", log))?;
        let mut command = Command::from(self.cloud.command("pulumi"));
        command
            .args([
                OsStr::new("--non-interactive"),
                "--color".as_ref(),
                "never".as_ref(),
                "--cwd".as_ref(),
            ])
            .arg(&self.project.folder)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(file_too)
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    fn log(&self, name: &str, kind: &str) -> PathBuf {
        self.logs.join(format!("pulumi-{}.{kind}", name.replace(' ', "-")))
    }
}

/// A first wish lets Pulumi finish what is under way; a second lets it drop that; a third is the last.
fn end(child: &mut Child, wishes: u32, ui: &Ui) {
    match wishes {
        1 => ui.note("… ending: waiting for what is under way (Ctrl-C again to drop it)"),
        2 => ui.note("… ending at once"),
        _ => {
            // One that has ended needs no signal.
            drop(child.start_kill());
            return;
        }
    }
    if let Some(pid) = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
        // One that has ended needs none.
        let _ = kill_process(pid, Signal::INT);
    }
}

/// Ends Pulumi and everything that it has started when this program dies without a word (`kill -9`): a shell that reads
/// from a pipe which only this program holds. Pulumi has twenty seconds to write down what it has begun.
struct Guard(Option<Child>);

const GUARD: &str = r#"
read -r _
kill -s INT "$1" 2>/dev/null
seconds=0
while kill -0 "$1" 2>/dev/null && [ $seconds -lt 20 ]; do sleep 1; seconds=$((seconds + 1)); done
kill -s KILL -- "-$1" 2>/dev/null
"#;

impl Guard {
    fn over(child: &Child) -> Result<Self> {
        let Some(pid) = child.id() else {
            return Ok(Self(None));
        };
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", GUARD, "guard", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        shell
            .spawn()
            .map(Some)
            .map(Self)
            .map_err(Error::run("/bin/sh".as_ref()))
    }

    /// Pulumi has ended by itself. The shell is killed before its pipe is closed.
    async fn dismiss(self) {
        if let Some(mut shell) = self.0 {
            drop(shell.kill().await);
        }
    }
}

struct Watch<'ui> {
    tail: Tail,
    progress: Progress,
    step: Step<'ui>,
    shown: usize,
}

impl Watch<'_> {
    fn look(&mut self) {
        for line in self.tail.lines() {
            self.progress.read(&line);
        }
        while self.shown < self.progress.done() {
            self.shown += 1;
            self.step.part();
        }
        self.step.at(&self.progress.at().unwrap_or_default());
    }
}

fn failed(args: &[&str], status: ExitStatus, log: &Path) -> Error {
    Error::Pulumi {
        verb: args.first().copied().unwrap_or_default().to_owned(),
        ended: status.to_string(),
        diagnostics: diagnostics(&fs::read_to_string(log).unwrap_or_default()),
        log: log.to_owned(),
    }
}

/// What Pulumi says went wrong: the part that it calls so, else its last words.
fn diagnostics(text: &str) -> String {
    let part = text.find("\nDiagnostics:").map_or_else(
        || {
            let lines: Vec<_> = text.lines().collect();
            lines
                .get(lines.len().saturating_sub(30)..)
                .unwrap_or_default()
                .join("\n")
        },
        |start| text.get(start..).unwrap_or_default().to_owned(),
    );
    part.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_what_pulumi_calls_so_or_its_last_words() {
        assert_eq!(
            diagnostics("Updating (demo):\n + x\nDiagnostics:\n  error: no\n"),
            "Diagnostics:\n  error: no"
        );
        let many: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        assert_eq!(diagnostics(&many.join("\n")).lines().count(), 30);
    }
}
