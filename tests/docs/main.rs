//! The documents, held against what they speak of: every command is run, every link leads somewhere, every table is the
//! code's own, every quotation is still there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod cluster;
mod commands;
#[path = "../support/files.rs"]
mod files;
mod licences;
mod links;
mod markdown;
mod names;
mod network;
mod quotations;
mod sessions;
mod settings;

use std::{fs, path::Path};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents: README.md, ARCHITECTURE.md and those in `docs`.
pub(crate) fn documents() -> Vec<String> {
    let mut names = vec!["README.md".to_owned(), "ARCHITECTURE.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            names.push(format!("docs/{}", path.file_name().unwrap().display()));
        }
    }
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    names
}
