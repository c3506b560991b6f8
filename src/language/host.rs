//! `LanguageRuntime`: what the engine asks of a language host.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use groundwork_wire::{
    proto::{
        AboutRequest, AboutResponse, GeneratePackageRequest, GeneratePackageResponse, GenerateProgramRequest,
        GenerateProgramResponse, GenerateProjectRequest, GenerateProjectResponse, GetProgramDependenciesRequest,
        GetProgramDependenciesResponse, GetRequiredPackagesRequest, GetRequiredPackagesResponse,
        InstallDependenciesRequest, InstallDependenciesResponse, LanguageHandshakeRequest, LanguageHandshakeResponse,
        LinkRequest, LinkResponse, LogRequest, LogSeverity, PackRequest, PackResponse, PluginInfo, ProgramInfo,
        RunPluginRequest, RunPluginResponse, RunRequest, RunResponse, RuntimeOptionsRequest, RuntimeOptionsResponse,
        TemplateRequest, TemplateResponse,
        engine_client::EngineClient,
        language_runtime_server::{LanguageRuntime, LanguageRuntimeServer},
        run_plugin_response::Output,
    },
    serve::{self, MessageLimit},
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    codegen::BoxStream,
    transport::{Server, server::Router},
};

use crate::{
    cargo::{self, Metadata, Quiet},
    environment::{self, Settings},
    error::Error,
    options::{self, Options, Program},
    process::{self, Captured, Chunk, Console, Ending, Job, Stop},
};

/// How a program says that it failed and has told the user why.
const TOLD: i32 = 32;

/// How many pieces of output may wait for a slow reader.
const PENDING: usize = 64;

/// The language host; clones are the same host.
#[derive(Debug, Clone)]
pub struct Host(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    engine: Mutex<Option<String>>,
    /// Ends everything.
    all: CancellationToken,
    /// Ends the programs that run now; the engine cancels plugins by themselves, and lets them finish what they do.
    programs: Mutex<CancellationToken>,
    /// How many tasks run.
    tasks: watch::Sender<usize>,
}

/// Counts a task as long as it lives.
struct Counted(Host);

impl Counted {
    fn new(host: &Host) -> Self {
        host.0.tasks.send_modify(|running| *running += 1);
        Self(host.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.tasks.send_modify(|running| *running -= 1);
    }
}

/// Where a program is, and what of it to run.
#[derive(Debug, Clone)]
struct Place {
    /// The project: the folder of Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml.
    root: PathBuf,
    /// The program's own folder, in the project.
    folder: PathBuf,
    program: Program,
}

impl Place {
    fn new(info: Option<ProgramInfo>, otherwise: &str) -> Result<Self, Error> {
        let info = info.unwrap_or_default();
        let or = |text: &str, otherwise: &Path| {
            if text.is_empty() {
                otherwise.to_owned()
            } else {
                text.into()
            }
        };
        let folder = or(&info.program_directory, Path::new(otherwise));
        let program = options::parse(info.options.as_ref())?;
        Ok(Self {
            root: or(&info.root_directory, &folder),
            folder,
            program,
        })
    }

    fn manifest(&self, options: &Options) -> Result<PathBuf, Error> {
        let Some(named) = &options.manifest else {
            return cargo::nearest_manifest(&self.folder).ok_or_else(|| Error::NoManifest(self.folder.clone()));
        };
        let path = self.root.join(named);
        let manifest = if path.is_dir() { path.join("Cargo.toml") } else { path };
        if manifest.is_file() {
            Ok(manifest)
        } else {
            Err(Error::ManifestMissing(manifest))
        }
    }
}

impl Host {
    /// A host that serves nobody yet.
    pub fn new(settings: Settings) -> Self {
        let all = CancellationToken::new();
        let programs = Mutex::new(all.child_token());
        let engine = Mutex::new(settings.engine.clone());
        Self(Arc::new(Inner {
            settings,
            engine,
            all,
            programs,
            tasks: watch::Sender::new(0),
        }))
    }

    /// The server.
    pub fn router(&self) -> Router {
        Server::builder().add_service(LanguageRuntimeServer::new(self.clone()).with_message_limit())
    }

    /// Tells everything that the host has started to end.
    pub fn stop(&self) {
        self.0.all.cancel();
    }

    /// Waits until nothing that the host has started is left; call [`Host::stop`] first.
    pub async fn ended(&self) {
        // The sender lives as long as this host.
        let _ = self.0.tasks.subscribe().wait_for(|running| *running == 0).await;
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Does some work that outlives neither its request nor the token, but is given the time to end well.
    async fn tracked<T, W>(&self, token: CancellationToken, work: impl FnOnce(Self, Stop) -> W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let stop = Stop {
            token: token.clone(),
            grace: self.settings().grace,
        };
        let _dropped_with_the_request = token.drop_guard();
        let (counted, work) = (Counted::new(self), work(self.clone(), stop));
        let task = tokio::spawn(async move {
            let _counted = counted;
            work.await
        });
        task.await.unwrap_or(Err(Error::Stopped))
    }

    fn job(&self, program: &Path, arguments: Vec<OsString>, folder: &Path) -> Job {
        Job {
            program: program.to_owned(),
            arguments,
            directory: folder.to_owned(),
            environment: self.settings().environment.clone(),
        }
    }

    fn not_started(&self, job: &Job, source: io::Error) -> Error {
        let toolchain = &self.settings().toolchain;
        if !job.directory.is_dir() {
            Error::DirectoryMissing(job.directory.clone())
        } else if source.kind() == io::ErrorKind::NotFound
            && [&toolchain.cargo, &toolchain.rustc].contains(&&job.program)
        {
            Error::NoCargo(job.program.clone())
        } else {
            Error::Start {
                program: job.program.clone(),
                source,
            }
        }
    }

    /// What a command of the toolchain answers.
    async fn ask(&self, job: Job, command: &'static str, stop: &Stop) -> Result<Vec<u8>, Error> {
        match process::capture(&job, stop).await {
            Ok(Captured {
                ending: Ending::Exited(0),
                stdout,
                ..
            }) => Ok(stdout),
            Ok(Captured {
                ending: Ending::Stopped,
                ..
            }) => Err(Error::Stopped),
            Ok(Captured { ending, stderr, .. }) => Err(Error::Cargo {
                command,
                ending,
                stderr: String::from_utf8_lossy(&stderr).into_owned(),
            }),
            Err(source) => Err(self.not_started(&job, source)),
        }
    }

    async fn metadata(&self, folder: &Path, arguments: Vec<OsString>, stop: &Stop) -> Result<Metadata, Error> {
        let command = "metadata";
        let answer = self
            .ask(
                self.job(&self.settings().toolchain.cargo, arguments, folder),
                command,
                stop,
            )
            .await?;
        serde_json::from_slice(&answer).map_err(|source| Error::Answer { command, source })
    }

    /// Builds what is to be built; what cargo says goes to the user.
    async fn executable(&self, place: &Place, what: &'static str, stop: &Stop) -> Result<PathBuf, Error> {
        let options = match &place.program {
            Program::Prebuilt(binary) => {
                let binary = place.root.join(binary);
                return if binary.is_file() {
                    Ok(binary)
                } else {
                    Err(Error::BinaryMissing(binary))
                };
            }
            Program::Cargo(options) => options,
        };
        let manifest = place.manifest(options)?;
        let metadata = self
            .metadata(&place.folder, cargo::metadata_arguments(&manifest), stop)
            .await?;
        let executable = metadata.select(&manifest, options)?;
        let arguments = cargo::build_arguments(&manifest, &executable, options, self.settings().colours);
        let job = self.job(&self.settings().toolchain.cargo, arguments, &place.folder);
        let (channel, chunks) = mpsc::channel(PENDING);
        let (ending, stdout) = tokio::join!(process::run(&job, Console::Channel(channel), stop), self.show(chunks));
        match ending.map_err(|source| self.not_started(&job, source))? {
            Ending::Exited(0) => {
                cargo::built(&stdout, &executable).ok_or_else(|| Error::NoExecutable(executable.name.clone()))
            }
            Ending::Exited(_) if cargo::compilation_failed(&stdout) => Err(Error::DoesNotCompile(what)),
            Ending::Exited(_) => Err(Error::NotBuilt(what)),
            Ending::Stopped => Err(Error::Stopped),
            ending @ Ending::Killed(_) => Err(Error::Cargo {
                command: "build",
                ending,
                stderr: String::new(),
            }),
        }
    }

    /// Shows a build's stderr to the user, and keeps its stdout.
    async fn show(&self, mut chunks: mpsc::Receiver<Chunk>) -> Vec<u8> {
        let console = &self.settings().console;
        let (mut stdout, mut quiet) = (Vec::new(), Quiet::default());
        while let Some(chunk) = chunks.recv().await {
            match chunk {
                Chunk::Stdout(bytes) => stdout.extend(bytes),
                Chunk::Stderr(bytes) => {
                    if let Some(bytes) = quiet.pass(&bytes) {
                        console.write(Chunk::Stderr(bytes)).await;
                    }
                }
            }
        }
        if let Some(bytes) = quiet.rest() {
            console.write(Chunk::Stderr(bytes)).await;
        }
        stdout
    }

    async fn run_program(self, request: RunRequest, stop: Stop) -> Result<Ending, Error> {
        if request.attach_debugger {
            return Err(Error::Debugger);
        }
        let engine = locked(&self.0.engine).clone().ok_or(Error::NoEngine)?;
        let place = Place::new(request.info.clone(), &request.pwd)?;
        let program = self.executable(&place, "program", &stop).await?;
        let job = Job {
            program,
            arguments: request.args.iter().map(OsString::from).collect(),
            directory: place.folder,
            environment: environment::of_program(&self.settings().environment, &request, &engine),
        };
        let ending = process::run(&job, self.settings().console.clone(), &stop).await;
        ending.map_err(|source| self.not_started(&job, source))
    }

    /// A run that came to no program. The engine calls whatever a run answers an unhandled error of the program, which
    /// this is not: so the user is told first, where the engine listens, and the answer is that they know.
    async fn refused(&self, message: &str) -> RunResponse {
        let request = LogRequest {
            severity: LogSeverity::Error.into(),
            message: message.to_owned(),
            ..LogRequest::default()
        };
        let engine = locked(&self.0.engine)
            .clone()
            .and_then(|engine| serve::connect(&engine).ok());
        let told = match engine {
            Some(channel) => EngineClient::new(channel).log(request).await.is_ok(),
            None => false,
        };
        if told {
            RunResponse {
                bail: true,
                ..RunResponse::default()
            }
        } else {
            RunResponse {
                error: message.to_owned(),
                ..RunResponse::default()
            }
        }
    }

    /// Runs a job and streams what it writes; the last item says how it ended. A stream that is dropped stops the job.
    fn stream<T: Send + 'static>(
        &self,
        job: Job,
        wrap: fn(Chunk) -> T,
        last: fn(Ending) -> Option<Result<T, Status>>,
    ) -> BoxStream<T> {
        let (to_engine, stream) = mpsc::channel(PENDING);
        let (channel, mut chunks) = mpsc::channel(PENDING);
        let stop = Stop {
            token: self.0.all.child_token(),
            grace: self.settings().grace,
        };
        let counted = Counted::new(self);
        tokio::spawn(async move {
            let Counted(host) = &counted;
            let pass_on = async {
                loop {
                    let chunk = tokio::select! {
                        chunk = chunks.recv() => chunk,
                        () = to_engine.closed() => None,
                    };
                    match chunk {
                        Some(chunk) => drop(to_engine.send(Ok(wrap(chunk))).await),
                        // Dropping the receiver is what stops a job that still runs.
                        None => return drop(chunks),
                    }
                }
            };
            let (ending, ()) = tokio::join!(process::run(&job, Console::Channel(channel), &stop), pass_on);
            let last = match ending {
                Ok(Ending::Stopped) => Some(Err(Error::Stopped.into())),
                Ok(ending) => last(ending),
                Err(source) => Some(Err(host.not_started(&job, source).into())),
            };
            if let Some(last) = last {
                let _ = to_engine.send(last).await;
            }
        });
        Box::pin(ReceiverStream::new(stream))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unimplemented<T>(what: &str) -> Result<Response<T>, Status> {
    Err(Status::unimplemented(format!(
        "the rust language host {what}: programs name their crates in Cargo.toml and use them as they are"
    )))
}

#[tonic::async_trait]
impl LanguageRuntime for Host {
    /// Only an engine that attaches to a running host shakes hands.
    async fn handshake(
        &self,
        request: Request<LanguageHandshakeRequest>,
    ) -> Result<Response<LanguageHandshakeResponse>, Status> {
        let address = request.into_inner().engine_address;
        if !address.is_empty() {
            *locked(&self.0.engine) = Some(address);
        }
        Ok(Response::new(LanguageHandshakeResponse {}))
    }

    async fn get_required_packages(
        &self,
        request: Request<GetRequiredPackagesRequest>,
    ) -> Result<Response<GetRequiredPackagesResponse>, Status> {
        let place = Place::new(request.into_inner().info, "")?;
        let Program::Cargo(options) = place.program.clone() else {
            return Ok(Response::new(GetRequiredPackagesResponse::default()));
        };
        let packages = self
            .tracked(self.0.all.child_token(), |host, stop| async move {
                let manifest = place.manifest(&options)?;
                let metadata = host
                    .metadata(&place.folder, cargo::metadata_arguments(&manifest), &stop)
                    .await?;
                Ok(metadata.plugins(&manifest, &options)?)
            })
            .await?;
        Ok(Response::new(GetRequiredPackagesResponse {
            packages,
            ..GetRequiredPackagesResponse::default()
        }))
    }

    async fn run(&self, request: Request<RunRequest>) -> Result<Response<RunResponse>, Status> {
        let token = locked(&self.0.programs).child_token();
        let request = request.into_inner();
        let ending = self.tracked(token, |host, stop| host.run_program(request, stop)).await;
        let response = match ending {
            Ok(Ending::Exited(0)) => RunResponse::default(),
            Ok(Ending::Exited(TOLD)) => RunResponse {
                bail: true,
                ..RunResponse::default()
            },
            Ok(Ending::Stopped) | Err(Error::Stopped) => return Err(Error::Stopped.into()),
            Ok(ending) => RunResponse {
                error: format!("the program {ending}"),
                ..RunResponse::default()
            },
            Err(error) => self.refused(&error.to_string()).await,
        };
        Ok(Response::new(response))
    }

    async fn get_plugin_info(&self, _: Request<()>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }

    /// Fetches, so that everything after works offline; it does not build, because the first run shows that better.
    async fn install_dependencies(
        &self,
        request: Request<InstallDependenciesRequest>,
    ) -> Result<Response<BoxStream<InstallDependenciesResponse>>, Status> {
        let request = request.into_inner();
        let colours = request.is_terminal;
        #[expect(deprecated, reason = "older engines say it here")]
        let place = Place::new(request.info, &request.directory)?;
        let Program::Cargo(options) = &place.program else {
            return Ok(Response::new(Box::pin(tokio_stream::empty())));
        };
        let arguments = cargo::fetch_arguments(&place.manifest(options)?, colours);
        let job = self.job(&self.settings().toolchain.cargo, arguments, &place.folder);
        let wrap = |chunk| match chunk {
            Chunk::Stdout(stdout) => InstallDependenciesResponse {
                stdout,
                ..InstallDependenciesResponse::default()
            },
            Chunk::Stderr(stderr) => InstallDependenciesResponse {
                stderr,
                ..InstallDependenciesResponse::default()
            },
        };
        let last = |ending| match ending {
            Ending::Exited(0) => None,
            ending => Some(Err(Error::Cargo {
                command: "fetch",
                ending,
                stderr: String::new(),
            }
            .into())),
        };
        Ok(Response::new(self.stream(job, wrap, last)))
    }

    async fn runtime_options_prompts(
        &self,
        _: Request<RuntimeOptionsRequest>,
    ) -> Result<Response<RuntimeOptionsResponse>, Status> {
        Ok(Response::new(RuntimeOptionsResponse::default()))
    }

    /// A template is complete as it is copied.
    async fn template(&self, _: Request<TemplateRequest>) -> Result<Response<TemplateResponse>, Status> {
        Ok(Response::new(TemplateResponse {}))
    }

    async fn about(&self, request: Request<AboutRequest>) -> Result<Response<AboutResponse>, Status> {
        let folder = request
            .into_inner()
            .info
            .map(|info| info.program_directory)
            .filter(|folder| !folder.is_empty());
        let folder = PathBuf::from(folder.unwrap_or_else(|| ".".to_owned()));
        let toolchain = self.settings().toolchain.clone();
        let executable = toolchain.cargo.display().to_string();
        let (rustc, cargo) = self
            .tracked(self.0.all.child_token(), |host, stop| async move {
                let version = vec![OsString::from("--version")];
                let rustc = host
                    .ask(host.job(&toolchain.rustc, version.clone(), &folder), "rustc", &stop)
                    .await?;
                let cargo = host
                    .ask(host.job(&toolchain.cargo, version, &folder), "--version", &stop)
                    .await?;
                Ok((text(&rustc), text(&cargo)))
            })
            .await?;
        let version = rustc.split(' ').nth(1).unwrap_or_default().to_owned();
        let metadata = [("rustc".to_owned(), rustc), ("cargo".to_owned(), cargo)].into();
        Ok(Response::new(AboutResponse {
            executable,
            version,
            metadata,
        }))
    }

    async fn get_program_dependencies(
        &self,
        request: Request<GetProgramDependenciesRequest>,
    ) -> Result<Response<GetProgramDependenciesResponse>, Status> {
        let request = request.into_inner();
        let transitive = request.transitive_dependencies;
        #[expect(deprecated, reason = "older engines say it here")]
        let place = Place::new(request.info, &request.pwd)?;
        let Program::Cargo(options) = place.program.clone() else {
            return Ok(Response::new(GetProgramDependenciesResponse::default()));
        };
        let dependencies = self
            .tracked(self.0.all.child_token(), |host, stop| async move {
                let rustc = host.job(&host.settings().toolchain.rustc, vec!["-vV".into()], &place.folder);
                let version = text(&host.ask(rustc, "rustc", &stop).await?);
                let manifest = place.manifest(&options)?;
                let platform = cargo::platform(&version).unwrap_or_default();
                let arguments = cargo::resolve_arguments(&manifest, platform);
                let metadata = host.metadata(&place.folder, arguments, &stop).await?;
                Ok(metadata.dependencies(&manifest, &options, transitive)?)
            })
            .await?;
        Ok(Response::new(GetProgramDependenciesResponse { dependencies }))
    }

    /// Providers, policy packs and tools that are sources with `runtime: rust`.
    async fn run_plugin(
        &self,
        request: Request<RunPluginRequest>,
    ) -> Result<Response<BoxStream<RunPluginResponse>>, Status> {
        let request = request.into_inner();
        if request.attach_debugger {
            return Err(Error::Debugger.into());
        }
        let what = if request.kind == "analyzer" {
            "policy pack"
        } else {
            "plugin"
        };
        let place = Place::new(request.info, &request.pwd)?;
        let directory = if request.pwd.is_empty() {
            place.folder.clone()
        } else {
            request.pwd.into()
        };
        let program = self
            .tracked(self.0.all.child_token(), |host, stop| async move {
                host.executable(&place, what, &stop).await
            })
            .await?;
        let job = Job {
            program,
            arguments: request.args.into_iter().map(OsString::from).collect(),
            directory,
            environment: environment::of_plugin(&self.settings().environment, &request.env),
        };
        let wrap = |chunk| match chunk {
            Chunk::Stdout(bytes) => RunPluginResponse {
                output: Some(Output::Stdout(bytes)),
            },
            Chunk::Stderr(bytes) => RunPluginResponse {
                output: Some(Output::Stderr(bytes)),
            },
        };
        let last = |ending| match ending {
            Ending::Exited(code) => Some(Ok(RunPluginResponse {
                output: Some(Output::Exitcode(code)),
            })),
            // As a shell counts it.
            Ending::Killed(signal) => Some(Ok(RunPluginResponse {
                output: Some(Output::Exitcode(128 + signal)),
            })),
            Ending::Stopped => None,
        };
        Ok(Response::new(self.stream(job, wrap, last)))
    }

    async fn generate_program(
        &self,
        _: Request<GenerateProgramRequest>,
    ) -> Result<Response<GenerateProgramResponse>, Status> {
        unimplemented("converts no programs")
    }

    async fn generate_project(
        &self,
        _: Request<GenerateProjectRequest>,
    ) -> Result<Response<GenerateProjectResponse>, Status> {
        unimplemented("converts no projects")
    }

    async fn generate_package(
        &self,
        _: Request<GeneratePackageRequest>,
    ) -> Result<Response<GeneratePackageResponse>, Status> {
        unimplemented("generates no SDKs")
    }

    async fn pack(&self, _: Request<PackRequest>) -> Result<Response<PackResponse>, Status> {
        unimplemented("packs no SDKs")
    }

    async fn link(&self, _: Request<LinkRequest>) -> Result<Response<LinkResponse>, Status> {
        unimplemented("links no packages")
    }

    /// Ends the programs that run. Plugins have their own Cancel, and finish what they have begun.
    async fn cancel(&self, _: Request<()>) -> Result<Response<()>, Status> {
        let running = std::mem::replace(&mut *locked(&self.0.programs), self.0.all.child_token());
        running.cancel();
        Ok(Response::new(()))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
