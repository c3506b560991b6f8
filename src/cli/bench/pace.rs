//! Up of a whole platform at AWS's own pace, beside the longest way through its graph.
//!
//! What each resource costs on that way is AWS's part alone, from the journal: from the call that begins it to the moment
//! at which it has come true, whoever looks, and however late. What AWS answers at once counts as nothing, and so does
//! what Kubernetes and helm take; so everything else that an `up` takes is ours, or the engine's.

use std::collections::BTreeMap;
use std::time::Duration;

use groundwork_local::cloud::Call;
use groundwork_local::{LocalCloud, Rhythm, Ui};
use serde::Deserialize;
use serde_json::Value as Json;

use super::measure::{Goal, Measure, Unit};
use super::platform;
use crate::error::{Error, Result};
use crate::interrupt::Interrupts;
use crate::programs::Programs;
use crate::pulumi::Pulumi;

/// As AWS usually is.
pub(super) const REAL: f64 = 1.0;
/// To see that the measure works. Pauses between two looks are not shorter for it, so it has no goal.
pub(super) const QUICK: f64 = 30.0;
/// What waits for AWS may lose three hundredths between AWS's end and its own next step, looks and calls included.
const GOAL: Goal = Goal::AtMost(1.03);

/// Once, for it takes a quarter of an hour. `floor` is what the engine itself takes for such an up, in seconds.
pub(super) async fn measure(
    programs: &Programs,
    cloud: &LocalCloud,
    speed: f64,
    floor: f64,
    interrupts: &Interrupts,
    ui: &Ui,
) -> Result<Vec<Measure>> {
    let kind = "platform";
    let project = platform::project(programs, cloud, kind, "pace")?;
    cloud.reset().await?;
    cloud.set_rhythm(Rhythm::Speed(speed)).await?;
    let pulumi = Pulumi::on(cloud, &project)?;
    interrupts.or(pulumi.init()).await?;
    let up = ["up", "--yes", "--skip-preview"];
    let up = pulumi
        .operate("up at the pace of AWS", &up, None, interrupts, ui)
        .await?;
    let longest = longest_way(&resources(pulumi.export().await?)?, &cloud.journal(0).await?);
    // How long AWS takes to delete is no part of the measure.
    cloud.set_rhythm(Rhythm::Settle(Duration::ZERO)).await?;
    platform::destroy(cloud, &project, kind, interrupts, ui).await?;
    let up = up.took.as_secs_f64();
    let of = |name: &str, unit, value, goal| Measure {
        what: format!("a platform at AWS's pace: {name}"),
        unit,
        values: vec![value],
        goal,
    };
    let goal = (speed <= REAL).then_some(GOAL);
    Ok(vec![
        of("longest way through the graph", Unit::Seconds, longest, None),
        of("up", Unit::Seconds, up, None),
        of(
            "up less its floor, against that way",
            Unit::Times,
            (up - floor) / longest,
            goal,
        ),
    ])
}

/// A resource in Pulumi's state, in an order in which everything comes after what it depends on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    urn: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

fn resources(mut state: Json) -> Result<Vec<Resource>> {
    let resources = state.pointer_mut("/deployment/resources").map(Json::take);
    serde_json::from_value(resources.unwrap_or_default()).map_err(|error| Error::Answer {
        what: "the stack's state".to_owned(),
        because: error.to_string(),
    })
}

/// Seconds that AWS takes for the slowest chain of resources, each of which waits for the one before.
fn longest_way(resources: &[Resource], journal: &[Call]) -> f64 {
    let took: BTreeMap<&str, f64> = journal
        .iter()
        .filter_map(|call| Some((call.subject.as_deref()?, call.settled? - call.time)))
        .collect();
    let mut ends = BTreeMap::<&str, f64>::new();
    for resource in resources {
        let start = resource
            .dependencies
            .iter()
            .chain(&resource.parent)
            .filter_map(|urn| ends.get(urn.as_str()))
            .fold(0.0, |latest: f64, end| latest.max(*end));
        let own = took.get(resource.id.as_str()).copied().unwrap_or_default();
        ends.insert(&resource.urn, start + own);
    }
    ends.values().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(subject: Option<&str>, time: f64, settled: Option<f64>) -> Call {
        let call = json!({
            "n": 1, "time": time, "service": "ec2", "operation": "Create", "subject": subject, "settled": settled,
        });
        serde_json::from_value(call).unwrap()
    }

    #[test]
    fn the_longest_way_is_the_slowest_chain_and_counts_aws_alone() {
        let state = json!({"deployment": {"resources": [
            {"urn": "stack"},
            {"urn": "vpc", "id": "vpc-1", "parent": "stack"},
            {"urn": "nat", "id": "nat-1", "parent": "vpc"},
            {"urn": "endpoint", "id": "vpce-1", "parent": "vpc"},
            {"urn": "cluster", "id": "main", "parent": "stack", "dependencies": ["nat", "endpoint"]},
            {"urn": "route", "id": "r", "dependencies": ["cluster"]},
        ]}});
        let journal = [
            call(Some("vpc-1"), 10.0, Some(13.0)),
            call(None, 13.0, None),
            call(Some("nat-1"), 14.0, Some(114.0)),
            call(Some("vpce-1"), 14.0, Some(74.0)),
            call(Some("main"), 120.0, Some(720.0)),
            call(Some("other"), 0.0, Some(10_000.0)),
            call(Some("half"), 0.0, None),
        ];
        let way = longest_way(&resources(state).unwrap(), &journal);
        assert!((way - 703.0).abs() < 1e-9, "{way}");
    }
}
