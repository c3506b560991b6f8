//! The Pulumi program `platform`.

use std::process::ExitCode;

use groundwork_program::{platform, sdk};

fn main() -> ExitCode {
    sdk::run(platform)
}
