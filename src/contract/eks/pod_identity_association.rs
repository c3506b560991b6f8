//! A pod identity association.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{ClusterName, PodIdentityAssociationId};
use crate::{Arn, Example, Failure, Tags};

/// A pod identity association: the role that the pods of one service account have.
///
/// Pods get it from the addon `eks-pod-identity-agent` on their node; there is none on Fargate, where IRSA does the same.
#[resource("groundwork:eks:PodIdentityAssociation", PodIdentityAssociationId, example = example, check = check)]
pub struct PodIdentityAssociation;

/// Source: EKS API Reference, `CreatePodIdentityAssociation`; EKS User Guide, "Learn how EKS Pod Identity grants pods access to
/// AWS services".
#[shape]
pub struct PodIdentityAssociationInputs {
    /// The cluster.
    #[immutable]
    pub cluster_name: ClusterName,
    /// The service account's namespace.
    #[immutable]
    pub namespace: String,
    /// The service account. It may come later.
    #[immutable]
    pub service_account: String,
    /// The role, which trusts `pods.eks.amazonaws.com` with `sts:AssumeRole` and `sts:TagSession`.
    pub role_arn: Arn,
    /// A role, perhaps of another account, that EKS takes by way of `roleArn`.
    pub target_role_arn: Option<Arn>,
    /// Whether sessions go without the tags that name cluster, namespace and service account.
    #[default(false)]
    pub disable_session_tags: bool,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What EKS answers.
#[shape(outputs)]
pub struct PodIdentityAssociationOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// EKS's own id of it.
    #[stable]
    pub association_id: String,
    /// The addon that it belongs to, when an addon made it.
    pub owner_arn: Option<Arn>,
    /// What the trust policy of `targetRoleArn` asks for as `sts:ExternalId`.
    pub external_id: Option<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "clusterName": "$groundwork:eks:Cluster",
            "namespace": "kube-system",
            "serviceAccount": "example",
            "roleArn": "$groundwork:iam:Role.arn",
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "disableSessionTags": true,
            "tags": {"Name": "changed", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

fn check(args: &PodIdentityAssociationArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (name, value) in [
        ("namespace", &args.namespace),
        ("serviceAccount", &args.service_account),
    ] {
        if value
            .known()
            .is_some_and(|value| value.is_empty() || value.contains('*'))
        {
            failures.push(Failure::at(
                name,
                "must name one: neither empty nor with `*`; make an association for each service account",
            ));
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eks::tests::reasons;

    #[test]
    fn an_association_is_for_one_service_account() {
        let found = reasons::<PodIdentityAssociation>(json!({
            "clusterName": "a", "namespace": "*", "serviceAccount": "", "roleArn": "arn:aws:iam::111122223333:role/pods",
        }));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
