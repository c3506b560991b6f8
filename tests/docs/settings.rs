//! The tables of settings are written from the code's own descriptors. `GROUNDWORK_BLESS=1` writes them anew.

use std::{env, fmt::Write as _, fs};

use groundwork_contract::{
    ProviderConfig,
    descriptor::object,
    shape::{FieldSpec, ObjectSpec, Spec},
};
use groundwork_program::settings::Settings;

use crate::{read, root};

fn form(spec: &Spec) -> String {
    match spec {
        Spec::Bool => "true or false".to_owned(),
        Spec::Integer { .. } => "whole number".to_owned(),
        Spec::Number => "number".to_owned(),
        Spec::Text(text) => text.what.to_owned(),
        Spec::Choice(choice) => choice
            .words
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Spec::List(item) | Spec::Set(item) => format!("list: {}", form(item)),
        Spec::Map(item) => format!("map: {}", form(item)),
        Spec::Object(_) => "object".to_owned(),
        Spec::Document => "JSON document".to_owned(),
        Spec::Any => "anything".to_owned(),
    }
}

fn rows(prefix: &str, spec: &ObjectSpec, top: bool, lines: &mut Vec<String>) {
    for FieldSpec {
        name,
        docs,
        spec,
        required,
        default,
        ..
    } in &spec.fields
    {
        let key = if top {
            format!("{prefix}:{name}")
        } else {
            format!("{prefix}.{name}")
        };
        let mut what = docs.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(default) = default {
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            write!(what, " Default `{default}`.").unwrap();
        }
        if *required {
            what.push_str(" Required.");
        }
        lines.push(format!("| `{key}` | {} | {} |", form(spec), what.replace('|', "\\|")));
        if let Spec::Object(inner) = spec {
            rows(&key, inner, false, lines);
        }
    }
}

fn table(namespace: &str, spec: &ObjectSpec) -> String {
    let mut lines = vec!["| setting | form | what it is |".to_owned(), "|---|---|---|".to_owned()];
    rows(namespace, spec, true, &mut lines);
    lines.join("\n")
}

#[test]
fn the_tables_of_settings_are_the_codes_own() {
    let tables = [
        ("platform", table("platform", &object::<Settings>())),
        ("groundwork", table("groundwork", &object::<ProviderConfig>())),
    ];
    let text = read("README.md");
    let mut written = text.clone();
    for (namespace, table) in tables {
        let begin = format!("<!-- settings: {namespace} -->\n");
        let (before, rest) = written.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
        let (_, after) = rest.split_once("<!-- end -->").expect("an end");
        written = format!("{before}{begin}\n{table}\n\n<!-- end -->{after}");
    }
    if env::var_os("GROUNDWORK_BLESS").is_some() {
        assert!(env::var_os("CI").is_none(), "documents are not written in CI");
        fs::write(root().join("README.md"), &written).unwrap();
    } else if written != text {
        let (then, now) = text
            .lines()
            .zip(written.lines())
            .find(|(then, now)| then != now)
            .unwrap_or_default();
        panic!(
            "README.md is not as the code has it:\n  there {then}\n  now   {now}\nGROUNDWORK_BLESS=1 writes it anew"
        );
    }
}
