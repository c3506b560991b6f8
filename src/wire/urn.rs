//! URNs and type tokens: parsed, never put together by hand elsewhere.

use std::{fmt, str::FromStr};

/// `urn:pulumi:<stack>::<project>::<qualified type>::<name>`: which resource of which stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urn(String);

/// A text that is no URN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no URN: expected `urn:pulumi:<stack>::<project>::<type>::<name>`")]
pub struct InvalidUrn(pub String);

impl Urn {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, index: usize) -> &str {
        self.0
            .strip_prefix("urn:pulumi:")
            .unwrap_or_default()
            .splitn(4, "::")
            .nth(index)
            .unwrap_or_default()
    }

    /// The stack.
    #[must_use]
    pub fn stack(&self) -> &str {
        self.part(0)
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        self.part(1)
    }

    /// The resource's own type, without its parents' types.
    #[must_use]
    pub fn token(&self) -> &str {
        self.part(2).rsplit('$').next().unwrap_or_default()
    }

    /// The name that the program gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.part(3)
    }
}

impl FromStr for Urn {
    type Err = InvalidUrn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text
            .strip_prefix("urn:pulumi:")
            .ok_or_else(|| InvalidUrn(text.to_owned()))?;
        if rest.splitn(4, "::").count() == 4 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUrn(text.to_owned()))
        }
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
