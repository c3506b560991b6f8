//! What a resource and a function are to a program: a token, what goes in, and what comes out.

use serde::{Serialize, de::DeserializeOwned};

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::{
    check::Failure,
    output::{Input, Output},
};

/// A resource type.
pub trait Contract: Send + Sync + 'static {
    /// Its type, as in `groundwork:ec2:Vpc`.
    const TOKEN: &'static str;
    /// Its documentation.
    const DOCS: &'static str = "";
    /// The input that names it, where too much hangs on one of that name for it ever to be replaced: a change of what AWS
    /// cannot change is an error as long as this input stays as it is.
    const NEVER_REPLACED: Option<&'static str> = None;
    /// What its id is.
    type Id: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// What it is made from.
    type Inputs;
    /// What it answers.
    type Outputs;
    /// What a program writes to make one.
    type Args: Into<Input<Self::Inputs>>;
    /// What a program reads from one.
    type Refs: FromOutputs;

    /// One of it, as the documentation shows it and as the tests make it.
    fn example() -> Example {
        Example::default()
    }

    /// The rules that need more than one property; types carry the rest.
    /// What is not known yet answers `None` to [`Input::known`] and is skipped.
    fn check(args: &Self::Args) -> Vec<Failure> {
        let _ = args;
        Vec::new()
    }

    /// What makes it this one and no other, where that stands inside values of no fixed form: each with its path. A change
    /// of one replaces it, as a change of an `#[immutable]` field does.
    fn identity(inputs: &PropertyMap) -> Vec<(PropertyPath, PropertyValue)> {
        let _ = inputs;
        Vec::new()
    }

    /// Wraps what must never be shown, where that depends on the values; `#[secret]` does it for a whole field.
    fn conceal(properties: &mut PropertyMap) {
        let _ = properties;
    }
}

/// A resource as the documentation shows it and as the tests make it, change it and import it.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// Its inputs. The text `$groundwork:ec2:Vpc` stands for the id of an example of that type, and
    /// `$groundwork:ec2:Vpc.arn` for one of its properties; `$groundwork:ec2:Subnet+` for the second one of a type.
    pub inputs: serde_json::Value,
    /// The inputs that change in place afterwards; null where nothing can.
    pub update: serde_json::Value,
    /// The types whose examples must exist as well, without being named by the inputs.
    pub needs: &'static [&'static str],
    /// The inputs of a second one that stands beside the first, where they differ; null where nothing needs two.
    pub second: serde_json::Value,
}

/// Something that is read from a resource's inputs, which may be partly unknown.
pub trait FromProperties {
    /// From the inputs by name; what is missing is null.
    fn from_properties(map: &PropertyMap) -> Self;
}

/// Something that is read from a resource's properties, such as one output for each of them.
pub trait FromOutputs {
    /// From the object of all of them.
    fn from_outputs(object: &Output<serde_json::Value>) -> Self;
}

impl FromOutputs for () {
    fn from_outputs(_: &Output<serde_json::Value>) -> Self {}
}

/// A function of a provider: it looks something up and makes nothing.
pub trait Function {
    /// Its name, as in `groundwork:ec2:getZones`.
    const TOKEN: &'static str;
    /// Its documentation.
    const DOCS: &'static str = "";
    /// What it is asked with.
    type Inputs;
    /// What a program writes to ask it.
    type Args: Into<Input<Self::Inputs>>;
    /// What it answers.
    type Result;
}
