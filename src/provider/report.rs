//! Errors as a user reads them: what failed, because of what, what to do, and where to look.

use std::fmt::Write as _;

use groundwork_wire::Urn;

use crate::{
    engine::PROPAGATION,
    error::{AwsFault, Error, Kind},
    kubernetes::KubernetesFault,
    wait::human,
};

/// The whole message for one resource.
pub(crate) fn report(verb: &str, urn: &Urn, error: &Error) -> String {
    let mut text = format!("{verb} {} \"{}\" failed: ", urn.token(), urn.name());
    let line = |text: &mut String, label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {label:<8}  {value}");
    };
    match error {
        Error::Aws(fault) => {
            let AwsFault {
                service,
                operation,
                code,
                message,
                request_id,
                kind,
            } = fault.as_ref();
            text.push_str(headline(*kind));
            let because = if code.is_empty() {
                message.clone()
            } else {
                format!("{code}: {message}")
            };
            line(&mut text, "because", &because);
            if let Some(advice) = advice(fault) {
                line(&mut text, "do", &advice);
            }
            let request = request_id
                .as_ref()
                .map(|id| format!("  request {id}"))
                .unwrap_or_default();
            line(&mut text, "aws", &format!("{service}:{operation}{request}"));
        }
        Error::Kubernetes(fault) => {
            let KubernetesFault {
                cluster,
                request,
                code,
                reason,
                message,
                kind,
                advice,
            } = fault.as_ref();
            text.push_str(cluster_headline(*kind, *code));
            line(&mut text, "because", message);
            if let Some(advice) = advice.as_deref().or_else(|| general_advice(*kind)) {
                line(&mut text, "do", advice);
            }
            let answer = if *code == 0 {
                String::new()
            } else {
                format!(": {code} {reason}")
            };
            line(&mut text, "cluster", &format!("{cluster}  {request}{answer}"));
        }
        other => {
            let _ = write!(text, "{other}");
            if let Some(advice) = general_advice(other.kind()) {
                line(&mut text, "do", advice);
            }
        }
    }
    text
}

const fn headline(kind: Kind) -> &'static str {
    match kind {
        Kind::Missing => "something that it refers to is not there",
        Kind::Exists => "it exists already",
        Kind::InUse => "something still uses it",
        Kind::Busy => "something else is under way",
        Kind::Throttled => "AWS asks for fewer calls",
        Kind::Unclear | Kind::Unreachable => "AWS gave no usable answer",
        Kind::Denied => "these credentials may not do this",
        Kind::Credentials => "AWS does not accept the credentials",
        Kind::Quota => "a quota of the account is reached",
        // What AWS goes on refusing is no matter of time.
        Kind::Invalid | Kind::NotYet => "AWS refuses it as it stands",
        Kind::Timeout | Kind::Cancelled | Kind::Failed | Kind::GivenUp | Kind::Bug => "it did not succeed",
    }
}

const fn cluster_headline(kind: Kind, code: u16) -> &'static str {
    match kind {
        // What goes on being forbidden is no matter of time.
        Kind::NotYet if code == 403 => cluster_headline(Kind::Denied, code),
        Kind::NotYet => headline(Kind::Missing),
        Kind::Unreachable => "the cluster's API cannot be reached",
        Kind::Denied => "the cluster does not let these credentials do this",
        Kind::Unclear => "the cluster's API gave no usable answer",
        Kind::Throttled => "the cluster's API asks for fewer calls",
        Kind::Invalid => "the cluster's API refuses it as it stands",
        other => headline(other),
    }
}

fn advice(fault: &AwsFault) -> Option<String> {
    let AwsFault {
        service,
        operation,
        code,
        ..
    } = fault;
    Some(match fault.kind {
        Kind::Denied => format!("allow {service}:{operation} to the caller, then run the same command again"),
        Kind::Quota => format!("ask for a higher quota (Service Quotas console, {code}), or remove what is not needed"),
        Kind::Exists => {
            "if it is this one, take it over: `pulumi import <type> <name> <id>`; otherwise remove it".to_owned()
        }
        Kind::InUse => "remove what uses it, then run the same command again".to_owned(),
        Kind::NotYet => format!(
            "AWS has gone on saying so for {}, longer than what is new in IAM takes to be seen everywhere: look whether what it \
             names is there, whom a role's trust policy (of a key, its key policy) lets in, and what is attached to the role",
            human(PROPAGATION)
        ),
        kind => general_advice(kind)?.to_owned(),
    })
}

const fn general_advice(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Credentials => {
            Some("log in again (`aws sso login`, or new keys), then run the same command: nothing is lost")
        }
        Kind::Throttled | Kind::Unclear | Kind::Unreachable | Kind::Busy => {
            Some("run the same command again: nothing is lost")
        }
        Kind::Timeout => Some("run the same command again, it goes on waiting; or give more time by `customTimeouts`"),
        Kind::Failed => Some("run `pulumi up` again: what can never be used is replaced"),
        Kind::GivenUp => {
            Some("mend the reason, then run the same command again: it is asked for again, and nothing is replaced")
        }
        Kind::Missing | Kind::NotYet => {
            Some("look whether it was removed by hand; `pulumi refresh` brings the state up to date")
        }
        Kind::Bug => Some("please report this with the whole message"),
        Kind::Cancelled => Some("run the same command again, it goes on from here"),
        Kind::Exists | Kind::InUse | Kind::Denied | Kind::Quota | Kind::Invalid => None,
    }
}
