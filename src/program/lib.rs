//! The story: what a platform is made of, told by types; and the SDK that tells it to Pulumi.

use groundwork_contract::{Failure, Region};

use crate::{
    addons::Addons,
    cilium::Cilium,
    cluster::Cluster,
    endpoints::Endpoints,
    exports::Platform,
    fargate::Fargate,
    ground::{Ground, assume_role},
    identity::Identity,
    karpenter::Karpenter,
    network::Network,
    nodes::Nodes,
    plan::{ComputePlan, Plan},
    sdk::{Context, Result},
    settings::KubeconfigStyle,
};

pub mod addons;
pub mod cilium;
pub mod cluster;
pub mod endpoints;
pub mod exports;
pub mod fargate;
pub mod flux;
pub mod ground;
pub mod identity;
pub mod karpenter;
pub mod kubeconfig;
pub mod network;
pub mod nodes;
pub mod objects;
pub mod plan;
pub mod principal;
pub mod roles;
pub mod sample;
pub mod sdk;
pub mod settings;
pub mod survey;
pub mod versions;

/// The platform, from a stack's configuration.
///
/// # Errors
/// Mistakes in the settings, all of them at once and before anything is registered; or what AWS does not offer here.
pub async fn platform(pulumi: Context) -> Result {
    refuse_own_namespace(&pulumi)?;
    let plan = planned(&pulumi)?;

    let ground = Ground::new(&pulumi, &plan).await?;
    let network = Network::new(&ground, &plan.network).await?;
    let endpoints = Endpoints::new(&ground, &network, &plan.endpoints)?;
    let cluster = Cluster::new(&ground, &network, &endpoints, &plan.cluster);
    let identity = Identity::new(&ground, &cluster, &plan.identity);
    let karpenter = Karpenter::new(&ground, &cluster, &identity)?;
    let (addons, cilium) = match &plan.compute {
        ComputePlan::Fargate(pods) => {
            let fargate = Fargate::new(&ground, &network, &cluster, pods);
            let addons = Addons::on_fargate(&ground, &cluster, &identity, &fargate, (pods, &plan.coredns));
            (addons, None)
        }
        ComputePlan::Nodes(network_of_pods, first) => {
            let cni = Cilium::install(&ground, &cluster, &identity, network_of_pods); // applied, not awaited
            let nodes = Nodes::new(&ground, &network, &cluster, &karpenter, &cni, first); // tainted until an agent is up
            let cilium = cni.ready(&ground, &cluster, &nodes); // the gate that everything after stands behind
            (
                Addons::on_nodes(&ground, &cluster, &cilium, &plan.coredns),
                Some(cilium),
            )
        }
    };
    flux::hand_over(&ground, &cluster, &karpenter, &addons, plan.flux.as_ref())?;

    let platform = Platform {
        ground: &ground,
        network: &network,
        endpoints: &endpoints,
        cluster: &cluster,
        karpenter: &karpenter,
        cilium: cilium.as_ref(),
        addons: &addons,
    };
    platform.export(&plan);
    Ok(())
}

/// What a stack's configuration asks for, for programs that take the chapters one by one.
///
/// # Errors
/// Mistakes in the settings, all of them at once.
pub fn planned(pulumi: &Context) -> Result<Plan> {
    let settings = settings::read(&pulumi.config("platform")).map_err(|failures| list(&failures))?;
    let region = configured_region(pulumi)?;
    let plan = plan::plan(settings, region.as_ref(), pulumi.today()).map_err(|failures| list(&failures))?;
    if plan.kubeconfig == KubeconfigStyle::Aws && assume_role(pulumi).is_some_and(|role| role.external_id.is_some()) {
        return Err(list(&[Failure::at(
            "kubeconfig",
            "is aws, whose command line gives no external id when it assumes a role, as `groundwork:assumeRole` asks for; \
             take `groundwork`, or a profile that assumes the role",
        )]));
    }
    Ok(plan)
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
