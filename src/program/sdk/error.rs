//! What a program stops with.

use std::fmt;

use groundwork_contract::OutputError;

use super::place::Place;

/// What a program and its parts answer.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why a program stops, and the line where it stopped.
///
/// Any error becomes one through `?`, which notes the line. It is deliberately no `std::error::Error` itself: nothing
/// but the SDK looks at it.
pub struct Error {
    message: String,
    causes: Vec<String>,
    place: Place,
    /// Nothing is left to tell: the engine, or a registration, has told it.
    reported: bool,
}

impl Error {
    /// An error of the program's own.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            place: Place::caller(),
            reported: false,
        }
    }

    /// What there is to tell, unless it has been told.
    pub(super) fn untold(&self) -> Option<String> {
        (!self.reported).then(|| {
            let mut text = format!("{}: {}", self.place, self.message);
            for cause in &self.causes {
                text.push_str("\n  because ");
                text.push_str(cause);
            }
            text
        })
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        let any: &(dyn std::error::Error + 'static) = &error;
        let reported = any.downcast_ref::<OutputError>().is_some_and(|error| !error.claim());
        Self {
            message: error.to_string(),
            causes,
            place: Place::caller(),
            reported,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.place)
    }
}
