//! Every command of the documents, and where it is run.

use std::collections::BTreeMap;

use crate::{documents, markdown::commands, read, root};

/// Where a command is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// In the README's walk-through, word by word (`sessions.rs`).
    Walk,
    /// In the README's passage on accounts, on a local cloud whose account stands for the user's (`sessions.rs`).
    Account,
    /// In the passage on settings and imports, on the platform of a local cloud (`sessions.rs`).
    Network,
    /// On a local cloud, in the order of the document (`sessions.rs`).
    LocalCloud,
    /// As the demo (`sessions.rs`).
    Demo,
    /// Nowhere, for this reason.
    Not(&'static str),
}

use Run::{Account, Demo, LocalCloud, Network, Not, Walk};

const TESTS: Run = Not("it is what runs this; the test binaries that it names are looked for");
/// Where what is set for Flux is tried.
const HAND_OVER: &str = "tests/platform sets the same, and hands a cluster over";

/// Every command, by document.
const TABLE: &[(&str, &[(&str, Run)])] = &[
    (
        "README.md",
        &[
            ("cargo run --release -- demo", Demo),
            ("cargo test", TESTS),
            ("cargo run -q --release -- local up", Walk),
            ("eval \"$(cargo run -q --release -- local env)\"", Walk),
            ("pulumi stack init dev", Walk),
            ("pulumi preview", Walk),
            ("pulumi up --yes", Walk),
            ("pulumi up --yes --expect-no-changes", Walk),
            ("pulumi refresh --yes --expect-no-changes", Walk),
            ("pulumi destroy --yes", Walk),
            ("cargo run -q --release -- local down", Walk),
            ("pulumi preview --policy-pack policies", Account),
            ("pulumi stack init prod", Account),
            ("pulumi config set groundwork:region eu-central-1", Account),
            (
                "pulumi config set groundwork:allowedAccountIds '[\"111122223333\"]'",
                Account,
            ),
            (
                "pulumi config set --path 'platform:cluster.endpoint.publicAccessCidrs[0]' 203.0.113.7/32",
                Account,
            ),
            ("pulumi preview", Account),
            ("pulumi up", Account),
            (
                "cargo install --path .",
                Not("it would install into the home of whoever runs the tests, who have the program beside them"),
            ),
            (
                "pulumi stack output kubeconfig --show-secrets > kubeconfig",
                Not("tests/platform reads the same output, with two clients"),
            ),
            (
                "kubectl --kubeconfig kubeconfig get nodes",
                Not("tests/platform runs the same kubectl with the same kubeconfig"),
            ),
            ("pulumi config set --path platform:flux.owner example", Not(HAND_OVER)),
            (
                "pulumi config set --path platform:flux.repository fleet",
                Not(HAND_OVER),
            ),
            ("pulumi config set --secret --path platform:flux.token", Not(HAND_OVER)),
            ("stamp=\"$(pulumi stack output stamp)\"", Account),
            ("pulumi destroy", Account),
            (
                "aws resourcegroupstaggingapi get-resources --tag-filters \"Key=groundwork:stamp,Values=$stamp\"",
                Not(
                    "it is AWS's own command line, which Groundwork does not need; the local cloud's dump stands for it",
                ),
            ),
            ("pulumi stack rm prod", Account),
        ],
    ),
    ("ARCHITECTURE.md", &[]),
    (
        "docs/adding-a-resource.md",
        &[
            ("cargo test --test cloud lifecycle", TESTS),
            ("cargo test --test cloud recovery", TESTS),
            ("cargo test --test house", TESTS),
            ("GROUNDWORK_BLESS=1 cargo test --test cli", TESTS),
            ("GROUNDWORK_BLESS=1 cargo test --test house", TESTS),
            ("cargo test --test docs", TESTS),
        ],
    ),
    (
        "docs/cluster.md",
        &[(
            "pulumi stack output kubeconfig --show-secrets > kubeconfig",
            Not("tests/platform reads the same output, with two clients"),
        )],
    ),
    (
        "docs/local-cloud.md",
        &[
            ("groundwork() { cargo run -q --release -- \"$@\"; }", LocalCloud),
            ("groundwork local up", LocalCloud),
            ("groundwork local status", LocalCloud),
            ("eval \"$(groundwork local env)\"", LocalCloud),
            ("groundwork local logs", LocalCloud),
            ("groundwork local down", LocalCloud),
            ("groundwork local up --settle 50ms", LocalCloud),
            ("groundwork local up --speed 60", LocalCloud),
            ("groundwork local calls", LocalCloud),
            ("groundwork local calls --since 10 --json", LocalCloud),
            ("groundwork local reset", LocalCloud),
            (
                "groundwork local faults set throttle 'ec2:Create*' --count 3",
                LocalCloud,
            ),
            (
                "groundwork local faults set reset_after ec2:CreateVpc --nth 1",
                LocalCloud,
            ),
            (
                "groundwork local faults set delay_response ec2:CreateNatGateway --for 5s",
                LocalCloud,
            ),
            ("groundwork local faults list", LocalCloud),
            ("groundwork local faults clear", LocalCloud),
            ("groundwork local hazards list", LocalCloud),
            ("groundwork local hazards set orphan-enis guardduty", LocalCloud),
            ("groundwork local hazards clear", LocalCloud),
            ("cargo run --release -- demo", Demo),
            ("cargo run --release -- demo --preset demo --speed 60", Demo),
        ],
    ),
    (
        "docs/network.md",
        &[
            ("pulumi config set --path platform:network.nat single", Network),
            ("pulumi config set --path platform:network.zoneCount 3", Network),
            (
                "pulumi config set --path 'platform:endpoints.interface[0]' ecr.api",
                Network,
            ),
            ("pulumi config set platform:tags '{\"team\": \"platform\"}'", Network),
            (
                "pulumi config set groundwork:defaultTags '{\"cost-centre\": \"4711\"}'",
                Network,
            ),
            ("pulumi preview", Network),
            (
                "pulumi import groundwork:ec2:Vpc main vpc-0123456789abcdef0 --generate-code=false",
                Network,
            ),
        ],
    ),
];

/// The commands of all documents that are run there, in order.
pub(crate) fn run_in(wanted: Run) -> Vec<String> {
    let mut found = Vec::new();
    for (document, table) in TABLE {
        let table = table.iter().filter(|(_, run)| *run == wanted);
        found.extend(
            table
                .map(|(command, _)| (*command).to_owned())
                .filter(|command| commands(&read(document)).contains(command)),
        );
    }
    assert!(!found.is_empty(), "{wanted:?}");
    found
}

#[test]
fn every_command_is_in_the_table_and_every_entry_in_a_document() {
    let table: BTreeMap<&str, &[(&str, Run)]> = TABLE.iter().copied().collect();
    for document in documents() {
        let written = commands(&read(&document));
        let known = table
            .get(document.as_str())
            .unwrap_or_else(|| panic!("{document} is not in the table"));
        let known: Vec<&str> = known.iter().map(|(command, _)| *command).collect();
        assert_eq!(written, known, "{document}: in this order");
    }
    assert_eq!(table.len(), documents().len(), "a document of the table is gone");
}

#[test]
fn every_test_that_is_named_exists() {
    for (_, table) in TABLE {
        for (command, _) in table
            .iter()
            .filter(|(command, _)| command.contains("cargo test --test "))
        {
            let mut words = command.split("--test ").nth(1).unwrap().split(' ');
            let binary = root().join("tests").join(words.next().unwrap());
            assert!(binary.join("main.rs").is_file(), "{command}");
            if let Some(module) = words.next() {
                assert!(binary.join(module).with_extension("rs").is_file(), "{command}");
            }
        }
    }
}

#[test]
fn what_is_not_run_says_why() {
    for (document, table) in TABLE {
        for (command, run) in *table {
            if let Not(reason) = run {
                assert!(reason.len() > 20, "{document}: {command}");
            }
        }
    }
}
