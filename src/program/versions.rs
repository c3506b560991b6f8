//! Which versions a platform is made of where its settings name none: one dated file, `versions.json`.

use groundwork_contract::eks::KubernetesVersion;
use serde::Deserialize;

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Versions {
    /// The day on which the file was true.
    pub as_of: String,
    /// Where that stood.
    pub sources: Vec<String>,
    /// Kubernetes, as EKS offers it.
    pub kubernetes: Kubernetes,
    /// Cilium's chart.
    pub cilium: Cilium,
    /// Karpenter, which Flux brings.
    pub karpenter: Karpenter,
    /// Flux.
    pub flux: Flux,
}

/// Kubernetes, as EKS offers it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubernetes {
    /// The version of a new platform.
    pub default: KubernetesVersion,
    /// The versions in standard support, the newest first.
    pub standard: Vec<Supported>,
    /// The versions in extended support, the newest first.
    pub extended: Vec<KubernetesVersion>,
    /// What extended support costs beyond standard support, in dollars a month.
    pub extended_dollars_per_month: u32,
}

/// A version in standard support.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supported {
    /// The version.
    pub version: KubernetesVersion,
    /// The last day of its standard support.
    pub until: String,
}

/// Cilium's chart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cilium {
    /// The chart's version.
    pub version: String,
    /// Its repository.
    pub repository: String,
    /// Its name there.
    pub chart: String,
    /// The oldest minor version whose chart takes the platform's values.
    pub oldest: KubernetesVersion,
}

/// Karpenter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Karpenter {
    /// The chart's version, which its IAM policies are of.
    pub version: String,
}

/// Flux.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flux {
    /// The version of its command line and its controllers.
    pub version: String,
    /// The image of its command line.
    pub image: String,
    /// The digest of that image at that version, as its registry tells it (`sha256:…`). Absent until somebody has looked
    /// it up; the image then goes by its tag, with a warning.
    pub digest: Option<String>,
    /// The oldest Kubernetes that it runs on.
    pub oldest_kubernetes: KubernetesVersion,
}

impl Versions {
    /// The file that this release was built with.
    ///
    /// # Errors
    /// The file is malformed, which a test rules out.
    pub fn of_this_release() -> serde_json::Result<Self> {
        serde_json::from_str(include_str!("versions.json"))
    }
}

impl Flux {
    /// The image of a version: with its digest where that is known.
    pub fn image(&self, version: &str) -> String {
        let tag = format!("{}:v{version}", self.image);
        match &self.digest {
            Some(digest) if version == self.version => format!("{tag}@{digest}"),
            _ => tag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_consistent() {
        let versions = Versions::of_this_release().unwrap();
        let Kubernetes {
            default,
            standard,
            extended,
            ..
        } = &versions.kubernetes;
        assert!(standard.iter().any(|supported| supported.version == *default));
        let all: Vec<_> = standard
            .iter()
            .map(|supported| &supported.version)
            .chain(extended)
            .collect();
        assert!(all.windows(2).all(|pair| pair[0].minor() > pair[1].minor()), "{all:?}");
        let day = |text: &str| text.len() == 10 && text.split('-').all(|part| part.parse::<u16>().is_ok());
        assert!(day(&versions.as_of) && standard.iter().all(|supported| day(&supported.until)));
    }

    #[test]
    fn a_digest_is_of_its_own_version_alone() {
        let flux = Flux {
            version: "2.9.4".to_owned(),
            image: "ghcr.io/fluxcd/flux-cli".to_owned(),
            digest: Some("sha256:00".to_owned()),
            oldest_kubernetes: "1.33".parse().unwrap(),
        };
        assert_eq!(flux.image("2.9.4"), "ghcr.io/fluxcd/flux-cli:v2.9.4@sha256:00");
        assert_eq!(flux.image("2.8.0"), "ghcr.io/fluxcd/flux-cli:v2.8.0");
    }
}
