//! Preview and up of a whole platform, beside the same graph without a provider.

use std::fs;

use groundwork_local::{LocalCloud, Ui};
use serde_json::json;

use super::COPIES;
use super::measure::{Goal, Measure};
use super::networks::{measures, sample};
use crate::error::{Error, Result};
use crate::interrupt::Interrupts;
use crate::platform::{self, Preset};
use crate::programs::Programs;
use crate::pulumi::{Project, Pulumi};

/// The provider with the clients of five services, of Kubernetes, and every object of the platform at once.
const MEMORY: Goal = Goal::AtMost(60.0);

/// Preset `standard`, on a cloud that has Kubernetes; each run is destroyed again. Also what the engine itself takes for
/// an up, in seconds.
pub(super) async fn measure(
    programs: &Programs,
    cloud: &LocalCloud,
    runs: u8,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<(Vec<Measure>, f64)> {
    let (mut samples, mut floors) = (Vec::new(), Vec::new());
    for run in 0..runs {
        for (kind, samples) in [("platform", &mut samples), ("platform-floor", &mut floors)] {
            let project = project(programs, cloud, kind, &run.to_string())?;
            cloud.reset().await?;
            samples.push(sample(cloud, &project, kind, interrupts, ui).await?);
            destroy(cloud, &project, kind, interrupts, ui).await?;
        }
    }
    let floor = floors.iter().map(|floor| floor.up).fold(f64::INFINITY, f64::min);
    Ok((measures("a platform", MEMORY, &samples, &floors), floor))
}

/// A platform, or its floor.
pub(super) fn project(programs: &Programs, cloud: &LocalCloud, kind: &str, run: &str) -> Result<Project> {
    let mut settings = platform::settings(Preset::Standard, None);
    // Without the hand-over: what its Job does is not the platform's own time.
    settings.retain(|(key, _)| key != "platform:flux");
    settings.push(("copies:kind".to_owned(), json!(kind)));
    let folder = cloud.state().join("bench").join(format!("{kind}-{run}"));
    Project::write(&folder, (COPIES, "bench"), programs.path(COPIES)?, programs, &settings)
}

/// Takes it away again.
pub(super) async fn destroy(
    cloud: &LocalCloud,
    project: &Project,
    kind: &str,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<()> {
    let destroy = ["destroy", "--yes", "--skip-preview"];
    Pulumi::on(cloud, project)?
        .operate(&format!("destroy of {kind}"), &destroy, None, interrupts, ui)
        .await?;
    fs::remove_dir_all(&project.folder).map_err(Error::file("remove", &project.folder))
}
