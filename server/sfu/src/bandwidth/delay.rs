//! Whether a queue builds up on the way, from how the distances between packets change
//! (draft-ietf-rmcat-gcc-02 §5.2 to §5.4, with libwebrtc's trendline in place of the Kalman filter).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::PacketResult;

/// Packets sent within this time form a group.
const GROUP: Duration = Duration::from_millis(5);
/// Packets that arrive closer than this, and closer than they were sent, came in one burst.
const BURST: f64 = 5.0;
const BURST_MAX: f64 = 100.0;
/// Groups in the regression.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
/// From slope to milliseconds, for at most this many groups.
const GAIN: f64 = 4.0;
const GROUPS_MAX: u32 = 60;
const THRESHOLD_START: f64 = 12.5;
const THRESHOLD_MIN: f64 = 6.0;
const THRESHOLD_MAX: f64 = 600.0;
/// How fast the threshold grows and shrinks, a millisecond.
const THRESHOLD_UP: f64 = 0.0087;
const THRESHOLD_DOWN: f64 = 0.039;
/// A larger excess is a spike and does not move the threshold.
const SPIKE: f64 = 15.0;
/// The trend must be above the threshold for this long, in ms.
const OVERUSE_TIME: f64 = 10.0;
/// Without a packet for this long on either side, the distances mean nothing.
const PAUSE: f64 = 3000.0;

/// What the detector thinks of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// The queue on the way empties.
    Under,
    /// It stays.
    Normal,
    /// It grows.
    Over,
}

/// Packets that were sent, or arrived, as one; times in ms.
#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: f64,
    sent: f64,
    first_received: f64,
    received: f64,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct DelayDetector {
    epoch: Instant,
    /// When the last packet was sent, and the same in ms: those of one run left at one moment.
    moment: (Instant, f64),
    current: Option<Group>,
    previous: Option<Group>,
    /// Arrival time and smoothed delay of recent groups, in ms.
    window: VecDeque<(f64, f64)>,
    groups: u32,
    accumulated: f64,
    smoothed: f64,
    threshold: f64,
    threshold_at: f64,
    previous_trend: f64,
    above_for: f64,
    above_count: u32,
    usage: Usage,
}

impl DelayDetector {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            moment: (now, 0.0),
            current: None,
            previous: None,
            window: VecDeque::with_capacity(WINDOW + 1),
            groups: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            threshold: THRESHOLD_START,
            threshold_at: 0.0,
            previous_trend: 0.0,
            above_for: 0.0,
            above_count: 0,
            usage: Usage::Normal,
        }
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// One packet that arrived; in order of arrival.
    pub(super) fn packet(&mut self, now: Instant, packet: &PacketResult) {
        let Some(received) = packet.received else { return };
        // Whole milliseconds: packets sent back to back belong together.
        if packet.sent != self.moment.0 {
            let sent = ms(packet.sent.saturating_duration_since(self.epoch)).round();
            self.moment = (packet.sent, sent);
        }
        let sent = self.moment.1;
        let received = ms(received);
        let Some(group) = &mut self.current else {
            self.current = Some(Group::new(sent, received));
            return;
        };
        if sent < group.first_sent {
            return;
        }
        if group.takes(sent, received) {
            group.sent = group.sent.max(sent);
            group.received = group.received.max(received);
            return;
        }
        let finished = *group;
        *group = Group::new(sent, received);
        if let Some(previous) = self.previous.replace(finished) {
            self.compare(ms(now.saturating_duration_since(self.epoch)), &previous, &finished);
        }
    }

    fn compare(&mut self, now: f64, previous: &Group, group: &Group) {
        let sent = group.sent - previous.sent;
        let received = group.received - previous.received;
        if !(0.0..=PAUSE).contains(&received) || sent > PAUSE {
            // The sender paused, or the receiver's clock jumped: begin anew with what comes next.
            (self.window, self.groups) = (VecDeque::with_capacity(WINDOW + 1), 0);
            (self.accumulated, self.smoothed, self.previous) = (0.0, 0.0, None);
            self.set(Usage::Normal);
            return;
        }
        self.groups = (self.groups + 1).min(GROUPS_MAX);
        self.accumulated += received - sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        self.window.push_back((group.received, self.smoothed));
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        if self.window.len() == WINDOW {
            let trend = slope(&self.window).unwrap_or(self.previous_trend);
            self.judge(now, trend, sent);
        }
    }

    fn judge(&mut self, now: f64, trend: f64, sent: f64) {
        let grown = f64::from(self.groups) * trend * GAIN;
        if grown > self.threshold {
            // At the first sight assume that it began half a distance ago.
            self.above_for += if self.above_count == 0 { sent / 2.0 } else { sent };
            self.above_count += 1;
            if self.above_for > OVERUSE_TIME && self.above_count > 1 && trend >= self.previous_trend {
                self.set(Usage::Over);
            }
        } else {
            self.set(if grown < -self.threshold { Usage::Under } else { Usage::Normal });
        }
        self.previous_trend = trend;
        self.adapt(now, grown.abs());
    }

    const fn set(&mut self, usage: Usage) {
        (self.above_for, self.above_count) = (0.0, 0);
        self.usage = usage;
    }

    /// Lets the threshold follow the trend, slowly up and fast down: against flows that fill queues we must not starve.
    fn adapt(&mut self, now: f64, grown: f64) {
        let elapsed = (now - std::mem::replace(&mut self.threshold_at, now)).clamp(0.0, 100.0);
        if grown > self.threshold + SPIKE {
            return;
        }
        let speed = if grown < self.threshold { THRESHOLD_DOWN } else { THRESHOLD_UP };
        self.threshold += speed * (grown - self.threshold) * elapsed;
        self.threshold = self.threshold.clamp(THRESHOLD_MIN, THRESHOLD_MAX);
    }
}

impl Group {
    const fn new(sent: f64, received: f64) -> Self {
        Self { first_sent: sent, sent, first_received: received, received }
    }

    /// Whether a packet belongs to this group.
    fn takes(&self, sent: f64, received: f64) -> bool {
        let since_sent = sent - self.sent;
        let since_received = received - self.received;
        let in_burst = since_received - since_sent < 0.0
            && since_received <= BURST
            && received - self.first_received < BURST_MAX;
        since_sent == 0.0 || in_burst || sent - self.first_sent <= ms(GROUP)
    }
}

/// Least squares; nothing when all abscissas are one.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut numerator, mut denominator) = (0.0, 0.0);
    for (x, y) in points {
        numerator += (x - mean_x) * (y - mean_y);
        denominator += (x - mean_x) * (x - mean_x);
    }
    (denominator > 0.0).then(|| numerator / denominator)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
