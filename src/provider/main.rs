//! The provider `pulumi-resource-groundwork`.

use std::process::ExitCode;

fn main() -> ExitCode {
    groundwork_provider::main()
}
