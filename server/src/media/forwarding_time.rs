//! How long packets stay in the server: from when a batch of datagrams was read until all that follows from it was handed to the
//! kernel. Told to people in a call as a stage of their latency.

use std::time::{Duration, Instant};

/// Means of so long are told: long enough to hold a hundred batches of one speaker.
const WINDOW: Duration = Duration::from_secs(1);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ForwardingTime {
    started: Instant,
    sum: Duration,
    batches: u32,
}

impl ForwardingTime {
    pub(super) const fn new(now: Instant) -> Self {
        Self { started: now, sum: Duration::ZERO, batches: 0 }
    }

    /// A batch that was read at `read` was sent on at `sent`. Gives the mean in microseconds, at least 1, once a window.
    pub(super) fn record(&mut self, read: Instant, sent: Instant) -> Option<u32> {
        self.sum += sent.saturating_duration_since(read);
        self.batches += 1;
        if sent.saturating_duration_since(self.started) < WINDOW {
            return None;
        }
        let mean = self.sum / self.batches;
        *self = Self::new(sent);
        Some(u32::try_from(mean.as_micros()).unwrap_or(u32::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_window_is_told_at_its_end() {
        let start = Instant::now();
        let at = |us: u64| start + Duration::from_micros(us);
        let mut time = ForwardingTime::new(start);
        assert_eq!(time.record(at(1_000), at(1_100)), None);
        assert_eq!(time.record(at(500_000), at(500_300)), None);
        assert_eq!(time.record(at(1_000_000), at(1_000_200)), Some(200));
        assert_eq!(time.record(at(1_100_000), at(1_100_900)), None, "the next window is its own");
        assert_eq!(time.record(at(2_500_000), at(2_500_100)), Some(500));
    }

    #[test]
    fn what_takes_no_time_that_a_clock_sees_is_told_all_the_same() {
        let start = Instant::now();
        let later = start + WINDOW;
        assert_eq!(ForwardingTime::new(start).record(later, later), Some(1));
    }
}
