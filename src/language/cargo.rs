//! What cargo is asked, and what its answers mean. Nothing here starts anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use groundwork_wire::proto::{DependencyInfo, PackageDependency};
use serde::Deserialize;

use crate::options::{Options, Selection, did_you_mean, listed, nearest};

/// The nearest manifest upwards.
pub(crate) fn nearest_manifest(from: &Path) -> Option<PathBuf> {
    from.ancestors()
        .map(|folder| folder.join("Cargo.toml"))
        .find(|manifest| manifest.is_file())
}

/// `cargo metadata`'s answer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    #[serde(default)]
    workspace_default_members: Vec<String>,
    resolve: Option<Resolve>,
}

#[derive(Debug, Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    default_run: Option<String>,
    targets: Vec<Target>,
    #[serde(default)]
    metadata: serde_json::Value,
}

#[derive(Debug, Clone, Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Clone, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Clone, Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

/// Why there is not exactly one executable to build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectionError {
    #[error("there is no package `{name}` in the workspace{}", did_you_mean(.suggestion.as_ref()))]
    NoPackage { name: String, suggestion: Option<String> },
    #[error("there is no {kind} `{name}` in {}{}; there are {}", listed(.packages), did_you_mean(.suggestion.as_ref()), or_none(.others))]
    NoTarget {
        kind: Kind,
        name: String,
        packages: Vec<String>,
        suggestion: Option<String>,
        others: Vec<String>,
    },
    #[error("{} build no executable", listed(.0))]
    NothingToRun(Vec<String>),
    #[error(
        "{} could be run: say which with the option `bin` (and `package`), or with `default-run` in Cargo.toml",
        listed(.0)
    )]
    Ambiguous(Vec<String>),
    #[error(
        "[package.metadata.pulumi.plugins] of `{package}` must give each plugin a version, or a table of `version`, \
         `server` and `kind`: {problem}"
    )]
    Plugins { package: String, problem: String },
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        listed(names)
    }
}

/// The kind of an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bin,
    Example,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Example => "example",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The one executable to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Executable {
    /// The package's id, as cargo takes it for `--package`.
    package: String,
    kind: Kind,
    pub(crate) name: String,
}

impl Metadata {
    /// The packages that the options leave to choose from.
    fn candidates(&self, manifest: &Path, options: &Options) -> Result<Vec<&Package>, SelectionError> {
        let members = || {
            self.packages
                .iter()
                .filter(|package| self.workspace_members.contains(&package.id))
        };
        if let Some(name) = &options.package {
            return match members().find(|package| package.name == *name) {
                Some(package) => Ok(vec![package]),
                None => Err(SelectionError::NoPackage {
                    name: name.clone(),
                    suggestion: nearest(name, members().map(|package| package.name.as_str())).map(str::to_owned),
                }),
            };
        }
        let own = |package: &&Package| same_file(&package.manifest_path, manifest);
        if let Some(package) = members().find(own) {
            return Ok(vec![package]);
        }
        let default = |package: &&Package| self.workspace_default_members.contains(&package.id);
        Ok(if self.workspace_default_members.is_empty() {
            members().collect()
        } else {
            members().filter(default).collect()
        })
    }

    /// The executable that the options mean.
    pub(crate) fn select(&self, manifest: &Path, options: &Options) -> Result<Executable, SelectionError> {
        let candidates = self.candidates(manifest, options)?;
        let of_kind = |kind: Kind| {
            candidates.iter().flat_map(move |package| {
                let targets = package
                    .targets
                    .iter()
                    .filter(move |target| target.kind.iter().any(|k| k == kind.name()));
                targets.map(move |target| Executable {
                    package: package.id.clone(),
                    kind,
                    name: target.name.clone(),
                })
            })
        };
        let names = || {
            candidates
                .iter()
                .map(|package| package.name.clone())
                .collect::<Vec<_>>()
        };
        let mut defaults = candidates.iter().filter_map(|package| package.default_run.as_ref());
        let default = defaults.next();
        let (kind, name) = match &options.selection {
            Some(Selection::Bin(name)) => (Kind::Bin, Some(name)),
            Some(Selection::Example(name)) => (Kind::Example, Some(name)),
            None => (Kind::Bin, default.filter(|_| defaults.next().is_none())),
        };
        let found: Vec<Executable> = of_kind(kind)
            .filter(|found| name.is_none_or(|name| found.name == *name))
            .collect();
        match (<[Executable; 1]>::try_from(found), name) {
            (Ok([executable]), _) => Ok(executable),
            (Err(several), _) if !several.is_empty() => Err(SelectionError::Ambiguous(
                several.into_iter().map(|executable| executable.name).collect(),
            )),
            (Err(_), None) => Err(SelectionError::NothingToRun(names())),
            (Err(_), Some(name)) => {
                let others: Vec<String> = of_kind(kind).map(|other| other.name).collect();
                Err(SelectionError::NoTarget {
                    kind,
                    name: name.clone(),
                    packages: names(),
                    suggestion: nearest(name, others.iter().map(String::as_str)).map(str::to_owned),
                    others,
                })
            }
        }
    }

    /// The plugins that the program's package says it needs:
    /// `[package.metadata.pulumi.plugins]` with `name = "version"` or `name = { version, server, kind }`.
    pub(crate) fn plugins(&self, manifest: &Path, options: &Options) -> Result<Vec<PackageDependency>, SelectionError> {
        let mut plugins = Vec::new();
        for package in self.candidates(manifest, options)? {
            let Some(named) = package.metadata.pointer("/pulumi/plugins") else {
                continue;
            };
            let named: BTreeMap<String, Plugin> =
                serde_json::from_value(named.clone()).map_err(|problem| SelectionError::Plugins {
                    package: package.name.clone(),
                    problem: problem.to_string(),
                })?;
            plugins.extend(named.into_iter().map(|(name, plugin)| plugin.named(name)));
        }
        Ok(plugins)
    }

    /// What the program's package depends on, sorted: itself, or also what that depends on in turn. Tests' and builds'
    /// own needs are no part of a program.
    pub(crate) fn dependencies(
        &self,
        manifest: &Path,
        options: &Options,
        transitive: bool,
    ) -> Result<Vec<DependencyInfo>, SelectionError> {
        let roots: BTreeSet<&str> = self
            .candidates(manifest, options)?
            .into_iter()
            .map(|package| package.id.as_str())
            .collect();
        let nodes = self
            .resolve
            .as_ref()
            .map(|resolve| resolve.nodes.as_slice())
            .unwrap_or_default();
        let edges = |id: &str| {
            let node = nodes.iter().find(|node| node.id == id);
            let edges = node.map(|node| node.deps.as_slice()).unwrap_or_default().iter();
            edges
                .filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()))
                .map(|edge| edge.pkg.as_str())
        };
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = roots.iter().copied().collect();
        while let Some(id) = open.pop() {
            for dependency in edges(id) {
                if seen.insert(dependency) && transitive {
                    open.push(dependency);
                }
            }
        }
        let mut found: Vec<DependencyInfo> = self
            .packages
            .iter()
            .filter(|package| seen.contains(package.id.as_str()) && !roots.contains(package.id.as_str()))
            .map(|package| DependencyInfo {
                name: package.name.clone(),
                version: package.version.clone(),
            })
            .collect();
        found.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
        Ok(found)
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Plugin {
    Version(String),
    Table(PluginTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginTable {
    #[serde(default)]
    version: String,
    #[serde(default)]
    server: String,
    #[serde(default = "resource")]
    kind: String,
}

fn resource() -> String {
    "resource".to_owned()
}

impl Plugin {
    fn named(self, name: String) -> PackageDependency {
        let table = match self {
            Self::Version(version) => PluginTable {
                version,
                server: String::new(),
                kind: resource(),
            },
            Self::Table(table) => table,
        };
        let PluginTable { version, server, kind } = table;
        PackageDependency {
            name,
            kind,
            version,
            server,
            ..PackageDependency::default()
        }
    }
}

/// `cargo metadata`, without what needs a lock file or a network.
pub(crate) fn metadata_arguments(manifest: &Path) -> Vec<OsString> {
    let mut arguments = ["metadata", "--no-deps", "--format-version=1", "--manifest-path"]
        .map(OsString::from)
        .to_vec();
    arguments.push(manifest.into());
    arguments
}

/// `cargo metadata` with dependencies, of one platform, from what is there already.
pub(crate) fn resolve_arguments(manifest: &Path, platform: &str) -> Vec<OsString> {
    let mut arguments = [
        "metadata",
        "--offline",
        "--format-version=1",
        "--filter-platform",
        platform,
        "--manifest-path",
    ]
    .map(OsString::from)
    .to_vec();
    arguments.push(manifest.into());
    arguments
}

/// `cargo fetch`.
pub(crate) fn fetch_arguments(manifest: &Path, colours: bool) -> Vec<OsString> {
    let mut arguments = ["fetch", "--color", when(colours), "--manifest-path"]
        .map(OsString::from)
        .to_vec();
    arguments.push(manifest.into());
    arguments
}

/// `cargo build` of one executable, which tells on stdout where it puts it.
pub(crate) fn build_arguments(
    manifest: &Path,
    executable: &Executable,
    options: &Options,
    colours: bool,
) -> Vec<OsString> {
    let mut arguments = [
        "build",
        "--message-format=json-render-diagnostics",
        "--color",
        when(colours),
        "--package",
        &executable.package,
        match executable.kind {
            Kind::Bin => "--bin",
            Kind::Example => "--example",
        },
        &executable.name,
        "--profile",
        &options.profile,
    ]
    .map(OsString::from)
    .to_vec();
    if !options.features.is_empty() {
        arguments.extend(["--features".into(), options.features.join(",").into()]);
    }
    arguments.extend(["--manifest-path".into(), manifest.into()]);
    arguments
}

const fn when(colours: bool) -> &'static str {
    if colours { "always" } else { "never" }
}

#[derive(Deserialize)]
struct BuildMessage {
    reason: String,
    package_id: Option<String>,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

/// Whether cargo came as far as compiling, and that failed.
pub(crate) fn compilation_failed(stdout: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Finished {
        success: bool,
    }
    stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Finished>(line).ok())
        .any(|finished| !finished.success)
}

/// Where cargo put the executable, from what `cargo build` wrote to stdout; lines of anything else are skipped.
pub(crate) fn built(stdout: &[u8], executable: &Executable) -> Option<PathBuf> {
    stdout.split(|byte| *byte == b'\n').find_map(|line| {
        let message: BuildMessage = serde_json::from_slice(line).ok()?;
        let target = message.target?;
        let ours = message.reason == "compiler-artifact"
            && message.package_id.as_ref() == Some(&executable.package)
            && target.name == executable.name
            && target.kind.iter().any(|kind| kind == executable.kind.name());
        if ours { message.executable } else { None }
    })
}

/// The platform that the compiler compiles for, from `rustc -vV`.
pub(crate) fn platform(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

/// Holds back cargo's last word while it is the only one: a build with nothing to do says nothing.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    held: Vec<u8>,
    open: bool,
}

impl Quiet {
    /// What to show of the next piece of cargo's stderr.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.held.extend_from_slice(bytes);
        let end = self.held.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        self.open |= end.is_some_and(|end| end < self.held.len() || !self.finished());
        self.open.then(|| std::mem::take(&mut self.held))
    }

    /// What to show of what is held back when nothing follows.
    pub(crate) fn rest(self) -> Option<Vec<u8>> {
        (!self.held.is_empty() && !self.finished()).then_some(self.held)
    }

    /// Cargo pads its verbs to the same width, and may colour them.
    fn finished(&self) -> bool {
        const LAST: &[u8] = b"Finished";
        let first = self.held.split(|byte| *byte == b'\n').next().unwrap_or_default();
        first.windows(LAST.len()).any(|window| window == LAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{self, Program};

    fn metadata() -> Metadata {
        let target = |kind: &str, name: &str| serde_json::json!({"kind": [kind], "name": name});
        let package = |name: &str, default_run: Option<&str>, targets: &[serde_json::Value]| {
            serde_json::json!({
                "id": format!("path+file:///w/{name}#1.0.0"), "name": name, "version": "1.0.0", "targets": targets,
                "manifest_path": format!("/w/{name}/Cargo.toml"), "default_run": default_run,
                "metadata": {"pulumi": {"plugins": {
                    "random": "4.0.0",
                    "aws": {"version": "7.0.0", "server": "github://x", "kind": "resource"}
                }}},
            })
        };
        let ids = ["several", "single", "chosen", "library"].map(|name| format!("path+file:///w/{name}#1.0.0"));
        serde_json::from_value(serde_json::json!({
            "packages": [
                package("several", None, &[target("bin", "one"), target("bin", "two"), target("example", "small")]),
                package("single", None, &[target("lib", "single"), target("bin", "only")]),
                package("chosen", Some("b"), &[target("bin", "a"), target("bin", "b")]),
                package("library", None, &[target("lib", "library")]),
            ],
            "workspace_members": ids, "workspace_default_members": [ids[1]],
        }))
        .unwrap()
    }

    fn options() -> Options {
        match options::parse(None) {
            Ok(Program::Cargo(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    fn select(package: &str, selection: Option<Selection>) -> Result<String, SelectionError> {
        let manifest = format!("/w/{package}/Cargo.toml");
        metadata()
            .select(Path::new(&manifest), &Options { selection, ..options() })
            .map(|found| found.name)
    }

    fn bin(name: &str) -> Selection {
        Selection::Bin(name.to_owned())
    }

    #[test]
    fn the_only_executable_or_the_default_one_is_run() {
        assert_eq!(select("single", None), Ok("only".to_owned()));
        assert_eq!(select("chosen", None), Ok("b".to_owned()));
        assert_eq!(
            select("several", None),
            Err(SelectionError::Ambiguous(vec!["one".to_owned(), "two".to_owned()]))
        );
        assert_eq!(
            select("library", None),
            Err(SelectionError::NothingToRun(vec!["library".to_owned()]))
        );
    }

    #[test]
    fn an_executable_is_chosen_by_name() {
        assert_eq!(select("several", Some(bin("two"))), Ok("two".to_owned()));
        assert_eq!(select("chosen", Some(bin("a"))), Ok("a".to_owned()));
        assert_eq!(
            select("several", Some(Selection::Example("small".to_owned()))),
            Ok("small".to_owned())
        );
        let message = select("several", Some(bin("tow"))).unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no bin `tow` in `several`, did you mean `two`?; there are `one`, `two`"
        );
        let message = select("library", Some(bin("x"))).unwrap_err().to_string();
        assert_eq!(message, "there is no bin `x` in `library`; there are none");
    }

    #[test]
    fn a_virtual_manifest_means_the_default_members_or_the_default_executable() {
        let found = metadata().select(Path::new("/w/Cargo.toml"), &options()).unwrap();
        assert_eq!(found.name, "only");
        let none = Metadata {
            workspace_default_members: Vec::new(),
            ..metadata()
        };
        assert_eq!(none.select(Path::new("/w/Cargo.toml"), &options()).unwrap().name, "b");
    }

    #[test]
    fn a_package_is_chosen_by_name() {
        let package = |name: &str| Options {
            package: Some(name.to_owned()),
            ..options()
        };
        let manifest = Path::new("/w/several/Cargo.toml");
        assert_eq!(metadata().select(manifest, &package("single")).unwrap().name, "only");
        let message = metadata().select(manifest, &package("singel")).unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no package `singel` in the workspace, did you mean `single`?"
        );
    }

    #[test]
    fn plugins_are_those_that_the_package_names() {
        let plugins = metadata()
            .plugins(Path::new("/w/single/Cargo.toml"), &options())
            .unwrap();
        let plugins: Vec<_> = plugins
            .iter()
            .map(|plugin| [&*plugin.name, &*plugin.kind, &*plugin.version, &*plugin.server])
            .collect();
        assert_eq!(
            plugins,
            [
                ["aws", "resource", "7.0.0", "github://x"],
                ["random", "resource", "4.0.0", ""]
            ]
        );
    }

    #[test]
    fn plugins_of_another_shape_are_refused() {
        let mut metadata = metadata();
        for package in &mut metadata.packages {
            package.metadata = serde_json::json!({"pulumi": {"plugins": {"random": {"versoin": "4"}}}});
        }
        let refused = metadata.plugins(Path::new("/w/single/Cargo.toml"), &options());
        assert!(matches!(refused, Err(SelectionError::Plugins { .. })), "{refused:?}");
    }

    #[test]
    fn dependencies_are_direct_or_transitive_and_not_of_tests() {
        let package = |name: &str| {
            serde_json::json!({"id": name, "name": name, "version": "1.0.0", "manifest_path": format!("/{name}/Cargo.toml"),
                "default_run": null, "targets": []})
        };
        let edge = |name: &str, kind: Option<&str>| serde_json::json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let packages = ["top", "direct", "indirect", "test"].map(package);
        let metadata: Metadata = serde_json::from_value(serde_json::json!({
            "packages": packages,
            "workspace_members": ["top"],
            "resolve": {"nodes": [
                {"id": "top", "deps": [edge("direct", None), edge("test", Some("dev"))]},
                {"id": "direct", "deps": [edge("indirect", None), edge("direct", None)]},
                {"id": "indirect", "deps": []},
            ]},
        }))
        .unwrap();
        let names = |transitive| {
            let found = metadata
                .dependencies(Path::new("/top/Cargo.toml"), &options(), transitive)
                .unwrap();
            found.into_iter().map(|dependency| dependency.name).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["direct"]);
        assert_eq!(names(true), ["direct", "indirect"]);
    }

    #[test]
    fn a_build_names_everything_that_was_chosen() {
        let executable = Executable {
            package: "id".to_owned(),
            kind: Kind::Example,
            name: "small".to_owned(),
        };
        let options = Options {
            profile: "dev".to_owned(),
            features: vec!["a".to_owned(), "b".to_owned()],
            ..options()
        };
        assert_eq!(
            build_arguments(Path::new("/w/Cargo.toml"), &executable, &options, true).join(" ".as_ref()),
            "build --message-format=json-render-diagnostics --color always --package id --example small --profile dev \
             --features a,b --manifest-path /w/Cargo.toml"
        );
    }

    #[test]
    fn the_executable_is_the_artifact_of_the_right_target() {
        let artifact = |package: &str, kind: &str, name: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"{package}","target":{{"kind":["{kind}"],"name":"{name}"}},"executable":{executable}}}"#
            )
        };
        let stdout = [
            "not json".to_owned(),
            r#"{"reason":"build-script-executed","package_id":"id"}"#.to_owned(),
            artifact("id", "lib", "x", "null"),
            artifact("other", "bin", "x", r#""/wrong""#),
            artifact("id", "bin", "x", r#""/right""#),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ]
        .join("\n");
        let executable = |name: &str| Executable {
            package: "id".to_owned(),
            kind: Kind::Bin,
            name: name.to_owned(),
        };
        assert_eq!(built(stdout.as_bytes(), &executable("x")), Some("/right".into()));
        assert_eq!(built(stdout.as_bytes(), &executable("y")), None);
    }

    #[test]
    fn the_platform_is_in_the_compilers_version() {
        assert_eq!(
            platform("rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n"),
            Some("x86_64-unknown-linux-gnu")
        );
        assert_eq!(platform("rustc 1.95.0"), None);
    }

    #[test]
    fn a_build_with_nothing_to_do_says_nothing() {
        let finished = "    \u{1b}[1m\u{1b}[32mFinished\u{1b}[0m `release` profile [optimized] target(s) in 0.05s\n";
        for pieces in [vec![finished], finished.split_inclusive("0m").collect()] {
            let mut quiet = Quiet::default();
            assert!(pieces.iter().all(|piece| quiet.pass(piece.as_bytes()).is_none()));
            assert_eq!(quiet.rest(), None);
        }
    }

    #[test]
    fn a_build_with_something_to_do_says_all_of_it() {
        for pieces in [
            vec!["   Compiling x v0.1.0\n", "    Finished `release`\n"],
            vec!["   Comp", "iling x v0.1.0\n    Finished `release`\n"],
            vec!["    Finished `release`\nwarning: more\n"],
            vec!["    Finished `release`\n", "warning: more"],
            vec!["error: no line end"],
        ] {
            let mut quiet = Quiet::default();
            let mut shown: Vec<u8> = pieces
                .iter()
                .flat_map(|piece| quiet.pass(piece.as_bytes()).unwrap_or_default())
                .collect();
            shown.extend(quiet.rest().unwrap_or_default());
            assert_eq!(String::from_utf8(shown).unwrap(), pieces.concat());
        }
    }
}
