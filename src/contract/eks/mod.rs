//! Amazon EKS: clusters and what belongs to them.

mod access_entry;
mod addon;
mod cluster;
mod cluster_check;
mod cluster_config;
mod fargate_profile;
mod get_addon_versions;
mod get_cluster;
mod get_cluster_auth;
mod get_cluster_versions;
mod names;
mod node_group;
mod node_group_check;
mod part_id;
mod pod_identity_association;

pub use access_entry::*;
pub use addon::*;
pub use cluster::*;
pub use cluster_config::*;
pub use fargate_profile::*;
pub use get_addon_versions::*;
pub use get_cluster::*;
pub use get_cluster_auth::*;
pub use get_cluster_versions::*;
pub use names::*;
pub use node_group::*;
pub use node_group_check::{Architecture, architecture_of};
pub use part_id::*;
pub use pod_identity_association::*;

#[cfg(test)]
mod tests {
    use crate::{Contract, FromProperties, descriptor::Descriptor, shape::Shape};

    /// The mistakes in these inputs, as a user reads them.
    pub(super) fn reasons<C: Contract<Inputs: Shape, Outputs: Shape, Args: FromProperties>>(
        inputs: serde_json::Value,
    ) -> Vec<String> {
        let groundwork_wire::PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<C>();
        let failures = descriptor.check(&descriptor.with_defaults(map));
        failures.iter().map(ToString::to_string).collect()
    }
}
