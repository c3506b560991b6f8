//! The command line as a person meets it: its help, its schemas, and what it says to a slip of the pen.
//!
//! It runs the program and links none of it. Goldens are reviewed like code; `GROUNDWORK_BLESS=1` writes them anew,
//! which CI forbids.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

#[path = "../support/golden.rs"]
mod golden;

use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output},
};

use golden::{assert_golden, root};

/// Runs `groundwork` with nothing of the user's that its help could show.
fn groundwork(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_groundwork"))
        .args(arguments)
        .env_remove("GROUNDWORK_STATE")
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

fn says(arguments: &[&str]) -> String {
    let output = groundwork(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "groundwork {arguments:?}: {stderr}");
    assert!(
        stderr.is_empty(),
        "groundwork {arguments:?} says beside its result: {stderr}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The verbs that a help names below `Commands:`.
fn verbs(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let named = lines.take_while(|line| !line.is_empty());
    named
        .filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect()
}

/// Every command, the program itself first, each with its help.
fn helps() -> Vec<(Vec<String>, String)> {
    let mut open = vec![Vec::<String>::new()];
    let mut all = Vec::new();
    while let Some(verb) = open.pop() {
        let mut arguments: Vec<&str> = verb.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = says(&arguments);
        open.extend(
            verbs(&help)
                .into_iter()
                .map(|below| [verb.as_slice(), &[below.to_owned()]].concat()),
        );
        all.push((verb, help));
    }
    all
}

fn file_of(verb: &[String]) -> String {
    let words: Vec<&str> = ["groundwork"]
        .into_iter()
        .chain(verb.iter().map(String::as_str))
        .collect();
    format!("{}.txt", words.join("-"))
}

#[test]
fn every_verb_helps() {
    let helps = helps();
    let names: BTreeSet<String> = helps.iter().map(|(verb, _)| file_of(verb)).collect();
    for verb in ["demo", "local", "bench", "picture", "schema", "settings-schema"] {
        assert!(names.contains(&format!("groundwork-{verb}.txt")), "{names:?}");
    }
    for (verb, help) in &helps {
        assert_golden(&format!("tests/golden/cli/{}", file_of(verb)), help);
    }
    let there: BTreeSet<String> = fs::read_dir(root().join("tests/golden/cli"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, names, "a golden of a verb that is no more");
}

#[test]
fn the_schema_is_as_reviewed() {
    assert_golden("schemas/groundwork.json", &says(&["schema"]));
}

#[test]
fn the_picture_is_what_the_program_registers() {
    assert_golden("docs/picture.svg", &says(&["picture"]));
}

#[test]
fn the_schema_of_the_settings_is_as_reviewed() {
    assert_golden("schemas/settings.json", &says(&["settings-schema"]));
}

#[test]
fn a_slip_of_the_pen_is_told_what_was_meant() {
    for (arguments, told) in [
        (vec!["dmeo"], "'demo'"),
        (vec!["local", "upp"], "'up'"),
        (vec!["demo", "--prset", "demo"], "'--preset'"),
        (
            vec!["demo", "--preset", "publik"],
            "[possible values: standard, demo, private]",
        ),
        (vec!["demo", "--part", "3"], "3 is not in 1..=2"),
        (vec!["demo", "--settle", "1s", "--speed", "2"], "cannot be used with"),
        (vec!["bench", "--runs", "0"], "0 is not in 1.."),
        (
            vec!["token", "--cluster", "main", "--external-id", "42"],
            "--role-arn <ARN>",
        ),
    ] {
        let output = groundwork(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(told), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn without_a_verb_it_helps() {
    let output = groundwork(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Usage: groundwork <COMMAND>"));
}

#[test]
fn a_demo_does_not_touch_a_folder_that_holds_something() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let output = groundwork(&["demo", "--state", folder.path().to_str().unwrap()]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is not empty\n  because   "), "{stderr}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
