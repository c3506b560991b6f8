//! What runs against the local cloud: the provider's own process, and the real Pulumi engine.
//!
//! Nothing here links the AWS SDK: the programs are started as users start them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod audit;
#[path = "../support/cloud.rs"]
mod cloud;
mod cluster;
mod engine;
mod flux;
mod functions;
#[path = "../support/golden.rs"]
mod golden;
mod import;
mod lifecycle;
mod nodes;
mod objects;
mod provider;
mod proxy;
mod recovery;
mod releases;
#[path = "../support/stack.rs"]
mod stack;
mod world;

pub(crate) use cloud::{Cloud, programs};
