//! A local cloud with Pulumi on it, and projects of one's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use groundwork_local::{Dump, LocalCloud, Options, Ui, tools::PULUMI};
use serde_json::Value as Json;

/// A local cloud of one test.
pub(crate) struct Stage {
    cloud: LocalCloud,
    folder: tempfile::TempDir,
}

/// A project in a folder of its own, with a stack `dev`.
pub(crate) struct Project<'a> {
    stage: &'a Stage,
    pub(crate) folder: PathBuf,
}

/// The folder of the programs under test.
pub(crate) fn programs() -> PathBuf {
    program("groundwork").parent().unwrap().to_owned()
}

/// A program under test.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_groundwork")).with_file_name(name);
    assert!(path.is_file(), "{} is not built", path.display());
    path
}

/// A file of the repository.
pub(crate) fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Stage {
    /// For networks: its clusters have no Kubernetes.
    pub(crate) async fn up() -> Self {
        Self::with(None).await
    }

    /// For whole platforms.
    pub(crate) async fn with_kubernetes() -> Self {
        Self::with(Some(program("groundwork"))).await
    }

    async fn with(kubernetes: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::for_test(folder.path().join("cloud")).unwrap();
        options.tools.push(&PULUMI);
        options.kubernetes = kubernetes;
        let cloud = LocalCloud::up(&options, &Ui::silent())
            .await
            .unwrap_or_else(|error| panic!("{}", error.explain()));
        Self { cloud, folder }
    }

    /// Everything that exists in the cloud, by name.
    pub(crate) async fn dump(&self) -> Dump {
        self.cloud.dump().await.unwrap()
    }

    /// A project with a program that is built already; the engine finds provider and language host where they are built.
    pub(crate) fn project(&self, name: &str, binary: &Path) -> Project<'_> {
        let (plugins, binary) = (programs(), binary.display());
        let plugins = plugins.display();
        let project = format!(
            "name: {name}\nruntime: {{name: rust, options: {{binary: {binary}}}}}\nplugins:\n  providers: [{{name: \
             groundwork, path: {plugins}}}]\n  languages: [{{name: rust, path: {plugins}}}]\n"
        );
        self.project_of(name, &project, "config: {\"groundwork:region\": eu-central-1}\n")
    }

    /// A project with these settings, and a stack with those.
    pub(crate) fn project_of(&self, name: &str, project: &str, stack: &str) -> Project<'_> {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("Pulumi.yaml"), project).unwrap();
        fs::write(folder.join("Pulumi.dev.yaml"), stack).unwrap();
        let project = Project { stage: self, folder };
        project.run(&["stack", "init", "dev"]);
        project
    }
}

impl Project<'_> {
    /// Whether a command of Pulumi's works, and what it says.
    fn pulumi(&self, arguments: &[&str]) -> (bool, String, String) {
        let output = self
            .stage
            .cloud
            .command("pulumi")
            .args(arguments)
            .args(["--non-interactive", "--color=never"])
            // For `--event-log`, which says what the engine says in a form that can be compared.
            .env("PULUMI_DEBUG_COMMANDS", "true")
            // For what the language host builds.
            .env("CARGO_TARGET_DIR", programs().parent().unwrap())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    /// Runs a command that must work; what it writes to stdout.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let (works, stdout, stderr) = self.pulumi(arguments);
        assert!(works, "pulumi {}:\n{stdout}\n{stderr}", arguments.join(" "));
        stdout
    }

    /// Runs a command that must fail; all that it writes.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let (works, stdout, stderr) = self.pulumi(arguments);
        assert!(!works, "pulumi {} works:\n{stdout}\n{stderr}", arguments.join(" "));
        format!("{stdout}\n{stderr}")
    }

    /// A setting of the stack.
    pub(crate) fn set(&self, path: &str, value: &str) {
        self.run(&["config", "set", "--path", path, value]);
    }

    /// An export of the stack.
    pub(crate) fn output(&self, name: &str) -> Json {
        serde_json::from_str(&self.run(&["stack", "output", "--json", name])).unwrap()
    }

    /// From nothing to everything and back, as a careful user goes.
    pub(crate) fn live(&self) {
        self.rise();
        self.run(&["destroy", "--yes", "--skip-preview"]);
    }

    /// From nothing to everything, and nothing more to do then.
    pub(crate) fn rise(&self) {
        self.run(&["preview"]);
        self.run(&["up", "--yes", "--skip-preview"]);
        self.run(&["up", "--yes", "--skip-preview", "--expect-no-changes"]);
        self.run(&["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    }
}
