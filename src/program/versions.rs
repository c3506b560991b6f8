//! Which versions a platform is made of where its settings name none: one dated file, `versions.json`.

use groundwork_contract::eks::KubernetesVersion;
use jiff::civil::Date;
use serde::Deserialize;

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Versions {
    /// The day on which the file was true.
    pub as_of: Date,
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
    pub until: Date,
}

/// How many days before the end of standard support it is time to move on: two minor versions are two changes of a cluster
/// and of all its nodes, and what runs on them may have to change first.
const NOTICE: i32 = 60;

impl Kubernetes {
    /// The last day of a version's standard support and how many days are left, once they are few; negative when it is over.
    pub fn ending(&self, version: &KubernetesVersion, today: Date) -> Option<(Date, i32)> {
        let until = self
            .standard
            .iter()
            .find(|supported| supported.version == *version)?
            .until;
        let left = (until - today).get_days();
        (left <= NOTICE).then_some((until, left))
    }
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
    /// The digest of that image at that version (`sha256:…`), of the list of all its architectures.
    pub digest: String,
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
    /// The image of a version, by its tag.
    pub fn tagged(&self, version: &str) -> String {
        format!("{}:v{version}", self.image)
    }

    /// The image of a version: with its digest where that is known.
    pub fn image(&self, version: &str) -> String {
        let tag = self.tagged(version);
        if version == self.version {
            format!("{tag}@{}", self.digest)
        } else {
            tag
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

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
        assert!(standard.iter().all(|supported| supported.until > versions.as_of));
    }

    #[test]
    fn the_end_of_standard_support_is_told_in_time() {
        let kubernetes = Versions::of_this_release().unwrap().kubernetes;
        let ending = |version: &str, today: Date| kubernetes.ending(&version.parse().unwrap(), today);
        let until = date(2026, 12, 2);
        assert_eq!(ending("1.34", date(2026, 11, 28)), Some((until, 4)));
        assert_eq!(ending("1.34", date(2026, 12, 3)), Some((until, -1)));
        assert_eq!(ending("1.34", date(2026, 9, 1)), None);
        assert_eq!(ending("1.35", date(2026, 11, 28)), None);
        assert_eq!(ending("1.99", date(2036, 1, 1)), None, "EKS' to judge");
    }

    #[test]
    fn a_digest_is_of_its_own_version_alone() {
        let flux = Flux {
            version: "2.9.4".to_owned(),
            image: "ghcr.io/fluxcd/flux-cli".to_owned(),
            digest: "sha256:00".to_owned(),
            oldest_kubernetes: "1.33".parse().unwrap(),
        };
        assert_eq!(flux.image("2.9.4"), "ghcr.io/fluxcd/flux-cli:v2.9.4@sha256:00");
        assert_eq!(flux.image("2.8.0"), "ghcr.io/fluxcd/flux-cli:v2.8.0");
    }
}
