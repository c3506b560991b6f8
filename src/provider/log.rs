//! Messages to the user, through the engine.

use groundwork_wire::{
    Urn,
    proto::{LogRequest, LogSeverity, engine_client::EngineClient},
};
use tokio::sync::mpsc;
use tonic::transport::Channel;

/// Where messages go. Sending never waits and never fails: a lost message must not stop a deployment.
#[derive(Debug, Clone)]
pub struct Log(Option<mpsc::UnboundedSender<LogRequest>>);

impl Log {
    /// Nowhere, for tests and for use without an engine.
    pub const fn nowhere() -> Self {
        Self(None)
    }

    /// To the engine.
    pub fn to_engine(channel: Channel) -> Self {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut engine = EngineClient::new(channel);
            while let Some(request) = receiver.recv().await {
                // The engine is gone: so is whoever would have read it.
                if engine.log(request).await.is_err() {
                    break;
                }
            }
        });
        Self(Some(sender))
    }

    /// A line that the next one replaces.
    pub fn status(&self, urn: &Urn, message: String) {
        self.send(LogSeverity::Info, Some(urn), message, true);
    }

    /// Something for who looks closely (`--debug`).
    pub fn debug(&self, urn: &Urn, message: String) {
        self.send(LogSeverity::Debug, Some(urn), message, false);
    }

    /// Something to know.
    pub fn info(&self, urn: Option<&Urn>, message: String) {
        self.send(LogSeverity::Info, urn, message, false);
    }

    /// Something to act on.
    pub fn warn(&self, urn: Option<&Urn>, message: String) {
        self.send(LogSeverity::Warning, urn, message, false);
    }

    fn send(&self, severity: LogSeverity, urn: Option<&Urn>, message: String, ephemeral: bool) {
        if let Some(sender) = &self.0 {
            let request = LogRequest {
                severity: severity.into(),
                message,
                urn: urn.map(ToString::to_string).unwrap_or_default(),
                ephemeral,
                ..LogRequest::default()
            };
            // See above: a lost message must not stop a deployment.
            drop(sender.send(request));
        }
    }
}
