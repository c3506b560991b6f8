//! What a hand-over to Flux is known by.

use crate::text_type;

text_type!(
    /// A hand-over to Flux: `<cluster>/<Flux' namespace>`.
    BootstrapId, "the id of a hand-over to Flux", "platform/flux-system", |text| {
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [cluster, namespace] if !cluster.is_empty() && is_label(namespace) => Ok(text.to_owned()),
            _ => Err("expected the cluster's name, a slash and Flux' namespace".to_owned()),
        }
    }
);

impl BootstrapId {
    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        self.as_str().split_once('/').map_or("", |(cluster, _)| cluster)
    }

    /// Flux' namespace.
    pub fn namespace(&self) -> &str {
        self.as_str().split_once('/').map_or("", |(_, namespace)| namespace)
    }
}

/// Whether a text is the name of a namespace. Source: RFC 1123; Kubernetes documentation, "Object Names and IDs".
pub(super) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_cluster_and_a_namespace() {
        let id: BootstrapId = "platform/flux-system".parse().unwrap();
        assert_eq!((id.cluster(), id.namespace()), ("platform", "flux-system"));
        for wrong in ["", "platform", "/flux-system", "a/b/c", "a/Flux"] {
            assert!(wrong.parse::<BootstrapId>().is_err(), "{wrong}");
        }
    }
}
