//! Negative acknowledgements (RFC 4585 §6.2.1): asking publishers for lost packets, and answering subscribers' requests at a
//! bounded rate.

use crate::rtp::sequence::unwrap_near;
use std::time::{Duration, Instant};

/// Most packets missed at a time; a larger gap needs a key frame rather than retransmissions.
pub const MAX_MISSING: usize = 256;
/// Most requests per packet.
const MAX_TRIES: u8 = 10;
/// The least time between two requests for a packet.
const MIN_SPACING: Duration = Duration::from_millis(20);
/// A packet that is missing for longer is of no use.
const MAX_AGE: Duration = Duration::from_secs(1);
/// So is one that lies farther back than this.
const WINDOW: u64 = 1024;

/// What an arriving packet meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The newest packet, possibly behind a gap.
    Newest,
    /// A missing packet, reordered or retransmitted.
    Recovered,
    /// A duplicate, or too late.
    Known,
    /// The newest packet behind a gap that is too large: what was missing is forgotten, a key frame is needed.
    Jump,
}

/// What to ask the publisher for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// Nothing now.
    Nothing,
    /// Retransmission of these packets, ascending, at most [`MAX_MISSING`].
    Packets(&'a [u16]),
    /// A key frame: retransmissions have been given up. Said once per loss.
    KeyFrame,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    index: u64,
    since: Instant,
    asked: Option<Instant>,
    tries: u8,
}

/// Finds the gaps of one incoming stream. Memory: up to 12 kB once packets are lost, none before.
#[derive(Debug, Default)]
pub struct Generator {
    newest: Option<u64>,
    /// Ascending.
    missing: Vec<Missing>,
    due: Vec<u16>,
    key_frame: bool,
}

impl Generator {
    /// A stream from which nothing has been received.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a packet arrived, be it directly or as a retransmission.
    #[inline]
    pub fn handle(&mut self, sequence: u16, now: Instant) -> Arrival {
        let Some(newest) = self.newest else {
            self.newest = Some(65536 + u64::from(sequence));
            return Arrival::Newest;
        };
        let index = unwrap_near(newest, sequence);
        if index <= newest {
            return self.recover(index);
        }
        self.newest = Some(index);
        if index == newest + 1 {
            return Arrival::Newest;
        }
        self.miss(newest + 1, index, now)
    }

    /// What to ask for at `now`, given the round-trip time to the publisher. Poll every few milliseconds while
    /// [`Generator::next_due`] says so.
    #[inline]
    pub fn poll(&mut self, now: Instant, rtt: Duration) -> Need<'_> {
        if !self.missing.is_empty() {
            self.give_up(now);
        }
        if std::mem::take(&mut self.key_frame) {
            return Need::KeyFrame;
        }
        self.due.clear();
        let spacing = rtt.max(MIN_SPACING);
        for missing in &mut self.missing {
            if missing.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= spacing) {
                missing.asked = Some(now);
                missing.tries += 1;
                self.due.push(missing.index as u16);
            }
        }
        if self.due.is_empty() { Need::Nothing } else { Need::Packets(&self.due) }
    }

    /// When [`Generator::poll`] will have something to say, if no packet arrives before.
    #[must_use]
    pub fn next_due(&self, rtt: Duration) -> Option<Instant> {
        let spacing = rtt.max(MIN_SPACING);
        self.missing.iter().map(|missing| missing.asked.map_or(missing.since, |asked| asked + spacing)).min()
    }

    /// How many packets are missing at the moment.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    #[inline]
    fn recover(&mut self, index: u64) -> Arrival {
        match self.missing.binary_search_by_key(&index, |missing| missing.index) {
            Ok(at) => {
                self.missing.remove(at);
                Arrival::Recovered
            }
            Err(_) => Arrival::Known,
        }
    }

    #[cold]
    fn miss(&mut self, from: u64, to: u64, now: Instant) -> Arrival {
        let gap = to - from;
        if gap > MAX_MISSING as u64 {
            self.missing.clear();
            self.key_frame = true;
            return Arrival::Jump;
        }
        let overflow = (self.missing.len() + gap as usize).saturating_sub(MAX_MISSING);
        if overflow > 0 {
            // The oldest have the least chance to come in time.
            self.missing.drain(..overflow);
            self.key_frame = true;
        }
        self.missing.reserve_exact(MAX_MISSING - self.missing.len());
        self.due.reserve_exact(MAX_MISSING - self.due.len());
        self.missing.extend((from..to).map(|index| Missing { index, since: now, asked: None, tries: 0 }));
        Arrival::Newest
    }

    fn give_up(&mut self, now: Instant) {
        let oldest = self.newest.unwrap_or(0).saturating_sub(WINDOW);
        let before = self.missing.len();
        self.missing.retain(|missing| {
            let hopeless = missing.index < oldest
                || missing.tries >= MAX_TRIES
                || now.saturating_duration_since(missing.since) > MAX_AGE;
            !hopeless
        });
        self.key_frame |= self.missing.len() < before;
    }
}

/// Slots of a [`Responder`].
const RESPONDER_SLOTS: usize = 128;

/// Keeps a subscriber's repeated requests from multiplying retransmissions: one per packet and round trip.
///
/// Bounded to 128 packets, 1 kB: when a second packet needs a slot, the first one's memory is lost and it may be sent again.
#[derive(Debug)]
pub struct Responder {
    epoch: Instant,
    /// Sequence number and milliseconds since the epoch plus 1; 0 for an empty slot.
    sent: Box<[(u16, u32)]>,
}

impl Responder {
    /// A responder; `now` is the origin of its clock.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { epoch: now, sent: vec![(0, 0); RESPONDER_SLOTS].into() }
    }

    /// Whether to retransmit outgoing packet `sequence` now; if so, that is remembered.
    #[inline]
    pub fn allow(&mut self, sequence: u16, now: Instant, rtt: Duration) -> bool {
        let time = (now.saturating_duration_since(self.epoch).as_millis() as u32).wrapping_add(1).max(1);
        let spacing = rtt.as_millis().clamp(1, 1000) as u32;
        let slot = &mut self.sent[usize::from(sequence) % RESPONDER_SLOTS];
        if slot.1 != 0 && slot.0 == sequence && time.wrapping_sub(slot.1) < spacing {
            return false;
        }
        *slot = (sequence, time);
        true
    }
}
