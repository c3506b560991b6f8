//! `groundwork settings-schema`.

use clap::Args;
use groundwork_contract::{ProviderConfig, descriptor::object, json_schema};
use groundwork_local::Ui;
use groundwork_program::settings::Settings;

/// Print a JSON Schema of Pulumi.<stack>.yaml, for editors: every setting of the platform and of the provider
#[derive(Debug, Args)]
pub(crate) struct SettingsSchemaArgs {}

pub(crate) fn run(SettingsSchemaArgs {}: &SettingsSchemaArgs, ui: &Ui) {
    let namespaces = [
        ("platform", object::<Settings>()),
        ("groundwork", object::<ProviderConfig>()),
    ];
    ui.line(format_args!(
        "{:#}",
        json_schema::stack_file("A stack of Groundwork", &namespaces)
    ));
}
