//! One continuous outgoing stream from changing sources: what a subscriber's slot sees while the server switches what flows
//! through it.
//!
//! ```text
//! source A  … 7 8 9 10            ┐                                        (10, lost, stays a hole)
//! source B            … 500 501 p 503  (p: padding only, compacted away)
//! out       … 1 2 3  4      5   6     7
//! ```
//!
//! Within a source, order and holes are kept, so that receivers see and NACK real losses. Over a switch the sequence number
//! goes on by one, the timestamp by the time that passed, VP8 picture id and TL0PICIDX by one.
//!
//! Memory: [`Media::history`] × 4 bytes plus about 0.5 kB, allocated once.

use crate::rtp::sequence::unwrap_near;
use crate::rtp::vp8;
use std::time::{Duration, Instant};

/// Switches that can be traced back by [`Rewriter::source_of`]; older ones are forgotten.
const EPOCHS: usize = 8;
/// A larger jump of a source's sequence number is closed instead of passed on. It keeps a publisher from moving a
/// subscriber's SRTP rollover counter (RFC 3711 §3.3.1 tolerates 2^15), and receivers give up on such holes anyway.
const MAX_JUMP: u64 = 1000;
/// Timestamps advance by at most this over a switch, so that the step never looks like one backwards.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// The clock of a kind of media.
#[derive(Clone, Copy, Debug)]
pub struct Media {
    /// Timestamp units per second.
    pub clock_hz: u32,
    /// The least advance over a switch: one frame.
    pub frame: u32,
    /// Outgoing packets that can be traced back; a power of two, at most 1024.
    pub history: usize,
}

impl Media {
    /// 90 kHz, 20 ms.
    pub const VIDEO: Self = Self { clock_hz: 90_000, frame: 1800, history: 512 };
    /// Opus: 48 kHz, 20 ms.
    pub const AUDIO: Self = Self { clock_hz: 48_000, frame: 960, history: 64 };
}

/// The numbers of a source packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePacket {
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Numbers of the VP8 descriptor, for VP8.
    pub vp8: Option<vp8::Ids>,
}

/// The numbers of the outgoing packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// SRTP packet index: rollover counter × 65536 + sequence number (RFC 3711 §3.3.1). Never given to two packets.
    pub index: u64,
    /// Timestamp.
    pub timestamp: u32,
    /// For [`vp8::Ids::write`].
    pub picture_id: u16,
    /// For [`vp8::Ids::write`].
    pub tl0: u8,
}

impl Rewritten {
    /// The sequence number: the low half of the index.
    #[inline]
    #[must_use]
    pub fn sequence(&self) -> u16 {
        self.index as u16
    }
}

/// Why a packet is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not from the source that the slot shows.
    #[error("not from the current source")]
    OtherSource,
    /// It precedes the packet with which its source was switched in.
    #[error("older than the switch")]
    BeforeSwitch,
    /// It is so late that its place is no longer known.
    #[error("older than the history")]
    TooOld,
    /// It has been forwarded.
    #[error("a duplicate")]
    Duplicate,
    /// It was left out, and its number given away.
    #[error("left out before")]
    Skipped,
}

/// What leaving out a packet meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The numbers of later packets close up.
    Compacted,
    /// Later packets went out before: the packet leaves a hole with this outgoing sequence number, which looks like a loss.
    Hole(u16),
}

/// Where an outgoing packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source, as given to [`Rewriter::switch`].
    pub source: u32,
    /// Its sequence number.
    pub sequence: u16,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Rewriter {
    media: Media,
    /// Newest first.
    epochs: [Option<Epoch>; EPOCHS],
    sequences: Compactor<16>,
    pictures: Compactor<2>,
    picture_offset: u16,
    history: Box<[Sent]>,
    /// The history is valid up to this index.
    known: u64,
    last: Last,
}

/// A stretch of the outgoing stream with one source and constant offsets.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    source: u32,
    first_index: u64,
    timestamp_offset: u32,
    tl0_offset: u8,
}

/// The newest outgoing packet.
#[derive(Clone, Copy, Debug)]
struct Last {
    index: u64,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    at: Option<Instant>,
}

/// One outgoing packet or hole.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    source_sequence: u16,
    /// The outgoing picture id (15 bits) with [`SENT`]; 0 for a hole.
    picture_id: u16,
}

const SENT: u16 = 0x8000;
const PICTURE_ID_MASK: u16 = 0x7fff;

impl Rewriter {
    /// A stream without source. `sequence` and `timestamp` of its first packet should be random (RFC 3550 §5.1); the sequence
    /// number is cut to 15 bits (and 0 becomes 1), so that losses at the start cannot confuse the receiver's rollover counter.
    #[must_use]
    pub fn new(media: Media, sequence: u16, timestamp: u32) -> Self {
        let history = media.history.clamp(1, 1024).next_power_of_two();
        // The first packet gets `last.index + 1`, which must be at least 1.
        let index = u64::from((sequence & 0x7fff).max(1)) - 1;
        Self {
            media,
            epochs: [None; EPOCHS],
            sequences: Compactor::starting_at(0),
            pictures: Compactor::starting_at(0),
            picture_offset: 0,
            history: vec![Sent::default(); history].into(),
            known: index,
            last: Last { index, timestamp, picture_id: PICTURE_ID_MASK, tl0: u8::MAX, at: None },
        }
    }

    /// The source that is shown.
    #[inline]
    #[must_use]
    pub fn source(&self) -> Option<u32> {
        self.epochs[0].map(|epoch| epoch.source)
    }

    /// Whether this is the packet after the newest one, of the same source.
    #[inline]
    #[must_use]
    pub fn follows(&self, source: u32, sequence: u16) -> bool {
        self.source() == Some(source) && (self.sequences.newest as u16).wrapping_add(1) == sequence
    }

    /// Makes `source` the current one and forwards `packet` as its first. For video, `packet` should start a key frame.
    pub fn switch(&mut self, now: Instant, source: u32, packet: &SourcePacket) -> Rewritten {
        let timestamp = match self.last.at {
            Some(at) => self.last.timestamp.wrapping_add(self.ticks(now.saturating_duration_since(at))),
            None => self.last.timestamp,
        };
        let ids = packet.vp8.unwrap_or_default();
        let tl0 = self.last.tl0.wrapping_add(1);
        self.restart_sequences(
            Epoch {
                source,
                first_index: self.last.index + 1,
                timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
                tl0_offset: tl0.wrapping_sub(ids.tl0.map_or(0, |field| field.value)),
            },
            packet.sequence,
        );
        if let Some(field) = ids.picture_id {
            self.restart_pictures(field.value);
        }
        let picture_id = self.picture_of(ids.picture_id, true).unwrap_or(self.last.picture_id);
        let index = self.last.index + 1;
        self.remember(index, packet.sequence, picture_id);
        let tl0 = if ids.tl0.is_some() { tl0 } else { self.last.tl0 };
        self.last = Last { index, timestamp, picture_id, tl0, at: Some(now) };
        Rewritten { index, timestamp, picture_id, tl0 }
    }

    /// Numbers one packet of the current source. The same packet is never numbered twice.
    ///
    /// # Errors
    /// [`Refused`] says why the packet must not be sent.
    #[inline]
    pub fn forward(
        &mut self,
        now: Instant,
        source: u32,
        packet: &SourcePacket,
    ) -> Result<Rewritten, Refused> {
        let epoch = self.epochs[0].filter(|epoch| epoch.source == source).ok_or(Refused::OtherSource)?;
        let mut number = unwrap_near(self.sequences.newest, packet.sequence);
        if number > self.sequences.newest + MAX_JUMP {
            let first_index = self.last.index + 1;
            self.restart_sequences(Epoch { first_index, ..epoch }, packet.sequence);
            number = self.sequences.newest;
        }
        let index = self.index_of(number)?;
        let newest = index > self.last.index;
        if !newest && self.sent(index).is_some() {
            return Err(Refused::Duplicate);
        }
        let ids = packet.vp8.unwrap_or_default();
        let picture_id = self.picture_of(ids.picture_id, newest)?;
        let (timestamp, tl0) = self.offset(&self.epochs[0].unwrap_or(epoch), packet);
        self.sequences.advance(number);
        self.remember(index, packet.sequence, picture_id);
        if newest {
            self.last = Last { index, timestamp, picture_id, tl0, at: Some(now) };
        }
        Ok(Rewritten { index, timestamp, picture_id, tl0 })
    }

    /// Leaves out one packet of the current source that carries nothing (padding only), so that its number is used by the next.
    ///
    /// # Errors
    /// As for [`Rewriter::forward`].
    #[inline]
    pub fn skip(&mut self, source: u32, sequence: u16) -> Result<Skip, Refused> {
        if self.source() != Some(source) {
            return Err(Refused::OtherSource);
        }
        let number = unwrap_near(self.sequences.newest, sequence);
        if number > self.sequences.newest + MAX_JUMP {
            // Nothing to keep up with: the next media packet restarts the numbers.
            return Ok(Skip::Compacted);
        }
        if number <= self.sequences.newest {
            return match self.index_of(number) {
                Ok(index) if self.sent(index).is_some() => Err(Refused::Duplicate),
                Ok(index) => Ok(Skip::Hole(index as u16)),
                Err(Refused::Skipped) => Ok(Skip::Compacted),
                Err(refused) => Err(refused),
            };
        }
        let index = self.index_of(number)?;
        self.fill_holes(index, sequence);
        self.sequences.skip(number);
        Ok(Skip::Compacted)
    }

    /// Leaves out one packet of a picture that is not wanted (a temporal layer): [`Rewriter::skip`], and the picture id closes
    /// up too. Leave out all packets of a picture or none.
    ///
    /// # Errors
    /// As for [`Rewriter::forward`].
    #[inline]
    pub fn skip_picture(&mut self, source: u32, packet: &SourcePacket) -> Result<Skip, Refused> {
        let skip = self.skip(source, packet.sequence)?;
        if let Some(field) = packet.vp8.and_then(|ids| ids.picture_id) {
            let number = unwrap_picture(self.pictures.newest, &field);
            if number > self.pictures.newest && number - self.pictures.newest < Compactor::<2>::WINDOW {
                self.pictures.skip(number);
            }
        }
        Ok(skip)
    }

    /// The source's number of the packet that went out under `index`, when it was one of the current source.
    #[inline]
    #[must_use]
    pub fn sent_source(&self, index: u64) -> Option<u16> {
        self.epochs[0].filter(|epoch| epoch.first_index <= index)?;
        self.sent(index).map(|sent| sent.source_sequence)
    }

    /// Where the outgoing packet came from, or for a hole would have come from. `None` when that is no longer known.
    #[inline]
    #[must_use]
    pub fn source_of(&self, out_sequence: u16) -> Option<Origin> {
        let index = unwrap_near(self.last.index, out_sequence);
        let sent = self.entry(index)?;
        Some(Origin { source: self.epoch_of(index)?.source, sequence: sent.source_sequence })
    }

    /// The numbers with which `packet`, found by [`Rewriter::source_of`], was sent, for its retransmission inside an RTX
    /// payload. `None` for holes. The index must not be used for SRTP again: retransmissions have their own SSRC.
    #[inline]
    #[must_use]
    pub fn again(&self, out_sequence: u16, packet: &SourcePacket) -> Option<Rewritten> {
        let index = unwrap_near(self.last.index, out_sequence);
        let sent = self.sent(index).filter(|sent| sent.source_sequence == packet.sequence)?;
        let (timestamp, tl0) = self.offset(self.epoch_of(index)?, packet);
        Some(Rewritten { index, timestamp, picture_id: sent.picture_id & PICTURE_ID_MASK, tl0 })
    }

    /// The current source's timestamp on the outgoing clock, for sender reports.
    #[inline]
    #[must_use]
    pub fn timestamp(&self, source_timestamp: u32) -> Option<u32> {
        self.epochs[0].map(|epoch| source_timestamp.wrapping_add(epoch.timestamp_offset))
    }

    /// The newest outgoing packet and when it was forwarded; `None` before the first.
    #[must_use]
    pub fn last(&self) -> Option<(Instant, Rewritten)> {
        let Last { index, timestamp, picture_id, tl0, at } = self.last;
        Some((at?, Rewritten { index, timestamp, picture_id, tl0 }))
    }

    fn ticks(&self, pause: Duration) -> u32 {
        let ticks = pause.min(MAX_PAUSE).as_micros() * u128::from(self.media.clock_hz) / 1_000_000;
        (ticks as u32).max(self.media.frame)
    }

    fn restart_sequences(&mut self, epoch: Epoch, sequence: u16) {
        self.epochs.copy_within(..EPOCHS - 1, 1);
        self.epochs[0] = Some(epoch);
        // One cycle above zero: older packets of the source have a place too.
        self.sequences = Compactor::starting_at(65536 + u64::from(sequence));
        self.known = self.last.index;
    }

    /// The next picture, which has this id at the source, follows the last one that went out.
    fn restart_pictures(&mut self, source_id: u16) {
        let first = 65536 + u64::from(source_id);
        self.pictures = Compactor::starting_at(first);
        self.picture_offset = self.last.picture_id.wrapping_add(1).wrapping_sub(first as u16);
    }

    #[inline]
    fn index_of(&self, number: u64) -> Result<u64, Refused> {
        let compacted = self.sequences.map(number)?;
        let first = self.epochs[0].map_or(0, |epoch| epoch.first_index);
        let index = first + (compacted - self.sequences.first);
        if index <= self.last.index && self.last.index - index >= self.history.len() as u64 {
            return Err(Refused::TooOld);
        }
        Ok(index)
    }

    /// The outgoing picture id. A source whose ids jump (a restarted encoder) is continued by one.
    #[inline]
    fn picture_of(&mut self, field: Option<vp8::PictureId>, newest: bool) -> Result<u16, Refused> {
        let Some(field) = field else { return Ok(self.last.picture_id) };
        let mut number = unwrap_picture(self.pictures.newest, &field);
        let newest_number = self.pictures.newest;
        if newest && (number < newest_number || number - newest_number >= Compactor::<2>::WINDOW) {
            self.restart_pictures(field.value);
            number = self.pictures.newest;
        }
        let compacted = self.pictures.map(number)?;
        self.pictures.advance(number);
        Ok(self.picture_offset.wrapping_add(compacted as u16) & PICTURE_ID_MASK)
    }

    #[inline]
    fn offset(&self, epoch: &Epoch, packet: &SourcePacket) -> (u32, u8) {
        let timestamp = packet.timestamp.wrapping_add(epoch.timestamp_offset);
        let tl0 = packet.vp8.and_then(|ids| ids.tl0);
        (timestamp, tl0.map_or(self.last.tl0, |field| field.value.wrapping_add(epoch.tl0_offset)))
    }

    #[inline]
    fn epoch_of(&self, index: u64) -> Option<&Epoch> {
        self.epochs.iter().flatten().find(|epoch| epoch.first_index <= index)
    }

    #[inline]
    fn entry(&self, index: u64) -> Option<&Sent> {
        self.last.at?;
        if index > self.last.index || self.last.index - index >= self.history.len() as u64 {
            return None;
        }
        self.history.get(index as usize & (self.history.len() - 1))
    }

    #[inline]
    fn sent(&self, index: u64) -> Option<&Sent> {
        self.entry(index).filter(|sent| sent.picture_id & SENT != 0)
    }

    #[inline]
    fn remember(&mut self, index: u64, source_sequence: u16, picture_id: u16) {
        self.fill_holes(index, source_sequence);
        let slot = index as usize & (self.history.len() - 1);
        self.history[slot] = Sent { source_sequence, picture_id: picture_id | SENT };
        self.known = self.known.max(index);
    }

    /// Notes where the packets between the known ones and `index` would come from. There are no skipped ones among them,
    /// because skipping fills the holes before it.
    #[inline]
    fn fill_holes(&mut self, index: u64, source_sequence: u16) {
        let from = self.known + 1;
        if index <= from {
            return;
        }
        for hole in from.max(index.saturating_sub(self.history.len() as u64))..index {
            let source_sequence = source_sequence.wrapping_sub((index - hole) as u16);
            self.history[hole as usize & (self.history.len() - 1)] = Sent { source_sequence, picture_id: 0 };
        }
        self.known = index - 1;
    }
}

#[inline]
fn unwrap_picture(near: u64, field: &vp8::PictureId) -> u64 {
    // Moving the number to the top of 16 bits makes the wrap of 7 or 15 bits that of a sequence number.
    let shift = if field.long { 1 } else { 9 };
    let distance = (field.value.wrapping_sub(near as u16) << shift) as i16 >> shift;
    near.wrapping_add_signed(i64::from(distance))
}

/// Renumbers a growing series from which some numbers are left out, with a window for late ones.
#[derive(Clone, Debug)]
struct Compactor<const WORDS: usize> {
    first: u64,
    newest: u64,
    /// Numbers left out up to `newest`.
    skipped: u64,
    /// One bit per number of the window that ends with `newest`: left out.
    bits: [u64; WORDS],
}

impl<const WORDS: usize> Compactor<WORDS> {
    const WINDOW: u64 = 64 * WORDS as u64;

    fn starting_at(first: u64) -> Self {
        Self { first, newest: first, skipped: 0, bits: [0; WORDS] }
    }

    /// `number` minus how many before it were left out.
    #[inline]
    fn map(&self, number: u64) -> Result<u64, Refused> {
        if number >= self.newest {
            let skipped = number == self.newest && self.is_skipped(number);
            return if skipped { Err(Refused::Skipped) } else { Ok(number - self.skipped) };
        }
        if number < self.first {
            return Err(Refused::BeforeSwitch);
        }
        if self.newest - number >= Self::WINDOW {
            return Err(Refused::TooOld);
        }
        if self.is_skipped(number) {
            return Err(Refused::Skipped);
        }
        let later: u32 = Self::spans(number + 1, self.newest)
            .map(|(word, mask)| (self.bits[word] & mask).count_ones())
            .sum();
        Ok(number + u64::from(later) - self.skipped)
    }

    /// Makes `number` part of the window.
    #[inline]
    fn advance(&mut self, number: u64) {
        if number <= self.newest {
            return;
        }
        if number - self.newest >= Self::WINDOW {
            self.bits = [0; WORDS];
        } else {
            for (word, mask) in Self::spans(self.newest + 1, number) {
                self.bits[word] &= !mask;
            }
        }
        self.newest = number;
    }

    /// Leaves out `number`, which must be newer than all others.
    #[inline]
    fn skip(&mut self, number: u64) {
        self.advance(number);
        self.bits[(number / 64) as usize % WORDS] |= 1 << (number % 64);
        self.skipped += 1;
    }

    #[inline]
    fn is_skipped(&self, number: u64) -> bool {
        self.bits[(number / 64) as usize % WORDS] >> (number % 64) & 1 == 1
    }

    /// Words and masks that cover the bits of `from..=to`.
    #[inline]
    fn spans(mut from: u64, to: u64) -> impl Iterator<Item = (usize, u64)> {
        std::iter::from_fn(move || {
            if from > to {
                return None;
            }
            let bit = from % 64;
            let len = (64 - bit).min(to - from + 1);
            let span = ((from / 64) as usize % WORDS, u64::MAX >> (64 - len) << bit);
            from += len;
            Some(span)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: u32 = 1;
    const B: u32 = 2;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn video(sequence: u16, timestamp: u32, picture_id: u16, tl0: u8) -> SourcePacket {
        let picture_id = Some(vp8::PictureId { at: 2, long: true, value: picture_id & 0x7fff });
        let vp8 = Some(vp8::Ids { picture_id, tl0: Some(vp8::Tl0 { at: 4, value: tl0 }) });
        SourcePacket { sequence, timestamp, vp8 }
    }

    fn audio(sequence: u16) -> SourcePacket {
        SourcePacket { sequence, timestamp: u32::from(sequence) * 960, vp8: None }
    }

    #[test]
    fn a_switch_continues_every_number() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 32767, 5000);
        let first = rewriter.switch(start, A, &video(65535, 77, 0x7fff, 200));
        assert_eq!((first.index, first.timestamp), (32767, 5000));
        let next = rewriter.forward(start + ms(40), A, &video(0, 77 + 3600, 0, 201)).unwrap();
        assert_eq!((next.index, next.timestamp), (32768, 8600));
        assert_eq!((next.picture_id, next.tl0), ((first.picture_id + 1) & 0x7fff, first.tl0.wrapping_add(1)));
        let other = rewriter.switch(start + ms(140), B, &video(9, 4_000_000_000, 500, 9));
        assert_eq!((other.index, other.timestamp), (32769, 8600 + 9000));
        assert_eq!((other.picture_id, other.tl0), ((next.picture_id + 1) & 0x7fff, next.tl0.wrapping_add(1)));
        assert_eq!(rewriter.timestamp(4_000_000_090), Some(8600 + 9000 + 90));
        assert_eq!((rewriter.source(), rewriter.last()), (Some(B), Some((start + ms(140), other))));
    }

    #[test]
    fn a_switch_without_pause_advances_the_timestamp_by_one_frame() {
        for media in [Media::VIDEO, Media::AUDIO] {
            let start = Instant::now();
            let mut rewriter = Rewriter::new(media, 1, u32::MAX);
            let first = rewriter.switch(start, A, &audio(1));
            let second = rewriter.switch(start, B, &audio(1));
            assert_eq!(second.timestamp.wrapping_sub(first.timestamp), media.frame);
            let third = rewriter.switch(start + Duration::from_secs(100_000), A, &audio(1));
            assert_eq!(third.timestamp.wrapping_sub(second.timestamp), 3600 * media.clock_hz);
        }
    }

    #[test]
    fn only_the_current_source_passes_and_only_from_the_switch_on() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::AUDIO, 1, 0);
        assert_eq!(rewriter.forward(now, A, &audio(1)), Err(Refused::OtherSource));
        assert_eq!(rewriter.skip(A, 1), Err(Refused::OtherSource));
        rewriter.switch(now, A, &audio(0));
        assert_eq!(rewriter.forward(now, A, &audio(65535)), Err(Refused::BeforeSwitch));
        assert_eq!(rewriter.forward(now, A, &audio(0)), Err(Refused::Duplicate));
        rewriter.switch(now, B, &audio(50));
        assert_eq!(rewriter.forward(now, A, &audio(1)), Err(Refused::OtherSource));
    }

    #[test]
    fn skipped_packets_close_up_and_late_ones_find_their_place() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 100, 0);
        let forward =
            |rewriter: &mut Rewriter, sequence| rewriter.forward(now, A, &audio(sequence)).map(|to| to.index);
        rewriter.switch(now, A, &audio(10));
        assert_eq!(forward(&mut rewriter, 11), Ok(101));
        assert_eq!(rewriter.skip(A, 13), Ok(Skip::Compacted));
        assert_eq!(rewriter.skip(A, 14), Ok(Skip::Compacted));
        assert_eq!(forward(&mut rewriter, 15), Ok(103));
        assert_eq!(rewriter.source_of(102), Some(Origin { source: A, sequence: 12 }));
        assert_eq!(rewriter.again(102, &audio(12)), None, "a hole was never sent");
        assert_eq!(forward(&mut rewriter, 12), Ok(102));
        assert_eq!(forward(&mut rewriter, 12), Err(Refused::Duplicate));
        assert_eq!(forward(&mut rewriter, 13), Err(Refused::Skipped));
        assert_eq!(rewriter.skip(A, 14), Ok(Skip::Compacted));
        assert_eq!(rewriter.skip(A, 15), Err(Refused::Duplicate));
        assert_eq!(forward(&mut rewriter, 17), Ok(105));
        assert_eq!(rewriter.skip(A, 16), Ok(Skip::Hole(104)));
        assert_eq!(forward(&mut rewriter, 18), Ok(106));
    }

    #[test]
    fn a_temporal_layer_left_out_leaves_no_gap_in_picture_ids() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
        let first = rewriter.switch(now, A, &video(0, 0, 7, 1)).picture_id;
        for picture in 1..300u16 {
            for part in 0..2 {
                let packet = video(picture * 2 + part, 0, picture + 7, 1);
                if picture % 2 == 1 {
                    assert_eq!(rewriter.skip_picture(A, &packet), Ok(Skip::Compacted));
                } else {
                    let to = rewriter.forward(now, A, &packet).unwrap();
                    assert_eq!(to.picture_id, (first + picture / 2) & 0x7fff);
                    // Two packets for each of the even pictures before it; the first one's second packet was lost.
                    assert_eq!(to.index, 1 + u64::from(picture + part));
                }
            }
        }
    }

    #[test]
    fn seven_bit_picture_ids_are_unwrapped() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
        let short = |sequence: u16| {
            let picture_id = Some(vp8::PictureId { at: 2, long: false, value: sequence & 0x7f });
            SourcePacket { sequence, timestamp: 0, vp8: Some(vp8::Ids { picture_id, tl0: None }) }
        };
        let first = rewriter.switch(now, A, &short(120)).picture_id;
        for sequence in 121..500 {
            let to = rewriter.forward(now, A, &short(sequence)).unwrap();
            assert_eq!(to.picture_id, (first + sequence - 120) & 0x7fff);
        }
    }

    #[test]
    fn an_encoder_that_restarts_its_picture_ids_is_continued() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
        let first = rewriter.switch(now, A, &video(0, 0, 1000, 1)).picture_id;
        for (sequence, id) in [(1, 20_000), (2, 3), (3, 2)] {
            let to = rewriter.forward(now, A, &video(sequence, 0, id, 1)).unwrap();
            assert_eq!(to.picture_id, (first + sequence) & 0x7fff);
        }
    }

    #[test]
    fn a_jump_of_the_publisher_does_not_move_the_rollover_counter() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
        rewriter.switch(now, A, &audio(0));
        let mut sequence = 0u16;
        for step in 0..100 {
            sequence = sequence.wrapping_add(30_000);
            let to = rewriter.forward(now, A, &audio(sequence)).unwrap();
            assert_eq!(to.index, 2 + step);
            assert_eq!(rewriter.source_of(to.sequence()), Some(Origin { source: A, sequence }));
        }
    }

    #[test]
    fn a_packet_is_sent_again_with_its_old_numbers_after_switches() {
        let start = Instant::now();
        let mut rewriter = Rewriter::new(Media::VIDEO, 1, 0);
        let mut sent = Vec::new();
        for round in 0..4u16 {
            let source = u32::from(round % 2);
            for at in 0..20u16 {
                let packet = video(round * 1000 + at, u32::from(at) * 3000, round * 100 + at, at as u8);
                let now = start + ms(u64::from(round * 700 + at * 33));
                let to = if at == 0 {
                    rewriter.switch(now, source, &packet)
                } else {
                    rewriter.forward(now, source, &packet).unwrap()
                };
                sent.push((source, packet, to));
            }
        }
        for (source, packet, to) in sent {
            assert_eq!(rewriter.source_of(to.sequence()), Some(Origin { source, sequence: packet.sequence }));
            assert_eq!(rewriter.again(to.sequence(), &packet), Some(to));
            assert_eq!(rewriter.again(to.sequence(), &video(5555, 0, 0, 0)), None, "another packet");
        }
        assert_eq!(rewriter.source_of(81), None, "not sent yet");
    }

    #[test]
    fn what_is_older_than_the_history_is_unknown() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(Media::AUDIO, 1, 0);
        rewriter.switch(now, A, &audio(0));
        for sequence in (1..=65).filter(|sequence| *sequence != 2) {
            rewriter.forward(now, A, &audio(sequence)).unwrap();
        }
        assert_eq!(rewriter.source_of(2), None);
        assert_eq!(rewriter.source_of(3), Some(Origin { source: A, sequence: 2 }));
        assert!(rewriter.forward(now, A, &audio(2)).is_ok());
        rewriter.forward(now, A, &audio(66)).unwrap();
        assert_eq!(rewriter.forward(now, A, &audio(2)), Err(Refused::TooOld));
        for source in 10..18 {
            rewriter.switch(now, source, &audio(0));
        }
        assert_eq!(rewriter.source_of(67), None, "the ninth last source");
        assert_eq!(rewriter.source_of(68), Some(Origin { source: 10, sequence: 0 }));
    }

    /// What the network and the publisher do to one packet.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Fate {
        Arrives,
        Lost,
        Twice,
        Padding,
    }

    fn fate() -> impl Strategy<Value = Fate> {
        prop_oneof![6 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 1 => Just(Fate::Twice), 1 => Just(Fate::Padding)]
    }

    /// One stay with a source: for each packet its fate and by how many places it is late.
    fn stay() -> impl Strategy<Value = (u32, Vec<(Fate, usize)>)> {
        (0u32..3, proptest::collection::vec((fate(), 0usize..6), 1..60))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_switches_losses_reorderings_duplicates_and_skips_give_one_continuous_stream(
            stays in proptest::collection::vec(stay(), 1..12),
            first_out: u16,
            mut sequences in proptest::array::uniform3(any::<u16>()),
            mut pictures in proptest::array::uniform3(any::<u16>()),
        ) {
            let mut now = Instant::now();
            let mut rewriter = Rewriter::new(Media::VIDEO, first_out, 0);
            let mut seen = std::collections::BTreeMap::new();
            let mut next_index = u64::from((first_out & 0x7fff).max(1));
            let mut last: Option<Rewritten> = None;
            for (source, mut packets) in stays {
                packets[0] = (Fate::Arrives, 0);
                let (sequence0, picture0) = (sequences[source as usize], pictures[source as usize]);
                let packet = |at: usize| {
                    let step = at as u16;
                    let timestamp = u32::from(sequence0) * 1500 + at as u32 / 2 * 3000;
                    video(sequence0.wrapping_add(step), timestamp, picture0.wrapping_add(step / 2), (at / 2) as u8)
                };
                let mut arriving: Vec<(usize, usize)> = Vec::new();
                for (at, (fate, late)) in packets.iter().enumerate() {
                    arriving.extend((*fate != Fate::Lost).then_some((at + late, at)));
                    arriving.extend((*fate == Fate::Twice).then_some((at + late + 3, at)));
                }
                arriving.sort_unstable();
                // Padding that arrives before everything behind it closes up; late padding leaves a hole.
                let mut compacted = vec![false; packets.len()];
                let (mut newest, mut newest_media) = (0, 0);
                let mut done = std::collections::BTreeMap::new();
                let mut newest_to = last;
                for (_, at) in arriving {
                    now += ms(7);
                    let source_packet = packet(at);
                    if packets[at].0 == Fate::Padding {
                        let expected = if at > newest { Skip::Compacted } else {
                            Skip::Hole((next_index + (0..at).filter(|at| !compacted[*at]).count() as u64) as u16)
                        };
                        prop_assert_eq!(rewriter.skip(source, source_packet.sequence), Ok(expected));
                        compacted[at] = expected == Skip::Compacted;
                        newest = newest.max(at);
                        continue;
                    }
                    if done.contains_key(&at) {
                        let again = rewriter.forward(now, source, &source_packet);
                        prop_assert_eq!(again, Err(Refused::Duplicate));
                        continue;
                    }
                    let to = if at == 0 {
                        rewriter.switch(now, source, &source_packet)
                    } else {
                        rewriter.forward(now, source, &source_packet).unwrap()
                    };
                    // Its place is that among the packets before it which were not closed up.
                    prop_assert_eq!(to.index, next_index + (0..at).filter(|at| !compacted[*at]).count() as u64);
                    prop_assert!(seen.insert(to.index, (source, source_packet.sequence)).is_none(), "given twice");
                    if at == 0 && let Some(last) = last {
                        let step = to.timestamp.wrapping_sub(last.timestamp);
                        prop_assert!((1800..0x4000_0000).contains(&step), "{}", step);
                        prop_assert_eq!(to.picture_id, (last.picture_id + 1) & 0x7fff);
                        prop_assert_eq!(to.tl0, last.tl0.wrapping_add(1));
                    }
                    let first: &Rewritten = done.entry(0).or_insert(to);
                    prop_assert_eq!(to.picture_id, (first.picture_id + (at / 2) as u16) & 0x7fff);
                    prop_assert_eq!(to.timestamp, first.timestamp.wrapping_add(at as u32 / 2 * 3000));
                    prop_assert_eq!(to.tl0, first.tl0.wrapping_add((at / 2) as u8));
                    done.insert(at, to);
                    newest = newest.max(at);
                    if at >= newest_media {
                        (newest_media, newest_to) = (at, Some(to));
                    }
                    prop_assert_eq!(rewriter.again(to.sequence(), &source_packet), Some(to));
                }
                last = newest_to;
                next_index = last.map_or(next_index, |last| last.index + 1);
                sequences[source as usize] = sequence0.wrapping_add(packets.len() as u16);
                pictures[source as usize] = picture0.wrapping_add(packets.len() as u16);
            }
            let floor = next_index.saturating_sub(512);
            let recent = rewriter.epochs.iter().flatten().last().map_or(0, |epoch| epoch.first_index);
            for (index, (source, sequence)) in seen {
                let origin = rewriter.source_of(index as u16);
                if index >= floor && index >= recent {
                    prop_assert_eq!(origin, Some(Origin { source, sequence }));
                }
            }
        }
    }
}
