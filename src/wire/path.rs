//! Property paths: where in a resource something stands.

use std::{fmt, str::FromStr};

use crate::{PropertyMap, PropertyValue};

/// A path such as `ingress[0].cidrIpv4` or `tags["karpenter.sh/discovery"]`, as Pulumi writes and parses them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PropertyPath(Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A property of an object; `*` also stands for any property or item where paths are compared.
    Key(String),
    /// An item of a list.
    Index(usize),
}

/// A text that is no property path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no property path: {problem}")]
pub struct InvalidPath {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl PropertyPath {
    /// The resource itself.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The path of a property below this one.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// The path of an item below this one.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// Its steps, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// What stands there, looking through secrets and known outputs on the way; the root is no value.
    #[must_use]
    pub fn get<'map>(&self, map: &'map PropertyMap) -> Option<&'map PropertyValue> {
        let (Segment::Key(first), rest) = self.0.split_first()? else {
            return None;
        };
        rest.iter()
            .try_fold(map.get(first)?, |value, segment| match (value.plain(), segment) {
                (PropertyValue::Object(map), Segment::Key(key)) => map.get(key),
                (PropertyValue::Array(items), Segment::Index(index)) => items.get(*index),
                _ => None,
            })
    }

    /// Whether the other path is this one or stands below it, where `*` stands for any step: how `ignoreChanges` and
    /// `replaceOnChanges` mean their paths.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(own, other)| own == other || matches!(own, Segment::Key(key) if key == "*"))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl From<Vec<Segment>> for PropertyPath {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

/// Reads a path as loosely as Pulumi does: keys may follow a dot or stand in `["…"]`, where only `\"` is an escape;
/// stray dots are skipped; `[*]` is the key `*`.
impl FromStr for PropertyPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |problem| InvalidPath {
            text: text.to_owned(),
            problem,
        };
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                rest = after;
            } else if let Some(quoted) = rest.strip_prefix("[\"") {
                let (key, after) = unquote(quoted).ok_or_else(|| invalid("a quoted key has no closing quote"))?;
                rest = after
                    .strip_prefix(']')
                    .ok_or_else(|| invalid("a quoted key has no closing bracket"))?;
                segments.push(Segment::Key(key));
            } else if let Some(bracketed) = rest.strip_prefix('[') {
                let (index, after) = bracketed
                    .split_once(']')
                    .ok_or_else(|| invalid("an index has no closing bracket"))?;
                rest = after;
                segments.push(match index {
                    "*" => Segment::Key("*".to_owned()),
                    index => Segment::Index(index.parse().map_err(|_| invalid("an index is no whole number"))?),
                });
            } else {
                let (key, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
                rest = after;
                segments.push(Segment::Key(key.to_owned()));
            }
        }
        Ok(Self(segments))
    }
}

/// Splits after the closing quote.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut rest = quoted;
    loop {
        if let Some(after) = rest.strip_prefix('"') {
            return Some((key, after));
        }
        if let Some(after) = rest.strip_prefix("\\\"") {
            key.push('"');
            rest = after;
            continue;
        }
        let mut characters = rest.chars();
        key.push(characters.next()?);
        rest = characters.as_str();
    }
}

/// Writes what [`FromStr`] reads back. Pulumi's grammar cannot say one kind of key: one that needs quotes and ends in a
/// backslash.
impl fmt::Display for PropertyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => write!(f, "[\"{}\"]", key.replace('"', "\\\""))?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment() -> impl Strategy<Value = Segment> {
        let sayable = |key: &String| is_plain(key) || !key.ends_with('\\');
        prop_oneof![
            "[a-zA-Z0-9_]{1,8}".prop_map(Segment::Key),
            any::<String>()
                .prop_filter("cannot be said", sayable)
                .prop_map(Segment::Key),
            r#"[\\".\[\]*a]{0,6}"#.prop_filter("cannot be said", sayable).prop_map(Segment::Key),
            any::<usize>().prop_map(Segment::Index),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(segments in prop::collection::vec(segment(), 0..6)) {
            let path = PropertyPath(segments);
            prop_assert_eq!(path.to_string().parse::<PropertyPath>(), Ok(path));
        }

        #[test]
        fn any_text_is_a_path_or_an_error(text in any::<String>()) {
            let _ = text.parse::<PropertyPath>();
        }
    }

    #[test]
    fn paths_read_as_pulumi_reads_them() {
        let key = |key: &str| Segment::Key(key.to_owned());
        for (text, segments) in [
            ("", vec![]),
            ("root", vec![key("root")]),
            ("root.nested", vec![key("root"), key("nested")]),
            (r#"root["nested"].nest"#, vec![key("root"), key("nested"), key("nest")]),
            (
                "root.array[0][1].nested",
                vec![
                    key("root"),
                    key("array"),
                    Segment::Index(0),
                    Segment::Index(1),
                    key("nested"),
                ],
            ),
            (
                r#"root["key with \"escaped\" quotes"]"#,
                vec![key("root"), key("key with \"escaped\" quotes")],
            ),
            (r#"["a.b"][100]"#, vec![key("a.b"), Segment::Index(100)]),
            (
                "root.array[*].field",
                vec![key("root"), key("array"), key("*"), key("field")],
            ),
            (
                r#"tags["karpenter.sh/discovery"]"#,
                vec![key("tags"), key("karpenter.sh/discovery")],
            ),
            ("node-group.a]b", vec![key("node-group"), key("a]b")]),
            (r#"a["\b\\"c"]"#, vec![key("a"), key(r#"\b\"c"#)]),
        ] {
            assert_eq!(text.parse(), Ok(PropertyPath(segments)), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_says_why() {
        for (text, problem) in [
            (r#"a["b"#, "a quoted key has no closing quote"),
            (r#"a["b\"]"#, "a quoted key has no closing quote"),
            (r#"a["b".c"#, "a quoted key has no closing bracket"),
            ("a[0", "an index has no closing bracket"),
            ("a[b]", "an index is no whole number"),
            ("a[-1]", "an index is no whole number"),
            ("a[]", "an index is no whole number"),
        ] {
            assert_eq!(
                text.parse::<PropertyPath>(),
                Err(InvalidPath {
                    text: text.to_owned(),
                    problem
                })
            );
        }
    }

    #[test]
    fn a_value_is_found_through_secrets_and_outputs() {
        let inner = PropertyValue::Array(vec![PropertyValue::Object([("c.d".to_owned(), "x".into())].into())]);
        let map: PropertyMap = [
            (
                "a".to_owned(),
                PropertyValue::secret(PropertyValue::Object([("b".to_owned(), inner)].into())),
            ),
            ("unknown".to_owned(), PropertyValue::UNKNOWN),
        ]
        .into();
        let at = |path: &str| path.parse::<PropertyPath>().unwrap().get(&map).cloned();
        assert_eq!(at(r#"a.b[0]["c.d"]"#), Some("x".into()));
        assert_eq!(at("a.b[1]"), None);
        assert_eq!(at("a.b.c"), None);
        assert_eq!(at("[0]"), None);
        assert_eq!(at(""), None);
        assert_eq!(at("unknown"), Some(PropertyValue::UNKNOWN));
        assert_eq!(at("unknown.below"), None);
    }

    #[test]
    fn a_star_contains_every_step() {
        let contains = |outer: &str, inner: &str| {
            outer
                .parse::<PropertyPath>()
                .unwrap()
                .contains(&inner.parse::<PropertyPath>().unwrap())
        };
        assert!(contains("a", "a.b"));
        assert!(contains(r#"a["b"][1]"#, "a.b[1].c"));
        assert!(contains("a[*].c", "a[3].c.d"));
        assert!(contains("*", "anything[0]"));
        assert!(contains("", "a"));
        assert!(!contains("a.b", "a"));
        assert!(!contains("a[0]", "a[1]"));
        assert!(!contains("a[*].c", "a[3].d"));
    }
}
