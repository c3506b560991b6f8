//! The process that keeps a control plane for each EKS cluster: it looks at the local AWS, starts what is wanted, ends what is
//! not, and reports what answers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::control_plane::{ControlPlane, Plan, Programs};
use super::controllers::{self, ClusterHandle};
use super::eks::{ClusterView, Eks};
use super::webhook::{self, Desk};
use super::{FOLDER, KUBECONFIG, PORT_FILE, objects, slot};
use crate::charts::{self, Charts, Repository};
use crate::cloud::{remove, same_port};
use crate::process::Processes;
use crate::wait::until;
use crate::{Error, LocalCloud, Result, Ui};

const LOOK: Duration = Duration::from_millis(150);
/// A port that was free may be somebody else's a moment later.
const ATTEMPTS: u32 = 3;

/// Everything that the care for one cluster needs.
struct Supervisor {
    state: PathBuf,
    programs: Programs,
    processes: Processes,
    desk: Arc<Desk>,
    webhook: String,
    ui: Arc<Ui>,
}

/// Keeps control planes for the local cloud of this state folder, which must be up, until SIGTERM.
pub(crate) async fn run(state: &Path, ui: Ui) -> Result<()> {
    let cloud = LocalCloud::attach(state).await?;
    let folder = |program: &'static str| {
        let found = cloud.program(program).and_then(|path| Some(path.parent()?.to_owned()));
        found.ok_or_else(|| Error::Argument {
            what: format!("{program} is not among the tools of this local cloud"),
            because: "it was brought up without Kubernetes".to_owned(),
            remedy: "`groundwork local down`, then `groundwork local up`".to_owned(),
        })
    };
    let programs = Programs {
        kubernetes: folder("kube-apiserver")?,
        kwok: folder("kwok")?,
    };
    let state = cloud.state().to_owned();
    let planes = state.join(FOLDER);
    if planes.exists() {
        // Of a supervisor that was killed.
        fs::remove_dir_all(&planes).map_err(Error::file("remove", &planes))?;
    }

    let failed = |source| Error::Run {
        program: "the token webhook".to_owned(),
        source,
    };
    let mut end = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let [Ok(term), Ok(interrupt)] = &mut end else {
        return Err(failed(std::io::Error::other("signals cannot be heard")));
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let (ui, eks) = (Arc::new(ui), Eks::at(cloud.port()));
    let desk = Arc::new(Desk::new(
        eks.clone(),
        cloud.endpoint().replace("http://", ""),
        Arc::clone(&ui),
    ));
    let supervisor = Arc::new(Supervisor {
        programs,
        processes: Processes::of(&state),
        desk: Arc::clone(&desk),
        webhook: format!("http://127.0.0.1:{port}"),
        ui: Arc::clone(&ui),
        state: state.clone(),
    });
    let charts = charts(&cloud, &ui).await?;
    let port_file = state.join(PORT_FILE);
    fs::write(&port_file, port.to_string()).map_err(Error::file("write", &port_file))?;
    ui.note(format_args!("the token webhook listens on 127.0.0.1:{port}"));

    let mut cared = Cared::default();
    tokio::select! {
        served = webhook::serve(listener, desk) => served.map_err(failed)?,
        served = serve_charts(charts) => served?,
        looked = cared.look(&supervisor, &eks) => looked?,
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    cared.end_all().await;
    Ok(())
}

/// The chart repository, where there is a helm to pack it; at the port of the last time if that is free.
async fn charts(cloud: &LocalCloud, ui: &Ui) -> Result<Option<Repository>> {
    let port_file = cloud.state().join(charts::PORT_FILE);
    let port = same_port(&port_file).unwrap_or(0);
    remove(&port_file)?;
    let Some(helm) = cloud.program("helm") else {
        return Ok(None);
    };
    let folder = cloud.state().join("charts");
    let repository = Repository::open(&Charts::find(), &helm, &folder, port).await?;
    fs::write(&port_file, repository.port.to_string()).map_err(Error::file("write", &port_file))?;
    ui.note(format_args!("the charts are at {}", repository.url));
    Ok(Some(repository))
}

async fn serve_charts(repository: Option<Repository>) -> Result<()> {
    match repository {
        Some(repository) => repository.serve().await,
        None => std::future::pending().await,
    }
}

/// The clusters that are cared for, by slot, with the moment that they were made at.
#[derive(Default)]
struct Cared(BTreeMap<String, (String, JoinHandle<()>)>);

impl Cared {
    /// Follows the clusters of the local AWS.
    async fn look(&mut self, supervisor: &Arc<Supervisor>, eks: &Eks) -> Result<()> {
        let mut blind = false;
        loop {
            match eks.clusters().await {
                Ok(clusters) => {
                    blind = false;
                    self.follow(supervisor, clusters).await;
                }
                // It may be busy, or about to end; what there is stays.
                Err(error) if !blind => {
                    blind = true;
                    supervisor.ui.note(error.explain());
                }
                Err(_) => {}
            }
            until(LOOK, LOOK, || std::future::ready(Ok(None::<()>))).await?;
        }
    }

    async fn follow(&mut self, supervisor: &Arc<Supervisor>, clusters: Vec<ClusterView>) {
        let mut wanted: BTreeMap<String, ClusterView> = clusters
            .into_iter()
            .filter(|view| view.wanted)
            .map(|view| (slot(&view), view))
            .collect();
        let over: Vec<String> = self
            .0
            .iter()
            .filter(|(slot, (birth, _))| wanted.get(*slot).is_none_or(|view| view.birth != *birth))
            .map(|(slot, _)| slot.clone())
            .collect();
        for slot in over {
            if let Some((_, task)) = self.0.remove(&slot) {
                // Its deletion may have begun and ended between two looks; its API answers until here.
                if let Err(error) = last_look(&supervisor.state, &slot).await {
                    supervisor.ui.note(format_args!("{slot}: {}", error.explain()));
                }
                end(task).await;
                supervisor.desk.close(&slot);
                supervisor.ui.note(format_args!("{slot}: its control plane is gone"));
            }
        }
        wanted.retain(|slot, _| !self.0.contains_key(slot));
        for (slot, view) in wanted {
            let birth = view.birth.clone();
            let task = tokio::spawn(care(Arc::clone(supervisor), slot.clone(), view));
            self.0.insert(slot, (birth, task));
        }
    }

    async fn end_all(&mut self) {
        for (_, task) in self.0.values() {
            task.abort();
        }
        for (_, (_, task)) in std::mem::take(&mut self.0) {
            end(task).await;
        }
    }
}

/// Writes down what stands in a cluster that is being deleted, while its API still answers.
async fn last_look(state: &Path, slot: &str) -> Result<()> {
    let kubeconfig = state.join(FOLDER).join(slot).join(KUBECONFIG);
    let client = super::client(&kubeconfig).await?;
    objects::write_last_words(state, slot, &client).await
}

/// Ends a task; what it held is dropped when this returns.
async fn end(task: JoinHandle<()>) {
    task.abort();
    let _ended = task.await;
}

/// The life of one cluster's control plane, from its start until this is dropped.
async fn care(supervisor: Arc<Supervisor>, slot: String, view: ClusterView) {
    let ui = &supervisor.ui;
    let mut plane = None;
    for attempt in 1..=ATTEMPTS {
        let plan = Plan {
            slot: &slot,
            folder: supervisor.state.join(FOLDER).join(&slot),
            services: view.cluster.kubernetes_network_config.service_ipv4_cidr.as_deref(),
            region: &view.region,
            webhook: format!("{}/{slot}", supervisor.webhook),
        };
        match ControlPlane::start(&plan, &supervisor.programs, &supervisor.processes).await {
            Ok(started) => {
                plane = Some(started);
                break;
            }
            Err(error) => ui.note(format_args!(
                "{slot}: attempt {attempt} of {ATTEMPTS}: {}",
                error.explain()
            )),
        }
    }
    let Some(mut plane) = plane else { return };
    supervisor.desk.open(&slot, plane.client.clone());
    let news = json!({
        "endpoint": plane.endpoint,
        "certificateAuthority": plane.authority,
        "oidcIssuer": plane.issuer,
    });
    let eks = supervisor.desk.eks.clone();
    while let Err(error) = eks.endpoint(&view, &news).await {
        ui.note(format_args!("{slot}: {}", error.explain()));
        let _waited = until(LOOK, LOOK, || std::future::ready(Ok(None::<()>))).await;
    }
    ui.note(format_args!("{slot}: {} answers", plane.endpoint));
    let handle = ClusterHandle {
        name: view.cluster.name.clone(),
        account: view.account.clone(),
        region: view.region.clone(),
        client: plane.client.clone(),
        eks,
    };
    tokio::select! {
        () = controllers::run(handle) => ui.note(format_args!("{slot}: nothing plays its machines any more")),
        () = watch(&mut plane, &slot, ui) => {}
    }
    std::future::pending::<()>().await;
}

/// Tells which processes of a control plane have ended by themselves; ends when one has.
async fn watch(plane: &mut ControlPlane, slot: &str, ui: &Ui) {
    let every = Duration::from_secs(1);
    loop {
        let ended = plane.ended();
        if !ended.is_empty() {
            ui.note(format_args!("{slot}: ended though it is wanted: {}", ended.join(", ")));
            return;
        }
        let _waited = until(every, every, || std::future::ready(Ok(None::<()>))).await;
    }
}
