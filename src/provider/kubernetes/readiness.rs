//! Whether an object can be used, as its kind understands that.
//!
//! Source: Kubernetes API reference, `status` of each kind; `sigs.k8s.io/cli-utils`, "kstatus", for kinds that are not
//! Kubernetes' own.

use serde_json::Value as Json;

use super::object::{items, number, text};

/// How an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It can be used.
    Ready,
    /// Not yet, and what is missing.
    Waiting(String),
    /// It never will, and why.
    Failed(String),
}

use Readiness::{Failed, Ready, Waiting};

/// Judges an object by its kind.
pub(super) fn readiness(object: &Json) -> Readiness {
    let waiting = |words: &str| Waiting(words.to_owned());
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Waiting(terminating(object));
    }
    let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    // Its controller has not looked at this version of it yet.
    let observed = object.pointer("/status/observedGeneration").and_then(Json::as_i64);
    if observed.is_some_and(|observed| observed < number(object, "/metadata/generation")) {
        return waiting("its controller has not seen the change yet");
    }
    match (group, kind) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") if observed.is_none() => {
            waiting("its controller has not seen it yet")
        }
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => phase(object, "Bound"),
        ("", "Namespace") => phase(object, "Active"),
        ("", "Service") if text(object, "/spec/type") == "LoadBalancer" => {
            if items(object, "/status/loadBalancer/ingress").is_empty() {
                waiting("it has no load balancer yet")
            } else {
                Ready
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => match condition(object, "NamesAccepted") {
            Some(refused) if text(refused, "/status") == "False" => {
                Failed(format!("its names are taken: {}", text(refused, "/message")))
            }
            _ => established(object, "Established"),
        },
        ("apiregistration.k8s.io", "APIService") => established(object, "Available"),
        _ => generic(object, group.ends_with("toolkit.fluxcd.io")),
    }
}

/// What a deletion still waits for.
fn terminating(object: &Json) -> String {
    let finalizers: Vec<&str> = items(object, "/metadata/finalizers")
        .iter()
        .filter_map(Json::as_str)
        .collect();
    let left: Vec<&str> = items(object, "/status/conditions")
        .iter()
        .filter(|condition| {
            // A namespace says what is left in it.
            let kind = text(condition, "/type");
            text(condition, "/status") == "True" && (kind.ends_with("Remaining") || kind.ends_with("Failure"))
        })
        .map(|condition| text(condition, "/message"))
        .collect();
    let mut words = "being deleted".to_owned();
    if !finalizers.is_empty() {
        words.push_str(", held by the finalizers ");
        words.push_str(&finalizers.join(", "));
    }
    if !left.is_empty() {
        words.push_str(": ");
        words.push_str(&left.join("; "));
    }
    words
}

/// The condition of that type.
pub(super) fn condition<'a>(object: &'a Json, kind: &str) -> Option<&'a Json> {
    items(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == kind)
}

fn said(condition: &Json) -> String {
    let (reason, message) = (text(condition, "/reason"), text(condition, "/message"));
    match (reason, message) {
        ("", "") => "no reason given".to_owned(),
        ("", words) | (words, "") => words.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

fn counted(wanted: i64, there: i64, words: &str) -> Readiness {
    if there >= wanted {
        Ready
    } else {
        Waiting(format!("{there} of {wanted} {words}"))
    }
}

/// Whether a Deployment runs as many of its new pods as it should.
pub(super) fn deployment(object: &Json) -> Readiness {
    let wanted = object.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(1);
    let stuck = condition(object, "Progressing").filter(|condition| text(condition, "/status") == "False");
    let updated = number(object, "/status/updatedReplicas").min(number(object, "/status/availableReplicas"));
    match (counted(wanted, updated, "replicas are available"), stuck) {
        (Waiting(words), Some(stuck)) => Waiting(format!("{words} ({})", said(stuck))),
        (judged, _) => judged,
    }
}

/// Whether a `StatefulSet` runs as many of its new pods as it should: all, but for those that its update strategy keeps old.
fn stateful_set(object: &Json) -> Readiness {
    let wanted = object.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(1);
    let old = match text(object, "/spec/updateStrategy/type") {
        "OnDelete" => wanted,
        _ => number(object, "/spec/updateStrategy/rollingUpdate/partition"),
    };
    let updated = number(object, "/status/updatedReplicas").saturating_add(old);
    let ready = number(object, "/status/readyReplicas");
    counted(wanted, ready.min(updated), "replicas are ready")
}

/// Whether a `DaemonSet`'s new pods run on every node that they should run on. None is enough: there may be no nodes yet.
pub(super) fn daemon_set(object: &Json) -> Readiness {
    let wanted = number(object, "/status/desiredNumberScheduled");
    let there = number(object, "/status/numberReady").min(number(object, "/status/updatedNumberScheduled"));
    counted(wanted, there, "nodes run it")
}

fn job(object: &Json) -> Readiness {
    let is = |kind: &str| condition(object, kind).filter(|condition| text(condition, "/status") == "True");
    if let Some(failed) = is("Failed") {
        return Failed(said(failed));
    }
    if is("Complete").is_some() {
        return Ready;
    }
    if is("Suspended").is_some() {
        return Ready;
    }
    let wanted = object.pointer("/spec/completions").and_then(Json::as_i64).unwrap_or(1);
    let failed = number(object, "/status/failed");
    let words = format!(
        "{} of {wanted} pods have succeeded",
        number(object, "/status/succeeded")
    );
    Waiting(if failed > 0 {
        format!("{words}, {failed} failed")
    } else {
        words
    })
}

fn pod(object: &Json) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => Ready,
        "Failed" => Failed(
            format!("{} {}", text(object, "/status/reason"), text(object, "/status/message"))
                .trim()
                .to_owned(),
        ),
        _ => established(object, "Ready"),
    }
}

fn phase(object: &Json, wanted: &str) -> Readiness {
    match text(object, "/status/phase") {
        phase if phase == wanted => Ready,
        // A claim whose class binds it with its first pod.
        "Pending" if text(object, "/kind") == "PersistentVolumeClaim" && waits_for_a_pod(object) => Ready,
        "" => Waiting("its state is not known yet".to_owned()),
        phase => Waiting(format!("it is {phase}, not {wanted}")),
    }
}

fn waits_for_a_pod(claim: &Json) -> bool {
    let selected = "/metadata/annotations/volume.kubernetes.io~1selected-node";
    claim.pointer(selected).is_none() && text(claim, "/spec/volumeName").is_empty()
}

fn established(object: &Json, kind: &str) -> Readiness {
    match condition(object, kind) {
        Some(condition) if text(condition, "/status") == "True" => Ready,
        Some(condition) => Waiting(format!("not {kind}: {}", said(condition))),
        None => Waiting(format!("not {kind} yet")),
    }
}

/// A kind of somebody else's: what its own `Ready` says, where it has one.
fn generic(object: &Json, needs_ready: bool) -> Readiness {
    let busy = condition(object, "Reconciling").filter(|condition| text(condition, "/status") == "True");
    match (condition(object, "Ready"), busy) {
        (None, _) if needs_ready => Waiting("not Ready yet".to_owned()),
        (Some(_), None) => established(object, "Ready"),
        (_, Some(busy)) => Waiting(said(busy)),
        (None, None) => Ready,
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads better with values than with borrowed ones"
    )]

    use serde_json::json;

    use super::*;

    fn judge(version: &str, kind: &str, spec: Json, status: Json) -> Readiness {
        readiness(
            &json!({"apiVersion": version, "kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status}),
        )
    }

    fn waits(readiness: Readiness, words: &str) {
        assert!(
            matches!(&readiness, Waiting(said) if said.contains(words)),
            "{readiness:?}"
        );
    }

    #[test]
    fn workloads_are_ready_when_their_pods_are() {
        let deployment = |status: Json| judge("apps/v1", "Deployment", json!({"replicas": 2}), status);
        waits(deployment(json!({})), "not seen it yet");
        waits(
            deployment(json!({"observedGeneration": 1, "availableReplicas": 2, "updatedReplicas": 2})),
            "seen the change",
        );
        waits(
            deployment(json!({"observedGeneration": 2, "availableReplicas": 2, "updatedReplicas": 1})),
            "1 of 2",
        );
        assert_eq!(
            deployment(json!({"observedGeneration": 2, "availableReplicas": 2, "updatedReplicas": 2})),
            Ready
        );
        let daemons = |ready: i64| {
            let status = json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "numberReady": ready, "updatedNumberScheduled": 3});
            judge("apps/v1", "DaemonSet", json!({}), status)
        };
        waits(daemons(1), "1 of 3 nodes");
        assert_eq!(daemons(3), Ready);
        let set = |strategy: Json, ready: i64, updated: i64| {
            judge(
                "apps/v1",
                "StatefulSet",
                json!({"replicas": 3, "updateStrategy": strategy}),
                json!({"observedGeneration": 2, "readyReplicas": ready, "updatedReplicas": updated}),
            )
        };
        waits(set(json!(null), 0, 3), "0 of 3");
        // All are well, and two of them are yet to be replaced.
        waits(set(json!(null), 3, 1), "1 of 3");
        assert_eq!(set(json!(null), 3, 3), Ready);
        assert_eq!(set(json!({"type": "OnDelete"}), 3, 0), Ready);
        let canary = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
        waits(set(canary.clone(), 3, 0), "2 of 3");
        assert_eq!(set(canary, 3, 1), Ready);
    }

    #[test]
    fn a_job_is_ready_when_it_is_complete_and_a_failed_one_never_is() {
        let job = |kind: &str| {
            let conditions =
                json!([{"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "no"}]);
            judge(
                "batch/v1",
                "Job",
                json!({"completions": 1}),
                json!({"conditions": conditions}),
            )
        };
        assert_eq!(job("Complete"), Ready);
        assert_eq!(job("Failed"), Failed("BackoffLimitExceeded: no".to_owned()));
        waits(
            judge("batch/v1", "Job", json!({}), json!({"failed": 1})),
            "0 of 1 pods have succeeded, 1 failed",
        );
    }

    #[test]
    fn other_kinds_are_judged_by_their_own_words() {
        let conditions =
            |kind: &str, status: &str| json!({"conditions": [{"type": kind, "status": status, "message": "why"}]});
        let ready = |version: &str, kind: &str, status: Json| judge(version, kind, json!({}), status);
        for (version, kind, word) in [
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "Established"),
            ("apiregistration.k8s.io/v1", "APIService", "Available"),
            ("v1", "Pod", "Ready"),
            ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "Ready"),
            ("example.com/v1", "Thing", "Ready"),
        ] {
            assert_eq!(ready(version, kind, conditions(word, "True")), Ready, "{kind}");
            waits(ready(version, kind, conditions(word, "False")), "why");
        }
        waits(
            ready("kustomize.toolkit.fluxcd.io/v1", "Kustomization", json!({})),
            "not Ready yet",
        );
        assert_eq!(ready("example.com/v1", "Thing", json!({})), Ready);
        assert_eq!(ready("v1", "ConfigMap", json!({})), Ready);
        assert_eq!(ready("v1", "Namespace", json!({"phase": "Active"})), Ready);
        waits(
            judge("v1", "Service", json!({"type": "LoadBalancer"}), json!({})),
            "no load balancer",
        );
        assert_eq!(judge("v1", "Service", json!({"type": "ClusterIP"}), json!({})), Ready);
    }

    #[test]
    fn what_holds_a_deletion_is_named() {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"deletionTimestamp": "now", "finalizers": ["a/b"]},
            "status": {"phase": "Terminating", "conditions": [
                {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"}]},
        });
        waits(
            readiness(&namespace),
            "held by the finalizers a/b: pods. has 1 resource instances",
        );
    }
}
