//! Recording when a publisher's packets arrived and telling it so: the receiving side of transport-wide congestion control
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01). Build feedback every 50–100 ms.
//!
//! Feedback only moves forward: every sequence number is reported once, as received or not. A packet that comes after its
//! number was reported as lost stays lost, so a hole younger than 5 ms (`REORDER_WAIT`) holds back what follows it.

use crate::rtcp::{LARGE_DELTA, MAX_RUN, NOT_RECEIVED, SMALL_DELTA, Symbol, packet_types as types};
use crate::rtp::SequenceUnwrapper;
use std::time::{Duration, Instant};

/// Packets between two feedbacks that can be told apart; a larger distance starts afresh. 4 kB.
const WINDOW: u64 = 1024;
/// How long a hole may still be filled by a reordered packet before it is reported as a loss.
const REORDER_WAIT: Duration = Duration::from_millis(5);
/// Common header, SSRCs, base, count, reference time and feedback count.
const HEADER_LEN: usize = 20;
/// The unit of deltas.
const TICK: Duration = Duration::from_micros(250);

/// See the [module](self).
#[derive(Debug)]
pub struct Recorder {
    sender_ssrc: u32,
    /// Where the 32-bit tick clock is zero. Its high 24 bits are the reference time, so both wrap together.
    epoch: Instant,
    unwrapper: SequenceUnwrapper,
    /// The next number to report.
    base: Option<u64>,
    /// One beyond the newest recorded number.
    end: u64,
    /// Arrival in ticks by number; `None` for not arrived.
    arrivals: Box<[Option<Ticks>]>,
    feedback_count: u8,
}

/// Wrapping ticks, never zero so that an `Option` costs nothing; the error of one tick once in 12 days is accepted.
type Ticks = std::num::NonZeroU32;

impl Recorder {
    /// A recorder that reports as `sender_ssrc`; `now` is the origin of its clock.
    #[must_use]
    pub fn new(sender_ssrc: u32, now: Instant) -> Self {
        let arrivals = vec![None; WINDOW as usize].into();
        Self {
            sender_ssrc,
            epoch: now,
            unwrapper: SequenceUnwrapper::default(),
            base: None,
            end: 0,
            arrivals,
            feedback_count: 0,
        }
    }

    /// Notes the arrival of a packet. Duplicates keep the first time; numbers already reported are ignored.
    #[inline]
    pub fn record(&mut self, sequence: u16, arrival: Instant) {
        let number = self.unwrapper.unwrap(sequence);
        let base = *self.base.get_or_insert(number);
        if number < base {
            return;
        }
        if number - base >= WINDOW {
            self.arrivals.fill(None);
            self.base = Some(number);
        }
        self.end = self.end.max(number + 1);
        let ticks = self.ticks(arrival);
        self.arrivals[(number % WINDOW) as usize].get_or_insert(ticks);
    }

    /// Whether there is anything to report.
    #[inline]
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.base.is_some_and(|base| base < self.end)
    }

    /// Writes one feedback packet to `out` and returns its length; `None` when there is nothing (more) to report. Call until
    /// then: what does not fit `out` or the format is left for the next packet.
    ///
    /// `out` needs at least 24 bytes; 1,200 minus the SRTCP trailer suit a datagram.
    pub fn build(&mut self, now: Instant, media_ssrc: u32, out: &mut [u8]) -> Option<usize> {
        let (base, end) = self.reportable(now)?;
        let first = (base..end).find_map(|number| self.arrival(number))?;
        let reference = first.get() >> 8;
        let plan = self.plan(base, end, reference << 8, out.len())?;
        let mut writer = Tail { out, at: HEADER_LEN };
        self.write_chunks(base, plan, reference << 8, &mut writer);
        self.write_deltas(base, plan, reference << 8, &mut writer);
        let len = writer.at.next_multiple_of(4);
        let padding = (len - writer.at) as u8;
        writer.out.get_mut(writer.at..len)?.fill(0);
        self.write_header(base, plan, reference, media_ssrc, out.get_mut(..len)?, padding)?;
        for number in base..base + u64::from(plan) {
            self.arrivals[(number % WINDOW) as usize] = None;
        }
        self.base = Some(base + u64::from(plan));
        self.feedback_count = self.feedback_count.wrapping_add(1);
        Some(len)
    }

    fn write_header(
        &self,
        base: u64,
        count: u16,
        reference: u32,
        media_ssrc: u32,
        out: &mut [u8],
        padding: u8,
    ) -> Option<()> {
        let words = (out.len() / 4 - 1) as u16;
        if padding > 0 {
            *out.last_mut()? = padding;
        }
        let header = out.first_chunk_mut::<HEADER_LEN>()?;
        header[0] = 0x80 | u8::from(padding > 0) << 5 | types::TRANSPORT_CC;
        header[1] = types::TRANSPORT_SPECIFIC;
        header[2..4].copy_from_slice(&words.to_be_bytes());
        header[4..8].copy_from_slice(&self.sender_ssrc.to_be_bytes());
        header[8..12].copy_from_slice(&media_ssrc.to_be_bytes());
        header[12..14].copy_from_slice(&(base as u16).to_be_bytes());
        header[14..16].copy_from_slice(&count.to_be_bytes());
        header[16..20].copy_from_slice(&(reference << 8 | u32::from(self.feedback_count)).to_be_bytes());
        Some(())
    }

    #[inline]
    fn ticks(&self, at: Instant) -> Ticks {
        let ticks = at.saturating_duration_since(self.epoch).as_micros() / TICK.as_micros();
        Ticks::new(ticks as u32).unwrap_or(Ticks::MIN)
    }

    #[inline]
    fn arrival(&self, number: u64) -> Option<Ticks> {
        self.arrivals[(number % WINDOW) as usize]
    }

    /// The numbers that may be reported now: everything up to the first hole that is still young.
    fn reportable(&self, now: Instant) -> Option<(u64, u64)> {
        let base = self.base.filter(|base| *base < self.end)?;
        let now = self.ticks(now).get();
        let wait = (REORDER_WAIT.as_micros() / TICK.as_micros()) as i32;
        let young = |ticks: Ticks| (now.wrapping_sub(ticks.get()) as i32) < wait;
        // A hole is as old as the oldest packet behind it. Walking backwards finds the first hole that is too young.
        let (mut end, mut oldest_behind) = (self.end, None::<Ticks>);
        for number in (base..self.end).rev() {
            match self.arrival(number) {
                Some(ticks) => {
                    let older =
                        oldest_behind.is_none_or(|other| (other.get().wrapping_sub(ticks.get()) as i32) > 0);
                    oldest_behind = if older { Some(ticks) } else { oldest_behind };
                }
                None if oldest_behind.is_some_and(young) => end = number,
                None => break,
            }
        }
        (base < end).then_some((base, end))
    }
}

impl Recorder {
    /// What one feedback says about packets in a row: symbol and delta in ticks. Ends where a delta does not fit 16 bits.
    #[inline]
    fn statuses(
        &self,
        base: u64,
        end: u64,
        reference_ticks: u32,
    ) -> impl Iterator<Item = (Symbol, i16)> + '_ {
        let mut previous = reference_ticks;
        (base..end).map_while(move |number| {
            let Some(ticks) = self.arrival(number) else { return Some((NOT_RECEIVED, 0)) };
            let delta = i16::try_from(ticks.get().wrapping_sub(previous) as i32).ok()?;
            previous = ticks.get();
            let symbol = if (0..256).contains(&delta) { SMALL_DELTA } else { LARGE_DELTA };
            Some((symbol, delta))
        })
    }

    /// How many numbers one feedback of at most `space` bytes covers; every chunk covers at least seven but the last.
    fn plan(&self, base: u64, end: u64, reference_ticks: u32, space: usize) -> Option<u16> {
        let (mut count, mut deltas) = (0usize, 0usize);
        for (symbol, _) in self.statuses(base, end, reference_ticks) {
            deltas += usize::from(symbol);
            let chunks = 2 * (count + 1).div_ceil(7);
            if (HEADER_LEN + chunks + deltas).next_multiple_of(4) > space {
                break;
            }
            count += 1;
        }
        u16::try_from(count).ok().filter(|count| *count > 0)
    }

    fn write_chunks(&self, base: u64, count: u16, reference_ticks: u32, out: &mut Tail<'_>) {
        let mut symbols = [NOT_RECEIVED; WINDOW as usize];
        let statuses = self.statuses(base, base + u64::from(count), reference_ticks);
        for (out, (symbol, _)) in symbols.iter_mut().zip(statuses) {
            *out = symbol;
        }
        let mut rest = symbols.get(..usize::from(count)).unwrap_or_default();
        while let Some(&first) = rest.first() {
            let (chunk, covered) = encode_chunk(first, rest);
            out.put(&chunk.to_be_bytes());
            rest = &rest[covered..];
        }
    }

    fn write_deltas(&self, base: u64, count: u16, reference_ticks: u32, out: &mut Tail<'_>) {
        for (symbol, delta) in self.statuses(base, base + u64::from(count), reference_ticks) {
            match symbol {
                NOT_RECEIVED => {}
                SMALL_DELTA => out.put(&[delta as u8]),
                _ => out.put(&delta.to_be_bytes()),
            }
        }
    }
}

/// The chunk for the start of `rest`, and how many symbols it covers: a run if it is long or the last one, else a vector of
/// 14 one-bit symbols if there is no large delta among them, else one of seven two-bit symbols.
#[inline]
fn encode_chunk(first: Symbol, rest: &[Symbol]) -> (u16, usize) {
    let run = rest.iter().take(usize::from(MAX_RUN)).take_while(|symbol| **symbol == first).count();
    let wide = &rest[..rest.len().min(14)];
    let one_bit = wide.iter().all(|symbol| *symbol != LARGE_DELTA);
    if run == rest.len() || run >= 14 || (run >= 7 && !one_bit) {
        (u16::from(first) << 13 | run as u16, run)
    } else if one_bit {
        let bits =
            wide.iter().enumerate().fold(0, |bits, (at, symbol)| bits | u16::from(*symbol) << (13 - at));
        (0x8000 | bits, wide.len())
    } else {
        let narrow = &rest[..rest.len().min(7)];
        let bits = narrow
            .iter()
            .enumerate()
            .fold(0, |bits, (at, symbol)| bits | u16::from(*symbol) << (12 - 2 * at));
        (0xc000 | bits, narrow.len())
    }
}

/// The part of the output behind the header. What does not fit is cut off; the plan leaves room for everything.
struct Tail<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Tail<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if let Some(out) = self.out.get_mut(self.at..end) {
            out.copy_from_slice(bytes);
        }
        self.at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Packet, TransportFeedback, iter};
    use proptest::prelude::*;
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
        PacketStatusChunk, SymbolTypeTcc, TransportLayerCc,
    };
    use rtc::shared::marshal::{Marshal, Unmarshal};

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    fn parse(bytes: &[u8]) -> TransportFeedback<'_> {
        let mut packets = iter(bytes);
        let Some(Ok(Packet::TransportFeedback(feedback))) = packets.next() else { panic!("no feedback") };
        assert!(packets.next().is_none());
        feedback
    }

    /// Sequence numbers with their arrival in ticks since the epoch, as our parser reads them.
    fn statuses(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
        let feedback = parse(bytes);
        let mut ticks = i64::from(feedback.reference_time) * 256;
        let arrival = |arrival: crate::rtcp::Arrival| {
            let at = arrival.delta.map(|delta| {
                ticks += i64::from(delta);
                ticks
            });
            (arrival.sequence, at)
        };
        feedback.arrivals().map(arrival).collect()
    }

    /// The same as the reference stack reads it.
    fn their_statuses(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
        let feedback = TransportLayerCc::unmarshal(&mut &bytes[..]).unwrap();
        let mut symbols = Vec::new();
        for chunk in &feedback.packet_chunks {
            match chunk {
                PacketStatusChunk::RunLengthChunk(run) => {
                    symbols
                        .extend(std::iter::repeat_n(run.packet_status_symbol, usize::from(run.run_length)));
                }
                PacketStatusChunk::StatusVectorChunk(vector) => {
                    symbols.extend(vector.symbol_list.iter().copied())
                }
            }
        }
        symbols.truncate(usize::from(feedback.packet_status_count));
        let mut ticks = i64::from(feedback.reference_time) * 256;
        let mut deltas = feedback.recv_deltas.iter();
        let mut sequence = feedback.base_sequence_number.wrapping_sub(1);
        let mut status = |symbol| {
            sequence = sequence.wrapping_add(1);
            let received = symbol != SymbolTypeTcc::PacketNotReceived;
            let at = received.then(|| {
                ticks += deltas.next().unwrap().delta / 250;
                ticks
            });
            (sequence, at)
        };
        symbols.into_iter().map(&mut status).collect()
    }

    fn drain(recorder: &mut Recorder, now: Instant, space: usize) -> Vec<(u16, Option<i64>)> {
        let mut all = Vec::new();
        let mut out = vec![0xff; space];
        while let Some(len) = recorder.build(now, 7, &mut out) {
            assert!(len <= space && len % 4 == 0);
            let statuses = statuses(&out[..len]);
            assert_eq!(statuses, their_statuses(&out[..len]));
            all.extend(statuses);
        }
        all
    }

    #[test]
    fn received_and_lost_packets_are_reported_once_with_their_times() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(1, epoch);
        for (sequence, at) in [(65534, 100_000), (65535, 100_250), (1, 101_000), (0, 101_500), (3, 180_000)] {
            recorder.record(sequence, epoch + micros(at));
        }
        let reported = drain(&mut recorder, epoch + micros(200_000), 1200);
        let expected = [
            (65534, Some(400)),
            (65535, Some(401)),
            (0, Some(406)),
            (1, Some(404)),
            (2, None),
            (3, Some(720)),
        ];
        assert_eq!(reported, expected);
        assert!(!recorder.is_pending());
        recorder.record(2, epoch + micros(200_000));
        assert_eq!(
            recorder.build(epoch + micros(300_000), 7, &mut [0; 1200]),
            None,
            "reported as lost before"
        );
    }

    #[test]
    fn header_fields_and_feedback_count_are_written() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(0x0102_0304, epoch);
        let mut out = [0; 64];
        for count in 0..300u32 {
            let now = epoch + micros(u64::from(count) * 64_000);
            recorder.record(count as u16, now);
            let len = recorder.build(now, 0x0506_0708, &mut out).unwrap();
            let feedback = parse(&out[..len]);
            assert_eq!((feedback.sender_ssrc, feedback.media_ssrc), (0x0102_0304, 0x0506_0708));
            assert_eq!((feedback.feedback_count, feedback.base_sequence), (count as u8, count as u16));
            assert_eq!(feedback.reference_time, count);
        }
    }

    #[test]
    fn a_young_hole_holds_back_what_follows_until_it_is_filled_or_old() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(1, epoch);
        recorder.record(1, epoch + micros(1_000));
        recorder.record(3, epoch + micros(2_000));
        assert_eq!(drain(&mut recorder, epoch + micros(4_000), 100), [(1, Some(4))]);
        recorder.record(2, epoch + micros(5_000));
        assert_eq!(drain(&mut recorder, epoch + micros(5_000), 100), [(2, Some(20)), (3, Some(8))]);
        recorder.record(5, epoch + micros(6_000));
        assert_eq!(drain(&mut recorder, epoch + micros(7_000), 100), []);
        assert_eq!(drain(&mut recorder, epoch + micros(11_000), 100), [(4, None), (5, Some(24))]);
    }

    #[test]
    fn a_pause_beyond_the_largest_delta_splits_the_feedback() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(1, epoch);
        recorder.record(1, epoch + micros(1_000));
        recorder.record(2, epoch + micros(9_001_000));
        let now = epoch + micros(10_000_000);
        let mut out = [0; 64];
        let len = recorder.build(now, 7, &mut out).unwrap();
        assert_eq!(statuses(&out[..len]), [(1, Some(4))]);
        let len = recorder.build(now, 7, &mut out).unwrap();
        assert_eq!(statuses(&out[..len]), [(2, Some(36_004))]);
        assert_eq!(recorder.build(now, 7, &mut out), None);
    }

    #[test]
    fn a_jump_beyond_the_window_starts_afresh() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(1, epoch);
        recorder.record(1, epoch);
        recorder.record(1 + 1024, epoch + micros(250));
        assert_eq!(drain(&mut recorder, epoch + micros(50_000), 100), [(1025, Some(1))]);
    }

    #[test]
    fn a_buffer_too_small_for_one_packet_yields_nothing_and_loses_nothing() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(1, epoch);
        recorder.record(1, epoch + micros(250));
        for len in 0..24 {
            assert_eq!(recorder.build(epoch + micros(500), 7, &mut vec![0; len]), None);
        }
        assert_eq!(drain(&mut recorder, epoch + micros(500), 24), [(1, Some(1))]);
    }

    #[test]
    fn feedback_of_the_reference_stack_is_read() {
        let epoch = Instant::now();
        let mut recorder = Recorder::new(1, epoch);
        for sequence in (0..200u16).filter(|sequence| sequence % 9 != 3) {
            recorder.record(sequence, epoch + micros(u64::from(sequence) * 1_000));
        }
        let mut out = [0; 1200];
        let len = recorder.build(epoch + micros(300_000), 7, &mut out).unwrap();
        let theirs = TransportLayerCc::unmarshal(&mut &out[..len]).unwrap().marshal().unwrap();
        assert_eq!(statuses(&theirs), statuses(&out[..len]));
    }

    proptest! {
        #[test]
        fn any_arrivals_come_back_from_both_parsers(
            fates in proptest::collection::vec((0u8..8, 0u64..90_000, 0u64..40_000), 1..700),
            first: u16,
            space in 60usize..1200,
        ) {
            let epoch = Instant::now();
            let mut recorder = Recorder::new(1, epoch);
            let mut sent = 0;
            let mut model = Vec::new();
            for (at, (fate, pause, delay)) in fates.iter().enumerate() {
                sent += if *pause > 80_000 { *pause } else { pause / 90 };
                let lost = *fate == 0 && at > 0;
                let arrival = sent + if *fate == 1 { *delay } else { 0 };
                let ticks = ((arrival / 250) as i64).max(1);
                model.push((first.wrapping_add(at as u16), (!lost).then_some(ticks)));
                if !lost {
                    recorder.record(first.wrapping_add(at as u16), epoch + micros(arrival));
                }
            }
            while model.last().is_some_and(|(_, at)| at.is_none()) {
                model.pop();
            }
            let now = epoch + Duration::from_secs(1000);
            prop_assert_eq!(drain(&mut recorder, now, space), model);
        }
    }
}
