//! What the documents say of warnings and prices is what the program warns of and the audit counts with.

use std::collections::BTreeSet;

use groundwork_contract::{findings, prices};
use groundwork_program::sample;

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

#[tokio::test]
async fn every_warning_of_demo_is_told_beside_its_choice() {
    let mut warned = warned_of("demo").await;
    warned.extend(warned_of("demo-1").await);
    let texts = ["docs/network.md", "docs/cluster.md"].map(read);
    let told: BTreeSet<String> = findings::ALL
        .iter()
        .map(|finding| finding.id.to_owned())
        .filter(|id| texts.iter().any(|text| text.contains(&format!("`{id}`"))))
        .collect();
    assert_eq!(told, warned);
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
