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

/// Preset `standard`, on a cloud that has Kubernetes; each run is destroyed again.
pub(super) async fn measure(
    programs: &Programs,
    cloud: &LocalCloud,
    runs: u8,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<Vec<Measure>> {
    let (mut samples, mut floors) = (Vec::new(), Vec::new());
    for run in 0..runs {
        for (kind, samples) in [("platform", &mut samples), ("platform-floor", &mut floors)] {
            let mut settings = platform::settings(Preset::Standard, None);
            // Without the hand-over: what its Job does is not the platform's own time.
            settings.retain(|(key, _)| key != "platform:flux");
            settings.push(("copies:kind".to_owned(), json!(kind)));
            let folder = cloud.state().join("bench").join(format!("{kind}-{run}"));
            let project = Project::write(&folder, (COPIES, "bench"), programs.path(COPIES)?, programs, &settings)?;
            cloud.reset().await?;
            samples.push(sample(cloud, &project, kind, interrupts, ui).await?);
            let destroy = ["destroy", "--yes", "--skip-preview"];
            Pulumi::on(cloud, &project)?
                .operate(&format!("destroy of {kind}"), &destroy, None, interrupts, ui)
                .await?;
            fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
        }
    }
    Ok(measures("a platform", MEMORY, &samples, &floors))
}
