//! Who may name whom. The layering is what keeps builds short and each fact in one place.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value as Json;

use crate::files::sources;

/// The direct dependencies of every crate of the workspace, tests left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 5, "cargo metadata does not list the workspace");
    packages
        .iter()
        .map(|package| {
            let named = package["dependencies"].as_array().unwrap().iter();
            let normal = named.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
            let listed = normal
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), listed)
        })
        .collect()
}

#[test]
fn only_the_provider_names_the_aws_sdk() {
    for (package, names) in dependencies() {
        let aws = names.iter().any(|name| name.starts_with("aws-"));
        assert_eq!(aws, package == "groundwork-provider", "{package}: {names:?}");
    }
}

#[test]
fn only_the_provider_and_the_local_cloud_name_kubernetes() {
    for (package, names) in dependencies() {
        let kubernetes = names.iter().any(|name| name == "kube");
        assert!(
            !kubernetes || package == "groundwork-provider" || package == "groundwork-local",
            "{package}"
        );
    }
}

#[test]
fn the_contract_does_no_io() {
    let names = &dependencies()["groundwork-contract"];
    for io in ["tokio", "tonic", "hyper"] {
        assert!(!names.iter().any(|name| name == io), "{names:?}");
    }
}

#[test]
fn crates_stand_on_each_other_in_one_direction() {
    let allowed: BTreeMap<&str, &[&str]> = [
        ("groundwork-wire", [].as_slice()),
        ("groundwork-contract-derive", &[]),
        (
            "groundwork-contract",
            &["groundwork-wire", "groundwork-contract-derive"],
        ),
        ("groundwork-provider", &["groundwork-wire", "groundwork-contract"]),
        (
            "groundwork-program",
            &["groundwork-wire", "groundwork-contract", "groundwork-contract-derive"],
        ),
        ("groundwork-language", &["groundwork-wire"]),
        ("groundwork-local", &[]),
        ("groundwork-policies", &["groundwork-wire", "groundwork-contract"]),
    ]
    .into();
    let dependencies = dependencies();
    for (package, allowed) in allowed {
        let own = dependencies[package]
            .iter()
            .filter(|name| name.starts_with("groundwork-"));
        for name in own {
            assert!(allowed.contains(&name.as_str()), "{package} names {name}");
        }
    }
}

#[test]
fn only_the_engine_waits_and_previews() {
    let provider = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider");
    let files = sources(&provider);
    assert!(files.len() > 20);
    for file in files {
        let name = file.strip_prefix(&provider).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        if name != "wait.rs" {
            assert!(!text.contains("sleep("), "{name} sleeps; waits are wait.rs's alone");
        }
        if name.starts_with("ec2") {
            for word in ["preview", "dry_run", "Waiter"] {
                assert!(!text.contains(word), "{name} says {word:?}; that is the engine's alone");
            }
        }
    }
}

#[test]
fn every_exception_has_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "policies", "tests", "examples"] {
        for file in sources(&root.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for attribute in text.split("#[expect(").skip(1).chain(text.split("#[allow(").skip(1)) {
                let body = attribute.split(")]").next().unwrap_or_default();
                // This test and the macros quote the words themselves.
                assert!(
                    body.contains("reason") || file.ends_with("layering.rs"),
                    "{}: {body}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn nothing_speaks_of_the_machine_it_was_made_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("git")
        .args(["ls-files"])
        .current_dir(root)
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    for name in listed.lines().filter(|name| !name.ends_with("layering.rs")) {
        let Ok(text) = fs::read_to_string(root.join(name)) else {
            continue;
        };
        for word in ["/root/", "/home/", "/Users/"] {
            assert!(!text.contains(word), "{name} names {word}");
        }
    }
}
