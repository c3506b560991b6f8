//! An EKS token: a presigned request to STS, which names its cluster in a signed header.
//!
//! What is refused here is what the server side of EKS refuses (aws-iam-authenticator, `pkg/token/token.go`).

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use axum::extract::Query;
use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const PREFIX: &str = "k8s-aws-v1.";
/// The header that names the cluster.
pub(super) const CLUSTER_HEADER: &str = "x-k8s-aws-id";
const LONGEST: usize = 4096;
/// How long a token is good for, and the longest that it may ask for.
const LIFE: Duration = Duration::from_mins(15);
/// How far ahead the clock of whoever made a token may be.
const AHEAD: Duration = Duration::from_mins(5);
const PARAMETERS: [&str; 10] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-user-agent",
];

/// The presigned URL in a token; or why it is none that an EKS cluster takes. `local` is the local AWS, `127.0.0.1:4711`.
pub(super) fn url(token: &str, local: &str, now: SystemTime) -> Result<String, String> {
    let encoded = token.strip_prefix(PREFIX).ok_or("it is no token of EKS")?;
    if token.len() > LONGEST {
        return Err("it is too long".to_owned());
    }
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| "it is not base64")?;
    let url = String::from_utf8(bytes).map_err(|_| "it is no URL")?;
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let safe = uri.scheme_str() == Some("https") && is_sts(host);
    if !safe && host != local {
        return Err(format!("{host} is not STS"));
    }
    if uri.path() != "/" {
        return Err(format!("{} is not STS's path", uri.path()));
    }
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(|_| "its query cannot be read")?;
    let mut query = BTreeMap::new();
    for (name, value) in pairs {
        let lower = name.to_ascii_lowercase();
        if !PARAMETERS.contains(&lower.as_str()) {
            return Err(format!("it has a parameter {name}"));
        }
        if query.insert(lower, value).is_some() {
            return Err(format!("it has two of {name}"));
        }
    }
    let get = |name: &str| query.get(name).map_or("", String::as_str);
    if get("action") != "GetCallerIdentity" {
        return Err("it asks for something else than GetCallerIdentity".to_owned());
    }
    if !get("x-amz-signedheaders")
        .split(';')
        .any(|name| name.eq_ignore_ascii_case(CLUSTER_HEADER))
    {
        return Err(format!("{CLUSTER_HEADER} is not signed"));
    }
    match get("x-amz-expires").parse() {
        Ok(seconds) if Duration::from_secs(seconds) <= LIFE => {}
        _ => return Err("it asks for more than 15 minutes".to_owned()),
    }
    let made = moment(get("x-amz-date")).ok_or("its date cannot be read")?;
    if now > made + LIFE {
        return Err("it has expired".to_owned());
    }
    if made > now + AHEAD {
        return Err("it is from the future".to_owned());
    }
    Ok(url)
}

/// Whether this is a host of STS, global, regional, FIPS or dual-stack ("AWS STS endpoints and quotas").
fn is_sts(host: &str) -> bool {
    let Some(rest) = host.strip_prefix("sts.").or_else(|| host.strip_prefix("sts-fips.")) else {
        return false;
    };
    ["amazonaws.com", "amazonaws.com.cn", "api.aws"].iter().any(|suffix| {
        rest.strip_suffix(suffix).is_some_and(|region| {
            region.strip_suffix('.').map_or(region.is_empty(), |region| {
                !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
        })
    })
}

/// The moment of a date as signatures write it: `20260131T235959Z`.
fn moment(text: &str) -> Option<SystemTime> {
    let date = k8s_openapi::jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let stamp = date.to_zoned(k8s_openapi::jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(stamp.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "127.0.0.1:4711";

    fn now() -> SystemTime {
        moment("20260131T120000Z").unwrap()
    }

    fn token(url: &str) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url))
    }

    fn good() -> String {
        "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
         &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=local%2F20260131%2Feu-central-1%2Fsts%2Faws4_request\
         &X-Amz-Date=20260131T115900Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=0"
            .to_owned()
    }

    fn refusal(url: &str) -> String {
        super::url(&token(url), LOCAL, now()).unwrap_err()
    }

    #[test]
    fn a_good_token_gives_its_url_back() {
        assert_eq!(url(&token(&good()), LOCAL, now()), Ok(good()));
        let here = good().replace("https://sts.eu-central-1.amazonaws.com", "http://127.0.0.1:4711");
        assert_eq!(url(&token(&here), LOCAL, now()), Ok(here));
    }

    #[test]
    fn each_bad_token_is_refused_for_its_own_reason() {
        for (from, to, reason) in [
            (
                "sts.eu-central-1.amazonaws.com",
                "sts.evil.example",
                "sts.evil.example is not STS",
            ),
            (
                "sts.eu-central-1.amazonaws.com",
                "127.0.0.1:4712",
                "127.0.0.1:4712 is not STS",
            ),
            ("https://", "http://", "sts.eu-central-1.amazonaws.com is not STS"),
            (".com/?", ".com/x?", "/x is not STS's path"),
            (
                "GetCallerIdentity",
                "AssumeRole",
                "it asks for something else than GetCallerIdentity",
            ),
            ("host%3Bx-k8s-aws-id", "host", "x-k8s-aws-id is not signed"),
            ("Expires=60", "Expires=901", "it asks for more than 15 minutes"),
            ("Expires=60", "Expires=-1", "it asks for more than 15 minutes"),
            ("T115900Z", "T114459Z", "it has expired"),
            ("T115900Z", "T120501Z", "it is from the future"),
            ("T115900Z", "", "its date cannot be read"),
            ("&Version", "&RoleArn=x&Version", "it has a parameter RoleArn"),
            ("&Version", "&action=x&Version", "it has two of Action"),
        ] {
            let bad = good().replace(from, to);
            assert_ne!(bad, good(), "{from}");
            let told = refusal(&bad);
            assert_eq!(told.replace("two of action", "two of Action"), reason);
        }
        assert_eq!(url("eyJhbGciOi", LOCAL, now()).unwrap_err(), "it is no token of EKS");
        assert_eq!(url("k8s-aws-v1.%%", LOCAL, now()).unwrap_err(), "it is not base64");
    }

    #[test]
    fn only_hosts_of_sts_are_sts() {
        for host in [
            "sts.amazonaws.com",
            "sts.eu-north-1.amazonaws.com",
            "sts-fips.us-east-1.amazonaws.com",
            "sts.cn-north-1.amazonaws.com.cn",
        ] {
            assert!(is_sts(host), "{host}");
        }
        for host in [
            "amazonaws.com",
            "sts.eu.evil.amazonaws.com",
            "sts.amazonaws.com.evil.com",
            "stsamazonaws.com",
            "sts.evilamazonaws.com",
        ] {
            assert!(!is_sts(host), "{host}");
        }
    }
}
