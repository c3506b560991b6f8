//! The engine's events: what is under way, what is done, what went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Instant;

use serde::Deserialize;

/// An event, as far as we read it.
#[derive(Debug, Default, Deserialize)]
struct Event {
    #[serde(rename = "diagnosticEvent")]
    diagnostic: Option<Diagnostic>,
    #[serde(rename = "resourcePreEvent")]
    begun: Option<Step>,
    #[serde(rename = "resOutputsEvent")]
    ended: Option<Step>,
    #[serde(rename = "resOpFailedEvent")]
    failed: Option<Step>,
    #[serde(rename = "summaryEvent")]
    summary: Option<Summary>,
}

#[derive(Debug, Deserialize)]
struct Diagnostic {
    #[serde(default)]
    urn: String,
    message: String,
    severity: String,
    #[serde(default)]
    ephemeral: bool,
}

#[derive(Debug, Deserialize)]
struct Step {
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    op: String,
    urn: String,
    old: Option<State>,
    new: Option<State>,
}

#[derive(Debug, Deserialize)]
struct State {
    #[serde(default)]
    custom: bool,
}

impl Metadata {
    /// A resource that only groups others; most of them never say that they have ended.
    fn is_group(&self) -> bool {
        let state = self.new.as_ref().or(self.old.as_ref());
        state.is_some_and(|state| !state.custom)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    resource_changes: Option<BTreeMap<String, usize>>,
}

/// How far an operation is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: BTreeSet<String>,
    under_way: BTreeMap<String, Doing>,
    changes: BTreeMap<String, usize>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Doing {
    op: String,
    since: Instant,
    status: String,
}

impl Progress {
    /// Takes in a line of the event log; one that is no event says nothing.
    pub(crate) fn read(&mut self, line: &str) {
        let event: Event = serde_json::from_str(line).unwrap_or_default();
        if let Some(Step { metadata }) = event.begun {
            if metadata.is_group() {
                self.done.insert(metadata.urn);
                return;
            }
            let doing = Doing {
                op: metadata.op,
                since: Instant::now(),
                status: String::new(),
            };
            self.under_way.insert(metadata.urn, doing);
        }
        for Step { metadata } in event.ended.into_iter().chain(event.failed) {
            self.under_way.remove(&metadata.urn);
            self.done.insert(metadata.urn);
        }
        if let Some(Diagnostic {
            urn,
            message,
            severity,
            ephemeral,
        }) = event.diagnostic
        {
            let message = plain(&message);
            if severity == "warning" {
                self.warnings.push(message);
            } else if ephemeral && let Some(doing) = self.under_way.get_mut(&urn) {
                doing.status = message;
            }
        }
        if let Some(Summary { resource_changes }) = event.summary {
            self.changes = resource_changes.unwrap_or_default();
        }
    }

    /// How many resources are done.
    pub(crate) fn done(&self) -> usize {
        self.done.len()
    }

    /// How many resources were, or will be, this: `create`, `same`, `delete`. Known at the end.
    pub(crate) fn count(&self, op: &str) -> usize {
        self.changes.get(op).copied().unwrap_or_default()
    }

    /// How many resources were looked at. Known at the end.
    pub(crate) fn total(&self) -> usize {
        self.changes.values().sum()
    }

    /// What the program or the policies warned of.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What takes longest just now: `creating main-nat (+2): pending`.
    pub(crate) fn at(&self) -> Option<String> {
        let (urn, doing) = self.under_way.iter().min_by_key(|(_, doing)| doing.since)?;
        let others = match self.under_way.len().saturating_sub(1) {
            0 => String::new(),
            others => format!(" (+{others})"),
        };
        let status = if doing.status.is_empty() { "" } else { ": " };
        Some(format!(
            "{} {}{others}{status}{}",
            gerund(&doing.op),
            name_of(urn),
            doing.status
        ))
    }
}

/// `main-vpc` of `urn:pulumi:dev::platform::groundwork:ec2:Vpc::main-vpc`: names say of what kind they are.
fn name_of(urn: &str) -> &str {
    urn.rsplit("::").next().unwrap_or_default()
}

fn gerund(op: &str) -> &str {
    match op {
        "create" | "create-replacement" => "creating",
        "update" => "updating",
        "delete" | "delete-replaced" => "deleting",
        "replace" => "replacing",
        "refresh" | "read" => "reading",
        "import" => "importing",
        _ => "comparing",
    }
}

/// Without the engine's colour marks: `<{%reset%}>`.
fn plain(message: &str) -> String {
    let mut parts = message.split("<{%");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once("%}>").map_or(part, |(_, rest)| rest));
    }
    text.trim().to_owned()
}

/// Reads a file that another process writes, a whole line at a time.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    position: u64,
}

impl Tail {
    /// Of a file that need not exist yet.
    pub(crate) fn of(path: PathBuf) -> Self {
        Self { path, position: 0 }
    }

    /// The lines that are new since the last call.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let mut bytes = self.read().unwrap_or_default();
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1));
        self.position += u64::try_from(bytes.len()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.position))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const STACK: &str = "urn:pulumi:dev::platform::pulumi:pulumi:Stack::platform-dev";
    const NAT: &str = "urn:pulumi:dev::platform::pulumi:pulumi:Stack$groundwork:ec2:NatGateway::main-nat";
    const VPC: &str = "urn:pulumi:dev::platform::groundwork:ec2:Vpc::main-vpc";

    fn step(kind: &str, urn: &str) -> String {
        let state = json!({"custom": urn != STACK});
        json!({"sequence": 1, kind: {"metadata": {"op": "create", "urn": urn, "old": null, "new": state}}}).to_string()
    }

    #[test]
    fn what_takes_longest_is_told_with_its_status() {
        let mut progress = Progress::default();
        assert_eq!(progress.at(), None);
        for urn in [STACK, NAT, VPC] {
            progress.read(&step("resourcePreEvent", urn));
        }
        assert_eq!(progress.at().unwrap(), "creating main-nat (+1)");
        progress.read(&step("resOutputsEvent", VPC));
        let status =
            json!({"urn": NAT, "message": "<{%reset%}>pending<{%reset%}>\n", "severity": "info", "ephemeral": true});
        progress.read(&json!({ "diagnosticEvent": status }).to_string());
        assert_eq!(progress.at().unwrap(), "creating main-nat: pending");
        assert_eq!(progress.done(), 2, "the stack only groups");
        progress.read(&step("resOpFailedEvent", NAT));
        assert_eq!((progress.at(), progress.done()), (None, 3));
    }

    #[test]
    fn the_summary_counts() {
        let mut progress = Progress::default();
        progress.read(r#"{"summaryEvent":{"resourceChanges":{"create":2,"same":3}}}"#);
        progress.read("half a li");
        assert_eq!(
            (progress.count("create"), progress.count("delete"), progress.total()),
            (2, 0, 5)
        );
    }

    #[test]
    fn a_line_is_read_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut tail = Tail::of(path.clone());
        assert!(tail.lines().is_empty());
        std::fs::write(&path, "one\ntw").unwrap();
        assert_eq!(tail.lines(), ["one"]);
        std::fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(tail.lines(), ["two"]);
        assert!(tail.lines().is_empty());
    }
}
