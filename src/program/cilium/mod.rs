//! Cilium: the network of pods, by network interfaces of AWS.
//!
//! It takes two beats. First its objects are put into a cluster that has no node yet, and nobody waits for them: its
//! agents run on nodes, and nodes become ready by its agents. Then come the nodes, tainted until an agent is up; and a
//! gate, behind which everything else stands.

use groundwork_contract::{
    Output, findings,
    helm::{ChartSource, Release, ReleaseArgs},
    iam::PolicyDocument,
    kubernetes::{Gate, GateArgs, GateConditionArgs, NodesConditionArgs, WorkloadNameArgs},
};
use serde_json::Value as Json;

use crate::{
    cluster::Cluster,
    ground::Ground,
    identity::{Identity, PodRole},
    nodes::Nodes,
    objects::merged,
    plan::{CILIUM, CiliumPlan},
    sdk::{Dependency, Resource},
    settings::Preset,
};

mod values;

pub use values::{Images, Values};

/// The taint that nodes carry until Cilium runs on them.
pub const NOT_READY: &str = "node.cilium.io/agent-not-ready";

const NAMESPACE: &str = "kube-system";

/// Cilium in a cluster that may have no node yet.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The operator's role.
    pub operator: PodRole,
    release: Resource<Release>,
}

/// Cilium at work.
#[derive(Debug, Clone)]
pub struct Cilium {
    /// The operator's role.
    pub operator: PodRole,
    gate: Resource<Gate>,
}

impl Cilium {
    /// Puts Cilium's objects into the cluster, without waiting for them.
    pub fn install(ground: &Ground, cluster: &Cluster, identity: &Identity, plan: &CiliumPlan) -> Installed {
        let demo = ground.preset == Preset::Demo;
        let policies = if demo {
            ground.warn(&findings::BROAD_CNI_POLICY, &ground.in_cluster("cilium"));
            if plan.hubble {
                ground.warn(&findings::OPEN_HUBBLE, "cilium-cni");
            }
            ["AmazonEKS_CNI_Policy", "AmazonEKSWorkerNodePolicy"]
                .map(|policy| ground.managed_policy(policy))
                .into()
        } else {
            // The document names no role of nodes.
            let nobody = Output::from_property(ground.cluster.as_str().into());
            vec![ground.policy(PolicyDocument::CiliumOperator, &nobody)]
        };
        let operator = identity.role(ground, "cilium", (NAMESPACE, "cilium-operator"), policies);
        let (resource, name) = if demo {
            ("cilium-cni".to_owned(), "cilium-cni")
        } else {
            (ground.in_cluster("cilium-cni"), "cilium")
        };
        let mut args = ReleaseArgs::new(cluster.connection.clone(), name, plan.chart.as_str())
            .namespace(NAMESPACE)
            .values(values(ground, cluster, &operator, plan));
        // A chart at hand is of whatever version it is.
        if ChartSource::of(&plan.chart, plan.repository.is_some()) != ChartSource::Local {
            args = args.version(plan.version.as_str());
        }
        if let Some(repository) = &plan.repository {
            args = args.repository(repository.as_str());
        }
        let release = ground.pulumi.create::<Release>(
            &resource,
            args,
            cluster.within(ground).depends_on_all(operator.made.iter().cloned()),
        );
        Installed { operator, release }
    }

    /// What must stand while pods have a network.
    pub fn at_work(&self) -> Dependency {
        Dependency::from(&self.gate)
    }
}

impl Installed {
    /// What nodes come after: Cilium's objects, not its being ready.
    pub fn applied(&self) -> Dependency {
        Dependency::from(&self.release)
    }

    /// The gate: Cilium runs on every node, and the nodes take pods.
    pub fn ready(self, ground: &Ground, cluster: &Cluster, nodes: &Nodes) -> Cilium {
        let workload = |name: &str| WorkloadNameArgs::new(NAMESPACE, name);
        let conditions = [
            GateConditionArgs::new().daemon_set(workload("cilium")),
            GateConditionArgs::new().deployment(workload("cilium-operator")),
            GateConditionArgs::new().nodes(
                NodesConditionArgs::new()
                    .minimum(u32::from(nodes.minimum))
                    .without_taint(NOT_READY),
            ),
        ];
        let gate = ground.pulumi.create::<Gate>(
            &ground.in_cluster("cilium-ready"),
            GateArgs::new(cluster.connection.clone(), conditions)
                .triggers([("release", self.release.manifest_digest.cast::<String>())]),
            cluster.within(ground).depends_on(nodes.made()),
        );
        Cilium {
            operator: self.operator,
            gate,
        }
    }
}

/// The chart's values, the user's laid over ours.
fn values(ground: &Ground, cluster: &Cluster, operator: &PodRole, plan: &CiliumPlan) -> Output<Json> {
    let ours = Values {
        masquerade_interfaces: (ground.preset == Preset::Demo).then(|| "eth0".to_owned()),
        images: ground.registry.as_ref().map(|registry| Images::of(registry.of(CILIUM))),
        ..Values::of(&ground.cluster, plan)
    };
    let users = Json::Object(plan.values.clone().into_iter().collect());
    let endpoint: Output<String> = cluster.resource.endpoint.cast();
    let role = match &operator.annotation {
        Some(role) => role.cast::<Option<String>>(),
        None => Output::known(None),
    };
    endpoint
        .zip(&role)
        .map_parts(move |(endpoint, role): (String, Option<String>)| {
            merged(ours.json(&endpoint, role.as_deref()), users)
        })
}
