//! The platform's network alone, for tests that hold it on bad days; no example to learn from.
//!
//! It reads the settings `platform:` and takes the platform's own first chapters: ground, network, endpoints.

use std::process::ExitCode;

use groundwork_program::{
    endpoints::Endpoints,
    exports::export_network,
    ground::Ground,
    network::Network,
    planned,
    sdk::{self, Context, Result},
};

fn main() -> ExitCode {
    sdk::run(network)
}

async fn network(pulumi: Context) -> Result {
    let plan = planned(&pulumi)?;
    let ground = Ground::new(&pulumi, &plan).await?;
    let network = Network::new(&ground, &plan.network).await?;
    let endpoints = Endpoints::new(&ground, &network, &plan.endpoints)?;
    export_network(&ground, &network, &endpoints);
    Ok(())
}
