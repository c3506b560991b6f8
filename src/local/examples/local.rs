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
    // As `groundwork` it is called with `local` first: by `up`, for the supervisor.
    let words = std::env::args_os().enumerate();
    let words = words.filter(|(place, word)| *place != 1 || word != "local");
    let args = Cli::parse_from(words.map(|(_, word)| word)).args;
    match run(args, &ui).await {
        Ok(code) => code,
        Err(error) => {
            ui.note(format_args!("error: {}", error.explain()));
            ExitCode::FAILURE
        }
    }
}
