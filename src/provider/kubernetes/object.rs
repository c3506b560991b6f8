//! An object of a cluster by its name, and what is told of one.

use groundwork_contract::kubernetes::{Connection, ObjectId};
use serde_json::{Value as Json, json};

use super::{Cluster, KubernetesFault};
use crate::error::{Error, Kind, Result};

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl Object {
    /// The one that a manifest is of.
    pub(crate) fn of(manifest: &Json) -> Result<Self> {
        let text = |pointer: &str| manifest.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let need = |pointer: &str| {
            text(pointer)
                .ok_or_else(|| Error::Invalid(format!("the manifest has no {}", pointer.trim_start_matches('/'))))
        };
        Ok(Self {
            api_version: need("/apiVersion")?,
            kind: need("/kind")?,
            namespace: text("/metadata/namespace"),
            name: need("/metadata/name")?,
        })
    }

    /// The one that an id names.
    pub(crate) fn named(id: &ObjectId) -> Self {
        Self {
            api_version: id.api_version().to_owned(),
            kind: id.kind().to_owned(),
            namespace: id.namespace().map(str::to_owned),
            name: id.name().to_owned(),
        }
    }

    /// Its path; `None` when the cluster has no such kind.
    pub(crate) async fn path(&self, cluster: &Cluster<'_>) -> Result<Option<String>> {
        cluster
            .path(
                &self.api_version,
                &self.kind,
                self.namespace.as_deref(),
                Some(&self.name),
            )
            .await
    }

    /// Its path; an error that passes once the kind's definition is there.
    pub(crate) async fn expected(&self, cluster: &Cluster<'_>) -> Result<String> {
        self.path(cluster).await?.ok_or_else(|| {
            Error::Kubernetes(Box::new(KubernetesFault {
                cluster: cluster.name().to_owned(),
                request: "GET /apis".to_owned(),
                code: 404,
                reason: "NotFound".to_owned(),
                message: format!("the cluster has no kind {} in {} (yet)", self.kind, self.api_version),
                kind: Kind::NotYet,
                advice: Some(
                    "let this depend on what brings its definition (a CustomResourceDefinition), or mend apiVersion and kind"
                        .to_owned(),
                ),
            }))
        })
    }

    /// As it is; `None` when it is not there, or the cluster has no such kind.
    pub(crate) async fn live(&self, cluster: &Cluster<'_>) -> Result<Option<Json>> {
        match self.path(cluster).await? {
            Some(path) => cluster.get(&path).await,
            None => Ok(None),
        }
    }

    /// Its id.
    pub(crate) async fn id(&self, cluster: &Cluster<'_>, connection: &Connection) -> Result<ObjectId> {
        let namespaced = cluster
            .served(&self.api_version, &self.kind)
            .await?
            .is_some_and(|served| served.namespaced);
        let namespace = match &self.namespace {
            _ if !namespaced => "-",
            Some(namespace) => namespace,
            None => "default",
        };
        let Self {
            api_version,
            kind,
            name,
            ..
        } = self;
        format!("{}/{api_version}/{kind}/{namespace}/{name}", connection.cluster_name)
            .parse()
            .map_err(|error| Error::Invalid(format!("{error}")))
    }

    /// What every manifest of it begins with.
    pub(crate) fn bare(&self) -> Json {
        let mut metadata = json!({"name": self.name});
        if let (Some(namespace), Some(metadata)) = (&self.namespace, metadata.as_object_mut()) {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        json!({"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata})
    }
}

/// The content type of a server-side apply. JSON is YAML.
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// Applies a manifest as a manager.
pub(crate) async fn apply(
    cluster: &Cluster<'_>,
    object: &Object,
    manager: &str,
    force: bool,
    manifest: &Json,
) -> Result<Json> {
    let path = object.expected(cluster).await?;
    let query = format!("{path}?fieldManager={}&force={force}", encoded(manager));
    cluster.patch(&query, APPLY, manifest).await.map_err(|error| match error {
        Error::Kubernetes(mut fault) if fault.code == 403 && fault.kind == Kind::Denied => {
            // What an access entry allows takes some seconds to be known everywhere.
            fault.kind = Kind::NotYet;
            fault.advice = Some(
                "allow it to the caller (an access policy of its access entry, or RBAC), then run the same command again"
                    .to_owned(),
            );
            Error::Kubernetes(fault)
        }
        Error::Kubernetes(mut fault) if fault.code == 422 && fault.message.contains("immutable") => {
            fault.advice = Some(
                "what cannot change needs another object: give it another name, or replace it (`pulumi up --replace <urn>`)"
                    .to_owned(),
            );
            Error::Kubernetes(fault)
        }
        other => other,
    })
}

/// For a query: what is no letter, digit, `-`, `.`, `_` or `~` by its bytes. Source: RFC 3986, 2.3.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// The words at a path in an object; empty where there are none.
pub(crate) fn text<'a>(object: &'a Json, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// The items of a list in an object.
pub(crate) fn items<'a>(object: &'a Json, pointer: &str) -> &'a [Json] {
    object
        .pointer(pointer)
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A number in an object; 0 where there is none.
pub(crate) fn number(object: &Json, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Json::as_i64).unwrap_or_default()
}
