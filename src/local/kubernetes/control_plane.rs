//! The processes of one control plane, which live as long as the value that stands for them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Request;
use kube::Client;
use serde_json::json;

use super::pki::Pki;
use crate::process::{Launch, Lifetime, Processes, Running, tail};
use crate::wait::until;
use crate::{Error, Result};

/// What kwok plays.
const STAGES: &str = include_str!("stages.yaml");
/// EKS's default, when the VPC is not itself in it.
const SERVICES: &str = "172.20.0.0/16";
const PODS: &str = "10.244.0.0/16";
const START_LIMIT: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(50);

/// Where the programs are.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) kubernetes: PathBuf,
    pub(super) kwok: PathBuf,
}

/// What a control plane is to be.
pub(super) struct Plan<'a> {
    /// What its processes' names begin with.
    pub(super) slot: &'a str,
    /// The folder for its keys and data, which goes with it.
    pub(super) folder: PathBuf,
    /// The addresses of its services.
    pub(super) services: Option<&'a str>,
    /// The region, for the issuer of its service accounts.
    pub(super) region: &'a str,
    /// Who is asked about tokens.
    pub(super) webhook: String,
}

/// A control plane whose API answers. Dropping it ends its processes and removes its data.
pub(super) struct ControlPlane {
    slot: String,
    folder: PathBuf,
    processes: Processes,
    running: Vec<(String, Running)>,
    /// `https://127.0.0.1:4712`.
    pub(super) endpoint: String,
    /// PEM in base64.
    pub(super) authority: String,
    /// Who signs its service accounts' tokens, as EKS names it.
    pub(super) issuer: String,
    /// Its API, as a member of `system:masters`.
    pub(super) client: Client,
}

impl ControlPlane {
    /// Starts one and waits until its API answers.
    pub(super) async fn start(plan: &Plan<'_>, programs: &Programs, processes: &Processes) -> Result<Self> {
        let (range, first) = services(plan.services);
        let pki = Pki::make(&plan.folder, first)?;
        let [api, store, peer] = free_ports()?;
        let kubeconfig = pki.kubeconfig(api)?;
        let hook = pki.write("webhook.json", &webhook(&plan.webhook))?;
        let stages = pki.write("stages.yaml", STAGES)?;
        let mut plane = Self {
            slot: plan.slot.to_owned(),
            folder: plan.folder.clone(),
            processes: processes.clone(),
            running: Vec::new(),
            endpoint: format!("https://127.0.0.1:{api}"),
            authority: pki.authority(),
            issuer: format!("https://oidc.eks.{}.amazonaws.com/id/{}", plan.region, pki.ident()),
            client: super::client(&kubeconfig).await?,
        };

        let store = format!("http://127.0.0.1:{store}");
        plane.run(&programs.kubernetes, "etcd", etcd(&plan.folder, &store, peer))?;
        let mut flags = vec![
            flag("etcd-servers", &store),
            flag("bind-address", "127.0.0.1"),
            flag("secure-port", api.to_string()),
            flag("tls-cert-file", pki.file("server.crt")),
            flag("tls-private-key-file", pki.file("server.key")),
            flag("client-ca-file", pki.file("ca.crt")),
            flag("service-account-key-file", pki.file("accounts.pub")),
            flag("service-account-signing-key-file", pki.file("accounts.key")),
            flag("service-account-issuer", &plane.issuer),
            // EKS's own audience beside the issuer: tokens for IRSA and for the API come from the same place.
            flag(
                "api-audiences",
                format!("{},https://kubernetes.default.svc", plane.issuer),
            ),
            flag("service-cluster-ip-range", range),
            flag("authorization-mode", "Node,RBAC"),
            flag("allow-privileged", "true"),
            flag("authentication-token-webhook-config-file", hook),
            flag("authentication-token-webhook-version", "v1"),
            // Access that is taken away is soon gone.
            flag("authentication-token-webhook-cache-ttl", "1s"),
        ];
        flags.extend(API_SERVER.iter().map(Into::into));
        plane.run(&programs.kubernetes, "kube-apiserver", flags)?;
        plane.answers().await?;

        let shared = [flag("kubeconfig", &kubeconfig)];
        let mut flags: Vec<_> = CONTROLLERS.iter().map(Into::into).chain(shared.clone()).collect();
        flags.push(flag("root-ca-file", pki.file("ca.crt")));
        flags.push(flag("service-account-private-key-file", pki.file("accounts.key")));
        plane.run(&programs.kubernetes, "kube-controller-manager", flags)?;
        let flags = SCHEDULER.iter().map(Into::into).chain(shared.clone()).collect();
        plane.run(&programs.kubernetes, "kube-scheduler", flags)?;
        let flags = KWOK.iter().map(Into::into).chain(shared);
        let flags = flags.chain([flag("config", stages), flag("cidr", PODS)]).collect();
        plane.run(&programs.kwok, "kwok", flags)?;
        Ok(plane)
    }

    /// Those of its processes that have ended though nobody ended them.
    pub(super) fn ended(&mut self) -> Vec<String> {
        let gone = |(name, running): &mut (String, Running)| running.ended().map(|_| name.clone());
        self.running.iter_mut().filter_map(gone).collect()
    }

    fn run(&mut self, folder: &Path, program: &str, args: Vec<OsString>) -> Result<()> {
        let launch = Launch {
            name: format!("{}.{program}", self.slot),
            program: folder.join(program),
            args,
            env: BTreeMap::from([("KUBECONFIG".to_owned(), None)]),
        };
        let running = self.processes.start(&launch, Lifetime::Attached)?;
        self.running.push((launch.name, running));
        Ok(())
    }

    async fn answers(&mut self) -> Result<()> {
        let client = self.client.clone();
        let end = tokio::time::Instant::now() + START_LIMIT;
        loop {
            let ended = self.ended();
            let slow = tokio::time::Instant::now() >= end;
            if let Some(name) = ended
                .first()
                .cloned()
                .or_else(|| slow.then(|| format!("{}.kube-apiserver", self.slot)))
            {
                let log = self.processes.log(&name);
                return Err(Error::Start {
                    reason: if slow {
                        format!("it did not answer within {} seconds", START_LIMIT.as_secs())
                    } else {
                        "it ended".to_owned()
                    },
                    name,
                    tail: tail(&log, 12),
                    log,
                });
            }
            let request = Request::get("/readyz").body(Vec::new());
            if let Ok(request) = request
                && client.request_text(request).await.is_ok()
            {
                return Ok(());
            }
            until(GLANCE, GLANCE, || std::future::ready(Ok(None::<()>))).await?;
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // At once: what they hold is thrown away.
        for (name, mut running) in self.running.drain(..) {
            running.kill();
            self.processes.forget(&name);
        }
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// What costs memory and start-up time on a small machine and shows nothing here is off or small.
const API_SERVER: &[&str] = &[
    "--profiling=false",
    "--event-ttl=10m",
    "--enable-priority-and-fairness=false",
    "--max-requests-inflight=0",
    "--max-mutating-requests-inflight=0",
    "--endpoint-reconciler-type=none",
    "--shutdown-delay-duration=0s",
    // By these policies pods are handed to Fargate's scheduler.
    "--feature-gates=MutatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
];
const CONTROLLERS: &[&str] = &[
    "--leader-elect=false",
    "--secure-port=0",
    "--profiling=false",
    "--allocate-node-cidrs=false",
    "--kube-api-qps=200",
    "--kube-api-burst=400",
];
const SCHEDULER: &[&str] = &[
    "--leader-elect=false",
    "--secure-port=0",
    "--profiling=false",
    "--kube-api-qps=200",
    "--kube-api-burst=400",
];
const KWOK: &[&str] = &["--manage-all-nodes=true", "--node-ip=127.0.0.1", "--node-port=0"];

fn etcd(folder: &Path, store: &str, peer: u16) -> Vec<OsString> {
    let peer = format!("http://127.0.0.1:{peer}");
    vec![
        flag("name", "local"),
        flag("data-dir", folder.join("etcd")),
        flag("listen-client-urls", store),
        flag("advertise-client-urls", store),
        flag("listen-peer-urls", &peer),
        flag("initial-advertise-peer-urls", &peer),
        flag("initial-cluster", format!("local={peer}")),
        flag("unsafe-no-fsync", "true"),
        flag("log-level", "warn"),
    ]
}

fn flag(name: &str, value: impl AsRef<std::ffi::OsStr>) -> OsString {
    let mut flag = OsString::from(format!("--{name}="));
    flag.push(value);
    flag
}

/// A kubeconfig for the API server, which says where its webhook is.
fn webhook(url: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "webhook",
        "contexts": [{"name": "webhook", "context": {"cluster": "webhook", "user": ""}}],
        "clusters": [{"name": "webhook", "cluster": {"server": url}}],
    })
    .to_string()
}

/// The range of a cluster's services, and the address in it that is the API's own: the first.
fn services(range: Option<&str>) -> (&str, Ipv4Addr) {
    let first = |range: &str| {
        let address: Ipv4Addr = range.split_once('/')?.0.parse().ok()?;
        Some(Ipv4Addr::from(u32::from(address).saturating_add(1)))
    };
    match range.and_then(|range| Some((range, first(range)?))) {
        Some(found) => found,
        None => (SERVICES, Ipv4Addr::new(172, 20, 0, 1)),
    }
}

/// Ports that are free now; held together, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let failed = |source| Error::Run {
        program: "a server on 127.0.0.1".to_owned(),
        source,
    };
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        *port = listener.local_addr().map_err(failed)?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_has_the_first_address_of_the_services() {
        assert_eq!(
            services(Some("10.100.0.0/16")),
            ("10.100.0.0/16", Ipv4Addr::new(10, 100, 0, 1))
        );
        assert_eq!(services(None).1, Ipv4Addr::new(172, 20, 0, 1));
        assert_eq!(services(Some("fd00::/108")).0, SERVICES);
    }

    #[test]
    fn ports_differ() {
        let [one, two, three] = free_ports().unwrap();
        assert!(one != two && two != three && one != three);
    }
}
