//! A resource's contract as data, for everything that treats all resources alike.

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::{
    check::{self, Failure},
    diff::{self, Change, ChangeKind, Changes},
    shape::{FieldSpec, ObjectSpec, Shape, Spec, apply_defaults},
    tags,
    traits::{Contract, Example, FromProperties, Function},
};

/// What there is to know of a resource type without doing anything.
#[derive(Debug, Clone)]
pub struct Descriptor {
    /// `groundwork:ec2:Vpc`.
    pub token: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// What it is made from.
    pub inputs: ObjectSpec,
    /// What it answers beyond its inputs.
    pub outputs: ObjectSpec,
    /// One of it, as the documentation shows it and as the tests make it.
    pub example: Example,
    /// The input without whose change it is never replaced.
    pub never_replaced: Option<&'static str>,
    rules: fn(&PropertyMap) -> Vec<Failure>,
    identity: fn(&PropertyMap) -> Vec<(PropertyPath, PropertyValue)>,
    conceal: fn(&mut PropertyMap),
}

impl Descriptor {
    /// The descriptor of a resource type.
    #[must_use]
    pub fn of<C: Contract>() -> Self
    where
        C::Inputs: Shape,
        C::Outputs: Shape,
        C::Args: FromProperties,
    {
        Self {
            token: C::TOKEN,
            docs: C::DOCS,
            inputs: object::<C::Inputs>(),
            outputs: object::<C::Outputs>(),
            example: C::example(),
            never_replaced: C::NEVER_REPLACED,
            rules: |map| C::check(&C::Args::from_properties(map)),
            identity: C::identity,
            conceal: C::conceal,
        }
    }

    /// Every mistake in the inputs, in the order of their paths.
    #[must_use]
    pub fn check(&self, inputs: &PropertyMap) -> Vec<Failure> {
        let mut failures = check::check(&self.inputs, inputs);
        if let Some(given) = inputs.get("tags").filter(|_| self.has_tags()) {
            failures.extend(tags::check(&PropertyPath::root().key("tags"), given));
        }
        failures.extend((self.rules)(inputs));
        failures.sort();
        failures.dedup();
        failures
    }

    /// Whether AWS lets it carry tags.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        self.inputs
            .field("tags")
            .is_some_and(|field| matches!(field.spec, Spec::Map(_)))
    }

    /// The inputs with their defaults. Null is absence.
    #[must_use]
    pub fn with_defaults(&self, mut inputs: PropertyMap) -> PropertyMap {
        inputs.retain(|_, value| !value.is_null());
        apply_defaults(&self.inputs, &mut inputs);
        inputs
    }

    /// The inputs that name it, where it has a name: one of another name can stand beside it.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let fields = self.inputs.fields.iter().filter(|field| field.flags.autonamed);
        fields.map(|field| field.name).chain(self.never_replaced)
    }

    /// What a change of inputs means.
    #[must_use]
    pub fn diff(&self, old: &PropertyMap, new: &PropertyMap) -> Changes {
        let mut changes = diff::diff(&self.inputs, old, new);
        for ((path, old), (_, new)) in (self.identity)(old).into_iter().zip((self.identity)(new)) {
            if !diff::same(&Spec::Any, &old, &new) {
                let change = Change {
                    kind: ChangeKind::Update,
                    replace: true,
                };
                changes.insert(path, change);
            }
        }
        changes
    }

    /// The outputs that an update in place does not change.
    pub fn stables(&self) -> impl Iterator<Item = &'static str> {
        self.outputs
            .fields
            .iter()
            .filter(|field| field.flags.stable)
            .map(|field| field.name)
    }

    /// Wraps what must never be shown.
    #[must_use]
    pub fn with_secrets(&self, mut properties: PropertyMap) -> PropertyMap {
        (self.conceal)(&mut properties);
        wrapped(&[&self.inputs, &self.outputs], properties)
    }
}

/// Wraps what one of these forms says must never be shown.
fn wrapped(forms: &[&ObjectSpec], properties: PropertyMap) -> PropertyMap {
    let secret = |name: &str| {
        forms
            .iter()
            .any(|form| form.field(name).is_some_and(|field| field.flags.secret))
    };
    properties
        .into_iter()
        .map(|(name, value)| {
            if secret(&name) {
                (name, PropertyValue::secret(value))
            } else {
                (name, value)
            }
        })
        .collect()
}

/// A function's contract as data.
#[derive(Debug, Clone)]
pub struct FunctionDescriptor {
    /// `groundwork:ec2:getAvailabilityZones`.
    pub token: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// What it is asked with.
    pub inputs: ObjectSpec,
    /// What it answers.
    pub result: ObjectSpec,
}

impl FunctionDescriptor {
    /// The descriptor of a function.
    #[must_use]
    pub fn of<F: Function>() -> Self
    where
        F::Inputs: Shape,
        F::Result: Shape,
    {
        Self {
            token: F::TOKEN,
            docs: F::DOCS,
            inputs: object::<F::Inputs>(),
            result: object::<F::Result>(),
        }
    }

    /// Wraps what must never be shown of its answer.
    #[must_use]
    pub fn with_secrets(&self, result: PropertyMap) -> PropertyMap {
        wrapped(&[&self.result], result)
    }
}

/// The form of an object type.
///
/// A type of another form has no properties, which the schema's golden shows at once.
#[must_use]
pub fn object<T: Shape>() -> ObjectSpec {
    match T::spec() {
        Spec::Object(object) => object,
        _ => ObjectSpec {
            name: "",
            docs: "",
            fields: Vec::<FieldSpec>::new(),
        },
    }
}
