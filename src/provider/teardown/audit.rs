//! The proof that nothing of a platform is left: it exists in the engine's state alone, and looks when it is deleted.

use std::{fmt::Write as _, time::Duration};

use groundwork_contract::{
    StampId, prices,
    teardown::{Audit, AuditInputs, AuditOutputs},
};

use super::{
    standing::{Standing, summary},
    standing_ec2, standing_elsewhere,
};
use crate::{
    cx::Cx,
    error::{Error, Kind, Result},
    resource::{Created, Live, Recovery, Resource, State, Timeouts},
};

impl Resource for Audit {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;
    // Everything was seen to be gone when it was deleted; what is left to wait for is AWS's memory.
    const TIMEOUTS: Timeouts = Timeouts {
        delete: Duration::from_mins(4),
        ..Timeouts::QUICK
    };

    async fn create(_cx: &Cx, inputs: &AuditInputs) -> Result<Created<Self>> {
        Ok(Created::new(inputs.stamp.clone()))
    }

    async fn read(_cx: &Cx, id: &StampId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        Ok(Some(Live {
            inputs: AuditInputs {
                stamp: id.clone(),
                cluster_name: last.and_then(|last| last.inputs.cluster_name.clone()),
            },
            outputs: AuditOutputs {},
            pending_mark: false,
        }))
    }

    async fn update(_cx: &Cx, _id: &StampId, _old: &State<Self>, _new: &AuditInputs) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Cx, id: &StampId, state: &State<Self>) -> Result<()> {
        let cluster = state.inputs.cluster_name.as_deref();
        let standing = Box::pin(look(cx, id, cluster)).await?;
        let costly: Vec<&Standing> = standing.iter().filter(|one| one.counts()).collect();
        if !costly.is_empty() {
            let mut told = format!("{} (list prices of {})", summary(&costly), prices::date());
            for one in costly {
                // Writing to a string cannot fail.
                let _ = write!(told, "\n  standing  {one}");
            }
            return Err(Error::Pending(told));
        }
        if !standing.is_empty() {
            let listed: Vec<String> = standing.iter().map(ToString::to_string).collect();
            cx.warn(format!("left behind, and may stay: {}", listed.join("; ")));
        }
        Ok(())
    }

    fn outlives_delete(_state: &State<Self>) -> bool {
        // There is nothing to look at.
        true
    }
}

/// Everything that is there and carries the stamp, or is the cluster's.
async fn look(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let (ec2, clusters, identity, logs, keys) = futures::join!(
        standing_ec2::look(cx, stamp, cluster),
        standing_elsewhere::clusters(cx, stamp, cluster),
        standing_elsewhere::identity(cx, stamp, cluster),
        standing_elsewhere::logs(cx, stamp, cluster),
        standing_elsewhere::keys(cx, stamp),
    );
    let mut standing = ec2?;
    standing.extend(clusters?);
    // These cost nothing, or nearly so: whoever may not look at them can still end the platform.
    for (what, found) in [("keys", keys), ("roles and policies", identity), ("log groups", logs)] {
        match found {
            Ok(found) => standing.extend(found),
            Err(error) if error.kind() == Kind::Denied => {
                cx.warn(format!("whether {what} are left could not be looked at: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(standing)
}
