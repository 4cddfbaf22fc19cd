//! Our estimator: delay, loss and probes put together.

use std::time::{Duration, Instant};

use super::acknowledged::Acknowledged;
use super::application_limit::ApplicationLimit;
use super::delay::{DelayDetector, Usage};
use super::loss::LossControl;
use super::probe::{ProbeController, ProbeResults, Situation};
use super::rate_control::{Limit, RateControl};
use super::standing_queue::StandingQueue;
use super::{Estimator, MAX_BPS, MIN_BPS, PacketResult, ProbeCluster};

/// Sending without feedback for this long, the estimate goes down, and again each half of it.
const SILENCE: Duration = Duration::from_millis(1500);
const SILENCE_STEP: Duration = Duration::from_millis(500);
const SILENCE_FACTOR: f64 = 0.8;

/// Our estimator: delay, loss and probes put together.
#[derive(Debug)]
pub struct SendSide {
    delay: DelayDetector,
    queue: StandingQueue,
    acknowledged: Acknowledged,
    control: RateControl,
    loss: LossControl,
    limit: ApplicationLimit,
    probes: ProbeController,
    results: ProbeResults,
    /// Packets of a feedback in order of arrival; kept for its memory.
    arrived: Vec<PacketResult>,
    /// Since when packets are out that no feedback has told of.
    unanswered: Option<Instant>,
    target_bps: u64,
    proven_bps: u64,
}

impl SendSide {
    /// Starts at `start_bps`.
    #[must_use]
    pub fn new(now: Instant, start_bps: u64) -> Self {
        let start_bps = start_bps.clamp(MIN_BPS, MAX_BPS);
        Self {
            delay: DelayDetector::new(now),
            queue: StandingQueue::new(now),
            acknowledged: Acknowledged::default(),
            control: RateControl::new(now, start_bps),
            loss: LossControl::new(start_bps),
            limit: ApplicationLimit::new(now),
            probes: ProbeController::new(start_bps),
            results: ProbeResults::default(),
            arrived: Vec::new(),
            unanswered: None,
            target_bps: start_bps,
            proven_bps: 0,
        }
    }

    fn is_congested(&self) -> bool {
        // Loss that limits below what arrives is congestion; inherent loss is not.
        let lossy =
            self.loss.limit_bps().zip(self.acknowledged.bps()).is_some_and(|(limit, rate)| limit < rate);
        self.usage() == Usage::Over || lossy
    }

    /// What the trend says, and beyond it a queue that is full: it grows no more, but it loses.
    fn usage(&self) -> Usage {
        if self.queue.is_full() { Usage::Over } else { self.delay.usage() }
    }

    /// The lower of what delay and loss allow.
    fn combine(&mut self) {
        let bps = self.loss.limit_bps().map_or(self.control.bps(), |loss| loss.min(self.control.bps()));
        self.target_bps = (bps as u64).clamp(MIN_BPS, MAX_BPS);
        let acknowledged = self.acknowledged.bps().unwrap_or_default() as u64;
        self.proven_bps = self.proven_bps.max(acknowledged).min(self.target_bps);
    }
}

impl Estimator for SendSide {
    fn sent(&mut self, now: Instant, bytes: usize) {
        self.limit.sent(now, bytes, self.target_bps);
        self.unanswered = self.unanswered.or(Some(now));
    }

    fn feedback(&mut self, now: Instant, results: &[PacketResult]) {
        let Some(newest) =
            results.iter().filter(|result| result.received.is_some()).map(|result| result.sent).max()
        else {
            self.loss.update(results, self.control.bps(), self.acknowledged.bps());
            return self.combine();
        };
        self.unanswered = None;
        self.control.set_rtt(now.saturating_duration_since(newest));
        self.arrived.clear();
        self.arrived.extend(results.iter().filter(|result| result.received.is_some()));
        self.arrived.sort_by_key(|result| result.received);
        let mut shown: Option<f64> = None;
        let lost = self.loss.average_loss();
        for packet in &self.arrived {
            self.delay.packet(now, packet);
            if let Some(received) = packet.received {
                self.acknowledged.packet(received, packet.bytes);
            }
            shown = self.results.packet(packet, lost).map(|bps| self.loss.shown(bps)).or(shown);
        }
        self.queue.feedback(now, results);
        let limit = Limit { is_now: self.limit.since().is_some(), is_recent: self.limit.is_recent(now) };
        self.control.update(now, self.usage(), &self.acknowledged, limit);
        if self.control.take_outgrown() {
            self.probes.hurry();
        }
        if let Some(shown) = shown {
            self.probes.succeeded(shown as u64, self.target_bps);
            if shown > self.control.bps() && self.usage() != Usage::Over {
                self.control.set(now, shown);
            }
            self.loss.proven(shown.min(self.control.bps()));
        }
        self.loss.update(results, self.control.bps(), self.acknowledged.bps());
        self.combine();
        if let Some(shown) = shown {
            self.proven_bps = self.proven_bps.max(shown as u64).min(self.target_bps);
        }
    }

    fn round_trip(&mut self, rtt: Duration) {
        // Feedback tells a newer one each time; reports matter only before the first.
        if self.acknowledged.bps().is_none() {
            self.control.set_rtt(rtt);
        }
    }

    fn want(&mut self, bps: u64) {
        self.probes.want(bps);
    }

    fn need(&mut self, bps: u64) {
        self.loss.need(bps as f64);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.limit.sent(now, 0, self.target_bps);
        let Some(since) = self.unanswered else { return };
        if now.saturating_duration_since(since) >= SILENCE {
            self.unanswered = now.checked_sub(SILENCE - SILENCE_STEP);
            self.control.set(now, self.control.bps().min(self.target_bps as f64) * SILENCE_FACTOR);
            self.combine();
        }
    }

    fn poll_probe(&mut self, now: Instant) -> Option<ProbeCluster> {
        let situation = Situation {
            target_bps: self.target_bps,
            proven_bps: self.proven_bps,
            is_congested: self.is_congested(),
            limited_since: self.limit.since(),
        };
        let cluster = self.probes.poll(now, &situation)?;
        self.results.expect(cluster);
        Some(cluster)
    }

    fn target_bps(&self) -> u64 {
        self.target_bps
    }

    fn proven_bps(&self) -> u64 {
        self.proven_bps
    }
}
