//! The language host that runs Rust programs for the Pulumi engine.
//!
//! The engine starts it as `pulumi-language-rust <engine address>`, reads a port from its stdout and talks gRPC from
//! then on. The host builds programs, providers and policy packs with cargo, starts them, and ends them with everything
//! that they started.

mod cargo;
mod environment;
mod error;
mod host;
mod options;
mod process;

use std::{env, io::Write, process::ExitCode};

pub use environment::{Settings, Toolchain};
pub use host::Host;
pub use process::{Chunk, Console};

use groundwork_wire::serve::{self, ServeError};

/// Runs the host until the engine ends it; what goes wrong is said on stderr.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            // Nobody is left to tell when stderr is gone as well.
            let _ = writeln!(std::io::stderr(), "pulumi-language-rust: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), ServeError> {
    let arguments = env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    let settings = Settings::new(arguments, env::vars_os());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let host = Host::new(settings);
        let stopping = host.clone();
        let stop = async move {
            // Without signals there is still the engine's SIGKILL.
            let _ = serve::stopped().await;
            stopping.stop();
        };
        let served = serve::serve(host.router(), stop).await;
        host.ended().await;
        served
    })
}
