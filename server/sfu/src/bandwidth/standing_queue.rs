//! Whether the queue on the way is full: a trend sees it grow, but a queue that only overflows has none.

use std::time::{Duration, Instant};

use super::PacketResult;

/// A queue is long from here on.
const LONG: Duration = Duration::from_millis(100);
/// And full when this part of the packets is lost meanwhile, smoothed.
const LOSS: f64 = 0.03;
const SMOOTHING: f64 = 0.8;
/// The least delay is looked for in this time and the one before, so that a new route is noticed.
const WINDOW: Duration = Duration::from_secs(15);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct StandingQueue {
    epoch: Instant,
    window_started: Instant,
    /// The least difference of the two clocks, in this window and the last.
    least: [Option<i64>; 2],
    delay: Duration,
    loss: f64,
}

impl StandingQueue {
    pub(super) const fn new(now: Instant) -> Self {
        Self { epoch: now, window_started: now, least: [None; 2], delay: Duration::ZERO, loss: 0.0 }
    }

    /// Whether the queue is long and overflows.
    pub(super) fn is_full(&self) -> bool {
        self.delay > LONG && self.loss > LOSS
    }

    /// What one feedback message says.
    pub(super) fn feedback(&mut self, now: Instant, results: &[PacketResult]) {
        if now.saturating_duration_since(self.window_started) >= WINDOW {
            self.window_started = now;
            self.least = [None, self.least[0].or(self.least[1])];
        }
        // Packets of one run left at one moment.
        let (epoch, mut moment) = (self.epoch, (self.epoch, 0));
        let difference = |result: &PacketResult| {
            let received = result.received?;
            if result.sent != moment.0 {
                moment = (result.sent, result.sent.saturating_duration_since(epoch).as_micros() as i64);
            }
            Some(received.as_micros() as i64 - moment.1)
        };
        let Some(shortest) = results.iter().filter_map(difference).min() else { return };
        self.least[0] = Some(self.least[0].map_or(shortest, |least| least.min(shortest)));
        let base = self.least.into_iter().flatten().min().unwrap_or(shortest);
        self.delay = Duration::from_micros(shortest.saturating_sub(base).max(0) as u64);
        let lost = results.iter().filter(|result| result.received.is_none()).count();
        let part = lost as f64 / results.len() as f64;
        self.loss = SMOOTHING * self.loss + (1.0 - SMOOTHING) * part;
    }
}
