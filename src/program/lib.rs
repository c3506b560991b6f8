//! The story: what a platform is made of, told by types; and the SDK that tells it to Pulumi.

use groundwork_contract::{
    Failure, Input, InputNode, Region,
    ec2::{SubnetId, VpcEndpointId},
};

use crate::{
    endpoints::Endpoints,
    ground::Ground,
    network::{Network, Place},
    sdk::{Context, Result},
};

pub mod endpoints;
pub mod ground;
pub mod network;
pub mod plan;
pub mod sample;
pub mod sdk;
pub mod settings;
pub mod versions;

/// The platform, from a stack's configuration.
///
/// # Errors
/// Mistakes in the settings, all of them at once and before anything is registered; or what AWS does not offer here.
pub async fn platform(pulumi: Context) -> Result {
    refuse_own_namespace(&pulumi)?;
    let settings = settings::read(&pulumi.config("platform")).map_err(|failures| list(&failures))?;
    let plan = plan::plan(settings, configured_region(&pulumi)?.as_ref()).map_err(|failures| list(&failures))?;

    let ground = Ground::new(&pulumi, &plan).await?;
    let network = Network::new(&ground, &plan.network).await?;
    let endpoints = Endpoints::new(&ground, &network, &plan.endpoints).await?;

    export(&pulumi, &ground, &network, &endpoints);
    Ok(())
}

/// Project and provider would share a configuration namespace.
fn refuse_own_namespace(pulumi: &Context) -> Result {
    if pulumi.project() == "groundwork" {
        return Err(sdk::Error::new(
            "a project must not be named `groundwork`: its settings and those of the provider would share the \
                    namespace `groundwork:`; name it `platform` (Pulumi.yaml, `name:`)",
        ));
    }
    Ok(())
}

/// The region as far as the configuration tells it, to hold zones and ARNs against.
fn configured_region(pulumi: &Context) -> Result<Option<Region>> {
    for namespace in ["groundwork", "aws"] {
        if let Some(region) = pulumi.config(namespace).get::<Region>("region")? {
            return Ok(Some(region));
        }
    }
    Ok(None)
}

fn list(failures: &[Failure]) -> sdk::Error {
    let lines: Vec<String> = failures
        .iter()
        .map(|failure| format!("\n  platform:{failure}"))
        .collect();
    let mistakes = if failures.len() == 1 { "a mistake" } else { "mistakes" };
    sdk::Error::new(format!(
        "{mistakes} in the settings; nothing was changed:{}",
        lines.concat()
    ))
}

fn export(pulumi: &Context, ground: &Ground, network: &Network, endpoints: &Endpoints) {
    let ids = |places: &[Place]| -> Input<Vec<SubnetId>> {
        places
            .iter()
            .map(|place| Input::<SubnetId>::from(&place.subnet))
            .collect::<Vec<_>>()
            .into()
    };
    pulumi.export("stamp", &ground.stamp.id);
    pulumi.export("region", ground.region.as_str());
    pulumi.export("vpcId", &network.vpc_id);
    pulumi.export("publicSubnetIds", ids(&network.public));
    pulumi.export("privateSubnetIds", ids(&network.private));
    pulumi.export("controlPlaneSubnetIds", ids(&network.control_plane));
    let addresses: Vec<Input<String>> = network.nat_addresses.iter().map(Input::from).collect();
    pulumi.export("natAddresses", Input::<Vec<String>>::from(addresses));
    let endpoints = endpoints
        .ids
        .iter()
        .map(|(service, id)| (service.clone(), InputNode::from(Input::<VpcEndpointId>::from(id))));
    pulumi.export("vpcEndpointIds", InputNode::Object(endpoints.collect()));
}
