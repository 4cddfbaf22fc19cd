//! How many bits a second arrive, from the receiver's arrival times: windows of 150 ms, smoothed by how much each can be
//! trusted (libwebrtc's Bayesian estimate of the acknowledged bitrate).

use std::time::Duration;

/// The first window is longer: one burst must not pass for a rate.
const FIRST_WINDOW: Duration = Duration::from_millis(500);
const WINDOW: Duration = Duration::from_millis(150);
/// Short windows, and how many are looked back on: a burst fills the link at least that long.
const SHORT: Duration = Duration::from_millis(50);
const SHORT_WINDOWS: usize = 10;
/// How little a sample is trusted, and one of a few packets.
const UNCERTAINTY: f64 = 10.0;
const UNCERTAINTY_SMALL: f64 = 25.0;
const SMALL_BYTES: u64 = 2000;
/// How fast trust in the estimate itself fades, a window.
const DRIFT: f64 = 5.0;
const FLOOR_BPS: f64 = 40_000.0;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    bps: Option<f64>,
    /// The last two windows.
    recent: [f64; 2],
    /// The rates of short windows, newest last.
    short: [f64; SHORT_WINDOWS],
    short_start: Duration,
    short_bytes: u64,
    variance: f64,
    window_start: Option<Duration>,
    newest: Duration,
    bytes: u64,
}

impl Acknowledged {
    /// The rate; nothing before the first window is full.
    pub(super) const fn bps(&self) -> Option<f64> {
        self.bps
    }

    /// The rate of the last two windows where that is lower: what a full link lets through now, before the smoothed
    /// rate has followed.
    pub(super) fn lately_bps(&self) -> Option<f64> {
        self.bps.map(|bps| bps.min(f64::midpoint(self.recent[0], self.recent[1]).max(FLOOR_BPS)))
    }

    /// The highest rate of a short window lately: what the link let through while a burst filled it.
    pub(super) fn peak_bps(&self) -> f64 {
        self.short.into_iter().fold(0.0, f64::max)
    }

    /// A packet arrived; in order of arrival.
    pub(super) fn packet(&mut self, received: Duration, bytes: u16) {
        let window = if self.bps.is_none() { FIRST_WINDOW } else { WINDOW };
        let start = *self.window_start.get_or_insert(received);
        if received < self.newest || received - self.newest > 2 * window {
            // Back in time, or after a pause: what was counted is no rate.
            (self.window_start, self.bytes) = (Some(received), 0);
        } else if received - start >= window {
            let elapsed = received - start;
            self.sample(self.bytes as f64 * 8.0 / elapsed.as_secs_f64());
            (self.window_start, self.bytes) = (Some(received), 0);
        }
        let elapsed = received.saturating_sub(self.short_start);
        if elapsed >= SHORT {
            self.short.rotate_left(1);
            self.short[SHORT_WINDOWS - 1] = self.short_bytes as f64 * 8.0 / elapsed.as_secs_f64();
            (self.short_start, self.short_bytes) = (received, 0);
        }
        self.newest = received;
        self.bytes += u64::from(bytes);
        self.short_bytes += u64::from(bytes);
    }

    fn sample(&mut self, sample: f64) {
        self.recent = [self.recent[1], sample];
        let Some(bps) = self.bps else {
            self.recent = [sample; 2];
            (self.bps, self.variance) = (Some(sample.max(FLOOR_BPS)), 50.0);
            return;
        };
        let is_small = self.bytes < SMALL_BYTES && sample < bps;
        let scale = if is_small { UNCERTAINTY_SMALL } else { UNCERTAINTY };
        // Samples far from the estimate are trusted less.
        let uncertainty = scale * (bps - sample).abs() / bps;
        let sample_variance = uncertainty * uncertainty;
        let variance = self.variance + DRIFT;
        let weight = variance / (sample_variance + variance);
        self.bps = Some((bps + weight * (sample - bps)).max(FLOOR_BPS));
        self.variance = sample_variance * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(meter: &mut Acknowledged, from_ms: u64, to_ms: u64, spacing_ms: u64, bytes: u16) -> f64 {
        for ms in (from_ms..to_ms).step_by(spacing_ms as usize) {
            meter.packet(Duration::from_millis(ms), bytes);
        }
        meter.bps().unwrap()
    }

    #[test]
    fn a_steady_stream_has_its_rate_and_a_change_is_followed_within_a_second() {
        let mut meter = Acknowledged::default();
        meter.packet(Duration::ZERO, 1250);
        assert_eq!(meter.bps(), None);
        let slow = rate(&mut meter, 10, 2000, 10, 1250);
        assert!((960e3..1040e3).contains(&slow), "{slow}");
        let fast = rate(&mut meter, 2000, 3000, 5, 1250);
        assert!((1850e3..2100e3).contains(&fast), "{fast}");
    }

    #[test]
    fn a_pause_is_no_slow_rate() {
        let mut meter = Acknowledged::default();
        let before = rate(&mut meter, 0, 2000, 10, 1250);
        let after = rate(&mut meter, 9000, 9500, 10, 1250);
        assert!((after / before - 1.0).abs() < 0.1, "{before} and {after}");
    }
}
