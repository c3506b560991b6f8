//! Kubernetes beside the local AWS: a control plane for each EKS cluster, born with it and gone with it.
//!
//! A [`supervisor`] looks at the local AWS and keeps, for each cluster that is wanted, the processes of a
//! [`control_plane`] with keys of its own ([`pki`]). Its API servers ask a [`webhook`] who is behind an EKS [`token`], and
//! it answers by the cluster's [`access`] entries. What plays the machines is in [`controllers`].

mod access;
mod control_plane;
pub(crate) mod controllers;
pub(crate) mod eks;
pub(crate) mod objects;
mod pki;
pub(crate) mod supervisor;
mod token;
mod webhook;

use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::cloud::ACCOUNT;
use crate::{Error, Result};
use eks::ClusterView;

/// The folder in the state folder with one for each control plane.
const FOLDER: &str = "kubernetes";
/// A control plane's kubeconfig of an administrator.
const KUBECONFIG: &str = "admin.kubeconfig";
/// The file in the state folder that tells where the webhook listens: the supervisor is at work.
pub(crate) const PORT_FILE: &str = "kubernetes.port";

/// What a cluster's processes and folder are called: `demo.eu-central-1`. Names of clusters have no dot.
fn slot(view: &ClusterView) -> String {
    let (name, region) = (&view.cluster.name, &view.region);
    if view.account == ACCOUNT {
        format!("{name}.{region}")
    } else {
        format!("{name}.{region}.{}", view.account)
    }
}

/// The administrator's kubeconfig of the cluster with this name, if it has a control plane; the region counts where two have it.
pub(crate) fn kubeconfig(state: &Path, cluster: &str, region: &str) -> Option<PathBuf> {
    let path = state.join(FOLDER).join(slot_of(cluster, region)).join(KUBECONFIG);
    path.is_file().then_some(path)
}

/// What a cluster's processes and folder are called in the account of every credential.
pub(crate) fn slot_of(cluster: &str, region: &str) -> String {
    format!("{cluster}.{region}")
}

/// A client with what a kubeconfig says. The API is on this machine, so no proxy is on the way.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    let failed = |error: &dyn std::fmt::Display| Error::Admin {
        what: format!("lead to a cluster by {}", kubeconfig.display()),
        reason: error.to_string(),
    };
    let document = Kubeconfig::read_from(kubeconfig).map_err(|error| failed(&error))?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(document, &options)
        .await
        .map_err(|error| failed(&error))?;
    config.proxy_url = None;
    Client::try_from(config).map_err(|error| failed(&error))
}
