//! The registry: every resource type and function, by token.

use std::collections::BTreeMap;

use groundwork_contract::check::nearest;

use crate::{
    engine::{self, Erased},
    error::{Error, Result},
    functions::{self, ErasedLookup},
    resource::Resource,
};

/// Every resource type and function that the provider knows.
#[derive(Default)]
pub struct Registry {
    resources: BTreeMap<&'static str, Box<dyn Erased>>,
    functions: BTreeMap<&'static str, Box<dyn ErasedLookup>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.resources.keys())
            .entries(self.functions.keys())
            .finish()
    }
}

macro_rules! resources {
    ($($resource:ty),+ $(,)?) => { Registry::default()$(.with::<$resource>())+ };
}

macro_rules! functions {
    ($registry:expr; $($function:ty),+ $(,)?) => { $registry$(.with_function::<$function>())+ };
}

impl Registry {
    /// All that `contract` names.
    pub fn standard() -> Self {
        macro_rules! lookups {
            ($($function:ty),+ $(,)?) => { functions!(groundwork_contract::resources!(resources); $($function),+) };
        }
        groundwork_contract::functions!(lookups)
    }

    /// Adds a resource type.
    #[must_use]
    pub fn with<R: Resource>(mut self) -> Self {
        self.resources.insert(R::TOKEN, Box::new(engine::Of::<R>::default()));
        self
    }

    /// Adds a function.
    #[must_use]
    pub fn with_function<F: functions::Lookup>(mut self) -> Self {
        self.functions.insert(F::TOKEN, Box::new(functions::Of::<F>::default()));
        self
    }

    /// The resource type of a token.
    ///
    /// # Errors
    /// There is none.
    pub fn resource(&self, token: &str) -> Result<&dyn Erased> {
        self.resources
            .get(token)
            .map(Box::as_ref)
            .ok_or_else(|| unknown("resource type", token, self.resources.keys()))
    }

    /// The function of a token.
    ///
    /// # Errors
    /// There is none.
    pub fn function(&self, token: &str) -> Result<&dyn ErasedLookup> {
        self.functions
            .get(token)
            .map(Box::as_ref)
            .ok_or_else(|| unknown("function", token, self.functions.keys()))
    }

    /// Every resource type, by token.
    pub fn resources(&self) -> impl Iterator<Item = &dyn Erased> {
        self.resources.values().map(Box::as_ref)
    }
}

fn unknown<'a>(what: &str, token: &str, known: impl Iterator<Item = &'a &'static str>) -> Error {
    let hint = nearest(token, known.copied()).map(|near| format!("; did you mean {near}?"));
    Error::Invalid(format!("groundwork has no {what} {token}{}", hint.unwrap_or_default()))
}
