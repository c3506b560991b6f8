//! The versions of an addon.

use aws_sdk_eks::types::AddonVersionInfo;
use groundwork_contract::eks::{AddonVersion, GetAddonVersions, GetAddonVersionsInputs, GetAddonVersionsResult};

use crate::{
    cx::Cx,
    error::{Error, Gone, Kind, Result, aws},
    functions::Lookup,
};

impl Lookup for GetAddonVersions {
    async fn look_up(cx: &Cx, inputs: &GetAddonVersionsInputs) -> Result<GetAddonVersionsResult> {
        let GetAddonVersionsInputs {
            addon_name,
            kubernetes_version,
            configuration_schema,
        } = inputs;
        let versions = versions(cx, addon_name, kubernetes_version.as_str()).await?;
        if versions.is_empty() {
            return Err(Error::Invalid(format!(
                "EKS has no addon {addon_name} for Kubernetes {kubernetes_version} in region {}",
                cx.aws.region
            )));
        }
        let default = versions
            .iter()
            .find(|version| version.default)
            .map(|version| version.version.clone());
        let configuration_schema = match (&default, configuration_schema) {
            (Some(version), true) => schema(cx, addon_name, version).await?,
            _ => None,
        };
        Ok(GetAddonVersionsResult {
            default_version: default,
            versions,
            configuration_schema,
        })
    }
}

/// The versions of an addon that fit a version of Kubernetes, as EKS lists them; none of an addon that it does not know.
pub(super) async fn versions(cx: &Cx, addon: &str, kubernetes: &str) -> Result<Vec<AddonVersion>> {
    let mut pages = cx
        .eks()
        .describe_addon_versions()
        .addon_name(addon)
        .kubernetes_version(kubernetes)
        .into_paginator()
        .send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page.map_err(aws("eks", "DescribeAddonVersions")) {
            Err(error) if error.kind() == Kind::Missing => break,
            page => page?,
        };
        let offered = page.addons().iter().filter(|found| found.addon_name() == Some(addon));
        versions.extend(
            offered
                .flat_map(aws_sdk_eks::types::AddonInfo::addon_versions)
                .map(|version| of(version, kubernetes)),
        );
    }
    Ok(versions)
}

fn of(version: &AddonVersionInfo, kubernetes: &str) -> AddonVersion {
    let here = |compatibility: &&aws_sdk_eks::types::Compatibility| compatibility.cluster_version() == Some(kubernetes);
    AddonVersion {
        version: version.addon_version().unwrap_or_default().to_owned(),
        default: version
            .compatibilities()
            .iter()
            .filter(here)
            .any(aws_sdk_eks::types::Compatibility::default_version),
        architectures: version.architecture().to_vec(),
        compute_types: version.compute_types().to_vec(),
        requires_configuration: version.requires_configuration(),
        requires_iam_permissions: version.requires_iam_permissions(),
    }
}

/// The JSON schema of the configuration of one version of an addon, as text; `None` where it has none.
pub(super) async fn schema(cx: &Cx, addon: &str, version: &str) -> Result<Option<String>> {
    let answer = cx
        .eks()
        .describe_addon_configuration()
        .addon_name(addon)
        .addon_version(version)
        .send()
        .await
        .map_err(aws("eks", "DescribeAddonConfiguration"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.configuration_schema))
}
