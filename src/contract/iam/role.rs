//! A role.

use std::collections::{BTreeMap, BTreeSet};

use groundwork_contract_derive::{resource, shape};
use groundwork_wire::PropertyPath;
use serde_json::json;

use super::{IamPath, PolicyName, RoleName};
use crate::{Arn, Document, Example, Failure, Input, Tags};

/// A role: what a service, a pod or somebody may do once it has been assumed.
///
/// Its policies are either listed here, and then the lists are all there is, or managed apart by `RolePolicyAttachment`,
/// and then they are not looked at. Whatever is listed here goes when the role goes; what others have attached stands in
/// its way and is named.
#[resource("groundwork:iam:Role", RoleName, example = example, check = check)]
pub struct Role;

/// Source: IAM API Reference, `CreateRole`, `AttachRolePolicy`, `PutRolePolicy`.
#[shape]
pub struct RoleInputs {
    /// Its name, unique in the account. Made up when absent. A role with a name of its own is not replaced before
    /// it has gone: give it another name.
    #[immutable]
    #[autonamed]
    pub name: Option<RoleName>,
    /// Where it stands among the account's names.
    #[immutable]
    #[default(IamPath::root())]
    pub path: IamPath,
    /// What it is for: up to 1,000 characters.
    pub description: Option<String>,
    /// How many seconds a session may last: 3600 to 43200.
    #[default(3600)]
    pub max_session_duration: u32,
    /// Who may assume it.
    pub assume_role_policy: Document,
    /// All managed policies that it has. When absent, they are managed apart and not looked at.
    #[computed]
    pub managed_policy_arns: Option<BTreeSet<Arn>>,
    /// All policies of its own, by name; 10,240 characters together. When absent, they are managed apart and not looked at.
    #[computed]
    pub inline_policies: Option<BTreeMap<String, Document>>,
    /// The policy that bounds what it can be allowed.
    pub permissions_boundary: Option<Arn>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct RoleOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// What tells it from an earlier role of the same name, such as `AROA…`.
    #[stable]
    pub unique_id: String,
}

fn example() -> Example {
    let trust = |services: &[&str]| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole",
        }]})
    };
    // What EKS's examples need of it.
    let all = [
        "ec2.amazonaws.com",
        "eks.amazonaws.com",
        "eks-fargate-pods.amazonaws.com",
        "pods.eks.amazonaws.com",
    ];
    let read = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:DescribeVpcs", "ec2:DescribeSubnets"], "Resource": "*"},
    ]});
    Example {
        inputs: json!({
            "name": "example",
            "path": "/platform/",
            "description": "What a node may do",
            "assumeRolePolicy": trust(&all),
            "managedPolicyArns": [
                "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
                "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
            ],
            "inlinePolicies": {"read": read},
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "description": "What a control plane may do",
            "maxSessionDuration": 7200,
            "assumeRolePolicy": trust(&["eks.amazonaws.com"]),
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"],
            "inlinePolicies": {"look": read},
            "permissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            "tags": {"Name": "changed", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

/// The characters of all policies in a role. Source: IAM User Guide, "IAM and AWS STS quotas".
const INLINE: usize = 10_240;

fn check(args: &RoleArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(seconds) = args.max_session_duration.as_ref().and_then(Input::known)
        && !(3600..=43200).contains(&seconds)
    {
        failures.push(Failure::at(
            "maxSessionDuration",
            format!("is 3600 to 43200 seconds, not {seconds}"),
        ));
    }
    if let Some(text) = args.description.as_ref().and_then(Input::known)
        && text.chars().count() > 1000
    {
        failures.push(Failure::at("description", "has at most 1,000 characters"));
    }
    if let Some(trust) = args.assume_role_policy.known() {
        failures.extend(super::check_document("assumeRolePolicy", &trust));
        if trust.statements().any(|statement| statement.contains_key("Resource")) {
            failures.push(Failure::at(
                "assumeRolePolicy",
                "has no Resource: a trust policy speaks of the role itself; leave it out",
            ));
        }
    }
    let inline: Option<BTreeMap<String, Document>> = args.inline_policies.as_ref().and_then(Input::known);
    let mut size = 0;
    for (name, document) in inline.iter().flatten() {
        let path = PropertyPath::root().key("inlinePolicies").key(name);
        if let Err(error) = name.parse::<PolicyName>() {
            failures.push(Failure::new(path, error.to_string()));
        }
        size += document.size();
    }
    if size > INLINE {
        failures.push(Failure::at(
            "inlinePolicies",
            format!("have {size} characters together, but AWS takes {INLINE}; make some of them a Policy"),
        ));
    }
    failures
}

#[cfg(test)]
mod tests {
    use groundwork_wire::PropertyValue;

    use super::*;
    use crate::descriptor::Descriptor;

    fn paths(inputs: serde_json::Value) -> Vec<String> {
        let PropertyValue::Object(map) = inputs.into() else {
            panic!("an object")
        };
        let descriptor = Descriptor::of::<Role>();
        let failures = descriptor.check(&descriptor.with_defaults(map));
        failures.iter().map(|failure| failure.path.to_string()).collect()
    }

    #[test]
    fn mistakes_of_a_role_are_told_before_it_is_made() {
        let trust = json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}});
        assert!(paths(json!({"assumeRolePolicy": trust})).is_empty());
        let long = json!({"Statement": {"Effect": "Allow", "Action": "a".repeat(11_000), "Resource": "*"}});
        assert_eq!(
            paths(json!({
                "name": "a b", "path": "here", "maxSessionDuration": 60, "inlinePolicies": {"long": long},
                "assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
            })),
            [
                "assumeRolePolicy",
                "inlinePolicies",
                "maxSessionDuration",
                "name",
                "path"
            ]
        );
        assert_eq!(
            paths(json!({"assumeRolePolicy": trust, "inlinePolicies": {"a b": {"Statement": []}}})),
            ["inlinePolicies[\"a b\"]"]
        );
    }

    #[test]
    fn policies_that_are_not_listed_are_no_difference() {
        let with = |more: serde_json::Value| {
            let mut inputs = json!({"name": "a", "assumeRolePolicy": {"Statement": []}});
            inputs
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            PropertyValue::from(inputs).as_object().cloned().unwrap()
        };
        let attached = with(json!({"managedPolicyArns": ["arn:aws:iam::aws:policy/A"], "inlinePolicies": {"a": {}}}));
        let changes = Descriptor::of::<Role>().diff(&attached, &with(json!({})));
        assert!(changes.is_empty(), "{changes:?}");
        let changes = Descriptor::of::<Role>().diff(&attached, &with(json!({"managedPolicyArns": []})));
        assert_eq!(changes.len(), 1);
    }
}
