//! How strictly each rule is meant.

use std::collections::BTreeMap;

use groundwork_contract::check::nearest;
use groundwork_wire::proto::{EnforcementLevel, PolicyConfig};

use crate::Rule;

/// What a rule is unless it is configured.
pub(crate) const DEFAULT: EnforcementLevel = EnforcementLevel::Advisory;

/// A configuration that makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LevelsError {
    #[error("there is no policy `{name}` among {there}{}", .nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    NoRule {
        name: String,
        nearest: Option<&'static str>,
        there: String,
    },
    #[error("policy `{name}` has no property `{property}`; it takes `enforcementLevel` alone")]
    Property { name: String, property: String },
}

/// How strictly each rule is meant; what is not named is advisory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Levels(BTreeMap<&'static str, EnforcementLevel>);

impl Levels {
    /// From the engine's configuration.
    pub(crate) fn new(rules: &[Rule], config: BTreeMap<String, PolicyConfig>) -> Result<Self, LevelsError> {
        let names = || rules.iter().map(|rule| rule.name);
        let mut levels = BTreeMap::new();
        for (name, config) in config {
            let Some(rule) = names().find(|rule| *rule == name) else {
                let nearest = nearest(&name, names());
                let there = names().collect::<Vec<_>>().join(", ");
                return Err(LevelsError::NoRule { name, nearest, there });
            };
            if let Some(property) = config.properties.iter().flat_map(|map| map.fields.keys()).next() {
                let property = property.clone();
                return Err(LevelsError::Property { name, property });
            }
            let level = match config.enforcement_level() {
                // There is nothing that a rule could mend by itself.
                EnforcementLevel::Remediate => EnforcementLevel::Mandatory,
                level => level,
            };
            levels.insert(rule, level);
        }
        Ok(Self(levels))
    }

    /// A rule's level; `None` if it is switched off.
    pub(crate) fn of(&self, rule: &Rule) -> Option<EnforcementLevel> {
        let level = self.0.get(rule.name).copied().unwrap_or(DEFAULT);
        (level != EnforcementLevel::Disabled).then_some(level)
    }
}

#[cfg(test)]
mod tests {
    use groundwork_wire::{PropertyMap, codec};

    use super::*;
    use crate::rules;

    fn levels(config: &[(&str, EnforcementLevel)]) -> Result<Levels, LevelsError> {
        let config = config.iter().map(|(name, level)| {
            let config = PolicyConfig {
                enforcement_level: (*level).into(),
                properties: None,
            };
            ((*name).to_owned(), config)
        });
        Levels::new(rules::ALL, config.collect())
    }

    #[test]
    fn every_rule_is_advisory_until_it_is_configured() {
        for rule in rules::ALL {
            assert_eq!(Levels::default().of(rule), Some(EnforcementLevel::Advisory));
            let mandatory = levels(&[(rule.name, EnforcementLevel::Mandatory)]).unwrap();
            assert_eq!(mandatory.of(rule), Some(EnforcementLevel::Mandatory));
            let remediate = levels(&[(rule.name, EnforcementLevel::Remediate)]).unwrap();
            assert_eq!(remediate.of(rule), Some(EnforcementLevel::Mandatory));
            let disabled = levels(&[(rule.name, EnforcementLevel::Disabled)]).unwrap();
            assert_eq!(disabled.of(rule), None);
            let others = rules::ALL.iter().filter(|other| other.name != rule.name);
            assert!(others.into_iter().all(|other| disabled.of(other).is_some()));
        }
    }

    #[test]
    fn a_slip_is_named_with_what_was_meant() {
        let error = levels(&[("s6-any-group", EnforcementLevel::Disabled)]).unwrap_err();
        assert!(
            error.to_string().contains("did you mean `s6-any-any-group`?"),
            "{error}"
        );
        let error = levels(&[("encryption", EnforcementLevel::Disabled)]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("there is no policy `encryption` among s6-"),
            "{error}"
        );
        let properties = PropertyMap::from([("ports".to_owned(), "22".into())]);
        let config = PolicyConfig {
            enforcement_level: 0,
            properties: Some(codec::to_struct(&properties)),
        };
        let error = Levels::new(rules::ALL, [("s6-any-any-group".to_owned(), config)].into()).unwrap_err();
        assert!(error.to_string().contains("has no property `ports`"), "{error}");
    }
}
