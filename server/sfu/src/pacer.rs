//! When packets may leave: at once while the connection is used less than its estimate allows, else at 2.5 times the
//! estimate, so that a key frame does not fill the queue on the way.
//!
//! What has to wait stays in the downlink's own queue and is released every few milliseconds, a run of packets at a time,
//! so that runs still leave as one GSO message. Audio and retransmissions never wait; their bytes count.

use std::time::{Duration, Instant};

/// How much faster than the estimate a burst may leave (libwebrtc's pacing factor).
const FACTOR_PERCENT: u64 = 250;
/// What may leave at once after a pause: this long at the pacing rate, but at least one run of packets.
const BURST: Duration = Duration::from_millis(10);
const BURST_BYTES_MIN: i64 = 6000;
/// What is overdrawn by packets that never wait is paid back within this time.
const DEBT: Duration = Duration::from_millis(100);
/// Time between two releases.
pub(crate) const RELEASE_SPACING: Duration = Duration::from_millis(5);

/// A bucket of bytes. Without a rate nothing waits.
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Bytes a second; 0 for no limit.
    rate: u64,
    /// What the rate allows at once, and what may be owed: computed when it changes, not for each packet.
    burst: i64,
    debt: i64,
    bytes: i64,
    refilled: Instant,
}

impl Pacer {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { rate: 0, burst: 0, debt: 0, bytes: 0, refilled: now }
    }

    /// The estimate changed; without one nothing waits.
    pub(crate) fn set_estimate(&mut self, now: Instant, bps: Option<u64>) {
        let rate = bps.map_or(0, |bps| bps * FACTOR_PERCENT / 100 / 8);
        if rate == self.rate {
            return;
        }
        self.refill(now);
        let before = std::mem::replace(&mut self.rate, rate);
        self.burst = self.earned(BURST).max(BURST_BYTES_MIN);
        self.debt = self.earned(DEBT) + BURST_BYTES_MIN;
        if before == 0 {
            self.bytes = self.burst;
        }
    }

    /// Bytes of at most a second: with the highest estimate far from what 64 bits hold.
    const fn earned(&self, time: Duration) -> i64 {
        (self.rate * (time.as_secs() * 1_000_000 + time.subsec_micros() as u64) / 1_000_000) as i64
    }

    /// Time has passed. Once before a run of packets.
    #[inline]
    pub(crate) fn refill(&mut self, now: Instant) {
        if self.rate == 0 {
            return;
        }
        let elapsed = now.saturating_duration_since(self.refilled).min(Duration::from_secs(1));
        let earned = self.earned(elapsed);
        // A rest too short to earn a byte is not lost.
        if earned > 0 || elapsed.is_zero() {
            self.bytes = (self.bytes + earned).min(self.burst);
            self.refilled = now;
        }
    }

    /// Whether a packet that can wait may leave.
    #[inline]
    pub(crate) const fn is_open(&self) -> bool {
        self.rate == 0 || self.bytes > 0
    }

    /// A packet left.
    #[inline]
    pub(crate) fn spend(&mut self, bytes: usize) {
        if self.rate > 0 {
            self.bytes = (self.bytes - bytes as i64).max(-self.debt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends packets of 1,000 bytes as fast as allowed, released every 5 ms, and tells how many left in a second.
    fn packets_in_a_second(bps: Option<u64>) -> usize {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        pacer.set_estimate(start, bps);
        let mut sent = 0;
        for ms in (0..1000).step_by(5) {
            pacer.refill(start + Duration::from_millis(ms));
            for _ in 0..100 {
                if pacer.is_open() {
                    pacer.spend(1000);
                    sent += 1;
                }
            }
        }
        sent
    }

    #[test]
    fn the_rate_is_two_and_a_half_times_the_estimate() {
        assert!((310..=322).contains(&packets_in_a_second(Some(1_000_000))));
        assert_eq!(packets_in_a_second(None), 20_000);
    }

    #[test]
    fn a_run_of_packets_leaves_at_once_after_a_rest() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        pacer.set_estimate(start, Some(500_000));
        let run = |pacer: &mut Pacer| {
            let mut packets = 0;
            while pacer.is_open() {
                pacer.spend(1200);
                packets += 1;
            }
            packets
        };
        assert_eq!(run(&mut pacer), 5);
        pacer.refill(start + Duration::from_secs(1));
        assert_eq!(run(&mut pacer), 5);
    }

    #[test]
    fn what_never_waits_is_paid_back_in_bounded_time() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        pacer.set_estimate(start, Some(1_000_000));
        for _ in 0..10_000 {
            pacer.spend(1000);
        }
        assert!(!pacer.is_open());
        pacer.refill(start + Duration::from_millis(150));
        assert!(pacer.is_open());
    }
}
