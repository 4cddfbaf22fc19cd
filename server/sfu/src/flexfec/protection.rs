//! Whether a viewer's video is protected, and how much.

use std::time::{Duration, Instant};

use super::INTERLEAVE_MAX;

/// Repair pays from this share of lost packets on,
const LOSS_MIN: f32 = 0.015;
/// and from this round trip on: what is asked for again comes sooner than that, mostly before it is to be shown.
const RTT_MIN: Duration = Duration::from_millis(100);
/// Protection ends when loss and round trip have fallen to this share of what started it.
const HYSTERESIS: f32 = 0.7;
/// How much of the old estimates stays at each judgement.
const DECAY: f32 = 0.7;
/// Losses are judged at most this often.
const SPACING: Duration = Duration::from_secs(1);
/// Fewer packets are not judged.
const PACKETS_MIN: u32 = 40;
/// The packets that one repair packet protects lose this many on average.
const LOST_EACH: f32 = 0.25;
/// Fewest and most packets that one repair packet protects: at most half as much again is sent.
const PACKETS: std::ops::RangeInclusive<f32> = 2.0..=12.0;
/// A repair packet is sent at the latest at the end of a picture this share of a round trip after the first that it
/// protects, long before what was asked for again can be there,
const WAIT_DIVISOR: u32 = 3;
/// and this long after it: browsers hold packets back for somewhat longer when some are lost.
const WAIT_MAX: Duration = Duration::from_millis(80);

/// How a slot's packets are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Most packets that one repair packet protects.
    pub(crate) packets: usize,
    /// It protects one of so many packets, the next repair packet the next one, and so on: so long may bursts be.
    /// At least 1, at most [`INTERLEAVE_MAX`].
    pub(crate) interleave: usize,
    /// How long packets may wait for others.
    pub(crate) wait: Duration,
}

/// Decides from the losses of one viewer's connection and its round trip.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    plan: Option<Plan>,
    loss: f32,
    /// Mean length of a run of losses.
    run: f32,
    judged: Option<Instant>,
    expected: u32,
    lost: u32,
    runs: u32,
    was_lost: bool,
    /// Bytes sent under protection, and bytes of repair, since the last judgement.
    protected_bytes: u64,
    repair_bytes: u64,
    /// Repair in percent of what it protects.
    overhead_percent: u64,
}

impl Protection {
    /// What became of the next packets, in the order in which they were sent.
    pub(crate) fn feedback(
        &mut self,
        now: Instant,
        rtt: Option<Duration>,
        has_arrived: impl Iterator<Item = bool>,
    ) {
        for has_arrived in has_arrived {
            self.expected += 1;
            self.lost += u32::from(!has_arrived);
            self.runs += u32::from(!has_arrived && !self.was_lost);
            self.was_lost = !has_arrived;
        }
        let rested = self.judged.is_none_or(|judged| now.saturating_duration_since(judged) >= SPACING);
        if rested && self.expected >= PACKETS_MIN {
            self.judge(rtt);
            self.judged = Some(now);
        }
    }

    fn judge(&mut self, rtt: Option<Duration>) {
        let smooth = |old: f32, new: f32| old * DECAY + new * (1.0 - DECAY);
        self.loss = smooth(self.loss, self.lost as f32 / self.expected as f32);
        if self.runs > 0 {
            self.run = smooth(self.run.max(1.0), self.lost as f32 / self.runs as f32);
        }
        let measured = (self.repair_bytes * 100).checked_div(self.protected_bytes);
        self.overhead_percent = measured.unwrap_or(self.overhead_percent);
        (self.expected, self.lost, self.runs) = (0, 0, 0);
        (self.protected_bytes, self.repair_bytes) = (0, 0);
        let share = if self.plan.is_some() { HYSTERESIS } else { 1.0 };
        let rtt = rtt.unwrap_or_default();
        let is_worth_it = self.loss >= LOSS_MIN * share && rtt >= RTT_MIN.mul_f32(share);
        self.plan = is_worth_it.then(|| Plan {
            packets: (LOST_EACH / self.loss).clamp(*PACKETS.start(), *PACKETS.end()) as usize,
            interleave: (self.run.round() as usize).clamp(1, INTERLEAVE_MAX),
            wait: (rtt / WAIT_DIVISOR).min(WAIT_MAX),
        });
        if let Some(plan) = self.plan {
            self.overhead_percent = self.overhead_percent.max(100 / plan.packets as u64);
        }
    }

    /// How to protect what is sent now; nothing while there is no need.
    #[inline]
    pub(crate) const fn plan(&self) -> Option<Plan> {
        self.plan
    }

    pub(crate) const fn sent(&mut self, bytes: usize) {
        self.protected_bytes += bytes as u64;
    }

    pub(crate) const fn repaired(&mut self, bytes: usize) {
        self.repair_bytes += bytes as u64;
    }

    /// What media of `bps` takes.
    pub(crate) const fn around(&self, bps: u64) -> u64 {
        match self.plan {
            Some(_) => bps * (100 + self.overhead_percent) / 100,
            None => bps,
        }
    }

    /// What is left for media of `bps`.
    pub(crate) const fn beside(&self, bps: u64) -> u64 {
        match self.plan {
            Some(_) => bps * 100 / (100 + self.overhead_percent),
            None => bps,
        }
    }
}
