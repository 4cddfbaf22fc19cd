//! Whether the sender uses what it may: one that does not learns nothing about the connection (libwebrtc's detector of
//! application-limited regions).

use std::time::{Duration, Instant};

/// Below this part of the estimate, for a while, the application is the limit.
const BUDGET: f64 = 0.65;
/// The budget that a pause saves up, and a burst may owe.
const WINDOW: f64 = 0.5;
/// Part of the window that must be saved to enter, and left to stay.
const ENTER: f64 = 0.8;
const STAY: f64 = 0.5;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ApplicationLimit {
    /// Seconds' worth of budget saved.
    saved: f64,
    updated: Instant,
    since: Option<Instant>,
    /// When the last such time ended.
    ended: Option<Instant>,
}

/// For this long after such a time, what arrives still says nothing about the connection.
const AFTERMATH: Duration = Duration::from_secs(2);

impl ApplicationLimit {
    pub(super) const fn new(now: Instant) -> Self {
        Self { saved: 0.0, updated: now, since: None, ended: None }
    }

    /// Since when the application is the limit.
    pub(super) const fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Whether the application is the limit, or was until a moment ago.
    pub(super) fn is_recent(&self, now: Instant) -> bool {
        self.since.is_some()
            || self.ended.is_some_and(|ended| now.saturating_duration_since(ended) < AFTERMATH)
    }

    /// So many bytes were sent since the last call; with none, time passes.
    pub(super) fn sent(&mut self, now: Instant, bytes: usize, target_bps: u64) {
        let elapsed = now.saturating_duration_since(self.updated).min(Duration::from_secs(1)).as_secs_f64();
        self.updated = now;
        let spent = bytes as f64 * 8.0 / (target_bps.max(1) as f64 * BUDGET);
        self.saved = (self.saved + elapsed - spent).clamp(-WINDOW, WINDOW);
        let part = self.saved / WINDOW;
        if part > ENTER {
            self.since = self.since.or(Some(now));
        } else if part < STAY && self.since.take().is_some() {
            self.ended = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_rate_is_a_limit_and_most_of_it_is_none() {
        let start = Instant::now();
        let mut limit = ApplicationLimit::new(start);
        let mut run = |from_ms: u64, percent: usize| {
            for ms in (from_ms..from_ms + 6000).step_by(10) {
                limit.sent(start + Duration::from_millis(ms), 1250 * percent / 100, 1_000_000);
            }
            limit.since().is_some()
        };
        assert!(!run(0, 90));
        assert!(run(6000, 50));
        assert!(!run(12_000, 80));
    }
}
