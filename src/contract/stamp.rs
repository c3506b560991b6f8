//! A platform's stamp.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use crate::{Example, text_type};

text_type!(
    /// A stamp: `gw-` and sixteen hexadecimal digits.
    StampId, "a platform's stamp", "gw-0123456789abcdef", |text| {
        let digits = text.strip_prefix("gw-").unwrap_or_default();
        if digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
            Ok(text.to_owned())
        } else {
            Err("expected `gw-` and sixteen lower-case hexadecimal digits".to_owned())
        }
    }
);

/// A random id, made once and kept in the state, that everything of one platform carries as the tag `groundwork:stamp`.
///
/// Nothing is ever taken for the platform's own on the strength of a name: two platforms may share every name, and none
/// shares a stamp. It exists in the state alone; its id is the stamp.
#[resource("groundwork:index:Stamp", StampId, example = example)]
pub struct Stamp;

/// A stamp is made from nothing.
#[shape]
pub struct StampInputs {}

/// Its id says it all.
#[shape(outputs)]
pub struct StampOutputs {}

fn example() -> Example {
    Example {
        inputs: json!({}),
        ..Example::default()
    }
}
