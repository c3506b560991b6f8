//! URNs and type tokens: parsed, never put together by hand elsewhere.

use std::{fmt, str::FromStr};

const PREFIX: &str = "urn:pulumi:";
const DELIMITER: &str = "::";
const STACK: &str = "pulumi:pulumi:Stack";

/// `urn:pulumi:<stack>::<project>::<qualified type>::<name>`: which resource of which stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Urn(String);

/// A text that is no URN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no URN: expected `urn:pulumi:<stack>::<project>::<type>::<name>`")]
pub struct InvalidUrn(pub String);

impl Urn {
    /// The URN that the engine gives to a resource; a parent's type becomes part of the qualified type, except the
    /// stack's own.
    ///
    /// # Errors
    /// When stack or project hold a `::`, and the parts could not be told apart again.
    pub fn new(
        stack: &str,
        project: &str,
        parent: Option<&Self>,
        token: &Token,
        name: &str,
    ) -> Result<Self, InvalidUrn> {
        let parent = parent.map(Self::qualified_type).filter(|parent| *parent != STACK);
        let qualified = parent.map_or_else(|| token.to_string(), |parent| format!("{parent}${token}"));
        let urn = Self(format!(
            "{PREFIX}{stack}{DELIMITER}{project}{DELIMITER}{qualified}{DELIMITER}{name}"
        ));
        let kept = urn.stack() == stack && urn.project() == project && urn.name() == name;
        if kept { Ok(urn) } else { Err(InvalidUrn(urn.0)) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, index: usize) -> &str {
        self.0
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .splitn(4, DELIMITER)
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

    /// The resource's type with its parents' types before it, outermost first: `parent$own`.
    #[must_use]
    pub fn qualified_type(&self) -> &str {
        self.part(2)
    }

    /// The resource's own type, without its parents' types.
    #[must_use]
    pub fn token(&self) -> &str {
        self.qualified_type().rsplit('$').next().unwrap_or_default()
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
        let rest = text.strip_prefix(PREFIX).ok_or_else(|| InvalidUrn(text.to_owned()))?;
        if rest.splitn(4, DELIMITER).count() == 4 {
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

/// `<package>:<module>:<name>`: a resource type or a function, such as `groundwork:ec2:Vpc`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    package: String,
    module: String,
    name: String,
}

/// A text that is no type token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no type token: expected `<package>:<module>:<name>`")]
pub struct InvalidToken(pub String);

impl Token {
    /// The package: which provider knows the type.
    #[must_use]
    pub fn package(&self) -> &str {
        &self.package
    }

    /// The module within the package.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The type's or function's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = |part: Option<&str>| {
            part.filter(|part| !part.is_empty() && !part.contains(char::is_whitespace) && !part.contains('$'))
                .map(str::to_owned)
        };
        let mut parts = text.split(':');
        match (part(parts.next()), part(parts.next()), part(parts.next()), parts.next()) {
            (Some(package), Some(module), Some(name), None) => Ok(Self { package, module, name }),
            _ => Err(InvalidToken(text.to_owned())),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.package, self.module, self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> impl Strategy<Value = Token> {
        "[a-z][a-z0-9-]{0,8}:[a-z][a-z0-9/]{0,8}:[A-Z][A-Za-z0-9]{0,8}".prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn a_urn_keeps_its_parts(stack in "[a-z.-]{1,8}", project in "[a-z.-]{1,8}", parent in token(), own in token(), name in any::<String>()) {
            let parent = Urn::new(&stack, &project, None, &parent, "parent").unwrap();
            let urn = Urn::new(&stack, &project, Some(&parent), &own, &name).unwrap();
            prop_assert_eq!((urn.stack(), urn.project(), urn.name()), (stack.as_str(), project.as_str(), name.as_str()));
            prop_assert_eq!(urn.token(), own.to_string());
            prop_assert_eq!(urn.qualified_type(), format!("{}${own}", parent.token()));
            prop_assert_eq!(urn.as_str().parse(), Ok(urn.clone()));
        }

        #[test]
        fn any_text_is_a_urn_or_an_error(text in any::<String>()) {
            let _ = text.parse::<Urn>();
            let _ = format!("urn:pulumi:{text}").parse::<Urn>().map(|urn| (urn.token().len(), urn.name().len()));
        }

        #[test]
        fn a_token_reads_back(token in token()) {
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }

        #[test]
        fn any_text_is_a_token_or_an_error(text in any::<String>()) {
            if let Ok(token) = text.parse::<Token>() {
                prop_assert_eq!(token.to_string(), text);
            }
        }
    }

    #[test]
    fn the_stack_is_nobodys_type_prefix() {
        let stack = Urn::new("dev", "platform", None, &STACK.parse().unwrap(), "platform-dev").unwrap();
        let vpc = Urn::new(
            "dev",
            "platform",
            Some(&stack),
            &"groundwork:ec2:Vpc".parse().unwrap(),
            "main",
        )
        .unwrap();
        assert_eq!(vpc.as_str(), "urn:pulumi:dev::platform::groundwork:ec2:Vpc::main");
    }

    #[test]
    fn a_name_may_hold_delimiters_and_a_project_may_not() {
        let token: Token = "a:b:C".parse().unwrap();
        assert_eq!(Urn::new("s", "p", None, &token, "x::y").unwrap().name(), "x::y");
        assert!(Urn::new("s", "p::q", None, &token, "x").is_err());
        assert!(Urn::new("s:", ":p", None, &token, "x").is_err());
    }

    #[test]
    fn what_is_no_urn_or_token_is_refused() {
        for text in ["", "urn:pulumi:a::b::c", "urn:aws:a::b::c::d", "arn:aws:iam::1:role/x"] {
            assert_eq!(text.parse::<Urn>(), Err(InvalidUrn(text.to_owned())));
        }
        for text in ["", "a:b", "a:b:c:d", "a::c", ":b:c", "a:b:", "a:b:c d", "a:b:c$d"] {
            assert_eq!(text.parse::<Token>(), Err(InvalidToken(text.to_owned())));
        }
    }
}
