//! The provider's configuration.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract_derive::shape;

use crate::{AccountId, Arn, Region, Tags};

/// How the provider reaches AWS. Each may also be set as `groundwork:<name>` in the stack's configuration.
#[shape]
pub struct ProviderConfig {
    /// The region, such as `eu-central-1`. Without it: `AWS_REGION`, then the profile's region.
    pub region: Option<Region>,
    /// A named profile of the AWS configuration files. Without it: `AWS_PROFILE`, then the default chain of credentials.
    pub profile: Option<String>,
    /// A role to assume with those credentials.
    pub assume_role: Option<AssumeRole>,
    /// Endpoints other than AWS's own, by service (`ec2`, `sts`) or `*` for all.
    pub endpoints: Option<BTreeMap<String, String>>,
    /// Tags for everything that can carry tags. A resource's own tags win.
    pub default_tags: Option<Tags>,
    /// The accounts that may be touched. With any other, nothing is.
    pub allowed_account_ids: Option<BTreeSet<AccountId>>,
    /// How often a call is tried in all before it fails, 1 to 50.
    #[default(10)]
    pub retries: u8,
}

/// A role to assume.
#[shape]
pub struct AssumeRole {
    /// The role's ARN.
    pub role_arn: Arn,
    /// The session's name, as CloudTrail shows it.
    pub session_name: Option<String>,
    /// The external id that the role's trust policy asks for.
    #[secret]
    pub external_id: Option<String>,
    /// How long its credentials last, in seconds: 900 to 43,200. They are renewed as needed.
    pub duration_seconds: Option<u32>,
}
