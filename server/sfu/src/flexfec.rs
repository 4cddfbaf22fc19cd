//! Repair packets for a viewer's video (FlexFEC, draft-ietf-payload-flexible-fec-scheme-03, the version that libwebrtc
//! speaks): the exclusive or of the packets that went out in a slot, from which the viewer computes one that was lost
//! without waiting a round trip for it.
//!
//! What is protected are the packets as they were sent, in the slot's numbers, before SRTP. Values that change when a
//! packet leaves (send time, transport-wide number) count as zeros on both sides.

use std::ops::Range;
use std::time::Instant;

use crate::rtp::{FIXED_LEN, WrittenHeader};

mod protection;

pub(crate) use protection::{Plan, Protection};

/// Most packets between the ones that one repair packet protects: bursts up to this length are repaired.
pub(crate) const INTERLEAVE_MAX: usize = 4;
/// A mask reaches this many numbers from its base (section 4.2.2.1 of the draft: 15 + 31 + 63 bits).
const SPAN_MAX: u64 = 109;
/// Longer packets are not protected: the repair packet would not fit a datagram.
const PROTECTED_BYTES_MAX: usize = 1380;

/// What one repair packet says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    /// SRTP index of the first protected packet.
    base: u64,
    /// Bit `n` stands for the packet with the index `base + n`.
    mask: u128,
    /// Exclusive or of the first two bytes, the lengths and the timestamps.
    flags: u16,
    length: u16,
    timestamp: u32,
    /// Of what is behind the fixed header, as long as the longest.
    bytes: [u8; PROTECTED_BYTES_MAX],
    used: usize,
}

impl Column {
    const EMPTY: Self = Self {
        base: 0,
        mask: 0,
        flags: 0,
        length: 0,
        timestamp: 0,
        bytes: [0; PROTECTED_BYTES_MAX],
        used: 0,
    };

    fn clear(&mut self) {
        self.bytes[..self.used].fill(0);
        (self.mask, self.flags, self.length, self.timestamp, self.used) = (0, 0, 0, 0, 0);
    }

    fn add(&mut self, index: u64, fixed: [u8; FIXED_LEN], body: &[u8], mutable: [Range<usize>; 2]) {
        if self.mask == 0 {
            self.base = index;
        }
        self.mask |= 1 << (index - self.base);
        let [b0, b1, _, _, t0, t1, t2, t3, _, _, _, _] = fixed;
        self.flags ^= u16::from_be_bytes([b0, b1]);
        self.length ^= body.len() as u16;
        self.timestamp ^= u32::from_be_bytes([t0, t1, t2, t3]);
        exclusive_or(&mut self.bytes, body);
        for range in mutable {
            // Taken back: as if it had been zeros.
            exclusive_or(&mut self.bytes[range.start..], &body[range]);
        }
        self.used = self.used.max(body.len());
    }

    /// Writes the repair packet's payload; gives its length.
    fn write(&self, ssrc: u32, out: &mut [u8]) -> Option<usize> {
        // The first two bits say that there is a mask and that nothing is retransmitted: R = F = 0.
        let [flags, marker_and_type] = (self.flags & 0x3fff).to_be_bytes();
        let [l0, l1] = self.length.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let base = [flags, marker_and_type, l0, l1, t0, t1, t2, t3, 1, 0, 0, 0];
        let (mask, mask_len) = self.mask_bytes();
        let header_len = base.len() + 4 + 2 + mask_len;
        let out = out.get_mut(..header_len + self.used)?;
        out[..12].copy_from_slice(&base);
        out[12..16].copy_from_slice(&ssrc.to_be_bytes());
        out[16..18].copy_from_slice(&(self.base as u16).to_be_bytes());
        out[18..header_len].copy_from_slice(&mask[..mask_len]);
        out[header_len..].copy_from_slice(&self.bytes[..self.used]);
        Some(out.len())
    }

    /// The mask in the one, two or three pieces that it takes, each with a bit before it that says whether it is the last.
    fn mask_bytes(&self) -> ([u8; 14], usize) {
        let piece = |from: u32, len: u32| (self.mask >> from) as u64 & ((1 << len) - 1);
        // The draft counts from the most significant bit.
        let first = (piece(0, 15).reverse_bits() >> 49) as u16;
        let second = (piece(15, 31).reverse_bits() >> 33) as u32;
        let third = piece(46, 63).reverse_bits() >> 1;
        let reach = 128 - self.mask.leading_zeros();
        let len = if reach <= 15 {
            2
        } else if reach <= 46 {
            6
        } else {
            14
        };
        let mut bytes = [0; 14];
        bytes[..2].copy_from_slice(&(first | u16::from(len == 2) << 15).to_be_bytes());
        bytes[2..6].copy_from_slice(&(second | u32::from(len == 6) << 31).to_be_bytes());
        bytes[6..].copy_from_slice(&(third | 1 << 63).to_be_bytes());
        (bytes, len)
    }
}

fn exclusive_or(into: &mut [u8], bytes: &[u8]) {
    into.iter_mut().zip(bytes).for_each(|(into, byte)| *into ^= byte);
}

/// Collects what goes out in one slot, and makes repair packets of it. Its memory is taken when protection begins, and
/// given back when it ends.
#[derive(Debug)]
pub(crate) struct Protector {
    columns: [Column; INTERLEAVE_MAX],
    plan: Plan,
    /// Packets collected since the last repair.
    collected: usize,
    opened: Instant,
    /// The last packet that was seen; older ones are not protected.
    newest: Option<u64>,
    /// The columns from this one on are complete and wait to be sent.
    due: Option<usize>,
}

impl Protector {
    pub(crate) const fn new(now: Instant, plan: Plan) -> Self {
        Self {
            columns: [Column::EMPTY; INTERLEAVE_MAX],
            plan,
            collected: 0,
            opened: now,
            newest: None,
            due: None,
        }
    }

    /// A packet is about to be sealed and sent; returns whether repair packets are due.
    pub(crate) fn protect(
        &mut self,
        now: Instant,
        plan: Plan,
        index: u64,
        packet: &[u8],
        written: &WrittenHeader,
        ends_picture: bool,
    ) -> bool {
        // What arrived late has gaps filled that were repaired by then. While repairs wait, nothing is collected.
        if self.due.is_some() || self.newest.is_some_and(|newest| index <= newest) {
            return self.due.is_some();
        }
        self.newest = Some(index);
        let Some((fixed, body)) = packet.split_first_chunk::<FIXED_LEN>() else { return false };
        if self.collected == 0 {
            (self.plan, self.opened) = (plan, now);
        }
        let column = &mut self.columns[self.collected % self.plan.interleave];
        if body.len() <= PROTECTED_BYTES_MAX && (column.mask == 0 || index - column.base < SPAN_MAX) {
            let at = |at: Option<usize>, len| at.map_or(0..0, |at| at - FIXED_LEN..at - FIXED_LEN + len);
            column.add(
                index,
                *fixed,
                body,
                [at(written.transport_cc_at, 2), at(written.abs_send_time_at, 3)],
            );
            self.collected += 1;
        }
        let is_full = self.collected >= self.plan.packets * self.plan.interleave;
        let is_old = ends_picture && now.saturating_duration_since(self.opened) >= self.plan.wait;
        if self.collected > 0 && (is_full || is_old) {
            self.due = Some(0);
        }
        self.due.is_some()
    }

    /// Writes the payload of the next repair packet for the stream `ssrc`; nothing when none is due.
    pub(crate) fn write(&mut self, ssrc: u32, out: &mut [u8]) -> Option<usize> {
        let at = self.due?;
        let column = &mut self.columns[at];
        let written = column.write(ssrc, out);
        column.clear();
        let next = at + 1;
        if next < self.plan.interleave && self.columns[next].mask != 0 {
            self.due = Some(next);
        } else {
            (self.due, self.collected) = (None, 0);
        }
        written
    }

    /// Forgets what was collected: what comes now is of another source, or comes after a pause, and what was lost before
    /// shall not come back.
    pub(crate) fn restart(&mut self) {
        self.columns.iter_mut().for_each(Column::clear);
        (self.due, self.collected) = (None, 0);
    }

    /// Whether repair packets wait to be sent.
    pub(crate) const fn is_due(&self) -> bool {
        self.due.is_some()
    }
}

#[cfg(test)]
mod tests;
