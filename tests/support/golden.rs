//! Texts that are reviewed like code.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Holds a text against the golden at this path below the root.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path: PathBuf = root().join(name);
    if env::var_os("GROUNDWORK_BLESS").is_some() {
        assert!(env::var_os("CI").is_none(), "goldens are not written in CI");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    if golden != text {
        let line = golden
            .lines()
            .zip(text.lines())
            .take_while(|(then, now)| then == now)
            .count();
        let (number, then, now) = (line + 1, golden.lines().nth(line), text.lines().nth(line));
        panic!(
            "{name} is not as reviewed, from line {number}:\n  golden {then:?}\n  now    {now:?}\n\
             GROUNDWORK_BLESS=1 cargo test writes it anew"
        );
    }
}
