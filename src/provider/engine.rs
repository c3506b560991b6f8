//! The engine: create, read, update, delete as Pulumi means them; once, for every resource.
//!
//! - Create = create → keep the id → converge → the state is what `read` says.
//! - Update = update → converge. Delete = delete → until gone.
//! - Any failure after there is an id answers with the id and the state, and the next `up` goes on from there.

use std::{marker::PhantomData, time::Duration};

use async_trait::async_trait;
use groundwork_contract::{
    FromProperties,
    descriptor::Descriptor,
    shape::{FieldSpec, ObjectSpec, Spec},
    tags::STAMP,
};
use groundwork_wire::{PropertyMap, PropertyValue};

use crate::{
    cx::Cx,
    error::{Error, Kind, Result},
    marks::Marks,
    resource::{Created, Finding, Live, Phase, Recovery, Resource, State, Timeouts},
    state,
    wait::{Ended, Rhythm, Waiter},
};

/// What goes into the engine's state.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The id.
    pub id: String,
    /// Inputs, outputs and origin.
    pub properties: PropertyMap,
}

/// How a Create or an Update ended once there was an id.
#[derive(Debug)]
pub enum Outcome {
    /// As asked for.
    Settled(Saved),
    /// Not yet, or not at all; the state keeps what there is.
    Unsettled {
        /// What there is.
        saved: Saved,
        /// Why.
        why: Error,
    },
}

/// What Read answers.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The id.
    pub id: String,
    /// As Check would have left them.
    pub inputs: PropertyMap,
    /// Inputs, outputs and origin.
    pub properties: PropertyMap,
    /// Why it cannot be used, if it cannot.
    pub unusable: Option<String>,
}

/// A resource type without its types; the registry holds these.
#[async_trait]
pub trait Erased: Send + Sync {
    /// Its contract.
    fn descriptor(&self) -> &Descriptor;
    /// Its default time limits.
    fn timeouts(&self) -> Timeouts;
    /// Whether the old one must go before a new one comes.
    fn unique(&self) -> bool;
    /// Whether AWS knows it by what the user calls it, so that even a failed one keeps another of its name out.
    fn named(&self) -> bool;
    /// Why the state's resource can never be used, if it cannot.
    fn lost(&self, properties: &PropertyMap, inputs: &PropertyMap) -> Option<String>;
    /// The input that the state's resource still has to be seen to for, though it does not differ.
    fn unfinished(&self, properties: &PropertyMap, inputs: &PropertyMap) -> Option<&'static str>;
    /// Makes it.
    ///
    /// # Errors
    /// There is no id.
    async fn create(&self, cx: &Cx, marks: &Marks, inputs: &PropertyMap, limit: Duration) -> Result<Outcome>;
    /// Looks at it; `None` when it is gone.
    ///
    /// # Errors
    /// Whether it is there could not be told.
    async fn read(
        &self,
        cx: &Cx,
        marks: &Marks,
        id: &str,
        last: Option<(&PropertyMap, &PropertyMap)>,
    ) -> Result<Option<Seen>>;
    /// Changes it in place.
    ///
    /// # Errors
    /// Nothing that the state should know has changed.
    async fn update(
        &self,
        cx: &Cx,
        id: &str,
        old: &Previous<'_>,
        new: &PropertyMap,
        limit: Duration,
    ) -> Result<Outcome>;
    /// Removes it.
    ///
    /// # Errors
    /// It is, or may be, still there.
    async fn delete(&self, cx: &Cx, marks: &Marks, id: &str, old: &Previous<'_>, limit: Duration) -> Result<()>;
    /// What only the world can tell at preview.
    ///
    /// # Errors
    /// The world did not answer.
    async fn foresee(&self, cx: &Cx, inputs: &PropertyMap) -> Result<Vec<Finding>>;
}

/// The state before an operation.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'a> {
    /// Inputs, outputs and origin.
    pub properties: &'a PropertyMap,
    /// The inputs alone.
    pub inputs: &'a PropertyMap,
}

/// A resource type behind [`Erased`].
pub struct Of<R> {
    descriptor: Descriptor,
    resource: PhantomData<fn() -> R>,
}

impl<R: Resource> Default for Of<R> {
    fn default() -> Self {
        Self {
            descriptor: Descriptor::of::<R>(),
            resource: PhantomData,
        }
    }
}

impl<R> std::fmt::Debug for Of<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.descriptor.token)
    }
}

#[async_trait]
impl<R: Resource> Erased for Of<R> {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn timeouts(&self) -> Timeouts {
        R::TIMEOUTS
    }

    fn unique(&self) -> bool {
        R::UNIQUE
    }

    fn named(&self) -> bool {
        R::RECOVERY.carrier().is_none()
    }

    fn lost(&self, properties: &PropertyMap, inputs: &PropertyMap) -> Option<String> {
        match R::phase(&remembered::<R>(properties, inputs)?) {
            Phase::Failed(reason) => Some(reason),
            Phase::Ready | Phase::Pending(_) => None,
        }
    }

    fn unfinished(&self, properties: &PropertyMap, inputs: &PropertyMap) -> Option<&'static str> {
        R::unfinished(&remembered::<R>(properties, inputs)?)
    }

    async fn create(&self, cx: &Cx, marks: &Marks, inputs: &PropertyMap, limit: Duration) -> Result<Outcome> {
        let desired: R::Inputs = state::from_properties(inputs)?;
        let Created { id, facts, trouble } = bring::<R>(cx, marks, &desired, limit).await?;
        let known = State {
            inputs: desired,
            outputs: None,
            facts,
        };
        let outcome = match trouble {
            None => self.converge(cx, &id, inputs, &known, limit).await?,
            Some(why) => {
                let seen = R::read(cx, &id, Some(&known)).await.ok().flatten();
                self.outcome(cx, &id, inputs, &known, seen.as_ref(), Err(why))?
            }
        };
        // Answered with an id, settled or not: the state has it from here on.
        if let Some(carrier) = R::RECOVERY.carrier() {
            marks.note_safe(carrier, &id.to_string());
        }
        Ok(outcome)
    }

    async fn read(
        &self,
        cx: &Cx,
        marks: &Marks,
        id: &str,
        last: Option<(&PropertyMap, &PropertyMap)>,
    ) -> Result<Option<Seen>> {
        let parsed = parse_id::<R>(id)?;
        let known = match last {
            Some((properties, inputs)) => {
                state::check_home(&cx.aws, properties)?;
                // A `get` knows the id and perhaps a property or two: too little for a state.
                state::decode::<R>(&cx.aws, properties, inputs).ok()
            }
            None => None,
        };
        let Some(live) = R::read(cx, &parsed, known.as_ref()).await? else {
            return Ok(None);
        };
        if live.pending_mark
            && let Some(carrier) = R::RECOVERY.carrier()
        {
            marks.note_safe(carrier, id);
        }
        let facts = known.map(|known| known.facts).unwrap_or_default();
        let full = state::to_properties(&live.inputs)?;
        let inputs = self.as_checked(&full, last.map(|(_, inputs)| inputs));
        let unusable = match R::phase(&live) {
            Phase::Failed(reason) => Some(reason),
            Phase::Ready | Phase::Pending(_) => None,
        };
        let mut merged = full;
        merged.extend(inputs.clone());
        let properties = state::encode::<R>(&cx.aws, &self.descriptor, &merged, Some(&live.outputs), &facts)?;
        Ok(Some(Seen {
            id: id.to_owned(),
            inputs,
            properties,
            unusable,
        }))
    }

    async fn update(
        &self,
        cx: &Cx,
        id: &str,
        old: &Previous<'_>,
        new: &PropertyMap,
        limit: Duration,
    ) -> Result<Outcome> {
        let parsed = parse_id::<R>(id)?;
        let known = state::decode::<R>(&cx.aws, old.properties, old.inputs)?;
        let desired: R::Inputs = state::from_properties(new)?;
        // Without a difference there is only a wait to go on with.
        if !self.descriptor.diff(old.inputs, new).is_empty() {
            repeat(cx, limit, || R::update(cx, &parsed, &known, &desired)).await?;
        }
        let known = State {
            inputs: desired,
            ..known
        };
        self.converge(cx, &parsed, new, &known, limit).await
    }

    async fn delete(&self, cx: &Cx, marks: &Marks, id: &str, old: &Previous<'_>, limit: Duration) -> Result<()> {
        state::check_home(&cx.aws, old.properties)?;
        if marks.is_kept(R::TOKEN, id) {
            // The replacement turned out to be the same thing: deleting the old one would take the new one away.
            return Ok(());
        }
        let parsed = parse_id::<R>(id)?;
        let known = state::decode::<R>(&cx.aws, old.properties, old.inputs)?;
        remove::<R>(cx, &parsed, &known, limit).await?;
        // An untagged thing may go by the id of a tagged one, as an association goes by its subnet's.
        if let Some(carrier) = R::RECOVERY.carrier() {
            marks.forget(carrier, id);
        }
        Ok(())
    }

    async fn foresee(&self, cx: &Cx, inputs: &PropertyMap) -> Result<Vec<Finding>> {
        R::foresee(cx, &R::Args::from_properties(inputs)).await
    }
}

impl<R: Resource> Of<R> {
    /// Waits until the thing can be used and is as desired; asks for what its creation could not say.
    /// `known.inputs` are the desired ones, typed.
    async fn converge(
        &self,
        cx: &Cx,
        id: &R::Id,
        desired: &PropertyMap,
        known: &State<R>,
        limit: Duration,
    ) -> Result<Outcome> {
        let mut seen: Option<Live<R>> = None;
        let ended = settle(cx, id, known, desired, &self.descriptor, limit, &mut seen).await;
        self.outcome(cx, id, desired, known, seen.as_ref(), ended)
    }

    /// What the state keeps of how it ended, and of what was seen last.
    fn outcome(
        &self,
        cx: &Cx,
        id: &R::Id,
        desired: &PropertyMap,
        known: &State<R>,
        seen: Option<&Live<R>>,
        ended: Result<()>,
    ) -> Result<Outcome> {
        let outputs = seen.map(|live| &live.outputs);
        let mut properties = seen
            .map(|live| state::to_properties(&live.inputs))
            .transpose()?
            .unwrap_or_default();
        // The user's own spelling wins over AWS's.
        properties.extend(desired.clone());
        let saved = Saved {
            id: id.to_string(),
            properties: state::encode::<R>(&cx.aws, &self.descriptor, &properties, outputs, &known.facts)?,
        };
        Ok(match ended {
            Ok(()) => Outcome::Settled(saved),
            Err(why) => Outcome::Unsettled { saved, why },
        })
    }

    /// Live inputs as Check would have left them, see [`as_given`].
    fn as_checked(&self, live: &PropertyMap, last: Option<&PropertyMap>) -> PropertyMap {
        self.descriptor
            .with_secrets(as_given(&self.descriptor.inputs, live, last))
    }
}

/// What is there as the user gave it: the user's spelling where it means the same, nothing where the user left the choice
/// to AWS, what AWS never gives back as it was, and secret what was given as a secret; at any depth.
fn as_given(spec: &ObjectSpec, live: &PropertyMap, last: Option<&PropertyMap>) -> PropertyMap {
    let mut inputs = PropertyMap::new();
    for FieldSpec { name, spec, flags, .. } in &spec.fields {
        let given = last.and_then(|last| last.get(*name)).filter(|value| !value.is_null());
        let live = live.get(*name);
        let value = match (live, given) {
            (_, Some(given)) if flags.create_only => Some(given.clone()),
            (Some(live), Some(given)) if groundwork_contract::diff::same(spec, given, live) => Some(given.clone()),
            (None, Some(given)) if is_empty(given) => Some(given.clone()),
            (Some(_), None) if flags.computed && last.is_some() => None,
            (Some(live), Some(given)) => {
                let value = match (spec, live, given.plain()) {
                    (Spec::Object(spec), PropertyValue::Object(live), PropertyValue::Object(given)) => {
                        PropertyValue::Object(as_given(spec, live, Some(given)))
                    }
                    _ => live.clone(),
                };
                Some(value.secret_as(given))
            }
            (live, _) => live.cloned(),
        };
        if let Some(value) = value {
            inputs.insert((*name).to_owned(), value);
        }
    }
    inputs
}

/// What the state has, as if it were looked at; nothing where it never settled.
fn remembered<R: Resource>(properties: &PropertyMap, inputs: &PropertyMap) -> Option<Live<R>> {
    Some(Live {
        inputs: state::from_properties(if inputs.is_empty() { properties } else { inputs }).ok()?,
        outputs: state::from_properties(properties).ok()?,
        pending_mark: false,
    })
}

/// An empty list or map says as little as none at all.
fn is_empty(value: &PropertyValue) -> bool {
    match value.plain() {
        PropertyValue::Array(items) => items.is_empty(),
        PropertyValue::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn parse_id<R: Resource>(id: &str) -> Result<R::Id> {
    id.parse().map_err(|error| Error::Invalid(format!("{error}")))
}

/// How long AWS's copies may differ: what was just made is missing, what was just asked for looks as it did before.
const COPIES: Duration = Duration::from_mins(1);

/// How long calls that do no harm may get no usable answer before that is told.
const UNANSWERED: Duration = Duration::from_mins(5);

/// How long it is tried while AWS does not see, or not in full, what is new in IAM or KMS. AWS gives no bound.
pub(crate) const PROPAGATION: Duration = Duration::from_mins(2);

/// How long to be patient with an error that passes once all of AWS's copies know of what it refers to.
const fn unseen(kind: Kind) -> Option<Duration> {
    match kind {
        Kind::Missing => Some(COPIES),
        Kind::NotYet => Some(PROPAGATION),
        _ => None,
    }
}

/// How long what a lost answer made may take to be seen. AWS gives no bound.
const VISIBILITY: Duration = Duration::from_secs(1);

/// Asks AWS for it until there is an id, and never for two.
async fn bring<R: Resource>(cx: &Cx, marks: &Marks, inputs: &R::Inputs, limit: Duration) -> Result<Created<R>> {
    if let Recovery::Ec2Tag(kind) = R::RECOVERY {
        let marked = marks.recover(&cx.aws, kind, &cx.mark).await?;
        if let Some(id) = alive::<R>(cx, marked).await? {
            return Ok(taken_over(cx, marks, id));
        }
    }
    if matches!(R::RECOVERY, Recovery::Look | Recovery::KmsTag)
        && let Some(id) = R::find(cx, inputs).await?
    {
        return Ok(taken_over(cx, marks, id));
    }
    let mut waiter = Waiter::new(Rhythm::QUICK, limit, &cx.cancel);
    loop {
        let error = match R::create(cx, inputs).await {
            Ok(created) => return Ok(created),
            Err(error) => error,
        };
        let paused = match error.kind() {
            kind if unseen(kind).is_some_and(|patience| waiter.elapsed() < patience) => waiter.pause().await,
            // Nothing happened, and it may yet.
            Kind::Throttled => waiter.pause().await,
            // Something else is under way that has to end first: one update, one Fargate profile at a time.
            Kind::Busy => {
                cx.status("waiting for what is under way", waiter.elapsed());
                waiter.pause().await
            }
            Kind::Unclear => {
                let paused = waiter.pause_at_least(VISIBILITY).await;
                if let Some(id) = find_lost::<R>(cx, marks, inputs).await? {
                    return Ok(taken_over(cx, marks, id));
                }
                paused
            }
            Kind::Exists => match find_lost::<R>(cx, marks, inputs).await? {
                Some(id) => return Ok(taken_over(cx, marks, id)),
                None => return Err(error),
            },
            _ => return Err(error),
        };
        cx.log.debug(&cx.urn, format!("trying again: {error}"));
        if paused.is_err() {
            return Err(error);
        }
    }
}

/// Looks for what a lost answer may have made.
async fn find_lost<R: Resource>(cx: &Cx, marks: &Marks, inputs: &R::Inputs) -> Result<Option<R::Id>> {
    match R::RECOVERY {
        // What exists already may be what an answer before this one made; only the mark can tell.
        Recovery::Ec2Tag(kind) => {
            let marked = marks.recover_now(&cx.aws, kind, &cx.mark).await?;
            alive::<R>(cx, marked).await
        }
        Recovery::Identity | Recovery::Look | Recovery::KmsTag => R::find(cx, inputs).await,
    }
}

/// A named thing, if it is ours: everything that AWS cannot change is as asked for, and, where it can carry tags, it
/// carries those that are asked for with the platform's stamp among them. A name alone proves nothing.
///
/// # Errors
/// It could not be looked at.
pub(crate) async fn ours<R: Resource>(cx: &Cx, id: R::Id, inputs: &R::Inputs) -> Result<Option<R::Id>> {
    let Some(live) = R::read(cx, &id, None).await? else {
        return Ok(None);
    };
    let descriptor = Descriptor::of::<R>();
    let desired = state::to_properties(inputs)?;
    let changes = descriptor.diff(&state::to_properties(&live.inputs)?, &desired);
    let stamped = || {
        let tags = desired.get("tags").and_then(PropertyValue::as_object);
        tags.is_some_and(|tags| tags.contains_key(STAMP))
    };
    let same = changes.iter().all(|(path, change)| {
        let tag = descriptor.has_tags() && path.to_string().starts_with("tags");
        !change.replace && !tag
    });
    Ok((same && (!descriptor.has_tags() || stamped())).then_some(id))
}

/// The first of these that is there and can still become usable: AWS shows the tags of what is deleted for a while.
async fn alive<R: Resource>(cx: &Cx, marked: Vec<String>) -> Result<Option<R::Id>> {
    for id in marked {
        let id = parse_id::<R>(&id)?;
        match R::read(cx, &id, None).await? {
            Some(live) if !matches!(R::phase(&live), Phase::Failed(_)) => return Ok(Some(id)),
            _ => {}
        }
    }
    Ok(None)
}

fn taken_over<R: Resource>(cx: &Cx, marks: &Marks, id: R::Id) -> Created<R> {
    marks.note_taken_over(&cx.urn, R::TOKEN, &id.to_string());
    cx.log
        .info(Some(&cx.urn), format!("taking over {id}, which an earlier run began"));
    Created::new(id)
}

/// Looks until the thing is ready and as desired; `seen` keeps the last look.
async fn settle<R: Resource>(
    cx: &Cx,
    id: &R::Id,
    known: &State<R>,
    desired: &PropertyMap,
    descriptor: &Descriptor,
    limit: Duration,
    seen: &mut Option<Live<R>>,
) -> Result<()> {
    // AWS answers reads from several copies: a change may take some looks to be seen.
    const CORRECTIONS: usize = 20;
    let mut waiter = Waiter::new(R::RHYTHM, limit, &cx.cancel);
    let mut corrections = 0;
    loop {
        let phase = match see::<R>(cx, id, known, &mut waiter).await? {
            None => "not to be seen yet".to_owned(),
            Some(live) => {
                let phase = R::phase(&live);
                let live = seen.insert(live);
                match phase {
                    Phase::Failed(reason) => return Err(Error::Failed(reason)),
                    Phase::Pending(word) => word,
                    Phase::Ready => {
                        let mut inputs = state::to_properties(&live.inputs)?;
                        // AWS has no empty lists: what was asked for as one and is not there is there.
                        for (name, value) in desired.iter().filter(|(_, value)| is_empty(value)) {
                            inputs.entry(name.clone()).or_insert_with(|| value.clone());
                        }
                        let changes = descriptor.diff(&inputs, desired);
                        let apart: Vec<String> = changes
                            .iter()
                            .filter(|(_, change)| !change.replace)
                            .map(|(path, _)| path.to_string())
                            .chain(R::unfinished(live).map(str::to_owned))
                            .collect();
                        if apart.is_empty() {
                            return Ok(());
                        }
                        if corrections == CORRECTIONS {
                            // Not `Failed`: the thing can be used, and nothing will replace it.
                            return Err(Error::Invalid(format!(
                                "AWS accepts, but does not keep, what is asked for {}",
                                apart.join(", ")
                            )));
                        }
                        corrections += 1;
                        let old = State {
                            inputs: live.inputs.clone(),
                            outputs: Some(live.outputs.clone()),
                            facts: known.facts.clone(),
                        };
                        repeat(cx, limit, || R::update(cx, id, &old, &known.inputs)).await?;
                        // What was just asked for is there at once as a rule.
                        if corrections == 1 {
                            continue;
                        }
                        format!("updating {}", apart.join(", "))
                    }
                }
            }
        };
        look_again(cx, &mut waiter, phase).await?;
    }
}

/// Whether an error says no more than that there was no usable answer this time.
fn is_silence(error: &Error) -> bool {
    matches!(error.kind(), Kind::Throttled | Kind::Unclear)
}

/// Looks at what is waited for: an answer that does not come ends no wait before it has been missing for minutes.
async fn see<R: Resource>(cx: &Cx, id: &R::Id, known: &State<R>, waiter: &mut Waiter<'_>) -> Result<Option<Live<R>>> {
    let since = waiter.elapsed();
    loop {
        match R::read(cx, id, Some(known)).await {
            Err(error) if is_silence(&error) && waiter.elapsed() < since + UNANSWERED => {
                cx.log.debug(&cx.urn, format!("looking again: {error}"));
                look_again(cx, waiter, "waiting for an answer".to_owned()).await?;
            }
            seen => return seen,
        }
    }
}

/// Tells how it is going, and pauses before the next look.
async fn look_again(cx: &Cx, waiter: &mut Waiter<'_>, phase: String) -> Result<()> {
    cx.status(&phase, waiter.elapsed());
    waiter.pause().await.map_err(|ended| match ended {
        Ended::Timeout => Error::Timeout {
            phase,
            waited: waiter.elapsed(),
        },
        Ended::Cancelled => Error::Cancelled { phase },
    })
}

/// Repeats what does no harm when done twice, as long as AWS asks for patience.
async fn repeat<T, F: Future<Output = Result<T>>>(cx: &Cx, limit: Duration, mut call: impl FnMut() -> F) -> Result<T> {
    let mut waiter = Waiter::new(Rhythm::QUICK, limit, &cx.cancel);
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let patience = match error.kind() {
            // EKS makes one change at a time, and each may take its minutes.
            Kind::Busy => true,
            Kind::Throttled | Kind::Unclear => waiter.elapsed() < UNANSWERED,
            kind => unseen(kind).is_some_and(|patience| waiter.elapsed() < patience),
        };
        if !patience || waiter.pause().await.is_err() {
            return Err(error);
        }
    }
}

/// Deletes once nothing uses it any more, looks until it is gone and stays so, and until nothing of it is left.
async fn remove<R: Resource>(cx: &Cx, id: &R::Id, known: &State<R>, limit: Duration) -> Result<()> {
    let mut waiter = Waiter::new(R::RHYTHM, limit, &cx.cancel);
    vanish::<R>(cx, id, known, &mut waiter).await?;
    if R::outlives_delete(known) {
        return Ok(());
    }
    stay_gone::<R>(cx, id, known, &mut waiter).await?;
    clear_away::<R>(cx, id, known, &mut waiter).await
}

/// Asks for the deletion until AWS takes it, and looks until the thing is gone; once more where AWS has given it up.
async fn vanish<R: Resource>(cx: &Cx, id: &R::Id, known: &State<R>, waiter: &mut Waiter<'_>) -> Result<()> {
    let mut taken = None;
    let mut given_up = String::new();
    for _ in 0..2 {
        ask_to_go::<R>(cx, id, known, waiter).await?;
        if R::outlives_delete(known) {
            return Ok(());
        }
        // What keeps AWS from taking it has a time of its own.
        let taken = *taken.get_or_insert_with(|| waiter.elapsed());
        match going::<R>(cx, id, known, waiter, taken).await? {
            None => return Ok(()),
            Some(reason) => given_up = reason,
        }
        cx.log
            .debug(&cx.urn, format!("AWS has given its deletion up: {given_up}"));
    }
    Err(Error::GivenUp(format!(
        "AWS has given its deletion up, twice: {given_up}"
    )))
}

/// Asks for the deletion until AWS takes it.
async fn ask_to_go<R: Resource>(cx: &Cx, id: &R::Id, known: &State<R>, waiter: &mut Waiter<'_>) -> Result<()> {
    loop {
        let error = match R::delete(cx, id, known).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let phase = match (&error, error.kind()) {
            (_, Kind::Missing) => return Ok(()),
            // The first line says it; the others list what is for the end.
            (Error::Pending(what), _) => what.lines().next().unwrap_or_default().to_owned(),
            (_, Kind::InUse) => "waiting for what still uses it".to_owned(),
            (_, Kind::Busy) => "waiting for what is under way".to_owned(),
            (_, Kind::Throttled | Kind::Unclear) => "deleting".to_owned(),
            _ => return Err(error),
        };
        match look_again(cx, waiter, phase).await {
            Err(Error::Timeout { .. }) if matches!(error.kind(), Kind::InUse | Kind::Busy) => {
                return Err(blocked::<R>(cx, id, error).await);
            }
            Err(Error::Timeout { .. }) => return Err(error),
            looking => looking?,
        }
    }
}

/// Looks until the thing is gone, whose deletion AWS took when `taken` of the wait had passed; or why AWS has given it up.
async fn going<R: Resource>(
    cx: &Cx,
    id: &R::Id,
    known: &State<R>,
    waiter: &mut Waiter<'_>,
    taken: Duration,
) -> Result<Option<String>> {
    let mut failed = None;
    // A first look without a word: most things are gone at once.
    while let Some(live) = see::<R>(cx, id, known, waiter).await? {
        let phase = match R::phase(&live) {
            Phase::Failed(reason) => {
                // What failed before shows that for a while.
                let now = waiter.elapsed();
                if now > *failed.get_or_insert(now) + COPIES {
                    return Ok(Some(reason));
                }
                format!("deleting ({reason})")
            }
            phase => {
                failed = None;
                match phase {
                    Phase::Pending(word) => word,
                    _ => "deleting".to_owned(),
                }
            }
        };
        match R::nudge(cx, id, known, waiter.elapsed().saturating_sub(taken)).await {
            // It is asked for again at the next look.
            Err(error) if is_silence(&error) => cx.log.debug(&cx.urn, format!("not now: {error}")),
            nudged => nudged?,
        }
        look_again(cx, waiter, phase).await?;
    }
    Ok(None)
}

/// Watches what AWS may make anew, and deletes it again when it does.
async fn stay_gone<R: Resource>(cx: &Cx, id: &R::Id, known: &State<R>, waiter: &mut Waiter<'_>) -> Result<()> {
    let quiet = R::quiet(known);
    let mut since = waiter.elapsed();
    while waiter.elapsed() < since + quiet {
        look_again(cx, waiter, "watching that it stays gone".to_owned()).await?;
        if see::<R>(cx, id, known, waiter).await?.is_some() {
            vanish::<R>(cx, id, known, waiter).await?;
            since = waiter.elapsed();
        }
    }
    Ok(())
}

/// Looks until nothing is left of what is gone.
async fn clear_away<R: Resource>(cx: &Cx, id: &R::Id, known: &State<R>, waiter: &mut Waiter<'_>) -> Result<()> {
    loop {
        let left = match R::leftovers(cx, id, known).await {
            Ok(left) if left.is_empty() => return Ok(()),
            Ok(left) => left,
            Err(error) if matches!(error.kind(), Kind::Throttled | Kind::Unclear | Kind::Busy | Kind::InUse) => {
                vec![error.to_string()]
            }
            Err(error) => return Err(error),
        };
        let phase = format!("removing what is left of it: {}", left.join("; "));
        look_again(cx, waiter, phase).await?;
    }
}

/// Names what is in the way.
async fn blocked<R: Resource>(cx: &Cx, id: &R::Id, error: Error) -> Error {
    // The obstacles are help; not finding them must not hide the error itself.
    let obstacles = R::obstacles(cx, id).await.unwrap_or_default();
    if obstacles.is_empty() {
        return error;
    }
    error.adding(&format!("in the way: {}", obstacles.join("; ")))
}
