//! What the state folder holds: the profile of what is up, and Pulumi's local backend.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tools::Cache;
use crate::{Error, Result, embedded};

/// How fast the local AWS is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rhythm {
    /// Every transition takes this long.
    Settle(Duration),
    /// Each takes AWS's usual time, divided by this.
    Speed(f64),
}

impl Default for Rhythm {
    fn default() -> Self {
        Self::Settle(Duration::from_secs(2))
    }
}

impl Rhythm {
    pub(super) fn args(self) -> [String; 2] {
        match self {
            Self::Settle(time) => ["--settle".to_owned(), time.as_secs_f64().to_string()],
            Self::Speed(factor) => ["--speed".to_owned(), factor.to_string()],
        }
    }

    pub(super) fn settings(self) -> Value {
        match self {
            Self::Settle(time) => json!({"settle": time.as_secs_f64()}),
            Self::Speed(factor) => json!({"settle": null, "speed": factor}),
        }
    }
}

/// What is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) port: u16,
    pub(super) region: String,
    pub(super) tools: Vec<ToolFolder>,
}

/// A tool on PATH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToolFolder {
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

impl Profile {
    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn file(state: &Path) -> PathBuf {
        state.join("cloud.json")
    }

    /// `None` when there is none, or when it is of another version of this program and says nothing to us.
    pub(super) fn read(state: &Path) -> Result<Option<Self>> {
        let path = Self::file(state);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", &path)(error)),
        }
    }

    pub(super) fn write(&self, state: &Path) -> Result<()> {
        let path = Self::file(state);
        let failed = |source| Error::file("write", &path)(source);
        let mut file = tempfile::NamedTempFile::new_in(state).map_err(failed)?;
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        file.write_all(&text).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error)).map(drop)
    }

    pub(super) fn forget(state: &Path) -> Result<()> {
        let path = Self::file(state);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

/// `$GROUNDWORK_STATE`, else a folder in the cache that belongs to the project around the current folder (the nearest one
/// with a `Pulumi.yaml` or a `.git`): outside the clone, so that nothing of it shows up in `git status`.
pub fn default_state() -> Result<PathBuf> {
    if let Some(state) = env::var_os("GROUNDWORK_STATE").filter(|state| !state.is_empty()) {
        return absolute(Path::new(&state));
    }
    let here = env::current_dir().map_err(Error::file("find", Path::new(".")))?;
    Ok(state_of(&project_around(&here), &Cache::find()?))
}

fn project_around(folder: &Path) -> PathBuf {
    let is_root = |folder: &&Path| folder.join("Pulumi.yaml").exists() || folder.join(".git").exists();
    folder.ancestors().find(is_root).unwrap_or(folder).to_owned()
}

fn state_of(project: &Path, cache: &Cache) -> PathBuf {
    cache
        .path()
        .join("local")
        .join(embedded::digest([project.as_os_str().as_encoded_bytes()]))
}

/// The path from the root: processes and Pulumi are started in other folders.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(Error::file("find", path))
}

/// Makes room for a Pulumi backend that fits a new AWS; tells whether there were stacks.
pub(super) fn set_aside(state: &Path) -> Result<bool> {
    let (now, previous) = (state.join("pulumi"), state.join("pulumi.previous"));
    let has_stacks = now.join(".pulumi").exists();
    if has_stacks {
        if previous.exists() {
            fs::remove_dir_all(&previous).map_err(Error::file("remove", &previous))?;
        }
        fs::rename(&now, &previous).map_err(Error::file("rename", &now))?;
    }
    // A file backend wants its folder to exist.
    fs::create_dir_all(&now).map_err(Error::file("create", &now))?;
    Ok(has_stacks)
}

/// PATH with these folders first, each only once.
pub(super) fn join_path<'a>(first: impl Iterator<Item = &'a Path>, path: Option<&OsStr>) -> String {
    let mut folders: Vec<PathBuf> = Vec::new();
    let rest: Vec<_> = path.map(|path| env::split_paths(path).collect()).unwrap_or_default();
    for folder in first.map(Path::to_owned).chain(rest) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    // A cache with a colon in its name cannot be on PATH; then PATH is better left as it is.
    env::join_paths(folders)
        .unwrap_or_else(|_| path.map(OsStr::to_owned).unwrap_or_default())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_keeps_its_state_wherever_in_it_one_stands() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(root.path().join("Pulumi.yaml"), "").unwrap();
        assert_eq!(project_around(&deep), root.path());
        let cache = Cache::at("/cache");
        assert_eq!(state_of(root.path(), &cache), state_of(&project_around(&deep), &cache));
        assert_ne!(state_of(root.path(), &cache), state_of(&deep, &cache));
    }

    #[test]
    fn stacks_of_an_aws_that_is_no_more_are_set_aside_not_deleted() {
        let state = tempfile::tempdir().unwrap();
        assert!(!set_aside(state.path()).unwrap());
        for round in ["one", "two"] {
            let stacks = state.path().join("pulumi/.pulumi/stacks");
            fs::create_dir_all(&stacks).unwrap();
            fs::write(stacks.join("dev.json"), round).unwrap();
            assert!(set_aside(state.path()).unwrap());
            assert!(!stacks.exists() && state.path().join("pulumi").exists());
            let kept = fs::read_to_string(state.path().join("pulumi.previous/.pulumi/stacks/dev.json")).unwrap();
            assert_eq!(kept, round);
        }
    }

    #[test]
    fn a_folder_is_on_path_once_and_first() {
        let tools = [Path::new("/tools/b")];
        assert_eq!(
            join_path(tools.into_iter(), Some("/bin:/tools/b:/usr/bin".as_ref())),
            "/tools/b:/bin:/usr/bin"
        );
        assert_eq!(join_path(tools.into_iter(), None), "/tools/b");
    }

    #[test]
    fn a_profile_of_another_version_is_no_profile() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Profile::read(state.path()).unwrap(), None);
        fs::write(Profile::file(state.path()), r#"{"v": 9}"#).unwrap();
        assert_eq!(Profile::read(state.path()).unwrap(), None);
        let profile = Profile {
            port: 1,
            region: "x".into(),
            tools: Vec::new(),
        };
        profile.write(state.path()).unwrap();
        assert_eq!(Profile::read(state.path()).unwrap(), Some(profile));
    }

    #[test]
    fn a_rhythm_reads_the_same_as_argument_and_as_setting() {
        let settle = Rhythm::Settle(Duration::from_millis(50));
        assert_eq!(
            (settle.args(), settle.settings()),
            (["--settle".into(), "0.05".into()], json!({"settle": 0.05}))
        );
        let speed = Rhythm::Speed(60.0);
        assert_eq!(
            (speed.args(), speed.settings()),
            (["--speed".into(), "60".into()], json!({"settle": null, "speed": 60.0}))
        );
    }
}
