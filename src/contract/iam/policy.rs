//! A managed policy.

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{IamPath, PolicyName};
use crate::{Arn, Document, Example, Failure, Input, Tags};

/// A managed policy: what whoever has it may do.
///
/// AWS keeps five versions of it. A change makes a new one the policy that holds, and the oldest goes when there are five.
#[resource("groundwork:iam:Policy", Arn, example = example, check = check)]
pub struct Policy;

/// Source: IAM API Reference, `CreatePolicy`, `CreatePolicyVersion`.
#[shape]
pub struct PolicyInputs {
    /// Its name, unique in the account. Made up when absent.
    #[immutable]
    #[autonamed]
    pub name: Option<PolicyName>,
    /// Where it stands among the account's names.
    #[immutable]
    #[default(IamPath::root())]
    pub path: IamPath,
    /// What it is for: up to 1,000 characters. AWS cannot change it.
    #[immutable]
    pub description: Option<String>,
    /// What it allows: up to 6,144 characters without white space.
    pub policy: Document,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct PolicyOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// What tells it from an earlier policy of the same name, such as `ANPA…`.
    #[stable]
    pub policy_id: String,
    /// The version that holds, such as `v2`.
    pub default_version_id: String,
}

/// The characters of a managed policy, white space aside. Source: IAM User Guide, "IAM and AWS STS quotas".
pub const MANAGED_POLICY_SIZE: usize = 6144;

fn example() -> Example {
    let allow = |action: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [action], "Resource": "*"}]});
    Example {
        inputs: json!({
            "name": "example",
            "description": "Looks at the network",
            "policy": allow("ec2:DescribeVpcs"),
            "tags": {"Name": "example", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        update: json!({
            "policy": allow("ec2:DescribeSubnets"),
            "tags": {"Name": "changed", "team": "platform", "groundwork:stamp": "$groundwork:index:Stamp"},
        }),
        ..Example::default()
    }
}

fn check(args: &PolicyArgs) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(text) = args.description.as_ref().and_then(Input::known)
        && text.chars().count() > 1000
    {
        failures.push(Failure::at("description", "has at most 1,000 characters"));
    }
    if let Some(document) = args.policy.known() {
        failures.extend(check_document("policy", &document));
        let size = document.size();
        if size > MANAGED_POLICY_SIZE {
            failures.push(Failure::at(
                "policy",
                format!("has {size} characters, but AWS takes {MANAGED_POLICY_SIZE}; make two policies of it"),
            ));
        }
    }
    failures
}

/// What AWS would refuse of any policy document.
pub(crate) fn check_document(property: &str, document: &Document) -> Option<Failure> {
    (!document
        .as_json()
        .as_object()
        .is_some_and(|map| map.contains_key("Statement")))
    .then(|| {
        Failure::at(
            property,
            "has no Statement: a policy document is {\"Version\": …, \"Statement\": […]}",
        )
    })
}

#[cfg(test)]
mod tests {
    use groundwork_wire::PropertyValue;

    use super::*;
    use crate::descriptor::Descriptor;

    #[test]
    fn a_policy_that_is_too_long_is_told_before_it_is_made() {
        let reasons = |policy: serde_json::Value| -> Vec<String> {
            let inputs = PropertyValue::from(json!({"name": "a", "policy": policy}));
            let failures = Descriptor::of::<Policy>().check(inputs.as_object().unwrap());
            failures.into_iter().map(|failure| failure.reason).collect()
        };
        let actions =
            |count: usize| json!({"Statement": [{"Effect": "Allow", "Action": vec!["ec2:DescribeVpcs"; count]}]});
        assert!(reasons(actions(10)).is_empty());
        assert!(reasons(actions(400)).iter().all(|reason| reason.contains("6144")));
        assert_eq!(reasons(actions(400)).len(), 1);
        assert_eq!(reasons(json!({"Version": "2012-10-17"})).len(), 1);
    }
}
