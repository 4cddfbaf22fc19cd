//! What the shell decides about one SFU.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::bandwidth::Algorithm;
use crate::sdp::Codec;

/// Settings of one SFU (one shard).
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses that clients shall send media to, best first; they become the ICE host candidates.
    pub candidates: Vec<SocketAddr>,
    /// Addresses that clients without UDP can connect to by TCP, best first (RFC 6544).
    pub tcp_candidates: Vec<SocketAddr>,
    /// This SFU's number among those that share a TCP listener: at most 4,095. It is in every ufrag.
    pub shard: u16,
    /// Most peers on this shard; the next join is refused with [`crate::Refusal::Full`].
    pub peers_max: usize,
    /// Which video codecs are accepted, best first.
    pub video_codecs: Vec<Codec>,
    /// Judges what each subscriber's connection carries.
    pub estimator: Algorithm,
    /// How the shell's monotonic clock and the wall clock lie to each other (RTCP sender reports, abs-send-time).
    pub wall_clock: WallClock,
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    /// The moment on the monotonic clock.
    pub instant: Instant,
    /// The same moment as time since the Unix epoch.
    pub since_unix_epoch: Duration,
}

impl WallClock {
    /// Time since the Unix epoch at `now`; before the anchor it is the anchor's.
    #[must_use]
    pub fn since_unix_epoch(&self, now: Instant) -> Duration {
        self.since_unix_epoch + now.saturating_duration_since(self.instant)
    }
}
