//! Shapes: what a value may look like, as data.
//!
//! One [`Spec`] is read by everything that needs to know a resource's form: Check, Diff, secret marking,
//! the Pulumi package schema, the JSON Schema for editors and the reference tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

/// A Rust type with a known wire form.
pub trait Shape: Serialize + DeserializeOwned {
    /// Its form.
    fn spec() -> Spec;

    /// Whether a value may be left out (`Option`).
    const OPTIONAL: bool = false;
}

/// The form of a value.
#[derive(Debug, Clone)]
pub enum Spec {
    /// True or false.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// A number.
    Number,
    /// Text of a certain form.
    Text(TextSpec),
    /// One of a closed set of words.
    Choice(ChoiceSpec),
    /// A list whose order matters.
    List(Box<Self>),
    /// A list whose order does not matter.
    Set(Box<Self>),
    /// A map from text to values.
    Map(Box<Self>),
    /// An object.
    Object(ObjectSpec),
    /// A JSON document, given as text or as an object, compared by meaning.
    Document,
    /// Anything.
    Any,
}

/// Text of a certain form.
#[derive(Debug, Clone, Copy)]
pub struct TextSpec {
    /// What it is, for errors: "an IPv4 CIDR block".
    pub what: &'static str,
    /// A valid example.
    pub example: &'static str,
    /// The canonical form, or why the text is not of this form.
    pub parse: fn(&str) -> Result<String, String>,
}

/// One of a closed set of words.
#[derive(Debug, Clone)]
pub struct ChoiceSpec {
    /// The type's name.
    pub name: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// The words, each with its documentation.
    pub words: Vec<(String, &'static str)>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct ObjectSpec {
    /// The type's name.
    pub name: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// Its properties, in the order in which they are declared.
    pub fields: Vec<FieldSpec>,
}

impl ObjectSpec {
    /// The property of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A property of an object.
#[derive(Debug, Clone)]
pub struct FieldSpec {
    /// Its name on the wire (camelCase).
    pub name: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// Its form.
    pub spec: Spec,
    /// Whether it must be given.
    pub required: bool,
    /// What it is when not given.
    pub default: Option<Json>,
    /// The facts that Pulumi wants to know of it.
    pub flags: Flags,
}

/// What Pulumi wants to know of a property.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// AWS cannot change it: a change replaces the resource.
    pub immutable: bool,
    /// It must never be shown.
    pub secret: bool,
    /// An update in place does not change it (outputs).
    pub stable: bool,
    /// AWS takes it at creation and never gives it back: not compared afterwards, but for a secret that the user gave both
    /// before and now.
    pub create_only: bool,
    /// AWS chooses a value when none is given: its absence is no difference.
    pub computed: bool,
    /// A name that we make up when none is given.
    pub autonamed: bool,
    /// One of several alternatives: giving it or taking it away replaces the resource, changing it does not.
    pub variant: bool,
}

impl Shape for bool {
    fn spec() -> Spec {
        Spec::Bool
    }
}

macro_rules! integers {
    ($($type:ty: $min:expr, $max:expr);+ $(;)?) => {$(
        impl Shape for $type {
            fn spec() -> Spec {
                Spec::Integer { min: $min, max: $max }
            }
        }
    )+};
}
integers! {
    u8: 0, i64::from(Self::MAX);
    u16: 0, i64::from(Self::MAX);
    u32: 0, i64::from(Self::MAX);
    i32: i64::from(Self::MIN), i64::from(Self::MAX);
    i64: Self::MIN, Self::MAX;
}

impl Shape for f64 {
    fn spec() -> Spec {
        Spec::Number
    }
}

impl Shape for String {
    fn spec() -> Spec {
        Spec::Text(TextSpec {
            what: "text",
            example: "text",
            parse: |text| Ok(text.to_owned()),
        })
    }
}

impl Shape for Json {
    fn spec() -> Spec {
        Spec::Any
    }
}

impl<T: Shape> Shape for Option<T> {
    fn spec() -> Spec {
        T::spec()
    }
    const OPTIONAL: bool = true;
}

impl<T: Shape> Shape for Vec<T> {
    fn spec() -> Spec {
        Spec::List(Box::new(T::spec()))
    }
}

impl<T: Shape + Ord> Shape for BTreeSet<T> {
    fn spec() -> Spec {
        Spec::Set(Box::new(T::spec()))
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn spec() -> Spec {
        Spec::Map(Box::new(T::spec()))
    }
}

/// Puts defaults into an object wherever nothing is given, at any depth.
pub fn apply_defaults(spec: &ObjectSpec, map: &mut groundwork_wire::PropertyMap) {
    use groundwork_wire::PropertyValue;
    for field in &spec.fields {
        if map.get(field.name).is_none_or(PropertyValue::is_null) {
            if let Some(default) = &field.default {
                map.insert(field.name.to_owned(), PropertyValue::from(default.clone()));
            }
        } else if let Some(value) = map.get_mut(field.name) {
            apply_defaults_within(&field.spec, value);
        }
    }
}

fn apply_defaults_within(spec: &Spec, value: &mut groundwork_wire::PropertyValue) {
    use groundwork_wire::PropertyValue;
    match (spec, value) {
        (spec, PropertyValue::Secret(inner)) => apply_defaults_within(spec, inner),
        (Spec::Object(object), PropertyValue::Object(map)) => apply_defaults(object, map),
        (Spec::List(item) | Spec::Set(item), PropertyValue::Array(items)) => {
            for value in items {
                apply_defaults_within(item, value);
            }
        }
        (Spec::Map(item), PropertyValue::Object(map)) => {
            for value in map.values_mut() {
                apply_defaults_within(item, value);
            }
        }
        _ => {}
    }
}
