//! The rules, one file each: functions over typed inputs. What is unknown is skipped.

mod any_any_group;
mod no_flow_logs;
mod open_default_group;
mod open_egress;
mod open_endpoint;
mod traffic;
mod wide_source;

use crate::Rule;

/// Every rule, in the order of the findings.
pub const ALL: &[Rule] = &[
    any_any_group::RULE,
    wide_source::RULE,
    open_egress::RULE,
    open_endpoint::RULE,
    no_flow_logs::RULE,
    open_default_group::RULE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_after_its_finding_and_no_other() {
        let mut names: Vec<_> = ALL.iter().map(|rule| rule.name).collect();
        for rule in ALL {
            let prefix = format!("{}-", rule.finding.id.to_lowercase());
            assert!(rule.name.starts_with(&prefix), "{} of {}", rule.name, rule.finding.id);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
