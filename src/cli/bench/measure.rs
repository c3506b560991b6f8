//! A measure: values, their spread, and what they were meant to be.

use serde_json::{Value as Json, json};

/// What was measured, how often, and what it was meant to be.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    /// What.
    pub(super) what: String,
    /// In what.
    pub(super) unit: Unit,
    /// One value a run.
    pub(super) values: Vec<f64>,
    /// What it was meant to be; none where there is nothing to aim at.
    pub(super) goal: Option<Goal>,
}

/// What a measure is meant to be. The median decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// This or less.
    AtMost(f64),
}

/// In what something is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Time.
    Milliseconds,
    /// Time.
    Seconds,
    /// Memory, disk: 1,000,000 bytes.
    Megabytes,
    /// So many times something else.
    Times,
    /// A number of something.
    Count,
}

impl Unit {
    /// A value as the user sees it.
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Seconds => format!("{value:.2} s"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Times => format!("{value:.2}×"),
            Self::Count => format!("{value:.0}"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Megabytes => "MB",
            Self::Times => "times",
            Self::Count => "count",
        }
    }
}

impl Measure {
    /// Least, median and greatest value.
    pub(super) fn spread(&self) -> [f64; 3] {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            at(middle)
        } else {
            f64::midpoint(at(middle.saturating_sub(1)), at(middle))
        };
        [at(0), median, at(sorted.len().saturating_sub(1))]
    }

    /// The median.
    pub(super) fn median(&self) -> f64 {
        let [_, median, _] = self.spread();
        median
    }

    /// Whether the goal is met, where there is one.
    pub(super) fn is_met(&self) -> Option<bool> {
        let Goal::AtMost(most) = self.goal?;
        Some(self.median() <= most)
    }

    /// All of it.
    pub(super) fn to_json(&self) -> Json {
        let [min, median, max] = self.spread();
        let goal = self.goal.map(|Goal::AtMost(most)| most);
        json!({
            "measure": self.what,
            "unit": self.unit.name(),
            "min": min,
            "median": median,
            "max": max,
            "values": self.values,
            "goalAtMost": goal,
            "met": self.is_met(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(values: &[f64], goal: Option<Goal>) -> Measure {
        Measure {
            what: "w".to_owned(),
            unit: Unit::Seconds,
            values: values.to_vec(),
            goal,
        }
    }

    fn shown(values: &[f64]) -> [String; 3] {
        measure(values, None).spread().map(|value| value.to_string())
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(shown(&[3.0, 1.0, 2.0]), ["1", "2", "3"]);
        assert_eq!(shown(&[4.0, 1.0, 2.0, 3.0]), ["1", "2.5", "4"]);
        assert_eq!(shown(&[1.0]), ["1", "1", "1"]);
    }

    #[test]
    fn the_median_decides_and_no_values_meet_no_goal() {
        let goal = Some(Goal::AtMost(2.0));
        assert_eq!(measure(&[1.0, 2.0, 9.0], goal).is_met(), Some(true));
        assert_eq!(measure(&[1.0, 2.1, 9.0], goal).is_met(), Some(false));
        assert_eq!(measure(&[], goal).is_met(), Some(false));
        assert_eq!(measure(&[1.0], None).is_met(), None);
    }
}
