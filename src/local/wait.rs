//! The one place that waits.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Result;

/// Asks again and again until there is an answer; `None` when `limit` has passed without one.
pub(crate) async fn until<T, F>(limit: Duration, every: Duration, mut ask: impl FnMut() -> F) -> Result<Option<T>>
where
    F: Future<Output = Result<Option<T>>>,
{
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(Some(answer));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        sleep(every).await;
    }
}
