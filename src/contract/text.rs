//! Text that is parsed at the door: ids, ARNs, regions, address ranges.

/// Declares a type of text with a form of its own.
///
/// Shape: a JSON string. Serde refuses text of another form, and stores the canonical spelling.
#[macro_export]
macro_rules! text_type {
    ($(#[$docs:meta])* $name:ident, $what:literal, $example:expr, $parse:expr) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::Malformed;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let parse: fn(&str) -> Result<String, String> = $parse;
                parse(text).map(Self).map_err(|why| $crate::text::Malformed { given: text.to_owned(), what: $what, why })
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $crate::shape::Shape for $name {
            fn spec() -> $crate::shape::Spec {
                $crate::shape::Spec::Text($crate::shape::TextSpec { what: $what, example: $example, parse: $parse })
            }
        }

        impl $crate::Text for $name {
            type Error = $crate::text::Malformed;

            fn from_text(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

/// Text of another form than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}: {why}")]
pub struct Malformed {
    /// What was given.
    pub given: String,
    /// What was asked for.
    pub what: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// Parses `<prefix>-<hex>`, the form of EC2's ids.
pub(crate) fn ec2_id(text: &str, prefix: &str) -> Result<String, String> {
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    match digits {
        Some(digits)
            if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!("expected `{prefix}-` and lower-case hexadecimal digits")),
    }
}

/// Declares the ids of EC2's kinds.
#[macro_export]
macro_rules! ec2_ids {
    ($($(#[$docs:meta])* $name:ident $prefix:literal $what:literal;)+) => {$(
        $crate::text_type!(
            $(#[$docs])* $name, $what, concat!($prefix, "-0123456789abcdef0"),
            |text| $crate::text::ec2_id(text, $prefix)
        );
    )+};
}
