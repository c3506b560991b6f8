//! S22: a VPC whose traffic nobody writes down.

use groundwork_contract::{
    ec2::{FlowLog, Vpc},
    findings,
};

use crate::{Member, Rule, Stack, Subject};

pub(super) const RULE: Rule = Rule {
    name: "s22-no-flow-logs",
    finding: &findings::NO_FLOW_LOGS,
    subject: Subject::Stack(check),
};

/// A VPC that no flow log of the stack watches; one of a subnet or an interface is none of the VPC.
fn check(stack: &Stack) -> Vec<(&Member, String)> {
    let vpcs = stack.unnamed::<Vpc, FlowLog>("resourceId");
    vpcs.map(|vpc| (vpc, "no FlowLog of this VPC in the stack".to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use groundwork_contract::ec2::Subnet;
    use serde_json::json;

    use super::*;

    fn spoken_of(members: Vec<Member>) -> Vec<String> {
        let stack = Stack { members };
        let found = check(&stack).into_iter();
        found.map(|(vpc, _)| vpc.resource.urn.clone()).collect()
    }

    #[test]
    fn it_speaks_of_a_vpc_that_no_flow_log_watches() {
        let (watched, vpc) = (Member::of::<Vpc>("a", json!({})), Member::of::<Vpc>("b", json!({})));
        let subnet = Member::of::<Subnet>("subnet", json!({})).refer_to("vpcId", &vpc);
        let of_subnet = Member::of::<FlowLog>("log", json!({})).refer_to("resourceId", &subnet);
        let of_other = Member::of::<FlowLog>("other", json!({})).refer_to("resourceId", &watched);
        let urn = vpc.resource.urn.clone();
        assert_eq!(spoken_of(vec![watched, vpc, subnet, of_subnet, of_other]), [urn]);
    }

    #[test]
    fn it_is_silent_about_a_vpc_that_one_watches() {
        let vpc = Member::of::<Vpc>("vpc", json!({}));
        let log = Member::of::<FlowLog>("log", json!({})).refer_to("resourceId", &vpc);
        assert!(spoken_of(vec![log, vpc]).is_empty());
        let arn = "arn:aws:ec2:eu-central-1:111122223333:vpc/vpc-0a";
        let made = Member::of::<Vpc>("vpc", json!({"arn": arn}));
        let log = Member::of::<FlowLog>("log", json!({"resourceId": "vpc-0a"}));
        assert!(spoken_of(vec![made, log]).is_empty());
        assert!(spoken_of(Vec::new()).is_empty());
    }
}
