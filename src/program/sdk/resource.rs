//! Resources as a program holds them.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::{BoxFuture, FutureExt as _, Shared, ready};
use groundwork_contract::{Contract, FromOutputs, InputNode, Output, OutputError, Resolved};
use groundwork_wire::{InvalidUrn, PropertyMap, PropertyValue, Urn, Value, codec};
use prost_types::value::Kind as ValueKind;

use super::{Context, place::Place};

/// What the engine answered to a registration.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) urn: Urn,
    /// `None` for a component.
    pub(super) id: Option<PropertyValue>,
    pub(super) properties: PropertyMap,
    /// Whether properties that are not named are unknown rather than absent.
    pub(super) partial: bool,
}

pub(super) type Outcome = Shared<BoxFuture<'static, Result<Arc<Registered>, OutputError>>>;

/// Whatever is a resource of the program.
pub trait IsResource {
    /// It, without its type.
    fn any(&self) -> &AnyResource;
}

/// A resource without its type. Cheap to clone.
#[derive(Clone)]
pub struct AnyResource(Arc<Node>);

pub(super) struct Node {
    pub(super) token: String,
    pub(super) name: String,
    pub(super) custom: bool,
    pub(super) outcome: Outcome,
    pub(super) parent: Option<AnyResource>,
    pub(super) providers: BTreeMap<String, ProviderRef>,
    pub(super) protect: Option<bool>,
}

/// The children of each component. They hold their parents, so that a parent's address names it for good.
#[derive(Debug, Default)]
pub(super) struct Children(Mutex<BTreeMap<usize, Vec<AnyResource>>>);

impl Children {
    pub(super) fn add(&self, parent: &AnyResource, child: AnyResource) {
        let mut children = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        children.entry(parent.key()).or_default().push(child);
    }

    fn of(&self, parent: &AnyResource) -> Vec<AnyResource> {
        let children = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        children.get(&parent.key()).cloned().unwrap_or_default()
    }

    /// The resources that a dependency on this one is a dependency on: itself, or a component's children so far.
    /// Whoever is inside a component depends on the component alone, for it would wait for itself.
    pub(super) fn expand(&self, resource: &AnyResource, inside: Option<&AnyResource>, into: &mut Vec<AnyResource>) {
        let is_inside = std::iter::successors(inside, |resource| resource.0.parent.as_ref())
            .any(|ancestor| ancestor.key() == resource.key());
        if resource.0.custom || is_inside {
            into.push(resource.clone());
            return;
        }
        for child in self.of(resource) {
            self.expand(&child, inside, into);
        }
    }
}

impl AnyResource {
    pub(super) fn new(node: Node) -> Self {
        Self(Arc::new(node))
    }

    fn key(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// A resource that somebody else has registered, such as the parent of a component that a provider makes.
    pub fn existing(urn: Urn) -> Self {
        Self::registered_as(urn, None)
    }

    fn registered_as(urn: Urn, id: Option<PropertyValue>) -> Self {
        let (token, name, custom) = (urn.token().to_owned(), urn.name().to_owned(), true);
        let registered = Arc::new(Registered {
            urn,
            id,
            properties: PropertyMap::new(),
            partial: true,
        });
        let outcome: BoxFuture<'static, _> = Box::pin(ready(Ok(registered)));
        let (parent, providers, protect) = (None, BTreeMap::new(), None);
        Self::new(Node {
            token,
            name,
            custom,
            outcome: outcome.shared(),
            parent,
            providers,
            protect,
        })
    }

    /// Its type.
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// Its name in the program.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its URN.
    pub fn urn(&self) -> Output<String> {
        self.output(|registered| Resolved::lift(registered.urn.as_str().into()))
    }

    /// Its id; absent for a component.
    pub fn id(&self) -> Output<String> {
        self.output(|registered| Resolved::lift(registered.id.clone().unwrap_or_default()))
    }

    /// All its properties.
    pub fn object(&self) -> Output<serde_json::Value> {
        self.output(|registered| Resolved {
            value: PropertyValue::Object(registered.properties.clone()),
            partial: registered.partial,
            ..Resolved::default()
        })
    }

    /// One of its properties, by the name that Pulumi has for it.
    pub fn output_named<T>(&self, name: &str) -> Output<T> {
        self.object().field(name)
    }

    fn output<T>(&self, read: impl FnOnce(&Registered) -> Resolved + Send + 'static) -> Output<T> {
        let outcome = self.0.outcome.clone();
        Output::from_future(async move {
            let registered = outcome.await?;
            let mut resolved = read(&registered);
            resolved.dependencies.insert(registered.urn.clone());
            Ok(resolved)
        })
    }

    /// Waits until the engine has answered.
    pub(super) async fn registered(&self) -> Result<Arc<Registered>, OutputError> {
        self.0.outcome.clone().await
    }

    pub(super) fn providers(&self) -> &BTreeMap<String, ProviderRef> {
        &self.0.providers
    }

    pub(super) fn protect(&self) -> Option<bool> {
        self.0.protect
    }
}

impl fmt::Debug for AnyResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.0.token, self.0.name)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.token, self.name)
    }
}

impl IsResource for AnyResource {
    fn any(&self) -> &AnyResource {
        self
    }
}

/// A resource: its URN, its id, and an output for each of its properties (`vpc.id`, `vpc.arn`). Cheap to clone.
pub struct Resource<C: Contract> {
    /// Its URN.
    pub urn: Output<String>,
    /// Its id.
    pub id: Output<C::Id>,
    refs: Arc<C::Refs>,
    any: AnyResource,
}

impl<C: Contract> Resource<C> {
    pub(super) fn new(any: AnyResource) -> Self {
        Self {
            urn: any.urn(),
            id: any.id().cast(),
            refs: Arc::new(C::Refs::from_outputs(&any.object())),
            any,
        }
    }

    /// Any property, by the name that Pulumi has for it, such as `cidrBlock`.
    pub fn output<T>(&self, name: &str) -> Output<T> {
        self.any.output_named(name)
    }
}

impl<C: Contract> Deref for Resource<C> {
    type Target = C::Refs;

    fn deref(&self) -> &C::Refs {
        &self.refs
    }
}

impl<C: Contract> Clone for Resource<C> {
    fn clone(&self) -> Self {
        Self {
            urn: self.urn.clone(),
            id: self.id.clone(),
            refs: Arc::clone(&self.refs),
            any: self.any.clone(),
        }
    }
}

impl<C: Contract> fmt::Debug for Resource<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any.fmt(f)
    }
}

impl<C: Contract> IsResource for Resource<C> {
    fn any(&self) -> &AnyResource {
        &self.any
    }
}

/// A resource that only groups others. Cheap to clone.
#[derive(Clone)]
pub struct Component {
    /// Its URN.
    pub urn: Output<String>,
    any: AnyResource,
    context: Context,
}

impl Component {
    pub(super) fn new(any: AnyResource, context: Context) -> Self {
        Self {
            urn: any.urn(),
            any,
            context,
        }
    }

    /// A context whose resources are this component's children.
    pub fn context(&self) -> Context {
        self.context.within(&self.any)
    }

    /// Says that it is complete, and what it gives. To be called once.
    #[track_caller]
    pub fn register_outputs<K: Into<String>, V: Into<InputNode>>(&self, outputs: impl IntoIterator<Item = (K, V)>) {
        let outputs = outputs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        self.context
            .register_outputs(&self.any, InputNode::Object(outputs), Place::caller());
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any.fmt(f)
    }
}

impl IsResource for Component {
    fn any(&self) -> &AnyResource {
        &self.any
    }
}

/// A provider with a configuration of its own. Cheap to clone.
#[derive(Clone)]
pub struct ProviderRef {
    package: String,
    any: AnyResource,
}

impl ProviderRef {
    pub(super) const fn new(package: String, any: AnyResource) -> Self {
        Self { package, any }
    }

    /// A provider that somebody else has registered, by its reference: `<urn>::<id>`.
    pub fn existing(reference: &str) -> Result<Self, InvalidUrn> {
        let (urn, id) = reference.rsplit_once("::").unwrap_or((reference, ""));
        let urn: Urn = urn.parse()?;
        let package = urn.token().rsplit(':').next().unwrap_or_default().to_owned();
        let id = codec::from_value(&Value {
            kind: Some(ValueKind::StringValue(id.to_owned())),
        });
        Ok(Self {
            package,
            any: AnyResource::registered_as(urn, Some(id)),
        })
    }

    /// The package that it makes resources of.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// As a registration names it: its URN and its id, which may be unknown.
    pub(super) async fn reference(&self) -> Result<String, OutputError> {
        let registered = self.any.registered().await?;
        let id = codec::to_value(registered.id.as_ref().unwrap_or(&PropertyValue::UNKNOWN));
        let Some(ValueKind::StringValue(id)) = &id.kind else {
            return Err(OutputError::new("its provider's id is no text"));
        };
        Ok(format!("{}::{id}", registered.urn))
    }
}

impl fmt::Debug for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any.fmt(f)
    }
}

impl IsResource for ProviderRef {
    fn any(&self) -> &AnyResource {
        &self.any
    }
}

/// Another stack, and what it exports. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StackReference {
    any: AnyResource,
    preview: bool,
}

impl StackReference {
    pub(super) const fn new(any: AnyResource, preview: bool) -> Self {
        Self { any, preview }
    }

    /// One of its exports; absent if there is none of the name (unknown in a preview).
    pub fn output<T>(&self, name: &str) -> Output<T> {
        let exports = self.any.output_named::<serde_json::Value>("outputs");
        let partial = self.preview;
        Output::<serde_json::Value>::from_future(async move {
            Ok(Resolved {
                partial,
                ..exports.resolve().await?
            })
        })
        .field(name)
    }
}

impl IsResource for StackReference {
    fn any(&self) -> &AnyResource {
        &self.any
    }
}
