//! A Fargate profile.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{ClusterName, FargateProfileId, access_entry::known};
use crate::{Arn, Example, Failure, Tags, ec2::SubnetId};

/// A Fargate profile: which pods of a cluster run on Fargate, without nodes.
///
/// EKS makes and deletes one profile of a cluster at a time; several wait for each other. Nothing of it can be changed but its
/// tags.
#[resource("groundwork:eks:FargateProfile", FargateProfileId, example = example, check = check)]
pub struct FargateProfile;

/// Source: EKS API Reference, `CreateFargateProfile`; EKS User Guide, "Define which Pods use AWS Fargate when launched".
#[shape]
pub struct FargateProfileInputs {
    /// The cluster.
    #[immutable]
    pub cluster_name: ClusterName,
    /// Its name: up to 100 characters, not beginning with `eks-`. Made up when absent.
    #[immutable]
    #[autonamed]
    pub fargate_profile_name: Option<String>,
    /// The role that pods' images are fetched and logs are written with. It trusts `eks-fargate-pods.amazonaws.com`, and must
    /// outlive the profile.
    #[immutable]
    pub pod_execution_role_arn: Arn,
    /// The subnets that pods run in: private ones, without a route to an internet gateway.
    #[immutable]
    pub subnets: BTreeSet<SubnetId>,
    /// Which pods: those that one of 1 to 5 selectors fits.
    #[immutable]
    pub selectors: BTreeSet<FargateSelector>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// Which pods run on Fargate: those of a namespace that have all the labels.
#[shape]
#[derive(Eq, PartialOrd, Ord)]
pub struct FargateSelector {
    /// The namespace. A `*` stands for any text.
    pub namespace: String,
    /// Up to five labels. All pods of the namespace when absent.
    pub labels: Option<BTreeMap<String, String>>,
}

/// What EKS answers.
#[shape(outputs)]
pub struct FargateProfileOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// `CREATING`, `ACTIVE`, `DELETING`, `CREATE_FAILED` or `DELETE_FAILED`.
    pub status: String,
    /// What is wrong with it, in EKS's words.
    pub issues: Vec<String>,
}

fn example() -> Example {
    Example {
        inputs: json!({
            "clusterName": "$groundwork:eks:Cluster",
            "fargateProfileName": "example",
            "podExecutionRoleArn": "$groundwork:iam:Role.arn",
            "subnets": ["$groundwork:ec2:Subnet"],
            "selectors": [{"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}, {"namespace": "batch-*"}],
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({"tags": {"Name": "changed", "groundwork:stamp": "$groundwork:index:Stamp"}}),
        ..Example::default()
    }
}

fn check(args: &FargateProfileArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(name) = known(args.fargate_profile_name.as_ref()) {
        if name.starts_with("eks-") {
            failures.push(Failure::at(
                "fargateProfileName",
                format!("{name:?} begins with eks-, which EKS keeps for itself; choose another name"),
            ));
        }
        failures.extend(super::node_group_check::part_name("fargateProfileName", &name, 100));
    }
    if args.subnets.known().is_some_and(|subnets| subnets.is_empty()) {
        failures.push(Failure::at("subnets", "is empty; name at least one private subnet"));
    }
    if let Some(selectors) = args.selectors.known() {
        if selectors.is_empty() || selectors.len() > 5 {
            failures.push(Failure::at(
                "selectors",
                format!(
                    "has {} selectors; a profile takes 1 to 5: make another profile for more",
                    selectors.len()
                ),
            ));
        }
        for selector in &selectors {
            if selector.namespace.is_empty() {
                failures.push(Failure::at(
                    "selectors",
                    "a selector needs a namespace; `*` stands for every one",
                ));
            }
            let labels = selector.labels.as_ref().map_or(0, BTreeMap::len);
            if labels > 5 {
                failures.push(Failure::at(
                    "selectors",
                    format!("the selector of {} has {labels} labels; it takes 5", selector.namespace),
                ));
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eks::tests::reasons;

    fn profile(name: &str, selectors: &serde_json::Value) -> Vec<String> {
        reasons::<FargateProfile>(json!({
            "clusterName": "a", "fargateProfileName": name, "subnets": ["subnet-1"], "selectors": selectors,
            "podExecutionRoleArn": "arn:aws:iam::111122223333:role/pods",
        }))
    }

    #[test]
    fn a_profile_has_one_to_five_selectors_and_a_name_of_its_own() {
        assert!(profile("system", &json!([{"namespace": "kube-system"}])).is_empty());
        assert!(profile("eks-system", &json!([{"namespace": "kube-system"}]))[0].contains("eks-"));
        assert!(profile("system", &json!([]))[0].contains("1 to 5"));
        let six: Vec<_> = (0..6).map(|n| json!({"namespace": format!("n{n}")})).collect();
        assert!(profile("system", &json!(six))[0].contains("has 6"));
        let labels: BTreeMap<_, _> = (0..6).map(|n| (format!("l{n}"), "a")).collect();
        assert!(profile("system", &json!([{"namespace": "a", "labels": labels}]))[0].contains("takes 5"));
    }
}
