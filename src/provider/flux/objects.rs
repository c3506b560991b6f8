//! The objects of a bootstrap: who owns whom decides what goes with what.
//!
//! Secret and service account are the Job's: when it goes, by its time to live if by nothing else, they go, and with the
//! account every token of it. Kubernetes lets nothing of the whole cluster belong to what is in a namespace, and would
//! collect such a binding at once; so the binding is the namespace's, and goes with that one.

use groundwork_contract::flux::BootstrapInputs;
use serde_json::{Value as Json, json};

use super::{pod::pod, record::Record};
use crate::error::Result;

/// What Job, Secret, service account and container are called.
pub(super) const NAME: &str = "flux-bootstrap";

/// What the marker is called.
pub(super) const MARKER: &str = "groundwork-flux-bootstrap";

/// Who keeps their fields.
pub(super) const MANAGER: &str = "groundwork";

/// The annotation that holds what a Job runs with.
pub(super) const RECORD: &str = "groundwork/record";

/// The label of a namespace that was made for a bootstrap, and is deleted after it.
pub(super) const OURS: &str = "groundwork/flux-bootstrap";

/// Seconds after which a Job that is over goes by itself.
const TIME_TO_LIVE: u32 = 3600;

/// The path of the namespace.
pub(super) fn namespace_path(inputs: &BootstrapInputs) -> String {
    format!("/api/v1/namespaces/{}", inputs.namespace)
}

/// The path of the Job.
pub(super) fn job_path(inputs: &BootstrapInputs) -> String {
    format!("/apis/batch/v1/namespaces/{}/jobs/{NAME}", inputs.namespace)
}

/// The path of the service account.
pub(super) fn account_path(inputs: &BootstrapInputs) -> String {
    format!("{}/serviceaccounts/{NAME}", namespace_path(inputs))
}

/// The path of the Secret.
pub(super) fn secret_path(inputs: &BootstrapInputs) -> String {
    format!("{}/secrets/{NAME}", namespace_path(inputs))
}

/// The path of the binding.
pub(super) fn binding_path(inputs: &BootstrapInputs) -> String {
    format!(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{}",
        binding_name(inputs)
    )
}

/// The path of the marker in Flux' namespace.
pub(super) fn marker_path(flux_namespace: &str) -> String {
    format!("/api/v1/namespaces/{flux_namespace}/configmaps/{MARKER}")
}

fn binding_name(inputs: &BootstrapInputs) -> String {
    format!("groundwork:{}", inputs.namespace)
}

fn labels() -> Json {
    json!({"app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": MANAGER})
}

fn owned_by(api_version: &str, kind: &str, name: &str, uid: &str) -> Json {
    json!([{"apiVersion": api_version, "kind": kind, "name": name, "uid": uid}])
}

/// The namespace: whatever runs in it is restricted. Source: Kubernetes documentation, "Pod Security Admission".
pub(super) fn namespace(inputs: &BootstrapInputs) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": inputs.namespace,
            "labels": {
                "app.kubernetes.io/name": NAME,
                "app.kubernetes.io/managed-by": MANAGER,
                OURS: inputs.flux_namespace,
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    })
}

/// The Job, which waits until what it owns is there.
pub(super) fn job(inputs: &BootstrapInputs, record: &Record) -> Result<Json> {
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": NAME,
            "namespace": inputs.namespace,
            "labels": labels(),
            "annotations": {RECORD: record.text()?},
        },
        "spec": {
            "suspend": true,
            "backoffLimit": 3,
            "activeDeadlineSeconds": inputs.deadline_seconds,
            "ttlSecondsAfterFinished": TIME_TO_LIVE,
            "template": {"metadata": {"labels": labels()}, "spec": pod(inputs)},
        },
    }))
}

/// The service account, whose token is in the Job's pod alone.
pub(super) fn account(inputs: &BootstrapInputs, job: &str) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": NAME,
            "namespace": inputs.namespace,
            "labels": labels(),
            "ownerReferences": owned_by("batch/v1", "Job", NAME, job),
        },
        "automountServiceAccountToken": false,
    })
}

/// The only object that has a secret in it.
pub(super) fn secret(inputs: &BootstrapInputs, job: &str) -> Json {
    let given = [
        ("token", &inputs.token),
        ("identity", &inputs.ssh_key),
        ("passphrase", &inputs.ssh_key_passphrase),
    ];
    let data: serde_json::Map<String, Json> = given
        .into_iter()
        .filter_map(|(key, text)| Some((key.to_owned(), json!(text.as_ref()?))))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": NAME,
            "namespace": inputs.namespace,
            "labels": labels(),
            "ownerReferences": owned_by("batch/v1", "Job", NAME, job),
        },
        "stringData": data,
    })
}

/// The rights over the whole cluster that `flux install` needs: it makes definitions, and a binding to `cluster-admin` of
/// its own, which only who has those rights may make.
pub(super) fn binding(inputs: &BootstrapInputs, namespace: &str) -> Json {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": binding_name(inputs),
            "labels": labels(),
            "ownerReferences": owned_by("v1", "Namespace", &inputs.namespace, namespace),
        },
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": inputs.namespace}],
    })
}

/// What says that it was done, and with what.
pub(super) fn marker(inputs: &BootstrapInputs, record: &Record, completed_at: &str) -> Result<Json> {
    Ok(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": MARKER, "namespace": inputs.flux_namespace, "labels": labels()},
        "data": {"record": record.text()?, "completedAt": completed_at},
    }))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{
        batch::v1::Job,
        core::v1::{ConfigMap, Namespace, Secret, ServiceAccount},
        rbac::v1::ClusterRoleBinding,
    };
    use serde::{Serialize, de::DeserializeOwned};

    use super::{
        super::record::tests::{TOKEN, inputs},
        *,
    };

    fn typed<T: Serialize + DeserializeOwned>(rendered: &Json) -> T {
        let typed: T = serde_json::from_value(rendered.clone()).unwrap();
        assert_eq!(
            &serde_json::to_value(&typed).unwrap(),
            rendered,
            "Kubernetes knows every field"
        );
        typed
    }

    fn all(inputs: &BootstrapInputs) -> Vec<Json> {
        let record = Record::of(inputs, "salt").unwrap();
        vec![
            namespace(inputs),
            job(inputs, &record).unwrap(),
            account(inputs, "uid-of-job"),
            binding(inputs, "uid-of-namespace"),
            marker(inputs, &record, "2026-11-25T10:00:00Z").unwrap(),
        ]
    }

    #[test]
    fn no_object_but_the_secret_has_a_secret() {
        let key = "-----BEGIN-----";
        for inputs in [
            inputs(json!({})),
            inputs(json!({"token": null, "sshKey": key, "sshKeyPassphrase": TOKEN})),
        ] {
            for object in all(&inputs) {
                let text = object.to_string();
                assert!(!text.contains(TOKEN) && !text.contains(key), "{text}");
            }
            assert!(secret(&inputs, "u").to_string().contains(TOKEN));
        }
    }

    #[test]
    fn the_job_owns_what_is_beside_it_and_the_namespace_what_is_not() {
        let inputs = inputs(json!({}));
        let owner = |object: Json| {
            let owner = object.pointer("/metadata/ownerReferences/0").unwrap().clone();
            (
                owner["kind"].as_str().unwrap().to_owned(),
                owner["uid"].as_str().unwrap().to_owned(),
            )
        };
        assert_eq!(owner(secret(&inputs, "j")), ("Job".to_owned(), "j".to_owned()));
        assert_eq!(owner(account(&inputs, "j")), ("Job".to_owned(), "j".to_owned()));
        assert_eq!(owner(binding(&inputs, "n")), ("Namespace".to_owned(), "n".to_owned()));
    }

    #[test]
    fn objects_are_of_their_kinds() {
        let inputs = inputs(json!({}));
        let record = Record::of(&inputs, "salt").unwrap();
        let labels = typed::<Namespace>(&namespace(&inputs)).metadata.labels.unwrap();
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
        let spec = typed::<Job>(&job(&inputs, &record).unwrap()).spec.unwrap();
        assert_eq!((spec.suspend, spec.backoff_limit), (Some(true), Some(3)));
        assert_eq!(spec.active_deadline_seconds, Some(600));
        assert!(spec.ttl_seconds_after_finished.is_some());
        typed::<ServiceAccount>(&account(&inputs, "j"));
        typed::<Secret>(&secret(&inputs, "j"));
        typed::<ClusterRoleBinding>(&binding(&inputs, "n"));
        typed::<ConfigMap>(&marker(&inputs, &record, "2026-11-25T10:00:00Z").unwrap());
    }
}
