//! S25: a VPC whose default security group is left as AWS made it.

use groundwork_contract::{
    ec2::{DefaultSecurityGroup, Vpc},
    findings,
};

use crate::{Member, Rule, Stack, Subject};

pub(super) const RULE: Rule = Rule {
    name: "s25-open-default-group",
    finding: &findings::OPEN_DEFAULT_GROUP,
    subject: Subject::Stack(check),
};

/// A VPC whose default group no resource of the stack adopts.
fn check(stack: &Stack) -> Vec<(&Member, String)> {
    let vpcs = stack.unnamed::<Vpc, DefaultSecurityGroup>("vpcId");
    vpcs.map(|vpc| (vpc, "no DefaultSecurityGroup of this VPC in the stack".to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use groundwork_contract::ec2::SecurityGroup;
    use serde_json::json;

    use super::*;

    fn spoken_of(members: Vec<Member>) -> Vec<String> {
        let stack = Stack { members };
        let found = check(&stack).into_iter();
        found.map(|(vpc, _)| vpc.resource.urn.clone()).collect()
    }

    #[test]
    fn it_speaks_of_a_vpc_whose_default_group_nobody_adopts() {
        let (adopted, vpc) = (Member::of::<Vpc>("a", json!({})), Member::of::<Vpc>("b", json!({})));
        let group = Member::of::<DefaultSecurityGroup>("group", json!({})).refer_to("vpcId", &adopted);
        let another = Member::of::<SecurityGroup>("another", json!({})).refer_to("vpcId", &vpc);
        let urn = vpc.resource.urn.clone();
        assert_eq!(spoken_of(vec![group, adopted, vpc, another]), [urn]);
    }

    #[test]
    fn it_is_silent_about_a_vpc_whose_default_group_is_adopted() {
        let vpc = Member::of::<Vpc>("vpc", json!({}));
        let group = Member::of::<DefaultSecurityGroup>("group", json!({})).refer_to("vpcId", &vpc);
        assert!(spoken_of(vec![vpc, group]).is_empty());
        let arn = "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0a";
        let made = Member::of::<Vpc>("vpc", json!({"arn": arn}));
        let group = Member::of::<DefaultSecurityGroup>("group", json!({"vpcId": "vpc-0a"}));
        assert!(spoken_of(vec![made, group]).is_empty());
    }
}
