//! Kubernetes: objects of a cluster. One file a noun, as in `contract/kubernetes`.

mod connect;
mod fault;
mod fields;
mod gate;
mod manifest;
mod object;
mod patch;
mod readiness;
pub mod token;

use groundwork_contract::kubernetes::Connection;

use crate::{cx::Cx, error::Result};

pub(crate) use connect::{Cluster, Sessions, kubeconfig, out_of_reach};
pub(crate) use fault::KubernetesFault;
pub(crate) use object::{items, text};

/// The connection to a cluster that is known by its name alone, as at an import; `None` when there is no such cluster.
///
/// # Errors
/// EKS did not say.
pub(crate) async fn described(cx: &Cx, cluster: &str) -> Result<Option<Connection>> {
    let cluster = crate::eks::describe(cx, cluster).await?;
    cluster.as_ref().map(manifest::connection).transpose()
}
