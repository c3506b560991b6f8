//! `groundwork bench`.

use clap::Args;
use groundwork_local::Ui;

use crate::error::Result;
use crate::exit::Exit;

/// Measure what Groundwork is meant to be good at, each measure beside its goal
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {}

pub(crate) async fn run(_args: BenchArgs, _ui: &Ui) -> Result<Exit> {
    Ok(Exit::Done)
}
