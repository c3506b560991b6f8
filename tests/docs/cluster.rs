//! What the documents say of warnings and prices is what the program warns of and the audit counts with.

use std::collections::BTreeSet;

use groundwork_contract::{findings, prices};
use groundwork_policies::rules::ALL;
use groundwork_program::{cilium::NOT_READY, plan::PODS_WITH_PREFIXES, sample, versions::Versions};

use crate::{markdown::rows, read};

/// The findings that a preset is warned of, by id.
async fn warned_of(preset: &str) -> BTreeSet<String> {
    let recording = sample::record(&sample::preset(preset)).await.unwrap();
    let texts = recording.messages.iter().map(|message| message.text.as_str());
    texts
        .filter_map(|text| text.strip_prefix('[')?.split_once(','))
        .map(|(id, _)| id.to_owned())
        .collect()
}

/// What the table of findings has and preset `demo` is not warned of, each with its reason.
const NOT_OF_DEMO: [(&str, &str); 2] = [
    ("S26", "the kubeconfig is a secret output in every preset"),
    ("C4", "it depends on the day, and demo's version is the default"),
];

#[tokio::test]
async fn every_warning_of_demo_is_told_beside_its_choice() {
    let mut warned = warned_of("demo").await;
    warned.extend(warned_of("demo-1").await);
    let mut all: BTreeSet<String> = findings::ALL.iter().map(|finding| finding.id.to_owned()).collect();
    for (id, reason) in NOT_OF_DEMO {
        assert!(all.remove(id), "{id} is not in the table: {reason}");
    }
    assert_eq!(warned, all, "every finding is a choice of demo, or says why not");
    let numbers: Vec<String> = (1..=28).map(|number| format!("S{number}")).collect();
    let table = numbers
        .iter()
        .filter(|id| findings::ALL.iter().any(|finding| finding.id == **id));
    assert_eq!(table.count(), numbers.len(), "S1 to S28");
    let texts = ["docs/network.md", "docs/cluster.md"].map(read);
    let told: BTreeSet<String> = findings::ALL
        .iter()
        .map(|finding| finding.id.to_owned())
        .filter(|id| texts.iter().any(|text| text.contains(&format!("`{id}`"))))
        .collect();
    assert_eq!(told, warned);
}

#[tokio::test]
async fn every_output_is_told_with_what_it_is_for() {
    let mut exported = BTreeSet::new();
    for preset in ["standard", "demo", "demo-1"] {
        let recording = sample::record(&sample::preset(preset)).await.unwrap();
        exported.extend(recording.exports().into_keys());
    }
    let text = read("docs/cluster.md");
    let (_, section) = text.split_once("\n## Outputs\n").unwrap();
    let told: BTreeSet<String> = rows(section.split("\n## ").next().unwrap())
        .into_iter()
        .filter(|row| row[0].starts_with('`'))
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert_eq!(told, exported);
}

#[test]
fn the_manifests_are_for_the_karpenter_whose_policies_there_are() {
    let versions = Versions::of_this_release().unwrap();
    let told = format!("for its chart {}", versions.karpenter.version);
    assert!(read("docs/cluster.md").contains(&told), "{told}");
    let source = format!("Karpenter {}", versions.karpenter.version);
    assert!(read("src/contract/iam/documents.rs").contains(&source), "{source}");
    let text = read("docs/cluster.md");
    // What the program says to the first nodes, manifests say to the others.
    for value in [NOT_READY, "maxPods: 110", "karpenter.sh/discovery: main"] {
        assert!(text.contains(value), "{value}");
    }
    assert_eq!(PODS_WITH_PREFIXES, 110);
}

#[test]
fn the_policy_packs_table_is_its_rules() {
    let text = read("policies/README.md");
    let told: Vec<(String, String)> = rows(&text)
        .into_iter()
        .filter(|row| row[0].starts_with('`'))
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()))
        .collect();
    let rules: Vec<(String, String)> = ALL
        .iter()
        .map(|rule| (rule.name.to_owned(), rule.finding.severity.to_string()))
        .collect();
    assert_eq!(told, rules);
    let last = |kind: &str| {
        let numbers = findings::ALL
            .iter()
            .filter_map(|finding| finding.id.strip_prefix(kind)?.parse::<u8>().ok());
        numbers.max().unwrap()
    };
    let told = format!("(`S1` to `S{}`, `C1` to `C{}`)", last("S"), last("C"));
    assert!(text.contains(&told), "{told}");
}

#[test]
fn the_audits_prices_are_of_the_day_that_is_told() {
    let told = format!("list prices of {}", prices::date());
    assert!(read("docs/cluster.md").contains(&told), "{told}");
}

#[test]
fn every_hazard_of_the_table_has_its_test() {
    let tests = read("tests/platform/hazards.rs");
    let hazards: Vec<String> = rows(&read("docs/cluster.md"))
        .into_iter()
        .map(|row| row[0].clone())
        .filter(|name| name.starts_with('H') && name[1..].chars().all(|c| c.is_ascii_digit()))
        .collect();
    assert!(hazards.len() > 5, "{hazards:?}");
    for hazard in hazards {
        assert!(tests.contains(&format!("fn {}_", hazard.to_lowercase())), "{hazard}");
    }
}
