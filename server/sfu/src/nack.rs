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

/// Slots of a [`Responder`]: as many as packets can be traced back ([`crate::rewrite::Media::history`]), so that no two
/// packets which may be asked for share one.
const RESPONDER_SLOTS: usize = 512;

/// Keeps a subscriber's repeated requests from multiplying retransmissions: one per packet and round trip.
///
/// Memory: 4 kB once something has been asked for, none before: most slots of a room never lose anything.
#[derive(Debug)]
pub struct Responder {
    epoch: Instant,
    /// Sequence number and milliseconds since the epoch plus 1; 0 for an empty slot.
    sent: Vec<(u16, u32)>,
}

impl Responder {
    /// A responder; `now` is the origin of its clock.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { epoch: now, sent: Vec::new() }
    }

    /// Whether to retransmit outgoing packet `sequence` now; if so, that is remembered.
    #[inline]
    pub fn allow(&mut self, sequence: u16, now: Instant, rtt: Duration) -> bool {
        let time = (now.saturating_duration_since(self.epoch).as_millis() as u32).wrapping_add(1).max(1);
        let spacing = rtt.as_millis().clamp(1, 1000) as u32;
        if self.sent.is_empty() {
            self.sent.resize(RESPONDER_SLOTS, (0, 0));
        }
        let slot = &mut self.sent[usize::from(sequence) % RESPONDER_SLOTS];
        if slot.1 != 0 && slot.0 == sequence && time.wrapping_sub(slot.1) < spacing {
            return false;
        }
        *slot = (sequence, time);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RTT: Duration = Duration::from_millis(60);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_again_after_a_round_trip() {
        let start = Instant::now();
        let mut generator = Generator::new();
        for sequence in [65533, 65534, 2] {
            assert_eq!(generator.handle(sequence, start), Arrival::Newest);
        }
        assert_eq!(generator.next_due(RTT), Some(start));
        assert_eq!(generator.poll(start, RTT), Need::Packets(&[65535, 0, 1]));
        assert_eq!(generator.poll(start + ms(59), RTT), Need::Nothing);
        assert_eq!(generator.next_due(RTT), Some(start + RTT));
        assert_eq!(generator.poll(start + RTT, RTT), Need::Packets(&[65535, 0, 1]));
    }

    #[test]
    fn a_short_round_trip_does_not_make_requests_denser_than_20_ms() {
        let start = Instant::now();
        let mut generator = Generator::new();
        generator.handle(1, start);
        generator.handle(3, start);
        assert_eq!(generator.poll(start, ms(1)), Need::Packets(&[2]));
        assert_eq!(generator.poll(start + ms(19), ms(1)), Need::Nothing);
        assert_eq!(generator.poll(start + ms(20), ms(1)), Need::Packets(&[2]));
    }

    #[test]
    fn recovered_packets_are_asked_for_no_more() {
        let start = Instant::now();
        let mut generator = Generator::new();
        generator.handle(1, start);
        generator.handle(4, start);
        assert_eq!(generator.handle(3, start), Arrival::Recovered);
        assert_eq!(generator.handle(3, start), Arrival::Known);
        assert_eq!(generator.poll(start, RTT), Need::Packets(&[2]));
        assert_eq!(generator.handle(2, start), Arrival::Recovered);
        assert_eq!((generator.missing(), generator.next_due(RTT)), (0, None));
        assert_eq!(generator.poll(start + ms(2000), RTT), Need::Nothing);
    }

    #[test]
    fn after_ten_tries_or_a_second_a_key_frame_is_needed_once() {
        for (rtt, tries) in [(ms(20), 10), (ms(300), 4)] {
            let start = Instant::now();
            let mut generator = Generator::new();
            generator.handle(1, start);
            generator.handle(3, start);
            let (mut asked, mut key_frames) = (0, 0);
            for step in 0..2000 {
                match generator.poll(start + ms(step), rtt) {
                    Need::Nothing => {}
                    Need::Packets(sequences) => asked += sequences.len(),
                    Need::KeyFrame => key_frames += 1,
                }
            }
            assert_eq!((asked, key_frames, generator.missing()), (tries, 1, 0));
        }
    }

    #[test]
    fn a_large_jump_forgets_the_gaps_and_needs_a_key_frame() {
        let start = Instant::now();
        let mut generator = Generator::new();
        generator.handle(1, start);
        generator.handle(3, start);
        assert_eq!(generator.handle(3 + 258, start), Arrival::Jump);
        assert_eq!(generator.poll(start, RTT), Need::KeyFrame);
        assert_eq!(generator.poll(start, RTT), Need::Nothing);
        assert_eq!(generator.handle(3 + 258 + 257, start), Arrival::Newest);
        assert_eq!(generator.missing(), MAX_MISSING);
    }

    #[test]
    fn more_gaps_than_the_bound_push_out_the_oldest() {
        let start = Instant::now();
        let mut generator = Generator::new();
        for sequence in (1..=521).step_by(2) {
            generator.handle(sequence, start);
        }
        assert_eq!(generator.missing(), MAX_MISSING);
        assert_eq!(generator.poll(start, RTT), Need::KeyFrame);
        let Need::Packets(sequences) = generator.poll(start, RTT) else { panic!("nothing to ask for") };
        assert_eq!((sequences.first(), sequences.last()), (Some(&10), Some(&520)));
    }

    #[test]
    fn a_packet_that_fell_out_of_the_window_is_given_up() {
        let start = Instant::now();
        let mut generator = Generator::new();
        generator.handle(1, start);
        for sequence in 3..=1027 {
            generator.handle(sequence, start);
        }
        assert_eq!(generator.poll(start, RTT), Need::KeyFrame);
        assert_eq!(generator.missing(), 0);
    }

    #[test]
    fn a_repeated_request_is_answered_once_per_round_trip() {
        let start = Instant::now();
        let mut responder = Responder::new(start);
        assert!(responder.allow(7, start, RTT));
        assert!(!responder.allow(7, start + ms(59), RTT));
        assert!(responder.allow(8, start + ms(59), RTT));
        assert!(responder.allow(7, start + ms(60), RTT));
        assert!(!responder.allow(7, start + ms(61), RTT));
        assert!(responder.allow(7 + 512, start + ms(61), RTT), "another packet in the same slot");
    }

    #[test]
    fn no_packet_of_a_whole_history_is_sent_twice_within_a_round_trip() {
        let start = Instant::now();
        let mut responder = Responder::new(start);
        for round in 0..3 {
            let sent = (0..512u16)
                .filter(|back| responder.allow(65_300u16.wrapping_add(*back), start + ms(round), RTT));
            assert_eq!(sent.count(), if round == 0 { 512 } else { 0 });
        }
    }

    proptest! {
        #[test]
        fn exactly_the_packets_that_never_came_are_missing(
            fates in proptest::collection::vec((0u8..10, 0usize..6), 2..200), first: u16,
        ) {
            let start = Instant::now();
            let mut generator = Generator::new();
            generator.handle(first, start);
            let mut arriving: Vec<(usize, usize)> = Vec::new();
            for (at, (fate, delay)) in fates.iter().enumerate() {
                if *fate > 0 {
                    arriving.push((at + delay, at));
                }
            }
            arriving.sort_unstable();
            for (_, at) in &arriving {
                generator.handle(first.wrapping_add(1 + *at as u16), start);
            }
            let newest = arriving.iter().map(|(_, at)| *at).max().unwrap_or(0);
            let lost: Vec<u16> =
                (0..newest).filter(|at| fates[*at].0 == 0).map(|at| first.wrapping_add(1 + at as u16)).collect();
            let need = generator.poll(start, RTT);
            if lost.is_empty() {
                prop_assert_eq!(need, Need::Nothing);
            } else {
                prop_assert_eq!(need, Need::Packets(&lost));
            }
        }
    }
}
