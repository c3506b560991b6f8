//! A resource of no cloud, scripted by the test: it does what AWS does on a bad day.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use groundwork_contract::{Contract, Failure, Input, Ipv6Cidr, Tags};
use groundwork_contract_derive::{resource, shape};
use groundwork_wire::Urn;
use serde::{Deserialize, Serialize};

use crate::{
    cx::Cx,
    error::{AwsFault, Error, Kind, Result},
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
    wait::Rhythm,
};

groundwork_contract::text_type!(
    /// A thing's id.
    ThingId, "a thing's id", "thing-1", |text| {
        match text.strip_prefix("thing-").map(str::parse::<u32>) {
            Some(Ok(_)) => Ok(text.to_owned()),
            _ => Err("expected `thing-` and a number".to_owned()),
        }
    }
);

/// A thing, with one property of each kind.
#[resource("groundwork:trial:Thing", ThingId, check = check)]
pub(crate) struct Thing;

/// What a thing is made from.
#[shape]
pub(crate) struct ThingInputs {
    /// Where it stands.
    #[immutable]
    pub(crate) place: String,
    /// How large it is; its creation cannot say it.
    #[default(1)]
    pub(crate) size: u32,
    /// Addresses, which can be spelled in many ways.
    pub(crate) range: Option<Ipv6Cidr>,
    /// Which zone; AWS chooses when none is given.
    #[immutable]
    #[computed]
    pub(crate) zone: Option<String>,
    /// What is never given back.
    #[create_only]
    #[secret]
    pub(crate) word: Option<String>,
    /// Who belongs to it.
    pub(crate) members: Option<Vec<String>>,
    /// Tags.
    pub(crate) tags: Option<Tags>,
}

/// What a thing answers.
#[shape(outputs)]
pub(crate) struct ThingOutputs {
    /// Its serial number.
    #[stable]
    pub(crate) serial: String,
    /// `ready`, or not.
    pub(crate) state: String,
}

fn check(args: &ThingArgs) -> Vec<Failure> {
    let size = args.size.as_ref().and_then(Input::known);
    size.filter(|size| *size > 100)
        .map(|size| Failure::at("size", format!("no thing is as large as {size}")))
        .into_iter()
        .collect()
}

/// The same without tags, and only one of each place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link;

impl Contract for Link {
    const TOKEN: &'static str = "groundwork:trial:Link";
    type Id = ThingId;
    type Inputs = ThingInputs;
    type Outputs = ThingOutputs;
    type Args = ThingArgs;
    type Refs = ThingRefs;
}

/// What only the creation can tell.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    adopted: bool,
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// As it should.
    Act,
    /// With this code, and nothing happened.
    Refuse(&'static str),
    /// With this code and in these words, and nothing happened.
    Say(&'static str, &'static str),
    /// It happened, and the answer was lost.
    Lost,
    /// It did not happen, and there was no answer.
    Dropped,
    /// It began, and ended with this code.
    Begun(&'static str),
}

/// What a look shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    /// Nothing, yet.
    Unseen,
    /// It is not ready.
    Pending,
    /// It never will be.
    Failed,
    /// It can be used, and something is left to do.
    Half,
}

/// A thing that exists.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) inputs: ThingInputs,
    pub(crate) mark: String,
}

/// Everything there is for one URN, and what happens next.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) things: BTreeMap<String, Body>,
    /// What was deleted, and is seen as long as looks are scripted.
    pub(crate) gone: BTreeMap<String, Body>,
    /// By verb; what is not scripted succeeds.
    pub(crate) answers: BTreeMap<&'static str, VecDeque<Answer>>,
    /// What the next looks show; then things as they are.
    pub(crate) looks: VecDeque<Look>,
    /// Every call of a verb.
    pub(crate) calls: Vec<&'static str>,
    /// Updates are accepted and not kept.
    pub(crate) forgetful: bool,
    pub(crate) obstacles: Vec<String>,
    /// Deletions that must end something else first.
    pub(crate) steps: usize,
    /// How often it comes back by itself.
    pub(crate) rebirths: usize,
    /// What is left of it once it is gone; each look clears one.
    pub(crate) leftovers: Vec<String>,
    /// How long its deletion had taken at the last nudge.
    pub(crate) nudged: Duration,
    pub(crate) foreseen: Vec<Finding>,
}

impl World {
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.calls.iter().filter(|call| **call == verb).count()
    }

    fn answer(&mut self, verb: &'static str) -> Result<Answer> {
        self.calls.push(verb);
        match self.answers.get_mut(verb).and_then(VecDeque::pop_front) {
            Some(Answer::Refuse(code)) => Err(Error::refused("trial", verb, code, "not today", Some("request-1"))),
            Some(Answer::Say(code, words)) => Err(Error::refused("trial", verb, code, words, Some("request-1"))),
            Some(Answer::Dropped) => Err(lost(verb)),
            answer => Ok(answer.unwrap_or(Answer::Act)),
        }
    }
}

fn lost(verb: &'static str) -> Error {
    Error::Aws(Box::new(AwsFault {
        service: "trial",
        operation: verb,
        code: String::new(),
        message: "connection reset".to_owned(),
        request_id: None,
        kind: Kind::Unclear,
    }))
}

/// Verbs have no world of their own, so it is found by the resource's name.
static WORLDS: LazyLock<Mutex<BTreeMap<Urn, Arc<Mutex<World>>>>> = LazyLock::new(Mutex::default);

pub(crate) fn world(urn: &Urn) -> Arc<Mutex<World>> {
    Arc::clone(lock(&WORLDS).entry(urn.clone()).or_default())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended(answer: Answer, verb: &'static str) -> Result<()> {
    match answer {
        Answer::Lost => Err(lost(verb)),
        _ => Ok(()),
    }
}

macro_rules! verbs {
    ($thing:ty: $($constants:item)+) => {
        impl Resource for $thing {
            type Facts = Facts;
            $($constants)+

            async fn create(cx: &Cx, inputs: &ThingInputs) -> Result<Created<Self>> {
                let world = world(&cx.urn);
                let mut world = lock(&world);
                let answer = world.answer("create")?;
                let id = format!("thing-{}", world.things.len() + 1);
                let inputs = ThingInputs { size: 1, ..inputs.clone() };
                let adopted = inputs.place == "adopted";
                world.things.insert(id.clone(), Body { inputs, mark: cx.mark.clone() });
                ended(answer, "create")?;
                let created = Created::with(id.parse().unwrap(), Facts { adopted });
                Ok(match answer {
                    Answer::Begun(code) => {
                        let why = Error::refused("trial", "create", code, "half way", None);
                        Created { trouble: Some(why), ..created }
                    }
                    _ => created,
                })
            }

            async fn read(cx: &Cx, id: &ThingId, _last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
                let world = world(&cx.urn);
                let mut world = lock(&world);
                world.answer("read")?;
                let look = world.looks.pop_front();
                let state = match look {
                    Some(Look::Unseen) => return Ok(None),
                    Some(Look::Pending) => "pending",
                    Some(Look::Failed) => "failed",
                    Some(Look::Half) => "half",
                    None => "ready",
                };
                // Somebody makes it anew, the second time that it is looked for.
                if world.calls.ends_with(&["read", "read"])
                    && let Some(left) = world.rebirths.checked_sub(1)
                    && let Some((id, body)) = world.gone.remove_entry(id.as_str())
                {
                    world.rebirths = left;
                    world.things.insert(id, body);
                }
                let gone = || look.and(world.gone.get(id.as_str()));
                let Some(Body { inputs, mark }) = world.things.get(id.as_str()).or_else(gone).cloned() else {
                    return Ok(None);
                };
                Ok(Some(Live {
                    inputs: ThingInputs {
                        zone: inputs.zone.or_else(|| Some("zone-1".to_owned())),
                        word: None,
                        members: inputs.members.filter(|members| !members.is_empty()),
                        ..inputs
                    },
                    outputs: ThingOutputs { serial: format!("serial of {id}"), state: state.to_owned() },
                    pending_mark: !mark.is_empty(),
                }))
            }

            async fn update(cx: &Cx, id: &ThingId, _old: &State<Self>, new: &ThingInputs) -> Result<()> {
                let world = world(&cx.urn);
                let mut world = lock(&world);
                let answer = world.answer("update")?;
                if !world.forgetful && let Some(body) = world.things.get_mut(id.as_str()) {
                    body.inputs = new.clone();
                }
                ended(answer, "update")
            }

            async fn delete(cx: &Cx, id: &ThingId, _state: &State<Self>) -> Result<()> {
                let world = world(&cx.urn);
                let mut world = lock(&world);
                let answer = world.answer("delete")?;
                if let Some(left) = world.steps.checked_sub(1) {
                    world.steps = left;
                    return Err(Error::Pending("switching something off".to_owned()));
                }
                if let Some((id, body)) = world.things.remove_entry(id.as_str()) {
                    world.gone.insert(id, body);
                }
                ended(answer, "delete")
            }

            fn phase(live: &Live<Self>) -> Phase {
                match live.outputs.state.as_str() {
                    "ready" | "half" => Phase::Ready,
                    "failed" => Phase::Failed("it broke".to_owned()),
                    word => Phase::Pending(word.to_owned()),
                }
            }

            fn unfinished(live: &Live<Self>) -> Option<&'static str> {
                (live.outputs.state == "half").then_some("members")
            }

            fn outlives_delete(state: &State<Self>) -> bool {
                state.facts.adopted
            }

            async fn find(cx: &Cx, inputs: &ThingInputs) -> Result<Option<ThingId>> {
                let world = world(&cx.urn);
                let mut world = lock(&world);
                world.calls.push("find");
                let found = world.things.iter().find(|(_, body)| body.inputs.place == inputs.place);
                Ok(found.map(|(id, _)| id.parse().unwrap()))
            }

            async fn nudge(cx: &Cx, _id: &ThingId, _state: &State<Self>, elapsed: Duration) -> Result<()> {
                lock(&world(&cx.urn)).nudged = elapsed;
                Ok(())
            }

            fn quiet(state: &State<Self>) -> Duration {
                // A state has no world: the place says it.
                let seconds = state.inputs.place.strip_prefix("quiet for ").and_then(|text| text.parse().ok());
                seconds.map_or(Duration::ZERO, Duration::from_secs)
            }

            async fn leftovers(cx: &Cx, _id: &ThingId, _state: &State<Self>) -> Result<Vec<String>> {
                let world = world(&cx.urn);
                let mut world = lock(&world);
                let left = world.leftovers.clone();
                world.calls.push("leftovers");
                world.leftovers.pop();
                Ok(left)
            }

            async fn obstacles(cx: &Cx, _id: &ThingId) -> Result<Vec<String>> {
                Ok(lock(&world(&cx.urn)).obstacles.clone())
            }

            async fn foresee(cx: &Cx, _inputs: &ThingArgs) -> Result<Vec<Finding>> {
                Ok(lock(&world(&cx.urn)).foreseen.clone())
            }
        }
    };
}

verbs! {
    Thing:
    const RECOVERY: Recovery = Recovery::Ec2Tag("thing");
    const TIMEOUTS: Timeouts = Timeouts::MINUTES;
    const RHYTHM: Rhythm = Rhythm::MINUTES;
}

verbs! {
    Link:
    const RECOVERY: Recovery = Recovery::Identity;
    const UNIQUE: bool = true;
}
