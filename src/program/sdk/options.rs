//! How a resource is managed, beside what it is made from.

use std::{collections::BTreeMap, time::Duration};

use groundwork_contract::{Input, InputNode, Output, OutputError};
use groundwork_wire::{
    Urn,
    proto::{self, register_resource_request},
};

use super::resource::{AnyResource, IsResource, ProviderRef};

/// How a resource is managed. Everything is optional.
#[derive(Debug, Clone, Default)]
pub struct ResourceOptions {
    pub(super) parent: Option<AnyResource>,
    pub(super) depends_on: Vec<Dependency>,
    pub(super) provider: Option<ProviderRef>,
    pub(super) providers: Vec<ProviderRef>,
    pub(super) protect: Option<bool>,
    pub(super) ignore_changes: Vec<String>,
    pub(super) aliases: Vec<Alias>,
    pub(super) deleted_with: Option<AnyResource>,
    pub(super) retain_on_delete: Option<bool>,
    pub(super) custom_timeouts: Option<CustomTimeouts>,
    pub(super) import: Option<Input<String>>,
    pub(super) replace_on_changes: Vec<String>,
    pub(super) delete_before_replace: Option<bool>,
    pub(super) additional_secret_outputs: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) plugin_download_url: Option<String>,
    pub(super) replace_with: Vec<AnyResource>,
    pub(super) replacement_trigger: Option<InputNode>,
    pub(super) hide_diffs: Vec<String>,
    pub(super) env_var_mappings: BTreeMap<String, String>,
}

impl ResourceOptions {
    /// No options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it a child of a resource: it is shown below it and takes on its providers, protection and aliases.
    #[must_use]
    pub fn parent(mut self, parent: &impl IsResource) -> Self {
        self.parent = Some(parent.any().clone());
        self
    }

    /// It is made after this and deleted before it. A component stands for its children, an output for the resources
    /// that it comes from.
    #[must_use]
    pub fn depends_on(mut self, dependency: impl Into<Dependency>) -> Self {
        self.depends_on.push(dependency.into());
        self
    }

    /// As [`Self::depends_on`], for many.
    #[must_use]
    pub fn depends_on_all<D: Into<Dependency>>(mut self, dependencies: impl IntoIterator<Item = D>) -> Self {
        self.depends_on.extend(dependencies.into_iter().map(Into::into));
        self
    }

    /// The provider that makes it, if it is of its package; a component's children inherit it.
    #[must_use]
    pub fn provider(mut self, provider: &ProviderRef) -> Self {
        self.provider = Some(provider.clone());
        self
    }

    /// The providers that a component's children inherit, one a package.
    #[must_use]
    pub fn providers<'a>(mut self, providers: impl IntoIterator<Item = &'a ProviderRef>) -> Self {
        self.providers.extend(providers.into_iter().cloned());
        self
    }

    /// Whether the engine refuses to delete it.
    #[must_use]
    pub const fn protect(mut self, protect: bool) -> Self {
        self.protect = Some(protect);
        self
    }

    /// Properties whose changes are ignored, as paths.
    #[must_use]
    pub fn ignore_changes<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.ignore_changes.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Another identity that it may have in the state.
    #[must_use]
    pub fn alias(mut self, alias: impl Into<Alias>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    /// A resource whose deletion takes it away too, so that it need not be deleted itself.
    #[must_use]
    pub fn deleted_with(mut self, resource: &impl IsResource) -> Self {
        self.deleted_with = Some(resource.any().clone());
        self
    }

    /// Whether it is left standing when it leaves the state.
    #[must_use]
    pub const fn retain_on_delete(mut self, retain: bool) -> Self {
        self.retain_on_delete = Some(retain);
        self
    }

    /// How long each operation may take.
    #[must_use]
    pub const fn custom_timeouts(mut self, timeouts: CustomTimeouts) -> Self {
        self.custom_timeouts = Some(timeouts);
        self
    }

    /// The id of something that exists already and is taken into the state instead of being made.
    #[must_use]
    pub fn import(mut self, id: impl Into<Input<String>>) -> Self {
        self.import = Some(id.into());
        self
    }

    /// Properties whose changes replace it, as paths.
    #[must_use]
    pub fn replace_on_changes<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.replace_on_changes.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Whether a replacement deletes the old one first.
    #[must_use]
    pub const fn delete_before_replace(mut self, first: bool) -> Self {
        self.delete_before_replace = Some(first);
        self
    }

    /// Outputs that are secret beside those that the provider marks.
    #[must_use]
    pub fn additional_secret_outputs<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.additional_secret_outputs.extend(names.into_iter().map(Into::into));
        self
    }

    /// The version of the provider's plugin.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Where the provider's plugin is downloaded from.
    #[must_use]
    pub fn plugin_download_url(mut self, url: impl Into<String>) -> Self {
        self.plugin_download_url = Some(url.into());
        self
    }

    /// A resource whose replacement replaces this one too.
    #[must_use]
    pub fn replace_with(mut self, resource: &impl IsResource) -> Self {
        self.replace_with.push(resource.any().clone());
        self
    }

    /// A value whose change replaces it.
    #[must_use]
    pub fn replacement_trigger(mut self, trigger: impl Into<InputNode>) -> Self {
        self.replacement_trigger = Some(trigger.into());
        self
    }

    /// Properties whose changes are not shown, as paths.
    #[must_use]
    pub fn hide_diffs<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.hide_diffs.extend(paths.into_iter().map(Into::into));
        self
    }

    /// For an explicit provider: which variable of the environment its plugin sees under another name (new, old).
    #[must_use]
    pub fn env_var_mapping(mut self, seen: impl Into<String>, from: impl Into<String>) -> Self {
        self.env_var_mappings.insert(seen.into(), from.into());
        self
    }

    /// The providers by package: the parent's, then the ones named here.
    pub(super) fn providers_below(&self, parent: Option<&AnyResource>) -> BTreeMap<String, ProviderRef> {
        let mut providers = parent.map(|parent| parent.providers().clone()).unwrap_or_default();
        providers.extend(self.named_providers());
        providers
    }

    /// The providers named here, by package.
    pub(super) fn named_providers(&self) -> BTreeMap<String, ProviderRef> {
        let named = self.providers.iter().chain(&self.provider);
        named
            .map(|provider| (provider.package().to_owned(), provider.clone()))
            .collect()
    }
}

/// Something that a resource is made after.
#[derive(Debug, Clone)]
pub enum Dependency {
    /// A resource; a component stands for its children.
    Resource(AnyResource),
    /// The resources that an output comes from.
    Output(Output<serde_json::Value>),
    /// A resource of this stack by its URN.
    Urn(Urn),
}

impl<R: IsResource> From<&R> for Dependency {
    fn from(resource: &R) -> Self {
        Self::Resource(resource.any().clone())
    }
}

impl<T> From<Output<T>> for Dependency {
    fn from(output: Output<T>) -> Self {
        Self::Output(output.untyped())
    }
}

impl<T> From<&Output<T>> for Dependency {
    fn from(output: &Output<T>) -> Self {
        Self::Output(output.untyped())
    }
}

impl From<Urn> for Dependency {
    fn from(urn: Urn) -> Self {
        Self::Urn(urn)
    }
}

/// Another identity that a resource may have in the state.
#[derive(Debug, Clone)]
pub enum Alias {
    /// All of it.
    Urn(Urn),
    /// Only what differs.
    Spec(AliasSpec),
}

impl From<Urn> for Alias {
    fn from(urn: Urn) -> Self {
        Self::Urn(urn)
    }
}

impl From<AliasSpec> for Alias {
    fn from(spec: AliasSpec) -> Self {
        Self::Spec(spec)
    }
}

/// What was different of a resource's identity.
#[derive(Debug, Clone, Default)]
pub struct AliasSpec {
    name: String,
    token: String,
    stack: String,
    project: String,
    parent: Option<AliasParent>,
}

#[derive(Debug, Clone)]
enum AliasParent {
    Resource(AnyResource),
    Urn(Urn),
    None,
}

impl AliasSpec {
    /// Nothing was different yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It had another name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// It had another type.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// It was in another stack.
    #[must_use]
    pub fn stack(mut self, stack: impl Into<String>) -> Self {
        self.stack = stack.into();
        self
    }

    /// It was in another project.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = project.into();
        self
    }

    /// It had another parent.
    #[must_use]
    pub fn parent(mut self, parent: &impl IsResource) -> Self {
        self.parent = Some(AliasParent::Resource(parent.any().clone()));
        self
    }

    /// It had another parent, which is no longer in the program.
    #[must_use]
    pub fn parent_urn(mut self, parent: Urn) -> Self {
        self.parent = Some(AliasParent::Urn(parent));
        self
    }

    /// It had no parent but the stack.
    #[must_use]
    pub fn no_parent(mut self) -> Self {
        self.parent = Some(AliasParent::None);
        self
    }
}

impl Alias {
    pub(super) async fn request(self) -> Result<proto::Alias, OutputError> {
        let alias = match self {
            Self::Urn(urn) => proto::alias::Alias::Urn(urn.to_string()),
            Self::Spec(spec) => {
                let AliasSpec {
                    name,
                    token,
                    stack,
                    project,
                    parent,
                } = spec;
                let parent = match parent {
                    None => None,
                    Some(AliasParent::None) => Some(proto::alias::spec::Parent::NoParent(true)),
                    Some(AliasParent::Urn(urn)) => Some(proto::alias::spec::Parent::ParentUrn(urn.to_string())),
                    Some(AliasParent::Resource(parent)) => Some(proto::alias::spec::Parent::ParentUrn(
                        parent.registered().await?.urn.to_string(),
                    )),
                };
                proto::alias::Alias::Spec(proto::alias::Spec {
                    name,
                    r#type: token,
                    stack,
                    project,
                    parent,
                })
            }
        };
        Ok(proto::Alias { alias: Some(alias) })
    }
}

/// How long the operations of a resource may take; the provider's own limits stand where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CustomTimeouts {
    /// Making it.
    pub create: Option<Duration>,
    /// Changing it.
    pub update: Option<Duration>,
    /// Deleting it.
    pub delete: Option<Duration>,
    /// Reading it.
    pub read: Option<Duration>,
}

impl From<CustomTimeouts> for register_resource_request::CustomTimeouts {
    fn from(timeouts: CustomTimeouts) -> Self {
        let CustomTimeouts {
            create,
            update,
            delete,
            read,
        } = timeouts;
        let text = |duration: Option<Duration>| duration.map(go_duration).unwrap_or_default();
        Self {
            create: text(create),
            update: text(update),
            delete: text(delete),
            read: text(read),
        }
    }
}

/// A duration as Go reads it: `1h30m`, `90s` as `1m30s`.
fn go_duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let parts = [
        (u128::from(seconds / 3600), "h"),
        (u128::from(seconds / 60 % 60), "m"),
        (u128::from(seconds % 60), "s"),
        (u128::from(millis), "ms"),
    ];
    let mut text = String::new();
    for (n, unit) in parts.into_iter().filter(|(n, _)| *n > 0) {
        text.push_str(&n.to_string());
        text.push_str(unit);
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_reads_them() {
        for (duration, text) in [
            (Duration::from_mins(30), "30m"),
            (Duration::from_secs(5430), "1h30m30s"),
            (Duration::from_millis(1500), "1s500ms"),
            (Duration::ZERO, "0s"),
        ] {
            assert_eq!(go_duration(duration), text);
        }
    }
}
