//! What a plain `cargo test` shows.

use std::io::{self, Write as _};

/// Tells something although the test succeeds: what the print macros say is then captured, standard error is not.
pub(crate) fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
