//! The policy pack and the examples under the real Pulumi engine, on the local cloud.
//!
//! `cargo test` builds the examples' executables; `cargo test --test engine` alone takes those that are there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod examples;
mod pack;
mod stage;
