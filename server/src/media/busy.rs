//! Which part of its time a thread works: the rest it sleeps, waiting for work.

use std::time::{Duration, Instant};

/// How long is looked at: long enough to hold several bursts, short enough to act before a queue is long.
const WINDOW: Duration = Duration::from_millis(250);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Busy {
    started: Instant,
    slept: Duration,
    asleep_since: Option<Instant>,
}

impl Busy {
    pub(super) const fn new(now: Instant) -> Self {
        Self { started: now, slept: Duration::ZERO, asleep_since: None }
    }

    /// The thread goes to sleep until the next [`Self::turn`].
    pub(super) const fn sleeps(&mut self, now: Instant) {
        self.asleep_since = Some(now);
    }

    /// The thread begins a turn. Gives the thousandths of the last window that it worked, once a window.
    pub(super) fn turn(&mut self, now: Instant) -> Option<u32> {
        if let Some(since) = self.asleep_since.take() {
            self.slept += now.saturating_duration_since(since);
        }
        let window = now.saturating_duration_since(self.started);
        if window < WINDOW {
            return None;
        }
        let worked = window.saturating_sub(self.slept);
        (self.started, self.slept) = (now, Duration::ZERO);
        Some((worked.as_micros() * 1000 / window.as_micros().max(1)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_slept_is_worked() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut busy = Busy::new(start);
        let mut told = Vec::new();
        for turn in 0..100 {
            busy.sleeps(at(turn * 10 + 3));
            told.extend(busy.turn(at(turn * 10 + 10)));
        }
        assert_eq!(told, [300; 4]);
        assert_eq!(busy.turn(at(1300)), Some(1000), "a turn without sleep");
    }
}
