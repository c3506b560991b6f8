//! A platform's stamp: it exists in the engine's state alone.

use groundwork_contract::{Stamp, StampId, StampInputs, StampOutputs};

use crate::{
    cx::Cx,
    error::{Error, Result},
    resource::{Created, Live, Recovery, Resource, State},
};

impl Resource for Stamp {
    type Facts = ();
    const RECOVERY: Recovery = Recovery::Identity;

    async fn create(_cx: &Cx, _inputs: &StampInputs) -> Result<Created<Self>> {
        let stamp = format!("gw-{:016x}", rand::random::<u64>());
        stamp
            .parse()
            .map(Created::new)
            .map_err(|error| Error::Bug(format!("{error}")))
    }

    async fn read(_cx: &Cx, _id: &StampId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        Ok(Some(Live {
            inputs: StampInputs {},
            outputs: StampOutputs {},
            pending_mark: false,
        }))
    }

    async fn update(_cx: &Cx, _id: &StampId, _old: &State<Self>, _new: &StampInputs) -> Result<()> {
        Ok(())
    }

    async fn delete(_cx: &Cx, _id: &StampId, _state: &State<Self>) -> Result<()> {
        Ok(())
    }

    fn outlives_delete(_state: &State<Self>) -> bool {
        // There is nothing to look at.
        true
    }
}
