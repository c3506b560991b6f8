//! The local cloud itself: what is up, how to reach it, and how to take it down.

pub(crate) mod admin;
mod state;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::kubernetes::objects::{Object, Overview};
pub use admin::{Call, Dump, FAULT_KINDS, Fault};
use state::{Profile, ToolFolder};
pub use state::{Rhythm, default_state};

use crate::process::{Launch, Process, Processes, Running, tail};
use crate::tools::{Cache, HELM, Installed, KUBERNETES, KWOK, PULUMI, Python, Sources, Tool};
use crate::wait::until;
use crate::{Error, Result, Ui, charts, kubernetes};

pub use crate::process::Lifetime;

pub(crate) use admin::Admin;

/// The passphrase of the local Pulumi backend. It guards nothing: what the local cloud holds is made up.
pub const PASSPHRASE: &str = "local";
/// The account that every credential belongs to.
pub const ACCOUNT: &str = "123456789012";
/// The region when none is named.
pub const REGION: &str = "eu-central-1";
/// Variables of the user's that would lead an AWS SDK or Pulumi away from the local cloud: whoever sets
/// [`LocalCloud::env`] removes these.
pub const FOREIGN: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CA_BUNDLE",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
];

const AWS: &str = "aws";
/// For how many seconds a log group must stay gone.
const QUIET: u16 = 3;
const SUPERVISOR: &str = "kubernetes";
/// moto loads all of boto's models when it starts; a machine under load takes its time.
const START_LIMIT: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(50);

/// How a local cloud is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds everything of this local cloud. Two of them never share one.
    pub state: PathBuf,
    /// Where tools are kept.
    pub cache: Cache,
    /// How fast its AWS is.
    pub rhythm: Rhythm,
    /// The region of [`LocalCloud::env`].
    pub region: String,
    /// Whether it outlives this process.
    pub lifetime: Lifetime,
    /// What is put on PATH.
    pub tools: Vec<&'static Tool>,
    /// The program that keeps a control plane for each EKS cluster: `groundwork` (it is called as `groundwork local
    /// kubernetes-supervisor`). Without one, EKS's clusters have no Kubernetes and are ACTIVE nevertheless. With one,
    /// [`KUBERNETES`], [`KWOK`] and [`HELM`] are had too.
    pub kubernetes: Option<PathBuf>,
    /// Where the moto extension comes from.
    pub sources: Sources,
}

impl Options {
    /// A detached local cloud in this state folder, with Pulumi, Helm and Kubernetes, every transition taking two seconds. The
    /// program that calls this must be `groundwork`, or name it in [`Options::kubernetes`].
    pub fn new(state: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            state: state.into(),
            cache: Cache::find()?,
            rhythm: Rhythm::default(),
            region: REGION.to_owned(),
            lifetime: Lifetime::default(),
            tools: vec![&PULUMI, &HELM],
            kubernetes: Some(env::current_exe().map_err(Error::file("find", Path::new("this program")))?),
            sources: Sources::find(),
        })
    }

    /// For a test: it ends with the test, transitions take 50 milliseconds, there is no Kubernetes, and no tool is built
    /// unless it is added.
    pub fn for_test(state: impl Into<PathBuf>) -> Result<Self> {
        Ok(Self {
            rhythm: Rhythm::Settle(Duration::from_millis(50)),
            lifetime: Lifetime::Attached,
            tools: Vec::new(),
            kubernetes: None,
            ..Self::new(state)?
        })
    }
}

/// A local cloud that is up.
///
/// Dropping it leaves a [`Lifetime::Detached`] one up, and ends an [`Lifetime::Attached`] one that this value brought up.
#[derive(Debug)]
pub struct LocalCloud {
    state: PathBuf,
    profile: Profile,
    admin: Admin,
    running: Vec<Running>,
    fresh: bool,
}

/// What there is in a state folder.
#[derive(Debug, Clone)]
pub struct Status {
    /// The state folder.
    pub state: PathBuf,
    /// Where AWS is, when it is up: `http://127.0.0.1:4711`.
    pub endpoint: Option<String>,
    /// Why it is not up, or not well.
    pub trouble: Option<String>,
    /// Every process on record.
    pub processes: Vec<Process>,
    /// The folders of the tools that were put on PATH, by tool.
    pub tools: BTreeMap<String, PathBuf>,
}

impl LocalCloud {
    /// Brings it up. One that is up already is taken as it is, with its rhythm set to that of the options; what a crashed
    /// one has left is ended first. A new AWS is empty, so the local Pulumi backend that spoke of the old one is set
    /// aside (`pulumi.previous` in the state folder).
    pub async fn up(options: &Options, ui: &Ui) -> Result<Self> {
        let state = state::absolute(&options.state)?;
        let _lock = crate::tools::lock(&state, "start of this local cloud", ui).await?;
        if let Ok(cloud) = Self::attach(&state).await {
            cloud.set_rhythm(options.rhythm).await?;
            return Ok(cloud);
        }
        let processes = Processes::of(&state);
        for orphan in processes.stop_all().await? {
            ui.note(format_args!("✓ ended {orphan} of a run before"));
        }
        Profile::forget(&state)?;

        // One after the other downloads and compiles: side by side, the first start takes as long as the longer.
        let mut wanted = options.tools.clone();
        if options.kubernetes.is_some() {
            let missing = [&KUBERNETES, &KWOK, &HELM];
            wanted.extend(
                missing
                    .into_iter()
                    .filter(|tool| options.tools.iter().all(|had| had.name != tool.name)),
            );
        }
        let (python, tools) = tokio::try_join!(
            Python::obtain(&options.sources, &options.cache, ui),
            obtain(&wanted, &options.cache, ui)
        )?;
        if state::set_aside(&state)? {
            ui.note("… the Pulumi stacks of the last local cloud are set aside: this AWS is a new one");
        }

        let step = ui.step("starting AWS", None);
        let (port, running) = match start_aws(&state, options, &python, &processes).await {
            Ok(started) => started,
            Err(error) => {
                processes.stop_all().await?;
                return Err(error);
            }
        };
        let profile = Profile {
            port,
            region: options.region.clone(),
            tools,
        };
        profile.write(&state)?;
        step.done(format_args!("AWS is at {}", profile.endpoint()));
        let mut cloud = Self {
            state,
            admin: Admin { port },
            profile,
            running: vec![running],
            fresh: true,
        };
        if let Some(program) = &options.kubernetes {
            match start_supervisor(&cloud.state, program, options.lifetime, &processes).await {
                // Before AWS: what it looks at goes last.
                Ok(running) => cloud.running.insert(0, running),
                Err(error) => {
                    processes.stop_all().await?;
                    Profile::forget(&cloud.state)?;
                    return Err(error);
                }
            }
        }
        Ok(cloud)
    }

    /// The local cloud of this state folder, which must be up and well.
    pub async fn attach(state: &Path) -> Result<Self> {
        let state = state::absolute(state)?;
        let not_up = |reason: String| Error::NotUp {
            state: state.clone(),
            reason,
        };
        let Some(profile) = Profile::read(&state)? else {
            return Err(not_up("none has been started".to_owned()));
        };
        match Processes::of(&state).find(AWS)? {
            Some(process) if process.alive => {}
            _ => return Err(not_up("its AWS has ended".to_owned())),
        }
        if Processes::of(&state)
            .find(SUPERVISOR)?
            .is_some_and(|process| !process.alive)
        {
            return Err(not_up(
                "what keeps its control planes has ended, and they with it".to_owned(),
            ));
        }
        let admin = Admin { port: profile.port };
        admin
            .get::<Value>("tell its health", "/health")
            .await
            .map_err(|error| not_up(error.because()))?;
        Ok(Self {
            state,
            profile,
            admin,
            running: Vec::new(),
            fresh: false,
        })
    }

    /// Ends every process of this local cloud and waits until they are gone. Logs and Pulumi's stacks stay.
    pub async fn down(mut self) -> Result<Vec<Process>> {
        let stopped = Self::end(&self.state).await;
        self.running.clear();
        stopped
    }

    /// Ends whatever is on record in this state folder, up or not. Returns what was still running.
    pub async fn end(state: &Path) -> Result<Vec<Process>> {
        let state = state::absolute(state)?;
        if !state.exists() {
            return Ok(Vec::new());
        }
        let _lock = crate::tools::lock(&state, "start or end of this local cloud", &Ui::silent()).await?;
        let stopped = Processes::of(&state).stop_all().await?;
        Profile::forget(&state)?;
        Ok(stopped)
    }

    /// What there is in a state folder, up or not.
    pub async fn status(state: &Path) -> Result<Status> {
        let state = state::absolute(state)?;
        let (endpoint, trouble) = match Self::attach(&state).await {
            Ok(cloud) => (Some(cloud.endpoint()), None),
            Err(error @ Error::NotUp { .. }) => {
                let Error::NotUp { reason, .. } = error else {
                    return Err(error);
                };
                (None, Some(reason))
            }
            Err(error) => return Err(error),
        };
        let tools = Profile::read(&state)?.map(|profile| profile.tools).unwrap_or_default();
        let tools = tools.into_iter().map(|tool| (tool.name, tool.folder)).collect();
        Ok(Status {
            processes: Processes::of(&state).recorded()?,
            state,
            endpoint,
            trouble,
            tools,
        })
    }

    /// The log files of a state folder by process name, whether or not that process runs.
    pub fn logs(state: &Path) -> Result<BTreeMap<String, PathBuf>> {
        let folder = state::absolute(state)?.join("logs");
        let Ok(entries) = fs::read_dir(&folder) else {
            return Ok(BTreeMap::new());
        };
        let mut logs = BTreeMap::new();
        for entry in entries {
            let path = entry.map_err(Error::file("read", &folder))?.path();
            if path.extension().is_some_and(|end| end == "log")
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            {
                logs.insert(name.to_owned(), path);
            }
        }
        Ok(logs)
    }

    /// Whether it was brought up by [`LocalCloud::up`] just now, or was up before.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The state folder, as an absolute path.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where its AWS is: `http://127.0.0.1:4711`.
    pub fn endpoint(&self) -> String {
        self.profile.endpoint()
    }

    /// The port of its AWS.
    pub(crate) fn port(&self) -> u16 {
        self.profile.port
    }

    /// The kubeconfig of an administrator, by a client certificate, for an EKS cluster in the region of [`LocalCloud::env`]
    /// whose API answers. It is gone with the cluster.
    pub fn kubeconfig(&self, cluster: &str) -> Result<PathBuf> {
        kubernetes::kubeconfig(&self.state, cluster, &self.profile.region).ok_or_else(|| Error::Admin {
            what: format!("lead to cluster {cluster}"),
            reason: format!("it has no control plane in {}", self.profile.region),
        })
    }

    /// The nodes and the workloads of an EKS cluster.
    pub async fn overview(&self, cluster: &str) -> Result<Overview> {
        kubernetes::objects::overview(&self.kubernetes(cluster).await?).await
    }

    /// What stood in an EKS cluster when its deletion began.
    pub fn last_words(&self, cluster: &str) -> Result<Vec<Object>> {
        let slot = kubernetes::slot_of(cluster, &self.profile.region);
        kubernetes::objects::read_last_words(&self.state, &slot)
    }

    /// A client of the API of an EKS cluster, as [`LocalCloud::kubeconfig`].
    pub async fn kubernetes(&self, cluster: &str) -> Result<kube::Client> {
        kubernetes::client(&self.kubeconfig(cluster)?).await
    }

    /// The chart repository: `http://127.0.0.1:4713`. There is one where there is Kubernetes and, among the tools, Helm.
    pub fn charts(&self) -> Option<String> {
        let port = read_port(&self.state.join(charts::PORT_FILE))?;
        Some(format!("http://127.0.0.1:{port}"))
    }

    /// The environment that makes Pulumi and every AWS SDK use this cloud. Set it, and remove [`FOREIGN`].
    /// PATH is that of this process with the tools' folders before it.
    pub fn env(&self) -> BTreeMap<String, String> {
        let file = |path: &str| self.state.join(path).to_string_lossy().into_owned();
        let path = state::join_path(
            self.profile.tools.iter().map(|tool| tool.folder.as_path()),
            env::var_os("PATH").as_deref(),
        );
        let direct = match env::var("NO_PROXY").or_else(|_| env::var("no_proxy")) {
            Ok(list) if list.split(',').any(|host| host.trim() == "127.0.0.1") => list,
            Ok(list) if !list.is_empty() => format!("{list},127.0.0.1"),
            _ => "127.0.0.1".to_owned(),
        };
        let fixed = [
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            // The user's own profiles must neither be used nor be in the way.
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE),
            ("PULUMI_SKIP_UPDATE_CHECK", "true"),
            ("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true"),
            ("PULUMI_DISABLE_REGISTRY_RESOLVE", "true"),
            ("PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS", "true"),
        ];
        let mut env: BTreeMap<_, _> = fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        env.extend([
            ("AWS_ENDPOINT_URL".to_owned(), self.endpoint()),
            ("AWS_REGION".to_owned(), self.profile.region.clone()),
            ("AWS_DEFAULT_REGION".to_owned(), self.profile.region.clone()),
            ("GROUNDWORK_STATE".to_owned(), self.state.to_string_lossy().into_owned()),
            ("NO_PROXY".to_owned(), direct.clone()),
            ("no_proxy".to_owned(), direct),
            ("PATH".to_owned(), path),
            ("PULUMI_BACKEND_URL".to_owned(), format!("file://{}", file("pulumi"))),
            ("PULUMI_HOME".to_owned(), file("pulumi-home")),
        ]);
        if let Some(charts) = self.charts() {
            env.insert("GROUNDWORK_DEFAULTS".to_owned(), defaults(&charts).to_string());
        }
        env
    }

    /// A command in the environment of [`LocalCloud::env`], without [`FOREIGN`]; a program of its tools is meant before
    /// any other of that name.
    pub fn command(&self, program: &str) -> Command {
        let mut command = match self.program(program) {
            Some(path) => Command::new(path),
            None => Command::new(program),
        };
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(self.env());
        command
    }

    /// The program of this name from one of its tools.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.profile
            .tools
            .iter()
            .map(|tool| tool.folder.join(name))
            .find(|file| file.is_file())
    }

    /// Empties AWS: resources, journal, faults, hazards. Pulumi's stacks, which would speak of what is no more, are set
    /// aside as in [`LocalCloud::up`].
    pub async fn reset(&self) -> Result<()> {
        self.admin.post::<Value>("empty itself", "/reset", &json!({})).await?;
        state::set_aside(&self.state)?;
        Ok(())
    }

    /// Everything that exists.
    pub async fn dump(&self) -> Result<Dump> {
        self.admin.get("dump what exists", "/dump").await
    }

    /// Every call after number `since`; 0 asks for all.
    pub async fn journal(&self, since: u64) -> Result<Vec<Call>> {
        self.admin
            .get("tell its calls", &format!("/journal?since={since}"))
            .await
    }

    /// Forgets all calls.
    pub async fn clear_journal(&self) -> Result<()> {
        self.admin.delete("forget its calls", "/journal").await
    }

    /// Lets something go wrong from now on. Returns it with its number.
    pub async fn set_fault(&self, fault: &Fault) -> Result<Fault> {
        let document = serde_json::to_value(fault).unwrap_or_default();
        let Numbered { id } = self.admin.post("set the fault", "/faults", &document).await?;
        Ok(Fault { id, ..fault.clone() })
    }

    /// The faults that are set, with how often each met a call and struck.
    pub async fn faults(&self) -> Result<Vec<Fault>> {
        self.admin.get("tell its faults", "/faults").await
    }

    /// Takes all faults away.
    pub async fn clear_faults(&self) -> Result<()> {
        self.admin.delete("clear its faults", "/faults").await
    }

    /// Switches a hazard on.
    pub async fn set_hazard(&self, name: &str) -> Result<()> {
        self.admin
            .post::<Value>("switch the hazard on", "/hazards", &json!({"name": name}))
            .await
            .map(drop)
    }

    /// Every hazard there is, and whether it is on.
    pub async fn hazards(&self) -> Result<BTreeMap<String, bool>> {
        self.admin.get("tell its hazards", "/hazards").await
    }

    /// Switches all hazards off.
    pub async fn clear_hazards(&self) -> Result<()> {
        self.admin.delete("switch its hazards off", "/hazards").await
    }

    /// Sets how fast its AWS is from now on.
    pub async fn set_rhythm(&self, rhythm: Rhythm) -> Result<()> {
        self.admin
            .post::<Value>("change its rhythm", "/settings", &rhythm.settings())
            .await
            .map(drop)
    }
}

/// The answer to a new fault.
#[derive(serde::Deserialize)]
struct Numbered {
    id: u64,
}

async fn obtain(tools: &[&'static Tool], cache: &Cache, ui: &Ui) -> Result<Vec<ToolFolder>> {
    let mut folders = Vec::new();
    for tool in tools {
        let Installed { folder, .. } = tool.obtain(cache, ui).await?;
        folders.push(ToolFolder {
            name: tool.name.to_owned(),
            folder,
        });
    }
    Ok(folders)
}

async fn start_aws(state: &Path, options: &Options, python: &Python, processes: &Processes) -> Result<(u16, Running)> {
    let port_file = state.join("aws.port");
    let port = same_port(&port_file).unwrap_or(0);
    remove(&port_file)?;
    let mut args: Vec<OsString> = ["-m", "groundwork_aws", "--host", "127.0.0.1", "--port"]
        .map(Into::into)
        .into();
    args.extend([
        port.to_string().into(),
        "--port-file".into(),
        port_file.clone().into_os_string(),
    ]);
    args.extend(options.rhythm.args().map(OsString::from));
    if options.kubernetes.is_some() {
        args.push("--external-control-plane".into());
    }
    let set = [
        ("AWS_ACCESS_KEY_ID", "local".into()),
        ("AWS_SECRET_ACCESS_KEY", "local".into()),
        ("AWS_DEFAULT_REGION", options.region.clone().into()),
        ("AWS_CONFIG_FILE", "/dev/null".into()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
        // Without it every policy that AWS manages is missing.
        ("MOTO_IAM_LOAD_MANAGED_POLICIES", "true".into()),
        ("PYTHONPATH", python.path.clone().into_os_string()),
        ("PYTHONUNBUFFERED", "1".into()),
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("PYTHONNOUSERSITE", "1".into()),
    ];
    let removed = FOREIGN
        .iter()
        .chain(&["AWS_ENDPOINT_URL", "PYTHONHOME"])
        .map(|name| ((*name).to_owned(), None));
    let env = removed
        .chain(set.map(|(name, value)| (name.to_owned(), Some(value))))
        .collect();
    let launch = Launch {
        name: AWS.to_owned(),
        program: python.program.clone(),
        args,
        env,
    };

    let mut running = processes.start(&launch, options.lifetime)?;
    let log = processes.log(AWS);
    let port = comes_up("AWS", &log, &mut running, || async {
        let port = read_port(&port_file)?;
        let health = Admin { port }.get::<Value>("tell its health", "/health").await;
        health.is_ok().then_some(port)
    })
    .await?;
    Ok((port, running))
}

/// What a platform's settings need here where they say nothing: charts from this machine, and no long watch over a log
/// group that EKS makes anew within half a minute at most.
fn defaults(charts: &str) -> Value {
    json!({"platform": {
        "cilium": {"repository": charts},
        "cluster": {"logging": {"quietSeconds": QUIET}},
    }})
}

async fn start_supervisor(state: &Path, program: &Path, lifetime: Lifetime, processes: &Processes) -> Result<Running> {
    let port_file = state.join(kubernetes::PORT_FILE);
    remove(&port_file)?;
    let args = ["local", "kubernetes-supervisor", "--state"]
        .map(Into::into)
        .into_iter();
    let launch = Launch {
        name: SUPERVISOR.to_owned(),
        program: program.to_owned(),
        args: args.chain([state.into()]).collect(),
        env: FOREIGN.iter().map(|name| ((*name).to_owned(), None)).collect(),
    };
    let mut running = processes.start(&launch, lifetime)?;
    let log = processes.log(SUPERVISOR);
    comes_up("Kubernetes' supervisor", &log, &mut running, || {
        std::future::ready(read_port(&port_file))
    })
    .await?;
    Ok(running)
}

/// Waits for the sign that a process is at work.
async fn comes_up<T, F: Future<Output = Option<T>>>(
    name: &str,
    log: &Path,
    running: &mut Running,
    sign: impl Fn() -> F,
) -> Result<T> {
    let failed = |reason: String| Error::Start {
        name: name.to_owned(),
        reason,
        tail: tail(log, 12),
        log: log.to_owned(),
    };
    let end = tokio::time::Instant::now() + START_LIMIT;
    loop {
        if let Some(how) = running.ended() {
            return Err(failed(how));
        }
        if let Some(seen) = sign().await {
            return Ok(seen);
        }
        if tokio::time::Instant::now() >= end {
            return Err(failed(format!(
                "it did not answer within {} seconds",
                START_LIMIT.as_secs()
            )));
        }
        until(GLANCE, GLANCE, || std::future::ready(Ok(None::<()>))).await?;
    }
}

/// Removes a file; one that is gone is fine.
pub(crate) fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", file)(error)),
        _ => Ok(()),
    }
}

fn read_port(file: &Path) -> Option<u16> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The port of the last time, if it is free: a shell that has its environment goes on working.
pub(crate) fn same_port(file: &Path) -> Option<u16> {
    let port = read_port(file)?;
    TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
}
