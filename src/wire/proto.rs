//! The protocol's messages, clients and servers, generated from `proto/`.
//!
//! Names follow the protocol: `ResourceProvider` gives `resource_provider_client` and `resource_provider_server`.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    unused_qualifications,
    reason = "generated"
)]

tonic::include_proto!("pulumirpc");

/// Diagnostics of code generators.
pub mod codegen {
    tonic::include_proto!("pulumirpc.codegen");
}
