//! Additive increase, multiplicative decrease on what the delay detector says (draft-ietf-rmcat-gcc-02 §5.5, with
//! libwebrtc's estimate of the link's capacity).

use std::time::{Duration, Instant};

use super::acknowledged::Acknowledged;
use super::delay::Usage;
use super::{MAX_BPS, MIN_BPS};

/// What is left of the acknowledged rate after a decrease.
const BETA: f64 = 0.85;
/// What is left after one decrease, at least, while the application is the limit: bursts build short queues too.
const STEP_DOWN: f64 = 0.75;
/// Growth a second far from the link's capacity.
const GROWTH: f64 = 1.08;
/// No estimate grows beyond this many times what arrives: nothing has been shown beyond.
const AHEAD: f64 = 1.5;
const AHEAD_BPS: f64 = 10_000.0;
/// Added to the round trip: how long a change takes to be seen.
const RESPONSE: f64 = 0.1;
/// Growth near capacity, in bit/s a second, at least.
const NEAR_GROWTH_MIN: f64 = 4000.0;
const PACKET_BITS_MAX: f64 = 1200.0 * 8.0;
const FRAMES_A_SECOND: f64 = 30.0;

/// Whether the application sends less than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) is_now: bool,
    /// Or did until a moment ago.
    pub(super) is_recent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct RateControl {
    state: State,
    bps: f64,
    changed: Instant,
    rtt: Duration,
    capacity: LinkCapacity,
    /// More arrives than the link was thought to carry.
    has_outgrown: bool,
}

impl RateControl {
    pub(super) fn new(now: Instant, start_bps: u64) -> Self {
        Self {
            state: State::Increase,
            bps: start_bps as f64,
            changed: now,
            rtt: Duration::from_millis(100),
            capacity: LinkCapacity::default(),
            has_outgrown: false,
        }
    }

    /// Whether more came through than the link was thought to carry, since the last call: it may carry much more.
    pub(super) const fn take_outgrown(&mut self) -> bool {
        std::mem::replace(&mut self.has_outgrown, false)
    }

    pub(super) const fn bps(&self) -> f64 {
        self.bps
    }

    pub(super) const fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// Takes over what a probe, or silence, has shown.
    pub(super) fn set(&mut self, now: Instant, bps: f64) {
        self.bps = bps.clamp(MIN_BPS as f64, MAX_BPS as f64);
        self.changed = now;
    }

    /// Feedback came: what arrives, and what the detector makes of the delay.
    pub(super) fn update(&mut self, now: Instant, usage: Usage, acknowledged: &Acknowledged, limit: Limit) {
        let Limit { is_now: limited, is_recent: burst } = limit;
        match usage {
            Usage::Under => self.state = State::Hold,
            Usage::Normal if self.state == State::Hold => {
                self.state = State::Increase;
                self.changed = now;
            }
            Usage::Normal => self.increase(now, acknowledged.bps(), limited),
            Usage::Over => {
                let lately = acknowledged.lately_bps();
                if let Some(lately) = lately.filter(|lately| self.may_reduce(now, *lately, burst)) {
                    // What an application sends that uses a part says little about the whole, but a burst that filled the
                    // link does. Without either, down by steps.
                    let least = (self.bps * STEP_DOWN).max(acknowledged.peak_bps() * BETA);
                    self.decrease(now, lately, if burst { least } else { 0.0 });
                }
            }
        }
    }

    /// One decrease a round trip: the next feedback is about packets that were sent before it.
    fn may_reduce(&self, now: Instant, acknowledged: f64, burst: bool) -> bool {
        const LEAST: Duration = Duration::from_millis(10);
        const MOST: Duration = Duration::from_millis(200);
        let spacing = if burst { self.rtt.max(MOST) } else { self.rtt.clamp(LEAST, MOST) };
        now.saturating_duration_since(self.changed) >= spacing || !burst && acknowledged < self.bps / 2.0
    }

    fn increase(&mut self, now: Instant, acknowledged: Option<f64>, limited: bool) {
        let elapsed = now.saturating_duration_since(self.changed).as_secs_f64().min(1.0);
        self.changed = now;
        let Some(acknowledged) = acknowledged else { return };
        if acknowledged > self.capacity.upper() {
            self.capacity = LinkCapacity::default();
            self.has_outgrown = true;
        }
        let most = acknowledged * AHEAD + AHEAD_BPS;
        // While the application is the limit, what it sends says nothing about more.
        if self.bps >= most || limited {
            return;
        }
        let grown = if self.capacity.is_known() {
            self.bps + self.near_growth() * elapsed
        } else {
            self.bps + (self.bps * (GROWTH.powf(elapsed) - 1.0)).max(1000.0 * elapsed)
        };
        self.bps = grown.min(most).clamp(MIN_BPS as f64, MAX_BPS as f64);
    }

    /// Near capacity: one packet of average size a response time.
    fn near_growth(&self) -> f64 {
        let frame = self.bps / FRAMES_A_SECOND;
        let packets = (frame / PACKET_BITS_MAX).ceil().max(1.0);
        let response = self.rtt.as_secs_f64() + RESPONSE;
        (frame / packets / response).max(NEAR_GROWTH_MIN)
    }

    fn decrease(&mut self, now: Instant, acknowledged: f64, least: f64) {
        let mut reduced = acknowledged * BETA;
        if reduced > self.bps
            && let Some(capacity) = self.capacity.mean
        {
            reduced = capacity * BETA;
        }
        if acknowledged < self.capacity.lower() {
            self.capacity = LinkCapacity::default();
        }
        self.capacity.overused(acknowledged);
        self.state = State::Hold;
        self.set(now, reduced.max(least).min(self.bps));
    }
}

/// The rates at which the link was full lately: mean and deviation.
#[derive(Debug, Default)]
struct LinkCapacity {
    mean: Option<f64>,
    /// Variance in parts of the mean.
    deviation: f64,
}

impl LinkCapacity {
    const fn is_known(&self) -> bool {
        self.mean.is_some()
    }

    /// The link was full while so much arrived.
    fn overused(&mut self, acknowledged: f64) {
        const WEIGHT: f64 = 0.05;
        let kbps = acknowledged / 1000.0;
        let Some(mean) = self.mean else {
            (self.mean, self.deviation) = (Some(acknowledged), 0.4);
            return;
        };
        let mean = mean / 1000.0;
        let next = (1.0 - WEIGHT) * mean + WEIGHT * kbps;
        let error = next - kbps;
        let variance = (1.0 - WEIGHT) * self.deviation + WEIGHT * error * error / next.max(1.0);
        (self.mean, self.deviation) = (Some(next * 1000.0), variance.clamp(0.4, 2.5));
    }

    fn spread(&self, mean: f64) -> f64 {
        3.0 * (self.deviation * mean / 1000.0).sqrt() * 1000.0
    }

    fn upper(&self) -> f64 {
        self.mean.map_or(f64::INFINITY, |mean| mean + self.spread(mean))
    }

    fn lower(&self) -> f64 {
        self.mean.map_or(0.0, |mean| (mean - self.spread(mean)).max(0.0))
    }
}
