//! The cache folder, and the locks in it.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::wait::until;
use crate::{Error, Result, Ui};

/// The folder that keeps what is expensive to make: tools, Python environments, state folders. May be deleted at any time
/// when no local cloud is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache(PathBuf);

impl Cache {
    /// `$GROUNDWORK_CACHE`, else `$XDG_CACHE_HOME/groundwork`, else `$HOME/.cache/groundwork`.
    pub fn find() -> Result<Self> {
        Self::from_env(|name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute()))
    }

    fn from_env(var: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        var("GROUNDWORK_CACHE")
            .or_else(|| Some(var("XDG_CACHE_HOME")?.join("groundwork")))
            .or_else(|| Some(var("HOME")?.join(".cache/groundwork")))
            .map(Self)
            .ok_or(Error::NoCache)
    }

    /// This folder. It need not exist.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// A lock on a folder between processes; it is let go when this is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

/// Waits until this process alone may change `folder`, which is made if need be. `what` tells the user what is waited for.
pub(crate) async fn lock(folder: &Path, what: &str, ui: &Ui) -> Result<Lock> {
    fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    let path = folder.join("lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(Error::file("open", &path))?;
    let mut told = false;
    let mut attempt = || match file.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => {
            if !std::mem::replace(&mut told, true) {
                ui.note(format_args!("… waiting for the {what}, which is under way elsewhere"));
            }
            Ok(None)
        }
        Err(TryLockError::Error(source)) => Err(Error::file("lock", &path)(source)),
    };
    // Whoever holds it is working, and lets go when it dies: patience is a year.
    until(Duration::from_hours(365 * 24), Duration::from_millis(100), || {
        std::future::ready(attempt())
    })
    .await?;
    Ok(Lock(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::tests::Page;

    #[test]
    fn the_first_variable_that_is_set_names_the_cache() {
        let all = [("GROUNDWORK_CACHE", "/g"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        let expected = ["/g", "/x/groundwork", "/h/.cache/groundwork"];
        for (unset, expected) in expected.iter().enumerate() {
            let var = |name: &str| {
                all[unset..]
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value.into())
            };
            assert_eq!(Cache::from_env(var).unwrap(), Cache::at(*expected));
        }
        assert!(matches!(Cache::from_env(|_| None), Err(Error::NoCache)));
    }

    #[tokio::test]
    async fn a_second_one_waits_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let page = Page::default();
        let ui = Ui::plain(std::io::sink(), page.clone());
        let first = lock(folder.path(), "build", &ui).await.unwrap();
        let mut second = std::pin::pin!(lock(folder.path(), "build", &ui));
        tokio::select! {
            biased;
            _ = &mut second => panic!("two hold it"),
            () = std::future::ready(()) => drop(first),
        }
        second.await.unwrap();
        assert_eq!(page.text(), "… waiting for the build, which is under way elsewhere\n");
    }
}
