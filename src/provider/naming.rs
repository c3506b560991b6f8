//! Names that the user leaves to us.

use std::fmt::Write as _;

use groundwork_contract::{descriptor::Descriptor, tags::STAMP};
use groundwork_wire::{
    PropertyMap, PropertyValue, Urn,
    proto::{CheckRequest, check_request::autonaming_options::Mode},
};
use sha2::{Digest, Sha256};

use crate::marks::Marks;

/// Gives a name where the contract asks for one and the user gave none.
///
/// The old one where there is one; else what the engine's autonaming is set to; else the resource's own name and seven
/// digits. These follow from the resource, its platform's stamp and the name that it had before: a creation that is tried
/// again after a crash asks for the same name, and so finds what the first one made; a replacement stands beside the old one.
pub(crate) fn name(
    descriptor: &Descriptor,
    urn: &Urn,
    request: &CheckRequest,
    olds: &PropertyMap,
    marks: &Marks,
    inputs: &mut PropertyMap,
) {
    for field in descriptor.inputs.fields.iter().filter(|field| field.flags.autonamed) {
        if inputs.get(field.name).is_some_and(|value| !value.is_null()) {
            continue;
        }
        let old = olds.get(field.name).filter(|value| !value.is_null()).cloned();
        if let Some(PropertyValue::String(former)) = &old {
            marks.note_name(urn, former);
        }
        let seed = [
            urn.as_str(),
            stamp_of(inputs).unwrap_or_default(),
            &marks.former_name(urn).unwrap_or_default(),
        ]
        .join("\0");
        let name = old.or_else(|| proposed(urn, request, &seed).map(PropertyValue::String));
        if let Some(name) = name {
            inputs.insert(field.name.to_owned(), name);
        }
    }
}

/// The platform's stamp among the tags, once it is known.
fn stamp_of(inputs: &PropertyMap) -> Option<&str> {
    inputs.get("tags")?.as_object()?.get(STAMP)?.as_str()
}

fn proposed(urn: &Urn, request: &CheckRequest, seed: &str) -> Option<String> {
    match request
        .autonaming
        .as_ref()
        .map(|autonaming| (autonaming.mode(), autonaming.proposed_name.clone()))
    {
        Some((Mode::Disable, _)) => None,
        Some((Mode::Enforce, name)) if !name.is_empty() => Some(name),
        Some((Mode::Propose, name)) if !name.is_empty() && !is_usual(urn, &name) => Some(name),
        _ => {
            let digits = Sha256::digest(seed)
                .iter()
                .take(4)
                .fold(String::new(), |mut digits, byte| {
                    // Writing to a string cannot fail.
                    let _ = write!(digits, "{byte:02x}");
                    digits
                });
            Some(format!("{}-{}", urn.name(), digits.get(..7).unwrap_or(&digits)))
        }
    }
}

/// Whether a proposal is what the engine makes up where nobody has set a pattern: the name and seven digits at random.
fn is_usual(urn: &Urn, name: &str) -> bool {
    name.strip_prefix(urn.name())
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|digits| digits.len() == 7 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}
