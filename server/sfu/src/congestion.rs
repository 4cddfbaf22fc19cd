//! Congestion control of one subscriber's transport: its estimate, its pacing, and the probe that is being sent.

use std::time::{Duration, Instant};

use crate::allocation::Capacity;
use crate::bandwidth::{
    Algorithm, Estimator, PacketResult, ProbeCluster, ReportedLoss, START_BPS, SendHistory,
};
use crate::pacer::Pacer;
use crate::rtcp::TransportFeedback;

/// The estimate limits nothing for this long after the first feedback and the first want, unless it sees congestion: the
/// first probes are still on their way.
const START_UP: Duration = Duration::from_millis(600);
/// What is kept free for each voice, in bit/s: Opus with its headers, and some redundancy.
pub(crate) const VOICE_BPS: u64 = 50_000;

/// The cluster being sent.
#[derive(Debug, Clone, Copy)]
struct Sending {
    cluster: ProbeCluster,
    since: Instant,
    bytes: usize,
    packets: u32,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Congestion {
    estimator: Box<dyn Estimator>,
    history: SendHistory,
    pub(crate) pacer: Pacer,
    /// For clients without transport feedback.
    pub(crate) reports: ReportedLoss,
    /// Number of the next packet.
    transport_cc: u16,
    /// When the batch being written leaves, as the history wants it, and its bytes of media.
    stamp: u32,
    batch_bytes: usize,
    first_feedback: Option<Instant>,
    /// When something was wanted first.
    first_want: Option<Instant>,
    sending: Option<Sending>,
    /// Clusters sent so far.
    pub(crate) clusters: u64,
    results: Vec<PacketResult>,
}

impl Congestion {
    pub(crate) fn new(now: Instant, algorithm: Algorithm) -> Self {
        Self {
            estimator: algorithm.estimator(now, START_BPS),
            history: SendHistory::new(now),
            pacer: Pacer::new(now),
            reports: ReportedLoss::default(),
            transport_cc: 0,
            stamp: 0,
            batch_bytes: 0,
            first_feedback: None,
            first_want: None,
            sending: None,
            clusters: 0,
            results: Vec::new(),
        }
    }

    /// A run of packets is about to be written.
    #[inline]
    pub(crate) fn begin(&mut self, now: Instant) {
        self.stamp = self.history.stamp(now);
        self.pacer.refill(now);
    }

    /// The transport-wide number of the next packet.
    #[inline]
    pub(crate) const fn next_number(&self) -> u16 {
        self.transport_cc
    }

    /// A packet was written. `is_numbered`: it carries the number; `is_media`: it is more than a probe.
    #[inline]
    pub(crate) fn sent(&mut self, bytes: usize, is_numbered: bool, is_media: bool) {
        self.pacer.spend(bytes);
        if !is_numbered {
            return;
        }
        let cluster = self.sending.as_mut().map(|sending| {
            sending.bytes += bytes;
            sending.packets += 1;
            sending.cluster.id
        });
        self.history.record(self.stamp, self.transport_cc, bytes, cluster);
        self.transport_cc = self.transport_cc.wrapping_add(1);
        if is_media {
            self.batch_bytes += bytes;
        }
    }

    /// The run is over.
    #[inline]
    pub(crate) fn end(&mut self, now: Instant) {
        let bytes = std::mem::take(&mut self.batch_bytes);
        if bytes > 0 && self.first_feedback.is_some() {
            self.estimator.sent(now, bytes);
        }
    }

    /// Bytes of padding that the cluster being sent lacks at `now`; a cluster that is complete ends.
    #[inline]
    pub(crate) fn probe_lacks(&mut self, now: Instant) -> usize {
        let Some(sending) = self.sending else { return 0 };
        let ProbeCluster { bps, bytes, packets, .. } = sending.cluster;
        if sending.bytes >= bytes && sending.packets >= packets {
            self.sending = None;
            return 0;
        }
        let elapsed = now.saturating_duration_since(sending.since).as_micros() as u64;
        let due = (bps / 8 * elapsed / 1_000_000) as usize;
        // The first packet opens the interval that is measured.
        if sending.packets == 0 { 1 } else { due.saturating_sub(sending.bytes) }
    }

    /// Whether a cluster is being sent: the next piece is due in a few milliseconds.
    #[inline]
    pub(crate) const fn is_probing(&self) -> bool {
        self.sending.is_some()
    }

    /// Nothing can be sent that a probe is made of.
    pub(crate) const fn give_up_probe(&mut self) {
        self.sending = None;
    }

    /// A feedback message; returns whether the estimate fell.
    pub(crate) fn feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) -> bool {
        let mut results = std::mem::take(&mut self.results);
        self.history.resolve(now, feedback, &mut results);
        let before = self.estimator.target_bps();
        if !results.is_empty() {
            self.first_feedback = self.first_feedback.or(Some(now));
            self.estimator.feedback(now, &results);
            self.pacer.set_estimate(now, self.estimate_bps(now));
        }
        self.results = results;
        self.estimator.target_bps() < before
    }

    pub(crate) fn round_trip(&mut self, rtt: Duration) {
        self.estimator.round_trip(rtt);
    }

    /// Lets time pass; returns whether a cluster is to be sent from now on.
    pub(crate) fn handle_timeout(&mut self, now: Instant, can_probe: bool) -> bool {
        if self.first_feedback.is_some() {
            self.estimator.handle_timeout(now);
            self.pacer.set_estimate(now, self.estimate_bps(now));
        }
        if self.sending.is_some() || !can_probe {
            return false;
        }
        let Some(cluster) = self.estimator.poll_probe(now) else { return false };
        self.sending = Some(Sending { cluster, since: now, bytes: 0, packets: 0 });
        self.clusters += 1;
        true
    }

    /// What the slots could use altogether; see [`Estimator::want`].
    pub(crate) fn want(&mut self, now: Instant, bps: u64) {
        if bps > 0 {
            self.first_want = self.first_want.or(Some(now));
        }
        self.estimator.want(bps);
    }

    /// What voices and one picture at its smallest take; see [`Estimator::need`].
    pub(crate) fn need(&mut self, bps: u64) {
        self.estimator.need(bps);
    }

    /// The estimate, once there is one to go by.
    fn estimate_bps(&self, now: Instant) -> Option<u64> {
        let started = self.first_feedback?.max(self.first_want.unwrap_or(now));
        let since = now.saturating_duration_since(started);
        let bps = self.estimator.target_bps();
        (since >= START_UP || bps < START_BPS).then_some(bps)
    }

    /// What may be spent beside so many voices; nothing while nothing limits.
    pub(crate) fn capacity(&self, now: Instant, voices: usize) -> Option<Capacity> {
        if self.first_feedback.is_none() {
            // Losses are told for all that is sent, voices included.
            let bps = self.reports.limit_bps()?;
            return Some(Capacity { estimate_bps: bps, proven_bps: bps });
        }
        let reserved = VOICE_BPS * voices as u64;
        let beside = |bps: u64| bps.saturating_sub(reserved);
        Some(Capacity {
            estimate_bps: beside(self.estimate_bps(now)?),
            proven_bps: beside(self.estimator.proven_bps()),
        })
    }
}
