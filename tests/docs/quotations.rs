//! What the documents quote of the code is still there, and what they say of it is so.

use std::{collections::BTreeSet, fs};

use serde_json::Value as Json;

use crate::{documents, files::sources, markdown::blocks, read, root};

/// Where a quotation leaves something out.
const GAP: &str = "// …";

#[test]
fn every_quotation_is_in_its_file() {
    let mut quoted = 0;
    for name in documents() {
        for block in blocks(&read(&name)).iter().filter(|block| block.language == "rust") {
            let comment = block.comment.as_deref().unwrap_or_default();
            let Some(file) = comment.strip_prefix("from: ") else {
                panic!(
                    "{name}: a block of Rust says not where it is from: {:?}",
                    block.lines.first()
                );
            };
            let text = read(file);
            for part in block.lines.split(|line| line.trim() == GAP) {
                let part = part.join("\n");
                assert!(text.contains(&part), "{name} quotes what is not in {file}:\n{part}");
            }
            quoted += 1;
        }
    }
    assert!(quoted > 5, "{quoted}");
}

/// The calls that the provider makes, as permissions.
fn calls() -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for file in sources(&root().join("src/provider")) {
        let text: String = fs::read_to_string(&file).unwrap().split_whitespace().collect();
        for part in text.split("aws(\"").skip(1) {
            let mut words = part.split('"');
            if let (Some(service), Some(","), Some(operation)) = (words.next(), words.next(), words.next()) {
                calls.insert(format!("{service}:{operation}"));
            }
        }
    }
    calls
}

#[test]
fn the_permissions_are_the_providers_calls() {
    /// What AWS asks for beside the calls themselves; the README says when.
    const BESIDE: [&str; 4] = ["Cluster", "PrivateDnsOfEndpoints", "FlowLogs", "RegionalNat"];
    let document: Json = serde_json::from_str(&read("docs/permissions.json")).unwrap();
    let statements = document["Statement"].as_array().unwrap();
    let ours = statements
        .iter()
        .filter(|statement| !BESIDE.contains(&statement["Sid"].as_str().unwrap()));
    let actions = ours.flat_map(|statement| statement["Action"].as_array().unwrap());
    let listed: Vec<String> = actions.map(|action| action.as_str().unwrap().to_owned()).collect();
    let allowed: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(allowed.len(), listed.len(), "an action is listed twice");
    let calls = calls();
    assert!(calls.len() > 40, "{calls:?}");
    let missing: Vec<_> = calls.difference(&allowed).collect();
    let needless: Vec<_> = allowed.difference(&calls).collect();
    assert!(
        missing.is_empty() && needless.is_empty(),
        "missing {missing:?}, needless {needless:?}"
    );
}
