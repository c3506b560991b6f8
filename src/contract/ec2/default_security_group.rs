//! The default security group of a VPC.

use std::collections::BTreeSet;

use groundwork_contract_derive::{resource, shape};
use serde_json::json;

use super::{InlineRule, SecurityGroupId, VpcId, inline_rule::check_rules};
use crate::{Arn, Example, Failure, Tags};

/// The security group that a VPC is born with, and that things without a group of their own get.
///
/// It is adopted, not made: its rules become the ones given here, none unless they are listed. AWS's own rules let its
/// members reach each other and everything else, which is why CIS (EC2.2) asks for a group without rules. Deleting this
/// resource leaves the group as it is; it disappears with its VPC.
#[resource("groundwork:ec2:DefaultSecurityGroup", SecurityGroupId, example = example, check = check)]
pub struct DefaultSecurityGroup;

/// Source: Amazon VPC User Guide, "Default security groups for your VPCs".
#[shape]
pub struct DefaultSecurityGroupInputs {
    /// The VPC.
    #[immutable]
    pub vpc_id: VpcId,
    /// All rules for what comes in.
    #[default(BTreeSet::new())]
    pub ingress: BTreeSet<InlineRule>,
    /// All rules for what goes out.
    #[default(BTreeSet::new())]
    pub egress: BTreeSet<InlineRule>,
    /// Tags.
    pub tags: Option<Tags>,
}

/// What AWS answers.
#[shape(outputs)]
pub struct DefaultSecurityGroupOutputs {
    /// The ARN.
    #[stable]
    pub arn: Arn,
    /// The account that owns it.
    #[stable]
    pub owner_id: String,
    /// Its name: `default`.
    #[stable]
    pub name: String,
    /// Its description, which AWS chose.
    #[stable]
    pub description: String,
}

fn example() -> Example {
    Example {
        inputs: json!({"vpcId": "$groundwork:ec2:Vpc", "tags": {"Name": "unused"}}),
        update: json!({
            "ingress": [{"protocol": "-1", "self": true, "description": "Each other"}],
            "tags": {"Name": "changed"},
        }),
        ..Example::default()
    }
}

fn check(args: &DefaultSecurityGroupArgs) -> Vec<Failure> {
    let mut failures = check_rules("ingress", args.ingress.as_ref());
    failures.extend(check_rules("egress", args.egress.as_ref()));
    failures
}
