//! A resource as the engine shows it.

use groundwork_contract::{Contract, FromProperties};
use groundwork_wire::PropertyMap;

/// A resource as the engine shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its type.
    pub token: String,
    /// Its URN.
    pub urn: String,
    /// Its properties: what it is made from, or, once the whole stack is looked at, what it has become.
    pub properties: PropertyMap,
}

impl Resource {
    /// Its inputs, if it is of a type; what is not known of them stays unknown.
    #[must_use]
    pub fn args<C: Contract>(&self) -> Option<C::Args>
    where
        C::Args: FromProperties,
    {
        (self.token == C::TOKEN).then(|| C::Args::from_properties(&self.properties))
    }
}

#[cfg(test)]
impl Resource {
    /// One of a type, as a test writes it.
    pub(crate) fn of<C: Contract>(name: &str, properties: serde_json::Value) -> Self {
        use groundwork_wire::PropertyValue;
        let PropertyValue::Object(properties) = properties.into() else {
            panic!("properties are an object");
        };
        Self {
            token: C::TOKEN.to_owned(),
            urn: format!("urn:pulumi:test::rules::{}::{name}", C::TOKEN),
            properties,
        }
    }

    /// The same with a property of which nothing is known.
    pub(crate) fn unknown(mut self, name: &str) -> Self {
        self.properties
            .insert(name.to_owned(), groundwork_wire::PropertyValue::UNKNOWN);
        self
    }
}
