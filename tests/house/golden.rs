//! Goldens: what is generated, reviewed like code. `GROUNDWORK_BLESS=1` writes them anew, which CI forbids.

use std::{env, fs, path::PathBuf};

/// Holds a text against the golden of that name.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if env::var_os("GROUNDWORK_BLESS").is_some() {
        assert!(env::var_os("CI").is_none(), "goldens are not written in CI");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    if golden != text {
        let first = golden.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or(0);
        panic!(
            "{name} is not as reviewed, from line {}:\n  golden {:?}\n  now    {:?}\nGROUNDWORK_BLESS=1 writes it anew",
            first + 1,
            golden.lines().nth(first),
            text.lines().nth(first),
        );
    }
}
