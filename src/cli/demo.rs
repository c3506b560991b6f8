//! `groundwork demo`: the whole life of a platform, on a local cloud that is made for it and taken away after it.

mod kept;
mod report;
mod story;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use groundwork_local::cli::{parse_speed, parse_time};
use groundwork_local::tools::Cache;
use groundwork_local::{Lifetime, LocalCloud, Options, Rhythm, Ui};

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::platform::{self, Preset};
use crate::programs::{PLATFORM, Programs};
use crate::pulumi::{Project, Pulumi};
use report::Report;
use story::Story;

/// Lay a platform's ground in a cloud of its own on this machine, prove it, and take it all away: no account, no cost
///
/// Runs a real Pulumi engine: preview, up, up again (must change nothing), refresh (must find no drift), destroy; then
/// holds what exists in the cloud against what existed before. Needs Go and Python; the first run builds Pulumi.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// The set of defaults that is shown
    #[arg(long, value_enum, default_value_t = Preset::Standard)]
    preset: Preset,
    /// Which architecture preset `demo` shows: 1 is Fargate, 2 is Cilium
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2))]
    part: Option<u8>,
    /// How long each transition of AWS takes: 2s, 50ms
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "2s", conflicts_with = "speed")]
    settle: Duration,
    /// Let each transition take AWS's usual time, divided by this
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed)]
    speed: Option<f64>,
    /// Stop before destroy, leave all of it running, and say how to go on
    #[arg(long)]
    keep: bool,
    /// An empty folder for everything that the demo makes [default: a new one in the cache, removed afterwards]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Another program to run instead of the platform's
    #[arg(long, value_name = "FILE", hide = true)]
    program: Option<PathBuf>,
}

impl DemoArgs {
    fn rhythm(&self) -> Rhythm {
        self.speed.map_or(Rhythm::Settle(self.settle), Rhythm::Speed)
    }
}

/// Plays the demo. The last word is a table of its steps; an error is the caller's to show.
pub(crate) async fn run(args: DemoArgs, ui: &Ui) -> Result<Exit> {
    let interrupts = Interrupts::listen()?;
    let state = state_folder(args.state.as_deref())?;
    let mut report = Report::default();
    let played = play(&args, &state, &interrupts, &mut report, ui).await;
    report.show(ui);
    let wanted = args.state.is_some() || (args.keep && played.is_ok());
    match &played {
        Err(Error::Pulumi { .. } | Error::LeftOver(_) | Error::Local(_)) => {
            ui.note(format_args!("  logs  {}", state.join("logs").display()));
        }
        _ if wanted => {}
        _ => std::fs::remove_dir_all(&state).map_err(Error::file("remove", &state))?,
    }
    played.map(|()| Exit::Done)
}

/// The folder of this run, as an absolute path; it must be a fresh one.
fn state_folder(given: Option<&Path>) -> Result<PathBuf> {
    let Some(folder) = given else {
        let parent = Cache::find()?.path().join("demo");
        std::fs::create_dir_all(&parent).map_err(Error::file("create", &parent))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&parent);
        return folder
            .map(tempfile::TempDir::keep)
            .map_err(Error::file("create", &parent));
    };
    std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let folder = folder.canonicalize().map_err(Error::file("find", folder))?;
    let mut entries = std::fs::read_dir(&folder).map_err(Error::file("read", &folder))?;
    if entries.next().is_some() {
        return Err(Error::NotEmpty(folder));
    }
    Ok(folder)
}

async fn play(args: &DemoArgs, state: &Path, interrupts: &Interrupts, report: &mut Report, ui: &Ui) -> Result<()> {
    let options = Options {
        rhythm: args.rhythm(),
        lifetime: if args.keep {
            Lifetime::Detached
        } else {
            Lifetime::Attached
        },
        ..Options::new(state)?
    };
    let prepared = interrupts
        .or(async {
            let cloud = async { LocalCloud::up(&options, ui).await.map_err(Error::from) };
            tokio::try_join!(Programs::obtain(&[], ui), cloud)
        })
        .await;
    let (programs, cloud) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            LocalCloud::end(state).await?;
            return Err(error);
        }
    };
    let told = tell(args, &cloud, &programs, interrupts, report, ui).await;
    match &told {
        // What is kept after a failure is there to be looked at.
        Ok(()) | Err(Error::Pulumi { .. }) if args.keep => {
            kept::explain(&programs.own, &cloud, &state.join("project"), ui);
        }
        _ => {
            let step = ui.step("taking the local cloud down", None);
            cloud.down().await?;
            step.done("the local cloud is down");
        }
    }
    told
}

async fn tell(
    args: &DemoArgs,
    cloud: &LocalCloud,
    programs: &Programs,
    interrupts: &Interrupts,
    report: &mut Report,
    ui: &Ui,
) -> Result<()> {
    let program = match &args.program {
        Some(program) => program,
        None => programs.path(PLATFORM)?,
    };
    let folder = cloud.state().join("project");
    let settings = platform::settings(args.preset, args.part);
    let project = Project::write(&folder, ("platform", "demo"), program, programs, &settings)?;
    let before = cloud.dump().await?;
    let story = Story {
        pulumi: Pulumi::on(cloud, &project)?,
        cluster: platform::cluster(args.preset, args.part),
        before,
        interrupts,
        ui,
    };
    story.tell(args.keep, report).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: DemoArgs,
    }

    #[test]
    fn a_part_is_one_of_two() {
        assert!(Cli::try_parse_from(["demo", "--part", "3"]).is_err());
    }

    #[test]
    fn a_folder_that_holds_something_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(state_folder(Some(folder.path())).is_ok());
        std::fs::write(folder.path().join("cloud.json"), "").unwrap();
        assert!(matches!(state_folder(Some(folder.path())), Err(Error::NotEmpty(_))));
    }
}
