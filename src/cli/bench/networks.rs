//! Preview and up of many networks, beside the same graph without a provider.

use std::fs;
use std::path::Path;
use std::time::Duration;

use groundwork_local::cloud::REGION;
use groundwork_local::{LocalCloud, Ui};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::COPIES;
use super::measure::{Goal, Measure, Unit};
use super::provider::megabytes_of;
use crate::error::{Error, Result};
use crate::interrupt::Interrupts;
use crate::programs::{PROVIDER, Programs};
use crate::pulumi::{Project, Pulumi, Run};

/// Checks, diffs and previews may cost as much again as the engine itself.
const PREVIEW: Goal = Goal::AtMost(2.0);
/// A quarter of what the bridged AWS provider takes.
const MEMORY: Goal = Goal::AtMost(100.0);

/// What one run of preview and up took.
#[derive(Debug, Default)]
pub(super) struct Sample {
    preview: f64,
    pub(super) up: f64,
    memory: f64,
    calls: f64,
}

pub(super) async fn measure(
    programs: &Programs,
    cloud: &LocalCloud,
    size: usize,
    runs: u8,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<Vec<Measure>> {
    let mut samples = Vec::new();
    let mut floors = Vec::new();
    for run in 0..runs {
        // In turns, so that whatever else this machine does strikes both alike.
        for (kind, samples) in [("networks", &mut samples), ("floor", &mut floors)] {
            let settings = [
                ("groundwork:region", json!(REGION)),
                ("copies:count", json!(size)),
                ("copies:kind", json!(kind)),
            ];
            let settings = settings.map(|(key, value)| (key.to_owned(), value));
            let name = format!("{size}-{kind}-{run}");
            let folder = cloud.state().join("bench").join(&name);
            let project = Project::write(&folder, (COPIES, "bench"), programs.path(COPIES)?, programs, &settings)?;
            cloud.reset().await?;
            samples.push(sample(cloud, &project, &format!("{size} {kind}"), interrupts, ui).await?);
            fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
        }
    }
    let what = if size == 1 {
        "1 network".to_owned()
    } else {
        format!("{size} networks")
    };
    Ok(measures(&what, MEMORY, &samples, &floors))
}

pub(super) async fn sample(
    cloud: &LocalCloud,
    project: &Project,
    what: &str,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<Sample> {
    let pulumi = Pulumi::on(cloud, project)?;
    interrupts.or(pulumi.init()).await?;
    let preview = format!("preview of {what}");
    let preview = pulumi.operate(&preview, &["preview"], None, interrupts, ui).await?;
    let before = cloud.journal(0).await?.last().map_or(0, |call| call.n);
    let planned = preview.progress.total();
    let name = format!("up of {what}");
    let up = pulumi.operate(&name, &["up", "--yes", "--skip-preview"], Some(planned), interrupts, ui);
    let provider = project.folder.join("bin").join(PROVIDER);
    let (up, memory) = beside(up, &provider).await?;
    let calls = cloud.journal(before).await?.len();
    Ok(Sample {
        preview: preview.took.as_secs_f64(),
        up: up.took.as_secs_f64(),
        memory,
        calls: f64::from(u32::try_from(calls).unwrap_or(u32::MAX)),
    })
}

/// Watches the memory of the provider while an operation runs: the most that it ever took.
async fn beside(run: impl Future<Output = Result<Run>>, provider: &Path) -> Result<(Run, f64)> {
    let mut run = std::pin::pin!(run);
    let mut most = 0.0_f64;
    let mut tick = interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            run = &mut run => return Ok((run?, most)),
            _ = tick.tick() => most = most.max(peak(provider)),
        }
    }
}

/// The most memory that any process of this program has taken so far.
fn peak(program: &Path) -> f64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .map(|process| process.path())
        .filter(|process| fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program))
        .filter_map(|process| megabytes_of(&fs::read_to_string(process.join("status")).ok()?, "VmHWM:"))
        .fold(0.0, f64::max)
}

pub(super) fn measures(what: &str, memory: Goal, samples: &[Sample], floors: &[Sample]) -> Vec<Measure> {
    let of = |name: &str, unit, samples: &[Sample], value: fn(&Sample) -> f64, goal| Measure {
        what: format!("{what}: {name}"),
        unit,
        values: samples.iter().map(value).collect(),
        goal,
    };
    let preview = of("preview", Unit::Seconds, samples, |it| it.preview, None);
    let floor = of("preview, floor", Unit::Seconds, floors, |it| it.preview, None);
    let against = |name: &str, value: fn(&Sample) -> f64, goal| Measure {
        what: format!("{what}: {name} against its floor"),
        unit: Unit::Times,
        values: samples
            .iter()
            .zip(floors)
            .map(|(it, floor)| value(it) / value(floor))
            .collect(),
        goal,
    };
    vec![
        preview,
        floor,
        against("preview", |it| it.preview, Some(PREVIEW)),
        of("up, with the local AWS", Unit::Seconds, samples, |it| it.up, None),
        of("up, floor", Unit::Seconds, floors, |it| it.up, None),
        // No goal: the local AWS answers slower, or faster, than AWS.
        against("up", |it| it.up, None),
        of("calls to AWS in up", Unit::Count, samples, |it| it.calls, None),
        of(
            "most memory of the provider",
            Unit::Megabytes,
            samples,
            |it| it.memory,
            Some(memory),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_held_against_the_floor_of_its_own_turn() {
        let sample = |preview| Sample {
            preview,
            ..Sample::default()
        };
        let measures = measures(
            "1 network",
            MEMORY,
            &[sample(3.0), sample(2.0)],
            &[sample(1.0), sample(2.0)],
        );
        let ratio = measures.iter().find(|measure| measure.goal == Some(PREVIEW)).unwrap();
        assert_eq!(
            ratio.spread().map(|value| ratio.unit.show(value)),
            ["1.00×", "2.00×", "3.00×"]
        );
        assert_eq!(ratio.is_met(), Some(true));
    }
}
