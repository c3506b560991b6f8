//! Helm: releases.

pub mod cilium;
mod release;

pub use release::*;
