//! What an object of a cluster is known by.

use crate::text_type;

text_type!(
    /// An object of a cluster: `<cluster>/<apiVersion>/<kind>/<namespace>/<name>`, with `-` for the namespace of an object
    /// that has none.
    ObjectId, "the id of an object of a cluster", "platform/apps/v1/Deployment/kube-system/coredns", |text| {
        match parts(text) {
            Some(parts) if parts.iter().all(|part| !part.is_empty()) => Ok(text.to_owned()),
            _ => Err("expected <cluster>/<apiVersion>/<kind>/<namespace or ->/<name>".to_owned()),
        }
    }
);

/// Cluster, API version, kind, namespace and name.
fn parts(text: &str) -> Option<[&str; 5]> {
    let (cluster, rest) = text.split_once('/')?;
    let (rest, name) = rest.rsplit_once('/')?;
    let (rest, namespace) = rest.rsplit_once('/')?;
    let (version, kind) = rest.rsplit_once('/')?;
    (version.matches('/').count() <= 1).then_some([cluster, version, kind, namespace, name])
}

impl ObjectId {
    fn part(&self, index: usize) -> &str {
        parts(self.as_str())
            .and_then(|parts| parts.get(index).copied())
            .unwrap_or_default()
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        self.part(0)
    }

    /// Group and version, such as `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> &str {
        self.part(1)
    }

    /// The kind, such as `Deployment`.
    pub fn kind(&self) -> &str {
        self.part(2)
    }

    /// The namespace, where it has one.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.part(3)).filter(|namespace| *namespace != "-")
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.part(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_five_parts_and_a_group_may_have_two() {
        let id: ObjectId = "c/apps/v1/Deployment/kube-system/coredns".parse().unwrap();
        assert_eq!(
            (id.cluster(), id.api_version(), id.kind(), id.namespace(), id.name()),
            ("c", "apps/v1", "Deployment", Some("kube-system"), "coredns")
        );
        let id: ObjectId = "c/v1/Namespace/-/flux-system".parse().unwrap();
        assert_eq!((id.api_version(), id.namespace()), ("v1", None));
        for wrong in ["", "c", "c/v1/Namespace/x", "c/a/b/v1/Kind/-/n", "c/v1//-/n"] {
            assert!(wrong.parse::<ObjectId>().is_err(), "{wrong}");
        }
    }
}
