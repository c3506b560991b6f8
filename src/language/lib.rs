//! The language host that runs Rust programs for the Pulumi engine.
