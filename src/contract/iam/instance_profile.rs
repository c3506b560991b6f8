//! An instance profile.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{IamPath, InstanceProfileName, RoleName};
use crate::{Arn, Example, Tags};

/// An instance profile: how a role gets to an EC2 instance.
#[resource("groundwork:iam:InstanceProfile", InstanceProfileName, example = example)]
pub struct InstanceProfile;

/// Source: IAM API Reference, `CreateInstanceProfile`, `AddRoleToInstanceProfile`.
#[shape]
pub struct InstanceProfileInputs {
    /// Its name, unique in the account. Made up when absent.
    #[immutable]
    #[autonamed]
    pub name: Option<InstanceProfileName>,
    /// Where it stands among the account's names.
    #[immutable]
    #[default(IamPath::root())]
    pub path: IamPath,
    /// The one role in it. Another takes its place without the profile being replaced.
    pub role: Option<RoleName>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct InstanceProfileOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// What tells it from an earlier one of the same name, such as `AIPA…`.
    #[stable]
    pub unique_id: String,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "name": "example",
            "role": "$groundwork:iam:Role",
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "role": null,
            "tags": {"Name": "changed", "team": "platform", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}
