//! Which part of its time a thread works: the rest it sleeps, waiting for work.
//!
//! A thread that is awake is not always at work: others may have its core. Where it gets half of the core or more, what it
//! loses is time that it has not, and counts. Where it gets less, giving up pictures would save next to nothing, so what
//! counts is twice the time it ran; packets that are lost on the way are told by others.

use std::time::{Duration, Instant};

/// How long is looked at: long enough to hold several bursts, short enough to act before a queue is long.
const WINDOW: Duration = Duration::from_millis(250);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Busy {
    started: Instant,
    slept: Duration,
    asleep_since: Option<Instant>,
    /// Processor time of the thread when the window began, where the system tells it.
    ran: Option<Duration>,
}

impl Busy {
    /// `ran` is the processor time that the thread has used up.
    pub(super) const fn new(now: Instant, ran: Option<Duration>) -> Self {
        Self { started: now, slept: Duration::ZERO, asleep_since: None, ran }
    }

    /// The thread goes to sleep until the next [`Self::turn`].
    pub(super) const fn sleeps(&mut self, now: Instant) {
        self.asleep_since = Some(now);
    }

    /// The thread begins a turn. Gives the thousandths of the last window that it worked, once a window. `ran` tells the
    /// processor time that the thread has used up; it is asked once a window.
    pub(super) fn turn(&mut self, now: Instant, ran: impl FnOnce() -> Option<Duration>) -> Option<u32> {
        if let Some(since) = self.asleep_since.take() {
            self.slept += now.saturating_duration_since(since);
        }
        let window = now.saturating_duration_since(self.started);
        if window < WINDOW {
            return None;
        }
        let ran = ran();
        let awake = window.saturating_sub(self.slept);
        let worked = match (self.ran, ran) {
            (Some(before), Some(ran)) => awake.min(ran.saturating_sub(before) * 2),
            _ => awake,
        };
        (self.started, self.slept, self.ran) = (now, Duration::ZERO, ran);
        Some((worked.as_micros() * 1000 / window.as_micros().max(1)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_not_slept_is_worked() {
        let start = Instant::now();
        let mut busy = Busy::new(start, Some(ms(70)));
        let mut told = Vec::new();
        for turn in 0..100 {
            busy.sleeps(start + ms(turn * 10 + 3));
            told.extend(busy.turn(start + ms(turn * 10 + 10), || Some(ms(70 + (turn + 1) * 3))));
        }
        assert_eq!(told, [300; 4]);
        assert_eq!(busy.turn(start + ms(1300), || Some(ms(670))), Some(1000), "a turn without sleep");
    }

    #[test]
    fn a_core_that_others_take_counts_while_half_of_it_is_left() {
        let awake_all_the_time = |ran: Option<u64>| {
            let start = Instant::now();
            Busy::new(start, Some(Duration::ZERO)).turn(start + ms(500), || ran.map(ms))
        };
        assert_eq!(awake_all_the_time(Some(450)), Some(1000), "it has the core");
        assert_eq!(awake_all_the_time(Some(250)), Some(1000), "it has half, and could not do more");
        assert_eq!(awake_all_the_time(Some(20)), Some(80), "whoever is starved has nothing to give up");
        assert_eq!(
            awake_all_the_time(None),
            Some(1000),
            "where the system does not tell, being awake counts"
        );
    }
}
