//! What can go wrong, said in three parts: what, because, do.

use std::io;
use std::path::{Path, PathBuf};

use crate::exit::Exit;

/// This program's result.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. `Display` is the *what*; [`Error::explain`] shows all three parts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The local cloud's.
    #[error(transparent)]
    Local(#[from] groundwork_local::Error),
    /// The asynchronous runtime does not start.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// A file or folder could not be read or written.
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
    /// The programs of this package could not be built.
    #[error("the build of Groundwork's programs failed")]
    Build {
        /// What cargo wrote.
        diagnostics: String,
    },
    /// A program that belongs to this one is neither built nor beside it.
    #[error("{name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Pulumi ended with an error.
    #[error("`pulumi {verb}` failed")]
    Pulumi {
        /// Which command.
        verb: String,
        /// How it ended.
        ended: String,
        /// Its own words.
        diagnostics: String,
        /// Where everything it wrote is.
        log: PathBuf,
    },
    /// A program answers something that is none of its answers.
    #[error("{what} cannot be read")]
    Answer {
        /// What was read.
        what: String,
        /// What is wrong with it.
        because: String,
    },
    /// A folder that must be a fresh one is not.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A measurement could not be taken.
    #[error("{what} could not be measured")]
    Measure {
        /// What was to be measured.
        what: String,
        /// Why not.
        because: String,
    },
    /// A cluster's token could not be made.
    #[error("no token for cluster {cluster}")]
    Token {
        /// The cluster's name.
        cluster: String,
        /// Why not.
        because: String,
    },
    /// The program could not be recorded.
    #[error("the program could not be recorded")]
    Record(String),
    /// Something exists now that did not exist before.
    #[error("{} of the cloud's resources are left over", .0.len())]
    LeftOver(Vec<String>),
    /// The user has had enough.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// For `map_err` of whatever reads and writes files.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// For `map_err` of whatever starts a program.
    pub(crate) fn run(program: &Path) -> impl FnOnce(io::Error) -> Self {
        let program = program.display().to_string();
        move |source| Self::Run { program, source }
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::LeftOver(_) => Exit::LeftOver,
            Self::Interrupted => Exit::Interrupted,
            _ => Exit::Failed,
        }
    }

    fn because(&self) -> String {
        match self {
            Self::Local(error) => error.because(),
            Self::Runtime(source) | Self::File { source, .. } | Self::Run { source, .. } => source.to_string(),
            Self::Build { diagnostics } => format!("cargo says:\n{diagnostics}"),
            Self::Missing { folder, .. } => format!("it is not in {}", folder.display()),
            Self::Pulumi { ended, diagnostics, .. } if diagnostics.is_empty() => ended.clone(),
            Self::Pulumi { ended, diagnostics, .. } => format!("{ended}; in its own words:\n{diagnostics}"),
            Self::Answer { because, .. } | Self::Measure { because, .. } | Self::Token { because, .. } => {
                because.clone()
            }
            Self::Record(why) => why.clone(),
            Self::NotEmpty(_) => "what is in it could be somebody's".to_owned(),
            Self::LeftOver(names) => format!("they were not there before the demo:\n{}", names.join("\n")),
            Self::Interrupted => "it was asked to end".to_owned(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::Local(error) => error.remedy(),
            Self::Runtime(_) => "look at the limits of this shell: `ulimit -a`".to_owned(),
            Self::File { path, .. } => format!("check who owns {} and that its disk has room", path.display()),
            Self::Run { program, .. } => format!("check that {program} exists and may be executed"),
            Self::Build { .. } => "put right what it complains of and run it again; what was built is kept".to_owned(),
            Self::Missing { .. } => "install all of Groundwork's programs into one folder".to_owned(),
            Self::Pulumi { log, .. } => format!("read {}", log.display()),
            Self::Answer { .. } | Self::Measure { .. } | Self::Record(_) => {
                "run it again; when it stays so, report it".to_owned()
            }
            Self::Token { .. } => {
                "log in to AWS (`aws sso login`, or keys in the environment) and name the region".to_owned()
            }
            Self::NotEmpty(_) => "name another folder, or one that does not exist yet".to_owned(),
            Self::LeftOver(_) => "report it: a destroy must leave nothing".to_owned(),
            Self::Interrupted => "run it again whenever you like".to_owned(),
        }
    }

    /// All three parts, as the user sees them; the first line has no prefix.
    pub(crate) fn explain(&self) -> String {
        let indented = |text: String| text.trim_end().replace('\n', "\n            ");
        format!(
            "{self}\n  because   {}\n  do        {}",
            indented(self.because()),
            indented(self.remedy())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_because_and_do() {
        let error = Error::LeftOver(vec!["ec2/vpc-1".to_owned(), "ec2/vpc-2".to_owned()]);
        assert_eq!(
            error.explain(),
            "2 of the cloud's resources are left over\n  because   they were not there before the demo:\n            \
             ec2/vpc-1\n            ec2/vpc-2\n  do        report it: a destroy must leave nothing"
        );
        assert_eq!(error.exit(), Exit::LeftOver);
    }
}
