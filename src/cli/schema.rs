//! `groundwork schema`.

use clap::Args;
use groundwork_local::Ui;

/// Print the Pulumi package schema: every resource and function of the provider
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {}

pub(crate) fn run(SchemaArgs {}: &SchemaArgs, ui: &Ui) {
    ui.line(format_args!("{:#}", groundwork_contract::package_schema()));
}
