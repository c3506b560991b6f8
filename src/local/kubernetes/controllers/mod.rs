//! What AWS and the machines of a cluster do to its Kubernetes: nodes, Fargate, addons, the CNI, Flux' bootstrap.

use kube::Client;

use super::eks::Eks;

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
/// cluster goes, and everything that it has started must go with it (a `JoinSet`, no detached task).
pub(crate) async fn run(cluster: ClusterHandle) {
    let ClusterHandle {
        name,
        account,
        region,
        client,
        eks,
    } = cluster;
    let _held = (name, account, region, client, eks);
    std::future::pending::<()>().await;
}
