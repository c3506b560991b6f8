//! The command line: what a person types. One file a verb.

mod bench;
mod demo;
mod error;
mod exit;
mod interrupt;
mod picture;
mod platform;
mod programs;
mod pulumi;
mod schema;
mod settings_schema;
mod table;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use groundwork_local::Ui;
use groundwork_local::cli::LocalArgs;

use error::{Error, Result};
use exit::Exit;

/// The ground under a GitOps platform on AWS, laid with one `pulumi up` and taken away again with one `pulumi destroy`
#[derive(Debug, Parser)]
#[command(name = "groundwork", version, max_term_width = 100, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::DemoArgs),
    Local(LocalArgs),
    Bench(bench::BenchArgs),
    Picture(picture::PictureArgs),
    Schema(schema::SchemaArgs),
    SettingsSchema(settings_schema::SettingsSchemaArgs),
    Token(token::TokenArgs),
}

fn main() -> ExitCode {
    let ui = Ui::stdio();
    let verb = Cli::parse().verb;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(verb, &ui)),
        Err(source) => Err(Error::Runtime(source)),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            ui.note(format_args!("error: {}", error.explain()));
            error.exit().into()
        }
    }
}

async fn run(verb: Verb, ui: &Ui) -> Result<ExitCode> {
    match verb {
        Verb::Demo(args) => demo::run(args, ui).await.map(ExitCode::from),
        // It has exit codes of its own: `status` answers 1 when nothing is up.
        Verb::Local(args) => Ok(groundwork_local::cli::run(args, ui).await?),
        Verb::Bench(args) => bench::run(args, ui).await.map(ExitCode::from),
        Verb::Picture(args) => {
            picture::run(&args, ui).await?;
            Ok(Exit::Done.into())
        }
        Verb::Schema(args) => {
            schema::run(&args, ui);
            Ok(Exit::Done.into())
        }
        Verb::SettingsSchema(args) => {
            settings_schema::run(&args, ui);
            Ok(Exit::Done.into())
        }
        Verb::Token(args) => {
            token::run(&args, ui).await?;
            Ok(Exit::Done.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
