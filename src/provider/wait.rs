//! Waiting: the one place that sleeps.

use std::{fmt, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often it helps to look.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// The pause after the first look.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Rhythm {
    /// What settles within seconds.
    pub const QUICK: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(2),
    };
    /// What takes a minute or two, such as a NAT gateway.
    pub const MINUTES: Self = Self {
        first: Duration::from_millis(250),
        longest: Duration::from_secs(5),
    };
}

/// A bounded wait: pauses that grow, an end, and an ear for the user.
#[derive(Debug)]
pub struct Waiter<'a> {
    begun: Instant,
    limit: Duration,
    pause: Duration,
    longest: Duration,
    cancel: &'a CancellationToken,
}

/// Why a wait ended before what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Time is up.
    Timeout,
    /// The user broke it off.
    Cancelled,
}

impl<'a> Waiter<'a> {
    /// Starts the clock.
    pub fn new(rhythm: Rhythm, limit: Duration, cancel: &'a CancellationToken) -> Self {
        Self {
            begun: Instant::now(),
            limit,
            pause: rhythm.first,
            longest: rhythm.longest,
            cancel,
        }
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Pauses before the next look: each half as long again as the one before, never beyond the end.
    ///
    /// # Errors
    /// Time is up, or the user broke it off.
    pub async fn pause(&mut self) -> Result<(), Ended> {
        self.pause_at_least(Duration::ZERO).await
    }

    /// As [`Self::pause`], but no shorter than this.
    ///
    /// # Errors
    /// Time is up, or the user broke it off.
    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub async fn pause_at_least(&mut self, least: Duration) -> Result<(), Ended> {
        let left = self.limit.saturating_sub(self.elapsed());
        if left.is_zero() {
            return Err(Ended::Timeout);
        }
        let pause = jittered(self.pause).max(least).min(left);
        self.pause = self.pause.mul_f64(1.5).min(self.longest);
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Ended::Cancelled),
            () = sleep(pause) => Ok(()),
        }
    }
}

/// Between three quarters and all of a pause, so that many waiters do not look at once.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.75..=1.0))
}

/// A duration as people say it: `4m12s`.
pub fn human(duration: Duration) -> impl fmt::Display {
    struct Human(Duration);
    impl fmt::Display for Human {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0.as_secs() {
                seconds @ 0..60 => write!(f, "{seconds}s"),
                seconds @ 60..3600 => write!(f, "{}m{:02}s", seconds / 60, seconds % 60),
                seconds => write!(f, "{}h{:02}m", seconds / 3600, seconds / 60 % 60),
            }
        }
    }
    Human(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_its_limit() {
        let cancel = CancellationToken::new();
        let mut waiter = Waiter::new(Rhythm::MINUTES, Duration::from_mins(10), &cancel);
        let mut looks = 0;
        while waiter.pause().await.is_ok() {
            looks += 1;
        }
        assert!(waiter.elapsed() >= Duration::from_mins(10));
        assert!(looks < 200, "{looks} looks in ten minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_at_once_when_it_is_broken_off() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let mut waiter = Waiter::new(Rhythm::QUICK, Duration::from_mins(10), &cancel);
        assert_eq!(waiter.pause().await, Err(Ended::Cancelled));
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        assert_eq!(human(Duration::from_secs(7)).to_string(), "7s");
        assert_eq!(human(Duration::from_secs(252)).to_string(), "4m12s");
        assert_eq!(human(Duration::from_mins(62)).to_string(), "1h02m");
    }
}
