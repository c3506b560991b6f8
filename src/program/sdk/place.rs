//! Where in the program something stands.

use std::{fmt, panic::Location};

use groundwork_wire::proto::{SourcePosition, StackFrame, StackTrace};

/// A line of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(&'static Location<'static>);

impl Place {
    /// The line that called the caller.
    #[track_caller]
    pub(super) const fn caller() -> Self {
        Self(Location::caller())
    }

    /// As the engine takes it: by an absolute path, which it makes relative to the project again.
    pub(super) fn position(self, root: Option<&str>) -> SourcePosition {
        let file = self.0.file();
        let path = if file.starts_with('/') {
            file.to_owned()
        } else {
            format!("{}/{file}", root.unwrap_or_default().trim_end_matches('/'))
        };
        SourcePosition {
            uri: format!("file://{}", escaped(&path)),
            line: i32::try_from(self.0.line()).unwrap_or_default(),
            column: i32::try_from(self.0.column()).unwrap_or_default(),
        }
    }

    /// The one frame of it.
    pub(super) fn trace(self, root: Option<&str>) -> StackTrace {
        StackTrace {
            frames: vec![StackFrame {
                pc: Some(self.position(root)),
            }],
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            for digit in [byte >> 4, byte & 15] {
                escaped.extend(char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_travel_as_urls() {
        assert_eq!(escaped("/a b/ü.rs"), "/a%20b/%C3%BC.rs");
    }

    #[test]
    fn a_position_is_absolute_below_the_project() {
        let position = Place::caller().position(Some("/somewhere/me/platform/"));
        assert!(position.uri.starts_with("file:///somewhere/me/platform/") && position.uri.ends_with("sdk/place.rs"));
        assert!(position.line > 0 && position.column > 0);
    }
}
