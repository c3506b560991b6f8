//! A local cloud of one test.

use std::path::PathBuf;

use groundwork_local::{LocalCloud, Options, Ui};

/// A local cloud of one test, and the folder that it lives in.
pub(crate) struct Cloud {
    pub(crate) cloud: LocalCloud,
    pub(crate) folder: tempfile::TempDir,
}

impl Cloud {
    /// Transitions take 50 milliseconds.
    pub(crate) async fn up() -> Self {
        Self::with(|_| {}).await
    }

    /// With other options.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::for_test(folder.path().join("cloud")).unwrap();
        change(&mut options);
        let cloud = LocalCloud::up(&options, &Ui::silent()).await.unwrap();
        Self { cloud, folder }
    }

    /// Everything that exists in it, by name.
    pub(crate) async fn dump(&self) -> groundwork_local::Dump {
        self.cloud.dump().await.unwrap()
    }
}

/// The folder of the programs under test.
pub(crate) fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_groundwork"))
        .parent()
        .unwrap()
        .to_owned()
}
