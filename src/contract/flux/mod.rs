//! Flux: the hand-over of a cluster to a Git repository.

mod bootstrap;
mod bootstrap_check;
mod bootstrap_id;

pub use bootstrap::*;
pub use bootstrap_check::component_flags;
pub use bootstrap_id::*;
