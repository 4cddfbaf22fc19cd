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
//! goes on by one, the timestamp by the time that passed, and so do the codec's own numbers: picture id and TL0PICIDX of VP8 and
//! VP9, frame number and template ids of a dependency descriptor. Of packets left out on purpose the sequence numbers close up, and
//! VP8's picture ids; in VP9 and the dependency descriptor references are distances, so there the gaps stay.
//!
//! Memory: [`Media::history`] × 4 bytes plus about 0.5 kB, allocated once.

mod compactor;

use crate::rtp::frame::{FrameNumbers, Numbers};
use crate::rtp::picture::{self, PictureId};
use crate::rtp::sequence::{distance, unwrap_near};
use std::time::{Duration, Instant};

use compactor::Compactor;

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
    /// Numbers of its codec.
    pub numbers: Numbers,
}

/// The numbers of the outgoing packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// SRTP packet index: rollover counter × 65536 + sequence number (RFC 3711 §3.3.1). Never given to two packets.
    pub index: u64,
    /// Timestamp.
    pub timestamp: u32,
    /// For [`picture::Ids::write`].
    pub picture_id: u16,
    /// For [`picture::Ids::write`].
    pub tl0: u8,
    /// For [`crate::rtp::dependency_descriptor::rewrite`].
    pub frame: u16,
    /// How far template ids move on; for the same.
    pub template_shift: u8,
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
    frame_offset: u16,
    template_shift: u8,
}

/// The newest outgoing packet.
#[derive(Clone, Copy, Debug)]
struct Last {
    index: u64,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    frame: u16,
    /// The template id behind those in use.
    template_end: u8,
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
const TEMPLATE_ID_MASK: u8 = 0x3f;
/// A key frame whose number is further from the last than this comes from an encoder that started anew.
const FRAME_JUMP_MAX: i16 = 0x2000;

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
            last: Last {
                index,
                timestamp,
                picture_id: PICTURE_ID_MASK,
                tl0: u8::MAX,
                frame: u16::MAX,
                template_end: 0,
                at: None,
            },
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
        let ids = picture_ids(packet).unwrap_or_default();
        let tl0 = self.last.tl0.wrapping_add(1);
        let epoch = Epoch {
            source,
            first_index: self.last.index + 1,
            timestamp_offset: timestamp.wrapping_sub(packet.timestamp),
            tl0_offset: tl0.wrapping_sub(ids.tl0.map_or(0, |field| field.value)),
            frame_offset: 0,
            template_shift: 0,
        };
        self.restart_sequences(self.continue_frames(epoch, packet), packet.sequence);
        if let Some(field) = ids.picture_id {
            self.restart_pictures(field.value);
        }
        let picture_id = self.picture_of(ids.picture_id, true, 0).unwrap_or(self.last.picture_id);
        let index = self.last.index + 1;
        self.remember(index, packet.sequence, picture_id);
        self.note(now, index, packet, picture_id)
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
        let ids = picture_ids(packet).unwrap_or_default();
        let packets = number.saturating_sub(self.sequences.newest);
        let picture_id = self.picture_of(ids.picture_id, newest, packets)?;
        self.sequences.advance(number);
        self.remember(index, packet.sequence, picture_id);
        if newest {
            return Ok(self.note(now, index, packet, picture_id));
        }
        Ok(self.offset(self.epochs[0].as_ref().unwrap_or(&epoch), index, packet, picture_id))
    }

    /// Numbers the newest packet of the current source and remembers where the stream stands.
    #[inline]
    fn note(&mut self, now: Instant, index: u64, packet: &SourcePacket, picture_id: u16) -> Rewritten {
        if let (Numbers::Descriptor(frame @ FrameNumbers { templates: Some(templates), .. }), Some(epoch)) =
            (packet.numbers, self.epochs[0])
        {
            if self.has_jumped(&epoch, frame) {
                self.epochs[0] = Some(self.continue_frames(epoch, packet));
            }
            let shift = self.epochs[0].map_or(0, |epoch| epoch.template_shift);
            self.last.template_end =
                templates.first.wrapping_add(templates.count).wrapping_add(shift) & TEMPLATE_ID_MASK;
        }
        let Some(epoch) = self.epochs[0] else {
            unreachable!("only packets of the current source are numbered, and it has an epoch")
        };
        let to = self.offset(&epoch, index, packet, picture_id);
        let Rewritten { timestamp, tl0, frame, .. } = to;
        self.last = Last { index, timestamp, picture_id, tl0, frame, at: Some(now), ..self.last };
        to
    }

    /// Whether an encoder that started anew numbers its frames elsewhere.
    #[inline]
    fn has_jumped(&self, epoch: &Epoch, frame: FrameNumbers) -> bool {
        let step = distance(frame.frame.wrapping_add(epoch.frame_offset), self.last.frame);
        !(0..=FRAME_JUMP_MAX).contains(&step)
    }

    /// Makes the frame of `packet` follow the last one, and its templates those in use.
    fn continue_frames(&self, epoch: Epoch, packet: &SourcePacket) -> Epoch {
        let Numbers::Descriptor(FrameNumbers { frame, templates }) = packet.numbers else { return epoch };
        let first = templates.map_or(0, |templates| templates.first);
        Epoch {
            frame_offset: self.last.frame.wrapping_add(1).wrapping_sub(frame),
            template_shift: self.last.template_end.wrapping_sub(first) & TEMPLATE_ID_MASK,
            ..epoch
        }
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
    /// up too where that is allowed. Leave out all packets of a picture or none.
    ///
    /// # Errors
    /// As for [`Rewriter::forward`].
    #[inline]
    pub fn skip_picture(&mut self, source: u32, packet: &SourcePacket) -> Result<Skip, Refused> {
        let skip = self.skip(source, packet.sequence)?;
        if let Numbers::Vp8(picture::Ids { picture_id: Some(field), .. }) = packet.numbers {
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
        Some(self.offset(self.epoch_of(index)?, index, packet, sent.picture_id & PICTURE_ID_MASK))
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
        let Last { index, timestamp, picture_id, tl0, frame, at, .. } = self.last;
        let template_shift = self.epochs[0].map_or(0, |epoch| epoch.template_shift);
        Some((at?, Rewritten { index, timestamp, picture_id, tl0, frame, template_shift }))
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

    /// The outgoing picture id, `packets` after the newest one. A source whose ids jump (a restarted encoder) is continued by
    /// one.
    #[inline]
    fn picture_of(&mut self, field: Option<PictureId>, newest: bool, packets: u64) -> Result<u16, Refused> {
        let Some(field) = field else { return Ok(self.last.picture_id) };
        let mut number = unwrap_picture(self.pictures.newest, &field);
        let newest_number = self.pictures.newest;
        if newest && (number < newest_number || number - newest_number >= Compactor::<2>::WINDOW) {
            self.restart_pictures(field.value);
            // Lost pictures keep their numbers: what follows a long gap must not pass for the next picture. No more
            // pictures than packets can have been lost.
            let lost = number.saturating_sub(newest_number + 1);
            if lost < packets {
                self.picture_offset = self.picture_offset.wrapping_add(lost as u16);
            }
            number = self.pictures.newest;
        }
        let compacted = self.pictures.map(number)?;
        self.pictures.advance(number);
        Ok(self.picture_offset.wrapping_add(compacted as u16) & PICTURE_ID_MASK)
    }

    #[inline]
    fn offset(&self, epoch: &Epoch, index: u64, packet: &SourcePacket, picture_id: u16) -> Rewritten {
        let timestamp = packet.timestamp.wrapping_add(epoch.timestamp_offset);
        let tl0 = picture_ids(packet).and_then(|ids| ids.tl0);
        let tl0 = tl0.map_or(self.last.tl0, |field| field.value.wrapping_add(epoch.tl0_offset));
        let frame = match packet.numbers {
            Numbers::Descriptor(numbers) => numbers.frame.wrapping_add(epoch.frame_offset),
            Numbers::None | Numbers::Vp8(_) | Numbers::Vp9(_) => self.last.frame,
        };
        Rewritten { index, timestamp, picture_id, tl0, frame, template_shift: epoch.template_shift }
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
fn picture_ids(packet: &SourcePacket) -> Option<picture::Ids> {
    match packet.numbers {
        Numbers::Vp8(ids) | Numbers::Vp9(ids) => Some(ids),
        Numbers::None | Numbers::Descriptor(_) => None,
    }
}

#[inline]
fn unwrap_picture(near: u64, field: &PictureId) -> u64 {
    // Moving the number to the top of 16 bits makes the wrap of 7 or 15 bits that of a sequence number.
    let shift = if field.long { 1 } else { 9 };
    let distance = (field.value.wrapping_sub(near as u16) << shift) as i16 >> shift;
    near.wrapping_add_signed(i64::from(distance))
}

#[cfg(test)]
mod tests;
