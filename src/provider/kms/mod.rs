//! AWS KMS: keys and their names. One file a noun, as in `contract/kms`.

mod alias;
mod key;

use aws_sdk_kms::types::{KeyMetadata, KeyState};

use crate::{
    cx::Cx,
    error::{Error, Gone, Result, aws},
};

/// Text of AWS's, in its own type.
fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(value: &str, what: &str) -> Result<T> {
    value.parse().map_err(|error| Error::Bug(format!("{what}: {error}")))
}

/// A key by its id or alias.
async fn describe(cx: &Cx, key: &str) -> Result<Option<KeyMetadata>> {
    let answer = cx
        .kms()
        .describe_key()
        .key_id(key)
        .send()
        .await
        .map_err(aws("kms", "DescribeKey"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.key_metadata))
}

/// Whether a key is on its way out: it can no longer be used, and AWS shows it for days.
fn leaving(key: &KeyMetadata) -> bool {
    matches!(
        key.key_state,
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
    )
}
