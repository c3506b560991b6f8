//! A managed policy on a role.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{RoleName, RolePolicyAttachmentId};
use crate::{Arn, Example};

/// A managed policy that a role has, for roles that do not list their policies themselves.
#[resource("groundwork:iam:RolePolicyAttachment", RolePolicyAttachmentId, example = example)]
pub struct RolePolicyAttachment;

/// Source: IAM API Reference, `AttachRolePolicy`.
#[shape]
pub struct RolePolicyAttachmentInputs {
    /// The role's name.
    #[immutable]
    pub role: RoleName,
    /// The policy's ARN.
    #[immutable]
    pub policy_arn: Arn,
}

/// AWS answers nothing.
#[shape(outputs)]
pub struct RolePolicyAttachmentOutputs {}

fn example() -> Example {
    Example {
        inputs: json!({"role": "$groundwork:iam:Role", "policyArn": "$groundwork:iam:Policy"}),
        ..Example::default()
    }
}
