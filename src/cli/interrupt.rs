//! Ctrl-C, and the other ways of asking a program to end.

use std::future::pending;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// How often this program was asked to end. The first time is a wish, the second is impatience.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    count: watch::Receiver<u32>,
}

impl Interrupts {
    /// Listens to SIGINT, SIGTERM and SIGHUP from now on: none of them ends this program any more.
    pub(crate) fn listen() -> Result<Self> {
        let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .map(signal)
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::Runtime)?
            .into_iter();
        let (told, count) = watch::channel(0);
        let (Some(mut interrupt), Some(mut terminate), Some(mut hangup)) =
            (signals.next(), signals.next(), signals.next())
        else {
            return Ok(Self { count });
        };
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                told.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { count })
    }

    /// A view that counts from now on.
    pub(crate) fn afresh(&self) -> Self {
        let mut count = self.count.clone();
        count.mark_unchanged();
        Self { count }
    }

    /// Waits until it is asked to end once more than this view has seen.
    pub(crate) async fn next(&mut self) {
        if self.count.changed().await.is_err() {
            pending::<()>().await;
        }
    }

    /// Does the work unless it is asked to end meanwhile; then the work is dropped where it stands.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut asked = self.clone();
        tokio::select! {
            biased;
            () = asked.next() => Err(Error::Interrupted),
            done = work => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_view_from_now_does_not_count_what_was_before() {
        let (told, count) = watch::channel(0);
        let all = Interrupts { count };
        told.send_modify(|count| *count += 1);
        assert!(matches!(all.or(async { Ok(()) }).await, Err(Error::Interrupted)));
        assert!(all.afresh().or(async { Ok(()) }).await.is_ok());
    }
}
