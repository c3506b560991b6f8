//! A Helm repository on loopback: the charts that stand in for those of the outside, or those of a folder.
//!
//! Chart repositories are not reachable from every machine. The stand-ins (`charts/`) are of our own writing and say so in
//! their `Chart.yaml`; `GROUNDWORK_CHARTS=<folder>` serves real ones in their place: `.tgz` archives, and folders with a
//! `Chart.yaml`.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::tools::child;
use crate::{Error, Result, embedded};

/// What names a folder of charts to serve in place of the stand-ins.
pub const FOLDER: &str = "GROUNDWORK_CHARTS";

/// The file in the state folder that tells at which port the repository is.
pub(crate) const PORT_FILE: &str = "charts.port";

/// Where charts come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Charts {
    /// The stand-ins inside this program.
    #[default]
    StandIns,
    /// Those of this folder.
    Folder(PathBuf),
}

impl Charts {
    /// The folder that `$GROUNDWORK_CHARTS` names, else the stand-ins.
    pub fn find() -> Self {
        match env::var_os(FOLDER) {
            Some(folder) if !folder.is_empty() => Self::Folder(folder.into()),
            _ => Self::StandIns,
        }
    }
}

/// A repository that is packed and bound, and not yet served.
#[derive(Debug)]
pub struct Repository {
    listener: TcpListener,
    folder: PathBuf,
    /// Where it is: `http://127.0.0.1:4713`.
    pub url: String,
    /// Its port.
    pub port: u16,
}

impl Repository {
    /// Packs the charts into `folder`, which is made anew, with the helm of this path; binds `port` of the loopback, 0 for a
    /// free one.
    pub async fn open(charts: &Charts, helm: &Path, folder: &Path, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(bound)?;
        let address: SocketAddr = listener.local_addr().map_err(bound)?;
        let url = format!("http://{address}");
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
        }
        let (served, sources) = (folder.join("served"), folder.join("sources"));
        fs::create_dir_all(&served).map_err(Error::file("create", &served))?;
        let from = match charts {
            Charts::StandIns => {
                embedded::unpack(&embedded::folder("charts"), &sources)?;
                &sources
            }
            Charts::Folder(given) => given,
        };
        let log = folder.join("helm.log");
        for path in entries(from)? {
            if path.extension().is_some_and(|end| end == "tgz") {
                let name = path.file_name().unwrap_or_default();
                fs::copy(&path, served.join(name)).map_err(Error::file("copy", &path))?;
            } else if path.join("Chart.yaml").is_file() {
                let mut package = child::command(helm);
                package.arg("package").arg(&path).arg("--destination").arg(&served);
                quietly(package, folder, "packing a chart", &log).await?;
            }
        }
        let mut index = child::command(helm);
        index.args(["repo", "index"]).arg(&served).args(["--url", &url]);
        quietly(index, folder, "the index of the charts", &log).await?;
        Ok(Self {
            listener,
            folder: served,
            url,
            port: address.port(),
        })
    }

    /// Answers until it is dropped.
    pub async fn serve(self) -> Result<()> {
        let router = Router::new().fallback(file).with_state(self.folder);
        axum::serve(self.listener, router).await.map_err(bound)
    }
}

fn bound(source: std::io::Error) -> Error {
    Error::Run {
        program: "the chart repository".to_owned(),
        source,
    }
}

fn entries(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let read = || Error::file("read", folder);
    let entries = fs::read_dir(folder).map_err(read())?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(read())
}

/// Runs helm away from the user's own settings.
async fn quietly(mut command: tokio::process::Command, home: &Path, what: &str, log: &PathBuf) -> Result<()> {
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.join("home"));
    }
    child::run(command, what, log, |_| {}).await.map(drop)
}

async fn file(State(folder): State<PathBuf>, uri: Uri) -> Response {
    let name = uri.path().trim_start_matches('/');
    let kind = match name.rsplit_once('.') {
        Some((_, "yaml")) => "application/yaml",
        Some((_, "tgz")) => "application/gzip",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // One folder, and nothing above or below it.
    if name.contains(['/', '\\']) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(folder.join(name)).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
