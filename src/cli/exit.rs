//! How the program ends.

use std::process::ExitCode;

/// What the exit codes mean; [`HELP`] says the same to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// Something went wrong, and was said on stderr.
    Failed = 1,
    // 2 is clap's: the command line makes no sense.
    /// Everything went well but for the proof: something is left in the cloud that was not there before.
    LeftOver = 3,
    /// Interrupted by the user; what had been made is removed.
    Interrupted = 130,
}

/// The table of exit codes below the help.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  something went wrong
    2  the command line makes no sense
    3  the demo's audit found something left over
  130  interrupted; what had been made is removed";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        for exit in [Exit::Done, Exit::Failed, Exit::LeftOver, Exit::Interrupted] {
            let code = format!("{:>5}  ", exit as u8);
            assert!(HELP.lines().any(|line| line.starts_with(&code)), "{exit:?}");
        }
    }
}
