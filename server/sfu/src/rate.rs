//! Bits a second of a stream, smoothed over about a second.

use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_millis(500);

/// Counts bytes in windows of half a second.
#[derive(Debug)]
pub(crate) struct RateMeter {
    started: Instant,
    bytes: u64,
    bps: u64,
}

impl RateMeter {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { started: now, bytes: 0, bps: 0 }
    }

    /// The stream starts again after a silence, which says nothing about its rate.
    pub(crate) const fn resume(&mut self, now: Instant) {
        self.started = now;
        self.bytes = 0;
    }

    /// Counts the bytes of one packet.
    #[inline]
    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        self.bytes += bytes as u64;
        let elapsed = now.saturating_duration_since(self.started);
        if elapsed >= WINDOW {
            let measured = self.bytes * 8 * 1_000_000 / elapsed.as_micros().max(1) as u64;
            self.bps = if self.bps == 0 { measured } else { (self.bps + measured) / 2 };
            self.started = now;
            self.bytes = 0;
        }
    }

    /// The rate as somebody else measured it; packets counted here say no more from then on.
    pub(crate) const fn told(&mut self, now: Instant, bps: u64) {
        (self.started, self.bytes, self.bps) = (now, 0, bps);
    }

    /// The rate as of the last full window.
    pub(crate) const fn bps(&self) -> u64 {
        self.bps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        for packet in 1..=200 {
            meter.add(start + Duration::from_millis(10 * packet), 1250);
        }
        assert!((990_000..=1_030_000).contains(&meter.bps()), "{}", meter.bps());
    }

    #[test]
    fn a_silence_does_not_count() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        for packet in 1..=100 {
            meter.add(start + Duration::from_millis(10 * packet), 1250);
        }
        let before = meter.bps();
        let later = start + Duration::from_secs(60);
        meter.resume(later);
        meter.add(later, 1250);
        assert_eq!(meter.bps(), before);
    }
}
