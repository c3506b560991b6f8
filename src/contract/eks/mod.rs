//! Amazon EKS: clusters and what belongs to them.

mod cluster;
mod cluster_check;
mod cluster_config;
mod get_addon_versions;
mod get_cluster;
mod get_cluster_auth;
mod get_cluster_versions;
mod names;

pub use cluster::*;
pub use cluster_config::*;
pub use get_addon_versions::*;
pub use get_cluster::*;
pub use get_cluster_auth::*;
pub use get_cluster_versions::*;
pub use names::*;
