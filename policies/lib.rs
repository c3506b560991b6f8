//! The policy pack: findings that a stock engine reports at preview.
//!
//! The engine starts it as `groundwork-policies <engine address>` (`pulumi preview --policy-pack <path of the
//! executable>`, or the folder of `PulumiPolicy.yaml`), reads a port from its stdout and shows it every resource. Each
//! rule speaks from one finding of [`groundwork_contract::findings`] and is advisory, unless the file of
//! `--policy-pack-config` says otherwise:
//!
//! ```json
//! {"s6-any-any-group": "mandatory", "s8-open-egress": "disabled"}
//! ```
//!
//! A resource accepts a finding by the tag [`ACCEPTS`]: `groundwork:accepts: S22` silences the rule of that finding for
//! that resource alone, and `groundwork:accepts: S7 S8` two of them. What is not known yet is not judged: a preview that
//! knows less says less.

mod accepts;
mod analyzer;
mod levels;
mod resource;
mod rule;
pub mod rules;
mod stack;

use std::{io::Write, process::ExitCode};

use groundwork_wire::{
    proto::analyzer_server::AnalyzerServer,
    serve::{self, MessageLimit, ServeError},
};

pub use accepts::{ACCEPTS, Acceptance};
pub use analyzer::Pack;
pub use resource::Resource;
pub use rule::{Rule, Subject, Verdict};
pub use stack::{Member, Stack};

/// Runs the policy pack until the engine ends it; what goes wrong is said on stderr.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error)
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            // Nobody is left to tell when stderr is gone as well.
            drop(writeln!(std::io::stderr(), "groundwork-policies: {error}{cause}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let service = AnalyzerServer::new(Pack::standard()).with_message_limit();
        let router = tonic::transport::Server::builder().add_service(service);
        serve::serve(router, async {
            // Without signals there is still the engine's SIGKILL.
            drop(serve::stopped().await);
        })
        .await
    })
}
