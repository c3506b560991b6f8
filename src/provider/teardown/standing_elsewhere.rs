//! What still stands in EKS, IAM, KMS and CloudWatch Logs.

use aws_sdk_iam::types::{PolicyScopeType, Tag as IamTag};
use aws_sdk_kms::types::{KeyManagerType, KeyState};
use futures::{StreamExt, TryStreamExt, stream};
use groundwork_contract::{
    StampId,
    prices::{Item, monthly},
    tags::{KEEP, STAMP},
};

use super::standing::{Cost, Standing};
use crate::{
    cx::Cx,
    error::{Gone, Kind, Result, aws},
};

/// How many are asked for their tags at a time.
const AT_ONCE: usize = 4;

/// Clusters with the stamp. One that this caller may not look at is somebody else's, unless it has the platform's name.
pub(super) async fn clusters(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let mut pages = cx.eks().list_clusters().into_paginator().send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        for name in page.map_err(aws("eks", "ListClusters"))?.clusters() {
            let answer = cx.eks().describe_cluster().name(name).send().await;
            let described = match answer.map_err(aws("eks", "DescribeCluster")).or_gone() {
                Err(error) if error.kind() == Kind::Denied && cluster != Some(name) => continue,
                described => described?,
            };
            let tags = described
                .and_then(|answer| answer.cluster)
                .and_then(|cluster| cluster.tags);
            let tags = tags.unwrap_or_default();
            if tags.get(STAMP).is_some_and(|found| found == stamp.as_str()) {
                standing.push(Standing {
                    kind: "EKS cluster".to_owned(),
                    id: name.clone(),
                    cost: Cost::of(monthly(&cx.aws.region, Item::Cluster)),
                    removal: format!(
                        "aws eks delete-cluster --name {name}, after its node groups and Fargate profiles"
                    ),
                    kept: tags.contains_key(KEEP),
                });
            }
        }
    }
    Ok(standing)
}

/// Customers' keys with the stamp that are not on their way out.
pub(super) async fn keys(cx: &Cx, stamp: &StampId) -> Result<Vec<Standing>> {
    let mut pages = cx.kms().list_keys().into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("kms", "ListKeys"))?;
        ids.extend(page.keys().iter().filter_map(|key| key.key_id()).map(str::to_owned));
    }
    let found: Vec<Option<Standing>> = stream::iter(ids)
        .map(|id| async move { key(cx, stamp, id).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn key(cx: &Cx, stamp: &StampId, id: String) -> Result<Option<Standing>> {
    let answer = cx.kms().list_resource_tags().key_id(&id).send().await;
    // AWS's own keys, and others' whose policy admits us not, are none of ours.
    let tags = match answer.map_err(aws("kms", "ListResourceTags")).or_gone() {
        Ok(Some(answer)) => answer.tags.unwrap_or_default(),
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == Kind::Denied => return Ok(None),
        Err(error) => return Err(error),
    };
    if !tags
        .iter()
        .any(|tag| tag.tag_key() == STAMP && tag.tag_value() == stamp.as_str())
    {
        return Ok(None);
    }
    let answer = cx.kms().describe_key().key_id(&id).send().await;
    let described = answer.map_err(aws("kms", "DescribeKey")).or_gone()?;
    let there = described
        .and_then(|answer| answer.key_metadata)
        .is_some_and(|metadata| {
            metadata.key_manager() == Some(&KeyManagerType::Customer)
                && !matches!(
                    metadata.key_state(),
                    Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion)
                )
        });
    Ok(there.then(|| Standing {
        kind: "KMS key".to_owned(),
        cost: Cost::of(monthly(&cx.aws.region, Item::Key)),
        removal: format!("aws kms schedule-key-deletion --key-id {id}"),
        kept: tags.iter().any(|tag| tag.tag_key() == KEEP),
        id,
    }))
}

/// Log groups that have the cluster's name in theirs: with the stamp, or EKS's own of the cluster, which EKS makes anew
/// without any tag. What is kept in them is the user's to decide on: it is told, and never in the way.
pub(super) async fn logs(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let Some(cluster) = cluster else { return Ok(Vec::new()) };
    let mut pages = cx
        .logs()
        .describe_log_groups()
        .log_group_name_pattern(cluster)
        .into_paginator()
        .send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("logs", "DescribeLogGroups"))?;
        for group in page.log_groups() {
            let Some(name) = group.log_group_name() else { continue };
            if name != format!("/aws/eks/{cluster}/cluster")
                && !stamped_log_group(cx, stamp, group.log_group_arn()).await?
            {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "a size in words")]
            let gigabytes = group.stored_bytes().unwrap_or_default() as f64 / 1e9;
            standing.push(Standing {
                kind: "log group".to_owned(),
                id: name.to_owned(),
                cost: Cost::of(monthly(&cx.aws.region, Item::Logs(gigabytes))),
                removal: format!("aws logs delete-log-group --log-group-name {name}"),
                kept: true,
            });
        }
    }
    Ok(standing)
}

async fn stamped_log_group(cx: &Cx, stamp: &StampId, arn: Option<&str>) -> Result<bool> {
    let answer = cx
        .logs()
        .list_tags_for_resource()
        .set_resource_arn(arn.map(str::to_owned))
        .send()
        .await;
    let answer = answer.map_err(aws("logs", "ListTagsForResource")).or_gone()?;
    let tags = answer.and_then(|answer| answer.tags).unwrap_or_default();
    Ok(tags.get(STAMP).is_some_and(|found| found == stamp.as_str()))
}

/// Roles, policies and instance profiles that have the cluster's name in theirs, and OIDC providers: with the stamp.
pub(super) async fn identity(cx: &Cx, stamp: &StampId, cluster: Option<&str>) -> Result<Vec<Standing>> {
    let mut standing = providers(cx, stamp).await?;
    if let Some(cluster) = cluster {
        standing.extend(roles(cx, stamp, cluster).await?);
        standing.extend(policies(cx, stamp, cluster).await?);
        standing.extend(profiles(cx, stamp, cluster).await?);
    }
    Ok(standing)
}

fn stamped(tags: &[IamTag], stamp: &StampId) -> bool {
    tags.iter()
        .any(|tag| tag.key() == STAMP && tag.value() == stamp.as_str())
}

fn free(kind: &str, id: &str, removal: String) -> Standing {
    Standing {
        kind: kind.to_owned(),
        id: id.to_owned(),
        cost: Cost::Free,
        removal,
        kept: false,
    }
}

async fn roles(cx: &Cx, stamp: &StampId, cluster: &str) -> Result<Vec<Standing>> {
    let mut pages = cx.iam().list_roles().into_paginator().send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("iam", "ListRoles"))?;
        for name in page
            .roles()
            .iter()
            .map(aws_sdk_iam::types::Role::role_name)
            .filter(|name| name.contains(cluster))
        {
            let answer = cx.iam().list_role_tags().role_name(name).send().await;
            let answer = answer.map_err(aws("iam", "ListRoleTags")).or_gone()?;
            if answer.is_some_and(|answer| stamped(answer.tags(), stamp)) {
                standing.push(free(
                    "IAM role",
                    name,
                    format!("aws iam delete-role --role-name {name}"),
                ));
            }
        }
    }
    Ok(standing)
}

async fn policies(cx: &Cx, stamp: &StampId, cluster: &str) -> Result<Vec<Standing>> {
    let mut pages = cx
        .iam()
        .list_policies()
        .scope(PolicyScopeType::Local)
        .into_paginator()
        .send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("iam", "ListPolicies"))?;
        for arn in page
            .policies()
            .iter()
            .filter_map(|policy| policy.arn())
            .filter(|arn| arn.contains(cluster))
        {
            let answer = cx.iam().list_policy_tags().policy_arn(arn).send().await;
            let answer = answer.map_err(aws("iam", "ListPolicyTags")).or_gone()?;
            if answer.is_some_and(|answer| stamped(answer.tags(), stamp)) {
                standing.push(free(
                    "IAM policy",
                    arn,
                    format!("aws iam delete-policy --policy-arn {arn}"),
                ));
            }
        }
    }
    Ok(standing)
}

async fn profiles(cx: &Cx, stamp: &StampId, cluster: &str) -> Result<Vec<Standing>> {
    let mut pages = cx.iam().list_instance_profiles().into_paginator().send();
    let mut standing = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("iam", "ListInstanceProfiles"))?;
        let names = page
            .instance_profiles()
            .iter()
            .map(aws_sdk_iam::types::InstanceProfile::instance_profile_name);
        for name in names.filter(|name| name.contains(cluster)) {
            let answer = cx
                .iam()
                .list_instance_profile_tags()
                .instance_profile_name(name)
                .send()
                .await;
            let answer = answer.map_err(aws("iam", "ListInstanceProfileTags")).or_gone()?;
            if answer.is_some_and(|answer| stamped(answer.tags(), stamp)) {
                let removal = format!("aws iam delete-instance-profile --instance-profile-name {name}");
                standing.push(free("instance profile", name, removal));
            }
        }
    }
    Ok(standing)
}

async fn providers(cx: &Cx, stamp: &StampId) -> Result<Vec<Standing>> {
    let answer = cx.iam().list_open_id_connect_providers().send().await;
    let answer = answer.map_err(aws("iam", "ListOpenIDConnectProviders"))?;
    let mut standing = Vec::new();
    for arn in answer
        .open_id_connect_provider_list()
        .iter()
        .filter_map(|provider| provider.arn())
    {
        let answer = cx
            .iam()
            .list_open_id_connect_provider_tags()
            .open_id_connect_provider_arn(arn)
            .send()
            .await;
        let answer = answer.map_err(aws("iam", "ListOpenIDConnectProviderTags")).or_gone()?;
        if answer.is_some_and(|answer| stamped(answer.tags(), stamp)) {
            let removal = format!("aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {arn}");
            standing.push(free("OIDC provider", arn, removal));
        }
    }
    Ok(standing)
}
