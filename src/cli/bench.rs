//! `groundwork bench`: what Groundwork is meant to be good at, measured on this machine, each measure beside its goal.

mod measure;
mod networks;
mod pace;
mod platform;
mod provider;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use groundwork_local::{Lifetime, LocalCloud, Options, Rhythm, Ui};
use serde_json::json;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::programs::Programs;
use crate::table::{Side, Table};
use measure::{Goal, Measure};

/// Measure what Groundwork is meant to be good at, each measure beside its goal
///
/// The provider by itself: how soon it serves, its memory, its size. Then preview and up of many networks and of a whole
/// platform on a real Pulumi engine, beside the floor: the same graph without a provider, which is the engine's own time.
/// AWS is the local cloud, whose every transition takes no time; its answers are part of what `up` takes. At last `up` of
/// a platform at AWS's usual pace, beside the longest way through the graph: what AWS alone makes of it. A goal that is
/// missed is said, and does not make the command fail. With the defaults it takes more than half an hour.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// A smoke run: one network, everything once, and AWS's pace thirty times as fast
    #[arg(long)]
    quick: bool,
    /// How often each preview and each up is run
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,
    /// How many networks
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,10,50")]
    sizes: Vec<usize>,
    /// Also write every single value to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The example program that registers many networks.
const COPIES: &str = "copies";
/// How often the provider is started.
const STARTS: usize = 20;

pub(crate) async fn run(args: BenchArgs, ui: &Ui) -> Result<Exit> {
    let interrupts = Interrupts::listen()?;
    let folder = tempfile::tempdir().map_err(Error::file("create", &std::env::temp_dir()))?;
    let options = Options {
        rhythm: Rhythm::Settle(Duration::ZERO),
        lifetime: Lifetime::Attached,
        ..Options::new(folder.path())?
    };
    let prepared = interrupts
        .or(async {
            let cloud = async { LocalCloud::up(&options, ui).await.map_err(Error::from) };
            tokio::try_join!(Programs::obtain(&[COPIES], ui), cloud)
        })
        .await;
    let taken = match prepared {
        Ok((programs, cloud)) => {
            let taken = measure_all(&args, &programs, &cloud, &interrupts, ui).await;
            cloud.down().await?;
            taken
        }
        Err(error) => {
            LocalCloud::end(folder.path()).await?;
            Err(error)
        }
    };
    let measures = taken?;
    ui.line(table(&measures));
    if let Some(path) = &args.json {
        let all: Vec<_> = measures.iter().map(Measure::to_json).collect();
        let text = format!("{:#}\n", json!({ "measures": all }));
        std::fs::write(path, text).map_err(Error::file("write", path))?;
    }
    Ok(Exit::Done)
}

async fn measure_all(
    args: &BenchArgs,
    programs: &Programs,
    cloud: &LocalCloud,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<Vec<Measure>> {
    let (starts, runs) = if args.quick { (3, 1) } else { (STARTS, args.runs) };
    let sizes: &[usize] = if args.quick { &[1] } else { &args.sizes };
    let mut measures = interrupts.or(provider::measure(programs, cloud, starts, ui)).await?;
    for size in sizes {
        measures.extend(networks::measure(programs, cloud, *size, runs, interrupts, ui).await?);
    }
    let (platform, floor) = platform::measure(programs, cloud, runs, interrupts, ui).await?;
    measures.extend(platform);
    let pace = if args.quick { pace::QUICK } else { pace::REAL };
    measures.extend(pace::measure(programs, cloud, pace, floor, interrupts, ui).await?);
    Ok(measures)
}

fn table(measures: &[Measure]) -> Table<7> {
    let mut table = Table::new([
        ("measure", Side::Left),
        ("min", Side::Right),
        ("median", Side::Right),
        ("max", Side::Right),
        ("n", Side::Right),
        ("goal", Side::Right),
        ("verdict", Side::Left),
    ]);
    for measure in measures {
        let [min, median, max] = measure.spread().map(|value| measure.unit.show(value));
        let goal = measure.goal.map_or_else(
            || "–".to_owned(),
            |Goal::AtMost(most)| format!("≤ {}", measure.unit.show(most)),
        );
        let verdict = match measure.is_met() {
            None => "–",
            Some(true) => "met",
            Some(false) => "MISSED",
        };
        let count = measure.values.len().to_string();
        table.row([measure.what.clone(), min, median, max, count, goal, verdict.to_owned()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::measure::Unit;
    use super::*;

    #[test]
    fn a_goal_stands_beside_its_measure() {
        let measure = |values: &[f64], goal| Measure {
            what: "start".to_owned(),
            unit: Unit::Milliseconds,
            values: values.to_vec(),
            goal,
        };
        let goal = Some(Goal::AtMost(5.0));
        let text = table(&[
            measure(&[4.0], goal),
            measure(&[9.0, 4.0, 6.0], goal),
            measure(&[1.0], None),
        ])
        .to_string();
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "  start    4.0 ms  4.0 ms  4.0 ms  1  ≤ 5.0 ms  met",
                "  start    4.0 ms  6.0 ms  9.0 ms  3  ≤ 5.0 ms  MISSED",
                "  start    1.0 ms  1.0 ms  1.0 ms  1         –  –",
            ]
        );
    }
}
