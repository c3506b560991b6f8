//! Has every tool of the local cloud, or those that are named: for machines that fill their cache beforehand.

use std::process::ExitCode;

use groundwork_local::Ui;
use groundwork_local::tools::{Cache, TOOLS};

#[tokio::main]
async fn main() -> ExitCode {
    let ui = Ui::stdio();
    let names: Vec<_> = std::env::args().skip(1).collect();
    for tool in TOOLS {
        if !names.is_empty() && !names.iter().any(|name| name == tool.name) {
            continue;
        }
        let had = match Cache::find() {
            Ok(cache) => tool.obtain(&cache, &ui).await,
            Err(error) => Err(error),
        };
        match had {
            Ok(installed) => ui.line(format_args!("{}  {}", tool.name, installed.folder.display())),
            Err(error) => {
                ui.note(format_args!("error: {}", error.explain()));
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
