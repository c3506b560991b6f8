//! An addon.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{AddonId, ClusterName, access_entry::known};
use crate::{Arn, Document, Example, Failure, Tags};

/// An addon: software of AWS's or a vendor's that EKS installs in a cluster and keeps.
///
/// Its name, version and configuration are held against what EKS offers at preview. It is ready when its pods are: one whose
/// pods have no node to run on yet (`DEGRADED`) is waited for.
#[resource("groundwork:eks:Addon", AddonId, example = example, check = check)]
pub struct Addon;

/// Source: EKS API Reference, `CreateAddon`, `UpdateAddon`, `DeleteAddon`; EKS User Guide, "Amazon EKS add-ons".
#[shape]
pub struct AddonInputs {
    /// The cluster.
    #[immutable]
    pub cluster_name: ClusterName,
    /// Its name, such as `coredns`.
    #[immutable]
    pub addon_name: String,
    /// Its version, such as `v1.13.1-eksbuild.1`. When absent, EKS takes its default for the cluster's version of Kubernetes once,
    /// and it stays.
    #[computed]
    pub addon_version: Option<String>,
    /// Its configuration, in the form that `DescribeAddonConfiguration` tells. The order of lists in it is not looked at.
    pub configuration_values: Option<Document>,
    /// What happens at creation to what is in the cluster already, such as the `CoreDNS` that EKS brings along.
    #[create_only]
    #[default(ResolveConflicts::Overwrite)]
    pub resolve_conflicts_on_create: ResolveConflicts,
    /// What happens at an update to what was changed in the cluster.
    #[create_only]
    #[default(ResolveConflicts::Overwrite)]
    pub resolve_conflicts_on_update: ResolveConflicts,
    /// The role of its service account, by way of IRSA. Its pods have the node's role when absent.
    pub service_account_role_arn: Option<Arn>,
    /// The roles of its service accounts, by way of pod identity.
    pub pod_identity_associations: Option<BTreeSet<AddonPodIdentity>>,
    /// The namespace that it is installed in. The addon's own when absent.
    #[immutable]
    #[computed]
    pub namespace: Option<String>,
    /// Whether what it installed stays in the cluster when the addon is deleted.
    #[create_only]
    #[default(false)]
    pub preserve: bool,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What EKS does where its own settings of an addon and the cluster's are in conflict.
#[shape]
pub enum ResolveConflicts {
    /// It gives up.
    #[word("NONE")]
    None,
    /// Its own settings win.
    #[word("OVERWRITE")]
    Overwrite,
    /// The cluster's settings win (updates alone).
    #[word("PRESERVE")]
    Preserve,
}

/// The role of one service account of an addon.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct AddonPodIdentity {
    /// The service account.
    pub service_account: String,
    /// The role, which trusts `pods.eks.amazonaws.com`.
    pub role_arn: Arn,
}

/// What EKS answers.
#[shape(outputs)]
pub struct AddonOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DEGRADED`, `DELETING`, `CREATE_FAILED`, `UPDATE_FAILED` or `DELETE_FAILED`.
    pub status: String,
    /// What is wrong with it, in EKS's words.
    pub issues: Vec<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "clusterName": "$groundwork:eks:Cluster",
            "addonName": "coredns",
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "configurationValues": {"replicaCount": 3},
            "tags": {"Name": "changed", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

fn check(args: &AddonArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if known(args.resolve_conflicts_on_create.as_ref()) == Some(ResolveConflicts::Preserve) {
        failures.push(Failure::at(
            "resolveConflictsOnCreate",
            "cannot be PRESERVE, which is for updates; set OVERWRITE or NONE",
        ));
    }
    if let Some(version) = known(args.addon_version.as_ref())
        && !version.starts_with('v')
    {
        failures.push(Failure::at(
            "addonVersion",
            format!("{version:?} is no addon's version; they look like v1.13.1-eksbuild.1"),
        ));
    }
    if args.service_account_role_arn.is_some() && args.pod_identity_associations.is_some() {
        failures.push(Failure::at(
            "podIdentityAssociations",
            "stands beside serviceAccountRoleArn; give the role by one of the two",
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eks::tests::reasons;

    #[test]
    fn what_eks_refuses_is_told_before() {
        let role = "arn:aws:iam::111122223333:role/addon";
        let found = reasons::<Addon>(json!({
            "clusterName": "a", "addonName": "coredns", "addonVersion": "1.13", "resolveConflictsOnCreate": "PRESERVE",
            "serviceAccountRoleArn": role, "podIdentityAssociations": [{"serviceAccount": "a", "roleArn": role}],
        }));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(reasons::<Addon>(json!({"clusterName": "a", "addonName": "coredns"})).is_empty());
    }
}
