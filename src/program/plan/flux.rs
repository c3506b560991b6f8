//! The hand-over's part of the plan.

use groundwork_contract::{Failure, eks::KubernetesVersion, flux::GitProvider};
use groundwork_wire::PropertyPath;

use super::images::{FLUX, Registry};
use crate::{
    settings::{FluxSettings, PlatformName, Preset, SecretText},
    versions::Flux,
};

/// The branch that the cluster follows where none is named, which is Flux' own choice as well.
pub const DEFAULT_BRANCH: &str = "main";

/// The hand-over to Flux, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct FluxPlan {
    /// Where the repository is.
    pub source: Source,
    /// The branch.
    pub branch: String,
    /// The folder that the cluster follows.
    pub path: String,
    /// Flux' controllers; its own choice where none are named.
    pub components: Option<Vec<String>>,
    /// Flux' version.
    pub version: String,
    /// The image of its command line.
    pub image: String,
    /// A registry for the controllers' images, instead of Flux' own.
    pub registry: Option<String>,
    /// How often it looks at the repository.
    pub interval: Option<String>,
    /// What it reaches the repository with.
    pub token: Option<SecretText>,
    /// What it reaches the repository with, by SSH.
    pub ssh_key: Option<SecretText>,
    /// What that is encrypted with.
    pub ssh_key_passphrase: Option<SecretText>,
}

impl FluxPlan {
    /// The token of the Job in the form of the shown architectures, if that is the one: for GitHub, in preset `demo`.
    pub fn as_shown(&self, preset: Preset) -> Option<&SecretText> {
        match &self.source {
            Source::Hosted {
                provider: GitProvider::Github,
                ..
            } if preset == Preset::Demo => self.token.as_ref(),
            _ => None,
        }
    }
}

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On GitHub or GitLab.
    Hosted {
        /// Which of them.
        provider: GitProvider,
        /// Who owns it.
        owner: String,
        /// Its name.
        repository: String,
        /// The host, if it is not the public one.
        hostname: Option<String>,
        /// Whether it is private, once Flux makes it.
        private: bool,
        /// Whether the owner is a person.
        personal: bool,
        /// Whether Flux goes on with the token.
        token_auth: bool,
    },
    /// On any Git server.
    Git {
        /// Its address.
        url: String,
        /// Who the token belongs to.
        username: Option<String>,
    },
}

fn at(key: &str) -> PropertyPath {
    PropertyPath::root().key("flux").key(key)
}

/// What the hand-over is planned from, beside its settings.
pub(super) struct Around<'a> {
    pub(super) preset: Preset,
    pub(super) name: &'a PlatformName,
    pub(super) kubernetes: &'a KubernetesVersion,
    pub(super) registry: Option<&'a Registry>,
    pub(super) git_host: Option<&'a str>,
    pub(super) known: &'a Flux,
}

/// The host that the hand-over's own settings name, and by which of them.
pub(super) fn host_of(settings: &FluxSettings) -> Option<(&'static str, &str)> {
    if let Some(hostname) = &settings.hostname {
        return Some(("hostname", without_port(hostname)));
    }
    let (_, rest) = settings.url.as_ref()?.split_once("://")?;
    let authority = rest.split('/').next()?;
    Some(("url", without_port(authority.rsplit('@').next()?)))
}

fn without_port(host: &str) -> &str {
    host.split(':').next().unwrap_or(host)
}

pub(super) fn plan_flux(settings: FluxSettings, around: &Around<'_>, failures: &mut Vec<Failure>) -> Option<FluxPlan> {
    if let Some((key, host)) = host_of(&settings)
        && let Some(other) = around.git_host.filter(|other| without_port(other) != host)
    {
        failures.push(Failure::new(
            at(key),
            format!("goes to {host}, but `git.host` is {other}; name the same host, or leave one of them out"),
        ));
    }
    let FluxSettings {
        provider,
        owner,
        repository,
        url,
        hostname,
        branch,
        path,
        token,
        ssh_key,
        ssh_key_passphrase,
        username,
        private,
        personal,
        token_auth,
        components,
        version,
        image,
        interval,
    } = settings;
    let Around {
        preset,
        name,
        kubernetes,
        registry,
        git_host,
        known,
    } = around;
    if kubernetes.minor() < known.oldest_kubernetes.minor() {
        failures.push(Failure::at(
            "flux",
            format!(
                "Flux {} needs Kubernetes {} or newer, and `version` is {kubernetes}; take a newer one",
                known.version, known.oldest_kubernetes
            ),
        ));
    }
    let demo = *preset == Preset::Demo;
    let given = |text: &Option<SecretText>| text.as_ref().is_some_and(|text| !text.is_empty());
    let provider = provider.unwrap_or(GitProvider::Github);
    let named = Named {
        owner,
        repository,
        url,
        hostname: match provider {
            GitProvider::Github | GitProvider::Gitlab => hostname.or_else(|| git_host.map(str::to_owned)),
            GitProvider::Git => hostname,
        },
        username,
        private,
        personal,
        token_auth,
        token: given(&token),
        ssh_key: given(&ssh_key),
    };
    let source = match provider {
        GitProvider::Github | GitProvider::Gitlab => named.hosted(provider, demo, failures)?,
        GitProvider::Git => named.anywhere(failures)?,
    };
    let version = version.unwrap_or_else(|| known.version.clone());
    let version = version.trim_start_matches('v').to_owned();
    let image = image.unwrap_or_else(|| match registry {
        Some(registry) => format!("{}/fluxcd/flux-cli:v{version}", registry.of(FLUX)),
        None if demo => known.tagged(&version),
        None => known.image(&version),
    });
    Some(FluxPlan {
        source,
        branch: branch.unwrap_or_else(|| DEFAULT_BRANCH.to_owned()),
        path: path.unwrap_or_else(|| format!("./clusters/{name}")),
        components,
        image,
        version,
        registry: registry.map(|registry| format!("{}/fluxcd", registry.of(FLUX))),
        interval,
        token,
        ssh_key,
        ssh_key_passphrase,
    })
}

/// Where the repository is, as the settings name it.
struct Named {
    owner: Option<String>,
    repository: Option<String>,
    url: Option<String>,
    hostname: Option<String>,
    username: Option<String>,
    private: Option<bool>,
    personal: Option<bool>,
    token_auth: Option<bool>,
    token: bool,
    ssh_key: bool,
}

impl Named {
    fn hosted(self, provider: GitProvider, demo: bool, failures: &mut Vec<Failure>) -> Option<Source> {
        for (key, given, instead) in [
            ("url", self.url.is_some(), "give `owner` and `repository`"),
            ("sshKey", self.ssh_key, "give `token`"),
            ("username", self.username.is_some(), "`token` says it"),
        ] {
            if given {
                failures.push(Failure::new(
                    at(key),
                    format!("is for `provider: git`; for GitHub and GitLab {instead}"),
                ));
            }
        }
        if !self.token {
            failures.push(Failure::new(
                at("token"),
                "is required: what the repository is reached with; `pulumi config set --secret --path \
                 platform:flux.token` sets it",
            ));
        }
        let mut required = |key: &str, text: Option<String>| {
            let text = text.filter(|text| !text.trim().is_empty());
            if text.is_none() {
                failures.push(Failure::new(at(key), format!("is required for {provider}")));
            }
            text
        };
        let (owner, repository) = (required("owner", self.owner), required("repository", self.repository));
        Some(Source::Hosted {
            provider,
            owner: owner?,
            repository: repository?,
            hostname: self.hostname,
            private: self.private.unwrap_or(!demo),
            personal: self.personal.unwrap_or(demo),
            token_auth: self.token_auth.unwrap_or(false),
        })
    }

    fn anywhere(self, failures: &mut Vec<Failure>) -> Option<Source> {
        for (key, given) in [
            ("owner", self.owner.is_some()),
            ("repository", self.repository.is_some()),
            ("private", self.private.is_some()),
            ("personal", self.personal.is_some()),
            ("tokenAuth", self.token_auth.is_some()),
            ("hostname", self.hostname.is_some()),
        ] {
            if given {
                failures.push(Failure::new(
                    at(key),
                    "is for GitHub and GitLab; here `url` says it all, so leave it out",
                ));
            }
        }
        let Some(url) = self.url else {
            failures.push(Failure::new(at("url"), "is required for git: the repository's address"));
            return None;
        };
        failures.extend(check_url(&url, self.token, self.ssh_key));
        Some(Source::Git {
            url,
            username: self.username,
        })
    }
}

fn check_url(url: &str, token: bool, ssh_key: bool) -> Option<Failure> {
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("ssh") if ssh_key => None,
        Some("ssh") => Some(Failure::new(
            at("sshKey"),
            "is required: `url` is reached by SSH; `pulumi config set --secret --path platform:flux.sshKey` sets it",
        )),
        Some("https" | "http") if token => None,
        Some("https" | "http") => Some(Failure::new(
            at("token"),
            "is required: `url` is reached by HTTPS; `pulumi config set --secret --path platform:flux.token` sets it",
        )),
        _ => Some(Failure::new(
            at("url"),
            format!("{url:?} is no address of a repository; expected https://… or ssh://…"),
        )),
    }
}
