//! What AWS and the machines of a cluster do to its Kubernetes: nodes, Fargate, addons, the CNI, Flux' bootstrap.
//!
//! One loop, a few times a second: look at AWS and at the cluster, and let each part do what is missing. Nothing that is
//! remembered is needed to go on, so it may be ended and started again at any time.

mod access;
mod addons;
mod balancers;
mod cilium;
mod fargate;
mod flux;
mod groups;
mod logs;
mod nodes;
mod objects;
mod size;
mod user_data;
mod view;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use super::eks::Eks;
use view::{ClusterView, Instance};

/// How often everything is looked at.
const RHYTHM: Duration = Duration::from_millis(300);

/// What became of a part's work. The next pass tries again, so an error is only told.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A cluster whose API answers.
#[derive(Clone)]
pub(crate) struct ClusterHandle {
    /// Its name.
    pub(crate) name: String,
    /// The account that it is in.
    pub(crate) account: String,
    /// The region that it is in.
    pub(crate) region: String,
    /// Its API, as a member of `system:masters`.
    pub(crate) client: Client,
    /// What the local AWS knows of clusters and instances, and is told of them.
    pub(crate) eks: Eks,
}

/// Plays all of it for one cluster, from the moment that its API answers. It never ends by itself: it is dropped when the
/// cluster goes, and everything that it has started goes with it.
pub(crate) async fn run(cluster: ClusterHandle) {
    let ClusterHandle {
        name,
        account,
        region,
        client,
        eks,
    } = cluster;
    let mut troubles = Troubles::new(&name);
    let endpoint = match logs::Endpoint::bind().await {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            troubles.tell("logs", Err(error));
            None
        }
    };
    let it = Cluster {
        kubelet_port: endpoint.as_ref().map(|endpoint| endpoint.port).unwrap_or_default(),
        name,
        account,
        region,
        client: client.clone(),
        eks,
    };
    let serve = async {
        if let Some(endpoint) = endpoint {
            let _ended = endpoint.serve(client).await;
        }
    };
    tokio::join!(serve, play(&it, &mut troubles));
}

async fn play(it: &Cluster, troubles: &mut Troubles) -> Infallible {
    let mut memory = Memory::default();
    let mut ticks = interval(RHYTHM);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let looked = Look::at(it).await;
        match looked {
            Ok(Some(look)) => {
                troubles.tell("look", Ok(()));
                pass(it, &look, &mut memory, troubles).await;
            }
            Ok(None) => {}
            Err(error) => troubles.tell("look", Err(error)),
        }
    }
}

/// What the parts remember from pass to pass.
#[derive(Default)]
struct Memory {
    waiting: groups::Waiting,
    addons: addons::Memory,
    policies: BTreeMap<String, String>,
    flux: flux::Served,
}

async fn pass(it: &Cluster, look: &Look, memory: &mut Memory, troubles: &mut Troubles) {
    let Look {
        view,
        instances,
        seen,
        hazards,
    } = look;
    let is_on = |hazard: &str| hazards.get(hazard) == Some(&true);
    troubles.tell("nodes", nodes::pass(it, view, instances, seen).await);
    troubles.tell(
        "node groups",
        groups::pass(it, view, instances, seen, &mut memory.waiting).await,
    );
    troubles.tell("cilium", cilium::pass(it, instances, seen).await);
    troubles.tell("fargate", fargate::pass(it, view, seen, &mut memory.policies).await);
    troubles.tell("addons", addons::pass(it, view, &mut memory.addons).await);
    let fails = is_on("flux-bootstrap");
    troubles.tell("flux", flux::pass(it, seen, fails, &mut memory.flux).await);
    troubles.tell("load balancers", balancers::pass(it).await);
}

/// A cluster, and where its nodes are asked for logs.
struct Cluster {
    name: String,
    account: String,
    region: String,
    client: Client,
    eks: Eks,
    kubelet_port: u16,
}

impl Cluster {
    fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Tells the local AWS something about the cluster.
    async fn tell(&self, what: &str, document: &Value) -> Outcome {
        let path = self.path(what);
        self.eks.admin.post::<Value>("take the news", &path, document).await?;
        Ok(())
    }

    /// Asks the local AWS for something of the cluster's, which it makes if need be.
    async fn ask<T: DeserializeOwned>(&self, what: &str) -> Outcome<T> {
        Ok(self.eks.admin.post("give", &self.path(what), &json!({})).await?)
    }

    /// Tells the local AWS that something of the cluster's is no more.
    async fn forget(&self, what: &str) -> Outcome {
        Ok(self.eks.admin.delete("forget", &self.path(what)).await?)
    }

    fn path(&self, what: &str) -> String {
        let Self {
            name, account, region, ..
        } = self;
        format!("/clusters/{name}/{what}?account={account}&region={region}")
    }
}

/// Everything that one pass acts on.
struct Look {
    view: ClusterView,
    instances: Vec<Instance>,
    seen: Seen,
    hazards: BTreeMap<String, bool>,
}

impl Look {
    /// Looks at AWS and at the cluster; `None` when AWS has no such cluster any more.
    async fn at(it: &Cluster) -> Outcome<Option<Self>> {
        let admin = &it.eks.admin;
        let clusters: Vec<ClusterView> = admin.get("show its clusters", "/clusters").await?;
        let instances: Vec<Instance> = admin.get("show its instances", "/nodes").await?;
        let hazards = admin.get("show its hazards", "/hazards").await?;
        let ours =
            |name: &str, account: &str, region: &str| name == it.name && account == it.account && region == it.region;
        let found = clusters
            .into_iter()
            .find(|one| ours(&one.cluster.name, &one.account, &one.region));
        let Some(view) = found else { return Ok(None) };
        let instances = instances
            .into_iter()
            .filter(|one| ours(one.cluster.as_deref().unwrap_or_default(), &one.account, &one.region))
            .collect();
        let nodes: Api<Node> = Api::all(it.client.clone());
        let pods: Api<Pod> = Api::all(it.client.clone());
        let every = ListParams::default();
        // Pods first: the node of a pod that is seen is seen too, or is no more.
        let pods = pods.list(&every).await?.items;
        let nodes = nodes.list(&every).await?.items;
        let seen = Seen { nodes, pods };
        Ok(Some(Self {
            view,
            instances,
            seen,
            hazards,
        }))
    }
}

/// Nodes and pods, as they were when a pass began.
struct Seen {
    nodes: Vec<Node>,
    pods: Vec<Pod>,
}

impl Seen {
    /// The node of an instance.
    fn node_of(&self, instance: &str) -> Option<&Node> {
        let is = |node: &&Node| node.annotations().get(nodes::INSTANCE).is_some_and(|id| id == instance);
        self.nodes.iter().find(is)
    }

    fn pods_on<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Pod> {
        let of = |pod: &'a Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        self.pods.iter().filter(move |pod| of(pod) == Some(node))
    }

    /// Whether a Ready pod with this label `k8s-app` is on a node.
    fn runs(&self, app: &str, node: &str) -> bool {
        self.pods_on(node)
            .any(|pod| pod.labels().get("k8s-app").is_some_and(|held| held == app) && is_pod_ready(pod))
    }

    /// Whether a CNI runs on a node.
    fn is_networked(&self, node: &str) -> bool {
        self.runs("cilium", node) || self.runs("aws-node", node)
    }
}

fn is_pod_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .into_iter()
            .any(|one| one.type_ == "Ready" && one.status == "True")
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|one| one.type_ == "Ready" && one.status == "True")
}

/// What went wrong last, part by part, so that it is told once and not at every pass.
struct Troubles {
    cluster: String,
    told: BTreeMap<&'static str, String>,
}

impl Troubles {
    fn new(cluster: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            told: BTreeMap::new(),
        }
    }

    fn tell(&mut self, part: &'static str, outcome: Outcome) {
        match outcome {
            Ok(()) => {
                self.told.remove(part);
            }
            Err(error) => {
                let text = reason(error.as_ref());
                if self.told.get(part) != Some(&text) {
                    // Stderr is the log of the process that this runs in; there is nobody else to tell.
                    let _written = writeln!(std::io::stderr(), "{}: {part}: {text}", self.cluster);
                    self.told.insert(part, text);
                }
            }
        }
    }
}

fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<crate::Error>() {
        Some(error) => format!("{error}: {}", error.because()),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `t4g.medium` of the node group `system`.
    pub(super) fn instance(id: &str) -> Instance {
        serde_json::from_value(json!({
            "id": id,
            "providerId": format!("aws:///eu-central-1a/{id}"),
            "account": "123456789012",
            "region": "eu-central-1",
            "cluster": "demo",
            "zone": "eu-central-1a",
            "instanceType": "t4g.medium",
            "architecture": "arm64",
            "vcpus": 2,
            "memoryMiB": 4096,
            "maxPods": 17,
            "capacityType": "on-demand",
            "privateDnsName": "ip-10-0-0-7.eu-central-1.compute.internal",
            "privateIpAddress": "10.0.0.7",
            "userData": null,
            "role": "arn:aws:iam::123456789012:role/nodes",
            "interfaces": ["Primary network interface"],
            "nodegroup": {
                "name": "system",
                "labels": {"tier": "system"},
                "taints": [{"key": "node.cilium.io/agent-not-ready", "value": "true", "effect": "NO_EXECUTE"}],
                "amiType": "BOTTLEROCKET_ARM_64",
                "capacityType": "ON_DEMAND",
                "imageId": "ami-1",
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_node_is_networked_by_a_ready_pod_of_a_cni() {
        let pod = |app: &str, node: &str, ready: &str| {
            serde_json::from_value(json!({
                "metadata": {"name": app, "labels": {"k8s-app": app}},
                "spec": {"nodeName": node, "containers": []},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap()
        };
        let seen = Seen {
            nodes: Vec::new(),
            pods: vec![
                pod("cilium", "a", "True"),
                pod("aws-node", "b", "False"),
                pod("kube-proxy", "c", "True"),
            ],
        };
        assert_eq!(
            ["a", "b", "c"].map(|node| seen.is_networked(node)),
            [true, false, false]
        );
    }
}
