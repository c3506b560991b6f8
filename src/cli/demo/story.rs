//! The steps, and what becomes of what they made when one of them fails.

use std::time::Duration;

use groundwork_local::{Dump, Object, Ui, Workload};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::report::Report;
use crate::error::{Error, Result};
use crate::interrupt::Interrupts;
use crate::platform;
use crate::pulumi::{Pulumi, Run};

/// What every step needs.
pub(super) struct Story<'a> {
    pub(super) pulumi: Pulumi<'a>,
    /// The platform's cluster.
    pub(super) cluster: &'static str,
    /// What existed before the first step.
    pub(super) before: Dump,
    pub(super) interrupts: &'a Interrupts,
    pub(super) ui: &'a Ui,
}

const UP: [&str; 3] = ["up", "--yes", "--skip-preview"];
const DESTROY: [&str; 3] = ["destroy", "--yes", "--skip-preview"];

impl Story<'_> {
    /// All steps to the audit; with `keep` those before destroy.
    pub(super) async fn tell(&self, keep: bool, report: &mut Report) -> Result<()> {
        self.interrupts.or(self.pulumi.init()).await?;
        self.interrupts.or(platform::give_secrets(&self.pulumi)).await?;
        let preview = self.step("preview", &["preview"], None, report).await?;
        let planned = preview.progress.total();
        report.passed(
            "preview",
            format!("{} to create", preview.progress.count("create")),
            preview.took,
            planned,
        );
        for warning in preview.progress.warnings() {
            self.ui.note(format_args!("  warning: {warning}"));
        }
        match self.live(keep, planned, report).await {
            Ok(()) => Ok(()),
            // What is kept after a failure is there to be looked at.
            Err(error @ Error::Pulumi { .. }) if keep => Err(error),
            Err(error) => {
                self.remove(&error, report).await;
                Err(error)
            }
        }
    }

    async fn live(&self, keep: bool, planned: usize, report: &mut Report) -> Result<()> {
        let up = self.step("up", &UP, Some(planned), report).await?;
        let there = up.progress.total();
        report.passed("up", format!("{} created", up.progress.count("create")), up.took, there);
        self.show_outputs().await?;
        self.show_cluster().await?;

        let again = [&UP[..], &["--expect-no-changes"]].concat();
        let again = self.step("up again", &again, Some(there), report).await?;
        report.passed("up again", "no change".to_owned(), again.took, again.progress.total());

        let refresh = ["refresh", "--yes", "--skip-preview", "--expect-no-changes"];
        let refresh = self.step("refresh", &refresh, Some(there), report).await?;
        report.passed("refresh", "no drift".to_owned(), refresh.took, refresh.progress.total());
        if keep {
            return Ok(());
        }
        let destroy = self.step("destroy", &DESTROY, Some(there), report).await?;
        let gone = destroy.progress.count("delete");
        report.passed("destroy", format!("{gone} deleted"), destroy.took, gone);
        self.audit(report).await
    }

    async fn step(&self, name: &str, args: &[&str], parts: Option<usize>, report: &mut Report) -> Result<Run> {
        let started = Instant::now();
        let run = self.pulumi.operate(name, args, parts, self.interrupts, self.ui).await;
        if let Err(error) = &run {
            report.failed(name, error, started.elapsed());
        }
        run
    }

    async fn show_outputs(&self) -> Result<()> {
        let outputs = self.interrupts.or(self.pulumi.outputs()).await?;
        for (name, value) in outputs.as_object().into_iter().flatten() {
            self.ui.line(format_args!("  {name}: {}", in_words(value)));
        }
        Ok(())
    }

    /// The nodes, and what runs on them.
    async fn show_cluster(&self) -> Result<()> {
        let overview = self.interrupts.or(async {
            let seen = self.pulumi.cloud.overview(self.cluster).await;
            seen.map_err(Error::from)
        });
        let overview = overview.await?;
        let ready = overview.nodes.iter().filter(|(_, ready)| *ready).count();
        self.ui.line(format_args!(
            "  cluster {}: {ready} of {} nodes Ready",
            self.cluster,
            overview.nodes.len()
        ));
        for workload in &overview.workloads {
            let Workload {
                namespace,
                name,
                ready,
                wanted,
            } = workload;
            self.ui
                .line(format_args!("    {namespace}/{name}: {ready} of {wanted}"));
        }
        Ok(())
    }

    /// The proof: the cloud itself is asked for all that exists in it, and for what stood in the cluster at its end.
    async fn audit(&self, report: &mut Report) -> Result<()> {
        let started = Instant::now();
        let after = self.pulumi.cloud.dump().await?;
        let mut left: Vec<String> = after.left_over(&self.before).into_iter().map(str::to_owned).collect();
        left.extend(self.left_in_cluster());
        if left.is_empty() {
            report.passed("audit", "nothing left".to_owned(), started.elapsed(), 0);
            return Ok(());
        }
        let count = left.len();
        let error = Error::LeftOver(left);
        report.failed("audit", &error, started.elapsed());
        report.left(count);
        Err(error)
    }

    /// What the platform had put into the cluster and what was still there when its deletion began.
    fn left_in_cluster(&self) -> Vec<String> {
        // A cluster that was never there has no last words.
        let last = self.pulumi.cloud.last_words(self.cluster).unwrap_or_default();
        last.into_iter()
            .filter(Object::is_of_the_platform)
            .map(|object| format!("cluster {}: {}", self.cluster, object.name))
            .collect()
    }

    /// After a failure: takes away what was made. The cloud goes as well, so a failure here changes nothing but what is told.
    async fn remove(&self, error: &Error, report: &mut Report) {
        let destroyed_in_vain = matches!(error, Error::Pulumi { verb, .. } if verb == "destroy");
        if destroyed_in_vain || matches!(error, Error::LeftOver(_)) {
            return;
        }
        self.ui.note("… removing what was made (Ctrl-C ends that)");
        let interrupts = self.interrupts.afresh();
        // A lock that an operation left is of no use to anybody.
        let name = "destroy after failure";
        match self.pulumi.operate(name, &DESTROY, None, &interrupts, self.ui).await {
            Ok(Run { took, progress }) => {
                let gone = progress.count("delete");
                report.passed(name, format!("{gone} deleted"), took, gone);
                // It tells of what is left in the table.
                let _told = self.audit(report).await;
            }
            Err(error) => report.failed(name, &error, Duration::ZERO),
        }
    }
}

/// A list without its brackets, a text without its quotes.
fn in_words(value: &Json) -> String {
    match value {
        Json::String(text) => brief(text),
        Json::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Json::Object(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{key} {}", in_words(value)))
                .collect();
            pairs.join(", ")
        }
        other => other.to_string(),
    }
}

/// A certificate is nothing to read: its beginning, and how long it is.
fn brief(text: &str) -> String {
    const LONGEST: usize = 160;
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST / 4).collect();
    format!("{start}… ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outputs_read_like_words() {
        assert_eq!(in_words(&json!(["a", "b"])), "a, b");
        assert_eq!(in_words(&json!({"s3": "vpce-1", "n": 2})), "n 2, s3 vpce-1");
        assert_eq!(brief("short"), "short");
        assert_eq!(brief(&"ü".repeat(200)), format!("{}… (200 characters)", "ü".repeat(40)));
    }
}
