//! The programs that the local cloud runs, had on demand: from PATH when an accepted version is there, else from the
//! cache, else built from the module that `tools/<name>` pins.
//!
//! Adding one: a folder `tools/<name>` with `go.mod` and `go.sum`, and an entry in [`TOOLS`] (`tools/table.rs`).

mod cache;
pub(crate) mod child;
mod golang;
mod python;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

pub use cache::Cache;
pub(crate) use cache::lock;
pub use python::{Python, Sources};
pub use table::{HELM, KUBERNETES, KWOK, PULUMI, TOOLS};

use crate::{Result, Ui, embedded};

/// A version: major, minor, patch. Pre-releases are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64, pub u64, pub u64);

impl Version {
    /// The first word of a text that is a version, with or without a leading `v` or `go`: `v3.259.0`, `go1.26.8`, `1.26`.
    pub fn find(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word
            .strip_prefix("go")
            .or_else(|| word.strip_prefix('v'))
            .unwrap_or(word);
        let mut numbers = word.split('.').map(str::parse);
        let version = Self(
            numbers.next()?.ok()?,
            numbers.next()?.ok()?,
            numbers.next().unwrap_or(Ok(0)).ok()?,
        );
        numbers.next().is_none().then_some(version)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A Go program, or several from one module.
#[derive(Debug)]
pub struct Tool {
    /// Its name, and that of its folder in `tools/`.
    pub name: &'static str,
    /// The version that `tools/<name>/go.mod` pins.
    pub version: Version,
    /// The programs that are built: name and Go package.
    pub programs: &'static [(&'static str, &'static str)],
    /// Versions on PATH that serve as well: from the first, up to and without the second. The first program is asked.
    pub accepted: (Version, Version),
    /// The arguments that make the first program tell its version. Empty when it cannot: then it is never taken from PATH.
    pub ask_version: &'static [&'static str],
    /// Go build tags, separated by commas.
    pub tags: &'static str,
    /// Flags for Go's linker.
    pub ldflags: &'static str,
    /// Environment for Go: `GOTOOLCHAIN`, `GONOSUMDB`.
    pub env: &'static [(&'static str, &'static str)],
    /// How long a build takes on two cores with nothing cached.
    pub about: Duration,
}

/// Where a tool came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was on PATH.
    Path,
    /// It was in the cache.
    Cache,
    /// It has just been built, in this time.
    Built(Duration),
}

/// A tool that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The folder that its programs are in.
    pub folder: PathBuf,
    /// Its version.
    pub version: Version,
    /// Where it came from.
    pub origin: Origin,
}

impl Tool {
    /// Has the tool, building it if need be. Two processes never build the same one at once: the second waits for the first.
    pub async fn obtain(&self, cache: &Cache, ui: &Ui) -> Result<Installed> {
        if let Some(found) = self.on_path(&search_path()).await {
            return Ok(found);
        }
        let folder = self.cached_in(cache);
        let installed = |origin| Installed {
            folder: folder.clone(),
            version: self.version,
            origin,
        };
        if self.is_complete(&folder) {
            return Ok(installed(Origin::Cache));
        }
        let home = cache.path().join("tools").join(self.name);
        let _lock = lock(&home, &format!("build of {}", self.name), ui).await?;
        if self.is_complete(&folder) {
            return Ok(installed(Origin::Cache));
        }
        let took = golang::build(self, &home, &folder, ui).await?;
        Ok(installed(Origin::Built(took)))
    }

    /// The folder in the cache that holds exactly this tool: this version, platform, sources and flags.
    pub fn cached_in(&self, cache: &Cache) -> PathBuf {
        let files = embedded::folder(&format!("tools/{}", self.name));
        let programs = self
            .programs
            .iter()
            .flat_map(|(name, package)| [name.as_bytes(), package.as_bytes()]);
        let env = self
            .env
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let flags = [self.tags.as_bytes(), self.ldflags.as_bytes()]
            .into_iter()
            .chain(programs)
            .chain(env);
        let hash = embedded::digest(embedded::parts(&files).chain(flags));
        let key = format!("{}-{}-{}-{hash}", self.version, env::consts::OS, env::consts::ARCH);
        cache.path().join("tools").join(self.name).join(key)
    }

    fn is_complete(&self, folder: &Path) -> bool {
        self.programs.iter().all(|(name, _)| folder.join(name).is_file())
    }

    async fn on_path(&self, path: &[PathBuf]) -> Option<Installed> {
        let folders = self
            .programs
            .iter()
            .map(|(name, _)| find_program(name, path))
            .collect::<Option<Vec<_>>>()?;
        let program = folders.first()?;
        let folder = program.parent()?.to_owned();
        // All programs from one folder, or none: control planes are not mixed.
        if folders.iter().any(|other| other.parent() != Some(&folder)) {
            return None;
        }
        let version = self.version_of(program).await?;
        let (from, below) = self.accepted;
        (from..below).contains(&version).then_some(Installed {
            folder,
            version,
            origin: Origin::Path,
        })
    }

    async fn version_of(&self, program: &Path) -> Option<Version> {
        if self.ask_version.is_empty() {
            return None;
        }
        let env = [("PULUMI_SKIP_UPDATE_CHECK", "true")];
        Version::find(&child::answer(program, self.ask_version, &env).await?)
    }
}

/// The folders of PATH, in order; before them that of `KUBEBUILDER_ASSETS`, where those who test against Kubernetes
/// keep a control plane.
pub(crate) fn search_path() -> Vec<PathBuf> {
    search_path_of(|name| env::var_os(name))
}

fn search_path_of(var: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    ["KUBEBUILDER_ASSETS", "PATH"]
        .into_iter()
        .filter_map(var)
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>())
        .collect()
}

/// The first executable file of this name.
fn find_program(name: &str, path: &[PathBuf]) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    };
    path.iter()
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(runs)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn pulumi_that_says(version: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("pulumi");
        fs::write(&program, format!("#!/bin/sh\necho {version}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(Version::find("v3.259.0\n"), Some(Version(3, 259, 0)));
        assert_eq!(
            Version::find("go version go1.26.8 linux/amd64"),
            Some(Version(1, 26, 8))
        );
        assert_eq!(Version::find("3.14"), Some(Version(3, 14, 0)));
        assert_eq!(Version::find("v3.260.0-alpha.1"), None);
        assert_eq!(Version::find("none"), None);
    }

    #[tokio::test]
    async fn a_pulumi_on_path_serves_when_its_version_is_in_the_range() {
        for (version, serves) in [
            ("v3.254.9", false),
            ("v3.255.0", true),
            ("v3.300.1", true),
            ("v4.0.0", false),
            ("v3.259.0-dev", false),
        ] {
            let folder = pulumi_that_says(version);
            let found = PULUMI.on_path(&[folder.path().to_owned()]).await;
            assert_eq!(found.is_some(), serves, "{version}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_executed_is_not_on_path() {
        let folder = pulumi_that_says("v3.259.0");
        fs::set_permissions(folder.path().join("pulumi"), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(PULUMI.on_path(&[folder.path().to_owned()]).await, None);
    }

    #[test]
    fn a_control_plane_of_kubebuilder_comes_before_those_on_path() {
        let var = |name: &str| match name {
            "KUBEBUILDER_ASSETS" => Some("/assets".into()),
            "PATH" => Some("/bin:/usr/bin".into()),
            _ => None,
        };
        let expected: Vec<PathBuf> = ["/assets", "/bin", "/usr/bin"].map(Into::into).into();
        assert_eq!(search_path_of(var), expected);
    }

    #[test]
    fn the_place_in_the_cache_names_tool_version_and_platform() {
        let place = PULUMI.cached_in(&Cache::at("/cache"));
        let place = place.to_str().unwrap();
        assert!(place.starts_with("/cache/tools/pulumi/3.259.0-"), "{place}");
        assert!(place.contains(env::consts::ARCH));
    }

    #[test]
    fn every_pin_is_the_version_that_the_table_names() {
        for tool in TOOLS {
            let files = embedded::folder(&format!("tools/{}", tool.name));
            let (_, module) = files.iter().find(|(name, _)| *name == "go.mod").unwrap();
            let module = std::str::from_utf8(module).unwrap();
            assert!(
                module
                    .split_whitespace()
                    .any(|word| word == format!("v{}", tool.version)),
                "{}",
                tool.name
            );
            let stamped = tool.ldflags.contains("ersion=");
            assert!(
                !stamped || tool.ldflags.contains(&format!("v{}", tool.version)),
                "{}",
                tool.name
            );
            assert!((tool.accepted.0..tool.accepted.1).contains(&tool.version));
        }
    }
}
