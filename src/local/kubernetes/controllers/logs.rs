//! What a kubelet does for `kubectl logs`: the API server asks the node, and every node of the local cloud names this.
//!
//! The API server asks over TLS, and takes any certificate as long as it is not told whose to take.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::Listener;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::Outcome;
use super::flux::FAILS;

const PATIENCE: Duration = Duration::from_secs(5);

/// An endpoint that is bound, and not yet served.
pub(crate) struct Endpoint {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    /// The port of the loopback that it is at.
    pub(crate) port: u16,
}

impl Endpoint {
    /// Binds a free port.
    pub(crate) async fn bind() -> Outcome<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        Ok(Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            port,
        })
    }

    /// Answers until it is dropped.
    pub(crate) async fn serve(self, client: Client) -> std::io::Result<()> {
        let router = Router::new()
            .route("/containerLogs/{namespace}/{pod}/{container}", get(logs))
            .with_state(client);
        axum::serve(
            Secured {
                inner: self.listener,
                acceptor: self.acceptor,
            },
            router,
        )
        .await
    }
}

/// Connections of the API server.
struct Secured {
    inner: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // Whoever does not speak TLS, or not soon, has come to the wrong door.
            if let Ok((stream, peer)) = self.inner.accept().await
                && let Ok(Ok(stream)) = timeout(PATIENCE, self.acceptor.accept(stream)).await
            {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Which {
    tail_lines: Option<usize>,
}

async fn logs(
    State(client): State<Client>,
    Path((namespace, name, container)): Path<(String, String, String)>,
    Query(which): Query<Which>,
) -> (StatusCode, String) {
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    match pods.get(&name).await {
        Ok(pod) => {
            let lines = lines(&pod, &container);
            let skipped = lines.len().saturating_sub(which.tail_lines.unwrap_or(usize::MAX));
            let text = lines.into_iter().skip(skipped).map(|line| line + "\n").collect();
            (StatusCode::OK, text)
        }
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()),
    }
}

/// What a container of the local cloud would have said: which one it is, and why it failed if it did.
fn lines(pod: &Pod, container: &str) -> Vec<String> {
    let image = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .find(|one| one.name == container)
        .and_then(|one| one.image.as_deref())
        .unwrap_or_default();
    let mut lines = vec![format!("stand-in for {image}: nothing runs in this container")];
    if let Some(why) = pod.annotations().get(FAILS) {
        lines.extend(why.lines().map(str::to_owned));
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failed_pod_says_why() {
        let pod = serde_json::from_value(json!({
            "metadata": {"name": "p", "annotations": {FAILS: "✗ no such repository\n401"}},
            "spec": {"containers": [{"name": "flux", "image": "ghcr.io/fluxcd/flux-cli:v2.9.4"}]},
        }));
        let told = lines(&pod.unwrap(), "flux");
        assert_eq!(
            told[0],
            "stand-in for ghcr.io/fluxcd/flux-cli:v2.9.4: nothing runs in this container"
        );
        assert_eq!(told[1..], ["✗ no such repository", "401"]);
    }
}
