//! Values that are not there yet: what a resource will answer, and what another resource takes from it.
//!
//! An [`Output`] is a promise of a value, with what Pulumi must know about it: whether it is secret, whether it is
//! unknown (a preview), and which resources it comes from. An [`Input`] is what a resource takes: a tree of plain
//! values whose leaves may be outputs. Both carry their type, and no more than the type: the value is checked by
//! serde when it is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt,
    future::Future,
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::future::{BoxFuture, FutureExt, Shared, try_join_all};
use groundwork_wire::{OutputValue, PropertyValue, Urn};
use serde::{Serialize, de::DeserializeOwned};

/// What an output came to.
#[derive(Clone, PartialEq, Default)]
pub struct Resolved {
    /// The value. It may be unknown or contain unknowns, and may contain secrets; it is itself neither a secret nor an
    /// output, because the fields beside it say so.
    pub value: PropertyValue,
    /// Whether it must never be shown.
    pub secret: bool,
    /// The resources that it comes from.
    pub dependencies: BTreeSet<Urn>,
    /// Whether a property that an object does not name is unknown rather than absent: a resource in a preview.
    pub partial: bool,
}

impl Resolved {
    /// A value whose secretness and dependencies stand at its top are taken from there.
    pub fn lift(value: PropertyValue) -> Self {
        let mut resolved = Self::default();
        resolved.absorb(value);
        resolved
    }

    fn absorb(&mut self, value: PropertyValue) {
        match value {
            PropertyValue::Secret(inner) => {
                self.secret = true;
                self.absorb(*inner);
            }
            PropertyValue::Output(output) => {
                let OutputValue {
                    value,
                    secret,
                    dependencies,
                } = *output;
                self.secret |= secret;
                self.dependencies.extend(dependencies);
                self.absorb(value.unwrap_or(PropertyValue::UNKNOWN));
            }
            other => self.value = other,
        }
    }

    /// Whether the value, or a part of it, is not known yet.
    pub fn is_unknown(&self) -> bool {
        self.value.contains_unknown()
    }

    /// The one value that says all of it, as short as it can be said.
    pub fn into_property(self) -> PropertyValue {
        let Self {
            value,
            secret,
            dependencies,
            partial: _,
        } = self;
        if !dependencies.is_empty() {
            let value = (!matches!(value, PropertyValue::Unknown(_))).then_some(value);
            return PropertyValue::Output(Box::new(OutputValue {
                value,
                secret,
                dependencies,
            }));
        }
        if secret { PropertyValue::secret(value) } else { value }
    }

    /// Takes on another value's secretness and dependencies.
    fn join(mut self, other: &Self) -> Self {
        self.secret |= other.secret;
        self.dependencies.extend(other.dependencies.iter().cloned());
        self
    }

    /// The typed value, with all secrets and dependencies inside it counted as its own; `None` while it is unknown.
    fn open<T: DeserializeOwned>(&self) -> Result<(Option<T>, Self), OutputError> {
        let mut about = Self {
            secret: self.secret || self.value.contains_secret(),
            ..Self::default()
        };
        about.dependencies.clone_from(&self.dependencies);
        collect_dependencies(&self.value, &mut about.dependencies);
        let plain = plain(&self.value);
        if plain.contains_unknown() {
            return Ok((None, about));
        }
        let value = decode(&plain, about.secret)?;
        Ok((Some(value), about))
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: &dyn fmt::Debug = if self.secret || self.value.contains_secret() {
            &Hidden("[secret]")
        } else {
            &self.value
        };
        f.debug_struct("Resolved")
            .field("value", shown)
            .field("secret", &self.secret)
            .field("dependencies", &self.dependencies)
            .field("partial", &self.partial)
            .finish()
    }
}

/// Why an output will never have a value.
///
/// It is shared by everything that depends on the value and is told once: whoever [claims](Self::claim) it tells it,
/// the rest stop silently.
#[derive(Clone)]
pub struct OutputError(Arc<Failure>);

struct Failure {
    message: String,
    reported: AtomicBool,
}

impl OutputError {
    /// A failure that nobody has told yet.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Arc::new(Failure {
            message: message.into(),
            reported: AtomicBool::new(false),
        }))
    }

    /// A failure with everything that its error says about where it came from.
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(message)
    }

    /// A failure that has been told already, by the engine for example.
    pub fn reported(message: impl Into<String>) -> Self {
        let error = Self::new(message);
        error.claim();
        error
    }

    /// Whether the caller is the first to ask, and so the one who has to tell it.
    pub fn claim(&self) -> bool {
        !self.0.reported.swap(true, Ordering::AcqRel)
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OutputError").field(&self.0.message).finish()
    }
}

impl Error for OutputError {}

type Promise = Shared<BoxFuture<'static, Result<Resolved, OutputError>>>;

/// A value that will be known later, or never in a preview.
///
/// Cheap to clone. Nothing in it runs before somebody looks at it: a resource, an export or another output.
pub struct Output<T> {
    promise: Promise,
    marker: PhantomData<fn() -> T>,
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Self {
            promise: self.promise.clone(),
            marker: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.promise.peek() {
            None => f.write_str("Output(pending)"),
            Some(Err(error)) => f.debug_tuple("Output").field(error).finish(),
            Some(Ok(resolved)) => f.debug_tuple("Output").field(resolved).finish(),
        }
    }
}

impl<T> Output<T> {
    /// What a future will resolve to.
    pub fn from_future(future: impl Future<Output = Result<Resolved, OutputError>> + Send + 'static) -> Self {
        Self {
            promise: future.boxed().shared(),
            marker: PhantomData,
        }
    }

    /// A value that is resolved already.
    pub fn from_resolved(resolved: Resolved) -> Self {
        Self::from_future(futures::future::ready(Ok(resolved)))
    }

    /// A value as the engine said it.
    pub fn from_property(value: PropertyValue) -> Self {
        Self::from_resolved(Resolved::lift(value))
    }

    /// A value that will never be there.
    pub fn failed(error: OutputError) -> Self {
        Self::from_future(futures::future::ready(Err(error)))
    }

    /// A value that is not known yet.
    pub fn unknown() -> Self {
        Self::from_property(PropertyValue::UNKNOWN)
    }

    /// A value that is known now.
    pub fn known(value: T) -> Self
    where
        T: Serialize,
    {
        Self::from_future(futures::future::ready(encode(&value).map(Resolved::lift)))
    }

    /// A value that is known now and must never be shown.
    pub fn secret(value: T) -> Self
    where
        T: Serialize,
    {
        Self::known(value).as_secret()
    }

    /// The same value, never shown.
    #[must_use]
    pub fn as_secret(&self) -> Self {
        self.adjust(|resolved| resolved.secret = true)
    }

    /// The same value, open to be shown: only for what no longer gives the secret away.
    #[must_use]
    pub fn revealed(&self) -> Self {
        self.adjust(|resolved| {
            resolved.secret = false;
            if resolved.value.contains_secret() {
                collect_dependencies(&resolved.value, &mut resolved.dependencies);
                resolved.value = resolved.value.revealed();
            }
        })
    }

    /// The same value, coming from these resources too.
    #[must_use]
    pub fn depends_on(&self, urns: impl IntoIterator<Item = Urn>) -> Self {
        let urns: BTreeSet<Urn> = urns.into_iter().collect();
        self.adjust(|resolved| resolved.dependencies.extend(urns))
    }

    fn adjust(&self, change: impl FnOnce(&mut Resolved) + Send + 'static) -> Self {
        let promise = self.promise.clone();
        Self::from_future(async move {
            let mut resolved = promise.await?;
            change(&mut resolved);
            Ok(resolved)
        })
    }

    /// The same value under another type; whether it is one shows when it is looked at.
    pub fn cast<U>(&self) -> Output<U> {
        Output {
            promise: self.promise.clone(),
            marker: PhantomData,
        }
    }

    /// The same value as any JSON.
    pub fn untyped(&self) -> Output<serde_json::Value> {
        self.cast()
    }

    /// Waits for it.
    pub async fn resolve(&self) -> Result<Resolved, OutputError> {
        self.promise.clone().await
    }

    /// Waits for it and reads it; `None` if it stays unknown.
    pub async fn value(&self) -> Result<Option<T>, OutputError>
    where
        T: DeserializeOwned,
    {
        Ok(self.resolve().await?.open()?.0)
    }

    /// What a function makes of it, once it is known.
    pub fn map<U: Serialize>(&self, f: impl FnOnce(T) -> U + Send + 'static) -> Output<U>
    where
        T: DeserializeOwned,
    {
        self.compute(|value| encode(&f(value)))
    }

    /// What a function makes of it even while texts in it are unknown: an unknown text reads as a placeholder, and is
    /// unknown again wherever the function puts it.
    ///
    /// For functions that carry texts into a larger structure and do not look at them: one unknown role does not make a
    /// whole manifest unknown. A type that has no place for a text where something is unknown leaves all of it unknown.
    pub fn map_parts<U: Serialize>(&self, f: impl FnOnce(T) -> U + Send + 'static) -> Output<U>
    where
        T: DeserializeOwned,
    {
        let promise = self.promise.clone();
        Output::from_future(async move {
            let resolved = promise.await?;
            let (known, about) = resolved.open()?;
            let value = match known {
                Some(value) => encode(&f(value))?,
                None => match decode(&with_placeholders(plain(&resolved.value)), true) {
                    Ok(value) => without_placeholders(encode(&f(value))?),
                    Err(_) => PropertyValue::UNKNOWN,
                },
            };
            Ok(Resolved::lift(value).join(&about))
        })
    }

    /// What a function that may refuse makes of it, once it is known.
    pub fn try_map<U: Serialize, E: Error + 'static>(
        &self,
        f: impl FnOnce(T) -> Result<U, E> + Send + 'static,
    ) -> Output<U>
    where
        T: DeserializeOwned,
    {
        self.compute(|value| {
            f(value)
                .map_err(|error| OutputError::from_error(&error))
                .and_then(|value| encode(&value))
        })
    }

    fn compute<U>(&self, f: impl FnOnce(T) -> Result<PropertyValue, OutputError> + Send + 'static) -> Output<U>
    where
        T: DeserializeOwned,
    {
        let promise = self.promise.clone();
        Output::from_future(async move {
            let (value, about) = promise.await?.open()?;
            let value = value.map_or(Ok(PropertyValue::UNKNOWN), f)?;
            Ok(Resolved::lift(value).join(&about))
        })
    }

    /// The output that a function makes of it, once it is known.
    pub fn and_then<U: 'static>(&self, f: impl FnOnce(T) -> Output<U> + Send + 'static) -> Output<U>
    where
        T: DeserializeOwned,
    {
        let promise = self.promise.clone();
        Output::from_future(async move {
            let (next, about) = {
                let (value, about) = promise.await?.open::<T>()?;
                (value.map(|value| f(value).promise), about)
            };
            Ok(match next {
                Some(next) => next.await?.join(&about),
                None => Resolved {
                    value: PropertyValue::UNKNOWN,
                    ..about
                },
            })
        })
    }

    /// One property of it. The rest may be unknown; secretness and dependencies are the property's own and the object's.
    pub fn field<U>(&self, name: &str) -> Output<U> {
        let name = name.to_owned();
        self.part(move |resolved| match &resolved.value {
            PropertyValue::Object(map) => match map.get(&name) {
                Some(value) => value.clone(),
                None if resolved.partial => PropertyValue::UNKNOWN,
                None => PropertyValue::Null,
            },
            PropertyValue::Unknown(_) => PropertyValue::UNKNOWN,
            _ => PropertyValue::Null,
        })
    }

    fn part<U>(&self, choose: impl FnOnce(&Resolved) -> PropertyValue + Send + 'static) -> Output<U> {
        let promise = self.promise.clone();
        Output::from_future(async move {
            let resolved = promise.await?;
            Ok(Resolved::lift(choose(&resolved)).join(&resolved))
        })
    }

    /// Both values.
    pub fn zip<U>(&self, other: &Output<U>) -> Output<(T, U)> {
        tuple([self.untyped(), other.untyped()])
    }

    /// All three values.
    pub fn zip3<U, V>(&self, second: &Output<U>, third: &Output<V>) -> Output<(T, U, V)> {
        tuple([self.untyped(), second.untyped(), third.untyped()])
    }

    /// All four values.
    pub fn zip4<U, V, W>(&self, second: &Output<U>, third: &Output<V>, fourth: &Output<W>) -> Output<(T, U, V, W)> {
        tuple([self.untyped(), second.untyped(), third.untyped(), fourth.untyped()])
    }

    /// Every value of a list.
    pub fn all(outputs: impl IntoIterator<Item = Self>) -> Output<Vec<T>> {
        tuple(outputs.into_iter().map(|output| output.untyped()))
    }
}

impl<T> Output<Vec<T>> {
    /// One item of a list; absent if the list is shorter.
    pub fn item(&self, index: usize) -> Output<T> {
        self.part(move |resolved| match &resolved.value {
            PropertyValue::Array(items) => items.get(index).cloned().unwrap_or_default(),
            PropertyValue::Unknown(_) => PropertyValue::UNKNOWN,
            _ => PropertyValue::Null,
        })
    }
}

impl<T> Output<Option<T>> {
    /// The value that must be there once it is known; `what` names it in the error.
    pub fn required(&self, what: &str) -> Output<T> {
        let (promise, what) = (self.promise.clone(), what.to_owned());
        Output::from_future(async move {
            let resolved = promise.await?;
            if resolved.value.is_null() {
                Err(OutputError::new(format!("{what} is absent")))
            } else {
                Ok(resolved)
            }
        })
    }
}

/// One list of many values, with the secretness and the dependencies of all of them.
fn tuple<T>(outputs: impl IntoIterator<Item = Output<serde_json::Value>>) -> Output<T> {
    let promises: Vec<Promise> = outputs.into_iter().map(|output| output.promise).collect();
    Output::from_future(async move {
        let mut joined = Resolved::default();
        let mut items = Vec::with_capacity(promises.len());
        for resolved in try_join_all(promises).await? {
            joined = joined.join(&resolved);
            items.push(resolved.value);
        }
        joined.value = PropertyValue::Array(items);
        Ok(joined)
    })
}

/// A type that a program may write as text: the text is parsed where it is written, and a wrong one fails the resource.
pub trait Text: Serialize + Sized {
    /// Why a text is none.
    type Error: fmt::Display;

    /// Reads it.
    fn from_text(text: &str) -> Result<Self, Self::Error>;
}

impl Text for String {
    type Error = std::convert::Infallible;

    fn from_text(text: &str) -> Result<Self, Self::Error> {
        Ok(text.to_owned())
    }
}

/// What a resource takes: a value, an output, or a structure with outputs anywhere inside.
pub struct Input<T> {
    node: InputNode,
    marker: PhantomData<fn() -> T>,
}

/// An [`Input`] without its type: what generated code builds trees of.
#[derive(Clone)]
pub enum InputNode {
    /// A value as it is.
    Value(PropertyValue),
    /// A value to come.
    Output(Output<serde_json::Value>),
    /// A list.
    List(Vec<Self>),
    /// An object.
    Object(BTreeMap<String, Self>),
    /// Something that must never be shown.
    Secret(Box<Self>),
}

impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        Self::from_node(self.node.clone())
    }
}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl fmt::Debug for InputNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) if value.contains_secret() => f.write_str("[secret]"),
            Self::Value(value) => value.fmt(f),
            Self::Output(output) => output.fmt(f),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Object(fields) => f.debug_map().entries(fields).finish(),
            Self::Secret(_) => f.write_str("[secret]"),
        }
    }
}

struct Hidden(&'static str);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl InputNode {
    /// The tree as one value, its outputs waited for and kept as [`PropertyValue::Output`] where they stand.
    pub fn resolve(self) -> BoxFuture<'static, Result<PropertyValue, OutputError>> {
        async move {
            Ok(match self {
                Self::Value(value) => value,
                Self::Output(output) => output.resolve().await?.into_property(),
                Self::List(items) => PropertyValue::Array(try_join_all(items.into_iter().map(Self::resolve)).await?),
                Self::Object(fields) => {
                    let fields = fields
                        .into_iter()
                        .map(|(key, node)| async { Ok((key, node.resolve().await?)) });
                    let fields: Vec<(String, PropertyValue)> = try_join_all(fields).await?;
                    PropertyValue::Object(fields.into_iter().collect())
                }
                Self::Secret(node) => PropertyValue::secret(node.resolve().await?),
            })
        }
        .boxed()
    }

    /// The tree as one value with what is known now; an output that is not resolved yet counts as unknown.
    pub fn peek(&self) -> PropertyValue {
        match self {
            Self::Value(value) => value.clone(),
            Self::Output(output) => match output.promise.clone().now_or_never() {
                Some(Ok(resolved)) => resolved.into_property(),
                Some(Err(_)) | None => PropertyValue::UNKNOWN,
            },
            Self::List(items) => PropertyValue::Array(items.iter().map(Self::peek).collect()),
            Self::Object(fields) => {
                PropertyValue::Object(fields.iter().map(|(key, node)| (key.clone(), node.peek())).collect())
            }
            Self::Secret(node) => PropertyValue::secret(node.peek()),
        }
    }
}

impl<T> Input<T> {
    /// A value that is known now.
    pub fn value(value: &T) -> Self
    where
        T: Serialize,
    {
        encode(value).map_or_else(|error| Output::failed(error).into(), Self::from_property)
    }

    /// A value as the engine said it.
    pub fn from_property(value: PropertyValue) -> Self {
        Self::from_node(InputNode::Value(value))
    }

    /// Any tree, trusted to be of this type.
    pub const fn from_node(node: InputNode) -> Self {
        Self {
            node,
            marker: PhantomData,
        }
    }

    /// An object of this type from its fields' trees; absent fields are left out. For generated code.
    pub fn from_fields<K: Into<String>>(fields: impl IntoIterator<Item = (K, Option<InputNode>)>) -> Self {
        let fields = fields
            .into_iter()
            .filter_map(|(key, node)| Some((key.into(), node?)))
            .collect();
        Self::from_node(InputNode::Object(fields))
    }

    /// The same, never shown.
    pub fn secret(value: impl Into<Self>) -> Self {
        Self::from_node(InputNode::Secret(Box::new(value.into().node)))
    }

    /// The same tree under another type, trusted to be of it.
    pub fn cast<U>(self) -> Input<U> {
        Input::from_node(self.node)
    }

    /// The tree.
    pub const fn node(&self) -> &InputNode {
        &self.node
    }

    /// The typed value, if every part of it is known now (and is of this type).
    pub fn known(&self) -> Option<T>
    where
        T: DeserializeOwned,
    {
        let value = plain(&self.node.peek());
        if value.contains_unknown() {
            None
        } else {
            decode(&value, true).ok()
        }
    }

    /// The value with what is known now; secrets, dependencies and unknowns stand where they belong.
    pub fn peek(&self) -> PropertyValue {
        self.node.peek()
    }

    /// Waits for all of it. Outputs inside stay [`PropertyValue::Output`] where they stand; the dependencies are all of
    /// theirs together.
    pub async fn resolve(self) -> Result<Resolved, OutputError> {
        let mut resolved = Resolved::lift(self.node.resolve().await?);
        collect_dependencies(&resolved.value, &mut resolved.dependencies);
        Ok(resolved)
    }

    /// All of it as one output.
    pub fn to_output(&self) -> Output<T> {
        Output::from_future(Input::<()>::from_node(self.node.clone()).resolve())
    }
}

impl<T> Input<Vec<T>> {
    /// A list of inputs.
    pub fn list<I: Into<Input<T>>>(items: impl IntoIterator<Item = I>) -> Self {
        Self::from_node(InputNode::List(
            items.into_iter().map(|item| item.into().node).collect(),
        ))
    }
}

impl<T> Input<BTreeMap<String, T>> {
    /// A map of inputs.
    pub fn object<K: Into<String>, I: Into<Input<T>>>(fields: impl IntoIterator<Item = (K, I)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(key, value)| (key.into(), value.into().node))
            .collect();
        Self::from_node(InputNode::Object(fields))
    }
}

impl<T> From<Input<T>> for InputNode {
    fn from(input: Input<T>) -> Self {
        input.node
    }
}

impl<T> From<Output<T>> for InputNode {
    fn from(output: Output<T>) -> Self {
        Self::Output(output.cast())
    }
}

impl<T> From<&Output<T>> for InputNode {
    fn from(output: &Output<T>) -> Self {
        Self::Output(output.cast())
    }
}

impl From<PropertyValue> for InputNode {
    fn from(value: PropertyValue) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for InputNode {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}

impl From<String> for InputNode {
    fn from(text: String) -> Self {
        Self::Value(text.into())
    }
}

impl From<bool> for InputNode {
    fn from(truth: bool) -> Self {
        Self::Value(truth.into())
    }
}

impl<V: Into<Self>> From<Vec<V>> for InputNode {
    fn from(items: Vec<V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<f64> for InputNode {
    fn from(number: f64) -> Self {
        Self::Value(number.into())
    }
}

impl<K: Into<String>, V: Into<Self>, const N: usize> From<[(K, V); N]> for InputNode {
    fn from(fields: [(K, V); N]) -> Self {
        Self::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl<T: Serialize> From<T> for Input<T> {
    fn from(value: T) -> Self {
        Self::value(&value)
    }
}

impl<T> From<Output<T>> for Input<T> {
    fn from(output: Output<T>) -> Self {
        Self::from_node(InputNode::Output(output.cast()))
    }
}

impl<T> From<&Output<T>> for Input<T> {
    fn from(output: &Output<T>) -> Self {
        Self::from_node(InputNode::Output(output.cast()))
    }
}

impl<T> From<&Self> for Input<T> {
    fn from(input: &Self) -> Self {
        input.clone()
    }
}

impl<T: Text> From<&str> for Input<T> {
    fn from(text: &str) -> Self {
        match T::from_text(text) {
            Ok(value) => Self::value(&value),
            Err(error) => Output::failed(OutputError::new(error.to_string())).into(),
        }
    }
}

impl<T: Text> From<&String> for Input<T> {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: Ord> From<Vec<Input<T>>> for Input<BTreeSet<T>> {
    fn from(items: Vec<Input<T>>) -> Self {
        Input::<Vec<T>>::from(items).cast()
    }
}

impl<T: Ord> From<Vec<Output<T>>> for Input<BTreeSet<T>> {
    fn from(items: Vec<Output<T>>) -> Self {
        Input::<Vec<T>>::from(items).cast()
    }
}

impl<T: Ord, I: Into<Input<T>>, const N: usize> From<[I; N]> for Input<BTreeSet<T>> {
    fn from(items: [I; N]) -> Self {
        Input::<Vec<T>>::list(items).cast()
    }
}

impl<T> From<Vec<Input<T>>> for Input<Vec<T>> {
    fn from(items: Vec<Input<T>>) -> Self {
        Self::list(items)
    }
}

impl<T> From<Vec<Output<T>>> for Input<Vec<T>> {
    fn from(items: Vec<Output<T>>) -> Self {
        Self::list(items)
    }
}

impl<T, I: Into<Input<T>>, const N: usize> From<[I; N]> for Input<Vec<T>> {
    fn from(items: [I; N]) -> Self {
        Self::list(items)
    }
}

impl<T> From<BTreeMap<String, Input<T>>> for Input<BTreeMap<String, T>> {
    fn from(fields: BTreeMap<String, Input<T>>) -> Self {
        Self::object(fields)
    }
}

impl<T> From<BTreeMap<String, Output<T>>> for Input<BTreeMap<String, T>> {
    fn from(fields: BTreeMap<String, Output<T>>) -> Self {
        Self::object(fields)
    }
}

impl<T, K: Into<String>, I: Into<Input<T>>, const N: usize> From<[(K, I); N]> for Input<BTreeMap<String, T>> {
    fn from(fields: [(K, I); N]) -> Self {
        Self::object(fields)
    }
}

/// A value with its secrets revealed and its outputs opened, and resources said by their ids (components by their URNs).
fn plain(value: &PropertyValue) -> PropertyValue {
    match value {
        PropertyValue::Resource(reference) => reference
            .id
            .clone()
            .unwrap_or_else(|| PropertyValue::String(reference.urn.to_string())),
        PropertyValue::Array(items) => PropertyValue::Array(items.iter().map(plain).collect()),
        PropertyValue::Object(map) => {
            PropertyValue::Object(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        PropertyValue::Secret(inner) => plain(inner),
        PropertyValue::Output(output) => output.value.as_ref().map_or(PropertyValue::UNKNOWN, plain),
        other => other.clone(),
    }
}

/// What stands for an unknown text while a function carries it around.
const PLACEHOLDER: &str = "\u{0}unknown\u{0}";

fn with_placeholders(value: PropertyValue) -> PropertyValue {
    match value {
        PropertyValue::Unknown(_) => PLACEHOLDER.into(),
        PropertyValue::Array(items) => PropertyValue::Array(items.into_iter().map(with_placeholders).collect()),
        PropertyValue::Object(map) => PropertyValue::Object(
            map.into_iter()
                .map(|(key, value)| (key, with_placeholders(value)))
                .collect(),
        ),
        other => other,
    }
}

/// A text with a placeholder anywhere in it is unknown; so is an object with one in a key.
fn without_placeholders(value: PropertyValue) -> PropertyValue {
    match value {
        PropertyValue::String(text) if text.contains(PLACEHOLDER) => PropertyValue::UNKNOWN,
        PropertyValue::Array(items) => PropertyValue::Array(items.into_iter().map(without_placeholders).collect()),
        PropertyValue::Object(map) if map.keys().any(|key| key.contains(PLACEHOLDER)) => PropertyValue::UNKNOWN,
        PropertyValue::Object(map) => PropertyValue::Object(
            map.into_iter()
                .map(|(key, value)| (key, without_placeholders(value)))
                .collect(),
        ),
        other => other,
    }
}

fn decode<T: DeserializeOwned>(value: &PropertyValue, secret: bool) -> Result<T, OutputError> {
    let json = value.to_json().map_err(|error| OutputError::from_error(&error))?;
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." {
            String::new()
        } else {
            format!(" at {path}")
        };
        // serde quotes what it found, which a secret must not be.
        let why = if secret {
            String::new()
        } else {
            format!(": {}", error.inner())
        };
        OutputError::new(format!("a value{at} is no {}{why}", std::any::type_name::<T>()))
    })
}

fn encode<T: Serialize>(value: &T) -> Result<PropertyValue, OutputError> {
    serde_json::to_value(value)
        .map(PropertyValue::from)
        .map_err(|error| OutputError::new(format!("a {} is no JSON: {error}", std::any::type_name::<T>())))
}

/// Every resource that anything in a value comes from.
pub fn collect_dependencies(value: &PropertyValue, into: &mut BTreeSet<Urn>) {
    match value {
        PropertyValue::Array(items) => items.iter().for_each(|item| collect_dependencies(item, into)),
        PropertyValue::Object(map) | PropertyValue::Asset(map) | PropertyValue::Archive(map) => {
            for value in map.values() {
                collect_dependencies(value, into);
            }
        }
        PropertyValue::Secret(inner) => collect_dependencies(inner, into),
        PropertyValue::Output(output) => {
            into.extend(output.dependencies.iter().cloned());
            if let Some(value) = &output.value {
                collect_dependencies(value, into);
            }
        }
        PropertyValue::Resource(reference) => {
            into.insert(reference.urn.clone());
        }
        PropertyValue::Null
        | PropertyValue::Bool(_)
        | PropertyValue::Number(_)
        | PropertyValue::String(_)
        | PropertyValue::Unknown(_)
        | PropertyValue::Bytes(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures::{channel::oneshot, executor::block_on};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Port(u16);

    impl Text for Port {
        type Error = std::num::ParseIntError;

        fn from_text(text: &str) -> Result<Self, Self::Error> {
            text.parse().map(Self)
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Rule {
        from_port: Port,
        peers: Option<Vec<String>>,
    }

    /// What the derive macro writes for `Rule`.
    struct RuleArgs {
        from_port: Input<Port>,
        peers: Option<Input<Vec<String>>>,
    }

    impl RuleArgs {
        fn new(from_port: impl Into<Input<Port>>) -> Self {
            Self {
                from_port: from_port.into(),
                peers: None,
            }
        }

        fn peers(mut self, peers: impl Into<Input<Vec<String>>>) -> Self {
            self.peers = Some(peers.into());
            self
        }
    }

    impl From<RuleArgs> for Input<Rule> {
        fn from(args: RuleArgs) -> Self {
            let RuleArgs { from_port, peers } = args;
            Self::from_fields([("fromPort", Some(from_port.into())), ("peers", peers.map(Into::into))])
        }
    }

    fn urn(name: &str) -> Urn {
        format!("urn:pulumi:dev::platform::a:b:C::{name}").parse().unwrap()
    }

    fn resolved<T>(output: &Output<T>) -> Resolved {
        block_on(output.resolve()).unwrap()
    }

    fn failure<T>(output: &Output<T>) -> OutputError {
        block_on(output.resolve()).unwrap_err()
    }

    fn from_resource<T: Serialize>(value: T, name: &str) -> Output<T> {
        Output::known(value).depends_on([urn(name)])
    }

    #[test]
    fn mapping_keeps_secretness_and_dependencies() {
        let output = from_resource(20_u16, "a").as_secret().map(|port| port + 2);
        let resolved = resolved(&output);
        assert_eq!(resolved.value, PropertyValue::Number(22.0));
        assert!(resolved.secret);
        assert_eq!(resolved.dependencies, BTreeSet::from([urn("a")]));
    }

    #[test]
    fn mapping_an_unknown_calls_nothing_and_stays_unknown() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let output = Output::<String>::unknown()
            .depends_on([urn("a")])
            .as_secret()
            .map(move |text| {
                counter.fetch_add(1, Ordering::Relaxed);
                text
            });
        let resolved = resolved(&output);
        assert_eq!(resolved.value, PropertyValue::UNKNOWN);
        assert!(resolved.secret);
        assert_eq!(resolved.dependencies, BTreeSet::from([urn("a")]));
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn mapping_a_value_with_an_unknown_inside_is_unknown_as_a_whole() {
        let value = PropertyValue::Array(vec!["a".into(), PropertyValue::UNKNOWN]);
        let output = Output::<Vec<String>>::from_property(value);
        assert_eq!(resolved(&output.map(|items| items.len())).value, PropertyValue::UNKNOWN);
        assert_eq!(resolved(&output.item(0)).value, "a".into());
        assert_eq!(resolved(&output.item(1)).value, PropertyValue::UNKNOWN);
        assert_eq!(resolved(&output.item(2)).value, PropertyValue::Null);
    }

    #[test]
    fn a_function_runs_once_however_often_it_is_looked_at() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let output = Output::known(1_u8).map(move |one| {
            counter.fetch_add(1, Ordering::Relaxed);
            one
        });
        let (again, mapped) = (output.clone(), output.map(|one| one));
        block_on(async { futures::join!(output.resolve(), again.resolve(), mapped.resolve()) })
            .0
            .unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn secrets_inside_a_value_make_what_is_computed_from_it_secret_but_not_its_other_fields() {
        let object = PropertyValue::Object(BTreeMap::from([
            ("user".to_owned(), "admin".into()),
            ("password".to_owned(), PropertyValue::secret("hunter2".into())),
        ]));
        let output = Output::<serde_json::Value>::from_property(object);
        assert!(resolved(&output.map(|value| value.to_string().len())).secret);
        assert!(!resolved(&output.field::<String>("user")).secret);
        assert!(resolved(&output.field::<String>("password")).secret);
        assert_eq!(resolved(&output.field::<String>("password")).value, "hunter2".into());
    }

    #[test]
    fn a_field_that_a_preview_does_not_name_is_unknown_and_one_that_an_update_does_not_name_is_absent() {
        let object = Resolved::lift(PropertyValue::Object(BTreeMap::new()));
        let update = Output::<serde_json::Value>::from_resolved(object.clone());
        let preview = Output::<serde_json::Value>::from_resolved(Resolved {
            partial: true,
            ..object
        });
        assert_eq!(resolved(&preview.field::<String>("arn")).value, PropertyValue::UNKNOWN);
        assert_eq!(
            block_on(update.field::<Option<String>>("arn").value()).unwrap(),
            Some(None)
        );
        assert_eq!(
            resolved(&preview.field::<BTreeMap<String, String>>("a").field::<String>("b")).value,
            PropertyValue::UNKNOWN
        );
    }

    #[test]
    fn chaining_joins_what_both_outputs_say() {
        let output =
            from_resource("a".to_owned(), "a").and_then(|text| from_resource(format!("{text}b"), "b").as_secret());
        let resolved = resolved(&output);
        assert_eq!(resolved.value, "ab".into());
        assert!(resolved.secret);
        assert_eq!(resolved.dependencies, BTreeSet::from([urn("a"), urn("b")]));
        let unknown = Output::<String>::unknown()
            .depends_on([urn("a")])
            .and_then(Output::known);
        let resolved = block_on(unknown.resolve()).unwrap();
        assert_eq!(resolved.value, PropertyValue::UNKNOWN);
        assert_eq!(resolved.dependencies, BTreeSet::from([urn("a")]));
    }

    #[test]
    fn zipping_joins_and_keeps_the_known_parts() {
        let name = from_resource("n".to_owned(), "a");
        let port = Output::<u16>::unknown().depends_on([urn("b")]);
        let both = name.zip(&port);
        let resolved = resolved(&both);
        assert_eq!(
            resolved.value,
            PropertyValue::Array(vec!["n".into(), PropertyValue::UNKNOWN])
        );
        assert_eq!(resolved.dependencies, BTreeSet::from([urn("a"), urn("b")]));
        let flag = Output::secret(true);
        let four = name
            .zip4(&Output::known(1_u8), &flag, &name)
            .map(|(a, b, c, d)| format!("{a}{b}{c}{d}"));
        assert_eq!(block_on(four.value()).unwrap().unwrap(), "n1truen");
        assert!(block_on(four.resolve()).unwrap().secret);
        let three = name.zip3(&name, &Output::known(2.5)).map(|(_, b, c)| format!("{b}{c}"));
        assert_eq!(block_on(three.value()).unwrap().unwrap(), "n2.5");
        let all = Output::all([name.clone(), Output::known("m".to_owned())]).map(|names| names.join("-"));
        assert_eq!(block_on(all.value()).unwrap().unwrap(), "n-m");
    }

    #[test]
    fn a_failure_reaches_every_dependent_and_is_told_once() {
        let failed = Output::<String>::failed(OutputError::new("no such zone"));
        let dependents = [
            failed.map(|text| text),
            failed.zip(&failed).map(|(a, _)| a),
            failed.and_then(Output::known),
            failed.field("x"),
        ];
        let errors: Vec<OutputError> = dependents.iter().map(failure).collect();
        assert!(errors.iter().all(|error| error.to_string() == "no such zone"));
        assert_eq!(errors.iter().filter(|error| error.claim()).count(), 1);
        assert!(!OutputError::reported("told").claim());
    }

    #[test]
    fn unknown_texts_are_carried_through_a_structure() {
        #[derive(Serialize)]
        struct Manifest {
            kind: &'static str,
            role: String,
            path: String,
        }
        let manifest = |role: String| Manifest {
            kind: "ServiceAccount",
            path: format!("/{role}"),
            role,
        };
        let unknown = Output::<String>::unknown().depends_on([urn("a")]).map_parts(manifest);
        let unknown = resolved(&unknown);
        let object = |role: PropertyValue, path: PropertyValue| {
            let kind = ("kind".to_owned(), "ServiceAccount".into());
            PropertyValue::Object(BTreeMap::from([
                kind,
                ("role".to_owned(), role),
                ("path".to_owned(), path),
            ]))
        };
        assert_eq!(unknown.value, object(PropertyValue::UNKNOWN, PropertyValue::UNKNOWN));
        assert_eq!(unknown.dependencies, BTreeSet::from([urn("a")]));
        let known = Output::known("r".to_owned()).as_secret().map_parts(manifest);
        assert_eq!(resolved(&known).value, object("r".into(), "/r".into()));
        assert!(resolved(&known).secret);
        let tags = Output::<String>::unknown().map_parts(|key| BTreeMap::from([(key, 1)]));
        assert_eq!(resolved(&tags).value, PropertyValue::UNKNOWN);
        let number = Output::<u8>::unknown().map_parts(|n| n + 1);
        assert_eq!(resolved(&number).value, PropertyValue::UNKNOWN);
    }

    #[test]
    fn what_is_required_is_there_or_the_output_fails() {
        let some = Output::known(Some(1_u8)).required("the port");
        assert_eq!(block_on(some.value()).unwrap(), Some(1));
        assert_eq!(
            failure(&Output::<Option<u8>>::known(None).required("the port")).to_string(),
            "the port is absent"
        );
        assert_eq!(
            resolved(&Output::<Option<u8>>::unknown().required("the port")).value,
            PropertyValue::UNKNOWN
        );
    }

    #[test]
    fn a_function_may_refuse() {
        let output = Output::known("x".to_owned()).try_map(|text| text.parse::<u16>());
        assert_eq!(failure(&output).to_string(), "invalid digit found in string");
        let output = Output::known("7".to_owned()).try_map(|text| text.parse::<u16>());
        assert_eq!(block_on(output.value()).unwrap(), Some(7));
    }

    #[test]
    fn a_value_of_another_type_is_told_with_its_path_and_a_secret_one_without_its_content() {
        let output = Output::known(json!({ "fromPort": "ssh" })).cast::<Rule>();
        let message = block_on(output.value()).unwrap_err().to_string();
        assert!(
            message.contains("at fromPort") && message.contains("\"ssh\""),
            "{message}"
        );
        let message = block_on(output.as_secret().value()).unwrap_err().to_string();
        assert!(message.contains("at fromPort") && !message.contains("ssh"), "{message}");
    }

    #[test]
    fn a_reference_to_a_resource_reads_as_its_id() {
        let reference = |id| {
            PropertyValue::Resource(Box::new(groundwork_wire::ResourceReference {
                urn: urn("a"),
                id,
                package_version: String::new(),
            }))
        };
        let output = |id| Output::<String>::from_property(reference(id));
        assert_eq!(block_on(output(Some("i-1".into())).value()).unwrap().unwrap(), "i-1");
        assert_eq!(block_on(output(None).value()).unwrap().unwrap(), urn("a").to_string());
        assert_eq!(block_on(output(Some(PropertyValue::UNKNOWN)).value()).unwrap(), None);
        assert_eq!(
            resolved(&output(None).map(|text| text)).dependencies,
            BTreeSet::from([urn("a")])
        );
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let output = Output::secret("hunter2".to_owned());
        resolved(&output);
        let inside = Output::<serde_json::Value>::from_property(PropertyValue::Array(vec![PropertyValue::secret(
            "hunter2".into(),
        )]));
        resolved(&inside);
        let inputs = [
            format!("{:?}", Input::from(&output)),
            format!("{:?}", Input::<String>::secret("hunter2")),
            format!(
                "{:?}",
                Input::<String>::from_property(PropertyValue::secret("hunter2".into()))
            ),
        ];
        for shown in [format!("{output:?}"), format!("{inside:?}")].into_iter().chain(inputs) {
            assert!(shown.contains("[secret]") && !shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(
            format!("{:?}", Output::<u8>::from_future(futures::future::pending())),
            "Output(pending)"
        );
    }

    #[test]
    fn revealing_opens_a_secret() {
        let output =
            Output::<Vec<String>>::from_property(PropertyValue::Array(vec![PropertyValue::secret("a".into())]));
        let resolved = resolved(&output.as_secret().revealed());
        assert!(!resolved.secret && !resolved.value.contains_secret());
    }

    #[test]
    fn an_output_says_itself_as_short_as_it_can() {
        let say = |output: Output<u8>| resolved(&output).into_property();
        assert_eq!(say(Output::known(1)), PropertyValue::Number(1.0));
        assert_eq!(
            say(Output::secret(1)),
            PropertyValue::secret(PropertyValue::Number(1.0))
        );
        assert_eq!(say(Output::unknown()), PropertyValue::UNKNOWN);
        let expected = OutputValue {
            value: None,
            secret: true,
            dependencies: BTreeSet::from([urn("a")]),
        };
        assert_eq!(
            say(Output::unknown().as_secret().depends_on([urn("a")])),
            PropertyValue::Output(Box::new(expected))
        );
    }

    #[test]
    fn inputs_are_written_as_they_come_to_hand() {
        fn text(input: impl Into<Input<String>>) -> PropertyValue {
            input.into().peek()
        }
        fn texts(input: impl Into<Input<Vec<String>>>) -> PropertyValue {
            input.into().peek()
        }
        fn tags(input: impl Into<Input<BTreeMap<String, String>>>) -> PropertyValue {
            input.into().peek()
        }
        fn port(input: impl Into<Input<u16>>) -> PropertyValue {
            input.into().peek()
        }
        let owned = "a".to_owned();
        let output = Output::known(owned.clone());
        let input = Input::from(&output);
        for value in [
            text("a"),
            text(&owned),
            text(owned.clone()),
            text(&output),
            text(output.clone()),
            text(&input),
            text(input.clone()),
        ] {
            assert_eq!(value, "a".into());
        }
        for value in [
            texts(["a"]),
            texts([&output]),
            texts(vec![owned.clone()]),
            texts(vec![output.clone()]),
            texts(vec![input.clone()]),
            texts(Input::list(["a"])),
            texts(Output::all([output.clone()])),
        ] {
            assert_eq!(value, PropertyValue::Array(vec!["a".into()]));
        }
        for value in [
            tags([("k", "a")]),
            tags([("k", &output)]),
            tags(BTreeMap::from([("k".to_owned(), owned)])),
            tags(BTreeMap::from([("k".to_owned(), output)])),
            tags(BTreeMap::from([("k".to_owned(), input)])),
            tags(Input::object([("k", "a")])),
        ] {
            assert_eq!(
                value,
                PropertyValue::Object(BTreeMap::from([("k".to_owned(), "a".into())]))
            );
        }
        assert_eq!(port(443), PropertyValue::Number(443.0));
    }

    #[test]
    fn text_that_is_no_value_of_its_type_fails_the_input() {
        assert_eq!(Input::<Port>::from("22").known(), Some(Port(22)));
        let wrong = Input::<Rule>::from(RuleArgs::new("ssh"));
        assert_eq!(
            block_on(wrong.resolve()).unwrap_err().to_string(),
            "invalid digit found in string"
        );
    }

    #[test]
    fn a_tree_keeps_its_outputs_where_they_stand_and_knows_all_dependencies() {
        let (sender, receiver) = oneshot::channel::<Resolved>();
        let late = Output::<String>::from_future(async move {
            receiver.await.map_err(|_| OutputError::new("the resource is gone"))
        });
        let args = RuleArgs::new(from_resource(Port(22), "a")).peers(Input::list([
            Input::from("plain"),
            Input::from(&late),
            Input::secret("hidden"),
        ]));
        let input = Input::<Rule>::from(args);
        assert_eq!(input.known(), None);
        sender.send(Resolved::lift("late".into())).unwrap();
        assert_eq!(
            input.known(),
            Some(Rule {
                from_port: Port(22),
                peers: Some(vec!["plain".into(), "late".into(), "hidden".into()])
            })
        );
        let resolved = block_on(input.resolve()).unwrap();
        assert_eq!(resolved.dependencies, BTreeSet::from([urn("a")]));
        assert!(!resolved.secret);
        let port = OutputValue {
            value: Some(PropertyValue::Number(22.0)),
            secret: false,
            dependencies: BTreeSet::from([urn("a")]),
        };
        let peers = vec!["plain".into(), "late".into(), PropertyValue::secret("hidden".into())];
        assert_eq!(
            resolved.value,
            PropertyValue::Object(BTreeMap::from([
                ("fromPort".to_owned(), PropertyValue::Output(Box::new(port))),
                ("peers".to_owned(), PropertyValue::Array(peers)),
            ]))
        );
    }

    #[test]
    fn absent_fields_are_left_out() {
        let value = Input::<Rule>::from(RuleArgs::new(Port(1))).peek();
        assert_eq!(
            value,
            PropertyValue::Object(BTreeMap::from([("fromPort".to_owned(), PropertyValue::Number(1.0))]))
        );
    }

    #[test]
    fn partly_unknown_inputs_have_no_typed_value_yet() {
        let value = |port| PropertyValue::Object(BTreeMap::from([("fromPort".to_owned(), port)]));
        assert_eq!(
            Input::<Rule>::from_property(value(PropertyValue::UNKNOWN)).known(),
            None
        );
        let known = Input::<Rule>::from_property(value(PropertyValue::Number(22.0))).known();
        assert_eq!(
            known,
            Some(Rule {
                from_port: Port(22),
                peers: None
            })
        );
    }

    #[test]
    fn an_input_becomes_an_output() {
        let output = Input::<Rule>::from(RuleArgs::new(from_resource(Port(22), "a"))).to_output();
        let ports = output.map(|rule| rule.from_port);
        assert_eq!(block_on(ports.value()).unwrap(), Some(Port(22)));
        assert_eq!(resolved(&ports).dependencies, BTreeSet::from([urn("a")]));
    }
}
