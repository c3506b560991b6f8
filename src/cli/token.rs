//! `groundwork token`.

use clap::Args;
use groundwork_local::Ui;
use groundwork_provider::kubernetes::token::exec_credential;
use serde_json::json;

use crate::error::{Error, Result};

/// Print a token for an EKS cluster, as kubectl asks for one (an `ExecCredential`)
///
/// A kubeconfig names this command under `users[].user.exec`. The token says who the AWS credentials are, and is good for 15
/// minutes.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The cluster's name
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// The region; without it `AWS_REGION`, then the profile's
    #[arg(long)]
    region: Option<String>,
    /// A profile of the AWS configuration files; without it `AWS_PROFILE`, then the default chain
    #[arg(long)]
    profile: Option<String>,
    /// A role to assume first
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(
        long,
        value_name = "ID",
        requires = "role_arn",
        env = "GROUNDWORK_EXTERNAL_ID",
        hide_env_values = true
    )]
    external_id: Option<String>,
}

pub(crate) async fn run(args: &TokenArgs, ui: &Ui) -> Result<()> {
    let TokenArgs {
        cluster,
        region,
        profile,
        role_arn,
        external_id,
    } = args;
    let failed = |because: String| Error::Token {
        cluster: cluster.clone(),
        because,
    };
    let role = role_arn
        .as_ref()
        .map(|arn| json!({"roleArn": arn, "externalId": external_id}));
    let config = serde_json::from_value(json!({"region": region, "profile": profile, "assumeRole": role}))
        .map_err(|error| failed(error.to_string()))?;
    let credential = exec_credential(&config, cluster)
        .await
        .map_err(|error| failed(error.to_string()))?;
    ui.line(format_args!("{credential}"));
    Ok(())
}
