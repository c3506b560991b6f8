//! What a cluster's API said, sorted into what can be done about it.

use std::{error::Error as StdError, fmt};

use kube::core::Status;

use crate::error::{Kind, chain};

/// An error of a cluster's API.
#[derive(Debug, Clone)]
pub struct KubernetesFault {
    /// The cluster's name.
    pub cluster: String,
    /// What was asked: `PATCH /api/v1/namespaces/default`.
    pub request: String,
    /// The HTTP status; 0 when no answer came.
    pub code: u16,
    /// The API server's word, such as `Conflict`; empty when no answer came.
    pub reason: String,
    /// The API server's words.
    pub message: String,
    /// What can be done about it.
    pub kind: Kind,
    /// What to do, where more can be said than the kind does.
    pub advice: Option<String>,
}

impl fmt::Display for KubernetesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cluster,
            request,
            code,
            reason,
            message,
            kind: _,
            advice: _,
        } = self;
        if *code == 0 {
            write!(f, "cluster {cluster}: {message}")
        } else {
            write!(f, "cluster {cluster}: {request} answered {code} {reason}: {message}")
        }
    }
}

impl StdError for KubernetesFault {}

/// A client's error, sorted; the only place that looks inside one.
pub(super) fn sorted(cluster: String, request: String, error: &kube::Error) -> KubernetesFault {
    let fault = |code: u16, reason: &str, message: String, kind: Kind, advice: Option<String>| KubernetesFault {
        cluster,
        request,
        code,
        reason: reason.to_owned(),
        message,
        kind,
        advice,
    };
    if let kube::Error::Api(status) = error {
        let (kind, message, advice) = judged(status);
        return fault(status.code, &status.reason, message, kind, advice);
    }
    let (kind, message) = unanswered(chain(error));
    fault(0, "", message, kind, None)
}

/// A request without an answer. A certificate that does not hold is one; a connection that never came about, its handshake
/// broken off perhaps, is none; all else is unclear.
fn unanswered(told: String) -> (Kind, String) {
    let says = |words: &[&str]| words.iter().any(|words| told.contains(words));
    if says(&["invalid peer certificate"]) {
        let message = format!("the API server's certificate does not hold against the certificateAuthority: {told}");
        (Kind::Invalid, message)
    } else if says(&["(Connect)", "handshake", "tunnel", "dns error"]) {
        (Kind::Unreachable, format!("its API cannot be reached: {told}"))
    } else {
        (Kind::Unclear, told)
    }
}

fn judged(status: &Status) -> (Kind, String, Option<String>) {
    let message = status.message.clone();
    let said = |words: &str| message.contains(words);
    let causes = || status.details.iter().flat_map(|details| &details.causes);
    let kind = match status.code {
        401 | 403 if said("is being terminated") => Kind::Busy,
        401 | 403 => Kind::Denied,
        404 => Kind::Missing,
        409 if causes().any(|cause| cause.reason == "FieldManagerConflict") => {
            let fields: Vec<String> = causes()
                .map(|cause| format!("{} ({})", cause.field.trim_start_matches('.'), cause.message))
                .collect();
            let advice = "leave these fields out of the manifest, or take them with force: true".to_owned();
            return (
                Kind::Invalid,
                format!("another manager keeps {}", fields.join(", ")),
                Some(advice),
            );
        }
        409 if status.is_already_exists() => Kind::Exists,
        409 => Kind::Busy,
        429 => Kind::Throttled,
        // A webhook whose pods are not there yet, for one.
        500.. => Kind::Unclear,
        _ => Kind::Invalid,
    };
    (kind, message, None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(status: serde_json::Value) -> (Kind, String, Option<String>) {
        judged(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn a_conflict_names_the_other_manager_and_the_field() {
        let (kind, message, advice) = judge(json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "details": {"causes": [{
                "reason": "FieldManagerConflict",
                "message": "conflict with \"kubectl-scale\" using apps/v1",
                "field": ".spec.replicas",
            }]},
        }));
        assert_eq!(kind, Kind::Invalid);
        assert!(
            message.contains("spec.replicas") && message.contains("kubectl-scale"),
            "{message}"
        );
        assert!(advice.unwrap().contains("force: true"));
    }

    #[test]
    fn what_came_of_no_answer_is_told_apart() {
        for (told, kind) in [
            (
                "client error (Connect): invalid peer certificate: UnknownIssuer",
                Kind::Invalid,
            ),
            ("client error (Connect): tls handshake eof", Kind::Unreachable),
            (
                "client error (Connect): Connection reset by peer (os error 104)",
                Kind::Unreachable,
            ),
            (
                "client error (Connect): dns error: failed to look certificate.example.com up",
                Kind::Unreachable,
            ),
            (
                "client error (SendRequest): peer closed connection without sending TLS close_notify",
                Kind::Unclear,
            ),
        ] {
            assert_eq!(unanswered(told.to_owned()).0, kind, "{told}");
        }
    }

    #[test]
    fn answers_are_sorted_by_what_can_be_done() {
        for (code, reason, message, kind) in [
            (401, "Unauthorized", "Unauthorized", Kind::Denied),
            (403, "Forbidden", "pods is forbidden", Kind::Denied),
            (403, "Forbidden", "namespace a is being terminated", Kind::Busy),
            (404, "NotFound", "pods \"a\" not found", Kind::Missing),
            (409, "AlreadyExists", "already exists", Kind::Exists),
            (409, "Conflict", "the object has been modified", Kind::Busy),
            (422, "Invalid", "spec.x is required", Kind::Invalid),
            (429, "TooManyRequests", "", Kind::Throttled),
            (500, "InternalError", "failed calling webhook", Kind::Unclear),
        ] {
            let status = json!({"code": code, "reason": reason, "message": message});
            assert_eq!(judge(status).0, kind, "{code} {message}");
        }
    }
}
