//! An identity provider that speaks OpenID Connect.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use crate::{Arn, Example, Failure, Input, Tags};

/// An identity provider that speaks OpenID Connect: what lets the service accounts of a cluster assume roles.
///
/// AWS keeps one of an issuer in an account. Its deletion takes the roles of all pods away that trust it.
#[resource("groundwork:iam:OpenIdConnectProvider", Arn, example = example, check = check)]
pub struct OpenIdConnectProvider;

/// Source: IAM API Reference, `CreateOpenIDConnectProvider`.
#[shape]
pub struct OpenIdConnectProviderInputs {
    /// The issuer's URL, which begins with `https://`; a cluster answers it as `oidcIssuer`.
    #[immutable]
    pub url: String,
    /// The audiences whose tokens are taken: `sts.amazonaws.com` for service accounts. Up to 100.
    pub client_id_list: Option<BTreeSet<String>>,
    /// The SHA-1 fingerprints of the issuer's certificate authority, 40 hexadecimal digits each, up to five. AWS finds
    /// them out when absent, and for issuers of EKS holds the certificate against authorities that it trusts anyway.
    #[computed]
    pub thumbprint_list: Option<BTreeSet<String>>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct OpenIdConnectProviderOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "url": "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
            "clientIdList": ["sts.amazonaws.com"],
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "clientIdList": ["sts.amazonaws.com", "example"],
            "thumbprintList": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"],
            "tags": {"Name": "changed", "team": "platform", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

fn check(args: &OpenIdConnectProviderArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(url) = args.url.known() {
        let host = url.strip_prefix("https://").unwrap_or_default();
        if host.is_empty() || url.contains(['?', '#', ' ']) || url.len() > 255 {
            failures.push(Failure::at(
                "url",
                format!("{url:?} is no issuer: expected `https://`, a host and perhaps a path, 255 characters at most"),
            ));
        }
    }
    let clients = args.client_id_list.as_ref().and_then(Input::known);
    if clients.is_some_and(|clients| clients.len() > 100) {
        failures.push(Failure::at("clientIdList", "has at most 100 audiences"));
    }
    let prints: Option<BTreeSet<String>> = args.thumbprint_list.as_ref().and_then(Input::known);
    if prints.as_ref().is_some_and(|prints| prints.len() > 5) {
        failures.push(Failure::at("thumbprintList", "has at most five fingerprints"));
    }
    for print in prints.iter().flatten() {
        if print.len() != 40 || !print.bytes().all(|b| b.is_ascii_hexdigit()) {
            failures.push(Failure::at(
                "thumbprintList",
                format!("{print:?} is no fingerprint: expected 40 hexadecimal digits"),
            ));
        }
    }
    failures
}
