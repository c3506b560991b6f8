//! What can go wrong between the engine's request and a running program, in words for whoever wrote the program.

use std::{fmt::Write as _, io, path::PathBuf};

use tonic::{Code, Status};

use crate::{cargo::SelectionError, options::OptionsError, process::Ending};

/// The oldest toolchain that compiles the SDK.
const MINIMUM: &str = "1.95";

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Options(#[from] OptionsError),
    #[error("{0}")]
    Selection(#[from] SelectionError),
    #[error("no Cargo.toml in {} or above; say where it is with the option `manifest`", .0.display())]
    NoManifest(PathBuf),
    #[error("there is no {}, which the option `manifest` names", .0.display())]
    ManifestMissing(PathBuf),
    #[error("there is no {}, which the option `binary` names; build it first, or leave the option out", .0.display())]
    BinaryMissing(PathBuf),
    #[error("there is no directory {}", .0.display())]
    DirectoryMissing(PathBuf),
    #[error(
        "cargo is not installed (looked for {}): the Rust toolchain, {MINIMUM} or newer, builds this program; \
         install it with rustup (https://rustup.rs) and open a new shell", .0.display()
    )]
    NoCargo(PathBuf),
    #[error("cannot start {}: {source}", .program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("the {0} does not compile; cargo says why above")]
    DoesNotCompile(&'static str),
    #[error("cargo cannot build the {0}; it says why above")]
    NotBuilt(&'static str),
    #[error("the engine has not said where it listens")]
    NoEngine,
    #[error("this language host cannot attach a debugger")]
    Debugger,
    #[error("cargo built {0}, but did not say where it put the executable")]
    NoExecutable(String),
    #[error("`cargo {command}` {ending}{}", indented(.stderr))]
    Cargo {
        command: &'static str,
        ending: Ending,
        stderr: String,
    },
    #[error("`cargo {command}` answered something else than expected: {source}")]
    Answer {
        command: &'static str,
        source: serde_json::Error,
    },
    #[error("stopped, because the engine said so")]
    Stopped,
}

fn indented(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.fold(String::new(), |mut all, line| {
        let _ = write!(all, "\n  {line}");
        all
    })
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Options(_) | Error::Selection(_) => Code::InvalidArgument,
            Error::Stopped => Code::Cancelled,
            _ => Code::FailedPrecondition,
        };
        Self::new(code, error.to_string())
    }
}
