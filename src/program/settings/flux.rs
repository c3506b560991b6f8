//! What a user may say about the hand-over to Flux.

use groundwork_contract::{
    flux::GitProvider,
    shape::{Shape, Spec},
};
use groundwork_contract_derive::shape;
use serde::{Deserialize, Serialize};

/// The hand-over to Flux: from then on the cluster follows a Git repository.
#[shape(settings)]
pub struct FluxSettings {
    /// Where the repository is. Default `github`.
    pub provider: Option<GitProvider>,
    /// Who owns it (GitHub, GitLab): a user, an organization or a group.
    pub owner: Option<String>,
    /// Its name (GitHub, GitLab).
    pub repository: Option<String>,
    /// Its address (any Git server): `https://…` or `ssh://…`.
    pub url: Option<String>,
    /// The host of GitHub Enterprise or of a GitLab of one's own. Default `git.host`, else the public one.
    pub hostname: Option<String>,
    /// The branch. Default `main`.
    pub branch: Option<String>,
    /// The folder in it that the cluster follows. Default `./clusters/` and the platform's name.
    pub path: Option<String>,
    /// The token that the repository is reached with; give it by `pulumi config set --secret`.
    #[secret]
    pub token: Option<SecretText>,
    /// The private SSH key, in PEM; give it by `pulumi config set --secret`.
    #[secret]
    pub ssh_key: Option<SecretText>,
    /// What `sshKey` is encrypted with, if it is; give it by `pulumi config set --secret`.
    #[secret]
    pub ssh_key_passphrase: Option<SecretText>,
    /// The user of `token` (any Git server). Default `git`.
    pub username: Option<String>,
    /// Whether a repository that does not exist yet is made private. Default true; false in preset `demo`.
    pub private: Option<bool>,
    /// Whether `owner` is a person rather than an organization. Default false; true in preset `demo`.
    pub personal: Option<bool>,
    /// Whether Flux goes on with `token` instead of a deploy key. Default false.
    pub token_auth: Option<bool>,
    /// Flux' controllers. Default its own four.
    pub components: Option<Vec<String>>,
    /// Flux' version. Default: the one that this release was tested with.
    pub version: Option<String>,
    /// The image of Flux' command line, with its digest: `ghcr.io/fluxcd/flux-cli:v2.9.4@sha256:…`. Default: the one of
    /// `version`, by its digest where this release knows it; by its tag, with a warning, at another version, from
    /// `images.registry`, and in preset `demo`.
    pub image: Option<String>,
    /// How often Flux looks at the repository. Default `1m`.
    pub interval: Option<String>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// It, as a secret output.
    pub fn output(&self) -> groundwork_contract::Output<String> {
        groundwork_contract::Output::secret(self.0.clone())
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl Shape for SecretText {
    fn spec() -> Spec {
        String::spec()
    }
}
