//! What the documents name exists: files, tests, libraries with their versions.

use std::{collections::BTreeMap, fs};

use crate::{documents, files::sources, markdown::prose, markdown::rows, read, root};

/// What stands in backquotes outside the blocks.
fn quoted(text: &str) -> Vec<String> {
    prose(text).split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_file_that_is_named_exists() {
    const FOLDERS: [&str; 8] = [
        "src/",
        "tests/",
        "docs/",
        "policies/",
        "tools/",
        "examples/",
        "bin/",
        "schemas/",
    ];
    let mut missing = Vec::new();
    let mut named = 0;
    for name in documents() {
        for word in quoted(&read(&name)) {
            let file = FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains([' ', '<', '*']);
            named += usize::from(file);
            if file && !root().join(&word).exists() {
                missing.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(named > 30, "{named}");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_test_that_holds_an_invariant_exists() {
    let code: Vec<String> = ["src", "policies", "tests"]
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let is_test = |word: &&String| {
        word.matches('_').count() >= 3
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let mut tests = 0;
    for name in documents() {
        for word in quoted(&read(&name)).iter().filter(is_test) {
            // An SDK's crates and types of fields have such names as well; those have fewer words.
            if word.starts_with("serde_path") || word.starts_with("not_found_after") {
                continue;
            }
            tests += 1;
            let function = format!("fn {word}(");
            assert!(
                code.iter().any(|text| text.contains(&function)),
                "{name}: there is no {word}"
            );
        }
    }
    assert!(tests > 15, "{tests}");
}

/// The libraries that the workspace names, with their versions.
fn libraries() -> BTreeMap<String, String> {
    let text = read("Cargo.toml");
    let (_, section) = text.split_once("\n[workspace.dependencies]\n").unwrap();
    let section = section.split("\n[").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .filter(|(name, rest)| !name.starts_with("groundwork-") && !rest.contains("path ="))
        .map(|(name, rest)| (name.to_owned(), rest.split('"').nth(1).unwrap().to_owned()))
        .collect()
}

#[test]
fn the_libraries_are_those_of_the_workspace() {
    let text = read("ARCHITECTURE.md");
    let (_, table) = text.split_once("\n## Libraries\n").unwrap();
    let unquoted = |cell: &str| cell.trim_matches('`').to_owned();
    let told: BTreeMap<String, String> = rows(table)
        .into_iter()
        .filter(|row| row[0].starts_with('`'))
        .map(|row| (unquoted(&row[0]), unquoted(&row[1])))
        .collect();
    assert_eq!(told, libraries());
}
