//! The files that the crate carries inside itself (see `build.rs`), and their way back to disk.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, Result};

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A file: its path inside its folder, with `/`, and its bytes.
pub(crate) type File = (&'static str, &'static [u8]);

/// The files of one folder: `tools/<name>`, `aws` or `charts`.
pub(crate) fn folder(name: &str) -> Vec<File> {
    let inside = |path: &'static str| path.strip_prefix(name)?.strip_prefix('/');
    FILES
        .iter()
        .filter_map(|(path, bytes)| Some((inside(path)?, *bytes)))
        .collect()
}

/// Twelve hexadecimal digits that name exactly these parts, in this order.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length first: `ab` + `c` is not `a` + `bc`.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(6)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// What [`digest`] takes, for files.
pub(crate) fn parts(files: &[File]) -> impl Iterator<Item = &'static [u8]> {
    files.iter().flat_map(|(path, bytes)| [path.as_bytes(), bytes])
}

/// Writes the files below `into`.
pub(crate) fn unpack(files: &[File], into: &Path) -> Result<()> {
    for (name, bytes) in files {
        let path = into.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
        }
        fs::write(&path, bytes).map_err(Error::file("write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_of_the_table_is_carried_with_its_checksums() {
        for tool in crate::tools::TOOLS {
            let names: Vec<_> = folder(&format!("tools/{}", tool.name))
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            assert!(
                names.contains(&"go.mod") && names.contains(&"go.sum"),
                "{}: {names:?}",
                tool.name
            );
        }
    }

    #[test]
    fn the_python_package_is_carried_with_its_pinned_list() {
        let names: Vec<_> = folder("aws").into_iter().map(|(name, _)| name).collect();
        for needed in ["requirements.lock", "groundwork_aws/__main__.py"] {
            assert!(names.contains(&needed), "{needed} is not among {names:?}");
        }
    }

    #[test]
    fn the_stand_in_charts_are_carried_and_say_what_they_are() {
        let charts = folder("charts");
        let found = charts.iter().find(|(name, _)| *name == "cilium/Chart.yaml");
        let (_, text) = found.expect("the chart of Cilium");
        assert!(String::from_utf8_lossy(text).contains("groundwork.local/stand-in"));
        assert!(charts.iter().any(|(name, _)| *name == "cilium/templates/_names.tpl"));
    }

    #[test]
    fn a_digest_knows_where_one_part_ends() {
        assert_ne!(digest([b"ab".as_slice(), b"c"]), digest([b"a".as_slice(), b"bc"]));
        assert_eq!(digest([b"ab".as_slice()]).len(), 12);
    }

    #[test]
    fn unpacking_makes_the_folders_that_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        unpack(&[("a/b/c.py", b"pass")], folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("a/b/c.py")).unwrap(), b"pass");
    }
}
