//! The local cloud: tools, processes and stand-ins that let everything run without an AWS account.
//!
//! [`LocalCloud`] is what the command line, the demo and the tests share: it brings up an AWS on 127.0.0.1 (moto and our
//! extension of it), says which environment makes Pulumi and the AWS SDKs talk to it, and takes everything down again.
//! What it needs is had on demand: Go programs are built from pinned modules ([`tools`]), Python from a pinned list.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that cannot go on says so by panicking"
    )
)]

pub mod charts;
pub mod cli;
pub mod cloud;
mod embedded;
mod error;
mod kubernetes;
pub mod process;
pub mod tools;
mod ui;
mod wait;

pub use cloud::{Call, Dump, Lifetime, LocalCloud, Options, Rhythm, Status};
pub use error::{Error, Result};
pub use kubernetes::objects::{Object, Overview, Workload};
pub use ui::{Step, Ui};
