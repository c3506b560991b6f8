//! The versions of Kubernetes that EKS has.

use aws_sdk_eks::types::{ClusterVersionInformation, VersionStatus as AwsStatus};
use groundwork_contract::eks::{
    ClusterVersion, GetClusterVersions, GetClusterVersionsInputs, GetClusterVersionsResult, KubernetesVersion,
    VersionStatus,
};

use super::day;
use crate::{
    cx::Cx,
    ec2::parse,
    error::{Result, aws},
    functions::Lookup,
};

impl Lookup for GetClusterVersions {
    async fn look_up(cx: &Cx, inputs: &GetClusterVersionsInputs) -> Result<GetClusterVersionsResult> {
        let versions = versions(cx, inputs.include_all).await?;
        let default = versions.iter().find(|version| version.default);
        Ok(GetClusterVersionsResult {
            default_version: default.map(|version| version.version.clone()),
            versions,
        })
    }
}

/// The versions, the newest first.
pub(super) async fn versions(cx: &Cx, include_all: bool) -> Result<Vec<ClusterVersion>> {
    let mut pages = cx
        .eks()
        .describe_cluster_versions()
        .include_all(include_all)
        .into_paginator()
        .send();
    let mut versions = Vec::new();
    while let Some(page) = pages.next().await {
        for version in page.map_err(aws("eks", "DescribeClusterVersions"))?.cluster_versions() {
            versions.push(of(version)?);
        }
    }
    versions.sort_by_key(|version| std::cmp::Reverse(version.version.minor()));
    Ok(versions)
}

fn of(version: &ClusterVersionInformation) -> Result<ClusterVersion> {
    Ok(ClusterVersion {
        version: parse::<KubernetesVersion>(version.cluster_version(), "clusterVersion")?,
        status: match version.version_status() {
            Some(AwsStatus::StandardSupport) => VersionStatus::Standard,
            Some(AwsStatus::ExtendedSupport) => VersionStatus::Extended,
            _ => VersionStatus::Unsupported,
        },
        default: version.default_version(),
        end_of_standard_support: day(version.end_of_standard_support_date()),
        end_of_extended_support: day(version.end_of_extended_support_date()),
        kubernetes_patch_version: version.kubernetes_patch_version().map(str::to_owned),
    })
}
