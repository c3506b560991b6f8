//! Amazon EC2: the network.

mod get_availability_zones;
mod ids;
mod vpc;

pub use get_availability_zones::*;
pub use ids::*;
pub use vpc::*;
