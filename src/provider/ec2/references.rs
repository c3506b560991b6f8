//! Rules that refer to a security group: AWS deletes no group as long as a rule of another one does.

use aws_sdk_ec2::types::{Filter, SecurityGroup};

use super::filter;
use crate::{
    cx::Cx,
    error::{Gone, Result, aws},
};

/// The groups with a rule that refers to this one, beside itself.
pub(super) async fn referring(cx: &Cx, group: &str, among: &[Filter]) -> Result<Vec<SecurityGroup>> {
    let mut found: Vec<SecurityGroup> = Vec::new();
    for name in ["ip-permission.group-id", "egress.ip-permission.group-id"] {
        let answer = cx
            .ec2()
            .describe_security_groups()
            .set_filters(Some([&[filter(name, group)], among].concat()))
            .send()
            .await
            .map_err(aws("ec2", "DescribeSecurityGroups"))?;
        for other in answer.security_groups.unwrap_or_default() {
            let known = found.iter().any(|known| known.group_id() == other.group_id());
            if other.group_id() != Some(group) && !known {
                found.push(other);
            }
        }
    }
    Ok(found)
}

/// Revokes the rules that refer to a group, in the groups that these filters leave.
pub(crate) async fn revoke(cx: &Cx, group: &str, among: &[Filter]) -> Result<()> {
    for other in referring(cx, group, among).await? {
        let id = other.group_id().unwrap_or_default();
        let answer = cx
            .ec2()
            .describe_security_group_rules()
            .filters(filter("group-id", id))
            .send()
            .await
            .map_err(aws("ec2", "DescribeSecurityGroupRules"))?;
        let rules = |egress: bool| -> Vec<String> {
            answer
                .security_group_rules()
                .iter()
                .filter(|rule| {
                    let referred = rule.referenced_group_info().and_then(|info| info.group_id());
                    rule.is_egress() == Some(egress) && referred == Some(group)
                })
                .filter_map(|rule| rule.security_group_rule_id().map(str::to_owned))
                .collect()
        };
        let (ingress, egress) = (rules(false), rules(true));
        let told = ingress.len() + egress.len();
        if !ingress.is_empty() {
            cx.ec2()
                .revoke_security_group_ingress()
                .group_id(id)
                .set_security_group_rule_ids(Some(ingress))
                .send()
                .await
                .map_err(aws("ec2", "RevokeSecurityGroupIngress"))
                .or_gone()?;
        }
        if !egress.is_empty() {
            cx.ec2()
                .revoke_security_group_egress()
                .group_id(id)
                .set_security_group_rule_ids(Some(egress))
                .send()
                .await
                .map_err(aws("ec2", "RevokeSecurityGroupEgress"))
                .or_gone()?;
        }
        cx.log.info(
            Some(&cx.urn),
            format!(
                "removed {told} rules of security group {id} ({}) that refer to {group}",
                other.group_name().unwrap_or("?")
            ),
        );
    }
    Ok(())
}
