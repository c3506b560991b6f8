//! What a resource accepts about itself.

use groundwork_contract::findings::Finding;
use groundwork_wire::{PropertyMap, PropertyValue};

/// The tag by which a resource accepts findings: their ids, apart from each other by spaces.
///
/// It works on every resource that AWS lets carry tags, for every rule, and for the resource that carries it alone: a
/// group's tag says nothing about a rule that is a resource by itself.
pub const ACCEPTS: &str = "groundwork:accepts";

/// Whether a resource accepts a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It does.
    Accepted,
    /// It does not.
    Open,
    /// Its tags are not known yet.
    Unknown,
}

impl Acceptance {
    /// What a resource's tags say about a finding.
    #[must_use]
    pub fn of(finding: &Finding, properties: &PropertyMap) -> Self {
        match properties.get("tags").map(PropertyValue::plain) {
            Some(PropertyValue::Unknown(_)) => Self::Unknown,
            Some(PropertyValue::Object(tags)) => match tags.get(ACCEPTS).map(PropertyValue::plain) {
                Some(PropertyValue::Unknown(_)) => Self::Unknown,
                Some(PropertyValue::String(ids)) if names(ids, finding.id) => Self::Accepted,
                _ => Self::Open,
            },
            _ => Self::Open,
        }
    }
}

/// Whether an id is among those in a tag's value; AWS has its own mind about punctuation in tags, so any will do.
fn names(ids: &str, id: &str) -> bool {
    ids.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use groundwork_contract::findings::{NO_FLOW_LOGS, OPEN_DEFAULT_GROUP};

    use super::*;

    fn tagged(tags: impl Into<PropertyValue>) -> PropertyMap {
        [("tags".to_owned(), tags.into())].into()
    }

    fn with(value: impl Into<PropertyValue>) -> PropertyMap {
        tagged(PropertyMap::from([(ACCEPTS.to_owned(), value.into())]))
    }

    #[test]
    fn a_tag_accepts_the_findings_that_it_names() {
        for ids in ["S22", "s22", "S25 S22", "S25,S22", "S25:S22/C1"] {
            assert_eq!(Acceptance::of(&NO_FLOW_LOGS, &with(ids)), Acceptance::Accepted, "{ids}");
        }
        assert_eq!(
            Acceptance::of(&OPEN_DEFAULT_GROUP, &with("S25 S22")),
            Acceptance::Accepted
        );
        assert_eq!(
            Acceptance::of(&NO_FLOW_LOGS, &with(PropertyValue::secret("S22".into()))),
            Acceptance::Accepted
        );
    }

    #[test]
    fn a_tag_accepts_nothing_else() {
        for ids in ["", "S2", "S222", "S25", "all"] {
            assert_eq!(Acceptance::of(&NO_FLOW_LOGS, &with(ids)), Acceptance::Open, "{ids}");
        }
        assert_eq!(Acceptance::of(&NO_FLOW_LOGS, &PropertyMap::new()), Acceptance::Open);
        assert_eq!(
            Acceptance::of(&NO_FLOW_LOGS, &tagged(PropertyValue::Null)),
            Acceptance::Open
        );
    }

    #[test]
    fn what_is_not_known_yet_is_neither() {
        assert_eq!(
            Acceptance::of(&NO_FLOW_LOGS, &tagged(PropertyValue::UNKNOWN)),
            Acceptance::Unknown
        );
        assert_eq!(
            Acceptance::of(&NO_FLOW_LOGS, &with(PropertyValue::UNKNOWN)),
            Acceptance::Unknown
        );
        let other_tag = PropertyMap::from([("groundwork:stamp".to_owned(), PropertyValue::UNKNOWN)]);
        assert_eq!(Acceptance::of(&NO_FLOW_LOGS, &tagged(other_tag)), Acceptance::Open);
    }
}
