//! Asking a provider's functions.

use std::collections::BTreeSet;

use futures::channel::oneshot;
use groundwork_contract::{InputNode, Output, OutputError, Resolved, collect_dependencies};
use groundwork_wire::{Encoding, PropertyValue, Urn, codec, proto::ResourceInvokeRequest};

use super::{
    AnyResource, Context, Dependency, IsResource, ProviderRef,
    context::properties_of,
    place::Place,
    registration::{refused, urn_of, urns},
};

/// How a function is asked. Everything is optional.
#[derive(Debug, Clone, Default)]
pub struct InvokeOptions {
    parent: Option<AnyResource>,
    provider: Option<ProviderRef>,
    version: String,
    plugin_download_url: String,
    depends_on: Vec<Dependency>,
}

impl InvokeOptions {
    /// No options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the provider from a resource.
    #[must_use]
    pub fn parent(mut self, parent: &impl IsResource) -> Self {
        self.parent = Some(parent.any().clone());
        self
    }

    /// The provider to ask.
    #[must_use]
    pub fn provider(mut self, provider: &ProviderRef) -> Self {
        self.provider = Some(provider.clone());
        self
    }

    /// The version of the provider's plugin.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Where the provider's plugin is downloaded from.
    #[must_use]
    pub fn plugin_download_url(mut self, url: impl Into<String>) -> Self {
        self.plugin_download_url = url.into();
        self
    }

    /// It is asked after this is made; in a preview that makes it, the answer is unknown.
    #[must_use]
    pub fn depends_on(mut self, dependency: impl Into<Dependency>) -> Self {
        self.depends_on.push(dependency.into());
        self
    }
}

impl Context {
    pub(super) fn ask(
        &self,
        token: &str,
        args: InputNode,
        options: InvokeOptions,
        place: Place,
    ) -> Output<serde_json::Value> {
        let (sender, receiver) = oneshot::channel();
        let context = self.clone();
        let token = token.to_owned();
        let depends_on = self.expanded(&options.depends_on, None);
        self.spawn(async move {
            let about = format!("{token} ({place})");
            let answer = context.ask_now(token, args, options, depends_on, place).await;
            if let Err(error) = &answer {
                context.report(error, &about);
            }
            drop(sender.send(answer));
        });
        Output::from_future(async {
            receiver
                .await
                .unwrap_or_else(|_| Err(OutputError::reported("the program panicked")))
        })
    }

    async fn ask_now(
        &self,
        token: String,
        args: InputNode,
        options: InvokeOptions,
        depends_on: Vec<Dependency>,
        place: Place,
    ) -> Result<Resolved, OutputError> {
        let args = args.resolve().await?;
        let mut dependencies = BTreeSet::<Urn>::new();
        collect_dependencies(&args, &mut dependencies);
        dependencies.extend(urns(&depends_on).await?);
        let secret = args.contains_secret();
        let unknown = Resolved {
            value: PropertyValue::UNKNOWN,
            secret,
            dependencies: dependencies.clone(),
            partial: false,
        };
        if args.contains_unknown() {
            return Ok(unknown);
        }

        let InvokeOptions {
            parent,
            provider,
            version,
            plugin_download_url,
            depends_on: _,
        } = options;
        let parent = parent.or_else(|| self.parent.clone());
        let package = token.split(':').next().unwrap_or_default();
        let inherited = parent
            .as_ref()
            .and_then(|parent| parent.providers().get(package))
            .cloned();
        let provider = match provider.filter(|provider| provider.package() == package).or(inherited) {
            Some(provider) => provider.reference().await?,
            None => String::new(),
        };
        let root = self.root_directory();
        let request = ResourceInvokeRequest {
            tok: token,
            args: Some(
                Encoding {
                    secrets: false,
                    ..Encoding::WITHOUT_OUTPUTS
                }
                .to_struct(&properties_of(args)?),
            ),
            provider,
            version,
            accept_resources: true,
            plugin_download_url,
            source_position: Some(place.position(root)),
            stack_trace: Some(place.trace(root)),
            accepts_byte_string: true,
            depends_on: dependencies.iter().map(Urn::to_string).collect(),
            parent: urn_of(parent.as_ref()).await?,
            ..ResourceInvokeRequest::default()
        };
        let answer = self
            .inner
            .monitor
            .clone()
            .invoke(request)
            .await
            .map_err(|status| refused(&status))?
            .into_inner();
        if !answer.failures.is_empty() {
            let failures: Vec<String> = answer
                .failures
                .iter()
                .map(|failure| match failure.property.as_str() {
                    "" => failure.reason.clone(),
                    property => format!("{property}: {}", failure.reason),
                })
                .collect();
            return Err(OutputError::new(failures.join("; ")));
        }
        if answer.unknown {
            return Ok(unknown);
        }
        let value = PropertyValue::Object(codec::from_optional(answer.r#return.as_ref()));
        Ok(Resolved { value, ..unknown })
    }
}
