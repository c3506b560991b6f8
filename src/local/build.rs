//! Lists the files that the crate carries inside itself: the pinned modules of `tools/`, the Python package of `aws/` and the
//! charts of `charts/`.
//!
//! They are embedded so that an installed `groundwork` works from anywhere, with no clone beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What belongs to the Python package: its code, its data, and the pinned list of what it stands on.
const PYTHON: &[&str] = &["py", "typed", "json", "lock", "toml", "txt", "csv"];
/// What belongs to a pinned Go tool.
const GO: &[&str] = &["mod", "sum", "go"];
/// What belongs to a chart.
const CHART: &[&str] = &["yaml", "tpl", "txt"];

fn main() -> io::Result<()> {
    let here =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("no CARGO_MANIFEST_DIR"))?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?);
    let root = here.join("../..").canonicalize()?;

    let mut files = Vec::new();
    walk(&root.join("tools"), "tools", GO, &mut files)?;
    let aws = here.join("aws");
    walk(&aws.join("groundwork_aws"), "aws/groundwork_aws", PYTHON, &mut files)?;
    for name in ["requirements.lock", "pyproject.toml"] {
        let file = aws.join(name);
        if file.is_file() {
            files.push((format!("aws/{name}"), file));
        }
    }
    let charts = here.join("charts");
    walk(&charts, "charts", CHART, &mut files)?;
    files.sort();

    let mut table = String::from("pub(crate) static FILES: &[(&str, &[u8])] = &[\n");
    for (name, path) in &files {
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", path.to_string_lossy()).map_err(io::Error::other)?;
    }
    table.push_str("];\n");
    let target = out.join("embedded.rs");
    // Left alone when nothing changed, so that a new `__pycache__` costs no recompile of those who depend on it.
    if fs::read_to_string(&target).ok().as_deref() != Some(&table) {
        fs::write(target, table)?;
    }

    println_cargo(&root.join("tools"))?;
    println_cargo(&charts)?;
    println_cargo(&aws)
}

fn walk(folder: &Path, name: &str, endings: &[&str], files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(last) = path.file_name().and_then(|last| last.to_str()) else {
            continue;
        };
        if last.starts_with('.') || last == "__pycache__" || last == "tests" {
            continue;
        }
        let name = format!("{name}/{last}");
        if path.is_dir() {
            walk(&path, &name, endings, files)?;
        } else if path
            .extension()
            .and_then(|end| end.to_str())
            .is_some_and(|end| endings.contains(&end))
        {
            files.push((name, path));
        }
    }
    Ok(())
}

/// Cargo reads instructions from stdout.
fn println_cargo(watched: &Path) -> io::Result<()> {
    use io::Write as _;
    writeln!(io::stdout(), "cargo::rerun-if-changed={}", watched.display())
}
