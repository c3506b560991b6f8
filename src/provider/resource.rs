//! What a resource does: verbs, none of which waits, retries or knows of a preview.

use std::{fmt, time::Duration};

use groundwork_contract::{Contract, FromProperties, shape::Shape};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cx::Cx,
    error::{Error, Result},
    wait::Rhythm,
};

/// What a resource was when it was last seen.
#[derive(Debug, Clone)]
pub struct State<R: Resource> {
    /// As the user gave them, with defaults.
    pub inputs: R::Inputs,
    /// As AWS answered; `None` for what never settled.
    pub outputs: Option<R::Outputs>,
    /// What only its creation could tell.
    pub facts: R::Facts,
}

/// What a resource is now.
#[derive(Debug, Clone)]
pub struct Live<R: Resource> {
    /// As if the user had written them.
    pub inputs: R::Inputs,
    /// The rest.
    pub outputs: R::Outputs,
    /// Whether it carries the mark of a creation that was not yet safe.
    pub pending_mark: bool,
}

/// What `create` answers the moment AWS has named the thing.
#[derive(Debug)]
pub struct Created<R: Resource> {
    /// The id.
    pub id: R::Id,
    /// What only now can be known.
    pub facts: R::Facts,
    /// Why it did not come to its end, where what it began is there all the same: nothing more is tried in this run.
    pub trouble: Option<Error>,
}

impl<R: Resource> Created<R> {
    /// A creation that told something which must be kept.
    pub const fn with(id: R::Id, facts: R::Facts) -> Self {
        Self {
            id,
            facts,
            trouble: None,
        }
    }

    /// A creation with nothing to remember.
    pub fn new(id: R::Id) -> Self
    where
        R::Facts: Default,
    {
        Self::with(id, R::Facts::default())
    }
}

/// Whether a thing can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It can.
    Ready,
    /// Not yet; AWS's word for it.
    Pending(String),
    /// It never will; AWS's reason.
    Failed(String),
}

/// How a creation is found again whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// By the tag that the create call itself sets. The word is the `resource-type` filter of EC2's `DescribeTags`.
    Ec2Tag(&'static str),
    /// By what it is: one that exists and is identical is the one, see [`Resource::find`]. For what has a name of the
    /// user's (`find` is then one call of [`crate::engine::ours`]) and for what has no tags.
    Identity,
    /// As `Identity`, but looked for before the creation as well: nothing keeps AWS from making a second one.
    Look,
    /// By the tag that the create call itself sets, on a key of KMS: `find` looks for it before the creation as well.
    KmsTag,
}

/// What carries a mark, and lets it be taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// A thing of EC2's.
    Ec2,
    /// A key of KMS.
    Kms,
}

impl Recovery {
    /// What carries the mark, if anything does.
    pub const fn carrier(self) -> Option<Carrier> {
        match self {
            Self::Ec2Tag(_) => Some(Carrier::Ec2),
            Self::KmsTag => Some(Carrier::Kms),
            Self::Identity | Self::Look => None,
        }
    }
}

/// How long each verb may take, unless the user says otherwise by `customTimeouts`.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Create, and settle.
    pub create: Duration,
    /// Update, and settle.
    pub update: Duration,
    /// Delete, until gone.
    pub delete: Duration,
}

impl Timeouts {
    /// For what settles within seconds, and is deleted once nothing uses it any more.
    pub const QUICK: Self = Self {
        create: Duration::from_mins(5),
        update: Duration::from_mins(5),
        delete: Duration::from_mins(20),
    };
    /// For what takes minutes.
    pub const MINUTES: Self = Self {
        create: Duration::from_mins(15),
        update: Duration::from_mins(15),
        delete: Duration::from_mins(30),
    };
}

/// Something that only the world can tell at preview.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which property, if any.
    pub property: Option<&'static str>,
    /// What was found, and what to do.
    pub message: String,
    /// Whether `up` would fail.
    pub fatal: bool,
}

/// The verbs of a resource type.
pub trait Resource:
    Contract<
        Id: fmt::Display + std::str::FromStr<Err: fmt::Display> + Eq,
        Inputs: Shape + Clone + fmt::Debug + Send + Sync,
        Outputs: Shape + Clone + fmt::Debug + Send + Sync,
        Args: FromProperties + Send + Sync,
    > + Sized
{
    /// What only the creation can tell (adopted or made, what to put back).
    type Facts: Serialize + DeserializeOwned + Default + Clone + fmt::Debug + Send + Sync;

    /// How a creation is found again whose answer was lost.
    const RECOVERY: Recovery;
    /// How long each verb may take.
    const TIMEOUTS: Timeouts = Timeouts::QUICK;
    /// How often it helps to look.
    const RHYTHM: Rhythm = Rhythm::QUICK;
    /// Whether AWS lets only one of its identity exist, so that the old one must go before a new one comes.
    const UNIQUE: bool = false;

    /// Asks AWS for it and returns the moment it has a name.
    fn create(cx: &Cx, inputs: &Self::Inputs) -> impl Future<Output = Result<Created<Self>>> + Send;

    /// What it is now; `None` when it is gone. `last` is absent at import.
    fn read(
        cx: &Cx,
        id: &Self::Id,
        last: Option<&State<Self>>,
    ) -> impl Future<Output = Result<Option<Live<Self>>>> + Send;

    /// Asks AWS to change what can be changed in place. Doing it twice does no harm.
    fn update(cx: &Cx, id: &Self::Id, old: &State<Self>, new: &Self::Inputs)
    -> impl Future<Output = Result<()>> + Send;

    /// Asks AWS to remove it. What is gone already is success. What takes several steps takes the first that is open and
    /// answers [`crate::error::Error::Pending`]: the engine waits and asks again.
    fn delete(cx: &Cx, id: &Self::Id, state: &State<Self>) -> impl Future<Output = Result<()>> + Send;

    /// Whether it can be used.
    fn phase(live: &Live<Self>) -> Phase {
        let _ = live;
        Phase::Ready
    }

    /// The input that its creation has not seen to yet, where inputs alone cannot tell: it counts as one that differs.
    fn unfinished(live: &Live<Self>) -> Option<&'static str> {
        let _ = live;
        None
    }

    /// Whether its deletion leaves something that goes on existing under the same id (an adopted thing).
    fn outlives_delete(state: &State<Self>) -> bool {
        let _ = state;
        false
    }

    /// Looks after a deletion that lasts, each time that it is looked at: what would keep it up for ever may be ended once
    /// it has taken too long, counted from when AWS took it.
    fn nudge(
        cx: &Cx,
        id: &Self::Id,
        state: &State<Self>,
        elapsed: Duration,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, id, state, elapsed);
        std::future::ready(Ok(()))
    }

    /// How long it must stay gone: AWS makes some things anew. What comes back is deleted again.
    fn quiet(state: &State<Self>) -> Duration {
        let _ = state;
        Duration::ZERO
    }

    /// Removes what AWS leaves behind of it once it is gone, and names what is still there: the engine asks until nothing
    /// is. Only what is provably of this very thing is touched.
    fn leftovers(cx: &Cx, id: &Self::Id, state: &State<Self>) -> impl Future<Output = Result<Vec<String>>> + Send {
        let _ = (cx, id, state);
        std::future::ready(Ok(Vec::new()))
    }

    /// One that exists and is identical to what is asked for ([`Recovery::Identity`], [`Recovery::Look`]).
    fn find(cx: &Cx, inputs: &Self::Inputs) -> impl Future<Output = Result<Option<Self::Id>>> + Send {
        let _ = (cx, inputs);
        std::future::ready(Ok(None))
    }

    /// What keeps it from being deleted, each with id, description and owner.
    fn obstacles(cx: &Cx, id: &Self::Id) -> impl Future<Output = Result<Vec<String>>> + Send {
        let _ = (cx, id);
        std::future::ready(Ok(Vec::new()))
    }

    /// What only the world can tell at preview. Reads, never acts.
    fn foresee(cx: &Cx, inputs: &Self::Args) -> impl Future<Output = Result<Vec<Finding>>> + Send {
        let _ = (cx, inputs);
        std::future::ready(Ok(Vec::new()))
    }
}
