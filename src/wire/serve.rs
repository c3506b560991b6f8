//! Both ends of a plugin's connection to the engine: a server that announces its port, a client that finds the engine.

use std::{
    future::{self, Future},
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    thread,
};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tonic::transport::{
    Channel, Endpoint,
    server::{Router, TcpIncoming},
};

use crate::proto;

/// The largest message in bytes that either side takes, as the engine's own limit: 400 MiB.
pub const MAX_MESSAGE: usize = 400 * 1024 * 1024;

/// The largest header list in bytes that a client takes: error details travel in headers.
const MAX_HEADERS: u32 = 16 * 1024 * 1024;

/// Raises a client's or server's message limits to [`MAX_MESSAGE`], which are 4 MiB otherwise.
pub trait MessageLimit: Sized {
    /// The same client or server with the engine's limit.
    #[must_use]
    fn with_message_limit(self) -> Self;
}

macro_rules! message_limit {
    ($($client:ident :: $Client:ident, $server:ident :: $Server:ident;)*) => {$(
        impl MessageLimit for proto::$client::$Client<Channel> {
            fn with_message_limit(self) -> Self {
                self.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
            }
        }

        impl<T> MessageLimit for proto::$server::$Server<T> {
            fn with_message_limit(self) -> Self {
                self.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
            }
        }
    )*};
}

message_limit! {
    analyzer_client::AnalyzerClient, analyzer_server::AnalyzerServer;
    callbacks_client::CallbacksClient, callbacks_server::CallbacksServer;
    engine_client::EngineClient, engine_server::EngineServer;
    language_runtime_client::LanguageRuntimeClient, language_runtime_server::LanguageRuntimeServer;
    package_resolver_client::PackageResolverClient, package_resolver_server::PackageResolverServer;
    resource_monitor_client::ResourceMonitorClient, resource_monitor_server::ResourceMonitorServer;
    resource_provider_client::ResourceProviderClient, resource_provider_server::ResourceProviderServer;
    resource_status_client::ResourceStatusClient, resource_status_server::ResourceStatusServer;
}

/// Why a server ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No port, or nobody to tell it to.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[from] io::Error),
    /// The connection broke down.
    #[error("cannot serve")]
    Serve(#[from] tonic::transport::Error),
}

/// A port of 127.0.0.1 that the system chose; connections queue from now on.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes a free port.
    ///
    /// # Errors
    /// When the system has none to give.
    pub async fn bind() -> io::Result<Self> {
        let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = inner.local_addr()?;
        Ok(Self { inner, address })
    }

    /// Where it listens, as [`connect`] takes it once it is text.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells the engine where to find the plugin: the port and a line end, and nothing before them.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn announce(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(format!("{}\n", self.address.port()).as_bytes())?;
        out.flush()
    }

    /// Serves until told to stop; calls under way are finished.
    ///
    /// # Errors
    /// When a connection breaks down in a way that the server cannot outlive.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let incoming = TcpIncoming::from(self.inner).with_nodelay(Some(true));
        Ok(router.serve_with_incoming_shutdown(incoming, stop).await?)
    }
}

/// What a plugin's `main` does: takes a port, tells it on stdout, serves until told to stop.
///
/// # Errors
/// As [`Listener`]'s.
pub async fn serve(router: Router, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let listener = Listener::bind().await?;
    listener.announce(&mut io::stdout().lock())?;
    listener.serve(router, stop).await
}

/// Waits for whatever ends a plugin: SIGINT, SIGTERM, SIGHUP, or the engine's death (the engine holds a pipe to each
/// plugin's stdin and never writes to it, so a pipe that ends means that the engine is gone, however it died).
///
/// # Errors
/// When signals cannot be watched.
pub async fn stopped() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        () = engine_gone() => {}
    }
    Ok(())
}

async fn engine_gone() {
    let (gone, when_gone) = oneshot::channel::<()>();
    // A thread of its own: a blocked read must not keep the runtime from ending.
    thread::spawn(move || {
        if stdin_is_a_pipe() && io::copy(&mut io::stdin().lock(), &mut io::sink()).is_ok() {
            let _ = gone.send(());
        }
    });
    if when_gone.await.is_err() {
        future::pending::<()>().await;
    }
}

fn stdin_is_a_pipe() -> bool {
    use std::os::{fd::AsFd, unix::fs::FileTypeExt};
    let metadata = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(std::fs::File::from)
        .and_then(|file| file.metadata());
    metadata.is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// The engine's address among a plugin's arguments: the last one that is an address. Older engines put flags and their
/// values (`-v=9`, `--tracing URL`) before it, and policy packs get a directory after it.
pub fn engine_address(arguments: impl IntoIterator<Item = String>) -> Option<String> {
    arguments.into_iter().filter(|argument| is_address(argument)).last()
}

fn is_address(argument: &str) -> bool {
    !argument.starts_with('-')
        && argument.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port != 0)
        })
}

/// A text that is no address.
#[derive(Debug, thiserror::Error)]
#[error("{address:?} is no address: expected `<host>:<port>`")]
pub struct InvalidAddress {
    /// The text.
    pub address: String,
}

/// A connection to `<host>:<port>` that is made when it is first used; must be called within a runtime.
///
/// # Errors
/// When the text is no address; whether somebody listens there shows at the first call.
pub fn connect(address: &str) -> Result<Channel, InvalidAddress> {
    let invalid = || InvalidAddress {
        address: address.to_owned(),
    };
    if !is_address(address) {
        return Err(invalid());
    }
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|_| invalid())?;
    Ok(endpoint.http2_max_header_list_size(MAX_HEADERS).connect_lazy())
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Request, Response, Status, transport::Server};

    use super::*;
    use crate::{
        proto::{
            ErrorResourceInitFailed, LogRequest,
            engine_client::EngineClient,
            engine_server::{Engine, EngineServer},
        },
        status,
    };

    struct Quiet;

    #[tonic::async_trait]
    impl Engine for Quiet {
        async fn log(&self, request: Request<LogRequest>) -> Result<Response<()>, Status> {
            match request.into_inner().message.len() {
                0 => {
                    let reasons = vec!["x".repeat(100_000)];
                    let detail = ErrorResourceInitFailed {
                        reasons,
                        ..ErrorResourceInitFailed::default()
                    };
                    Err(status::init_failed_status(Code::Unavailable, "", &detail))
                }
                _ => Ok(Response::new(())),
            }
        }
    }

    #[tokio::test]
    async fn a_server_announces_its_port_takes_large_messages_and_stops_when_told() {
        let listener = Listener::bind().await.unwrap();
        let mut announced = Vec::new();
        listener.announce(&mut announced).unwrap();
        assert_eq!(announced, format!("{}\n", listener.address().port()).as_bytes());

        let address = listener.address().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Server::builder().add_service(EngineServer::new(Quiet).with_message_limit());
        let server = tokio::spawn(listener.serve(router, async { drop(stopped.await) }));

        let mut engine = EngineClient::new(connect(&address).unwrap()).with_message_limit();
        let message = "x".repeat(5 * 1024 * 1024);
        engine
            .log(LogRequest {
                message,
                ..LogRequest::default()
            })
            .await
            .unwrap();
        let failure = engine.log(LogRequest::default()).await.unwrap_err();
        assert_eq!(status::init_failed(&failure).unwrap().reasons[0].len(), 100_000);
        let missing = engine
            .get_root_resource(proto::GetRootResourceRequest {})
            .await
            .unwrap_err();
        assert_eq!(missing.code(), Code::Unimplemented);

        drop(engine);
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    }

    #[test]
    fn the_engine_is_the_last_address_among_the_arguments() {
        for (arguments, expected) in [
            (vec!["127.0.0.1:4001"], Some("127.0.0.1:4001")),
            (
                vec![
                    "--logtostderr",
                    "-v=9",
                    "--tracing",
                    "http://localhost:9411/api",
                    "127.0.0.1:4001",
                ],
                Some("127.0.0.1:4001"),
            ),
            (vec!["-root=/a/b:1", "-binary=x", "localhost:80"], Some("localhost:80")),
            (vec!["127.0.0.1:4001", "."], Some("127.0.0.1:4001")),
            (vec!["--tracing", "file:trace"], None),
            (vec!["127.0.0.1:0", ":80", "-x:80"], None),
            (vec![], None),
        ] {
            let found = engine_address(arguments.iter().map(|argument| (*argument).to_owned()));
            assert_eq!(found.as_deref(), expected, "{arguments:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused() {
        for address in ["", "localhost", "127.0.0.1:x", "a b:80", "/x:80"] {
            assert_eq!(connect(address).unwrap_err().address, address);
        }
    }
}
