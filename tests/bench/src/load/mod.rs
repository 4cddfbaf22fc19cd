//! The load client: one publisher and many subscribers, each with its own socket, ICE and DTLS-SRTP of a full
//! independent stack (`rtc`).
//!
//! Packets are counted by their clear RTP header and the kernel's arrival time. The first [`VERIFIED_MIN`] of every
//! subscriber, and a sample of the later ones, go through the full stack and are compared with what was published:
//! a server that forwards garbage fails.

mod client;
mod connection;
mod packets;
mod tally;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::client::{Outcome, drive};
pub(crate) use self::connection::{
    CLOCK_HZ, PAYLOAD_TYPE, PUBLISHER_SSRC, default_interceptors, gcm_only, host_candidate, track, vp8_engine,
};
pub(crate) use self::packets::{PAYLOAD_BYTES_MIN, Position, payload};
pub(crate) use self::tally::VERIFIED_MIN;

/// What is published, and to how many.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Subscribers of the one publisher.
    pub(crate) subscribers: usize,
    /// Packets a second of the publisher.
    pub(crate) rate: f64,
    /// Packets sent at once: those of one video frame.
    pub(crate) burst: u32,
    /// Bytes of an RTP payload.
    pub(crate) payload: usize,
    /// How long is measured.
    pub(crate) seconds: f64,
}

impl Load {
    /// When the burst with this number is due, since the first.
    pub(crate) fn due(&self, burst: u64) -> Duration {
        Duration::from_secs_f64(burst as f64 * f64::from(self.burst) / self.rate)
    }
}
