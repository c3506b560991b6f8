//! An engine in this process that answers at once and writes down what a program says.
//!
//! For tests of programs, and for whoever wants to see what a program makes without making it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use groundwork_wire::{
    PropertyMap, PropertyValue, Token, Urn, codec,
    proto::{
        CheckFailure, LogRequest, LogSeverity, ReadResourceRequest, ReadResourceResponse,
        RegisterResourceOutputsRequest, RegisterResourceRequest, RegisterResourceResponse, ResourceInvokeRequest,
        ResourceInvokeResponse, Result as Outcome,
        engine_server::{Engine, EngineServer},
        resource_monitor_server::{ResourceMonitor, ResourceMonitorServer},
    },
    serve::{Listener, MessageLimit as _},
};
use jiff::civil::Date;
use serde_json::{Value as Json, json};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, transport::Server};

use super::{Context, Deployment, Result, place::Place, run::tell};

/// What the engine answers to a registration or a look-up.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The resource is there.
    Made {
        /// Its id; by default `<name>-id`, and unknown in a preview.
        id: Option<PropertyValue>,
        /// Its properties beside its inputs.
        outputs: PropertyMap,
    },
    /// The resource failed, which the engine has told.
    Failed,
    /// The engine refuses the request itself.
    Refused(tonic::Code, String),
}

impl Default for Answer {
    fn default() -> Self {
        Self::Made {
            id: None,
            outputs: PropertyMap::new(),
        }
    }
}

impl Answer {
    /// The resource is there, with these properties beside its inputs.
    pub fn outputs<K: Into<String>, V: Into<PropertyValue>>(outputs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Made {
            id: None,
            outputs: outputs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        }
    }
}

type Answering = Arc<dyn Fn(Registration) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;
type Invoking = Arc<dyn Fn(&Invocation) -> std::result::Result<PropertyMap, String> + Send + Sync>;

/// What the engine deploys, and how it answers.
#[derive(Clone)]
pub struct Options {
    deployment: Deployment,
    answer: Answering,
    invoke: Invoking,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("deployment", &self.deployment)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new("platform", "dev")
    }
}

impl Options {
    /// An update of a stack whose every resource is made and whose every function answers nothing.
    pub fn new(project: &str, stack: &str) -> Self {
        let deployment = Deployment {
            project: project.to_owned(),
            stack: stack.to_owned(),
            organization: "organization".to_owned(),
            ..Deployment::default()
        };
        Self {
            deployment,
            answer: Arc::new(|_| Box::pin(async { Answer::default() })),
            invoke: Arc::new(|_| Ok(PropertyMap::new())),
        }
    }

    /// A preview instead.
    #[must_use]
    pub const fn preview(mut self) -> Self {
        self.deployment.dry_run = true;
        self
    }

    /// On this day; without it long ago, so that what is recorded does not change as time goes by.
    #[must_use]
    pub const fn today(mut self, today: Date) -> Self {
        self.deployment.today = today;
        self
    }

    /// With a value of the configuration, by `namespace:key`.
    #[must_use]
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.deployment.config.insert(key.to_owned(), value.to_owned());
        self
    }

    /// With a secret value of the configuration, by `namespace:key`.
    #[must_use]
    pub fn secret_config(mut self, key: &str, value: &str) -> Self {
        self.deployment.secret_keys.insert(key.to_owned());
        self.config(key, value)
    }

    /// Paths of the program are relative to this folder.
    #[must_use]
    pub fn root_directory(mut self, path: &str) -> Self {
        self.deployment.root_directory = Some(path.to_owned());
        self
    }

    /// Answers registrations and look-ups.
    #[must_use]
    pub fn answer(mut self, answer: impl Fn(&Registration) -> Answer + Send + Sync + 'static) -> Self {
        self.answer = Arc::new(move |registration| {
            let answer = answer(&registration);
            Box::pin(async { answer })
        });
        self
    }

    /// Answers registrations and look-ups when it is time.
    #[must_use]
    pub fn answer_later<F>(mut self, answer: impl Fn(Registration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        self.answer = Arc::new(move |registration| Box::pin(answer(registration)));
        self
    }

    /// Answers functions.
    #[must_use]
    pub fn invoke(
        mut self,
        invoke: impl Fn(&Invocation) -> std::result::Result<PropertyMap, String> + Send + Sync + 'static,
    ) -> Self {
        self.invoke = Arc::new(invoke);
        self
    }
}

/// A resource as the program registered it.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Its URN.
    pub urn: Urn,
    /// Its type.
    pub token: String,
    /// Its name.
    pub name: String,
    /// Its parent, unless it is the stack.
    pub parent: Option<Urn>,
    /// The id that it is looked up by, if the stack does not manage it.
    pub read: Option<String>,
    /// Its inputs.
    pub inputs: PropertyMap,
    /// What it is made after.
    pub dependencies: BTreeSet<Urn>,
    /// What each of its inputs comes from.
    pub property_dependencies: BTreeMap<String, BTreeSet<Urn>>,
    /// The request as it was sent, if it is no look-up.
    pub request: RegisterResourceRequest,
}

impl Registration {
    /// The same in JSON, without what is not set.
    pub fn to_json(&self) -> Json {
        let request = &self.request;
        let mut json = serde_json::Map::new();
        let mut put = |key: &str, value: Json| {
            let empty = match &value {
                Json::Null => true,
                Json::Bool(truth) => !truth,
                Json::String(text) => text.is_empty(),
                Json::Array(items) => items.is_empty(),
                Json::Object(map) => map.is_empty(),
                Json::Number(_) => false,
            };
            if !empty {
                json.insert(key.to_owned(), value);
            }
        };
        put("type", self.token.clone().into());
        put("name", self.name.clone().into());
        put("parent", name_of(self.parent.as_ref()));
        put("read", self.read.clone().into());
        put("component", (self.read.is_none() && !request.custom).into());
        put("inputs", object_to_json(&self.inputs));
        put("dependsOn", urns_to_json(&self.dependencies));
        let property_dependencies = self.property_dependencies.iter().filter(|(_, urns)| !urns.is_empty());
        put(
            "propertyDependencies",
            property_dependencies
                .map(|(key, urns)| (key.clone(), urns_to_json(urns)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        );
        put("provider", request.provider.clone().into());
        put("providers", json!(request.providers));
        put("protect", request.protect.into());
        put("ignoreChanges", request.ignore_changes.clone().into());
        put("replaceOnChanges", request.replace_on_changes.clone().into());
        put("hideDiffs", request.hide_diffs.clone().into());
        put(
            "additionalSecretOutputs",
            request.additional_secret_outputs.clone().into(),
        );
        put("retainOnDelete", request.retain_on_delete.into());
        put("deletedWith", request.deleted_with.clone().into());
        put("replaceWith", request.replace_with.clone().into());
        put("import", request.import_id.clone().into());
        put("version", request.version.clone().into());
        put("pluginDownloadUrl", request.plugin_download_url.clone().into());
        if request.delete_before_replace_defined {
            json.insert("deleteBeforeReplace".to_owned(), request.delete_before_replace.into());
        }
        if let Some(timeouts) = &request.custom_timeouts {
            let named = [
                ("create", &timeouts.create),
                ("update", &timeouts.update),
                ("delete", &timeouts.delete),
                ("read", &timeouts.read),
            ];
            let set = named.into_iter().filter(|(_, text)| !text.is_empty());
            let set: serde_json::Map<String, Json> =
                set.map(|(key, text)| (key.to_owned(), text.clone().into())).collect();
            json.insert("timeouts".to_owned(), set.into());
        }
        Json::Object(json)
    }
}

/// A function as the program asked it.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Its name.
    pub token: String,
    /// What it was asked with.
    pub args: PropertyMap,
    /// The request as it was sent.
    pub request: ResourceInvokeRequest,
}

/// A message as the program told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How grave it is.
    pub severity: LogSeverity,
    /// What it says.
    pub text: String,
    /// The resource that it is about.
    pub urn: String,
    /// Whether it goes away with the next one.
    pub ephemeral: bool,
}

/// Everything that a program said.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The resources in the order in which their requests came, the stack first.
    pub registrations: Vec<Registration>,
    /// The functions in the order in which their requests came.
    pub invocations: Vec<Invocation>,
    /// What components and the stack give.
    pub outputs: BTreeMap<Urn, PropertyMap>,
    /// The messages in order.
    pub messages: Vec<Message>,
    /// Whether the program said that it was done.
    pub done: bool,
    /// Its exit code.
    pub code: u8,
}

impl Recording {
    /// The one resource of this name.
    pub fn resource(&self, name: &str) -> Option<&Registration> {
        self.registrations.iter().find(|registration| registration.name == name)
    }

    /// What the stack exports.
    pub fn exports(&self) -> PropertyMap {
        let stack = self
            .outputs
            .iter()
            .find(|(urn, _)| urn.token() == "pulumi:pulumi:Stack");
        stack.map(|(_, exports)| exports.clone()).unwrap_or_default()
    }

    /// The texts of all errors.
    pub fn errors(&self) -> Vec<&str> {
        let errors = self
            .messages
            .iter()
            .filter(|message| message.severity == LogSeverity::Error);
        errors.map(|message| message.text.as_str()).collect()
    }

    /// All resources and exports in JSON, sorted, so that the same program always gives the same text.
    pub fn to_json(&self) -> Json {
        let mut registrations: Vec<&Registration> = self.registrations.iter().filter(|r| r.parent.is_some()).collect();
        registrations.sort_by_key(|registration| registration.urn.clone());
        let mut invocations: Vec<&Invocation> = self.invocations.iter().collect();
        invocations.sort_by_key(|invocation| (invocation.token.clone(), object_to_json(&invocation.args).to_string()));
        json!({
            "resources": registrations.into_iter().map(Registration::to_json).collect::<Vec<_>>(),
            "functions": invocations
                .into_iter()
                .map(|invocation| json!({ "token": invocation.token, "args": object_to_json(&invocation.args) }))
                .collect::<Vec<_>>(),
            "exports": object_to_json(&self.exports()),
        })
    }
}

/// `type::name`, which is what tells resources apart within a stack.
fn name_of(urn: Option<&Urn>) -> Json {
    match urn {
        Some(urn) if urn.token() == "pulumi:pulumi:Stack" => Json::Null,
        Some(urn) => format!("{}::{}", urn.token(), urn.name()).into(),
        None => Json::Null,
    }
}

fn urns_to_json(urns: &BTreeSet<Urn>) -> Json {
    urns.iter().map(|urn| name_of(Some(urn))).collect::<Vec<_>>().into()
}

fn object_to_json(map: &PropertyMap) -> Json {
    map.iter()
        .map(|(key, value)| (key.clone(), to_json(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A value in JSON; what JSON cannot say as an object with one key in angle brackets.
fn to_json(value: &PropertyValue) -> Json {
    match value {
        PropertyValue::Array(items) => items.iter().map(to_json).collect::<Vec<_>>().into(),
        PropertyValue::Object(map) => object_to_json(map),
        PropertyValue::Secret(inner) => json!({ "<secret>": to_json(inner) }),
        PropertyValue::Output(output) => output.value.as_ref().map_or_else(|| "<unknown>".into(), to_json),
        PropertyValue::Unknown(_) => "<unknown>".into(),
        PropertyValue::Resource(reference) => json!({ "<resource>": name_of(Some(&reference.urn)) }),
        PropertyValue::Asset(map) => json!({ "<asset>": object_to_json(map) }),
        PropertyValue::Archive(map) => json!({ "<archive>": object_to_json(map) }),
        plain => plain.to_json().unwrap_or_default(),
    }
}

/// Runs a program against an engine of this process, and answers what it said.
#[track_caller]
pub fn run<P, F>(options: Options, program: P) -> impl Future<Output = Result<Recording>> + Send
where
    P: FnOnce(Context) -> F + Send + 'static,
    F: Future<Output = Result> + Send + 'static,
{
    record(options, program, Place::caller())
}

async fn record<P, F>(options: Options, program: P, place: Place) -> Result<Recording>
where
    P: FnOnce(Context) -> F + Send + 'static,
    F: Future<Output = Result> + Send + 'static,
{
    let deployment = options.deployment.clone();
    let mock = Mock {
        options,
        recording: Arc::default(),
    };
    let listener = Listener::bind().await?;
    let address = listener.address().to_string();
    let router = Server::builder()
        .add_service(ResourceMonitorServer::new(mock.clone()).with_message_limit())
        .add_service(EngineServer::new(mock.clone()).with_message_limit());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(listener.serve(router, async { drop(stopped.await) }));
    let context = Context::connect(deployment, &address, &address)?;
    let code = tell(&context, program, place).await;
    drop(context);
    drop(stop);
    server.await??;
    let mut recording = std::mem::take(&mut *mock.recording());
    recording.code = code;
    Ok(recording)
}

/// As [`run`], for whoever has no runtime.
#[track_caller]
pub fn run_blocking<P, F>(options: Options, program: P) -> Result<Recording>
where
    P: FnOnce(Context) -> F + Send + 'static,
    F: Future<Output = Result> + Send + 'static,
{
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(options, program))
}

#[derive(Clone)]
struct Mock {
    options: Options,
    recording: Arc<Mutex<Recording>>,
}

impl Mock {
    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn urn(&self, parent: &str, token: &str, name: &str) -> std::result::Result<Urn, Status> {
        let parent = if parent.is_empty() { None } else { Some(urn(parent)?) };
        let token: Token = token.parse().map_err(invalid)?;
        let Deployment { stack, project, .. } = &self.options.deployment;
        Urn::new(stack, project, parent.as_ref(), &token, name).map_err(invalid)
    }

    /// Writes a registration down and answers it.
    async fn take(
        &self,
        registration: Registration,
    ) -> std::result::Result<(Option<PropertyValue>, PropertyMap, bool), Status> {
        self.recording().registrations.push(registration.clone());
        let inputs = registration.inputs.clone();
        match (self.options.answer)(registration).await {
            Answer::Made { id, outputs } => {
                let mut properties = inputs;
                properties.extend(outputs);
                Ok((id, properties, true))
            }
            Answer::Failed => Ok((None, PropertyMap::new(), false)),
            Answer::Refused(code, message) => Err(Status::new(code, message)),
        }
    }
}

fn invalid(error: impl fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}

fn urn(text: &str) -> std::result::Result<Urn, Status> {
    text.parse().map_err(invalid)
}

fn urns<'a>(texts: impl IntoIterator<Item = &'a String>) -> std::result::Result<BTreeSet<Urn>, Status> {
    texts.into_iter().map(|text| urn(text)).collect()
}

#[tonic::async_trait]
impl ResourceMonitor for Mock {
    async fn register_resource(
        &self,
        request: Request<RegisterResourceRequest>,
    ) -> std::result::Result<Response<RegisterResourceResponse>, Status> {
        let request = request.into_inner();
        let (custom, name) = (request.custom, request.name.clone());
        let of_property = |(key, dependencies): (
            &String,
            &groundwork_wire::proto::register_resource_request::PropertyDependencies,
        )| { Ok((key.clone(), urns(&dependencies.urns)?)) };
        let registration = Registration {
            urn: self.urn(&request.parent, &request.r#type, &request.name)?,
            token: request.r#type.clone(),
            name: request.name.clone(),
            parent: if request.parent.is_empty() {
                None
            } else {
                Some(urn(&request.parent)?)
            },
            read: None,
            inputs: codec::from_optional(request.object.as_ref()),
            dependencies: urns(&request.dependencies)?,
            property_dependencies: request
                .property_dependencies
                .iter()
                .map(of_property)
                .collect::<std::result::Result<_, Status>>()?,
            request,
        };
        let urn = registration.urn.to_string();
        let (id, properties, made) = self.take(registration).await?;
        let id = match id {
            Some(id) => id.as_str().unwrap_or_default().to_owned(),
            None if custom && !self.options.deployment.dry_run => format!("{name}-id"),
            None => String::new(),
        };
        Ok(Response::new(RegisterResourceResponse {
            urn,
            id,
            object: Some(codec::to_struct(&properties)),
            result: if made { Outcome::Success } else { Outcome::Fail }.into(),
            ..RegisterResourceResponse::default()
        }))
    }

    async fn read_resource(
        &self,
        request: Request<ReadResourceRequest>,
    ) -> std::result::Result<Response<ReadResourceResponse>, Status> {
        let request = request.into_inner();
        let registration = Registration {
            urn: self.urn(&request.parent, &request.r#type, &request.name)?,
            token: request.r#type.clone(),
            name: request.name.clone(),
            parent: if request.parent.is_empty() {
                None
            } else {
                Some(urn(&request.parent)?)
            },
            read: Some(request.id.clone()),
            inputs: codec::from_optional(request.properties.as_ref()),
            dependencies: urns(&request.dependencies)?,
            property_dependencies: BTreeMap::new(),
            request: RegisterResourceRequest {
                custom: true,
                provider: request.provider,
                version: request.version,
                plugin_download_url: request.plugin_download_url,
                additional_secret_outputs: request.additional_secret_outputs,
                source_position: request.source_position,
                ..RegisterResourceRequest::default()
            },
        };
        let urn = registration.urn.to_string();
        let (_, properties, made) = self.take(registration).await?;
        if !made {
            return Err(Status::not_found("the resource does not exist"));
        }
        Ok(Response::new(ReadResourceResponse {
            urn,
            properties: Some(codec::to_struct(&properties)),
        }))
    }

    async fn register_resource_outputs(
        &self,
        request: Request<RegisterResourceOutputsRequest>,
    ) -> std::result::Result<Response<()>, Status> {
        let request = request.into_inner();
        let outputs = codec::from_optional(request.outputs.as_ref());
        self.recording().outputs.insert(urn(&request.urn)?, outputs);
        Ok(Response::new(()))
    }

    async fn invoke(
        &self,
        request: Request<ResourceInvokeRequest>,
    ) -> std::result::Result<Response<ResourceInvokeResponse>, Status> {
        let request = request.into_inner();
        let args = codec::from_optional(request.args.as_ref());
        let invocation = Invocation {
            token: request.tok.clone(),
            args,
            request,
        };
        self.recording().invocations.push(invocation.clone());
        Ok(Response::new(match (self.options.invoke)(&invocation) {
            Ok(answer) => ResourceInvokeResponse {
                r#return: Some(codec::to_struct(&answer)),
                ..Default::default()
            },
            Err(reason) => ResourceInvokeResponse {
                failures: vec![CheckFailure {
                    property: String::new(),
                    reason,
                }],
                ..Default::default()
            },
        }))
    }

    async fn signal_and_wait_for_shutdown(&self, _: Request<()>) -> std::result::Result<Response<()>, Status> {
        self.recording().done = true;
        Ok(Response::new(()))
    }
}

#[tonic::async_trait]
impl Engine for Mock {
    async fn log(&self, request: Request<LogRequest>) -> std::result::Result<Response<()>, Status> {
        let request = request.into_inner();
        let severity = request.severity();
        let LogRequest {
            message: text,
            urn,
            ephemeral,
            ..
        } = request;
        self.recording().messages.push(Message {
            severity,
            text,
            urn,
            ephemeral,
        });
        Ok(Response::new(()))
    }
}
