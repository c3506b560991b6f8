//! Where images come from, decided.

use std::collections::BTreeMap;

use groundwork_contract::Failure;
use groundwork_wire::PropertyPath;

use crate::settings::ImageSettings;

/// The registry of Cilium's images.
pub const CILIUM: &str = "quay.io";
/// The registry of Flux' images.
pub const FLUX: &str = "ghcr.io";

/// Registries that no VPC endpoint reaches.
const PUBLIC: [&str; 6] = [
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry.k8s.io",
];

/// A registry that is reached without the internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    base: String,
    prefixes: BTreeMap<String, String>,
}

impl Registry {
    /// Where the images are that a public registry has: what follows the origin's name is the same here and there.
    pub fn of(&self, origin: &str) -> String {
        match self.prefixes.get(origin) {
            Some(prefix) => format!("{}/{prefix}", self.base),
            None => self.base.clone(),
        }
    }

    /// The public registry that it is, if it is one.
    pub(super) fn public(&self) -> Option<&'static str> {
        super::among(self.base.split('/').next().unwrap_or_default(), &PUBLIC)
    }
}

pub(super) fn plan_images(settings: Option<ImageSettings>, failures: &mut Vec<Failure>) -> Option<Registry> {
    let ImageSettings { registry, prefixes } = settings?;
    let path = PropertyPath::root().key("images").key("prefixes");
    let prefixes = prefixes.unwrap_or_default();
    for origin in prefixes
        .keys()
        .filter(|origin| ![CILIUM, FLUX].contains(&origin.as_str()))
    {
        failures.push(Failure::new(
            path.key(origin),
            format!("the platform pulls nothing from there; it pulls from {CILIUM} and {FLUX}"),
        ));
    }
    if registry.is_none() && !prefixes.is_empty() {
        failures.push(Failure::new(
            path,
            "are those of a registry, and none is given; give `images.registry`, or leave them out",
        ));
    }
    let trimmed = |text: &str| text.trim_matches('/').to_owned();
    Some(Registry {
        base: trimmed(&registry?),
        prefixes: prefixes
            .iter()
            .map(|(origin, prefix)| (origin.clone(), trimmed(prefix)))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_origin_has_its_prefix_or_none() {
        let registry = |prefixes: &[(&str, &str)]| Registry {
            base: "mirror.example.com".to_owned(),
            prefixes: prefixes
                .iter()
                .map(|(origin, prefix)| ((*origin).to_owned(), (*prefix).to_owned()))
                .collect(),
        };
        let cache = registry(&[(CILIUM, "quay"), (FLUX, "ghcr")]);
        assert_eq!(cache.of(CILIUM), "mirror.example.com/quay");
        assert_eq!(cache.of(FLUX), "mirror.example.com/ghcr");
        assert_eq!(registry(&[]).of(FLUX), "mirror.example.com");
    }
}
