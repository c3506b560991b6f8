//! What happens: the provider's engine and the resources' verbs. The only crate that talks to AWS.

use std::{process::ExitCode, sync::Arc};

use groundwork_wire::{
    proto::resource_provider_server::ResourceProviderServer,
    serve::{MessageLimit, engine_address, serve, stopped},
};

pub mod clients;
mod config;
pub mod cx;
mod ec2;
mod eks;
pub mod engine;
pub mod error;
mod flux;
pub mod functions;
mod helm;
mod iam;
mod index;
mod kms;
pub mod kubernetes;
pub mod log;
mod logs;
pub mod marks;
mod naming;
pub mod registry;
mod report;
pub mod resource;
pub mod rpc;
mod stamp;
pub mod state;
mod sts;
mod teardown;
#[cfg(test)]
mod trial;
pub mod wait;

/// The program `pulumi-resource-groundwork`: serves the engine that started it until it is told to stop.
pub fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let served = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            let engine = engine_address(std::env::args().skip(1));
            let provider = Arc::new(rpc::Provider::new(registry::Registry::standard(), engine.as_deref()));
            let service = ResourceProviderServer::from_arc(provider).with_message_limit();
            let router = tonic::transport::Server::builder().add_service(service);
            let stop = async {
                drop(stopped().await);
            };
            serve(router, stop).await.map_err(|error| error.to_string())
        })
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The engine shows what a plugin writes here when it does not start.
            drop(std::io::Write::write_fmt(
                &mut std::io::stderr(),
                format_args!("pulumi-resource-groundwork: {error}\n"),
            ));
            ExitCode::FAILURE
        }
    }
}
