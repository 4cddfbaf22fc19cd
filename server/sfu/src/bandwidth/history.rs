//! What was sent under which transport-wide sequence number, until feedback tells what became of it.

use std::time::{Duration, Instant};

use super::{ClusterId, PacketResult};
use crate::rtcp::TransportFeedback;

/// Packets remembered: a second at 2,000 packets a second. An older one is overwritten and its feedback ignored.
const PACKETS: usize = 2048;
/// Reference times count 64 ms, in 24 bits (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
const REFERENCE_UNIT: i64 = 64_000;
const REFERENCE_BITS: u32 = 24;
/// Deltas count 250 µs.
const DELTA_UNIT: i64 = 250;
/// The receiver's clock starts here, so that it may go back a little.
const RECEIVER_EPOCH: i64 = 3_600_000_000;

const BYTES_BITS: u32 = 11;
const CLUSTER_BITS: u32 = 3;
const BYTES_MAX: u16 = (1 << BYTES_BITS) - 1;

/// One packet in 8 bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Microseconds since the history's epoch, wrapping after 71 minutes.
    sent: u32,
    number: u16,
    /// Bytes, cluster and state.
    packed: u16,
}

/// States; 0 is in flight.
const MISSING: u16 = 1;
const RECEIVED: u16 = 2;

impl Entry {
    /// What no packet can look like: received before it was sent.
    const EMPTY: Self = Self { sent: 0, number: 0, packed: RECEIVED << (BYTES_BITS + CLUSTER_BITS) };

    const fn state(self) -> u16 {
        self.packed >> (BYTES_BITS + CLUSTER_BITS)
    }

    fn set_state(&mut self, state: u16) {
        let mask = (1 << (BYTES_BITS + CLUSTER_BITS)) - 1;
        self.packed = self.packed & mask | state << (BYTES_BITS + CLUSTER_BITS);
    }
}

/// The packets of one transport; 16 kB from the first packet on.
#[derive(Debug)]
pub struct SendHistory {
    epoch: Instant,
    entries: Box<[Entry]>,
    /// The newest reference time, unwrapped, in its units.
    reference: Option<i64>,
    first_reference: i64,
}

impl SendHistory {
    /// Nothing sent yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { epoch: now, entries: Box::default(), reference: None, first_reference: 0 }
    }

    /// The moment as [`Self::record`] wants it: once for a batch.
    #[inline]
    #[must_use]
    pub fn stamp(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.epoch).as_micros() as u32
    }

    /// A datagram left.
    #[inline]
    pub fn record(&mut self, stamp: u32, number: u16, bytes: usize, cluster: Option<ClusterId>) {
        if self.entries.is_empty() {
            self.entries = vec![Entry::EMPTY; PACKETS].into();
        }
        let bytes = (bytes.min(usize::from(BYTES_MAX))) as u16;
        let packed = bytes | ClusterId::as_bits(cluster) << BYTES_BITS;
        self.entries[usize::from(number) % PACKETS] = Entry { sent: stamp, number, packed };
    }

    /// Writes into `results` what a feedback message says about packets that are remembered, in order of sending. What
    /// was said before is not repeated.
    pub fn resolve(
        &mut self,
        now: Instant,
        feedback: &TransportFeedback<'_>,
        results: &mut Vec<PacketResult>,
    ) {
        results.clear();
        if self.entries.is_empty() {
            return;
        }
        let mut clock =
            RECEIVER_EPOCH + (self.unwrap(feedback.reference_time) - self.first_reference) * REFERENCE_UNIT;
        let stamp = self.stamp(now);
        // Packets of one run left at one moment.
        let mut moment: Option<(u32, Instant)> = None;
        for arrival in feedback.arrivals() {
            let received = arrival.delta.map(|delta| {
                clock += i64::from(delta) * DELTA_UNIT;
                Duration::from_micros(clock.max(0) as u64)
            });
            let entry = &mut self.entries[usize::from(arrival.sequence) % PACKETS];
            let before = entry.state();
            if entry.number != arrival.sequence
                || before == RECEIVED
                || (before == MISSING && received.is_none())
            {
                continue;
            }
            entry.set_state(if received.is_some() { RECEIVED } else { MISSING });
            let sent = match moment {
                Some((known, sent)) if known == entry.sent => sent,
                _ => {
                    let age = Duration::from_micros(stamp.wrapping_sub(entry.sent).into());
                    now.checked_sub(age).unwrap_or(self.epoch)
                }
            };
            moment = Some((entry.sent, sent));
            results.push(PacketResult {
                number: arrival.sequence,
                sent,
                received,
                bytes: entry.packed & BYTES_MAX,
                cluster: ClusterId::from_bits(entry.packed >> BYTES_BITS),
                was_missing: before == MISSING,
            });
        }
    }

    /// The reference time without its wraps: the one nearest to the newest so far.
    fn unwrap(&mut self, reference: u32) -> i64 {
        let raw = i64::from(reference);
        let unwrapped = match self.reference {
            None => {
                self.first_reference = raw;
                raw
            }
            Some(newest) => {
                let step = (reference.wrapping_sub(newest as u32) << (32 - REFERENCE_BITS)) as i32;
                newest + i64::from(step >> (32 - REFERENCE_BITS))
            }
        };
        self.reference = Some(self.reference.map_or(unwrapped, |newest| newest.max(unwrapped)));
        // A client whose clock jumps wildly cannot make the receiver's clock overflow.
        unwrapped.clamp(self.first_reference - 50_000, self.first_reference + (1 << 40))
    }
}

#[cfg(test)]
mod tests;
