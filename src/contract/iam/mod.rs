//! AWS IAM: roles, policies and identity providers.

mod documents;
mod get_role;
mod instance_profile;
mod names;
mod open_id_connect_provider;
mod policy;
mod role;
mod role_policy_attachment;
mod trust;

pub use documents::*;
pub use get_role::*;
pub use instance_profile::*;
pub use names::*;
pub use open_id_connect_provider::*;
pub use policy::*;
pub use role::*;
pub use role_policy_attachment::*;
pub use trust::*;
