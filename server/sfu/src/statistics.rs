//! Counters of one SFU. Plain numbers, so that reading them costs nothing on the packet path.

use crate::drop_reason::DropReason;
use crate::overload::Level;

/// What one SFU has done since it started, and how much it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Peers that hold a seat here now.
    pub peers: usize,
    /// Members of rooms here whose seat another shard holds.
    pub remote_peers: usize,
    /// Rooms with at least one seat.
    pub rooms: usize,
    /// What is given up for want of time.
    pub level: Level,
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Authenticated RTP packets received.
    pub rtp_in: u64,
    /// RTP packets sent to subscribers, retransmissions not counted.
    pub forwarded: u64,
    /// RTP packets passed on to other shards.
    pub relayed: u64,
    /// Retransmissions sent to subscribers.
    pub retransmitted: u64,
    /// Packets sent to subscribers from which they compute what they lose.
    pub repairs: u64,
    /// Packets sent to subscribers that only probe what their connections carry.
    pub probes: u64,
    /// Key frames asked of publishers.
    pub key_frame_requests: u64,
    /// Packets asked of publishers again.
    pub nacks_sent: u64,
    /// Audio packets that were lost on the way here and made good from the redundancy of later ones.
    pub recovered: u64,
    /// Peers dropped because handling one of their packets or commands panicked.
    pub peers_failed: u64,
    drops: [u64; DropReason::COUNT],
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            peers: 0,
            remote_peers: 0,
            rooms: 0,
            level: Level::Everything,
            datagrams_in: 0,
            rtp_in: 0,
            forwarded: 0,
            relayed: 0,
            retransmitted: 0,
            repairs: 0,
            probes: 0,
            key_frame_requests: 0,
            nacks_sent: 0,
            recovered: 0,
            peers_failed: 0,
            drops: [0; DropReason::COUNT],
        }
    }
}

impl std::ops::AddAssign for Statistics {
    /// The counters of several SFUs together. A room on two of them counts twice.
    fn add_assign(&mut self, other: Self) {
        self.peers += other.peers;
        self.remote_peers += other.remote_peers;
        self.rooms += other.rooms;
        self.level = self.level.max(other.level);
        self.datagrams_in += other.datagrams_in;
        self.rtp_in += other.rtp_in;
        self.forwarded += other.forwarded;
        self.relayed += other.relayed;
        self.retransmitted += other.retransmitted;
        self.repairs += other.repairs;
        self.probes += other.probes;
        self.key_frame_requests += other.key_frame_requests;
        self.nacks_sent += other.nacks_sent;
        self.recovered += other.recovered;
        self.peers_failed += other.peers_failed;
        for (drops, more) in self.drops.iter_mut().zip(other.drops) {
            *drops += more;
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
