//! `groundwork local …` by itself: for those who work on it and do not want to compile the rest.

use std::process::ExitCode;

use clap::Parser;
use groundwork_local::Ui;
use groundwork_local::cli::{LocalArgs, run};

#[derive(Debug, Parser)]
#[command(name = "groundwork local")]
struct Cli {
    #[command(flatten)]
    args: LocalArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ui = Ui::stdio();
    match run(Cli::parse().args, &ui).await {
        Ok(code) => code,
        Err(error) => {
            ui.note(format_args!("error: {}", error.explain()));
            ExitCode::FAILURE
        }
    }
}
