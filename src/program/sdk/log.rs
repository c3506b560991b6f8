//! Messages to the user, through the engine.

use groundwork_wire::proto::{LogRequest, LogSeverity, engine_client::EngineClient};
use tokio::sync::{mpsc, oneshot};
use tonic::transport::Channel;

/// How grave a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For whoever looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// May be wrong.
    Warning,
    /// Is wrong, and the update fails.
    Error,
}

impl From<Severity> for LogSeverity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Debug => Self::Debug,
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

enum Entry {
    Message(LogRequest),
    Flush(oneshot::Sender<()>),
}

/// Sends messages in order, one at a time, without making anybody wait.
#[derive(Debug, Clone)]
pub(super) struct Log(mpsc::UnboundedSender<Entry>);

impl Log {
    /// Must be called within a runtime.
    pub(super) fn new(mut engine: EngineClient<Channel>) -> Self {
        let (sender, mut entries) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(entry) = entries.recv().await {
                match entry {
                    // An engine that no longer listens has nobody to show it to.
                    Entry::Message(message) => drop(engine.log(message).await),
                    Entry::Flush(done) => drop(done.send(())),
                }
            }
        });
        Self(sender)
    }

    pub(super) fn send(&self, severity: Severity, message: String, urn: String, ephemeral: bool) {
        let severity = LogSeverity::from(severity).into();
        drop(self.0.send(Entry::Message(LogRequest {
            severity,
            message,
            urn,
            stream_id: 0,
            ephemeral,
        })));
    }

    /// Waits until everything sent so far has arrived.
    pub(super) async fn flush(&self) {
        let (done, when_done) = oneshot::channel();
        if self.0.send(Entry::Flush(done)).is_ok() {
            drop(when_done.await);
        }
    }
}
