//! Redundant audio in both directions (RFC 2198): losses on the way here are made good from what later packets repeat,
//! and packets to a viewer whose connection loses some repeat the ones before them.
//!
//! The ring holds plain Opus packets only, so every viewer gets what its own connection needs, whatever the publisher sent.

use std::time::{Duration, Instant};

use crate::onset::Onset;
use crate::rewrite::{Rewriter, Rewritten};
use crate::ring::{PacketRing, Push, RingPacket};
use crate::rtp::Carried;
use crate::rtp::red::{Block, REDUNDANT_MAX, Red};

/// Most packets that one packet to a viewer repeats.
pub(crate) const DISTANCE_MAX: usize = 2;
/// Most bytes of repeated audio in one packet: two frames of the highest Opus rate would not fit a datagram.
const REPEATED_BYTES_MAX: usize = 600;

/// Stores the packets that were lost but are repeated in `red`, the payload of packet `sequence`. Returns which: bit `n`
/// stands for `sequence - 1 - n`. What `onset` does not allow was sent while muted, perhaps, and is left alone.
pub(crate) fn recover(
    now: Instant,
    ring: &mut PacketRing,
    onset: &Onset,
    red: &Red<'_>,
    sequence: u16,
    timestamp: u32,
) -> u8 {
    let mut recovered = 0;
    let distances = (1..=red.redundant_len() as u16).rev();
    for (distance, block) in distances.zip(red.redundant()) {
        let lost = sequence.wrapping_sub(distance);
        if block.payload.is_empty()
            || block.payload_type != red.primary_type
            || !onset.allows(lost)
            || ring.get(lost).is_some()
        {
            continue;
        }
        let lost_timestamp = timestamp.wrapping_sub(block.timestamp_offset.into());
        // A sender that repeats others than the packets directly before it would be put into the wrong order.
        let before = ring.get(lost.wrapping_sub(1)).map(|packet| packet.timestamp);
        if before.is_some_and(|before| lost_timestamp.wrapping_sub(before).cast_signed() <= 0) {
            continue;
        }
        let packet = RingPacket {
            sequence: lost,
            timestamp: lost_timestamp,
            marker: false,
            payload_type: block.payload_type,
            frame: crate::rtp::frame::Frame::default(),
            numbers: crate::rtp::frame::Numbers::None,
            carried: Carried::default(),
            payload: block.payload,
        };
        if ring.push(now, &packet) == Push::Stored {
            recovered |= 1 << (distance - 1);
        }
    }
    recovered
}

/// The packets that a mask of [`recover`] names, oldest first.
pub(crate) fn recovered(mask: u8, sequence: u16) -> impl Iterator<Item = u16> {
    let distances = (1..=REDUNDANT_MAX as u16).rev();
    distances
        .filter(move |distance| mask & 1 << (distance - 1) != 0)
        .map(move |distance| sequence.wrapping_sub(distance))
}

/// What a packet repeats: those that went out directly before it in the same slot, from the same source.
#[derive(Debug, Default)]
pub(crate) struct Repeated<'a> {
    blocks: [Block<'a>; DISTANCE_MAX],
    len: usize,
}

impl<'a> Repeated<'a> {
    /// Looks up to `distance` packets back from `packet`, which goes out under `numbers`. What never went out to this
    /// viewer is not repeated either: it may have been muted.
    #[inline]
    pub(crate) fn gather(
        rewriter: &Rewriter,
        ring: &'a PacketRing,
        numbers: &Rewritten,
        packet: &RingPacket<'_>,
        distance: usize,
        payload_type: u8,
    ) -> Self {
        let mut repeated = Self::default();
        let mut bytes = 0;
        for back in 1..=distance.min(DISTANCE_MAX) {
            let before = numbers.index.checked_sub(back as u64).and_then(|index| rewriter.sent_source(index));
            let Some(before) = before.and_then(|sequence| ring.get(sequence)) else { break };
            let Ok(timestamp_offset) = u16::try_from(packet.timestamp.wrapping_sub(before.timestamp)) else {
                break;
            };
            let block = Block { payload_type, timestamp_offset, payload: before.payload };
            bytes += before.payload.len();
            if !block.fits() || bytes > REPEATED_BYTES_MAX {
                break;
            }
            // The oldest comes first.
            repeated.blocks.copy_within(..back - 1, 1);
            repeated.blocks[0] = block;
            repeated.len = back;
        }
        repeated
    }

    /// Oldest first.
    #[inline]
    pub(crate) fn blocks(&self) -> &[Block<'a>] {
        &self.blocks[..self.len]
    }
}

/// From this share of lost packets on, every packet repeats one,
const LOSS_ONE: f32 = 0.02;
/// or two.
const LOSS_TWO: f32 = 0.10;
/// A repetition ends when the loss has fallen to this share of what started it.
const HYSTERESIS: f32 = 0.5;
/// How much of the old estimate stays when the loss falls; it rises at once.
const DECAY: f32 = 0.8;
/// Losses are judged at most this often.
const SPACING: Duration = Duration::from_millis(500);
/// Fewer packets are not judged.
const PACKETS_MIN: u64 = 20;

/// How many earlier packets each audio packet to one viewer repeats, decided by what its connection loses.
#[derive(Debug, Default)]
pub(crate) struct Redundancy {
    distance: usize,
    loss: f32,
    judged: Option<Instant>,
    expected: u64,
    lost: u64,
}

impl Redundancy {
    /// Of `expected` packets that were sent, `lost` did not arrive.
    pub(crate) fn report(&mut self, now: Instant, expected: u64, lost: u64) {
        self.expected += expected;
        self.lost += lost;
        let rested = self.judged.is_none_or(|judged| now.saturating_duration_since(judged) >= SPACING);
        if !rested || self.expected < PACKETS_MIN {
            return;
        }
        let loss = self.lost as f32 / self.expected as f32;
        self.loss = loss.max(self.loss * DECAY + loss * (1.0 - DECAY));
        (self.expected, self.lost, self.judged) = (0, 0, Some(now));
        self.distance = match self.distance {
            _ if self.loss >= LOSS_TWO => 2,
            2 if self.loss >= LOSS_TWO * HYSTERESIS => 2,
            _ if self.loss >= LOSS_ONE => 1,
            1 | 2 if self.loss >= LOSS_ONE * HYSTERESIS => 1,
            _ => 0,
        };
    }

    /// At most [`DISTANCE_MAX`].
    #[inline]
    pub(crate) const fn distance(&self) -> usize {
        self.distance
    }
}

#[cfg(test)]
mod tests;
