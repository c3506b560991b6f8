//! The hand-over of a cluster to Flux.

use std::collections::BTreeMap;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{BootstrapId, bootstrap_check::check};
use crate::{Example, kubernetes::Connection};

/// The hand-over of a cluster to Flux: `flux bootstrap`, run once by a Job in the cluster.
///
/// The Job runs in a namespace of its own, restricted, with a deadline. Its Secret and its service account belong to it, and
/// go when it goes, even if nobody is there to see to it; so do the rights over the whole cluster, which are only bound to
/// that account, and are deleted with the namespace once the Job is done. A `ConfigMap` in Flux' namespace,
/// `groundwork-flux-bootstrap`, keeps what was done, so that nothing is done again when the Job is gone. Whatever changes
/// what Flux follows, the token as well, runs it again; `flux bootstrap` may run any number of times.
///
/// Its deletion suspends Flux, so that it makes nothing anew while the platform goes; what Flux made, the repository and its
/// deploy key stay. It succeeds when the cluster is gone already.
/// Source: Flux documentation, "Flux bootstrap" and `flux bootstrap github`, `gitlab`, `git` (2.9).
#[resource("groundwork:flux:Bootstrap", BootstrapId, example = example, check = check)]
pub struct Bootstrap;

/// What Flux follows, and how the Job runs.
#[shape]
pub struct BootstrapInputs {
    /// The cluster's API.
    pub connection: Connection,
    /// Where the repository is.
    #[default(GitProvider::Github)]
    pub provider: GitProvider,
    /// Who owns it (GitHub, GitLab): a user, an organization or a group.
    pub owner: Option<String>,
    /// Its name (GitHub, GitLab).
    pub repository: Option<String>,
    /// Its address (any Git server): `https://…` or `ssh://…`.
    pub url: Option<String>,
    /// The host of GitHub Enterprise or of a GitLab of one's own; the public one when absent.
    pub hostname: Option<String>,
    /// The branch.
    #[default("main".to_owned())]
    pub branch: String,
    /// The folder in the repository that the cluster follows, such as `./clusters/platform`.
    pub path: String,
    /// Whether a repository that does not exist yet is made private (GitHub, GitLab).
    #[default(true)]
    pub private: bool,
    /// Whether the owner is a person (GitHub, GitLab).
    #[default(false)]
    pub personal: bool,
    /// Whether Flux goes on with the token instead of a deploy key (GitHub, GitLab).
    #[default(false)]
    pub token_auth: bool,
    /// What the repository is reached with over HTTPS. It stands in the Job's Secret alone.
    #[secret]
    #[create_only]
    pub token: Option<String>,
    /// The user that the token belongs to (any Git server); `git` when absent.
    pub username: Option<String>,
    /// The private key, in PEM, that the repository is reached with over SSH. It stands in the Job's Secret alone.
    #[secret]
    #[create_only]
    pub ssh_key: Option<String>,
    /// What the private key is encrypted with, if it is.
    #[secret]
    #[create_only]
    pub ssh_key_passphrase: Option<String>,
    /// The controllers; Flux' own four when absent.
    pub components: Option<Vec<String>>,
    /// Flux' version, such as `2.9.4`; that of the image when absent.
    pub version: Option<String>,
    /// A registry for the controllers' images instead of Flux' own, such as `registry.example.com/fluxcd`.
    pub registry: Option<String>,
    /// How often Flux looks at the repository; each minute when absent.
    pub interval: Option<String>,
    /// Whether Flux' namespace refuses traffic from other namespaces.
    #[default(true)]
    pub network_policy: bool,
    /// The namespace of Flux.
    #[immutable]
    #[default("flux-system".to_owned())]
    pub flux_namespace: String,
    /// The Secret that Flux keeps its access to the repository in.
    #[default("flux-system".to_owned())]
    pub secret_name: String,
    /// The image of Flux' command line, best with its digest: `ghcr.io/fluxcd/flux-cli:v2.9.4@sha256:…`.
    pub image: String,
    /// The Job's own namespace, which is made for it and deleted after it. On Fargate a profile has to select it.
    #[default("flux-bootstrap".to_owned())]
    pub namespace: String,
    /// How many seconds the Job has, all its tries together.
    #[default(600)]
    pub deadline_seconds: u32,
    /// Which nodes its pod may run on.
    pub node_selector: Option<BTreeMap<String, String>>,
    /// Which taints its pod bears.
    pub tolerations: Option<Vec<Toleration>>,
}

/// Where a Git repository is.
#[shape]
pub enum GitProvider {
    /// On GitHub.
    Github,
    /// On GitLab.
    Gitlab,
    /// On any Git server.
    Git,
}

/// A taint that a pod bears. Source: Kubernetes API Reference, `Toleration`.
#[shape]
pub struct Toleration {
    /// The taint's key; every one when absent.
    pub key: Option<String>,
    /// `Equal` or `Exists`.
    pub operator: Option<String>,
    /// The taint's value, for `Equal`.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; each of them when absent.
    pub effect: Option<String>,
}

/// How far it is.
#[shape]
pub enum Stage {
    /// The Job has to be made.
    Open,
    /// The Job runs.
    Running,
    /// The Job is done, and what it needed is still there.
    Completed,
    /// The Job gave up.
    Failed,
    /// What the Job needed goes.
    Leaving,
    /// Flux follows the repository.
    Done,
}

/// What became of it.
#[shape(outputs)]
pub struct BootstrapOutputs {
    /// How far it is.
    pub stage: Stage,
    /// What the Job's pod says of itself while it runs.
    pub detail: Option<String>,
    /// When the Job was done, such as `2026-11-25T10:00:00Z`.
    pub completed_at: Option<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "connection": {
                "endpoint": "$groundwork:eks:Cluster.endpoint",
                "certificateAuthority": "$groundwork:eks:Cluster.certificateAuthority",
                "clusterName": "$groundwork:eks:Cluster",
            },
            "owner": "example",
            "repository": "platform",
            "path": "./clusters/example",
            "token": "an-example-and-no-token",
            "image": "ghcr.io/fluxcd/flux-cli:v2.9.4",
        }),
        update: json!({"path": "./clusters/changed"}),
        ..Example::default()
    }
}
