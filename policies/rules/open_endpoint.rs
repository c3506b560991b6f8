//! S16: a VPC endpoint that everybody may use.

use groundwork_contract::{Document, ec2::VpcEndpoint, findings};
use serde_json::Value as Json;

use crate::{Resource, Rule, Subject, Verdict};

pub(super) const RULE: Rule = Rule {
    name: "s16-open-endpoint",
    finding: &findings::OPEN_ENDPOINT,
    subject: Subject::Resource(check),
};

/// No policy, or one that says what AWS says without one.
fn check(resource: &Resource) -> Verdict {
    let endpoint = resource.args::<VpcEndpoint>()?;
    let service = endpoint.service_name.known();
    let service = service.as_deref().unwrap_or("a service not known yet");
    match &endpoint.policy {
        None => Some(format!("no policy on the way to {service}")),
        Some(policy) if policy.known().is_some_and(|policy| is_open(&policy)) => {
            Some(format!("a policy on the way to {service} that allows everything"))
        }
        Some(_) => None,
    }
}

/// Whether a statement allows everything to everybody, as AWS's own policy does. Source: AWS `PrivateLink` Guide,
/// "Default endpoint policy".
fn is_open(policy: &Document) -> bool {
    let json = policy.as_json();
    let statements = match json.get("Statement") {
        Some(Json::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    statements.iter().any(|statement| {
        statement.get("Effect").and_then(Json::as_str) == Some("Allow")
            && statement.get("Condition").is_none()
            && (is_any(statement.get("Principal"))
                || is_any(statement.get("Principal").and_then(|principal| principal.get("AWS"))))
            && is_any(statement.get("Action"))
            && is_any(statement.get("Resource"))
    })
}

/// `"*"`, or a list with it.
fn is_any(value: Option<&Json>) -> bool {
    match value {
        Some(Json::String(text)) => text == "*",
        Some(Json::Array(items)) => items.iter().any(|item| item == "*"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(policy: &Json) -> Resource {
        let service = "com.amazonaws.eu-central-1.s3";
        Resource::of::<VpcEndpoint>("endpoint", json!({"serviceName": service, "policy": policy}))
    }

    #[test]
    fn it_speaks_of_an_endpoint_without_a_policy() {
        assert_eq!(
            check(&endpoint(&Json::Null)).as_deref(),
            Some("no policy on the way to com.amazonaws.eu-central-1.s3")
        );
        assert!(check(&endpoint(&Json::Null).unknown("serviceName")).is_some());
    }

    #[test]
    fn it_speaks_of_a_policy_that_says_nothing() {
        let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
        let listed = json!({"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["*"], "Resource": ["*"]});
        for statements in [json!([statement]), statement, json!([listed])] {
            let policy = json!({"Statement": statements});
            let as_text = Json::String(policy.to_string());
            for policy in [policy, as_text] {
                let spoken = check(&endpoint(&policy));
                assert!(
                    spoken.is_some_and(|what| what.contains("allows everything")),
                    "{policy}"
                );
            }
        }
    }

    #[test]
    fn it_is_silent_about_a_policy_that_limits_something() {
        for template in [
            include_str!("../iam/endpoint-account.json"),
            include_str!("../iam/endpoint-account-s3.json"),
        ] {
            assert_eq!(check(&endpoint(&serde_json::from_str(template).unwrap())), None);
        }
        for (key, value) in [
            ("Effect", json!("Deny")),
            ("Principal", json!({"AWS": "arn:aws:iam::111122223333:root"})),
            ("Action", json!("s3:GetObject")),
            ("Resource", json!("arn:aws:s3:::bucket/*")),
        ] {
            let mut statement = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
            statement[key] = value;
            assert_eq!(check(&endpoint(&json!({"Statement": [statement]}))), None, "{key}");
        }
    }

    #[test]
    fn it_is_silent_about_what_is_unknown_and_about_others() {
        assert_eq!(check(&endpoint(&Json::Null).unknown("policy")), None);
        assert_eq!(
            check(&Resource::of::<groundwork_contract::ec2::Vpc>("vpc", json!({}))),
            None
        );
    }
}
