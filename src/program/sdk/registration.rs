//! From a declaration in the program to a registration at the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{FutureExt, channel::oneshot, future::try_join_all};
use groundwork_contract::{InputNode, OutputError, collect_dependencies};
use groundwork_wire::{
    Encoding, PropertyMap, PropertyValue, Token, Urn, codec,
    proto::{
        self, ReadResourceRequest, RegisterResourceOutputsRequest, RegisterResourceRequest,
        register_resource_request::PropertyDependencies,
    },
};
use tonic::{Code, Status};

use super::{
    AnyResource, Context, Dependency, ProviderRef, ResourceOptions,
    context::properties_of,
    place::Place,
    resource::{Node, Registered},
};

/// A resource as the program declares it.
pub(super) struct Plan {
    pub(super) token: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) inputs: InputNode,
    pub(super) options: ResourceOptions,
    pub(super) place: Place,
}

/// What becomes of it.
pub(super) enum Kind {
    /// A provider makes it.
    Custom,
    /// It only groups others.
    Component,
    /// It exists, under this id.
    Read(InputNode),
}

/// A plan with everything that only the moment of the declaration can tell.
struct Registration {
    plan: Plan,
    parent: Option<AnyResource>,
    /// Resources and outputs to wait for.
    dependencies: Vec<Dependency>,
    provider: Option<ProviderRef>,
    protect: Option<bool>,
}

/// The error of a call to the engine. An engine that goes away has said why itself.
pub(super) fn refused(status: &Status) -> OutputError {
    match status.code() {
        Code::Unavailable | Code::Cancelled => OutputError::reported("the engine has stopped"),
        _ => OutputError::new(status.message()),
    }
}

fn package(token: &str) -> &str {
    token.split(':').next().unwrap_or_default()
}

impl Context {
    /// Registers a resource on its own time.
    pub(super) fn register(&self, plan: Plan) -> AnyResource {
        let parent = plan.options.parent.clone().or_else(|| self.parent.clone());
        let providers = plan.options.providers_below(parent.as_ref());
        let provider = match plan.kind {
            Kind::Component => None,
            Kind::Custom | Kind::Read(_) => providers.get(package(&plan.token)).cloned(),
        };
        let protect = plan
            .options
            .protect
            .or_else(|| parent.as_ref().and_then(AnyResource::protect));

        let (sender, receiver) = oneshot::channel::<Result<Arc<Registered>, OutputError>>();
        // A registration that ends without an answer has panicked, and its task tells it.
        let outcome = async {
            receiver
                .await
                .unwrap_or_else(|_| Err(OutputError::reported("the program panicked")))
        };
        let resource = AnyResource::new(Node {
            token: plan.token.clone(),
            name: plan.name.clone(),
            custom: !matches!(plan.kind, Kind::Component),
            outcome: outcome.boxed().shared(),
            parent: parent.clone(),
            providers,
            protect,
        });
        if let Some(parent) = &parent {
            self.inner.children.add(parent, resource.clone());
        }
        let dependencies = self.expanded(&plan.options.depends_on, Some(&resource));
        let registration = Registration {
            plan,
            parent,
            dependencies,
            provider,
            protect,
        };
        let context = self.clone();
        self.spawn(async move {
            let about = registration.about();
            let outcome = match context.send(registration).await {
                Ok(registered) => Ok(Arc::new(registered)),
                Err(error) => {
                    context.report(&error, &about);
                    Err(error)
                }
            };
            drop(sender.send(outcome));
        });
        resource
    }

    /// Dependencies with each component replaced by what is inside it.
    pub(super) fn expanded(&self, dependencies: &[Dependency], inside: Option<&AnyResource>) -> Vec<Dependency> {
        let mut expanded = Vec::new();
        for dependency in dependencies {
            match dependency {
                Dependency::Resource(resource) => {
                    let mut resources = Vec::new();
                    self.inner.children.expand(resource, inside, &mut resources);
                    expanded.extend(resources.into_iter().map(Dependency::Resource));
                }
                other => expanded.push(other.clone()),
            }
        }
        expanded
    }

    async fn send(&self, registration: Registration) -> Result<Registered, OutputError> {
        match registration.plan.kind {
            Kind::Read(_) => self.read(registration).await,
            Kind::Custom | Kind::Component => self.make(registration).await,
        }
    }

    async fn make(&self, registration: Registration) -> Result<Registered, OutputError> {
        let custom = matches!(registration.plan.kind, Kind::Custom);
        let (request, inputs) = registration.request(self.root_directory()).await?;
        let response = self.inner.monitor.clone().register_resource(request).await;
        let response = response.map_err(|status| refused(&status))?.into_inner();
        if response.result() != proto::Result::Success {
            // The engine tells of it in its own words.
            return Err(OutputError::reported("the resource could not be made"));
        }
        let urn = parse_urn(&response.urn)?;
        let partial = self.dry_run() || (custom && response.unknown);
        let mut properties = codec::from_optional(response.object.as_ref());
        if !partial {
            for (key, value) in inputs {
                properties.entry(key).or_insert(value);
            }
        }
        let id = custom.then_some(match (response.id.is_empty(), partial) {
            (true, true) => PropertyValue::UNKNOWN,
            _ => PropertyValue::String(response.id),
        });
        Ok(Registered {
            urn,
            id,
            properties,
            partial,
        })
    }

    async fn read(&self, registration: Registration) -> Result<Registered, OutputError> {
        let (request, _) = registration.request(self.root_directory()).await?;
        let Kind::Read(id) = registration.plan.kind else {
            return Err(OutputError::new("nothing to read"));
        };
        let id = id.resolve().await?;
        let Some(id) = id.as_str() else {
            if !id.contains_unknown() {
                return Err(OutputError::new("its id is no text"));
            }
            let parent = request.parent.parse::<Urn>().ok();
            let token: Token = request
                .r#type
                .parse()
                .map_err(|error| OutputError::from_error(&error))?;
            let urn = Urn::new(self.stack(), self.project(), parent.as_ref(), &token, &request.name)
                .map_err(|error| OutputError::from_error(&error))?;
            return Ok(Registered {
                urn,
                id: Some(PropertyValue::UNKNOWN),
                properties: PropertyMap::new(),
                partial: true,
            });
        };
        let request = ReadResourceRequest {
            id: id.to_owned(),
            r#type: request.r#type,
            name: request.name,
            parent: request.parent,
            properties: request.object,
            dependencies: request.dependencies,
            provider: request.provider,
            version: request.version,
            accept_secrets: true,
            additional_secret_outputs: request.additional_secret_outputs,
            accept_resources: true,
            plugin_download_url: request.plugin_download_url,
            source_position: request.source_position,
            stack_trace: request.stack_trace,
            accepts_byte_string: true,
            ..ReadResourceRequest::default()
        };
        let response = self.inner.monitor.clone().read_resource(request).await;
        let response = response.map_err(|status| refused(&status))?.into_inner();
        Ok(Registered {
            urn: parse_urn(&response.urn)?,
            id: Some(PropertyValue::String(id.to_owned())),
            properties: codec::from_optional(response.properties.as_ref()),
            partial: self.dry_run(),
        })
    }

    /// Registers a component's outputs on their own time.
    pub(super) fn register_outputs(&self, resource: &AnyResource, outputs: InputNode, place: Place) {
        let (context, resource) = (self.clone(), resource.clone());
        self.spawn(async move {
            let about = format!("the outputs of {} {:?} ({place})", resource.token(), resource.name());
            if let Err(error) = context.send_outputs(&resource, outputs).await {
                context.report(&error, &about);
            }
        });
    }

    pub(super) async fn send_outputs(&self, resource: &AnyResource, outputs: InputNode) -> Result<(), OutputError> {
        let urn = resource.registered().await?.urn.to_string();
        let outputs = properties_of(outputs.resolve().await?)?;
        let outputs = Some(Encoding::WITHOUT_OUTPUTS.to_struct(&outputs));
        let request = RegisterResourceOutputsRequest { urn, outputs };
        self.inner
            .monitor
            .clone()
            .register_resource_outputs(request)
            .await
            .map_err(|status| refused(&status))?;
        Ok(())
    }
}

impl Registration {
    /// What a message calls it.
    fn about(&self) -> String {
        format!("{} {:?} ({})", self.plan.token, self.plan.name, self.plan.place)
    }

    /// Waits for everything that goes into it. Also answers its inputs, by property.
    async fn request(&self, root: Option<&str>) -> Result<(RegisterResourceRequest, PropertyMap), OutputError> {
        let options = &self.plan.options;
        let inputs = properties_of(self.plan.inputs.clone().resolve().await?)?;
        let property_dependencies: BTreeMap<&String, BTreeSet<Urn>> = inputs
            .iter()
            .map(|(key, value)| (key, dependencies_of(value)))
            .collect();

        let mut dependencies: BTreeSet<Urn> = property_dependencies.values().flatten().cloned().collect();
        dependencies.extend(urns(&self.dependencies).await?);
        let replacement_trigger = match &options.replacement_trigger {
            Some(trigger) => {
                let value = trigger.clone().resolve().await?;
                dependencies.extend(dependencies_of(&value));
                Some(Encoding::WITHOUT_OUTPUTS.to_value(&value))
            }
            None => None,
        };

        let import_id = match &options.import {
            Some(id) => id
                .clone()
                .resolve()
                .await?
                .value
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            None => String::new(),
        };
        let custom = !matches!(self.plan.kind, Kind::Component);
        let providers = if custom {
            BTreeMap::new()
        } else {
            references(options.named_providers()).await?
        };
        let aliases = try_join_all(options.aliases.iter().cloned().map(super::Alias::request)).await?;
        let request = RegisterResourceRequest {
            r#type: self.plan.token.clone(),
            name: self.plan.name.clone(),
            parent: urn_of(self.parent.as_ref()).await?,
            custom,
            // As in the other SDKs; what the dependencies were is said beside it.
            object: Some(Encoding::WITHOUT_OUTPUTS.to_struct(&inputs)),
            protect: self.protect,
            dependencies: dependencies.iter().map(Urn::to_string).collect(),
            provider: match &self.provider {
                Some(provider) => provider.reference().await?,
                None => String::new(),
            },
            // Every property, for the engine takes a missing one to depend on everything.
            property_dependencies: property_dependencies
                .into_iter()
                .map(|(key, urns)| {
                    (
                        key.clone(),
                        PropertyDependencies {
                            urns: urns.iter().map(Urn::to_string).collect(),
                        },
                    )
                })
                .collect(),
            delete_before_replace: options.delete_before_replace.unwrap_or_default(),
            delete_before_replace_defined: options.delete_before_replace.is_some(),
            version: options.version.clone().unwrap_or_default(),
            ignore_changes: options.ignore_changes.clone(),
            accept_secrets: true,
            additional_secret_outputs: options.additional_secret_outputs.clone(),
            import_id,
            custom_timeouts: options.custom_timeouts.map(Into::into),
            supports_partial_values: true,
            remote: false,
            accept_resources: true,
            providers,
            replace_on_changes: options.replace_on_changes.clone(),
            plugin_download_url: options.plugin_download_url.clone().unwrap_or_default(),
            retain_on_delete: options.retain_on_delete,
            aliases,
            deleted_with: urn_of(options.deleted_with.as_ref()).await?,
            replace_with: try_join_all(options.replace_with.iter().map(|resource| urn_of(Some(resource)))).await?,
            replacement_trigger,
            alias_specs: true,
            source_position: Some(self.plan.place.position(root)),
            stack_trace: Some(self.plan.place.trace(root)),
            supports_result_reporting: true,
            hide_diffs: options.hide_diffs.clone(),
            env_var_mappings: options.env_var_mappings.clone(),
            accepts_byte_string: true,
            ..RegisterResourceRequest::default()
        };
        Ok((request, inputs))
    }
}

fn dependencies_of(value: &PropertyValue) -> BTreeSet<Urn> {
    let mut urns = BTreeSet::new();
    collect_dependencies(value, &mut urns);
    urns
}

/// The URNs that dependencies come to, once all of them are there.
pub(super) async fn urns(dependencies: &[Dependency]) -> Result<BTreeSet<Urn>, OutputError> {
    let urns = dependencies.iter().map(async |dependency| match dependency {
        Dependency::Resource(resource) => Ok(BTreeSet::from([resource.registered().await?.urn.clone()])),
        Dependency::Urn(urn) => Ok(BTreeSet::from([urn.clone()])),
        Dependency::Output(output) => {
            let resolved = output.resolve().await?;
            let mut urns = dependencies_of(&resolved.value);
            urns.extend(resolved.dependencies);
            Ok(urns)
        }
    });
    Ok(try_join_all(urns).await?.into_iter().flatten().collect())
}

pub(super) async fn references(
    providers: BTreeMap<String, ProviderRef>,
) -> Result<BTreeMap<String, String>, OutputError> {
    let references = providers
        .into_iter()
        .map(async |(package, provider)| Ok((package, provider.reference().await?)));
    Ok(try_join_all(references).await?.into_iter().collect())
}

pub(super) async fn urn_of(resource: Option<&AnyResource>) -> Result<String, OutputError> {
    match resource {
        Some(resource) => Ok(resource.registered().await?.urn.to_string()),
        None => Ok(String::new()),
    }
}

fn parse_urn(text: &str) -> Result<Urn, OutputError> {
    text.parse().map_err(|error| OutputError::from_error(&error))
}
