//! The token of an EKS cluster: a signed request to STS that says who asks, and for which cluster.
//!
//! Form: `k8s-aws-v1.` and the presigned URL of `GetCallerIdentity` in URL-safe base64 without padding; the header
//! `x-k8s-aws-id` with the cluster's name is signed along. EKS takes it for 15 minutes.
//! Source: EKS User Guide, "Learn how access control works in Amazon EKS"; `aws-iam-authenticator`, "API Authorization from
//! Outside a Cluster".

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use groundwork_contract::ProviderConfig;
use serde_json::json;

use crate::{
    clients::Aws,
    error::{Error, Result, chain},
};

/// How long a token is used before another one is made: EKS takes it for 15 minutes.
const FRESH: Duration = Duration::from_mins(10);

/// A token, which its `Debug` does not show.
#[derive(Clone)]
pub struct Token {
    text: String,
    minted: SystemTime,
    until: SystemTime,
}

impl Token {
    /// The token itself, for an `Authorization: Bearer` header and nothing else.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// How long it is good to be used from when it was made.
    pub(crate) fn lifetime(&self) -> Duration {
        self.until.duration_since(self.minted).unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([secret])")
    }
}

/// Makes a token for a cluster, as the caller of these clients.
///
/// # Errors
/// There are no credentials.
#[expect(
    clippy::disallowed_methods,
    reason = "a signature carries the time at which it was made"
)]
pub async fn token(aws: &Aws, cluster: &str) -> Result<Token> {
    let Some(provider) = &aws.credentials else {
        return Err(Error::Credentials(
            "there are no AWS credentials to make the cluster's token with".to_owned(),
        ));
    };
    mint(provider, &aws.sts_url, aws.region.as_str(), cluster, SystemTime::now()).await
}

async fn mint(
    provider: &SharedCredentialsProvider,
    sts_url: &str,
    region: &str,
    cluster: &str,
    now: SystemTime,
) -> Result<Token> {
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| Error::Credentials(format!("the cluster's token cannot be signed: {}", chain(&error))))?;
    let until = credentials
        .expiry()
        .map_or(now + FRESH, |expiry| expiry.min(now + FRESH));
    let bug = |error: &dyn fmt::Display| Error::Bug(format!("the cluster's token cannot be signed: {error}"));
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_mins(1));
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| bug(&error))?
        .into();
    let url = format!(
        "{}/?Action=GetCallerIdentity&Version=2011-06-15",
        sts_url.trim_end_matches('/')
    );
    let headers = [("x-k8s-aws-id", cluster)];
    let request = SignableRequest::new("GET", &url, headers.into_iter(), SignableBody::Bytes(&[]))
        .map_err(|error| bug(&error))?;
    let (instructions, _) = sign(request, &parameters).map_err(|error| bug(&error))?.into_parts();
    let mut request = http::Request::get(&url).body(()).map_err(|error| bug(&error))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(Token {
        text: format!(
            "k8s-aws-v1.{}",
            BASE64_URL_SAFE_NO_PAD.encode(request.uri().to_string())
        ),
        minted: now,
        until,
    })
}

/// What `kubectl` and other clients ask a program for: the token as JSON, in the form of `ExecCredential`.
///
/// Source: Kubernetes documentation, "client-go credential plugins".
///
/// # Errors
/// No region, no credentials, or none that AWS accepts.
pub async fn exec_credential(config: &ProviderConfig, cluster: &str) -> Result<String> {
    let aws = Aws::connect(config).await?;
    let token = token(&aws, cluster).await?;
    Ok(json!({
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "spec": {"interactive": false},
        "status": {"expirationTimestamp": timestamp(token.until), "token": token.reveal()},
    })
    .to_string())
}

/// RFC 3339, in whole seconds and UTC.
fn timestamp(time: SystemTime) -> String {
    use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    DateTime::from_secs(i64::try_from(seconds).unwrap_or_default())
        .fmt(DateTimeFormat::DateTime)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_780_000_000);

    async fn minted(expiry: Option<SystemTime>) -> Token {
        let credentials = Credentials::new("AKIDEXAMPLE", "word", Some("session".to_owned()), expiry, "test");
        let provider = SharedCredentialsProvider::new(credentials);
        let now = SystemTime::UNIX_EPOCH + NOW;
        mint(
            &provider,
            "https://sts.eu-central-1.amazonaws.com",
            "eu-central-1",
            "platform",
            now,
        )
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_token_is_a_presigned_url_that_names_the_cluster() {
        let token = minted(None).await;
        let encoded = token.reveal().strip_prefix("k8s-aws-v1.").unwrap();
        assert!(!encoded.contains('='));
        let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
        assert!(
            url.starts_with("https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&")
        );
        for part in [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=AKIDEXAMPLE%2F20260528%2Feu-central-1%2Fsts%2Faws4_request",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Security-Token=session",
            "X-Amz-Signature=",
        ] {
            assert!(url.contains(part), "{part} in {url}");
        }
        assert_eq!(token.lifetime(), Duration::from_mins(10));
        assert!(!format!("{token:?}").contains("k8s-aws"));
    }

    #[tokio::test]
    async fn a_token_does_not_outlive_its_credentials() {
        let expiry = SystemTime::UNIX_EPOCH + NOW + Duration::from_mins(2);
        assert_eq!(minted(Some(expiry)).await.lifetime(), Duration::from_mins(2));
    }

    #[test]
    fn a_time_is_written_as_kubernetes_reads_it() {
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH + NOW), "2026-05-28T20:26:40Z");
    }
}
