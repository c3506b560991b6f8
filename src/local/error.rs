//! What can go wrong, said in three parts: what, because, do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// This crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. `Display` is the *what*; [`Error::because`] and [`Error::remedy`] are the rest,
/// and [`Error::explain`] is all three as the user sees them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that must be installed by hand is missing or too old.
    #[error("{name} {minimum} or newer is missing")]
    Prerequisite {
        /// What is missing: `Go` or `Python`.
        name: &'static str,
        /// The oldest version that serves.
        minimum: &'static str,
        /// What was found instead.
        found: String,
        /// What it is needed for.
        needed_for: String,
        /// How to get it.
        get: String,
    },
    /// A program that was run to prepare something failed.
    #[error("{what} failed")]
    Prepare {
        /// What was being done.
        what: String,
        /// How the program ended.
        ended: String,
        /// The last lines that it wrote.
        tail: String,
        /// Where everything it wrote is.
        log: PathBuf,
    },
    /// A process of the local cloud ended, or did not answer in time.
    #[error("{name} did not start")]
    Start {
        /// The process' name.
        name: String,
        /// What was seen.
        reason: String,
        /// The last lines that it wrote.
        tail: String,
        /// Where everything it wrote is.
        log: PathBuf,
    },
    /// A process is still there after SIGKILL.
    #[error("{name} (process {pid}) does not end")]
    Stop {
        /// The process' name.
        name: String,
        /// Its id.
        pid: i32,
    },
    /// There is no local cloud in this state folder.
    #[error("no local cloud is up")]
    NotUp {
        /// The state folder that was looked at.
        state: PathBuf,
        /// What was seen there.
        reason: String,
    },
    /// The local AWS refused a request to its admin path, or did not answer it.
    #[error("the local cloud did not {what}")]
    Admin {
        /// What was asked of it, as a verb.
        what: String,
        /// Its answer, or why there is none.
        reason: String,
    },
    /// A file or folder could not be read, written or locked.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program could not be run at all.
    #[error("cannot run {program}")]
    Run {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// The keys and certificates of a control plane could not be made.
    #[error("there are no certificates for a control plane")]
    Certificates(#[from] rcgen::Error),
    /// Neither `GROUNDWORK_CACHE`, `XDG_CACHE_HOME` nor `HOME` is set.
    #[error("there is no folder to keep tools in")]
    NoCache,
    /// An argument makes no sense.
    #[error("{what}")]
    Argument {
        /// What is wrong with it.
        what: String,
        /// Why.
        because: String,
        /// What to write instead.
        remedy: String,
    },
}

impl Error {
    /// Why it happened, as far as is known. May have several lines.
    pub fn because(&self) -> String {
        match self {
            Self::Prerequisite { found, needed_for, .. } => format!("{found}; {needed_for} needs it"),
            Self::Prepare { ended, tail, .. } => with_tail(ended, tail),
            Self::Start { reason, tail, .. } => with_tail(reason, tail),
            Self::Stop { .. } => "it was sent SIGTERM and then SIGKILL, and is still there".to_owned(),
            Self::NotUp { state, reason } => format!("{reason} (state folder {})", state.display()),
            Self::Admin { reason, .. } => reason.clone(),
            Self::File { source, .. } | Self::Run { source, .. } => source.to_string(),
            Self::Certificates(source) => source.to_string(),
            Self::NoCache => "GROUNDWORK_CACHE, XDG_CACHE_HOME and HOME are all unset".to_owned(),
            Self::Argument { because, .. } => because.clone(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Prerequisite { get, .. } => get.clone(),
            Self::Prepare { log, .. } => format!("read {} and run it again; what was finished is kept", log.display()),
            Self::Start { log, .. } => format!("read {}, then `groundwork local up`", log.display()),
            Self::Stop { pid, .. } => {
                format!("look at it with `ps -o pid,stat,args -p {pid}`, then `groundwork local down`")
            }
            Self::NotUp { .. } => "`groundwork local up`".to_owned(),
            Self::Admin { .. } => "`groundwork local status`, `groundwork local logs`".to_owned(),
            Self::File { path, .. } => format!("check who owns {} and that its disk has room", path.display()),
            Self::Run { program, .. } => format!("check that {program} exists and may be executed"),
            Self::Certificates(_) => "`groundwork local down`, then `groundwork local up`".to_owned(),
            Self::NoCache => "set GROUNDWORK_CACHE to a folder of your own".to_owned(),
            Self::Argument { remedy, .. } => remedy.clone(),
        }
    }

    /// All three parts, as the user sees them; the first line has no prefix.
    pub fn explain(&self) -> impl fmt::Display {
        let indented = |text: String| text.replace('\n', "\n            ");
        format!(
            "{self}\n  because   {}\n  do        {}",
            indented(self.because()),
            indented(self.remedy())
        )
    }

    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

fn with_tail(reason: &str, tail: &str) -> String {
    if tail.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason}; its last words:\n{tail}")
    }
}
