//! A project outside the clone: Pulumi's files, and a folder of plugins made of the built programs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::programs::{LANGUAGE, PROVIDER, Programs};

/// A setting of the stack: its key, such as `platform:preset`, and its value.
pub(crate) type Setting = (String, Json);

/// A project folder with one stack.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The stack's name.
    pub(crate) stack: String,
}

impl Project {
    /// Writes a project that runs this program with copies of our plugins, so that a build meanwhile changes nothing.
    pub(crate) fn write(
        folder: &Path,
        (name, stack): (&str, &str),
        program: &Path,
        programs: &Programs,
        settings: &[Setting],
    ) -> Result<Self> {
        let plugins = folder.join("bin");
        fs::create_dir_all(&plugins).map_err(Error::file("create", &plugins))?;
        for plugin in [PROVIDER, LANGUAGE] {
            copy(programs.path(plugin)?, &plugins.join(plugin))?;
        }
        copy(program, &plugins.join(name))?;
        write(&folder.join("Pulumi.yaml"), &project_file(name))?;
        write(&folder.join(format!("Pulumi.{stack}.yaml")), &stack_file(settings))?;
        Ok(Self {
            folder: folder.to_owned(),
            stack: stack.to_owned(),
        })
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map_err(Error::file("copy", from)).map(drop)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::file("write", path))
}

/// As the clone's own, but for what runs: a program that is built already.
fn project_file(name: &str) -> String {
    format!(
        "name: {name}\nruntime:\n  name: rust\n  options:\n    binary: bin/{name}\nplugins:\n  providers:\n    - name: \
         groundwork\n      path: bin\n  languages:\n    - name: rust\n      path: bin\n"
    )
}

/// JSON is YAML, so that every value is written as what it is.
fn stack_file(settings: &[Setting]) -> String {
    let mut text = "config:\n".to_owned();
    for (key, value) in settings {
        // Writing to a text does not fail.
        let _ = writeln!(text, "  {key}: {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_keep_their_types() {
        let settings = [
            ("platform:preset".to_owned(), json!("demo")),
            ("platform:part".to_owned(), json!(1)),
            ("platform:git".to_owned(), json!({"host": "a: b"})),
        ];
        assert_eq!(
            stack_file(&settings),
            "config:\n  platform:preset: \"demo\"\n  platform:part: 1\n  platform:git: {\"host\":\"a: b\"}\n"
        );
    }
}
