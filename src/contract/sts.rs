//! AWS Security Token Service: who we are.

use groundwork_contract_derive::{function, shape};

use crate::{AccountId, Arn};

/// Whose credentials the provider uses.
#[function("groundwork:sts:getCallerIdentity")]
pub struct GetCallerIdentity;

/// Nothing.
#[shape]
pub struct GetCallerIdentityInputs {}

/// Source: STS API Reference, `GetCallerIdentity`.
#[shape(outputs)]
pub struct GetCallerIdentityResult {
    /// The account.
    pub account: AccountId,
    /// The ARN of the user or of the role's session.
    pub arn: Arn,
    /// The unique id of the user or role.
    pub user_id: String,
}
