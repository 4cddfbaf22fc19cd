//! Counters of one SFU. Plain numbers, so that reading them costs nothing on the packet path.

use crate::drop_reason::DropReason;

/// What one SFU has done since it started, and how much it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Peers that hold a seat now.
    pub peers: usize,
    /// Rooms with at least one seat.
    pub rooms: usize,
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Authenticated RTP packets received.
    pub rtp_in: u64,
    /// RTP packets sent to subscribers, retransmissions not counted.
    pub forwarded: u64,
    /// Retransmissions sent to subscribers.
    pub retransmitted: u64,
    /// Key frames asked of publishers.
    pub key_frame_requests: u64,
    /// Packets asked of publishers again.
    pub nacks_sent: u64,
    /// Peers dropped because handling one of their packets or commands panicked.
    pub peers_failed: u64,
    drops: [u64; DropReason::COUNT],
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            peers: 0,
            rooms: 0,
            datagrams_in: 0,
            rtp_in: 0,
            forwarded: 0,
            retransmitted: 0,
            key_frame_requests: 0,
            nacks_sent: 0,
            peers_failed: 0,
            drops: [0; DropReason::COUNT],
        }
    }
}

impl Statistics {
    /// How often something was dropped for this reason.
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    #[inline]
    pub(crate) const fn drop(&mut self, reason: DropReason) {
        self.drops[reason as usize] += 1;
    }
}
