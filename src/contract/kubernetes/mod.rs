//! Kubernetes: objects of a cluster.

mod connection;
mod gate;
mod manifest;
mod object_id;
mod object_manifest;
mod patch;

pub use connection::*;
pub use gate::*;
pub(crate) use manifest::connection_example;
pub use manifest::*;
pub use object_id::*;
pub use object_manifest::SERVERS_METADATA;
pub use patch::*;
