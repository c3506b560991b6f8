//! Where the host runs, and what its children see of that.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::File,
    io::IsTerminal,
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    time::Duration,
};

use groundwork_wire::{proto::RunRequest, serve};

use crate::process::Console;

/// From SIGTERM to SIGKILL; the engine itself gives the host five seconds.
const GRACE: Duration = Duration::from_secs(3);

/// Everything that the host takes from around it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The engine's address, `<host>:<port>`; a handshake may bring it later.
    pub engine: Option<String>,
    /// The environment that builds and programs start from.
    pub environment: Vec<(OsString, OsString)>,
    /// What builds.
    pub toolchain: Toolchain,
    /// Whether cargo writes in colours.
    pub colours: bool,
    /// From SIGTERM to SIGKILL when a child must end.
    pub grace: Duration,
    /// Where programs and builds write to.
    pub console: Console,
}

/// The Rust toolchain.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Cargo's executable.
    pub cargo: PathBuf,
    /// The compiler's executable.
    pub rustc: PathBuf,
}

impl Settings {
    /// From the arguments and the environment that the engine started the host with.
    pub fn new(
        arguments: impl IntoIterator<Item = String>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let environment = without_cargo_run(environment.into_iter().collect());
        Self {
            engine: serve::engine_address(arguments),
            toolchain: Toolchain::find(&environment),
            colours: wants_colours(&environment, user_sees_a_terminal),
            environment,
            grace: GRACE,
            console: Console::Own,
        }
    }
}

impl Toolchain {
    /// On the PATH, or where rustup puts it. What is not found is named as the first place to look, so that starting it
    /// fails with a name.
    fn find(environment: &[(OsString, OsString)]) -> Self {
        let on_path = get(environment, "PATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default();
        let cargo_home = get(environment, "CARGO_HOME").map(|home| Path::new(home).join("bin"));
        let home = get(environment, "HOME").map(|home| Path::new(home).join(".cargo/bin"));
        let folders: Vec<PathBuf> = [on_path, Vec::from_iter(cargo_home), Vec::from_iter(home)].concat();
        let find = |name: &str| {
            folders
                .iter()
                .map(|folder| folder.join(name))
                .find(|file| file.is_file())
                .unwrap_or_else(|| name.into())
        };
        Self {
            cargo: find("cargo"),
            rustc: find("rustc"),
        }
    }
}

fn get<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    environment
        .iter()
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value.as_os_str())
}

/// A host that `cargo run` started (a shim) carries what cargo said about the host's own package, and the toolchain that
/// rustup chose for it; programs have their own.
fn without_cargo_run(mut environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    const OWN: [&str; 8] = [
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "RUSTUP_TOOLCHAIN",
        "RUST_RECURSION_COUNT",
    ];
    if get(&environment, "CARGO").is_some() && get(&environment, "CARGO_MANIFEST_DIR").is_some() {
        environment.retain(|(key, _)| {
            let key = key.to_string_lossy();
            !OWN.contains(&&*key) && !key.starts_with("CARGO_PKG_")
        });
    }
    environment
}

/// Cargo writes to a pipe here and would never colour by itself.
fn wants_colours(environment: &[(OsString, OsString)], terminal: impl FnOnce() -> bool) -> bool {
    let is = |name, value: &str| get(environment, name).is_some_and(|found| found == value);
    if get(environment, "NO_COLOR").is_some() || is("CARGO_TERM_COLOR", "never") || is("TERM", "dumb") {
        return false;
    }
    is("CARGO_TERM_COLOR", "always")
        || get(environment, "CLICOLOR_FORCE").is_some_and(|force| force != "0")
        || terminal()
}

/// The user sees the engine's stdout, and the engine is the host's parent. Only Linux lets one look.
fn user_sees_a_terminal() -> bool {
    File::open(format!("/proc/{}/fd/1", parent_id())).is_ok_and(|stdout| stdout.is_terminal())
}

/// What the SDK in the program reads.
pub(crate) fn of_program(
    base: &[(OsString, OsString)],
    request: &RunRequest,
    engine: &str,
) -> Vec<(OsString, OsString)> {
    let info = request.info.clone().unwrap_or_default();
    let config: BTreeMap<&str, &str> = request
        .config
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let own = [
        ("PULUMI_MONITOR", request.monitor_address.clone()),
        ("PULUMI_ENGINE", engine.to_owned()),
        ("PULUMI_PROJECT", request.project.clone()),
        ("PULUMI_STACK", request.stack.clone()),
        ("PULUMI_ORGANIZATION", request.organization.clone()),
        ("PULUMI_ROOT_DIRECTORY", info.root_directory),
        ("PULUMI_CONFIG", serde_json::json!(config).to_string()),
        (
            "PULUMI_CONFIG_SECRET_KEYS",
            serde_json::json!(request.config_secret_keys).to_string(),
        ),
        ("PULUMI_PARALLEL", request.parallel.to_string()),
        ("PULUMI_DRY_RUN", request.dry_run.to_string()),
    ];
    let inherited = base
        .iter()
        .filter(|(key, _)| !own.iter().any(|(name, _)| key == name))
        .cloned();
    inherited
        .chain(own.iter().map(|(key, value)| (key.into(), value.into())))
        .collect()
}

/// A plugin's environment, which the engine gives whole as `KEY=value`.
pub(crate) fn of_plugin(base: &[(OsString, OsString)], given: &[String]) -> Vec<(OsString, OsString)> {
    if given.is_empty() {
        return base.to_vec();
    }
    given
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use groundwork_wire::proto::ProgramInfo;

    use super::*;

    fn environment(entries: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        entries.iter().map(|(key, value)| (key.into(), value.into())).collect()
    }

    #[test]
    fn a_program_sees_the_request_and_the_hosts_environment() {
        let request = RunRequest {
            project: "platform".to_owned(),
            stack: "dev".to_owned(),
            organization: "organization".to_owned(),
            monitor_address: "127.0.0.1:1".to_owned(),
            config: [("p:b".to_owned(), "2".to_owned()), ("p:a".to_owned(), "\"".to_owned())].into(),
            config_secret_keys: vec!["p:b".to_owned()],
            dry_run: true,
            parallel: 16,
            info: Some(ProgramInfo {
                root_directory: "/project".to_owned(),
                ..ProgramInfo::default()
            }),
            ..RunRequest::default()
        };
        let base = environment(&[("HOME", "/home"), ("PULUMI_STACK", "another")]);
        let expected = environment(&[
            ("HOME", "/home"),
            ("PULUMI_MONITOR", "127.0.0.1:1"),
            ("PULUMI_ENGINE", "127.0.0.1:2"),
            ("PULUMI_PROJECT", "platform"),
            ("PULUMI_STACK", "dev"),
            ("PULUMI_ORGANIZATION", "organization"),
            ("PULUMI_ROOT_DIRECTORY", "/project"),
            ("PULUMI_CONFIG", r#"{"p:a":"\"","p:b":"2"}"#),
            ("PULUMI_CONFIG_SECRET_KEYS", r#"["p:b"]"#),
            ("PULUMI_PARALLEL", "16"),
            ("PULUMI_DRY_RUN", "true"),
        ]);
        assert_eq!(of_program(&base, &request, "127.0.0.1:2"), expected);
    }

    #[test]
    fn a_plugin_sees_what_the_engine_gives_or_else_the_hosts_environment() {
        let base = environment(&[("HOME", "/home")]);
        let given = ["A=1=2".to_owned(), "B=".to_owned(), "nonsense".to_owned()];
        assert_eq!(of_plugin(&base, &given), environment(&[("A", "1=2"), ("B", "")]));
        assert_eq!(of_plugin(&base, &[]), base);
    }

    #[test]
    fn what_cargo_run_says_about_the_host_is_not_passed_on() {
        let ran = [
            ("CARGO", "c"),
            ("CARGO_MANIFEST_DIR", "m"),
            ("CARGO_PKG_NAME", "n"),
            ("RUSTUP_TOOLCHAIN", "t"),
        ];
        let kept = [("CARGO_TARGET_DIR", "d"), ("CARGO_HOME", "h"), ("PATH", "p")];
        assert_eq!(
            without_cargo_run(environment(&[ran.as_slice(), &kept].concat())),
            environment(&kept)
        );
        let chosen = environment(&[("RUSTUP_TOOLCHAIN", "nightly")]);
        assert_eq!(without_cargo_run(chosen.clone()), chosen);
    }

    #[test]
    fn cargo_colours_when_the_user_can_see_it() {
        let colours = |entries: &[(&str, &str)], terminal| wants_colours(&environment(entries), || terminal);
        assert!(colours(&[], true));
        assert!(!colours(&[], false));
        assert!(!colours(&[("NO_COLOR", "1")], true));
        assert!(!colours(&[("TERM", "dumb")], true));
        assert!(!colours(&[("CARGO_TERM_COLOR", "never")], true));
        assert!(colours(&[("CARGO_TERM_COLOR", "always")], false));
        assert!(colours(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!colours(&[("CLICOLOR_FORCE", "0")], false));
    }

    #[test]
    fn a_toolchain_that_is_nowhere_keeps_its_name() {
        let toolchain = Toolchain::find(&environment(&[("PATH", "/nowhere"), ("HOME", "/nowhere")]));
        assert_eq!((toolchain.cargo, toolchain.rustc), ("cargo".into(), "rustc".into()));
    }

    #[test]
    fn the_engine_is_found_among_the_arguments() {
        let arguments = ["-root=/x", "127.0.0.1:7"].map(str::to_owned);
        assert_eq!(
            Settings::new(arguments, environment(&[])).engine.as_deref(),
            Some("127.0.0.1:7")
        );
    }
}
