//! `deny.toml`, held against Cargo.lock: what cargo-deny would say of licences, bans and sources.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value as Json;

use crate::{read, root};

/// Not offline: what other platforms build is looked at as well, and this one's build has not fetched it. Cargo fetches what is
/// missing, as Cargo.lock has it.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--locked")
        .current_dir(root())
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The texts of a list in a section of `deny.toml`, comments left out.
fn list(section: &str, key: &str) -> Vec<String> {
    let text = read("deny.toml");
    let (_, section) = text.split_once(&format!("\n[{section}]\n")).expect("the section");
    let section = section.split("\n[").next().unwrap();
    let (_, list) = section.split_once(&format!("\n{key} = [")).expect("the key");
    let lines = list.split("\n]").next().unwrap().lines();
    lines
        .filter(|line| !line.trim().starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn quoted(line: &str) -> Option<String> {
    line.split('"').nth(1).map(str::to_owned)
}

/// Whether an SPDX expression can be met with these licences. `/` is how old manifests write OR.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    fn any<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> bool {
        let mut met = all(words, allowed);
        while words.next_if_eq(&"OR").is_some() {
            met |= all(words, allowed);
        }
        met
    }
    fn all<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> bool {
        let mut met = one(words, allowed);
        while words.next_if_eq(&"AND").is_some() {
            met &= one(words, allowed);
        }
        met
    }
    fn one<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, allowed: &BTreeSet<String>) -> bool {
        let word = words.next().expect("a licence");
        if word == "(" {
            let met = any(words, allowed);
            assert_eq!(words.next(), Some(")"));
            return met;
        }
        match words.next_if_eq(&"WITH") {
            Some(_) => allowed.contains(&format!("{word} WITH {}", words.next().expect("an exception"))),
            None => allowed.contains(word),
        }
    }
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    assert_eq!(words.next(), None, "{expression}");
    met
}

#[test]
fn every_licence_is_allowed_and_every_allowed_one_is_needed() {
    let allowed: BTreeSet<String> = list("licenses", "allow")
        .iter()
        .filter_map(|line| quoted(line))
        .collect();
    assert!(allowed.contains("Apache-2.0"), "{allowed:?}");
    let exceptions: Vec<(String, String)> = list("licenses", "exceptions")
        .iter()
        .filter_map(|line| {
            let mut texts = line.split('"').skip(1).step_by(2);
            Some((texts.next()?.to_owned(), texts.next()?.to_owned()))
        })
        .collect();
    let metadata: Json = serde_json::from_str(&cargo(&["metadata", "--format-version=1"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let mut needed = vec![false; exceptions.len()];
    for package in packages.iter().filter(|package| !package["source"].is_null()) {
        let name = package["name"].as_str().unwrap();
        let expression = package["license"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} names no licence"));
        assert!(
            package["source"].as_str().unwrap().ends_with("/crates.io-index"),
            "{name}"
        );
        if met(expression, &allowed) {
            continue;
        }
        let exception = exceptions.iter().position(|(of, _)| of == name);
        let exception = exception.unwrap_or_else(|| panic!("{name}: {expression} is not allowed"));
        let mut more = allowed.clone();
        more.insert(exceptions[exception].1.clone());
        assert!(met(expression, &more), "{name}: {expression}");
        needed[exception] = true;
    }
    assert!(
        needed.iter().all(|needed| *needed),
        "an exception is not needed: {exceptions:?} {needed:?}"
    );
    for licence in &allowed {
        let mut fewer = allowed.clone();
        fewer.remove(licence);
        let without = packages
            .iter()
            .filter_map(|package| package["license"].as_str())
            .all(|expression| met(expression, &fewer) || !met(expression, &allowed));
        assert!(!without, "{licence} is not needed");
    }
}

#[test]
fn nothing_that_is_banned_is_built() {
    let banned: Vec<String> = list("bans", "deny").iter().filter_map(|line| quoted(line)).collect();
    assert!(
        banned.contains(&"openssl".to_owned()) && banned.contains(&"ring".to_owned()),
        "{banned:?}"
    );
    let tree = cargo(&["tree", "--workspace", "--target=all", "--edges=all", "--prefix=none"]);
    let built: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(built.contains("aws-lc-rs") && built.contains("tokio"));
    for name in banned {
        assert!(!built.contains(name.as_str()), "{name} is built");
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
        .map(str::to_owned)
        .into();
    for (expression, expected) in [
        ("MIT OR GPL-3.0", true),
        ("MIT/Apache-2.0", true),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("ISC AND GPL-3.0 OR BSD-3-Clause", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(met(expression, &allowed), expected, "{expression}");
    }
}
