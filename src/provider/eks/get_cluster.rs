//! A cluster that is there.

use groundwork_contract::eks::{AuthenticationMode, GetCluster, GetClusterInputs, GetClusterResult};

use super::{choice, describe};
use crate::{
    cx::Cx,
    ec2::{maybe, need, parse},
    error::{Error, Result},
    functions::Lookup,
};

impl Lookup for GetCluster {
    async fn look_up(cx: &Cx, inputs: &GetClusterInputs) -> Result<GetClusterResult> {
        let Some(cluster) = describe(cx, inputs.name.as_str()).await? else {
            return Err(Error::Invalid(format!(
                "there is no EKS cluster {} in account {}, region {}",
                inputs.name, cx.aws.caller.account, cx.aws.region
            )));
        };
        let vpc = need(cluster.resources_vpc_config(), "resourcesVpcConfig")?;
        let mode = cluster.access_config().and_then(|config| config.authentication_mode());
        Ok(GetClusterResult {
            arn: parse(cluster.arn(), "arn")?,
            status: cluster
                .status()
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            version: parse(cluster.version(), "version")?,
            platform_version: cluster.platform_version().unwrap_or_default().to_owned(),
            endpoint: cluster.endpoint().unwrap_or_default().to_owned(),
            certificate_authority: cluster
                .certificate_authority()
                .and_then(|authority| authority.data())
                .unwrap_or_default()
                .to_owned(),
            oidc_issuer: cluster
                .identity()
                .and_then(|identity| identity.oidc())
                .and_then(|oidc| oidc.issuer())
                .unwrap_or_default()
                .to_owned(),
            role_arn: parse(cluster.role_arn(), "roleArn")?,
            vpc_id: parse(vpc.vpc_id(), "vpcId")?,
            subnet_ids: vpc
                .subnet_ids()
                .iter()
                .map(|id| parse(Some(id), "subnetIds"))
                .collect::<Result<_>>()?,
            cluster_security_group_id: maybe(vpc.cluster_security_group_id(), "clusterSecurityGroupId")?,
            authentication_mode: match mode {
                // A cluster from before there was another.
                None => AuthenticationMode::ConfigMap,
                Some(mode) => choice(mode.as_str(), "authenticationMode")?,
            },
            tags: cluster.tags.unwrap_or_default().into_iter().collect(),
        })
    }
}
