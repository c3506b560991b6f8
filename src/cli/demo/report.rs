//! What became of each step.

use std::time::Duration;

use groundwork_local::Ui;

use crate::error::Error;
use crate::table::{Side, Table};

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    step: String,
    result: String,
    took: Duration,
    resources: Option<usize>,
}

impl Report {
    /// A step that went well.
    pub(super) fn passed(&mut self, step: &str, result: String, took: Duration, resources: usize) {
        self.rows.push(Row {
            step: step.to_owned(),
            result,
            took,
            resources: Some(resources),
        });
    }

    /// A step that did not.
    pub(super) fn failed(&mut self, step: &str, error: &Error, took: Duration) {
        let result = match error {
            Error::Interrupted => "interrupted",
            Error::LeftOver(_) => "LEFT OVER",
            _ => "FAILED",
        };
        self.rows.push(Row {
            step: step.to_owned(),
            result: result.to_owned(),
            took,
            resources: None,
        });
    }

    /// How many resources the last step is about.
    pub(super) fn left(&mut self, resources: usize) {
        if let Some(row) = self.rows.last_mut() {
            row.resources = Some(resources);
        }
    }

    /// The table; nothing when nothing was done.
    pub(super) fn show(&self, ui: &Ui) {
        if self.rows.is_empty() {
            return;
        }
        let mut table = Table::new([
            ("step", Side::Left),
            ("result", Side::Left),
            ("seconds", Side::Right),
            ("resources", Side::Right),
        ]);
        for Row {
            step,
            result,
            took,
            resources,
        } in &self.rows
        {
            let resources = resources.map_or_else(|| "–".to_owned(), |count| count.to_string());
            table.row([
                step.clone(),
                result.clone(),
                format!("{:.1}", took.as_secs_f64()),
                resources,
            ]);
        }
        ui.line(format_args!("\n{table}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_stands_out() {
        let mut report = Report::default();
        report.passed("preview", "2 to create".to_owned(), Duration::from_millis(1234), 2);
        report.failed("up", &Error::Interrupted, Duration::from_secs(3));
        let results: Vec<_> = report.rows.iter().map(|row| row.result.as_str()).collect();
        assert_eq!(results, ["2 to create", "interrupted"]);
    }
}
