//! An access entry.

use std::collections::BTreeSet;

use aws_sdk_eks::types::{AccessEntry as AwsEntry, AccessScope as AwsScope, AccessScopeType as AwsScopeType};
use groundwork_contract::eks::{
    AccessEntry, AccessEntryId, AccessEntryInputs, AccessEntryOutputs, AccessEntryType, AccessPolicy, AccessScope,
    AccessScopeType,
};
use serde::{Deserialize, Serialize};

use super::{choice, read_tags, to_tags, update_tags};
use crate::{
    cx::Cx,
    ec2::{need, parse},
    engine::ours,
    error::{Error, Gone, Kind, Result, aws},
    resource::{Created, Live, Recovery, Resource, State},
};

/// Whether the entry was there already.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Adopted {
    /// EKS made it for a node group or a Fargate profile.
    adopted: bool,
}

impl Resource for AccessEntry {
    type Facts = Adopted;
    const RECOVERY: Recovery = Recovery::Identity;
    /// A principal has one entry in a cluster.
    const UNIQUE: bool = true;

    async fn create(cx: &Cx, inputs: &AccessEntryInputs) -> Result<Created<Self>> {
        let id = id(inputs)?;
        let made = cx
            .eks()
            .create_access_entry()
            .cluster_name(inputs.cluster_name.as_str())
            .principal_arn(inputs.principal_arn.as_str())
            .r#type(inputs.r#type.word())
            .client_request_token(&cx.client_token)
            .set_kubernetes_groups(
                inputs
                    .kubernetes_groups
                    .clone()
                    .map(|groups| groups.into_iter().collect()),
            )
            .set_username(inputs.username.clone())
            .set_tags(to_tags(inputs.tags.as_ref()))
            .send()
            .await
            .map_err(aws("eks", "CreateAccessEntry"));
        match made {
            Ok(_) => Ok(Created::new(id)),
            Err(error) if error.kind() == Kind::Exists && inputs.r#type != AccessEntryType::Standard => {
                adopt(cx, id, inputs, error).await
            }
            Err(error) if error.kind() == Kind::Exists => Err(error.adding(&format!(
                "it may be the one that EKS made for the cluster's creator; import it by its id, {id}"
            ))),
            Err(error) => Err(error),
        }
    }

    async fn read(cx: &Cx, id: &AccessEntryId, last: Option<&State<Self>>) -> Result<Option<Live<Self>>> {
        let Some(entry) = describe(cx, id).await? else {
            return Ok(None);
        };
        let inputs = match last.filter(|last| last.facts.adopted) {
            // EKS's own: it is as it is.
            Some(last) => last.inputs.clone(),
            None => inputs(&entry, policies(cx, id).await?)?,
        };
        Ok(Some(Live {
            inputs,
            outputs: AccessEntryOutputs {
                arn: parse(entry.access_entry_arn(), "accessEntryArn")?,
            },
            pending_mark: false,
        }))
    }

    async fn update(cx: &Cx, id: &AccessEntryId, old: &State<Self>, new: &AccessEntryInputs) -> Result<()> {
        if old.facts.adopted {
            return Ok(());
        }
        let Some(entry) = describe(cx, id).await? else {
            return Err(missing(id));
        };
        let now = inputs(&entry, policies(cx, id).await?)?;
        let renamed = new.username.is_some() && new.username != now.username;
        if now.kubernetes_groups != new.kubernetes_groups || renamed {
            cx.eks()
                .update_access_entry()
                .cluster_name(id.cluster())
                .principal_arn(id.name())
                // An empty list takes all away; none at all would leave them.
                .set_kubernetes_groups(Some(
                    new.kubernetes_groups.clone().unwrap_or_default().into_iter().collect(),
                ))
                .set_username(new.username.clone().filter(|_| renamed))
                .send()
                .await
                .map_err(aws("eks", "UpdateAccessEntry"))?;
        }
        let (none, wanted) = (BTreeSet::new(), new.policies.as_ref());
        let (held, wanted) = (now.policies.as_ref().unwrap_or(&none), wanted.unwrap_or(&none));
        for policy in wanted.difference(held) {
            associate(cx, id, policy).await?;
        }
        for policy in held.difference(wanted) {
            if wanted.iter().all(|other| other.policy_arn != policy.policy_arn) {
                disassociate(cx, id, policy).await?;
            }
        }
        let arn = need(entry.access_entry_arn(), "accessEntryArn")?;
        update_tags(cx, arn, now.tags.as_ref(), new.tags.as_ref()).await
    }

    async fn delete(cx: &Cx, id: &AccessEntryId, state: &State<Self>) -> Result<()> {
        if state.facts.adopted {
            return Ok(());
        }
        cx.eks()
            .delete_access_entry()
            .cluster_name(id.cluster())
            .principal_arn(id.name())
            .send()
            .await
            .map_err(aws("eks", "DeleteAccessEntry"))?;
        Ok(())
    }

    fn outlives_delete(state: &State<Self>) -> bool {
        state.facts.adopted
    }

    async fn find(cx: &Cx, inputs: &AccessEntryInputs) -> Result<Option<AccessEntryId>> {
        ours::<Self>(cx, id(inputs)?, inputs).await
    }
}

fn id(inputs: &AccessEntryInputs) -> Result<AccessEntryId> {
    AccessEntryId::of(inputs.cluster_name.as_str(), inputs.principal_arn.as_str())
        .map_err(|error| Error::Bug(error.to_string()))
}

/// Takes the entry that EKS made for a node group or a Fargate profile as it is; one that an answer before this one made is
/// ours.
async fn adopt(cx: &Cx, id: AccessEntryId, inputs: &AccessEntryInputs, error: Error) -> Result<Created<AccessEntry>> {
    if let Some(id) = ours::<AccessEntry>(cx, id.clone(), inputs).await? {
        return Ok(Created::new(id));
    }
    let kind = describe(cx, &id).await?.and_then(|entry| entry.r#type);
    if kind.as_deref() == Some(inputs.r#type.word()) {
        return Ok(Created::with(id, Adopted { adopted: true }));
    }
    let kind = kind.unwrap_or_default();
    Err(error.adding(&format!(
        "the entry that is there is of type {kind}; import it, or remove it first"
    )))
}

async fn describe(cx: &Cx, id: &AccessEntryId) -> Result<Option<AwsEntry>> {
    let answer = cx
        .eks()
        .describe_access_entry()
        .cluster_name(id.cluster())
        .principal_arn(id.name())
        .send()
        .await
        .map_err(aws("eks", "DescribeAccessEntry"))
        .or_gone()?;
    Ok(answer.and_then(|answer| answer.access_entry))
}

async fn policies(cx: &Cx, id: &AccessEntryId) -> Result<BTreeSet<AccessPolicy>> {
    let mut pages = cx
        .eks()
        .list_associated_access_policies()
        .cluster_name(id.cluster())
        .principal_arn(id.name())
        .into_paginator()
        .send();
    let mut policies = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(aws("eks", "ListAssociatedAccessPolicies"))?;
        for policy in page.associated_access_policies() {
            policies.insert(AccessPolicy {
                policy_arn: parse(policy.policy_arn(), "policyArn")?,
                access_scope: policy.access_scope().map_or(AccessScope::CLUSTER, scope),
            });
        }
    }
    Ok(policies)
}

fn scope(scope: &AwsScope) -> AccessScope {
    if scope.r#type() != Some(&AwsScopeType::Namespace) {
        return AccessScope::CLUSTER;
    }
    AccessScope {
        r#type: AccessScopeType::Namespace,
        namespaces: Some(scope.namespaces().iter().cloned().collect()),
    }
}

async fn associate(cx: &Cx, id: &AccessEntryId, policy: &AccessPolicy) -> Result<()> {
    let AccessScope { r#type, namespaces } = policy.access_scope.clone();
    let scope = AwsScope::builder()
        .r#type(AwsScopeType::from(r#type.word()))
        .set_namespaces(namespaces.map(|names| names.into_iter().collect()))
        .build();
    cx.eks()
        .associate_access_policy()
        .cluster_name(id.cluster())
        .principal_arn(id.name())
        .policy_arn(policy.policy_arn.as_str())
        .access_scope(scope)
        .send()
        .await
        .map_err(aws("eks", "AssociateAccessPolicy"))?;
    Ok(())
}

async fn disassociate(cx: &Cx, id: &AccessEntryId, policy: &AccessPolicy) -> Result<()> {
    cx.eks()
        .disassociate_access_policy()
        .cluster_name(id.cluster())
        .principal_arn(id.name())
        .policy_arn(policy.policy_arn.as_str())
        .send()
        .await
        .map_err(aws("eks", "DisassociateAccessPolicy"))
        .or_gone()?;
    Ok(())
}

/// The inputs as a user would have written them.
fn inputs(entry: &AwsEntry, policies: BTreeSet<AccessPolicy>) -> Result<AccessEntryInputs> {
    let kind: AccessEntryType = choice(entry.r#type().unwrap_or("STANDARD"), "type")?;
    // Groups and name of a node's entry are EKS's own, and cannot be given.
    let given = kind == AccessEntryType::Standard;
    let groups = entry.kubernetes_groups();
    Ok(AccessEntryInputs {
        cluster_name: parse(entry.cluster_name(), "clusterName")?,
        principal_arn: parse(entry.principal_arn(), "principalArn")?,
        r#type: kind,
        kubernetes_groups: (given && !groups.is_empty()).then(|| groups.iter().cloned().collect()),
        username: entry.username.clone().filter(|_| given),
        policies: (!policies.is_empty()).then_some(policies),
        tags: read_tags(entry.tags.clone()),
    })
}

fn missing(id: &AccessEntryId) -> Error {
    let message = format!("{id} does not exist");
    Error::refused(
        "eks",
        "DescribeAccessEntry",
        "ResourceNotFoundException",
        &message,
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_name_of_a_node_are_not_the_users() {
        let entry = |kind: &str| {
            AwsEntry::builder()
                .cluster_name("a")
                .principal_arn("arn:aws:iam::111122223333:role/nodes")
                .r#type(kind)
                .kubernetes_groups("system:nodes")
                .username("system:node:{{EC2PrivateDNSName}}")
                .build()
        };
        let node = inputs(&entry("EC2_LINUX"), BTreeSet::new()).unwrap();
        assert_eq!(
            (node.kubernetes_groups, node.username, node.policies),
            (None, None, None)
        );
        let person = inputs(&entry("STANDARD"), BTreeSet::new()).unwrap();
        assert!(person.kubernetes_groups.is_some() && person.username.is_some());
    }
}
