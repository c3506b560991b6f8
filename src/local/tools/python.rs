//! A Python environment for the moto extension: made once for each pinned list, with the package's sources beside it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Cache, Version, cache, child, find_program, search_path};
use crate::{Error, Result, Ui, embedded};

const OLDEST: Version = Version(3, 11, 0);
/// The names that an interpreter goes by, newest first behind the plain one.
const NAMES: &[&str] = &[
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python",
];
/// Prints the version, and fails where there is no venv (Debian splits it off).
const PROBE: &str = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";
const COMPLETE: &str = "groundwork-complete";

/// Where the extension's sources come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sources {
    /// From inside this program.
    #[default]
    Embedded,
    /// From this folder, which holds `requirements.lock` and the package: for those who work on it.
    Folder(PathBuf),
}

impl Sources {
    /// The folder that `$GROUNDWORK_AWS_SOURCES` names, else those inside this program.
    pub fn find() -> Self {
        match env::var_os("GROUNDWORK_AWS_SOURCES") {
            Some(folder) if !folder.is_empty() => Self::Folder(folder.into()),
            _ => Self::Embedded,
        }
    }
}

/// A Python that has what the extension needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The interpreter, inside its environment.
    pub program: PathBuf,
    /// What `PYTHONPATH` must be.
    pub path: PathBuf,
}

impl Python {
    /// Has the environment, making it if need be (about a minute, 320 MB). Keyed by the pinned list; the sources are only
    /// unpacked, so that a change of them installs nothing.
    pub async fn obtain(sources: &Sources, cache: &Cache, ui: &Ui) -> Result<Self> {
        let (lock, path) = match sources {
            Sources::Folder(folder) => {
                let folder = std::path::absolute(folder).map_err(Error::file("find", folder))?;
                let file = folder.join("requirements.lock");
                (fs::read(&file).map_err(Error::file("read", &file))?, folder)
            }
            Sources::Embedded => {
                let files = embedded::folder("aws");
                let lock = files.iter().find(|(name, _)| *name == "requirements.lock");
                let lock = lock.map(|(_, bytes)| bytes.to_vec()).unwrap_or_default();
                (lock, unpacked(&files, cache, ui).await?)
            }
        };
        let program = environment(&lock, cache, ui).await?;
        Ok(Self { program, path })
    }
}

/// The sources in a folder of their own, named by what is in them.
async fn unpacked(files: &[embedded::File], cache: &Cache, ui: &Ui) -> Result<PathBuf> {
    let home = cache.path().join("sources");
    let folder = home.join(format!("aws-{}", embedded::digest(embedded::parts(files))));
    if folder.is_dir() {
        return Ok(folder);
    }
    let _lock = cache::lock(&home, "unpacking of sources", ui).await?;
    if !folder.is_dir() {
        let work = tempfile::Builder::new()
            .prefix("new-")
            .tempdir_in(&home)
            .map_err(Error::file("create", &home))?;
        let inside = work.path().join("aws");
        embedded::unpack(files, &inside)?;
        fs::rename(&inside, &folder).map_err(Error::file("rename", &inside))?;
    }
    Ok(folder)
}

/// An environment with exactly what the list pins. It is not moved after it was made (it names its own path), so a mark
/// that is written last tells whether it is whole.
async fn environment(lock: &[u8], cache: &Cache, ui: &Ui) -> Result<PathBuf> {
    let home = cache.path().join("python");
    let folder = home.join(embedded::digest([lock]));
    let (program, complete) = (folder.join("bin/python"), folder.join(COMPLETE));
    // The link is followed: an interpreter that was upgraded away leaves it dangling.
    let whole = || program.exists() && complete.exists();
    if whole() {
        return Ok(program);
    }
    let _lock = cache::lock(&home, "Python environment", ui).await?;
    if whole() {
        return Ok(program);
    }
    let python = find(&search_path()).await?;
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
    }
    let log = home.join("install.log");
    fs::write(&log, "").map_err(Error::file("write", &log))?;
    let mut step = ui.step("installing moto", Some(Duration::from_mins(1)));
    let mut venv = child::command(&python);
    venv.args(["-m", "venv"]).arg(&folder);
    child::run(venv, "making the Python environment", &log, |line| step.at(line)).await?;

    let list = folder.join("requirements.lock");
    fs::write(&list, lock).map_err(Error::file("write", &list))?;
    let mut pip = child::command(&program);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
        "-r",
    ]);
    pip.arg(&list);
    child::run(pip, "installing the Python packages", &log, |line| step.at(line)).await?;
    fs::write(&complete, "").map_err(Error::file("write", &complete))?;
    step.done("installed moto");
    Ok(program)
}

async fn find(path: &[PathBuf]) -> Result<PathBuf> {
    let mut found = Vec::new();
    for name in NAMES {
        let Some(python) = find_program(name, path) else {
            continue;
        };
        match version_of(&python).await {
            Some(version) if version >= OLDEST => return Ok(python),
            Some(version) => found.push(format!("{} is Python {version}", python.display())),
            None => found.push(format!("{} has no venv", python.display())),
        }
    }
    Err(Error::Prerequisite {
        name: "Python",
        minimum: "3.11",
        found: if found.is_empty() {
            "there is no `python3` on PATH".to_owned()
        } else {
            found.join(", ")
        },
        needed_for: "the local AWS (moto)".to_owned(),
        get: "install it with its venv module (Debian and Ubuntu: `apt install python3 python3-venv`; \
              macOS: `brew install python`) and put it on PATH"
            .to_owned(),
    })
}

async fn version_of(python: &Path) -> Option<Version> {
    Version::find(&child::answer(python, &["-I", "-c", PROBE], &[]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_python_the_error_names_it_its_version_and_how_to_get_it() {
        let error = find(&[]).await.unwrap_err();
        let text = error.explain().to_string();
        assert!(
            text.starts_with("Python 3.11 or newer is missing\n  because   there is no `python3` on PATH"),
            "{text}"
        );
        assert!(text.contains("python3-venv"), "{text}");
    }

    #[tokio::test]
    async fn a_python_without_venv_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join("python3");
        fs::write(&python, "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let error = find(&[folder.path().to_owned()]).await.unwrap_err();
        assert!(error.because().contains("has no venv"), "{}", error.because());
    }

    #[tokio::test]
    async fn sources_are_unpacked_once_under_the_name_of_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let files: &[embedded::File] = &[("groundwork_aws/__init__.py", b"")];
        let first = unpacked(files, &cache, &Ui::silent()).await.unwrap();
        assert_eq!(unpacked(files, &cache, &Ui::silent()).await.unwrap(), first);
        assert!(first.join("groundwork_aws/__init__.py").exists());
    }
}
