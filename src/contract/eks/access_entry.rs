//! An access entry.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::{PropertyPath, PropertyValue};
use serde_json::json;

use super::{AccessEntryId, ClusterName};
use crate::{Arn, Example, Failure, Input, Tags};

/// An access entry: what one IAM principal may do in one cluster.
///
/// EKS makes entries by itself for the roles of node groups and Fargate profiles. One of type `EC2_LINUX` or another node
/// type that is there already, with the same role, is taken as it is: it is neither changed nor deleted.
#[resource("groundwork:eks:AccessEntry", AccessEntryId, example = example, check = check)]
pub struct AccessEntry;

/// Source: EKS API Reference, `CreateAccessEntry`, `AssociateAccessPolicy`; EKS User Guide, "Create access entries".
#[shape]
pub struct AccessEntryInputs {
    /// The cluster, whose authentication mode must not be `CONFIG_MAP`.
    #[immutable]
    pub cluster_name: ClusterName,
    /// The role or user.
    #[immutable]
    pub principal_arn: Arn,
    /// What the principal is: `STANDARD` for people and programs, another for nodes.
    #[immutable]
    #[default(AccessEntryType::Standard)]
    pub r#type: AccessEntryType,
    /// The groups that it belongs to in Kubernetes, for its own RBAC. They must not begin with `system:`.
    pub kubernetes_groups: Option<BTreeSet<String>>,
    /// Its name in Kubernetes. EKS makes one from the ARN when absent.
    #[computed]
    pub username: Option<String>,
    /// EKS's own access policies that it has; all others are taken off.
    pub policies: Option<BTreeSet<AccessPolicy>>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What the principal of an access entry is.
#[shape]
pub enum AccessEntryType {
    /// A person or a program.
    #[word("STANDARD")]
    Standard,
    /// The role of Linux nodes on EC2.
    #[word("EC2_LINUX")]
    Ec2Linux,
    /// The role of Windows nodes on EC2.
    #[word("EC2_WINDOWS")]
    Ec2Windows,
    /// The pod execution role of Fargate profiles.
    #[word("FARGATE_LINUX")]
    FargateLinux,
    /// The node role of EKS Auto Mode.
    #[word("EC2")]
    Ec2,
    /// The role of hybrid nodes.
    #[word("HYBRID_LINUX")]
    HybridLinux,
    /// The role of `SageMaker` `HyperPod` nodes.
    #[word("HYPERPOD_LINUX")]
    HyperpodLinux,
}

/// One of EKS's access policies, and where it holds.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct AccessPolicy {
    /// The policy, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy`.
    pub policy_arn: Arn,
    /// Where it holds.
    #[default(AccessScope::CLUSTER)]
    pub access_scope: AccessScope,
}

/// Where an access policy holds.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct AccessScope {
    /// Everywhere, or in some namespaces.
    #[default(AccessScopeType::Cluster)]
    pub r#type: AccessScopeType,
    /// The namespaces, when `type` is `namespace`. A `*` stands for any text.
    pub namespaces: Option<BTreeSet<String>>,
}

impl AccessScope {
    /// The whole cluster.
    pub const CLUSTER: Self = Self {
        r#type: AccessScopeType::Cluster,
        namespaces: None,
    };
}

/// How far an access policy reaches.
#[shape]
pub enum AccessScopeType {
    /// The whole cluster.
    Cluster,
    /// Some namespaces.
    Namespace,
}

/// What EKS answers.
#[shape(outputs)]
pub struct AccessEntryOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "clusterName": "$groundwork:eks:Cluster",
            "principalArn": "$groundwork:iam:Role.arn",
            "kubernetesGroups": ["readers"],
            "policies": [{"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"}],
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "kubernetesGroups": ["readers", "writers"],
            "policies": [{
                "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
                "accessScope": {"type": "namespace", "namespaces": ["team-a"]},
            }],
        }),
        ..Example::default()
    }
}

fn check(args: &AccessEntryArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(arn) = args.principal_arn.known()
        && !(arn.service() == "iam" && (arn.resource().starts_with("role/") || arn.resource().starts_with("user/")))
    {
        failures.push(Failure::at(
            "principalArn",
            format!(
                "must be the ARN of an IAM role or user, but {arn} is none; for `assumed-role/…` name the role itself"
            ),
        ));
    }
    let kind = match &args.r#type {
        None => Some(AccessEntryType::Standard),
        Some(kind) => kind.known(),
    };
    if let Some(kind) = kind.filter(|kind| *kind != AccessEntryType::Standard) {
        let mut only = |given: bool, name: &str| {
            if given {
                failures.push(Failure::at(
                    name,
                    format!("is EKS's choice for an entry of type {kind}; leave it out"),
                ));
            }
        };
        only(args.kubernetes_groups.is_some(), "kubernetesGroups");
        only(args.username.is_some(), "username");
        only(args.policies.is_some() && kind != AccessEntryType::Ec2, "policies");
    }
    for group in known(args.kubernetes_groups.as_ref()).into_iter().flatten() {
        if group.starts_with("system:") {
            failures.push(Failure::at(
                "kubernetesGroups",
                format!(
                    "{group:?} is Kubernetes' own; use an access policy such as AmazonEKSClusterAdminPolicy instead"
                ),
            ));
        }
    }
    if let Some(name) = known(args.username.as_ref())
        && ["system:", "eks:", "aws:", "amazon:", "iam:"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    {
        failures.push(Failure::at(
            "username",
            format!("{name:?} begins with a word that EKS keeps for itself (system:, eks:, aws:, amazon:, iam:); choose another"),
        ));
    }
    failures.extend(check_policies(args.policies.as_ref()));
    failures
}

fn check_policies(policies: Option<&Input<BTreeSet<AccessPolicy>>>) -> Vec<Failure> {
    let path = PropertyPath::root().key("policies");
    let Some(PropertyValue::Array(items)) = policies.map(|policies| policies.peek().plain().clone()) else {
        return Vec::new();
    };
    let mut failures = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, item) in items.into_iter().enumerate() {
        let Some(policy) = Input::<AccessPolicy>::from_property(item).known() else {
            continue;
        };
        let path = path.index(index);
        if policy.policy_arn.service() != "eks" || !policy.policy_arn.resource().starts_with("cluster-access-policy/") {
            failures.push(Failure::new(
                path.key("policyArn"),
                format!(
                    "must be one of EKS's access policies, arn:aws:eks::aws:cluster-access-policy/…, not {}",
                    policy.policy_arn
                ),
            ));
        }
        let named = policy
            .access_scope
            .namespaces
            .as_ref()
            .is_some_and(|names| !names.is_empty());
        let scope = path.key("accessScope");
        match policy.access_scope.r#type {
            AccessScopeType::Namespace if !named => failures.push(Failure::new(
                scope.key("namespaces"),
                "is required for scope namespace: name the namespaces, or take scope cluster",
            )),
            AccessScopeType::Cluster if named => failures.push(Failure::new(
                scope.key("namespaces"),
                "is for scope namespace alone; leave it out, or set type to namespace",
            )),
            _ => {}
        }
        if !seen.insert(policy.policy_arn.clone()) {
            failures.push(Failure::new(
                path,
                format!(
                    "{} is there twice; a policy has one scope: put the namespaces together",
                    policy.policy_arn
                ),
            ));
        }
    }
    failures
}

/// What is known of an optional property.
pub(super) fn known<T: serde::de::DeserializeOwned>(input: Option<&Input<T>>) -> Option<T> {
    input.and_then(Input::known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eks::tests::reasons;

    fn entry(more: &serde_json::Value) -> Vec<String> {
        let mut inputs = json!({"clusterName": "a", "principalArn": "arn:aws:iam::111122223333:role/admin"});
        inputs
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        reasons::<AccessEntry>(inputs)
    }

    #[test]
    fn a_node_entry_is_eks_own_choice() {
        let found = entry(&json!({"type": "EC2_LINUX", "kubernetesGroups": ["a"], "policies": []}));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(entry(&json!({"type": "EC2_LINUX"})).is_empty());
    }

    #[test]
    fn a_session_is_no_principal() {
        let found = entry(&json!({"principalArn": "arn:aws:sts::111122223333:assumed-role/admin/me"}));
        assert!(found[0].contains("name the role itself"), "{found:?}");
    }

    #[test]
    fn groups_of_kubernetes_itself_are_refused_with_the_way_out() {
        let found = entry(&json!({"kubernetesGroups": ["system:masters"]}));
        assert!(found[0].contains("AmazonEKSClusterAdminPolicy"), "{found:?}");
    }

    #[test]
    fn a_policy_holds_in_one_scope() {
        let arn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
        let found = entry(&json!({"policies": [
            {"policyArn": arn, "accessScope": {"type": "namespace"}},
            {"policyArn": arn, "accessScope": {"namespaces": ["a"]}},
            {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        ]}));
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
