//! The programs of this package: built by cargo when this one was, else found beside it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use groundwork_local::Ui;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

use crate::error::{Error, Result};

/// The provider.
pub(crate) const PROVIDER: &str = "pulumi-resource-groundwork";
/// The language host.
pub(crate) const LANGUAGE: &str = "pulumi-language-rust";
/// The platform's program.
pub(crate) const PLATFORM: &str = "platform";

/// Where this program was compiled. Cargo says so itself when it runs it.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");

/// Programs by name.
#[derive(Debug)]
pub(crate) struct Programs {
    /// This program itself, as it was called before a build replaced it.
    pub(crate) own: PathBuf,
    found: BTreeMap<String, PathBuf>,
}

impl Programs {
    /// Has this package's programs, and these of its examples: as new as their sources where there are sources, with
    /// this program's own profile; else those that were installed with it.
    pub(crate) async fn obtain(examples: &[&str], ui: &Ui) -> Result<Self> {
        let own = env::current_exe().map_err(Error::file("find", Path::new("this program")))?;
        let folder = own.parent().unwrap_or(&own).to_owned();
        let found = match profile_of(&folder) {
            Some(profile) => build(Path::new(SOURCES), &profile, examples, ui).await?,
            None => installed(&folder)?,
        };
        Ok(Self { own, found })
    }

    /// The program of this name.
    pub(crate) fn path(&self, name: &'static str) -> Result<&Path> {
        self.found
            .get(name)
            .map(PathBuf::as_path)
            .ok_or_else(|| Error::Missing {
                name,
                folder: self.own.parent().unwrap_or(&self.own).to_owned(),
            })
    }
}

/// The profile that cargo built the programs in this folder with; `None` when they are installed, or their sources are gone.
fn profile_of(folder: &Path) -> Option<String> {
    let built_here = folder.join(".fingerprint").is_dir() && Path::new(SOURCES).join("Cargo.toml").is_file();
    let name = folder.file_name()?.to_str()?;
    built_here.then(|| if name == "debug" { "dev" } else { name }.to_owned())
}

fn installed(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let files = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file());
    Ok(files
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
        .collect())
}

fn arguments(sources: &Path, profile: &str, examples: &[&str]) -> Vec<OsString> {
    let fixed = [
        "build",
        "--message-format=json-render-diagnostics",
        "--package",
        "groundwork",
        "--bins",
    ];
    let mut arguments: Vec<OsString> = fixed.map(Into::into).into();
    for example in examples {
        arguments.extend(["--example".into(), example.into()]);
    }
    arguments.extend(["--profile".into(), profile.into(), "--manifest-path".into()]);
    arguments.push(sources.join("Cargo.toml").into());
    arguments
}

async fn build(sources: &Path, profile: &str, examples: &[&str], ui: &Ui) -> Result<BTreeMap<String, PathBuf>> {
    let cargo = env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
    let mut child = Command::new(&cargo)
        .args(arguments(sources, profile, examples))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Error::run(&cargo))?;
    let mut step = ui.step("building Groundwork's programs", None);
    let mut found = BTreeMap::new();
    let mut said: Vec<String> = Vec::new();
    let (mut out, mut err) = (lines(child.stdout.take()), lines(child.stderr.take()));
    loop {
        tokio::select! {
            Some(line) = next(&mut out) => found.extend(executable(&line)),
            Some(line) = next(&mut err) => {
                step.at(line.trim());
                said.push(line);
            }
            else => break,
        }
    }
    let status = child.wait().await.map_err(Error::run(&cargo))?;
    if status.success() {
        step.done("built Groundwork's programs");
        return Ok(found);
    }
    Err(Error::Build {
        diagnostics: said.get(said.len().saturating_sub(40)..).unwrap_or_default().join("\n"),
    })
}

type Lines<R> = Option<tokio::io::Lines<BufReader<R>>>;

fn lines<R: AsyncRead>(stream: Option<R>) -> Lines<R> {
    stream.map(|stream| BufReader::new(stream).lines())
}

/// The next line; none when there is nothing more to read.
async fn next<R: AsyncRead + Unpin>(lines: &mut Lines<R>) -> Option<String> {
    let line = match lines {
        Some(open) => open.next_line().await.ok().flatten(),
        None => None,
    };
    if line.is_none() {
        *lines = None;
    }
    line
}

/// A program and where cargo put it, from a line of its messages.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    #[derive(Deserialize)]
    struct Message {
        target: Target,
        executable: PathBuf,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    Some((message.target.name, message.executable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_what_cargo_says_it_is() {
        let line =
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"platform"},"executable":"/t/platform"}"#;
        assert_eq!(executable(line), Some(("platform".to_owned(), "/t/platform".into())));
        for other in [
            r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "",
        ] {
            assert_eq!(executable(other), None, "{other}");
        }
    }

    #[test]
    fn one_build_makes_all_of_them() {
        let arguments = arguments(Path::new("/w"), "release", &["copies"]);
        assert_eq!(
            arguments.join(" ".as_ref()),
            "build --message-format=json-render-diagnostics --package groundwork --bins --example copies --profile \
             release --manifest-path /w/Cargo.toml"
        );
    }

    #[test]
    fn what_is_installed_is_not_built() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(profile_of(folder.path()), None);
        fs::write(folder.path().join(PROVIDER), "").unwrap();
        let programs = Programs {
            found: installed(folder.path()).unwrap(),
            own: folder.path().join("groundwork"),
        };
        assert_eq!(programs.path(PROVIDER).unwrap(), folder.path().join(PROVIDER));
        assert!(matches!(programs.path(LANGUAGE), Err(Error::Missing { .. })));
    }
}
