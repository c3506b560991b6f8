//! Names that the user leaves to us.

use std::fmt::Write as _;

use groundwork_contract::descriptor::Descriptor;
use groundwork_wire::{
    PropertyMap, PropertyValue, Urn,
    proto::{CheckRequest, check_request::autonaming_options::Mode},
};
use sha2::{Digest, Sha256};

/// Gives a name where the contract asks for one and the user gave none.
///
/// The old one where there is one; else what the engine's autonaming says; else the resource's own name and seven
/// digits of the engine's seed, so that a replacement can stand beside the old one.
pub(crate) fn name(
    descriptor: &Descriptor,
    urn: &Urn,
    request: &CheckRequest,
    olds: &PropertyMap,
    inputs: &mut PropertyMap,
) {
    for field in descriptor.inputs.fields.iter().filter(|field| field.flags.autonamed) {
        if inputs.get(field.name).is_some_and(|value| !value.is_null()) {
            continue;
        }
        let old = olds.get(field.name).filter(|value| !value.is_null()).cloned();
        let name = old.or_else(|| proposed(urn, request).map(PropertyValue::String));
        if let Some(name) = name {
            inputs.insert(field.name.to_owned(), name);
        }
    }
}

fn proposed(urn: &Urn, request: &CheckRequest) -> Option<String> {
    match request
        .autonaming
        .as_ref()
        .map(|autonaming| (autonaming.mode(), autonaming.proposed_name.clone()))
    {
        Some((Mode::Disable, _)) => None,
        Some((Mode::Enforce | Mode::Propose, name)) if !name.is_empty() => Some(name),
        _ => {
            let digest = Sha256::digest([request.random_seed.as_slice(), urn.as_str().as_bytes()].concat());
            let digits = digest.iter().take(4).fold(String::new(), |mut digits, byte| {
                // Writing to a string cannot fail.
                let _ = write!(digits, "{byte:02x}");
                digits
            });
            Some(format!("{}-{}", urn.name(), digits.get(..7).unwrap_or(&digits)))
        }
    }
}
