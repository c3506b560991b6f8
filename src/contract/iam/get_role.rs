//! A role that is there.

use groundwork_contract_derive::{function, shape};

use super::{IamPath, RoleName};
use crate::Arn;

/// A role of this account, by its name; an error where there is none. Whoever has a session of it knows the name alone.
#[function("groundwork:iam:getRole")]
pub struct GetRole;

/// Source: IAM API Reference, `GetRole`.
#[shape]
pub struct GetRoleInputs {
    /// Its name.
    pub name: RoleName,
}

/// The role.
#[shape(outputs)]
pub struct GetRoleResult {
    /// The ARN, path and all.
    pub arn: Arn,
    /// The path.
    pub path: IamPath,
}
