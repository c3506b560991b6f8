//! A stack of the real Pulumi engine on a local cloud: the stock CLI, our host, our program, our provider.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value as Json;

use crate::{Cloud, programs};

/// A Pulumi project in a folder of its own, with one stack.
pub(crate) struct Stack {
    folder: PathBuf,
    env: BTreeMap<String, String>,
    pulumi: PathBuf,
}

/// What a command said and how it ended.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) success: bool,
}

impl Stack {
    /// The platform's network alone, for what is no matter of a cluster; it reads the platform's settings.
    pub(crate) fn of_network(cloud: &Cloud, settings: &[(&str, &str)]) -> Self {
        let program = programs().join("examples/network-alone");
        assert!(
            program.is_file(),
            "it is not built: `cargo build --example network-alone`"
        );
        Self::of(cloud, &program, settings)
    }

    /// A program on a local cloud that has Pulumi.
    pub(crate) fn of(cloud: &Cloud, program: &Path, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("project")
            .tempdir_in(cloud.folder.path())
            .unwrap()
            .keep();
        let plugins = programs();
        let project = format!(
            "name: platform\nruntime:\n  name: rust\n  options:\n    binary: {program}\nplugins:\n  providers:\n    \
             - name: groundwork\n      path: {plugins}\n  languages:\n    - name: rust\n      path: {plugins}\n",
            program = program.display(),
            plugins = plugins.display(),
        );
        fs::write(folder.join("Pulumi.yaml"), project).unwrap();
        let stack = Self {
            folder,
            env: cloud.cloud.env(),
            pulumi: cloud.cloud.program("pulumi").expect("pulumi is a tool of this cloud"),
        };
        stack.succeed(&["stack", "init", "test"]);
        for (key, value) in settings {
            stack.succeed(&["config", "set", key, value]);
        }
        stack
    }

    /// The same stack with other variables.
    pub(crate) fn with_env(&self, name: &str, value: &str) -> Self {
        let mut env = self.env.clone();
        env.insert(name.to_owned(), value.to_owned());
        Self {
            folder: self.folder.clone(),
            env,
            pulumi: self.pulumi.clone(),
        }
    }

    /// The same stack without one of the variables.
    pub(crate) fn without_env(&self, name: &str) -> Self {
        let mut env = self.env.clone();
        env.remove(name);
        Self {
            folder: self.folder.clone(),
            env,
            pulumi: self.pulumi.clone(),
        }
    }

    /// A command of Pulumi's on this stack.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.pulumi);
        for name in groundwork_local::cloud::FOREIGN.iter().chain(&["AWS_ACCESS_KEY_ID"]) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .args(["--non-interactive", "--color=never"])
            .current_dir(&self.folder)
            .envs(&self.env)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        Said {
            text,
            success: status.success(),
        }
    }

    /// Runs a command that must succeed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(said.success, "pulumi {}\n{}", arguments.join(" "), said.text);
        said.text
    }

    /// Runs a command that must fail.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert!(!said.success, "pulumi {} succeeds\n{}", arguments.join(" "), said.text);
        said.text
    }

    /// Starts a command and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub(crate) fn up(&self) -> String {
        self.succeed(&["up", "--yes", "--skip-preview"])
    }

    pub(crate) fn destroy(&self) -> String {
        self.succeed(&["destroy", "--yes", "--skip-preview"])
    }

    /// Runs a command that must succeed and writes JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Json {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        assert!(
            status.success(),
            "pulumi {}\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&stderr)
        );
        serde_json::from_slice(&stdout).unwrap()
    }

    /// The state, as the engine exports it.
    pub(crate) fn state(&self) -> Json {
        let output = self.command(&["stack", "export"]).output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The resources of a type in the state: name → id.
    pub(crate) fn ids(&self, token: &str) -> BTreeMap<String, String> {
        let state = self.state();
        let resources = state["deployment"]["resources"].as_array().cloned().unwrap_or_default();
        resources
            .iter()
            .filter(|resource| resource["type"] == token)
            .map(|resource| {
                let urn = resource["urn"].as_str().unwrap();
                (
                    urn.rsplit("::").next().unwrap().to_owned(),
                    resource["id"].as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect()
    }

    pub(crate) fn outputs(&self) -> Json {
        let output = self.command(&["stack", "output", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Ends the providers below a running engine, as a crash would.
pub(crate) fn kill_providers(engine: u32) -> usize {
    let mut killed = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(command) = fs::read_to_string(entry.path().join("cmdline")) else {
            continue;
        };
        if command.contains("pulumi-resource-groundwork") && is_below(pid, engine) {
            assert!(
                Command::new("kill")
                    .args(["-9", &pid.to_string()])
                    .status()
                    .unwrap()
                    .success()
            );
            killed += 1;
        }
    }
    killed
}

/// Whether a process was started, at some remove, by another.
pub(crate) fn is_below(pid: u32, ancestor: u32) -> bool {
    let mut at = pid;
    while at > 1 {
        if at == ancestor {
            return true;
        }
        let Ok(stat) = fs::read_to_string(format!("/proc/{at}/stat")) else {
            return false;
        };
        // After the command's name, which may hold anything, come state and parent.
        let Some(parent) = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
        else {
            return false;
        };
        at = parent;
    }
    false
}
