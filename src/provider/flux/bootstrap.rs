//! The hand-over of a cluster to Flux.

use std::time::Duration;

use groundwork_contract::flux::{Bootstrap, BootstrapArgs, BootstrapId, BootstrapInputs, BootstrapOutputs, Stage};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    objects::marker_path,
    record::Record,
    steps::{World, advance, claim, clear, detail, or_gone},
    suspend::suspend,
};
use crate::{
    cx::Cx,
    error::{Error, Result},
    kubernetes::{described, out_of_reach},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
};

/// What only its creation could tell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BootstrapFacts {
    /// What the secrets are hashed with; not known after an import.
    salt: String,
}

impl Resource for Bootstrap {
    type Facts = BootstrapFacts;
    // Creating it twice makes one: all that it makes has a name, and is looked at before.
    const RECOVERY: Recovery = Recovery::Identity;
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_mins(20),
        update: Duration::from_mins(20),
        ..Timeouts::QUICK
    };
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &BootstrapInputs) -> Result<Created<Self>> {
        claim(&cx.cluster(&inputs.connection), inputs).await?;
        let id = format!("{}/{}", inputs.connection.cluster_name, inputs.flux_namespace);
        let salt = format!("{:032x}", rand::random::<u128>());
        let id = id.parse().map_err(|error| Error::Bug(format!("{error}")))?;
        Ok(Created::with(id, BootstrapFacts { salt }))
    }

    async fn read(cx: &Cx, id: &BootstrapId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let (inputs, salt) = match last {
            Some(last) => (last.inputs.clone(), last.facts.salt.as_str()),
            None => match imported(cx, id).await? {
                Some(inputs) => (inputs, ""),
                None => return Ok(None),
            },
        };
        let cluster = cx.cluster(&inputs.connection);
        let world = World::look(&cluster, &inputs).await?;
        if world.is_empty() {
            return Ok(None);
        }
        let stage = world.stage(&Record::of(&inputs, salt)?);
        let detail = match stage {
            Stage::Running => detail(&cluster, &inputs).await,
            _ => None,
        };
        let outputs = BootstrapOutputs {
            stage,
            detail,
            completed_at: world.completed_at(),
        };
        Ok(Some(Live {
            inputs,
            outputs,
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, _id: &BootstrapId, old: &State<Self>, new: &BootstrapInputs) -> Result<()> {
        let cluster = cx.cluster(&new.connection);
        if old.inputs.namespace != new.namespace {
            clear(&cluster, &old.inputs).await?;
        }
        let salt = &old.facts.salt;
        // Any salt will do to tell two of them apart.
        if Record::of(&old.inputs, "old and new")? != Record::of(new, "old and new")? {
            or_gone(cluster.delete(&marker_path(&new.flux_namespace)).await)?;
        }
        let desired = Record::of(new, salt)?;
        Box::pin(advance(&cluster, new, &desired)).await
    }

    async fn delete(cx: &Cx, id: &BootstrapId, state: &State<Self>) -> Result<()> {
        let cluster = cx.cluster(&state.inputs.connection);
        suspend(&cluster).await?;
        clear(&cluster, &state.inputs).await?;
        // Last: until then it can be found again.
        or_gone(cluster.delete(&marker_path(id.namespace())).await)
    }

    fn phase(live: &Live<Self>) -> Phase {
        let BootstrapOutputs { stage, detail, .. } = &live.outputs;
        match stage {
            Stage::Running => Phase::Pending(
                detail
                    .clone()
                    .unwrap_or_else(|| "flux bootstrap is about to run".to_owned()),
            ),
            Stage::Leaving => Phase::Pending("removing what the bootstrap needed".to_owned()),
            Stage::Open | Stage::Completed | Stage::Failed | Stage::Done => Phase::Ready,
        }
    }

    fn unfinished(live: &Live<Self>) -> Option<&'static str> {
        match live.outputs.stage {
            Stage::Open | Stage::Completed | Stage::Failed => Some("path"),
            Stage::Running | Stage::Leaving | Stage::Done => None,
        }
    }

    async fn foresee(cx: &Cx, inputs: &BootstrapArgs) -> Result<Vec<Finding>> {
        Ok(out_of_reach(cx, &inputs.connection).await)
    }
}

/// The inputs of one that is known by its id alone: those that its marker keeps.
async fn imported(cx: &Cx, id: &BootstrapId) -> Result<Option<BootstrapInputs>> {
    let Some(connection) = described(cx, id.cluster()).await? else {
        return Ok(None);
    };
    let cluster = cx.cluster(&connection);
    let world = World {
        marker: cluster.get(&marker_path(id.namespace())).await?,
        ..World::default()
    };
    let Some(done) = world.done() else { return Ok(None) };
    let mut inputs = Json::Object(done.inputs);
    // How the Job runs is kept by nobody: the defaults.
    let around = json!({"connection": connection, "namespace": "flux-bootstrap", "deadlineSeconds": 600});
    if let (Some(inputs), Json::Object(around)) = (inputs.as_object_mut(), around) {
        inputs.extend(around);
    }
    serde_json::from_value(inputs)
        .map(Some)
        .map_err(|error| Error::Invalid(format!("its marker was written by another groundwork: {error}")))
}
