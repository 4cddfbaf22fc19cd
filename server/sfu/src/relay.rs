//! What SFUs tell each other about a room that several of them serve.
//!
//! Each holds a replica of the room: all members, those of the others without a transport (see [`crate::replica`]).
//! The messages assume an ordered link that loses no control message; media may be lost. They carry values, never
//! references into somebody's memory, so that the link may as well be a network. A link that failed is mended by
//! [`crate::Sfu::resync_relay`]: [`RelayMessage::Members`] and what follows it replace all that was told before.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use shared::{PeerId, RoomId};

use crate::dynacast::LayerSet;
use crate::event::{Change, Seat};
use crate::rtp::identifier::Mid;
use crate::rtp::vp8::Resolution;
use crate::rtp::{AudioLevel, ExtensionMap};
use crate::sent_layers::Step;
use crate::uplink::Publication;

/// Longest plaintext packet that is relayed: what arrives in one datagram.
pub(crate) const PACKET_BYTES_MAX: usize = 1600;
/// Packets of one SFU that may be under way to the others at once, about 1,600 bytes each; beyond that media is
/// dropped and counted. A tenth of a second of 300 streams of 30 packets a second.
const PACKETS_MAX: usize = 1024;
/// Most voices of one room that are told at once; the loudest are kept.
const VOICES_MAX: usize = 16;

/// Names one SFU among those that may serve the same rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub u8);

/// A message from one SFU to another.
#[derive(Debug, Clone)]
pub enum RelayMessage {
    /// The sender has a replica of the room and these are its own members. Replaces what it told of the room
    /// before, and what the receiver asked of it.
    Members {
        /// Which room.
        room: RoomId,
        /// Its own members, in order of arrival.
        seats: Vec<Seat>,
    },
    /// The sender has replicas of these rooms and of no others; the members of each follow.
    Rooms(Vec<RoomId>),
    /// The sender has no replica of the room, or no longer.
    Gone {
        /// Which room.
        room: RoomId,
    },
    /// One of the sender's members changed.
    Changed {
        /// Which room.
        room: RoomId,
        /// What changed.
        change: Change,
    },
    /// What one of the sender's members negotiated.
    Published {
        /// Who.
        peer: PeerId,
        /// What.
        published: Box<Published>,
    },
    /// How the streams of the sender's members are.
    Streams(Vec<StreamFacts>),
    /// Who of the sender's members is heard, as loud as the loudest packet lately.
    Voices {
        /// Which room.
        room: RoomId,
        /// Speakers only.
        levels: Vec<(PeerId, AudioLevel)>,
    },
    /// Somebody at the sender watches a stream of the receiver's, or nobody any more.
    Want {
        /// Whose.
        peer: PeerId,
        /// Which.
        token: u32,
        /// Whether its packets shall travel.
        is_wanted: bool,
    },
    /// The layers of a source that somebody at the sender could use; replaces what was told of it before.
    Interest {
        /// Whose.
        peer: PeerId,
        /// Of which source.
        source: Source,
        /// Which.
        wanted: WantedLayers,
    },
    /// Somebody at the sender needs a key frame.
    KeyFrame {
        /// Of whom.
        peer: PeerId,
        /// Of which source.
        source: Source,
    },
    /// One packet of a stream that the receiver wants.
    Packet {
        /// Whose.
        peer: PeerId,
        /// Of which stream.
        token: u32,
        /// The packet.
        packet: RelayPacket,
    },
}

impl RelayMessage {
    /// Whether a link without room may drop it: media only.
    #[must_use]
    pub const fn is_media(&self) -> bool {
        matches!(self, Self::Packet { .. })
    }
}

/// Names a source of a peer as its negotiation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source(pub(crate) Mid);

/// Some of the layers of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedLayers(pub(crate) LayerSet);

/// A negotiation's result, as far as packets are read by it.
#[derive(Debug, Clone)]
pub struct Published {
    pub(crate) publications: Vec<Publication>,
    pub(crate) extensions: ExtensionMap,
    /// Streams that go on; all others have ended.
    pub(crate) tokens: Vec<u32>,
}

/// One stream as its home sees it.
#[derive(Debug, Clone)]
pub struct StreamFacts {
    pub(crate) peer: PeerId,
    pub(crate) token: u32,
    pub(crate) mid: Mid,
    pub(crate) layer: usize,
    pub(crate) ssrc: u32,
    pub(crate) resolution: Option<Resolution>,
    pub(crate) bps: u64,
    pub(crate) is_live: bool,
    /// The ways to show it, cheapest first, as its home measures them; empty without layers.
    pub(crate) steps: Vec<ToldStep>,
}

/// One way to show a stream with layers. A replica gets no packets to measure before somebody there watches, and who
/// watches depends on what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldStep {
    pub(crate) step: Step,
    /// Of the picture, in pixels, when it is known.
    pub(crate) height: Option<u16>,
}

/// What relaying notes of one stream.
#[derive(Debug, Default)]
pub(crate) struct StreamRelay {
    /// At its home: who wants its packets.
    pub(crate) to: Vec<ShardId>,
    /// At a replica: whether its home was asked for its packets.
    pub(crate) is_wanted: bool,
    /// At a replica: the ways to show it while no packets come.
    pub(crate) told: Vec<ToldStep>,
}

/// A decrypted RTP packet under its original numbers. Cloning shares the bytes.
#[derive(Clone)]
pub struct RelayPacket(Arc<Buffer>);

struct Buffer {
    len: usize,
    bytes: [u8; PACKET_BYTES_MAX],
}

impl RelayPacket {
    /// Header and payload, without padding.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes[..self.0.len]
    }
}

impl fmt::Debug for RelayPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayPacket({} bytes)", self.0.len)
    }
}

/// What waits to be carried to other SFUs, and the memory of the packets among it.
#[derive(Debug)]
pub(crate) struct Relay {
    /// This SFU.
    pub(crate) me: ShardId,
    /// All others that may have a part of a room.
    pub(crate) others: Vec<ShardId>,
    /// Drained after every step of the SFU. Packets are bounded by [`PACKETS_MAX`]; control is a few messages for
    /// each command or review.
    queue: VecDeque<(ShardId, RelayMessage)>,
    /// Used in turn, and again once everybody has let go: after the first seconds nothing is allocated.
    buffers: Vec<RelayPacket>,
    next_buffer: usize,
}

impl Relay {
    pub(crate) const fn alone() -> Self {
        Self {
            me: ShardId(0),
            others: Vec::new(),
            queue: VecDeque::new(),
            buffers: Vec::new(),
            next_buffer: 0,
        }
    }

    pub(crate) fn send(&mut self, to: ShardId, message: RelayMessage) {
        self.queue.push_back((to, message));
    }

    pub(crate) fn poll(&mut self) -> Option<(ShardId, RelayMessage)> {
        self.queue.pop_front()
    }

    /// A packet with the bytes that `write` gives; nothing when it gives none, or when too many are under way.
    pub(crate) fn packet(&mut self, write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<RelayPacket> {
        if self.next_buffer >= self.buffers.len() {
            self.next_buffer = 0;
        }
        let is_free = self
            .buffers
            .get_mut(self.next_buffer)
            .is_some_and(|packet| Arc::get_mut(&mut packet.0).is_some());
        if !is_free {
            if self.buffers.len() >= PACKETS_MAX {
                return None;
            }
            self.next_buffer = self.buffers.len();
            self.buffers.push(RelayPacket(Arc::new(Buffer { len: 0, bytes: [0; PACKET_BYTES_MAX] })));
        }
        let packet = &mut self.buffers[self.next_buffer];
        let buffer = Arc::get_mut(&mut packet.0)?;
        buffer.len = write(&mut buffer.bytes)?.min(PACKET_BYTES_MAX);
        self.next_buffer += 1;
        Some(packet.clone())
    }
}

/// Voices of a room's own members since the last time they were told.
#[derive(Debug, Default)]
pub(crate) struct Voices(Vec<(PeerId, AudioLevel)>);

impl Voices {
    /// Quieter than this is silence to the choice of speakers: [`crate::speaker`].
    const SPEECH_DB: u8 = 65;

    /// Notes one packet's level, when it is speech.
    #[inline]
    pub(crate) fn note(&mut self, peer: PeerId, level: AudioLevel) {
        if level.below_full_scale_db > Self::SPEECH_DB {
            return;
        }
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == peer) {
            if level.below_full_scale_db < known.below_full_scale_db {
                *known = level;
            }
            return;
        }
        if self.0.len() < VOICES_MAX {
            self.0.push((peer, level));
        } else if let Some(quietest) = self.0.iter_mut().max_by_key(|(_, level)| level.below_full_scale_db)
            && level.below_full_scale_db < quietest.1.below_full_scale_db
        {
            *quietest = (peer, level);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<(PeerId, AudioLevel)> {
        std::mem::take(&mut self.0)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The token after this one. The first eight bits name the SFU, so that tokens of different ones never meet; within
/// one they come round after 16 million streams.
pub(crate) const fn next_token(token: u32) -> u32 {
    token & 0xff00_0000 | (token + 1) & 0x00ff_ffff
}

/// The first token of an SFU.
pub(crate) const fn first_token(me: ShardId) -> u32 {
    (me.0 as u32) << 24 | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(relay: &mut Relay, byte: u8) -> Option<RelayPacket> {
        relay.packet(|space| {
            space[..3].fill(byte);
            Some(3)
        })
    }

    #[test]
    fn buffers_are_used_again_once_everybody_let_go() {
        let mut relay = Relay::alone();
        for round in 0..100 {
            let packet = fill(&mut relay, round).unwrap();
            assert_eq!(packet.bytes(), [round; 3]);
        }
        assert_eq!(relay.buffers.len(), 1);
        let held: Vec<_> = (0..10).map(|byte| fill(&mut relay, byte).unwrap()).collect();
        assert_eq!(relay.buffers.len(), 10);
        for (byte, packet) in held.iter().enumerate() {
            assert_eq!(packet.bytes(), [byte as u8; 3], "a held packet is never written over");
        }
    }

    #[test]
    fn when_too_many_packets_are_under_way_the_next_is_dropped() {
        let mut relay = Relay::alone();
        let held: Vec<_> = (0..PACKETS_MAX).map(|_| fill(&mut relay, 1).unwrap()).collect();
        assert!(fill(&mut relay, 2).is_none());
        drop(held);
        assert!(fill(&mut relay, 2).is_some());
    }

    #[test]
    fn tokens_of_two_shards_never_meet() {
        let mut token = first_token(ShardId(3));
        assert_eq!(token, 0x0300_0001);
        token = next_token(0x03ff_ffff);
        assert_eq!(token, 0x0300_0000);
    }

    #[test]
    fn the_loudest_voices_are_told_each_once() {
        let mut voices = Voices::default();
        let level = |below| AudioLevel { below_full_scale_db: below, voice: true };
        voices.note(PeerId::new(1), level(66));
        assert!(voices.is_empty(), "silence is not told");
        for number in 0..20 {
            voices.note(PeerId::new(number), level(60 - number as u8));
        }
        voices.note(PeerId::new(19), level(10));
        let told = voices.take();
        assert_eq!(told.len(), VOICES_MAX);
        assert!(told.iter().all(|(peer, _)| peer.number() >= 4), "{told:?}");
        assert!(told.contains(&(PeerId::new(19), level(10))));
    }
}
