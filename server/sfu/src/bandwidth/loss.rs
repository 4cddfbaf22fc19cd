//! How much of the loss is the sender's own doing.
//!
//! A model with two unknowns: the link loses a part of everything whatever is sent (radio, policing), and what exceeds
//! its bandwidth. The bandwidth that makes the observed losses most likely wins (after libwebrtc's second loss-based
//! estimator). So 10 % of random loss do not starve a call, and a full shallow queue is still noticed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{MAX_BPS, MIN_BPS, PacketResult};

/// An observation covers at least this long.
const OBSERVATION: Duration = Duration::from_millis(250);
/// Observations in the model, and before it says anything.
const WINDOW: usize = 20;
const OBSERVATIONS_MIN: usize = 3;
/// Weight of an observation against the next newer one.
const FADING: f64 = 0.9;
/// Candidates in multiples of the present bandwidth.
const FACTORS: [f64; 3] = [1.02, 1.0, 0.95];
/// The acknowledged rate as a candidate backs off by this.
const BACKOFF: f64 = 0.85;
/// Bounds of the part that is lost whatever is sent.
const INHERENT_MIN: f64 = 0.001;
const INHERENT_OFFSET: f64 = 0.05;
const INHERENT_BALANCE: f64 = 150_000.0;
const INHERENT_START: f64 = 0.01;
/// Newton steps a candidate, and how far each goes.
const STEPS: usize = 2;
const STEP: f64 = 0.75;
/// How much a higher bandwidth is preferred when losses do not tell.
const PREFERENCE: f64 = 0.0002;
const PREFERENCE_LOG: f64 = 0.02;
/// Beyond this average loss, it is not preferred any more. Where a third is lost whatever is sent, an estimate without preference
/// would only drift, and a small picture be given up for nothing.
const PREFERENCE_LOSS_MAX: f64 = 0.5;
/// Above this average loss, bandwidth is bounded by the balance over the excess.
const BOUND_OFFSET: f64 = 0.05;
const BOUND_BALANCE: f64 = 150_000.0;
/// After a decrease, growth within this time is bounded.
const GROWTH_WINDOW: Duration = Duration::from_millis(300);
const GROWTH_MAX: f64 = 1.3;

#[derive(Debug, Clone, Copy)]
struct Observation {
    packets: f64,
    lost: f64,
    bps: f64,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct LossControl {
    observations: VecDeque<Observation>,
    /// By age, newest first: powers are not taken anew for each candidate.
    weights: [f64; WINDOW],
    started: Option<Instant>,
    packets: i64,
    lost: i64,
    bytes: u64,
    bps: f64,
    /// What voices and one picture at its smallest take: loss alone does not limit to less.
    least_bps: f64,
    inherent: f64,
    /// Whether loss is what limits.
    is_limiting: bool,
    window: Option<(Instant, f64)>,
}

impl LossControl {
    pub(super) fn new(start_bps: u64) -> Self {
        Self {
            observations: VecDeque::with_capacity(WINDOW + 1),
            weights: std::array::from_fn(|age| FADING.powi(age as i32)),
            started: None,
            packets: 0,
            lost: 0,
            bytes: 0,
            bps: start_bps as f64,
            least_bps: 0.0,
            inherent: INHERENT_START,
            is_limiting: false,
            window: None,
        }
    }

    /// The bandwidth, while loss is what limits it.
    pub(super) fn limit_bps(&self) -> Option<f64> {
        self.is_limiting.then_some(self.bps)
    }

    /// What voices and one picture at its smallest take.
    ///
    /// Of two losses that look alike, one is the link's own: less sent would lose as many of fewer packets, and give up the picture
    /// for nothing. One that is the sender's doing without any queue has retransmissions add to it until half is lost.
    pub(super) const fn need(&mut self, bps: f64) {
        self.least_bps = bps;
    }

    /// What a probe has shown of which `bps` came: up to what is needed, what was lost of it counts, too.
    pub(super) fn shown(&self, bps: f64) -> f64 {
        let lost = self.average_loss();
        if lost < PREFERENCE_LOSS_MAX { bps.max((bps / (1.0 - lost)).min(self.least_bps)) } else { bps }
    }

    /// A probe has shown that the connection carries this much.
    pub(super) const fn proven(&mut self, bps: f64) {
        if bps > self.bps {
            self.bps = bps;
            self.is_limiting = false;
        }
    }

    /// Feedback came; `delay_bps` is what delay alone allows.
    pub(super) fn update(&mut self, results: &[PacketResult], delay_bps: f64, acknowledged: Option<f64>) {
        for result in results {
            let missing = i64::from(result.received.is_none());
            self.lost += missing - i64::from(result.was_missing && missing == 0);
            self.packets += i64::from(!result.was_missing);
            self.bytes += if result.was_missing { 0 } else { u64::from(result.bytes) };
        }
        let Some(newest) = results.iter().map(|result| result.sent).max() else { return };
        let started = *self.started.get_or_insert(newest);
        let elapsed = newest.saturating_duration_since(started);
        if elapsed < OBSERVATION || self.packets <= 0 {
            return;
        }
        self.observations.push_back(Observation {
            packets: self.packets as f64,
            lost: self.lost.clamp(0, self.packets) as f64,
            bps: self.bytes as f64 * 8.0 / elapsed.as_secs_f64(),
        });
        (self.started, self.packets, self.lost, self.bytes) = (Some(newest), 0, 0, 0);
        if self.observations.len() > WINDOW {
            self.observations.pop_front();
        }
        if self.observations.len() >= OBSERVATIONS_MIN {
            self.choose(newest, delay_bps, acknowledged);
        }
    }

    fn choose(&mut self, now: Instant, delay_bps: f64, acknowledged: Option<f64>) {
        let before = self.bps;
        let own = FACTORS.map(|factor| Some(before * factor));
        // While delay allows more, that is a candidate too: the model decides whether losses speak against it.
        let others = [acknowledged.map(|bps| bps * BACKOFF), Some(delay_bps)];
        let mut best: Option<(f64, f64, f64)> = None;
        for bps in own.into_iter().chain(others).flatten() {
            let bps = bps.clamp(MIN_BPS as f64, MAX_BPS as f64);
            let inherent = self.fit_inherent(bps);
            let worth = self.worth(bps, inherent);
            if best.is_none_or(|(best, ..)| worth > best) {
                best = Some((worth, bps, inherent));
            }
        }
        let Some((_, mut bps, inherent)) = best else { return };
        if bps > before
            && let Some((until, most)) = self.window
            && now < until
        {
            bps = bps.min(most);
        }
        // What arrives, the link does carry.
        let carried = acknowledged.map_or(0.0, |bps| bps * BACKOFF);
        bps = bps.min(self.bound_bps().max(carried));
        if self.average_loss() < PREFERENCE_LOSS_MAX {
            bps = bps.max(self.least_bps);
        }
        bps = bps.min(delay_bps).max(MIN_BPS as f64);
        if bps < before && bps < delay_bps {
            self.window = Some((now + GROWTH_WINDOW, bps * GROWTH_MAX));
        }
        (self.bps, self.inherent) = (bps, inherent);
        self.is_limiting = bps < delay_bps;
    }

    /// Loss as it was lately, newest most.
    pub(super) fn average_loss(&self) -> f64 {
        let (lost, packets) = self.weighted().fold((0.0, 0.0), |sum, (seen, weight)| {
            (sum.0 + weight * seen.lost, sum.1 + weight * seen.packets)
        });
        if packets > 0.0 { lost / packets } else { 0.0 }
    }

    fn weighted(&self) -> impl Iterator<Item = (&Observation, f64)> {
        self.observations.iter().rev().zip(self.weights)
    }

    fn bound_bps(&self) -> f64 {
        let excess = self.average_loss() - BOUND_OFFSET;
        if excess > 0.0 { (BOUND_BALANCE / excess).max(MIN_BPS as f64) } else { f64::INFINITY }
    }

    /// The inherent loss that explains the observations best if the bandwidth is `bps`.
    fn fit_inherent(&self, bps: f64) -> f64 {
        let most = INHERENT_OFFSET + INHERENT_BALANCE / bps;
        let mut inherent = self.inherent;
        for _ in 0..STEPS {
            let (mut first, mut second) = (0.0, 0.0);
            for (seen, weight) in self.weighted() {
                let loss = probability(inherent, bps, seen.bps);
                let got = seen.packets - seen.lost;
                first += weight * (seen.lost / loss - got / (1.0 - loss));
                second -= weight * (seen.lost / (loss * loss) + got / ((1.0 - loss) * (1.0 - loss)));
            }
            if second < 0.0 {
                inherent -= STEP * first / second;
            }
            inherent = inherent.clamp(INHERENT_MIN, most.clamp(INHERENT_MIN, 0.9));
        }
        inherent
    }

    /// How likely the observations are, and how welcome the bandwidth.
    fn worth(&self, bps: f64, inherent: f64) -> f64 {
        let preference = if self.average_loss() < PREFERENCE_LOSS_MAX {
            PREFERENCE * bps / 1000.0 + PREFERENCE_LOG * (1.0 + bps / 1000.0).ln()
        } else {
            0.0
        };
        self.weighted()
            .map(|(seen, weight)| {
                let loss = probability(inherent, bps, seen.bps);
                let got = seen.packets - seen.lost;
                weight * (seen.lost * loss.ln() + got * (1.0 - loss).ln() + preference * seen.packets)
            })
            .sum()
    }
}

/// That a packet is lost: inherently, or because more was sent than the bandwidth.
fn probability(inherent: f64, bps: f64, sent_bps: f64) -> f64 {
    let excess = if sent_bps > bps { (sent_bps - bps) / sent_bps } else { 0.0 };
    (inherent + (1.0 - inherent) * excess).clamp(1e-6, 1.0 - 1e-6)
}
