//! How much one subscriber's connection carries, judged at the sender from transport feedback.
//!
//! ```text
//! packets sent ─▶ SendHistory ◀─ transport feedback          what became of each packet
//!                     │
//!                     ▼
//!                 Estimator ─▶ target_bps, proven_bps        pacer and allocator
//!                     └──────▶ poll_probe                    clusters of padding to send
//! ```
//! After draft-ietf-rmcat-gcc-02 and what libwebrtc made of it since: delay trendline with an adaptive threshold, AIMD
//! with an estimate of the link's capacity, maximum-likelihood loss control, probing. [`SendSide`] is ours; [`Gcc`] wraps
//! the estimator of the `rtc` crate and serves as baseline and oracle.
//!
//! Rates count the bytes of UDP payloads, as the history is told them.

mod acknowledged;
mod application_limit;
mod delay;
mod gcc;
mod history;
mod loss;
mod probe;
mod rate_control;
mod reported_loss;
mod send_side;
mod standing_queue;

use std::fmt::Debug;
use std::time::{Duration, Instant};

pub use gcc::Gcc;
pub use history::SendHistory;
pub(crate) use reported_loss::ReportedLoss;
pub use send_side::SendSide;

/// The estimate before anything is known.
pub const START_BPS: u64 = 500_000;
/// No estimate is lower: three voices and nothing else.
pub const MIN_BPS: u64 = 100_000;
/// No estimate is higher.
pub const MAX_BPS: u64 = 100_000_000;

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketResult {
    /// Its transport-wide sequence number.
    pub number: u16,
    /// When it was sent.
    pub sent: Instant,
    /// When it arrived, on the receiver's clock whose zero means nothing; nothing when it is missing.
    pub received: Option<Duration>,
    /// Bytes of its datagram.
    pub bytes: u16,
    /// The probe cluster it belongs to.
    pub cluster: Option<ClusterId>,
    /// It had been reported missing before.
    pub was_missing: bool,
}

/// Names a probe cluster among the recent ones: 1 to 7, then 1 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterId(u8);

impl ClusterId {
    pub(crate) const FIRST: Self = Self(1);

    /// The id of the next cluster.
    pub(crate) const fn next(self) -> Self {
        Self(self.0 % 7 + 1)
    }

    pub(crate) const fn as_bits(id: Option<Self>) -> u16 {
        match id {
            Some(Self(id)) => id as u16,
            None => 0,
        }
    }

    pub(crate) const fn from_bits(bits: u16) -> Option<Self> {
        match bits & 7 {
            0 => None,
            id => Some(Self(id as u8)),
        }
    }
}

/// A short burst at a known rate; how it arrives tells what the connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeCluster {
    /// To mark its packets with.
    pub id: ClusterId,
    /// The rate to send at, media and padding together, in bit/s.
    pub bps: u64,
    /// The least bytes to send.
    pub bytes: usize,
    /// The least packets to send.
    pub packets: u32,
}

/// Which estimator a transport uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// [`SendSide`]: ours.
    #[default]
    SendSide,
    /// [`Gcc`]: the one of the `rtc` crate, which does not probe.
    Gcc,
}

impl Algorithm {
    /// An estimator that starts at `start_bps`.
    #[must_use]
    pub fn estimator(self, now: Instant, start_bps: u64) -> Box<dyn Estimator> {
        match self {
            Self::SendSide => Box::new(SendSide::new(now, start_bps)),
            Self::Gcc => Box::new(Gcc::new(start_bps)),
        }
    }
}

/// From what was sent and what arrived to a rate. Time never goes backwards between calls.
pub trait Estimator: Debug + Send {
    /// Media of so many bytes left; padding that only probes does not count. May be told for several packets at once.
    fn sent(&mut self, now: Instant, bytes: usize);

    /// What a feedback message says, in order of sending.
    fn feedback(&mut self, now: Instant, results: &[PacketResult]);

    /// A receiver report told a round trip.
    fn round_trip(&mut self, rtt: Duration);

    /// What the sender would send if the connection carried it, in bit/s: more than the estimate is worth a probe.
    fn want(&mut self, bps: u64);

    /// What voices and one picture at its smallest take, in bit/s: loss that comes without a queue is no reason for less, while
    /// not half of all is lost.
    fn need(&mut self, bps: u64);

    /// Lets time pass; a few times a second.
    fn handle_timeout(&mut self, now: Instant);

    /// The next cluster to send, if one is due; the caller sends it at once, and asks again when it has.
    fn poll_probe(&mut self, now: Instant) -> Option<ProbeCluster>;

    /// The estimate, in bit/s.
    fn target_bps(&self) -> u64;

    /// The part of the estimate that a probe or the traffic itself has shown since the estimate last fell, in bit/s.
    fn proven_bps(&self) -> u64;
}

#[cfg(test)]
mod tests;
