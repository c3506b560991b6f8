//! Clients: how the provider reaches AWS, and as whom.

use std::time::Duration;

use aws_config::{
    AppName, BehaviorVersion, SdkConfig, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::region::ProfileFileRegionProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use groundwork_contract::{AccountId, Arn, Partition, ProviderConfig, Region};

use crate::{
    error::{Error, Kind, Result, aws},
    kubernetes::Sessions,
};

/// AWS as one account in one region sees it.
#[derive(Debug, Clone)]
pub struct Aws {
    /// EC2, with retries: for calls that may be made twice.
    pub ec2: aws_sdk_ec2::Client,
    /// EC2, each call sent once: for creations that have no idempotency token.
    pub ec2_once: aws_sdk_ec2::Client,
    /// EKS. Its creations have an idempotency token or a name, so that a call may be made twice.
    pub eks: aws_sdk_eks::Client,
    /// IAM. What it creates has a name.
    pub iam: aws_sdk_iam::Client,
    /// KMS.
    pub kms: aws_sdk_kms::Client,
    /// KMS, each call sent once: a key has no name, and no idempotency token.
    pub kms_once: aws_sdk_kms::Client,
    /// CloudWatch Logs. What it creates has a name.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// What signs the token of an EKS cluster.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Where STS is: the token of an EKS cluster is a signed request to it.
    pub sts_url: String,
    /// Who we are.
    pub caller: Caller,
    /// Where we are.
    pub region: Region,
    /// The clusters whose APIs are asked.
    pub(crate) kubernetes: Sessions,
}

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The user's or the role session's ARN.
    pub arn: Arn,
    /// The unique id of the user or role.
    pub user_id: String,
}

impl Aws {
    /// Finds region and credentials, and asks once who they are.
    ///
    /// # Errors
    /// No region; no credentials, or expired ones; an account that is not allowed. Each says how to mend it.
    pub async fn connect(config: &ProviderConfig) -> Result<Self> {
        let region = region(config).await?;
        let sdk = sdk_config(config, &region).await?;
        let caller = who_am_i(&sdk, config).await?;
        if let Some(allowed) = &config.allowed_account_ids
            && !allowed.contains(&caller.account)
        {
            let allowed: Vec<&str> = allowed.iter().map(AccountId::as_str).collect();
            return Err(Error::Credentials(format!(
                "these credentials are of account {} ({}), but groundwork:allowedAccountIds allows {} alone; \
                 use credentials of that account, or allow this one",
                caller.account,
                caller.arn,
                allowed.join(", "),
            )));
        }
        let ec2 = service(&sdk, config, "ec2");
        let once = |sdk: &SdkConfig| sdk.to_builder().retry_config(RetryConfig::disabled()).build();
        let kms = service(&sdk, config, "kms");
        let sts = service(&sdk, config, "sts");
        Ok(Self {
            ec2: aws_sdk_ec2::Client::new(&ec2),
            ec2_once: aws_sdk_ec2::Client::new(&once(&ec2)),
            eks: aws_sdk_eks::Client::new(&service(&sdk, config, "eks")),
            iam: aws_sdk_iam::Client::new(&service(&sdk, config, "iam")),
            kms: aws_sdk_kms::Client::new(&kms),
            kms_once: aws_sdk_kms::Client::new(&once(&kms)),
            logs: aws_sdk_cloudwatchlogs::Client::new(&service(&sdk, config, "logs")),
            credentials: sdk.credentials_provider(),
            sts_url: sts.endpoint_url().map_or_else(
                || format!("https://sts.{region}.{}", Partition::of(&region).dns_suffix()),
                str::to_owned,
            ),
            caller,
            region,
            kubernetes: Sessions::default(),
        })
    }

    /// The partition of the region.
    pub fn partition(&self) -> Partition {
        Partition::of(&self.region)
    }

    /// The ARN of a thing of EC2's.
    ///
    /// # Errors
    /// Never for what AWS answers.
    pub fn ec2_arn(&self, resource: &str) -> Result<Arn> {
        let text = format!(
            "arn:{}:ec2:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.caller.account
        );
        text.parse().map_err(|error| Error::Bug(format!("{error}")))
    }
}

async fn region(config: &ProviderConfig) -> Result<Region> {
    if let Some(region) = &config.region {
        return Ok(region.clone());
    }
    let profile = config
        .profile
        .as_ref()
        .map_or_else(ProfileFileRegionProvider::new, |name| {
            ProfileFileRegionProvider::builder().profile_name(name).build()
        });
    // Not from instance metadata: a platform must not move with the machine that deploys it.
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile);
    let found = chain.region().await.ok_or_else(|| {
        Error::Invalid(
            "no AWS region is set; run `pulumi config set groundwork:region <region>`, or set AWS_REGION".to_owned(),
        )
    })?;
    found
        .as_ref()
        .parse()
        .map_err(|error| Error::Invalid(format!("{error}")))
}

async fn sdk_config(config: &ProviderConfig, region: &Region) -> Result<SdkConfig> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new(region.to_string()))
        // Not the adaptive mode: it slows all calls of a client to one rate, while EC2 throttles each operation apart.
        // Thirty operations throttled once took an `up` of three seconds more than three minutes in it.
        .retry_config(RetryConfig::standard().with_max_attempts(u32::from(config.retries)))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .operation_attempt_timeout(Duration::from_mins(1))
                .build(),
        );
    if let Ok(name) = AppName::new(concat!("groundwork-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &config.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = config.endpoints.as_ref().and_then(|endpoints| endpoints.get("*")) {
        loader = loader.endpoint_url(url);
    }
    let base = loader.load().await;
    let Some(role) = &config.assume_role else {
        return Ok(base);
    };
    let mut provider = aws_config::sts::AssumeRoleProvider::builder(role.role_arn.to_string())
        .configure(&base)
        .session_name(role.session_name.as_deref().unwrap_or("groundwork"));
    if let Some(external_id) = &role.external_id {
        provider = provider.external_id(external_id);
    }
    if let Some(seconds) = role.duration_seconds {
        provider = provider.session_length(Duration::from_secs(seconds.into()));
    }
    let credentials = SharedCredentialsProvider::new(provider.build().await);
    Ok(base.into_builder().credentials_provider(credentials).build())
}

fn endpoint<'a>(config: &'a ProviderConfig, service: &str) -> Option<&'a String> {
    config.endpoints.as_ref()?.get(service)
}

/// The configuration with the endpoint that is set for one service.
fn service(sdk: &SdkConfig, config: &ProviderConfig, name: &str) -> SdkConfig {
    match endpoint(config, name) {
        Some(url) => sdk.to_builder().endpoint_url(url).build(),
        None => sdk.clone(),
    }
}

async fn who_am_i(sdk: &SdkConfig, config: &ProviderConfig) -> Result<Caller> {
    let answer = aws_sdk_sts::Client::new(&service(sdk, config, "sts"))
        .get_caller_identity()
        .send()
        .await
        .map_err(aws("sts", "GetCallerIdentity"))
        .map_err(|error| credentials_error(error, config))?;
    let need = |value: Option<String>, what| value.ok_or_else(|| Error::lacks(what));
    let malformed = |error: groundwork_contract::text::Malformed| Error::Bug(error.to_string());
    Ok(Caller {
        account: need(answer.account, "account")?.parse().map_err(malformed)?,
        arn: need(answer.arn, "arn")?.parse().map_err(malformed)?,
        user_id: need(answer.user_id, "userId")?,
    })
}

/// Says which credentials were tried and how to get good ones.
fn credentials_error(error: Error, config: &ProviderConfig) -> Error {
    if error.kind() != Kind::Credentials && error.kind() != Kind::Denied {
        return error;
    }
    let answered = matches!(&error, Error::Aws(fault) if !fault.code.is_empty());
    let trouble = match (&config.assume_role, &config.profile) {
        (Some(role), _) => format!("AWS does not accept the credentials of role {}: {error}", role.role_arn),
        (None, Some(profile)) => format!("AWS does not accept the credentials of profile {profile:?}: {error}"),
        (None, None) if answered => format!("AWS does not accept the credentials that were found: {error}"),
        (None, None) => {
            "no AWS credentials were found: not in the environment, in a profile (AWS_PROFILE), by SSO, nor \
                         of an instance or container"
                .to_owned()
        }
    };
    Error::Credentials(format!(
        "{trouble}; log in again (`aws sso login`, or new keys in the environment) and run the same command: nothing was \
         changed"
    ))
}
