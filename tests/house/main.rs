//! The house's own rules, and what the program tells the engine: pure, in milliseconds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod checklist;
mod cluster_settings;
#[path = "../support/files.rs"]
mod files;
#[path = "../support/golden.rs"]
mod golden;
mod inventory;
mod layering;
mod order;
mod program;
#[path = "../support/say.rs"]
mod say;
mod settings;
mod survey;
