//! Processes that outlive their parent, or do not, as asked; each on record, so that none is ever lost.
//!
//! A process runs in a process group of its own with its output in a log file. It writes its record itself, before it
//! becomes the program that it is to run: even when the parent is killed in between, the next one finds it. A record
//! holds the process' id *and its birth*, so that a stranger who was given the same id later is never killed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use futures::future::try_join_all;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait::until;
use crate::{Error, Result};

/// Writes the record, then becomes the program. `exec` keeps id and birth.
const DETACHED: &str = r#"
record=$1; shift
{ echo $$; cat /proc/$$/stat 2>/dev/null || ps -o lstart= -p $$; cat /proc/sys/kernel/random/boot_id 2>/dev/null; } >"$record.new"
mv "$record.new" "$record" || exit 125
exec "$@"
"#;

/// Writes the record, runs the program, and ends it when stdin ends: that is, when the parent lets go of it or dies.
/// SIGTERM is passed on. At the end nothing of the process group remains.
const ATTACHED: &str = r#"
record=$1; shift
{ echo $$; cat /proc/$$/stat 2>/dev/null || ps -o lstart= -p $$; cat /proc/sys/kernel/random/boot_id 2>/dev/null; } >"$record.new"
mv "$record.new" "$record" || exit 125
trap 'kill -TERM $child' TERM
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
( read -r _ <&3; kill -TERM $child; sleep 5; kill -KILL 0 ) &
exec 3<&-
while :; do wait $child; kill -0 $child 2>/dev/null || break; done
kill -KILL 0
"#;

/// How long a process has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(20);

/// Whether what is started outlives the one who started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// It runs until it is stopped: `groundwork local up`.
    #[default]
    Detached,
    /// It ends with the process that started it, however that one ends, `kill -9` included: tests and the demo.
    Attached,
}

/// What is to be started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The name of its record and its log, unique in the state folder.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables that are added to, or (`None`) taken from, those of the parent.
    pub env: BTreeMap<String, Option<OsString>>,
}

/// A process on record.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// Its id; also the id of its process group.
    pub pid: i32,
    /// Whether it runs. A zombie does not.
    pub alive: bool,
    /// How long ago it was started.
    pub age: Duration,
    /// The file that its stdout and stderr go to.
    pub log: PathBuf,
    birth: String,
}

/// A process that was started by this one. Dropping it ends an [`Lifetime::Attached`] process and leaves a detached one alone.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lifetime: Lifetime,
}

impl Running {
    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(match self.lifetime {
            Lifetime::Detached => format!("it ended ({status})"),
            // The status is that of the one who watched over it, and who ends by SIGKILL with its whole group.
            Lifetime::Attached => "it ended".to_owned(),
        })
    }

    /// Ends it and its whole group at once: for what has nothing to put in order.
    pub(crate) fn kill(&mut self) {
        if self.child.try_wait().ok().flatten().is_some() {
            return;
        }
        // It leads its group. Not waited for yet, so the id is still its own.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let _ended = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its stdin is closed; within five seconds it is gone.
        if self.lifetime == Lifetime::Attached {
            drop(self.child.stdin.take());
            let _ended = self.child.wait();
        }
    }
}

/// The processes of one state folder.
#[derive(Debug, Clone)]
pub struct Processes {
    records: PathBuf,
    logs: PathBuf,
}

impl Processes {
    /// Those of the local cloud in this state folder. Touches nothing.
    pub fn of(state: &Path) -> Self {
        Self {
            records: state.join("processes"),
            logs: state.join("logs"),
        }
    }

    /// Where a process of this name writes to.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Starts a process. A log that is there is kept as `<name>.log.1`.
    pub fn start(&self, launch: &Launch, lifetime: Lifetime) -> Result<Running> {
        for folder in [&self.records, &self.logs] {
            fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        }
        let path = self.log(&launch.name);
        if path.exists() {
            fs::rename(&path, path.with_extension("log.1")).map_err(Error::file("rename", &path))?;
        }
        let log = File::create(&path).map_err(Error::file("create", &path))?;
        let log_too = log.try_clone().map_err(Error::file("open", &path))?;
        let (script, stdin) = match lifetime {
            Lifetime::Detached => (DETACHED, Stdio::null()),
            Lifetime::Attached => (ATTACHED, Stdio::piped()),
        };
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, &launch.name])
            .arg(self.record(&launch.name))
            .arg(&launch.program)
            .args(&launch.args);
        for (name, value) in &launch.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command
            .stdin(stdin)
            .stdout(log)
            .stderr(log_too)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Run {
                program: "/bin/sh".to_owned(),
                source,
            })?;
        Ok(Running { child, lifetime })
    }

    /// Every process on record, by name.
    pub fn recorded(&self) -> Result<Vec<Process>> {
        let entries = match fs::read_dir(&self.records) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", &self.records)(error)),
        };
        let mut processes = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::file("read", &self.records))?.path();
            if path.extension().is_some_and(|end| end == "pid")
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                && let Some(process) = self.find(name)?
            {
                processes.push(process);
            }
        }
        processes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(processes)
    }

    /// The process of this name, if it is on record.
    pub fn find(&self, name: &str) -> Result<Option<Process>> {
        let path = self.record(name);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", &path)(error)),
        };
        let mut lines = text.lines();
        let pid = lines.next().and_then(|line| line.trim().parse().ok());
        let birth = lines
            .next()
            .map(|line| birth_of_record(line, lines.next().unwrap_or_default()));
        let (Some(pid), Some(birth)) = (pid, birth) else {
            // Half a record speaks of nobody.
            return Ok(None);
        };
        let age = fs::metadata(&path)
            .and_then(|facts| facts.modified())
            .ok()
            .and_then(|then| SystemTime::now().duration_since(then).ok())
            .unwrap_or_default();
        let alive = birth_of(pid).is_some_and(|now| now == birth);
        Ok(Some(Process {
            name: name.to_owned(),
            pid,
            alive,
            age,
            log: self.log(name),
            birth,
        }))
    }

    /// Ends a process: SIGTERM, five seconds, SIGKILL to its group. One that has ended already is fine. Its record goes, its log stays.
    pub async fn stop(&self, process: &Process) -> Result<()> {
        for signal in [Signal::TERM, Signal::KILL] {
            if !process.is_alive() {
                break;
            }
            process.signal(signal)?;
            until(GRACE, GLANCE, || async { Ok((!process.is_alive()).then_some(())) }).await?;
        }
        if process.is_alive() {
            return Err(Error::Stop {
                name: process.name.clone(),
                pid: process.pid,
            });
        }
        let record = self.record(&process.name);
        match fs::remove_file(&record) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", &record)(error)),
            _ => Ok(()),
        }
    }

    /// Ends every process on record and says which of them were still running. One that starts others may start one more
    /// before it ends, so it looks until there is none.
    pub async fn stop_all(&self) -> Result<Vec<Process>> {
        let mut stopped = Vec::new();
        loop {
            let recorded = self.recorded()?;
            if recorded.is_empty() {
                return Ok(stopped);
            }
            try_join_all(recorded.iter().map(|process| self.stop(process))).await?;
            stopped.extend(recorded.into_iter().filter(|process| process.alive));
        }
    }

    /// Takes the record of a process that has ended away.
    pub(crate) fn forget(&self, name: &str) {
        let _gone = fs::remove_file(self.record(name));
    }

    fn record(&self, name: &str) -> PathBuf {
        self.records.join(format!("{name}.pid"))
    }
}

impl Process {
    /// Whether it runs now.
    pub fn is_alive(&self) -> bool {
        birth_of(self.pid).is_some_and(|now| now == self.birth)
    }

    /// Waits until it has ended, at most ten seconds; tells whether it has.
    pub async fn gone(&self) -> bool {
        let ended = || async { Ok((!self.is_alive()).then_some(())) };
        matches!(until(GRACE * 2, GLANCE, ended).await, Ok(Some(())))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Ok(());
        };
        // SIGTERM to the process alone, which knows best how to end what is its own; SIGKILL to the group.
        let sent = if signal == Signal::KILL {
            kill_process_group(pid, signal)
        } else {
            kill_process(pid, signal)
        };
        match sent {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(Error::Run {
                program: format!("kill {}", self.pid),
                source: error.into(),
            }),
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.name, self.pid)
    }
}

/// What tells this process from any other that has, had or will have its id; `None` when there is none that runs.
fn birth_of(pid: i32) -> Option<String> {
    if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let state = after_name(&stat)?.split_whitespace().next()?;
        return (!matches!(state, "Z" | "X")).then(|| birth_of_record(&stat, &boot));
    }
    if Path::new("/proc/self/stat").exists() {
        return None;
    }
    let answer = Command::new("ps")
        .args(["-o", "lstart=", "-o", "stat=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let (birth, state) = text.rsplit_once(' ')?;
    (!state.starts_with('Z')).then(|| birth_of_record(birth, ""))
}

/// The birth in a record: of `/proc/<pid>/stat` the 22nd field, with the boot that its ticks count from; else the line as it is.
fn birth_of_record(line: &str, boot: &str) -> String {
    match after_name(line).and_then(|rest| rest.split_whitespace().nth(19)) {
        Some(ticks) => format!("{ticks}@{}", boot.trim()),
        None => line.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// What follows the program's name, which stands in parentheses and may itself contain blanks and parentheses.
fn after_name(stat: &str) -> Option<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest)
}

/// The last lines of a file, at most 16 KiB of them; empty when it cannot be read.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let read = || {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(16 * 1024)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<_> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn launch(name: &str, script: &str) -> Launch {
        Launch {
            name: name.to_owned(),
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: BTreeMap::new(),
        }
    }

    async fn on_record(processes: &Processes, name: &str) -> Process {
        let found = until(LIMIT, GLANCE, || async { processes.find(name) }).await.unwrap();
        found.expect("a record")
    }

    async fn says(process: &Process, word: &str) {
        let told = until(LIMIT, GLANCE, || async {
            Ok(tail(&process.log, 5).contains(word).then_some(()))
        })
        .await;
        assert!(told.unwrap().is_some(), "the log never says {word}");
    }

    #[tokio::test]
    async fn a_detached_process_outlives_its_handle_and_ends_by_its_record() {
        let state = tempfile::tempdir().unwrap();
        let processes = Processes::of(state.path());
        drop(
            processes
                .start(&launch("one", "echo ready; exec sleep 600"), Lifetime::Detached)
                .unwrap(),
        );
        let process = on_record(&processes, "one").await;
        says(&process, "ready").await;
        assert!(process.alive);

        let stopped = processes.stop_all().await.unwrap();
        assert_eq!(stopped.len(), 1);
        assert!(!process.is_alive());
        assert!(processes.recorded().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_attached_process_ends_with_its_handle() {
        let state = tempfile::tempdir().unwrap();
        let processes = Processes::of(state.path());
        let script = "sleep 600 & echo child $!; wait";
        let running = processes.start(&launch("one", script), Lifetime::Attached).unwrap();
        let process = on_record(&processes, "one").await;
        says(&process, "child").await;
        let grandchild: i32 = tail(&process.log, 1).trim_start_matches("child ").parse().unwrap();
        assert!(process.alive && birth_of(grandchild).is_some());

        drop(running);
        assert!(!process.is_alive());
        let gone = until(LIMIT, GLANCE, || async {
            Ok(birth_of(grandchild).is_none().then_some(()))
        })
        .await
        .unwrap();
        assert!(gone.is_some(), "the group outlived its leader");
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed() {
        let state = tempfile::tempdir().unwrap();
        let processes = Processes::of(state.path());
        let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
        let _running = processes.start(&launch("deaf", script), Lifetime::Detached).unwrap();
        let process = on_record(&processes, "deaf").await;
        says(&process, "ready").await;
        processes.stop(&process).await.unwrap();
        assert!(!process.is_alive());
    }

    #[tokio::test]
    async fn a_stranger_with_the_same_id_is_left_alone() {
        let state = tempfile::tempdir().unwrap();
        let processes = Processes::of(state.path());
        let _running = processes
            .start(&launch("one", "exec sleep 600"), Lifetime::Detached)
            .unwrap();
        let process = on_record(&processes, "one").await;
        let record = processes.record("one");
        let forged = fs::read_to_string(&record)
            .unwrap()
            .replace(process.birth.split('@').next().unwrap(), "1");
        fs::write(&record, forged).unwrap();

        let stranger = processes.find("one").unwrap().unwrap();
        assert!(!stranger.alive);
        processes.stop(&stranger).await.unwrap();
        assert!(process.is_alive(), "it was killed on the strength of its id alone");

        process.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn a_birth_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 2445312 100";
        assert_eq!(birth_of_record(stat, "boot\n"), "4711@boot");
        assert_eq!(
            birth_of_record("Mon Nov  3 12:00:00 2025", ""),
            "Mon Nov 3 12:00:00 2025"
        );
    }
}
