//! The whole platform, end to end: the real Pulumi engine, a real Kubernetes control plane, real Helm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod changes;
mod charts;
mod clients;
#[path = "../support/cloud.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod cloud;
mod flow;
mod hazards;
mod kills;
mod order;
mod platform;
#[path = "../support/say.rs"]
mod say;
mod secrets;
mod settings;
#[path = "../support/stack.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod stack;

pub(crate) use cloud::{Cloud, programs};
