//! The rich error model of gRPC, generated from `proto/google/rpc/status.proto`.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    unused_qualifications,
    reason = "generated"
)]

tonic::include_proto!("google.rpc");
