//! The host as the engine sees it: a server that builds and runs a tiny program with the real cargo.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use groundwork_language::{Chunk, Console, Host, Settings, Toolchain};
use groundwork_wire::{
    PropertyMap, PropertyValue, codec,
    proto::{
        AboutRequest, GeneratePackageRequest, GetProgramDependenciesRequest, GetRequiredPackagesRequest,
        InstallDependenciesRequest, LanguageHandshakeRequest, LinkRequest, LogRequest, LogSeverity, ProgramInfo,
        RunPluginRequest, RunPluginResponse, RunRequest, RunResponse, RuntimeOptionsRequest, TemplateRequest,
        engine_server, language_runtime_client::LanguageRuntimeClient, run_plugin_response::Output,
    },
    serve::{Listener, MessageLimit, connect},
};
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tonic::{
    Code, Request, Response, Status,
    transport::{Channel, Server},
};

const TINY: &str = include_str!("programs/tiny.rs");

/// For what takes no time unless it never happens.
const NEVER: Duration = Duration::from_mins(1);

/// A host that serves a project in a folder of its own.
struct Scene {
    folder: TempDir,
    host: Host,
    channel: Channel,
    client: LanguageRuntimeClient<Channel>,
    console: mpsc::Receiver<Chunk>,
}

impl Scene {
    /// With a package `tiny` as the project.
    async fn new() -> Self {
        let scene = Self::with(|_| ()).await;
        scene.package("", "tiny", "");
        scene
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        // Each project has its own target folder: builds beside this one must not hold it up.
        let environment =
            env::vars_os().filter(|(key, _)| key != "CARGO_TARGET_DIR" && key != "CARGO_BUILD_TARGET_DIR");
        let (shown, console) = mpsc::channel(10_000);
        let mut settings = Settings {
            environment: environment.collect(),
            colours: false,
            console: Console::Channel(shown),
            ..Settings::new(["127.0.0.1:9".to_owned()], env::vars_os())
        };
        change(&mut settings);
        let host = Host::new(settings);
        let listener = Listener::bind().await.unwrap();
        let channel = connect(&listener.address().to_string()).unwrap();
        let client = LanguageRuntimeClient::new(channel.clone()).with_message_limit();
        tokio::spawn(listener.serve(host.router(), std::future::pending()));
        Self {
            folder: tempfile::tempdir().unwrap(),
            host,
            channel,
            client,
            console,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn package(&self, folder: &str, name: &str, manifest: &str) {
        let folder = if folder.is_empty() {
            ".".to_owned()
        } else {
            folder.to_owned()
        };
        let head = format!("[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"2024\"\n");
        self.write(&format!("{folder}/Cargo.toml"), &format!("{head}{manifest}"));
        self.write(&format!("{folder}/src/main.rs"), TINY);
    }

    fn script(&self, path: &str, text: &str) {
        self.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn info(&self, options: &[(&str, &str)]) -> ProgramInfo {
        let options: PropertyMap = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), PropertyValue::from(*value)))
            .collect();
        let here = self.path("").display().to_string();
        ProgramInfo {
            root_directory: here.clone(),
            program_directory: here,
            entry_point: ".".to_owned(),
            options: Some(codec::to_struct(&options)),
        }
    }

    fn request(&self, options: &[(&str, &str)], arguments: &[&str]) -> RunRequest {
        RunRequest {
            info: Some(self.info(options)),
            args: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            project: "project".to_owned(),
            stack: "stack".to_owned(),
            monitor_address: "127.0.0.1:8".to_owned(),
            ..RunRequest::default()
        }
    }

    async fn run(&mut self, options: &[(&str, &str)], arguments: &[&str]) -> Result<RunResponse, Status> {
        let request = self.request(options, arguments);
        self.client.run(request).await.map(Response::into_inner)
    }

    fn plugin(&self, options: &[(&str, &str)], arguments: &[&str]) -> RunPluginRequest {
        RunPluginRequest {
            pwd: self.path("").display().to_string(),
            args: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            info: Some(self.info(options)),
            kind: "resource".to_owned(),
            ..RunPluginRequest::default()
        }
    }

    /// What was shown to the user so far.
    fn shown(&mut self) -> (String, String) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Ok(chunk) = self.console.try_recv() {
            match chunk {
                Chunk::Stdout(bytes) => stdout.extend(bytes),
                Chunk::Stderr(bytes) => stderr.extend(bytes),
            }
        }
        (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

fn failed(error: &str) -> RunResponse {
    RunResponse {
        error: error.to_owned(),
        bail: false,
    }
}

/// Waits for processes to say that they live.
struct Lives {
    listener: TcpListener,
    address: String,
}

impl Lives {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { listener, address }
    }

    async fn next(&self) -> TcpStream {
        timeout(NEVER, self.listener.accept())
            .await
            .expect("the program does not start")
            .unwrap()
            .0
    }

    /// What a process said until it died.
    async fn end(mut life: TcpStream) -> String {
        let mut said = Vec::new();
        // A process that is killed may leave a reset connection.
        let _ = timeout(NEVER, life.read_to_end(&mut said))
            .await
            .expect("the program does not end");
        String::from_utf8(said).unwrap()
    }
}

#[tokio::test]
async fn a_program_is_built_and_runs_with_what_the_engine_says() {
    let mut scene = Scene::new().await;
    let request = RunRequest {
        config: [("project:a".to_owned(), "1".to_owned())].into(),
        config_secret_keys: vec!["project:a".to_owned()],
        organization: "organization".to_owned(),
        dry_run: true,
        parallel: 4,
        ..scene.request(&[], &["say"])
    };
    assert_eq!(
        scene.client.run(request).await.unwrap().into_inner(),
        RunResponse::default()
    );
    let (stdout, stderr) = scene.shown();
    let here = scene.path("").display().to_string();
    for line in [
        &format!("directory {}", here.trim_end_matches('/')),
        "PULUMI_MONITOR=127.0.0.1:8",
        "PULUMI_ENGINE=127.0.0.1:9",
        "PULUMI_PROJECT=project",
        "PULUMI_STACK=stack",
        "PULUMI_ORGANIZATION=organization",
        &format!("PULUMI_ROOT_DIRECTORY={here}"),
        r#"PULUMI_CONFIG={"project:a":"1"}"#,
        r#"PULUMI_CONFIG_SECRET_KEYS=["project:a"]"#,
        "PULUMI_PARALLEL=4",
        "PULUMI_DRY_RUN=true",
        "debug false",
    ] {
        assert!(stdout.lines().any(|shown| shown == line), "no {line:?} in\n{stdout}");
    }
    assert!(
        stderr.contains("Compiling tiny v1.2.3") && stderr.contains("Finished `release`"),
        "{stderr}"
    );
    assert!(stderr.ends_with("to stderr\n"), "{stderr}");
}

#[tokio::test]
async fn a_program_that_is_built_already_runs_without_a_word_of_cargo() {
    let mut scene = Scene::new().await;
    scene.run(&[], &[]).await.unwrap();
    scene.shown();
    scene.run(&[], &["hello"]).await.unwrap();
    assert_eq!(scene.shown(), ("tiny [\"hello\"]\n".to_owned(), String::new()));
}

#[tokio::test]
async fn how_a_program_ends_is_how_the_run_ends() {
    let mut scene = Scene::new().await;
    let bail = RunResponse {
        bail: true,
        ..RunResponse::default()
    };
    assert_eq!(scene.run(&[], &["exit", "0"]).await.unwrap(), RunResponse::default());
    assert_eq!(scene.run(&[], &["exit", "32"]).await.unwrap(), bail);
    assert_eq!(
        scene.run(&[], &["exit", "7"]).await.unwrap(),
        failed("the program exited with code 7")
    );
    assert_eq!(
        scene.run(&[], &["abort"]).await.unwrap(),
        failed("the program was killed by SIGABRT")
    );
}

#[tokio::test]
async fn a_program_that_does_not_compile_is_cargos_to_explain() {
    let mut scene = Scene::new().await;
    scene.write("src/main.rs", "fn main() { missing() }");
    assert_eq!(
        scene.run(&[], &[]).await.unwrap(),
        failed("the program does not compile; cargo says why above")
    );
    let (_, stderr) = scene.shown();
    assert!(
        stderr.contains("cannot find function `missing`") && stderr.contains("src/main.rs:1:13"),
        "{stderr}"
    );

    scene.package("", "tiny", "[dependencies]\nabsent = { path = \"absent\" }\n");
    let error = scene.run(&[], &[]).await.unwrap().error;
    assert!(
        error.starts_with("cargo cannot build the program") || error.starts_with("`cargo metadata`"),
        "{error}"
    );
}

struct Engine(mpsc::Sender<LogRequest>);

#[tonic::async_trait]
impl engine_server::Engine for Engine {
    async fn log(&self, request: Request<LogRequest>) -> Result<Response<()>, Status> {
        self.0.send(request.into_inner()).await.unwrap();
        Ok(Response::new(()))
    }
}

#[tokio::test]
async fn a_run_without_a_program_is_told_through_the_engine_and_not_blamed_on_the_program() {
    let (logged, mut log) = mpsc::channel(10);
    let listener = Listener::bind().await.unwrap();
    let engine = listener.address().to_string();
    let router = Server::builder().add_service(engine_server::EngineServer::new(Engine(logged)));
    tokio::spawn(listener.serve(router, std::future::pending()));
    let mut scene = Scene::with(|settings| settings.engine = Some(engine)).await;
    let bail = RunResponse {
        bail: true,
        ..RunResponse::default()
    };
    assert_eq!(scene.run(&[], &[]).await.unwrap(), bail);
    let told = log.recv().await.unwrap();
    assert_eq!(told.severity(), LogSeverity::Error);
    assert!(told.message.starts_with("no Cargo.toml in "), "{told:?}");
    scene.script("program", "exit 7");
    assert_eq!(
        scene.run(&[("binary", "program")], &[]).await.unwrap(),
        failed("the program exited with code 7")
    );
}

#[tokio::test]
async fn the_executable_is_the_one_that_the_options_name() {
    let mut scene = Scene::with(|_| ()).await;
    scene.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\"]\n",
    );
    scene.package("one", "one", "");
    scene.package("two", "two", "[features]\nextra = []\n");
    scene.write("two/examples/small.rs", TINY);
    scene.write("two/src/bin/second.rs", TINY);

    scene.run(&[("package", "one")], &["x"]).await.unwrap();
    assert_eq!(scene.shown().0, "one [\"x\"]\n");
    scene
        .run(&[("manifest", "two"), ("bin", "second")], &["x"])
        .await
        .unwrap();
    assert_eq!(scene.shown().0, "second [\"x\"]\n");
    scene
        .run(
            &[
                ("manifest", "two/Cargo.toml"),
                ("example", "small"),
                ("features", "extra"),
                ("profile", "dev"),
            ],
            &["say"],
        )
        .await
        .unwrap();
    let (stdout, stderr) = scene.shown();
    assert!(stdout.contains("feature true\ndebug true\n"), "{stdout}{stderr}");

    let error = scene.run(&[], &[]).await.unwrap().error;
    assert!(error.contains("`one`, `second`, `two` could be run"), "{error}");
    let error = scene
        .run(&[("package", "tow"), ("bin", "two")], &[])
        .await
        .unwrap()
        .error;
    assert_eq!(error, "there is no package `tow` in the workspace, did you mean `two`?");
    let error = scene
        .run(&[("profile", "nonsense"), ("package", "one")], &[])
        .await
        .unwrap()
        .error;
    assert_eq!(error, "cargo cannot build the program; it says why above");
    assert!(scene.shown().1.contains("profile `nonsense` is not defined"));
}

#[tokio::test]
async fn options_that_make_no_sense_are_errors() {
    let mut scene = Scene::new().await;
    let error = scene.run(&[("profil", "dev")], &[]).await.unwrap().error;
    assert!(
        error.starts_with("the rust runtime has no option `profil`, did you mean `profile`?"),
        "{error}"
    );
    let error = scene
        .run(&[("manifest", "elsewhere/Cargo.toml")], &[])
        .await
        .unwrap()
        .error;
    assert!(
        error.ends_with("/elsewhere/Cargo.toml, which the option `manifest` names"),
        "{error}"
    );
    let request = scene.plugin(&[("profil", "dev")], &[]);
    assert_eq!(
        scene.client.run_plugin(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let info = Some(scene.info(&[("bin", "a"), ("example", "b")]));
    let refused = scene
        .client
        .get_required_packages(GetRequiredPackagesRequest { info })
        .await
        .unwrap_err();
    assert_eq!(refused.message(), "the options `bin` and `example` exclude each other");

    fs::remove_file(scene.path("Cargo.toml")).unwrap();
    let error = scene.run(&[], &[]).await.unwrap().error;
    assert!(error.starts_with("no Cargo.toml in "), "{error}");
}

#[tokio::test]
async fn a_prebuilt_program_needs_no_cargo() {
    let mut scene = Scene::with(|settings| {
        settings.toolchain = Toolchain {
            cargo: "/nowhere/cargo".into(),
            rustc: "/nowhere/rustc".into(),
        };
    })
    .await;
    scene.script("bin/program", "echo $PULUMI_STACK $1; exit 32");
    let bail = RunResponse {
        bail: true,
        ..RunResponse::default()
    };
    assert_eq!(scene.run(&[("binary", "bin/program")], &["x"]).await.unwrap(), bail);
    assert_eq!(scene.shown(), ("stack x\n".to_owned(), String::new()));
    let error = scene.run(&[("binary", "bin/absent")], &[]).await.unwrap().error;
    assert!(
        error.contains("/bin/absent, which the option `binary` names; build it first"),
        "{error}"
    );
    let info = Some(scene.info(&[("binary", "bin/program")]));
    let packages = scene
        .client
        .get_required_packages(GetRequiredPackagesRequest { info })
        .await
        .unwrap();
    assert_eq!(packages.into_inner().packages, []);
}

#[tokio::test]
async fn a_missing_toolchain_is_named_with_where_to_get_it() {
    let mut scene = Scene::with(|settings| {
        settings.toolchain = Toolchain {
            cargo: "/nowhere/cargo".into(),
            rustc: "/nowhere/rustc".into(),
        };
    })
    .await;
    scene.package("", "tiny", "");
    let error = scene.run(&[], &[]).await.unwrap().error;
    for part in ["cargo is not installed", "/nowhere/cargo", "1.95", "rustup.rs"] {
        assert!(error.contains(part), "{error}");
    }
    let about = scene.client.about(AboutRequest::default()).await.unwrap_err();
    assert!(about.message().contains("/nowhere/rustc"), "{about}");
}

#[tokio::test]
async fn cancel_ends_the_program_and_its_children_and_the_next_run_is_free() {
    let mut scene = Scene::new().await;
    let lives = Lives::new().await;
    let (mut client, request) = (scene.client.clone(), scene.request(&[], &["stay", &lives.address]));
    let run = tokio::spawn(async move { client.run(request).await });
    let (parent, child) = (lives.next().await, lives.next().await);
    scene.client.cancel(()).await.unwrap();
    assert_eq!(run.await.unwrap().unwrap_err().code(), Code::Cancelled);
    Lives::end(parent).await;
    Lives::end(child).await;
    assert_eq!(scene.run(&[], &["exit", "0"]).await.unwrap(), RunResponse::default());
}

#[tokio::test]
async fn a_program_that_will_not_end_is_killed() {
    let mut scene = Scene::with(|settings| settings.grace = Duration::ZERO).await;
    scene.script("stubborn", "trap '' TERM INT HUP\necho up\nwhile :; do sleep 60; done");
    let (mut client, request) = (scene.client.clone(), scene.request(&[("binary", "stubborn")], &[]));
    let run = tokio::spawn(async move { client.run(request).await });
    let up = timeout(NEVER, scene.console.recv())
        .await
        .expect("the program does not start");
    assert_eq!(up, Some(Chunk::Stdout(b"up\n".to_vec())));
    scene.host.stop();
    let ended = timeout(NEVER, run).await.expect("the program does not end").unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn a_run_that_the_engine_gives_up_ends_the_program() {
    let scene = Scene::new().await;
    let lives = Lives::new().await;
    let (mut client, request) = (scene.client.clone(), scene.request(&[], &["stay", &lives.address]));
    let run = tokio::spawn(async move { client.run(request).await });
    let (parent, child) = (lives.next().await, lives.next().await);
    run.abort();
    Lives::end(parent).await;
    Lives::end(child).await;
}

#[tokio::test]
async fn a_host_that_is_stopped_leaves_nothing_behind() {
    let mut scene = Scene::new().await;
    let lives = Lives::new().await;
    let request = scene.plugin(&[], &["stay", &lives.address]);
    let mut stream = scene.client.run_plugin(request).await.unwrap().into_inner();
    let (parent, child) = (lives.next().await, lives.next().await);
    scene.client.cancel(()).await.unwrap();
    scene.host.stop();
    timeout(NEVER, scene.host.ended()).await.expect("the host does not end");
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Cancelled);
    Lives::end(parent).await;
    Lives::end(child).await;
}

#[tokio::test]
async fn a_plugin_streams_what_it_writes_and_how_it_ends() {
    let mut scene = Scene::new().await;
    scene.script("plugin", "pwd; echo \"$A $HOME\"; echo wrong >&2; exit 3");
    fs::create_dir(scene.path("project")).unwrap();
    let request = RunPluginRequest {
        pwd: scene.path("project").display().to_string(),
        env: vec!["A=1".to_owned()],
        ..scene.plugin(&[("binary", "plugin")], &[])
    };
    let (stdout, stderr, code) = streamed(&mut scene, request).await;
    assert_eq!(stdout, format!("{}\n1 \n", scene.path("project").display()));
    assert_eq!((stderr.as_str(), code), ("wrong\n", Some(3)));

    let request = scene.plugin(&[], &["hello"]);
    let (stdout, stderr, code) = streamed(&mut scene, request).await;
    assert_eq!(
        (stdout.as_str(), stderr.as_str(), code),
        ("tiny [\"hello\"]\n", "", Some(0))
    );
    assert!(scene.shown().1.contains("Compiling tiny"), "the user sees the build");

    let request = scene.plugin(&[], &["abort"]);
    assert_eq!(streamed(&mut scene, request).await.2, Some(128 + 6));
}

async fn streamed(scene: &mut Scene, request: RunPluginRequest) -> (String, String, Option<i32>) {
    let mut stream = scene.client.run_plugin(request).await.unwrap().into_inner();
    let (mut stdout, mut stderr, mut code) = (Vec::new(), Vec::new(), None);
    while let Some(RunPluginResponse { output }) = stream.message().await.unwrap() {
        assert_eq!(code, None, "the exit code comes last");
        match output.unwrap() {
            Output::Stdout(bytes) => stdout.extend(bytes),
            Output::Stderr(bytes) => stderr.extend(bytes),
            Output::Exitcode(exit) => code = Some(exit),
        }
    }
    (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
        code,
    )
}

#[tokio::test]
async fn much_output_arrives_whole_and_in_order() {
    let mut scene = Scene::with(|_| ()).await;
    scene.script(
        "plugin",
        "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done",
    );
    let request = scene.plugin(&[("binary", "plugin")], &[]);
    let (stdout, _, code) = streamed(&mut scene, request).await;
    assert_eq!(code, Some(0));
    assert!(
        stdout
            .lines()
            .enumerate()
            .all(|(number, line)| line == format!("line {number}"))
    );
    assert_eq!(stdout.lines().count(), 20000);
}

#[tokio::test]
async fn a_plugin_ends_when_its_stream_is_dropped() {
    let mut scene = Scene::new().await;
    let lives = Lives::new().await;
    let request = scene.plugin(&[], &["stay", &lives.address]);
    let stream = scene.client.run_plugin(request).await.unwrap();
    let (parent, child) = (lives.next().await, lives.next().await);
    drop(stream);
    Lives::end(parent).await;
    Lives::end(child).await;
}

#[tokio::test]
async fn a_plugins_stdin_stays_open_until_it_must_end() {
    let mut scene = Scene::with(|settings| settings.grace = NEVER).await;
    scene.package("", "tiny", "");
    let lives = Lives::new().await;
    let request = scene.plugin(&[], &["until-stdin-ends", &lives.address]);
    let stream = scene.client.run_plugin(request).await.unwrap();
    let life = lives.next().await;
    drop(stream);
    // Ended by the signal, not by its stdin.
    assert_eq!(Lives::end(life).await, "");
}

#[tokio::test]
async fn a_plugin_that_does_not_compile_is_an_error() {
    let mut scene = Scene::new().await;
    scene.write("src/main.rs", "fn main() { missing() }");
    let request = scene.plugin(&[], &[]);
    let refused = scene.client.run_plugin(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (
            Code::FailedPrecondition,
            "the plugin does not compile; cargo says why above"
        )
    );
    let request = RunPluginRequest {
        kind: "analyzer".to_owned(),
        ..scene.plugin(&[], &[])
    };
    let refused = scene.client.run_plugin(request).await.unwrap_err();
    assert_eq!(
        refused.message(),
        "the policy pack does not compile; cargo says why above"
    );
    assert!(scene.shown().1.contains("cannot find function `missing`"));
}

#[tokio::test]
async fn dependencies_are_fetched_with_what_cargo_says() {
    let mut scene = Scene::new().await;
    let request = |scene: &Scene| InstallDependenciesRequest {
        info: Some(scene.info(&[])),
        ..InstallDependenciesRequest::default()
    };
    let mut stream = scene
        .client
        .install_dependencies(request(&scene))
        .await
        .unwrap()
        .into_inner();
    while stream.message().await.unwrap().is_some() {}
    assert!(scene.path("Cargo.lock").is_file());

    scene.package("", "tiny", "[dependencies]\nabsent = { path = \"absent\" }\n");
    let mut stream = scene
        .client
        .install_dependencies(request(&scene))
        .await
        .unwrap()
        .into_inner();
    let mut stderr = Vec::new();
    let error = loop {
        match stream.message().await {
            Ok(message) => stderr.extend(message.expect("a failure is no end").stderr),
            Err(error) => break error,
        }
    };
    assert!(String::from_utf8(stderr).unwrap().contains("absent"));
    assert_eq!(error.message(), "`cargo fetch` exited with code 101");
}

#[tokio::test]
async fn what_the_program_needs_is_read_from_its_manifest() {
    let mut scene = Scene::with(|_| ()).await;
    scene.package(
        "",
        "tiny",
        "[dependencies]\nnear = { path = \"near\" }\n[package.metadata.pulumi.plugins]\nrandom = \"4.16.0\"\n",
    );
    scene.package("near", "near", "[dependencies]\nfar = { path = \"../far\" }\n");
    scene.package("far", "far", "");
    for library in ["near", "far"] {
        scene.write(&format!("{library}/src/lib.rs"), "");
    }
    let info = Some(scene.info(&[]));
    let packages = scene
        .client
        .get_required_packages(GetRequiredPackagesRequest { info: info.clone() })
        .await
        .unwrap();
    let packages = packages.into_inner().packages;
    assert_eq!(packages.len(), 1);
    assert_eq!(
        (&*packages[0].name, &*packages[0].kind, &*packages[0].version),
        ("random", "resource", "4.16.0")
    );

    let mut names = Vec::new();
    for transitive_dependencies in [false, true] {
        let request = GetProgramDependenciesRequest {
            transitive_dependencies,
            info: info.clone(),
            ..GetProgramDependenciesRequest::default()
        };
        let dependencies = scene
            .client
            .get_program_dependencies(request)
            .await
            .unwrap()
            .into_inner()
            .dependencies;
        names.push(
            dependencies
                .into_iter()
                .map(|found| format!("{} {}", found.name, found.version))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(names, [vec!["near 1.2.3"], vec!["far 1.2.3", "near 1.2.3"]]);
}

#[tokio::test]
async fn the_host_says_what_it_is() {
    let mut scene = Scene::new().await;
    let about = AboutRequest {
        info: Some(scene.info(&[])),
    };
    let about = scene.client.about(about).await.unwrap().into_inner();
    assert!(
        about.metadata["rustc"].starts_with(&format!("rustc {}", about.version)),
        "{about:?}"
    );
    assert!(about.metadata["cargo"].starts_with("cargo 1."), "{about:?}");
    assert!(about.executable.ends_with("/cargo"), "{about:?}");
    let version = scene.client.get_plugin_info(()).await.unwrap().into_inner().version;
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let prompts = scene
        .client
        .runtime_options_prompts(RuntimeOptionsRequest::default())
        .await
        .unwrap();
    assert_eq!(prompts.into_inner().prompts, []);
    scene.client.template(TemplateRequest::default()).await.unwrap();
}

#[tokio::test]
async fn what_the_host_does_not_do_says_so() {
    let mut scene = Scene::new().await;
    let link = scene.client.link(LinkRequest::default()).await.unwrap_err();
    let generate = scene
        .client
        .generate_package(GeneratePackageRequest::default())
        .await
        .unwrap_err();
    for refused in [link, generate] {
        assert_eq!(refused.code(), Code::Unimplemented);
        assert!(refused.message().contains("Cargo.toml"), "{refused}");
    }
    let request = RunRequest {
        attach_debugger: true,
        ..scene.request(&[], &[])
    };
    let refused = scene.client.run(request).await.unwrap().into_inner();
    assert_eq!(refused, failed("this language host cannot attach a debugger"));
}

#[tokio::test]
async fn an_engine_that_attaches_says_where_it_is_by_a_handshake() {
    let mut scene = Scene::with(|settings| settings.engine = None).await;
    scene.script("program", "echo $PULUMI_ENGINE");
    let options = [("binary", "program")];
    assert_eq!(
        scene.run(&options, &[]).await.unwrap(),
        failed("the engine has not said where it listens")
    );
    let engine_address = "127.0.0.1:7".to_owned();
    let handshake = LanguageHandshakeRequest {
        engine_address,
        ..LanguageHandshakeRequest::default()
    };
    scene.client.handshake(handshake).await.unwrap();
    assert_eq!(scene.run(&options, &[]).await.unwrap(), RunResponse::default());
    assert_eq!(scene.shown().0, "127.0.0.1:7\n");
}

#[tokio::test]
async fn a_probe_with_a_method_that_does_not_exist_is_answered() {
    let scene = Scene::new().await;
    let mut grpc = tonic::client::Grpc::new(scene.channel.clone());
    grpc.ready().await.unwrap();
    let path = "/".parse().unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let answer = grpc.unary(Request::new(()), path, codec).await.unwrap_err();
    assert_eq!(answer.code(), Code::Unimplemented);
}
