//! Amazon EC2: the network.

mod default_security_group;
mod egress_only_internet_gateway;
mod eip;
mod flow_log;
mod get_availability_zones;
mod get_vpc_endpoint_services;
mod ids;
mod inline_rule;
mod internet_gateway;
mod nat_gateway;
mod route;
mod route_table;
mod route_table_association;
mod security_group;
mod security_group_rule;
mod subnet;
mod vpc;
mod vpc_endpoint;

pub use default_security_group::*;
pub use egress_only_internet_gateway::*;
pub use eip::*;
pub use flow_log::*;
pub use get_availability_zones::*;
pub use get_vpc_endpoint_services::*;
pub use ids::*;
pub use inline_rule::*;
pub use internet_gateway::*;
pub use nat_gateway::*;
pub use route::*;
pub use route_table::*;
pub use route_table_association::*;
pub use security_group::*;
pub use security_group_rule::*;
pub use subnet::*;
pub use vpc::*;
pub use vpc_endpoint::*;
