//! The smallest Pulumi SDK that a Rust program needs, over the engine's own protocol.
//!
//! A program is a closure over a [`Context`]: it creates resources, passes their outputs on as inputs, and exports what
//! others want to know. Nothing waits in it: every registration runs on its own as soon as what it depends on is there.
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     sdk::run(|pulumi| async move {
//!         let vpc = pulumi.create::<Vpc>("main", VpcArgs::new("10.0.0.0/16"), None);
//!         let options = ResourceOptions::new().protect(true);
//!         pulumi.create::<Subnet>("a", SubnetArgs::new(&vpc.id, "10.0.0.0/20"), options);
//!         pulumi.export("vpc", &vpc.id);
//!         Ok(())
//!     })
//! }
//! ```

mod config;
mod context;
mod error;
mod invoke;
mod log;
pub mod mock;
mod options;
mod place;
mod registration;
mod resource;
mod run;

#[cfg(test)]
mod tests;

pub use config::{Config, ConfigError, ConfigErrors, Secret};
pub use context::{Context, Deployment};
pub use error::{Error, Result};
pub use invoke::InvokeOptions;
pub use log::Severity;
pub use options::{Alias, AliasSpec, CustomTimeouts, Dependency, ResourceOptions};
pub use resource::{AnyResource, Component, IsResource, ProviderRef, Resource, StackReference};
pub use run::run;

pub use groundwork_contract::{Contract, FromOutputs, Function, Input, InputNode, Output, OutputError};
