//! Tags. Source: Tagging AWS Resources User Guide, "Tag naming limits and requirements".

use std::collections::BTreeMap;

use groundwork_wire::{PropertyPath, PropertyValue};

use crate::check::Failure;

/// A resource's tags.
pub type Tags = BTreeMap<String, String>;

/// The tag that a resource carries from its creation until the engine's state has its id.
pub const PENDING: &str = "groundwork:pending";

/// The tag that everything of one platform carries: the id of its `groundwork:index:Stamp`.
pub const STAMP: &str = "groundwork:stamp";

/// The tag of what may stay when its platform goes, whatever its value.
pub const KEEP: &str = "groundwork:keep";

/// Whether a tag is none of the user's: AWS's own, and the one above.
pub fn is_system(key: &str) -> bool {
    key.starts_with("aws:") || key == PENDING
}

/// The user's tags among these.
pub fn of_the_user(tags: Tags) -> Tags {
    tags.into_iter().filter(|(key, _)| !is_system(key)).collect()
}

/// Holds tags against AWS's rules. What is unknown is skipped.
pub(crate) fn check(path: &PropertyPath, tags: &PropertyValue) -> Vec<Failure> {
    let Some(map) = tags.as_object() else { return Vec::new() };
    let mut failures = Vec::new();
    if map.len() > 49 {
        failures.push(Failure::new(
            path.clone(),
            format!("has {} tags; a resource takes 50, one of them ours", map.len()),
        ));
    }
    for (key, value) in map {
        let mut fail = |reason: String| failures.push(Failure::new(path.key(key), reason));
        if key.is_empty() || key.chars().count() > 128 {
            fail("a tag's key has 1 to 128 characters".to_owned());
        }
        if is_system(key) {
            fail("is reserved: choose a key that does not begin with `aws:` or equal `groundwork:pending`".to_owned());
        }
        if value.as_str().is_some_and(|text| text.chars().count() > 256) {
            fail("a tag's value has at most 256 characters".to_owned());
        }
    }
    failures
}
