//! The recent packets of one published stream, kept once as plaintext for all its subscribers.
//!
//! Packets stand one behind the other in a circular byte arena; an index by sequence number finds them. A packet lives until
//! its bytes are overwritten or its index slot is taken. Nothing is evicted explicitly: positions count bytes ever written,
//! so a position more than one arena behind the write position is known to be gone.
//!
//! Memory: 8 bytes per slot plus the arena. The arena starts at [`MIN_ARENA`] and doubles whenever it filled up in less than
//! [`Config::keep`], up to [`Config::max_arena`]: quiet layers stay small. Video at its limit 4 + 128 KiB, audio 0.5 + 16 KiB.

use crate::rtp::Carried;
use crate::rtp::frame::{Frame, FrameNumbers, Numbers, Templates};
use crate::rtp::picture;
use std::time::{Duration, Instant};

/// Bytes of a new arena; a power of two.
pub const MIN_ARENA: usize = 8 * 1024;
const _: () = assert!(MIN_ARENA.is_power_of_two());

/// Bytes in front of each packet: sequence 2, timestamp 4, flags 1, carried length 1, payload length 2, numbers 5 (picture id
/// with its place 3 and TL0PICIDX with its place 2, or frame number 2, templates 2), payload type 1, layers 2.
const RECORD_LEN: usize = 18;
/// The largest payload: anything bigger cannot leave again in one datagram.
const MAX_PAYLOAD: usize = 1500;

const MARKER: u8 = 1;
const PICTURE_ID: u8 = 2;
const LONG_PICTURE_ID: u8 = 4;
const TL0: u8 = 8;
const VP8: u8 = 16;
const VP9: u8 = 32;
const DESCRIPTOR: u8 = 64;
const TEMPLATES: u8 = 128;

/// Bounds of a [`PacketRing`].
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Index slots; rounded up to a power of two, at most 32768.
    pub slots: usize,
    /// Most bytes of packets; at least [`MIN_ARENA`].
    pub max_arena: usize,
    /// How long packets should stay if the bounds allow it.
    pub keep: Duration,
}

impl Config {
    /// One simulcast layer of a camera: half a second of 2 Mbit/s.
    pub const VIDEO: Self = Self { slots: 512, max_arena: 128 * 1024, keep: Duration::from_millis(500) };
    /// One microphone.
    pub const AUDIO: Self = Self { slots: 64, max_arena: 16 * 1024, keep: Duration::from_millis(200) };
}

/// One packet as it is re-sent: in the publisher's numbers, without header and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingPacket<'a> {
    /// The publisher's sequence number.
    pub sequence: u16,
    /// The publisher's timestamp.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// The publisher's payload type.
    pub payload_type: u8,
    /// Its place among the layers of the stream.
    pub frame: Frame,
    /// Numbers of its codec to rewrite.
    pub numbers: Numbers,
    /// Extension values to pass on.
    pub carried: Carried<'a>,
    /// The payload without padding.
    pub payload: &'a [u8],
}

/// What became of a packet offered to [`PacketRing::push`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// It is kept.
    Stored,
    /// It was there already: drop it.
    Duplicate,
    /// It is older than all slots.
    TooOld,
    /// Its payload is longer than 1500 bytes, or its carried extensions longer than 255.
    TooLarge,
}

/// See the [module](self).
#[derive(Debug)]
pub struct PacketRing {
    config: Config,
    arena: Vec<u8>,
    /// Where the record of the packet in this slot starts, plus 1; 0 when there never was one.
    slots: Box<[u64]>,
    /// Bytes ever written, counting those skipped at the end of each lap.
    head: u64,
    lap_started: Option<Instant>,
    newest: Option<u16>,
}

impl PacketRing {
    /// An empty ring; the arena is allocated by the first packet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let slots = config.slots.clamp(1, 32768).next_power_of_two();
        let config = Config { slots, max_arena: config.max_arena.max(MIN_ARENA), keep: config.keep };
        Self {
            config,
            arena: Vec::new(),
            slots: vec![0; slots].into(),
            head: 0,
            lap_started: None,
            newest: None,
        }
    }

    /// Keeps `packet`. Allocates only when the arena grows.
    #[inline]
    pub fn push(&mut self, now: Instant, packet: &RingPacket<'_>) -> Push {
        let carried = packet.carried.as_bytes();
        let Ok(carried_len) = u8::try_from(carried.len()) else { return Push::TooLarge };
        if packet.payload.len() > MAX_PAYLOAD {
            return Push::TooLarge;
        }
        if let Some(refusal) = self.refusal(packet.sequence) {
            return refusal;
        }
        let len = RECORD_LEN + carried.len() + packet.payload.len();
        let at = self.reserve(now, len);
        let (record, rest) = self.arena[at..at + len].split_at_mut(RECORD_LEN);
        let (carried_out, payload_out) = rest.split_at_mut(carried.len());
        record.copy_from_slice(&encode(packet, carried_len));
        carried_out.copy_from_slice(carried);
        payload_out.copy_from_slice(packet.payload);
        let slot = self.slot(packet.sequence);
        self.slots[slot] = self.head + 1;
        self.head += len as u64;
        Push::Stored
    }

    /// The packet with this sequence number, if it is still there.
    #[inline]
    #[must_use]
    pub fn get(&self, sequence: u16) -> Option<RingPacket<'_>> {
        let start = self.slots[self.slot(sequence)].checked_sub(1)?;
        if self.head - start > self.arena.len() as u64 {
            return None;
        }
        let at = place(start, self.arena.len());
        decode(self.arena.get(at..)?).filter(|packet| packet.sequence == sequence)
    }

    /// Bytes allocated at the moment.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.arena.capacity() + size_of_val(&*self.slots)
    }

    /// Forgets all packets and keeps the memory.
    pub fn clear(&mut self) {
        self.slots.fill(0);
        (self.newest, self.lap_started, self.head) = (None, None, 0);
    }

    #[inline]
    fn slot(&self, sequence: u16) -> usize {
        usize::from(sequence) & (self.slots.len() - 1)
    }

    #[inline]
    fn refusal(&mut self, sequence: u16) -> Option<Push> {
        let newest = *self.newest.get_or_insert(sequence);
        let step = crate::rtp::sequence::distance(sequence, newest);
        if step > 0 {
            self.newest = Some(sequence);
        } else if usize::from(step.unsigned_abs()) >= self.slots.len() {
            return Some(Push::TooOld);
        } else if self.get(sequence).is_some() {
            return Some(Push::Duplicate);
        }
        None
    }

    /// Moves the head to where `len` contiguous bytes are free and returns that place in the arena.
    #[inline]
    fn reserve(&mut self, now: Instant, len: usize) -> usize {
        if self.arena.is_empty() {
            self.arena.resize(MIN_ARENA, 0);
            self.lap_started = Some(now);
        }
        let size = self.arena.len();
        let at = place(self.head, size);
        if at + len <= size && !(at == 0 && self.head > 0) {
            return at;
        }
        // The end of a lap: `head` is or becomes a multiple of the size.
        self.head = self.head.next_multiple_of(size as u64);
        let lap = self.lap_started.map_or(Duration::MAX, |started| now.saturating_duration_since(started));
        if lap < self.config.keep && size * 2 <= self.config.max_arena {
            // The lap goes on in the larger arena, so its start stays.
            self.grow(size);
            return size;
        }
        self.lap_started = Some(now);
        0
    }

    /// Doubles the arena at the end of a lap. The lap just written stays in place as the first half of the new arena.
    #[cold]
    fn grow(&mut self, size: usize) {
        let lap_start = self.head - size as u64;
        for slot in &mut self.slots {
            *slot = slot.saturating_sub(lap_start);
        }
        self.head = size as u64;
        self.arena.resize(2 * size, 0);
    }
}

/// Where a position lies in an arena of this size: a power of two, because it starts as one and doubles, so that no
/// division is needed for each packet of each viewer.
#[inline]
const fn place(position: u64, size: usize) -> usize {
    position as usize & (size - 1)
}

#[inline]
fn encode(packet: &RingPacket<'_>, carried_len: u8) -> [u8; RECORD_LEN] {
    let mut record = [0; RECORD_LEN];
    let (flags, numbers) = encode_numbers(packet.numbers);
    record[..2].copy_from_slice(&packet.sequence.to_be_bytes());
    record[2..6].copy_from_slice(&packet.timestamp.to_be_bytes());
    record[6] = flags | if packet.marker { MARKER } else { 0 };
    record[7] = carried_len;
    record[8..10].copy_from_slice(&(packet.payload.len() as u16).to_be_bytes());
    record[10..15].copy_from_slice(&numbers);
    record[15] = packet.payload_type;
    record[16..].copy_from_slice(&packet.frame.encode());
    record
}

#[inline]
fn encode_numbers(numbers: Numbers) -> (u8, [u8; 5]) {
    let (mut flags, ids) = match numbers {
        Numbers::None => return (0, [0; 5]),
        Numbers::Vp8(ids) => (VP8, ids),
        Numbers::Vp9(ids) => (VP9, ids),
        Numbers::Descriptor(FrameNumbers { frame, templates }) => {
            let [high, low] = frame.to_be_bytes();
            let Templates { first, count } = templates.unwrap_or_default();
            let flags = if templates.is_some() { DESCRIPTOR | TEMPLATES } else { DESCRIPTOR };
            return (flags, [0, high, low, first, count]);
        }
    };
    let (mut id_at, mut id) = (0, [0; 2]);
    if let Some(field) = ids.picture_id {
        flags |= if field.long { PICTURE_ID | LONG_PICTURE_ID } else { PICTURE_ID };
        (id_at, id) = (field.at, field.value.to_be_bytes());
    }
    let (mut tl0_at, mut tl0) = (0, 0);
    if let Some(field) = ids.tl0 {
        flags |= TL0;
        (tl0_at, tl0) = (field.at, field.value);
    }
    (flags, [id_at, id[0], id[1], tl0_at, tl0])
}

#[inline]
fn decode(bytes: &[u8]) -> Option<RingPacket<'_>> {
    let (&record, rest) = bytes.split_first_chunk::<RECORD_LEN>()?;
    let [s0, s1, t0, t1, t2, t3, flags, carried_len, l0, l1, n0, n1, n2, n3, n4, payload_type, f0, f1] =
        record;
    let (carried, rest) = rest.split_at_checked(usize::from(carried_len))?;
    let payload = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
    Some(RingPacket {
        sequence: u16::from_be_bytes([s0, s1]),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        marker: flags & MARKER != 0,
        payload_type,
        frame: Frame::decode([f0, f1]),
        numbers: decode_numbers(flags, [n0, n1, n2, n3, n4]),
        carried: Carried::from_bytes(carried),
        payload,
    })
}

#[inline]
fn decode_numbers(flags: u8, [id_at, high, low, tl0_at, tl0]: [u8; 5]) -> Numbers {
    let value = u16::from_be_bytes([high, low]);
    if flags & DESCRIPTOR != 0 {
        let templates = (flags & TEMPLATES != 0).then_some(Templates { first: tl0_at, count: tl0 });
        return Numbers::Descriptor(FrameNumbers { frame: value, templates });
    }
    let long = flags & LONG_PICTURE_ID != 0;
    let ids = picture::Ids {
        picture_id: (flags & PICTURE_ID != 0).then_some(picture::PictureId { at: id_at, long, value }),
        tl0: (flags & TL0 != 0).then_some(picture::Tl0 { at: tl0_at, value: tl0 }),
    };
    match flags & (VP8 | VP9) {
        VP8 => Numbers::Vp8(ids),
        VP9 => Numbers::Vp9(ids),
        _ => Numbers::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::frame::{Layers, UpSwitch};
    use crate::rtp::{CarriedBuffer, ExtensionKind};
    use proptest::prelude::*;

    fn packet(sequence: u16, payload: &[u8]) -> RingPacket<'_> {
        RingPacket {
            sequence,
            timestamp: 0x0102_0304,
            marker: sequence.is_multiple_of(2),
            payload_type: 96,
            frame: Frame::default(),
            numbers: Numbers::None,
            carried: Carried::default(),
            payload,
        }
    }

    #[test]
    fn a_stored_packet_comes_back_with_everything() {
        let mut carried = CarriedBuffer::default();
        carried.push(ExtensionKind::VideoOrientation, &[2]);
        let picture_id = Some(picture::PictureId { at: 2, long: true, value: 0x7abc });
        let short = Some(picture::PictureId { at: 2, long: false, value: 5 });
        let templates = Some(Templates { first: 63, count: 64 });
        let numbers = [
            Numbers::None,
            Numbers::Vp8(picture::Ids::default()),
            Numbers::Vp8(picture::Ids { picture_id, tl0: Some(picture::Tl0 { at: 4, value: 255 }) }),
            Numbers::Vp9(picture::Ids { picture_id: short, tl0: None }),
            Numbers::Descriptor(FrameNumbers { frame: 0xabcd, templates: None }),
            Numbers::Descriptor(FrameNumbers { frame: 1, templates }),
        ];
        let layers = Layers { spatial: 2, temporal: 1 };
        let frame = Frame { key: true, starts: true, ends: true, layers, up: UpSwitch::To(2) };
        let now = Instant::now();
        let mut ring = PacketRing::new(Config::VIDEO);
        for (sequence, numbers) in (65534..=65535).chain(0..4).zip(numbers) {
            let carried = carried.carried();
            let stored = RingPacket { frame, numbers, carried, ..packet(sequence, b"payload") };
            assert_eq!(ring.push(now, &stored), Push::Stored);
            assert_eq!(ring.get(sequence), Some(stored));
            assert_eq!(ring.push(now, &stored), Push::Duplicate);
        }
        assert_eq!(ring.get(4), None);
        ring.clear();
        assert_eq!(ring.get(65535), None);
    }

    #[test]
    fn old_and_oversized_packets_are_refused() {
        let now = Instant::now();
        let mut ring = PacketRing::new(Config::AUDIO);
        assert_eq!(ring.push(now, &packet(100, &[0; 1501])), Push::TooLarge);
        assert_eq!(ring.push(now, &packet(100, &[0; 1500])), Push::Stored);
        assert_eq!(ring.push(now, &packet(36, b"x")), Push::TooOld);
        assert_eq!(ring.push(now, &packet(37, b"x")), Push::Stored);
        let long = [0; 256];
        let carried = RingPacket { carried: Carried::from_bytes(&long), ..packet(101, b"x") };
        assert_eq!(ring.push(now, &carried), Push::TooLarge);
    }

    #[test]
    fn a_slow_stream_stays_small_and_a_fast_one_grows_to_its_bound_without_losing_packets() {
        let payload = [7; 1100];
        let mut now = Instant::now();
        let (mut slow, mut fast) = (PacketRing::new(Config::VIDEO), PacketRing::new(Config::VIDEO));
        for sequence in 0..2000u16 {
            now += Duration::from_millis(4);
            if sequence % 64 == 0 {
                slow.push(now, &packet(sequence, &payload));
            }
            fast.push(now, &packet(sequence, &payload));
            // 7 packets fit the smallest arena even when growing.
            for back in 0..sequence.min(6) {
                assert!(fast.get(sequence - back).is_some(), "{sequence} {back}");
            }
        }
        assert_eq!(slow.memory(), MIN_ARENA + 8 * 512);
        assert_eq!(fast.memory(), 128 * 1024 + 8 * 512);
        // 4.4 kB per 16 ms: 128 kB hold 117 packets, 468 ms.
        assert!(fast.get(1999 - 110).is_some());
    }

    proptest! {
        #[test]
        fn what_comes_back_is_what_was_stored_last(
            steps in proptest::collection::vec((-5i16..40, 0usize..1400, 0u64..30), 1..400),
        ) {
            let mut now = Instant::now();
            let mut ring = PacketRing::new(Config { slots: 64, max_arena: 32 * 1024, keep: Duration::from_millis(300) });
            let mut stored = std::collections::BTreeMap::new();
            let mut sequence = 65000u16;
            for (step, len, pause) in steps {
                sequence = sequence.wrapping_add_signed(step);
                now += Duration::from_millis(pause);
                let payload = vec![len as u8; len];
                if ring.push(now, &packet(sequence, &payload)) == Push::Stored {
                    stored.insert(sequence, payload.clone());
                    prop_assert_eq!(ring.get(sequence).unwrap().payload, &payload[..]);
                }
                for (sequence, payload) in &stored {
                    if let Some(found) = ring.get(*sequence) {
                        prop_assert_eq!(found.payload, &payload[..]);
                    }
                }
                prop_assert!(ring.memory() <= 32 * 1024 + 8 * 64);
            }
        }
    }
}
