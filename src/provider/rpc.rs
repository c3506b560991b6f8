//! The provider's RPCs: decode, look up, call the engine, encode; and the resource's name on every error, once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use groundwork_contract::{
    Failure,
    descriptor::Descriptor,
    diff::{Change, ChangeKind},
};
use groundwork_wire::{
    PropertyMap, PropertyPath, PropertyValue, Urn,
    codec::{from_optional, to_struct},
    proto::{
        CheckFailure, CheckRequest, CheckResponse, ConfigureRequest, ConfigureResponse, CreateRequest, CreateResponse,
        DeleteRequest, DiffRequest, DiffResponse, ErrorResourceInitFailed, GetSchemaRequest, GetSchemaResponse,
        InvokeRequest, InvokeResponse, PluginInfo, PropertyDiff, ProviderHandshakeRequest, ProviderHandshakeResponse,
        ReadRequest, ReadResponse, UpdateRequest, UpdateResponse, diff_response::DiffChanges, property_diff,
        resource_provider_server::ResourceProvider,
    },
    serve::connect,
    status::{init_failed_status, missing_keys_status},
};
use tokio::{sync::RwLock, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};

use crate::{
    clients::Aws,
    config,
    cx::{Begun, Cx},
    engine::{Erased, Outcome, Previous, Saved},
    error::{Error, Kind},
    log::Log,
    marks::Marks,
    naming,
    registry::Registry,
    report::report,
    resource::Finding,
    state::{self, ORIGIN},
};

/// The provider, as the engine calls it.
#[derive(Debug)]
pub struct Provider {
    registry: Registry,
    session: RwLock<Option<Session>>,
    marks: Marks,
    unreplaced: Mutex<BTreeMap<Urn, Failure>>,
    cancel: CancellationToken,
    log: OnceLock<Log>,
}

/// What Configure made.
#[derive(Debug, Clone)]
struct Session {
    aws: Arc<Aws>,
    default_tags: PropertyMap,
}

impl Provider {
    /// A provider of these resource types; messages go to the engine at that address.
    pub fn new(registry: Registry, engine: Option<&str>) -> Self {
        let provider = Self {
            registry,
            session: RwLock::new(None),
            marks: Marks::default(),
            unreplaced: Mutex::default(),
            cancel: CancellationToken::new(),
            log: OnceLock::new(),
        };
        provider.attach(engine);
        provider
    }

    /// One that has been configured so.
    #[cfg(test)]
    pub(crate) fn configured(registry: Registry, aws: Aws, default_tags: PropertyMap) -> Self {
        let provider = Self::new(registry, None);
        let session = Session {
            aws: Arc::new(aws),
            default_tags,
        };
        Self {
            session: RwLock::new(Some(session)),
            ..provider
        }
    }

    /// Ends when the provider was cancelled.
    pub fn cancelled(&self) -> CancellationToken {
        self.cancel.clone()
    }

    fn attach(&self, engine: Option<&str>) {
        if let Some(channel) = engine.and_then(|address| connect(address).ok()) {
            self.log.get_or_init(|| Log::to_engine(channel));
        }
    }

    fn log(&self) -> Log {
        self.log.get().cloned().unwrap_or_else(Log::nowhere)
    }

    async fn session(&self) -> Result<Session, Status> {
        self.session
            .read()
            .await
            .clone()
            .ok_or_else(|| Status::failed_precondition("the provider was asked before it was configured"))
    }

    async fn cx(&self, urn: &Urn, limit: Duration) -> Result<Cx, Status> {
        let Session { aws, .. } = self.session().await?;
        Ok(Cx {
            aws,
            urn: urn.clone(),
            cancel: self.cancel.clone(),
            until: Instant::now() + limit,
            mark: String::new(),
            client_token: client_token(),
            begun: Begun::default(),
            log: self.log(),
        })
    }

    /// Keeps why a resource may not be replaced for the check of the replacement. Diff itself must not fail: a refresh
    /// asks it as well, with the roles exchanged.
    fn note_unreplaced(&self, urn: &Urn, why: Option<Failure>) {
        let mut unreplaced = self.unreplaced.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => unreplaced.insert(urn.clone(), why),
            None => unreplaced.remove(urn),
        };
    }

    fn why_unreplaced(&self, urn: &Urn) -> Option<Failure> {
        let unreplaced = self.unreplaced.lock().unwrap_or_else(PoisonError::into_inner);
        unreplaced.get(urn).cloned()
    }

    fn resource(&self, urn: &Urn) -> Result<&dyn Erased, Status> {
        self.registry
            .resource(urn.token())
            .map_err(|error| Status::invalid_argument(error.to_string()))
    }

    /// Shows what a resource's `foresee` found; what would make `up` fail is an error now.
    fn tell(&self, urn: &Urn, findings: &[Finding]) -> Result<(), Status> {
        let line = |finding: &Finding| match finding.property {
            Some(property) => format!("{property}: {}", finding.message),
            None => finding.message.clone(),
        };
        for finding in findings.iter().filter(|finding| !finding.fatal) {
            self.log().warn(Some(urn), line(finding));
        }
        let fatal: Vec<String> = findings.iter().filter(|finding| finding.fatal).map(line).collect();
        if fatal.is_empty() {
            Ok(())
        } else {
            Err(Status::invalid_argument(fatal.join("\n")))
        }
    }
}

/// How long what only looks may take.
const LOOK: Duration = Duration::from_mins(5);

/// A token that no other operation has. Source: EC2 API Reference, "Ensuring idempotency".
fn client_token() -> String {
    format!("gw-{:032x}", rand::random::<u128>())
}

fn urn(text: &str) -> Result<Urn, Status> {
    text.parse()
        .map_err(|error| Status::invalid_argument(format!("{error}")))
}

fn limit(seconds: f64, default: Duration) -> Duration {
    if seconds > 0.0 {
        Duration::try_from_secs_f64(seconds).unwrap_or(default)
    } else {
        default
    }
}

/// An error as a status. Codes that make the engine doubt its state are left to our own mistakes.
fn code(error: &Error) -> Code {
    match error.kind() {
        Kind::Invalid | Kind::NotYet => Code::InvalidArgument,
        Kind::Missing => Code::NotFound,
        Kind::Exists => Code::AlreadyExists,
        Kind::Denied => Code::PermissionDenied,
        Kind::Credentials => Code::Unauthenticated,
        Kind::Throttled | Kind::Quota => Code::ResourceExhausted,
        Kind::Unclear | Kind::Unreachable => Code::Unavailable,
        Kind::Timeout => Code::DeadlineExceeded,
        Kind::Cancelled => Code::Cancelled,
        Kind::InUse | Kind::Busy | Kind::Failed | Kind::GivenUp | Kind::Bug => Code::FailedPrecondition,
    }
}

fn status(verb: &str, urn: &Urn, error: &Error) -> Status {
    Status::new(code(error), report(verb, urn, error))
}

/// The answer to a Create or an Update that ended with an id.
fn unsettled(verb: &str, urn: &Urn, saved: &Saved, why: &Error) -> Status {
    let detail = ErrorResourceInitFailed {
        id: saved.id.clone(),
        properties: Some(to_struct(&saved.properties)),
        reasons: vec![report(verb, urn, why)],
        ..ErrorResourceInitFailed::default()
    };
    init_failed_status(code(why), &format!("{verb} {} did not finish", urn.name()), &detail)
}

fn check_failures(failures: Vec<Failure>) -> Vec<CheckFailure> {
    failures
        .into_iter()
        .map(|Failure { path, reason }| CheckFailure {
            property: path.to_string(),
            reason,
        })
        .collect()
}

#[tonic::async_trait]
impl ResourceProvider for Provider {
    async fn handshake(
        &self,
        request: Request<ProviderHandshakeRequest>,
    ) -> Result<Response<ProviderHandshakeResponse>, Status> {
        self.attach(Some(&request.into_inner().engine_address));
        Ok(Response::new(ProviderHandshakeResponse {
            accept_secrets: true,
            accept_resources: true,
            accept_outputs: false,
            supports_autonaming_configuration: true,
            accepts_byte_string: false,
        }))
    }

    async fn get_plugin_info(&self, _request: Request<()>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }

    async fn get_schema(&self, request: Request<GetSchemaRequest>) -> Result<Response<GetSchemaResponse>, Status> {
        match request.into_inner().version {
            0 | 1 => Ok(Response::new(GetSchemaResponse {
                schema: groundwork_contract::package_schema().to_string(),
            })),
            other => Err(Status::invalid_argument(format!(
                "there is no schema of version {other}"
            ))),
        }
    }

    async fn check_config(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let news = from_optional(request.get_ref().news.as_ref());
        let failures = config::check(&news);
        Ok(Response::new(CheckResponse {
            inputs: request.into_inner().news,
            failures: check_failures(failures),
        }))
    }

    async fn diff_config(&self, request: Request<DiffRequest>) -> Result<Response<DiffResponse>, Status> {
        let request = request.into_inner();
        let old = from_optional(request.old_inputs.as_ref().or(request.olds.as_ref()));
        let new = from_optional(request.news.as_ref());
        Ok(Response::new(diff_response(
            &config::diff(&old, &new),
            Vec::new(),
            false,
        )))
    }

    async fn configure(&self, request: Request<ConfigureRequest>) -> Result<Response<ConfigureResponse>, Status> {
        let args = from_optional(request.into_inner().args.as_ref());
        let config = config::parse(&args).map_err(|failures| {
            let lines: Vec<String> = failures.iter().map(|failure| format!("groundwork:{failure}")).collect();
            Status::invalid_argument(lines.join("\n"))
        })?;
        let aws = Aws::connect(&config).await.map_err(|error| match error {
            Error::Invalid(message) if config.region.is_none() => {
                missing_keys_status(&message, [("groundwork:region", message.as_str())])
            }
            error => Status::new(code(&error), error.to_string()),
        })?;
        let default_tags = config
            .default_tags
            .into_iter()
            .flatten()
            .map(|(key, value)| (key, PropertyValue::String(value)))
            .collect();
        *self.session.write().await = Some(Session {
            aws: Arc::new(aws),
            default_tags,
        });
        Ok(Response::new(ConfigureResponse {
            accept_secrets: true,
            supports_preview: true,
            accept_resources: true,
            accept_outputs: false,
            supports_autonaming_configuration: true,
        }))
    }

    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let request = request.into_inner();
        let urn = urn(&request.urn)?;
        let resource = self.resource(&urn)?;
        let olds = from_optional(request.olds.as_ref());
        if !olds.is_empty() {
            self.marks.know(&urn);
        }
        let mut inputs = resource
            .descriptor()
            .with_defaults(from_optional(request.news.as_ref()));
        naming::name(resource.descriptor(), &urn, &request, &olds, &self.marks, &mut inputs);
        if resource.descriptor().has_tags()
            && let Some(session) = &*self.session.read().await
        {
            add_default_tags(&mut inputs, &session.default_tags);
        }
        let mut failures = resource.descriptor().check(&inputs);
        // Without the old inputs it is the check of a replacement, which Diff was asked about before.
        if olds.is_empty() {
            failures.extend(self.why_unreplaced(&urn));
        }
        let inputs = resource.descriptor().with_secrets(inputs);
        Ok(Response::new(CheckResponse {
            inputs: Some(to_struct(&inputs)),
            failures: check_failures(failures),
        }))
    }

    async fn diff(&self, request: Request<DiffRequest>) -> Result<Response<DiffResponse>, Status> {
        let request = request.into_inner();
        let urn = urn(&request.urn)?;
        let resource = self.resource(&urn)?;
        let mut state = from_optional(request.olds.as_ref());
        let mut old = request
            .old_inputs
            .as_ref()
            .map_or_else(|| state.clone(), |old| from_optional(Some(old)));
        state::upgrade(urn.token(), &mut state, &mut old);
        let new = from_optional(request.news.as_ref());
        let ignored: Vec<PropertyPath> = request
            .ignore_changes
            .iter()
            .filter_map(|path| path.parse().ok())
            .collect();
        let mut changes = resource.descriptor().diff(&old, &new);
        changes.retain(|path, _| !ignored.iter().any(|ignored| ignored.contains(path)));
        if let Some(name) = resource.unfinished(&state, &old) {
            changes.entry(PropertyPath::root().key(name)).or_insert(Change {
                kind: ChangeKind::Update,
                replace: false,
            });
        }
        let lost = resource.lost(&state, &old);
        // In what never came up nothing stands: it goes under its name, with whatever was wrong about it put right.
        let kept = lost.is_none();
        self.note_unreplaced(
            &urn,
            kept.then(|| never_replaced(resource.descriptor(), &changes, &new))
                .flatten(),
        );
        // One of another name can stand beside it until everything has moved; of its own name it must go first, as must one
        // of which AWS lets only one exist.
        let beside = resource
            .descriptor()
            .names()
            .any(|name| changes.contains_key(&PropertyPath::root().key(name)));
        let first = !beside && (resource.unique() || !kept && resource.named());
        if let Some(reason) = lost {
            self.log().warn(
                Some(&urn),
                format!("it can never be used ({reason}), so it will be replaced"),
            );
            changes.insert(
                PropertyPath::root().key("state"),
                Change {
                    kind: ChangeKind::Update,
                    replace: true,
                },
            );
        }
        let stables = resource.descriptor().stables().map(str::to_owned).collect();
        Ok(Response::new(diff_response(&changes, stables, first)))
    }

    async fn create(&self, request: Request<CreateRequest>) -> Result<Response<CreateResponse>, Status> {
        let request = request.into_inner();
        let urn = urn(&request.urn)?;
        let resource = self.resource(&urn)?;
        let inputs = from_optional(request.properties.as_ref());
        if request.preview {
            let cx = self.cx(&urn, LOOK).await?;
            let findings = resource
                .foresee(&cx, &inputs)
                .await
                .map_err(|error| status("preview", &urn, &error))?;
            self.tell(&urn, &findings)?;
            return Ok(Response::new(CreateResponse {
                properties: request.properties,
                ..CreateResponse::default()
            }));
        }
        let limit = limit(request.timeout, resource.timeouts().create);
        let cx = Cx {
            mark: self.marks.of(&urn, resource.descriptor(), &inputs),
            ..self.cx(&urn, limit).await?
        };
        match resource.create(&cx, &self.marks, &inputs, limit).await {
            Ok(Outcome::Settled(saved)) => Ok(Response::new(CreateResponse {
                id: saved.id,
                properties: Some(to_struct(&saved.properties)),
                ..CreateResponse::default()
            })),
            Ok(Outcome::Unsettled { saved, why }) => Err(unsettled("create", &urn, &saved, &why)),
            Err(error) => Err(status("create", &urn, &error)),
        }
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        let request = request.into_inner();
        let urn = urn(&request.urn)?;
        let resource = self.resource(&urn)?;
        self.marks.know(&urn);
        let cx = self.cx(&urn, limit(request.timeout, LOOK)).await?;
        let mut properties = from_optional(request.properties.as_ref());
        let mut inputs = from_optional(request.inputs.as_ref());
        state::upgrade(urn.token(), &mut properties, &mut inputs);
        let last = (!properties.is_empty() || !inputs.is_empty()).then_some((&properties, &inputs));
        let seen = resource
            .read(&cx, &self.marks, &request.id, last)
            .await
            .map_err(|error| status("read", &urn, &error))?;
        let Some(seen) = seen else {
            return Ok(Response::new(ReadResponse::default()));
        };
        let (properties, inputs) = (Some(to_struct(&seen.properties)), Some(to_struct(&seen.inputs)));
        match seen.unusable {
            None => Ok(Response::new(ReadResponse {
                id: seen.id,
                properties,
                inputs,
                ..ReadResponse::default()
            })),
            Some(reason) => {
                let detail = ErrorResourceInitFailed {
                    id: seen.id,
                    properties,
                    inputs,
                    reasons: vec![report("read", &urn, &Error::Failed(reason))],
                    ..ErrorResourceInitFailed::default()
                };
                Err(init_failed_status(
                    Code::FailedPrecondition,
                    "it cannot be used",
                    &detail,
                ))
            }
        }
    }

    async fn update(&self, request: Request<UpdateRequest>) -> Result<Response<UpdateResponse>, Status> {
        let request = request.into_inner();
        let urn = urn(&request.urn)?;
        let resource = self.resource(&urn)?;
        let limit = limit(request.timeout, resource.timeouts().update);
        let cx = self.cx(&urn, if request.preview { LOOK } else { limit }).await?;
        let mut state = from_optional(request.olds.as_ref());
        let mut old_inputs = request
            .old_inputs
            .as_ref()
            .map_or_else(|| state.clone(), |old| from_optional(Some(old)));
        state::upgrade(urn.token(), &mut state, &mut old_inputs);
        let new = from_optional(request.news.as_ref());
        if request.preview {
            let findings = resource
                .foresee(&cx, &new)
                .await
                .map_err(|error| status("preview", &urn, &error))?;
            self.tell(&urn, &findings)?;
            let mut known = new;
            let stable = resource.descriptor().stables().chain([ORIGIN]);
            known.extend(stable.filter_map(|name| Some((name.to_owned(), state.get(name)?.clone()))));
            return Ok(Response::new(UpdateResponse {
                properties: Some(to_struct(&known)),
                ..UpdateResponse::default()
            }));
        }
        let old = Previous {
            properties: &state,
            inputs: &old_inputs,
        };
        match resource.update(&cx, &request.id, &old, &new, limit).await {
            Ok(Outcome::Settled(saved)) => Ok(Response::new(UpdateResponse {
                properties: Some(to_struct(&saved.properties)),
                ..UpdateResponse::default()
            })),
            Ok(Outcome::Unsettled { saved, why }) => Err(unsettled("update", &urn, &saved, &why)),
            Err(error) => Err(status("update", &urn, &error)),
        }
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        let urn = urn(&request.urn)?;
        let resource = self.resource(&urn)?;
        let limit = limit(request.timeout, resource.timeouts().delete);
        let cx = self.cx(&urn, limit).await?;
        let mut properties = from_optional(request.properties.as_ref());
        let mut inputs = from_optional(request.old_inputs.as_ref());
        state::upgrade(urn.token(), &mut properties, &mut inputs);
        resource
            .delete(
                &cx,
                &self.marks,
                &request.id,
                &Previous {
                    properties: &properties,
                    inputs: &inputs,
                },
                limit,
            )
            .await
            .map_err(|error| status("delete", &urn, &error))?;
        Ok(Response::new(()))
    }

    async fn invoke(&self, request: Request<InvokeRequest>) -> Result<Response<InvokeResponse>, Status> {
        let InvokeRequest { tok, args, .. } = request.into_inner();
        let function = self
            .registry
            .function(&tok)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let args = from_optional(args.as_ref());
        let failures = function.check(&args);
        if !failures.is_empty() {
            return Ok(Response::new(InvokeResponse {
                failures: check_failures(failures),
                ..InvokeResponse::default()
            }));
        }
        // A function has no resource; its messages name the function.
        let cx = self.cx(&urn(&format!("urn:pulumi:::::{tok}::"))?, LOOK).await?;
        let result = function
            .invoke(&cx, args)
            .await
            .map_err(|error| Status::new(code(&error), format!("{tok} failed: {error}")))?;
        Ok(Response::new(InvokeResponse {
            r#return: Some(to_struct(&result)),
            ..InvokeResponse::default()
        }))
    }

    async fn cancel(&self, _request: Request<()>) -> Result<Response<()>, Status> {
        // It comes at every normal exit as well.
        self.cancel.cancel();
        if let Some(session) = self.session.read().await.clone() {
            // The engine gives five seconds; what is not done by then, the next refresh does.
            drop(tokio::time::timeout(Duration::from_secs(4), self.marks.clear(&session.aws)).await);
        }
        Ok(Response::new(()))
    }
}

/// The resource's own tags win.
fn add_default_tags(inputs: &mut PropertyMap, defaults: &PropertyMap) {
    if defaults.is_empty() {
        return;
    }
    let own = inputs
        .entry("tags".to_owned())
        .or_insert_with(|| PropertyValue::Object(PropertyMap::new()));
    if own.is_null() {
        *own = PropertyValue::Object(PropertyMap::new());
    }
    add_to(own, defaults);
}

fn add_to(own: &mut PropertyValue, defaults: &PropertyMap) {
    match own {
        PropertyValue::Secret(own) => add_to(own, defaults),
        PropertyValue::Object(own) => {
            for (key, value) in defaults {
                own.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        // Not known yet: Check is asked again when they are.
        _ => {}
    }
}

/// The property that a path is in.
fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// The mistake in a change that AWS cannot make, of what is never replaced under its name.
fn never_replaced(
    descriptor: &Descriptor,
    changes: &BTreeMap<PropertyPath, Change>,
    new: &PropertyMap,
) -> Option<Failure> {
    let name = descriptor.never_replaced?;
    // What is not known yet may turn out to be as it was.
    let known = |path: &str| new.get(top(path)).is_none_or(|value| !value.contains_unknown());
    let replacing: Vec<String> = changes
        .iter()
        .filter(|(_, change)| change.replace)
        .map(|(path, _)| path.to_string())
        .filter(|path| known(path))
        .collect();
    if replacing.is_empty() || replacing.iter().any(|path| path == name) {
        return None;
    }
    Some(Failure::at(
        name,
        format!(
            "AWS cannot change {}, and one of this name is never replaced, for everything in it would go with it: change it \
             back, or change the {name} as well, and the new one stands before the old one goes",
            replacing.join(", ")
        ),
    ))
}

fn diff_response(
    changes: &BTreeMap<PropertyPath, Change>,
    stables: Vec<String>,
    delete_before_replace: bool,
) -> DiffResponse {
    use property_diff::Kind as Wire;
    let property = |path: &PropertyPath| top(&path.to_string()).to_owned();
    let replaces: BTreeSet<String> = changes
        .iter()
        .filter(|(_, change)| change.replace)
        .map(|(path, _)| property(path))
        .collect();
    let diffs: BTreeSet<String> = changes.keys().map(property).collect();
    let detailed_diff = changes
        .iter()
        .map(|(path, Change { kind, replace })| {
            let kind = match (kind, replace) {
                (ChangeKind::Add, false) => Wire::Add,
                (ChangeKind::Add, true) => Wire::AddReplace,
                (ChangeKind::Delete, false) => Wire::Delete,
                (ChangeKind::Delete, true) => Wire::DeleteReplace,
                (ChangeKind::Update, false) => Wire::Update,
                (ChangeKind::Update, true) => Wire::UpdateReplace,
            };
            (
                path.to_string(),
                PropertyDiff {
                    kind: kind.into(),
                    input_diff: true,
                },
            )
        })
        .collect();
    let replacing = !replaces.is_empty();
    DiffResponse {
        changes: if changes.is_empty() {
            DiffChanges::DiffNone
        } else {
            DiffChanges::DiffSome
        }
        .into(),
        // A replaced resource has new outputs.
        stables: if replacing { Vec::new() } else { stables },
        replaces: replaces.into_iter().collect(),
        diffs: diffs.into_iter().collect(),
        detailed_diff,
        has_detailed_diff: true,
        delete_before_replace: replacing && delete_before_replace,
    }
}
