//! A key.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use crate::{Arn, Document, Example, Failure, Input, Tags, text_type};

/// A symmetric key for encryption, kept by AWS in one region.
///
/// Its deletion is a term of 7 to 30 days at whose end whatever it has encrypted is lost for ever; until then
/// `aws kms cancel-key-deletion` and `enable-key` bring it back.
#[resource("groundwork:kms:Key", KeyId, example = example, check = check)]
pub struct Key;

/// Source: AWS KMS API Reference, `CreateKey`, `EnableKeyRotation`, `ScheduleKeyDeletion`.
#[shape]
pub struct KeyInputs {
    /// What it is for: up to 8,192 characters.
    pub description: Option<String>,
    /// Whether AWS makes new key material from time to time.
    #[default(true)]
    pub enable_key_rotation: bool,
    /// After how many days: 90 to 2560. AWS takes 365 when absent.
    #[computed]
    pub rotation_period_in_days: Option<u16>,
    /// Who may do what with it. AWS leaves it to the account's own policies when absent.
    #[computed]
    pub policy: Option<Document>,
    /// The days between its deletion and its end: 7 to 30.
    #[default(7)]
    pub deletion_window_in_days: u8,
    /// Tags.
    pub tags: Option<Tags>,
}

text_type!(
    /// A key's id: a UUID, or `mrk-` and 32 hexadecimal digits.
    KeyId, "the id of a KMS key", "1234abcd-12ab-34cd-56ef-1234567890ab", |text| {
        let hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let groups: Vec<&str> = text.split('-').collect();
        let uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| hex(group));
        let shared = text.strip_prefix("mrk-").is_some_and(|digits| digits.len() == 32 && hex(digits));
        if uuid || shared {
            Ok(text.to_owned())
        } else {
            Err("expected a UUID in lower case, not an ARN or an alias".to_owned())
        }
    }
);

/// What AWS answers.
#[shape(outputs)]
pub struct KeyOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// `Enabled`, or `Disabled` when somebody has switched it off.
    pub key_state: String,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "description": "Encrypts the platform's logs",
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "description": "Encrypts the platform's secrets",
            "rotationPeriodInDays": 180,
            "deletionWindowInDays": 30,
            "policy": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*",
            }]},
            "tags": {"Name": "changed", "team": "platform", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

fn check(args: &KeyArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(days) = args.deletion_window_in_days.as_ref().and_then(Input::known)
        && !(7..=30).contains(&days)
    {
        failures.push(Failure::at(
            "deletionWindowInDays",
            format!("is 7 to 30 days, not {days}"),
        ));
    }
    if let Some(days) = args.rotation_period_in_days.as_ref().and_then(Input::known)
        && !(90..=2560).contains(&days)
    {
        failures.push(Failure::at(
            "rotationPeriodInDays",
            format!("is 90 to 2560 days, not {days}"),
        ));
    }
    if args.rotation_period_in_days.is_some() && args.enable_key_rotation.as_ref().and_then(Input::known) == Some(false)
    {
        failures.push(Failure::at(
            "rotationPeriodInDays",
            "has no place where enableKeyRotation is false; leave one of them out",
        ));
    }
    if let Some(text) = args.description.as_ref().and_then(Input::known)
        && text.chars().count() > 8192
    {
        failures.push(Failure::at("description", "has at most 8,192 characters"));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_id_is_no_arn_and_no_alias() {
        assert!("1234abcd-12ab-34cd-56ef-1234567890ab".parse::<KeyId>().is_ok());
        assert!("mrk-1234abcd12ab34cd56ef1234567890ab".parse::<KeyId>().is_ok());
        assert!("alias/logs".parse::<KeyId>().is_err());
        assert!("1234abcd12ab34cd56ef1234567890ab".parse::<KeyId>().is_err());
    }
}
