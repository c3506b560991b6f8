//! What a program talks to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use groundwork_contract::{Contract, Function, Input, InputNode, Output, OutputError};
use groundwork_wire::{
    PropertyMap, PropertyValue,
    proto::{engine_client::EngineClient, resource_monitor_client::ResourceMonitorClient},
    serve::{self, InvalidAddress, MessageLimit as _},
};
use jiff::civil::Date;
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
};
use tonic::transport::Channel;

use super::{
    AnyResource, Component, Config, InvokeOptions, IsResource, ProviderRef, Resource, ResourceOptions, Severity,
    StackReference,
    log::Log,
    place::Place,
    registration::{Kind, Plan},
    resource::Children,
    run::panic_message,
};

/// What is being deployed, where, and with what configuration.
#[derive(Clone, Default)]
pub struct Deployment {
    /// The project.
    pub project: String,
    /// The stack.
    pub stack: String,
    /// The organization that owns the stack.
    pub organization: String,
    /// Whether this is a preview.
    pub dry_run: bool,
    /// The folder that paths of the program are relative to.
    pub root_directory: Option<String>,
    /// The configuration, by `namespace:key`.
    pub config: BTreeMap<String, String>,
    /// The keys of the configuration that are secret.
    pub secret_keys: BTreeSet<String>,
    /// What holds where the configuration says nothing, by namespace and key: `$GROUNDWORK_DEFAULTS`.
    pub defaults: BTreeMap<String, serde_json::Value>,
    /// What day it is.
    pub today: Date,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("project", &self.project)
            .field("stack", &self.stack)
            .field("organization", &self.organization)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

/// What a program talks to. Cheap to clone; a clone is the same context.
#[derive(Clone)]
pub struct Context {
    pub(super) inner: Arc<Inner>,
    pub(super) parent: Option<AnyResource>,
}

pub(super) struct Inner {
    pub(super) deployment: Arc<Deployment>,
    pub(super) monitor: ResourceMonitorClient<Channel>,
    pub(super) children: Children,
    log: Log,
    runtime: Handle,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    exports: Mutex<BTreeMap<String, InputNode>>,
    failed: AtomicBool,
    hooked: AtomicBool,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("deployment", &self.inner.deployment)
            .field("parent", &self.parent)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Connects to a resource monitor and an engine at `<host>:<port>`; must be called within a runtime.
    pub fn connect(deployment: Deployment, monitor: &str, engine: &str) -> Result<Self, InvalidAddress> {
        let monitor = ResourceMonitorClient::new(serve::connect(monitor)?).with_message_limit();
        let engine = EngineClient::new(serve::connect(engine)?).with_message_limit();
        let inner = Inner {
            deployment: Arc::new(deployment),
            monitor,
            children: Children::default(),
            log: Log::new(engine),
            runtime: Handle::current(),
            tasks: Mutex::default(),
            exports: Mutex::default(),
            failed: AtomicBool::new(false),
            hooked: AtomicBool::new(false),
        };
        Ok(Self {
            inner: Arc::new(inner),
            parent: None,
        })
    }

    /// The same context with another parent for resources that name none.
    #[must_use]
    pub fn within(&self, parent: &impl IsResource) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            parent: Some(parent.any().clone()),
        }
    }

    /// What day it is where nobody is ahead of, nor behind, anybody (UTC).
    pub fn today(&self) -> Date {
        self.inner.deployment.today
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.inner.deployment.project
    }

    /// The stack.
    pub fn stack(&self) -> &str {
        &self.inner.deployment.stack
    }

    /// The organization that owns the stack.
    pub fn organization(&self) -> &str {
        &self.inner.deployment.organization
    }

    /// Whether this is a preview. A program that does something else in a preview previews something else.
    pub fn dry_run(&self) -> bool {
        self.inner.deployment.dry_run
    }

    /// The configuration of a namespace: the project's name, or a provider's.
    pub fn config(&self, namespace: &str) -> Config {
        Config::new(Arc::clone(&self.inner.deployment), namespace)
    }

    /// Declares a resource. It is made as soon as everything that it depends on is there.
    #[track_caller]
    pub fn create<C: Contract>(
        &self,
        name: &str,
        args: C::Args,
        options: impl Into<Option<ResourceOptions>>,
    ) -> Resource<C> {
        let inputs: Input<C::Inputs> = args.into();
        Resource::new(self.declare(C::TOKEN, name, Kind::Custom, inputs.into(), options.into()))
    }

    /// Declares a resource whose type is only known as text.
    #[track_caller]
    pub fn create_untyped(
        &self,
        token: &str,
        name: &str,
        inputs: impl Into<InputNode>,
        options: impl Into<Option<ResourceOptions>>,
    ) -> AnyResource {
        self.declare(token, name, Kind::Custom, inputs.into(), options.into())
    }

    /// Declares a resource that groups others.
    #[track_caller]
    pub fn component(&self, token: &str, name: &str, options: impl Into<Option<ResourceOptions>>) -> Component {
        self.component_with(token, name, InputNode::Object(BTreeMap::new()), options)
    }

    /// Declares a resource that groups others and keeps what it was made from.
    #[track_caller]
    pub fn component_with(
        &self,
        token: &str,
        name: &str,
        inputs: impl Into<InputNode>,
        options: impl Into<Option<ResourceOptions>>,
    ) -> Component {
        Component::new(
            self.declare(token, name, Kind::Component, inputs.into(), options.into()),
            self.clone(),
        )
    }

    /// Looks up a resource that exists and that this stack does not manage.
    #[track_caller]
    pub fn get<C: Contract>(
        &self,
        name: &str,
        id: impl Into<Input<C::Id>>,
        options: impl Into<Option<ResourceOptions>>,
    ) -> Resource<C> {
        let inputs = InputNode::Object(BTreeMap::new());
        Resource::new(self.declare(C::TOKEN, name, Kind::Read(id.into().into()), inputs, options.into()))
    }

    /// Looks up another stack: `<organization>/<project>/<stack>`.
    #[track_caller]
    pub fn stack_reference(&self, stack: &str) -> StackReference {
        let token = "pulumi:pulumi:StackReference";
        let any = self.declare(token, stack, Kind::Read(stack.into()), [("name", stack)].into(), None);
        StackReference::new(any, self.dry_run())
    }

    /// Declares a provider with a configuration of its own.
    #[track_caller]
    pub fn provider(
        &self,
        package: &str,
        name: &str,
        inputs: impl Into<InputNode>,
        options: impl Into<Option<ResourceOptions>>,
    ) -> ProviderRef {
        let token = format!("pulumi:providers:{package}");
        let any = self.declare(&token, name, Kind::Custom, inputs.into(), options.into());
        ProviderRef::new(package.to_owned(), any)
    }

    /// Asks a provider's function. The answer is unknown while an argument is.
    #[track_caller]
    pub fn invoke<F: Function>(&self, args: F::Args) -> Output<F::Result> {
        let inputs: Input<F::Inputs> = args.into();
        self.ask(F::TOKEN, inputs.into(), InvokeOptions::default(), Place::caller())
            .cast()
    }

    /// As [`Self::invoke`], with options.
    #[track_caller]
    pub fn invoke_with<F: Function>(&self, args: F::Args, options: InvokeOptions) -> Output<F::Result> {
        let inputs: Input<F::Inputs> = args.into();
        self.ask(F::TOKEN, inputs.into(), options, Place::caller()).cast()
    }

    /// Exports a value of the stack; the last one of a name counts.
    pub fn export(&self, name: &str, value: impl Into<InputNode>) {
        self.inner
            .exports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), value.into());
    }

    /// Tells the user something.
    pub fn log(&self, severity: Severity, message: impl Into<String>) {
        if severity == Severity::Error {
            self.fail();
        }
        self.inner.log.send(severity, message.into(), String::new(), false);
    }

    /// Tells the user something that stays on the screen until the next message.
    pub fn status(&self, message: impl Into<String>) {
        self.inner.log.send(Severity::Info, message.into(), String::new(), true);
    }

    /// Tells the user something about a resource, once the engine knows it.
    pub fn log_about(&self, resource: &impl IsResource, severity: Severity, message: impl Into<String>) {
        if severity == Severity::Error {
            self.fail();
        }
        let (resource, message) = (resource.any().clone(), message.into());
        let log = self.inner.log.clone();
        self.spawn(async move {
            let urn = resource
                .registered()
                .await
                .map(|registered| registered.urn.to_string())
                .unwrap_or_default();
            log.send(severity, message, urn, false);
        });
    }

    #[track_caller]
    fn declare(
        &self,
        token: &str,
        name: &str,
        kind: Kind,
        inputs: InputNode,
        options: Option<ResourceOptions>,
    ) -> AnyResource {
        let plan = Plan {
            token: token.to_owned(),
            name: name.to_owned(),
            kind,
            inputs,
            options: options.unwrap_or_default(),
            place: Place::caller(),
        };
        self.register(plan)
    }

    /// Runs something that must have ended before the program has.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.inner.runtime.spawn(task);
        self.inner
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
    }

    /// Notes that the program must not end well.
    pub(super) fn fail(&self) {
        self.inner.failed.store(true, Ordering::Release);
    }

    /// Whether anything has gone wrong.
    pub(super) fn has_failed(&self) -> bool {
        self.inner.failed.load(Ordering::Acquire)
    }

    /// Notes a failure and tells it, if nobody has.
    pub(super) fn report(&self, error: &OutputError, about: &str) {
        self.fail();
        if error.claim() {
            self.inner
                .log
                .send(Severity::Error, format!("{about}: {error}"), String::new(), false);
        }
    }

    /// Waits until everything declared so far, and whatever that declares, has ended. Answers whether all went well.
    /// [`run`](super::run) does this itself; a component that a provider makes does it before it answers.
    pub async fn wait(&self) -> bool {
        self.settle().await;
        !self.has_failed()
    }

    /// Waits until everything has ended, what is begun meanwhile as well.
    pub(super) async fn settle(&self) {
        loop {
            let tasks = mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
            if tasks.is_empty() {
                break;
            }
            for task in tasks {
                if let Err(error) = task.await {
                    self.report_panic(error);
                }
            }
        }
        self.inner.log.flush().await;
    }

    /// From now on panics are told when they happen.
    pub(super) fn leave_panics_to_the_hook(&self) {
        self.inner.hooked.store(true, Ordering::Release);
    }

    pub(super) fn report_panic(&self, error: JoinError) {
        self.fail();
        if !self.inner.hooked.load(Ordering::Acquire) {
            self.log(
                Severity::Error,
                format!("the program panicked: {}", panic_message(error)),
            );
        }
    }

    pub(super) async fn flush(&self) {
        self.inner.log.flush().await;
    }

    pub(super) fn take_exports(&self) -> InputNode {
        InputNode::Object(mem::take(
            &mut *self.inner.exports.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// The folder that source positions are relative to.
    pub(super) fn root_directory(&self) -> Option<&str> {
        self.inner.deployment.root_directory.as_deref()
    }
}

/// An object's properties, with what is said of the object as a whole said of each of them.
pub(super) fn properties_of(value: PropertyValue) -> Result<PropertyMap, OutputError> {
    let whole = groundwork_contract::Resolved::lift(value);
    match whole.value {
        PropertyValue::Object(map) => Ok(map
            .into_iter()
            .filter(|(_, value)| !matches!(value, PropertyValue::Null))
            .map(|(key, value)| {
                let mut resolved = groundwork_contract::Resolved::lift(value);
                resolved.secret |= whole.secret;
                resolved.dependencies.extend(whole.dependencies.iter().cloned());
                (key, resolved.into_property())
            })
            .collect()),
        PropertyValue::Null => Ok(PropertyMap::new()),
        PropertyValue::Unknown(_) => Err(OutputError::new(
            "its inputs are not known as a whole: pass outputs property by property",
        )),
        _ => Err(OutputError::new("its inputs are no object")),
    }
}
