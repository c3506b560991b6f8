//! A key's name.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::KeyId;
use crate::{Arn, Example, text_type};

/// A name for a key, which may be given to another one later.
#[resource("groundwork:kms:Alias", AliasName, example = example)]
pub struct Alias;

/// Source: AWS KMS API Reference, `CreateAlias`, `UpdateAlias`.
#[shape]
pub struct AliasInputs {
    /// The name, unique in account and region.
    #[immutable]
    pub name: AliasName,
    /// The id of the key that has it.
    pub target_key_id: KeyId,
}

text_type!(
    /// A key's name: `alias/` and up to 250 letters, digits and any of `:/_-`, but not `alias/aws/`, which are AWS's.
    AliasName, "the alias of a KMS key", "alias/platform-logs", |text| {
        let name = text.strip_prefix("alias/").unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b":/_-".contains(&b);
        if name.is_empty() || name.len() > 250 || !name.bytes().all(plain) {
            Err("expected `alias/` and 1 to 250 letters, digits and any of :/_-".to_owned())
        } else if name.starts_with("aws/") {
            Err("names that begin with `alias/aws/` are AWS's own".to_owned())
        } else {
            Ok(text.to_owned())
        }
    }
);

/// What AWS answers.
#[shape(outputs)]
pub struct AliasOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The ARN of the key.
    pub target_key_arn: Arn,
}

fn example() -> Example {
    Example {
        inputs: json!({"name": "alias/example", "targetKeyId": "$groundwork:kms:Key"}),
        ..Example::default()
    }
}
