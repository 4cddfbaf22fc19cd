//! The estimator of the `rtc` crate as baseline and oracle: Kalman filter, AIMD and a simple loss rule; no probing.

use std::fmt;
use std::time::{Duration, Instant};

use rtc::interceptor::{BandwidthEstimator as _, Gcc as Inner, PacketReport};

use super::{Estimator, MAX_BPS, MIN_BPS, PacketResult, ProbeCluster};

/// The `rtc` crate's estimator: Kalman filter, AIMD and a simple loss rule; no probing.
pub struct Gcc {
    inner: Inner,
    reports: Vec<PacketReport>,
    next_id: u64,
}

impl Gcc {
    /// Starts at `start_bps`.
    #[must_use]
    pub fn new(start_bps: u64) -> Self {
        let inner = Inner::new(start_bps as f64, MIN_BPS as f64, MAX_BPS as f64);
        Self { inner, reports: Vec::new(), next_id: 0 }
    }
}

impl fmt::Debug for Gcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gcc").field("target_bps", &self.target_bps()).finish_non_exhaustive()
    }
}

impl Estimator for Gcc {
    fn sent(&mut self, _now: Instant, _bytes: usize) {}

    fn feedback(&mut self, now: Instant, results: &[PacketResult]) {
        self.reports.clear();
        for result in results {
            self.next_id += 1;
            self.reports.push(PacketReport {
                ssrc: 0,
                id: self.next_id,
                rtp_sequence_number: result.number,
                is_twcc: true,
                twcc_sequence_number: result.number,
                size: usize::from(result.bytes),
                arrived: result.received.is_some(),
                departure: result.sent,
                arrival: result.received,
                ecn: Default::default(),
            });
        }
        self.inner.on_reports(now, &self.reports);
    }

    fn round_trip(&mut self, _rtt: Duration) {}

    fn want(&mut self, _bps: u64) {}

    fn need(&mut self, _bps: u64) {}

    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }

    fn poll_probe(&mut self, _now: Instant) -> Option<ProbeCluster> {
        None
    }

    fn target_bps(&self) -> u64 {
        self.inner.target_bitrate() as u64
    }

    fn proven_bps(&self) -> u64 {
        // Nothing is ever probed: the estimate has to be believed.
        self.target_bps()
    }
}
