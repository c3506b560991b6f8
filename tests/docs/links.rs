//! Every link leads somewhere.

use crate::{documents, markdown::prose, read, root};

/// The targets of a text's links and images.
fn targets(text: &str) -> Vec<String> {
    let text = prose(text);
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// A heading's anchor, as code hosts make it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> Vec<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    let others = ["policies/README.md", "tools/README.md"].map(str::to_owned);
    for name in documents().into_iter().chain(others) {
        let text = read(&name);
        for target in targets(&text) {
            if target.starts_with("https://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
            let folder = root().join(&name);
            let file = if path.is_empty() {
                folder.clone()
            } else {
                folder.parent().unwrap().join(path)
            };
            if !file.exists() {
                broken.push(format!("{name}: {target}"));
            } else if !heading.is_empty() {
                let there = std::fs::read_to_string(&file).unwrap();
                if !anchors(&there).iter().any(|anchor| anchor == heading) {
                    broken.push(format!("{name}: {target} (no such heading)"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn anchors_are_those_of_code_hosts() {
    assert_eq!(anchor("Presets, and what they cost"), "presets-and-what-they-cost");
    assert_eq!(
        targets("[a](b.md#c) and ![d](e.svg)\n```\n[no](x)\n```"),
        ["b.md#c", "e.svg"]
    );
}
