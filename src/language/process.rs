//! Children: the one module that starts any.
//!
//! Each child leads a process group of its own, and the group ends with it: by SIGTERM first, by SIGKILL after a grace,
//! and by SIGKILL at once when whoever waits for it is dropped.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Write},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// How long a dead child's output may be silent until it counts as ended.
const SILENCE: Duration = Duration::from_secs(1);

/// A piece of output, not necessarily a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// What was written to stdout.
    Stdout(Vec<u8>),
    /// What was written to stderr.
    Stderr(Vec<u8>),
}

/// Where the output of programs and builds goes.
#[derive(Debug, Clone)]
pub enum Console {
    /// To the host's own stdout and stderr, which the engine shows to the user.
    Own,
    /// To whoever holds the other end.
    Channel(mpsc::Sender<Chunk>),
}

impl Console {
    /// Passes a piece of output on; nobody may be listening any more, and that stops nothing.
    pub(crate) async fn write(&self, chunk: Chunk) {
        let _ = match self {
            Self::Channel(channel) => channel.send(chunk).await.map_err(drop),
            // The engine may be slow to read.
            Self::Own => spawn_blocking(move || write(&chunk)).await.map_err(drop),
        };
    }
}

fn write(chunk: &Chunk) {
    let _ = match chunk {
        Chunk::Stdout(bytes) => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
        Chunk::Stderr(bytes) => io::stderr().write_all(bytes),
    };
}

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) directory: PathBuf,
    /// All of it: nothing is inherited.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(i32),
    Killed(i32),
    /// Because it was told to.
    Stopped,
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Killed(signal),
            (None, None) => Self::Stopped,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Killed(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "was killed by {name}"),
                None => write!(f, "was killed by signal {signal}"),
            },
            Self::Stopped => f.write_str("was stopped"),
        }
    }
}

fn signal_name(raw: i32) -> Option<&'static str> {
    let names = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL (out of memory?)"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
    ];
    names
        .into_iter()
        .find(|(signal, _)| signal.as_raw() == raw)
        .map(|(_, name)| name)
}

/// When a child must end early.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) token: CancellationToken,
    /// From SIGTERM to SIGKILL.
    pub(crate) grace: Duration,
}

/// Runs a job to its end. Its output goes to the console; where that is a channel, a receiver that goes away stops the
/// job, and stdin is a pipe that ends with the host.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn run(job: &Job, console: Console, stop: &Stop) -> io::Result<Ending> {
    let mut command = Command::new(&job.program);
    command
        .args(&job.arguments)
        .current_dir(&job.directory)
        .env_clear()
        .envs(job.environment.iter().cloned());
    command.process_group(0).kill_on_drop(true);
    match &console {
        Console::Own => command.stdin(Stdio::null()),
        Console::Channel(_) => command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    };
    let mut child = command.spawn()?;
    let group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    // Waiting for a child closes its stdin unless somebody else holds it.
    let stdin = child.stdin.take();
    let done = CancellationToken::new();
    let readers = match &console {
        Console::Own => Vec::new(),
        Console::Channel(channel) => [
            child
                .stdout
                .take()
                .map(|out| forward(out, channel.clone(), Chunk::Stdout, done.clone())),
            child
                .stderr
                .take()
                .map(|err| forward(err, channel.clone(), Chunk::Stderr, done.clone())),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    let ended = tokio::select! {
        ended = child.wait() => Some(ended?),
        () = stop.token.cancelled() => None,
        () = abandoned(&console) => None,
    };
    let ending = if let Some(status) = ended {
        status.into()
    } else {
        group.signal(Signal::TERM);
        if timeout(stop.grace, child.wait()).await.is_err() {
            group.signal(Signal::KILL);
            child.wait().await?;
        }
        Ending::Stopped
    };
    drop(group);
    drop(stdin);
    done.cancel();
    for reader in readers {
        let _ = reader.await;
    }
    Ok(ending)
}

async fn abandoned(console: &Console) {
    match console {
        Console::Own => std::future::pending().await,
        Console::Channel(channel) => channel.closed().await,
    }
}

/// Reads to the end, also when nobody listens: a child must not block on a full pipe while it ends. What escaped the
/// child's group may hold the pipe open for ever, so once the child is done silence is an end as well.
fn forward(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    to: mpsc::Sender<Chunk>,
    wrap: fn(Vec<u8>) -> Chunk,
    done: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => read.unwrap_or(0),
                () = silence(&done) => 0,
            };
            match buffer.get(..read) {
                Some(bytes) if !bytes.is_empty() => drop(to.send(wrap(bytes.to_vec())).await),
                _ => return,
            }
        }
    })
}

async fn silence(done: &CancellationToken) {
    done.cancelled().await;
    let _ = timeout(SILENCE, std::future::pending::<()>()).await;
}

/// What a job wrote.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) ending: Ending,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Runs a job to its end and keeps what it writes.
///
/// # Errors
/// When it cannot be started.
pub(crate) async fn capture(job: &Job, stop: &Stop) -> io::Result<Captured> {
    let (channel, mut chunks) = mpsc::channel(64);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let collect = async {
        while let Some(chunk) = chunks.recv().await {
            match chunk {
                Chunk::Stdout(bytes) => stdout.extend(bytes),
                Chunk::Stderr(bytes) => stderr.extend(bytes),
            }
        }
    };
    let (ending, ()) = tokio::join!(run(job, Console::Channel(channel), stop), collect);
    Ok(Captured {
        ending: ending?,
        stdout,
        stderr,
    })
}

/// A process group that does not outlive this value.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // A group that is gone already is what is wanted.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
