//! A publisher of layered video, written from RFC 9628 and the RTP payload format for AV1, and independent of the parsers.

use crate::sdp::Codec;

/// How a publisher encodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding {
    pub(super) codec: Codec,
    pub(super) spatial: u8,
    pub(super) temporal: u8,
    /// Layers refer to each other at key pictures only (`L3T3_KEY`).
    pub(super) is_key_mode: bool,
    /// VP9: references are written, instead of TL0PICIDX.
    pub(super) is_flexible: bool,
    /// Most packets of a frame.
    pub(super) packets: u8,
}

/// What a frame truly is: its picture since the publisher began, and its spatial layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FrameName {
    pub(super) picture: u64,
    pub(super) spatial: u8,
}

/// A packet as it leaves the publisher, and the truth about it.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
    /// Empty without dependency descriptor.
    pub(super) descriptor: Vec<u8>,
    pub(super) name: FrameName,
    pub(super) temporal: u8,
    pub(super) references: Vec<FrameName>,
    /// The frame before it in the chain of its spatial layer.
    pub(super) chained: Option<FrameName>,
    /// The frame that brought the structure.
    pub(super) structure: FrameName,
    /// The picture of the lowest temporal layer before it.
    pub(super) base: u64,
    pub(super) is_key: bool,
}

#[derive(Debug)]
pub(super) struct Publisher {
    encoding: Encoding,
    sequence: u16,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
    frame_number: u16,
    template_offset: u8,
    pictures: u64,
    since_key: Option<u64>,
    /// The newest frame of each spatial layer's chain.
    chains: Vec<Option<(FrameName, u16)>>,
    /// The picture that brought the structure.
    structure: u64,
    /// The last picture of the lowest temporal layer.
    base: u64,
    /// Frame numbers of the last pictures, newest last.
    numbers: Vec<(FrameName, u16)>,
}

/// Which earlier picture a picture refers to, and its temporal layer, by its place behind the key picture.
fn pattern(temporal: u8, place: u64) -> (u8, u64) {
    match (temporal, place % 4) {
        (1, _) => (0, 1),
        (2, at) if at % 2 == 0 => (0, 2),
        (2, _) => (1, 1),
        (_, 0) => (0, 4),
        (_, 2) => (1, 2),
        _ => (2, 1),
    }
}

impl Publisher {
    /// All numbers begin with something of `seed`.
    pub(super) fn new(encoding: Encoding, seed: u64) -> Self {
        Self {
            encoding,
            sequence: seed as u16,
            timestamp: (seed >> 16) as u32,
            picture_id: (seed >> 8) as u16 & 0x7fff,
            tl0: (seed >> 24) as u8,
            frame_number: (seed >> 32) as u16,
            template_offset: (seed >> 48) as u8 & 63,
            pictures: 0,
            since_key: None,
            chains: vec![None; encoding.spatial.into()],
            structure: 0,
            base: 0,
            numbers: Vec::new(),
        }
    }

    /// Nothing is sent for a while: the camera is off.
    pub(super) fn pause(&mut self, millis: u32) {
        self.timestamp = self.timestamp.wrapping_add(millis * 90);
    }

    /// From the next picture on, which is a key picture, there are this many spatial layers: the encoder was made anew for
    /// another size.
    pub(super) fn resize(&mut self, spatial: u8) {
        if spatial == self.encoding.spatial {
            return;
        }
        // What is told apart by templates must not share them.
        self.template_offset = (self.template_offset + self.encoding.spatial * self.encoding.temporal) & 63;
        self.encoding.spatial = spatial;
        self.chains = vec![None; spatial.into()];
        self.since_key = None;
    }

    /// The next picture; a key picture on demand and at the start.
    pub(super) fn picture(&mut self, key: bool, new_templates: bool) -> Vec<Packet> {
        let is_key = key || self.since_key.is_none();
        let place = if is_key { 0 } else { self.since_key.map_or(0, |place| place + 1) };
        self.since_key = Some(place);
        let (temporal, back) = pattern(self.encoding.temporal, place);
        self.timestamp = self.timestamp.wrapping_add(4500);
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));
        if is_key && new_templates {
            let count = self.encoding.spatial * self.encoding.temporal;
            self.template_offset = (self.template_offset + count) & 63;
        }
        self.pictures += 1;
        if is_key {
            self.structure = self.pictures;
        }
        let before = self.base;
        if temporal == 0 {
            self.base = self.pictures;
        }
        let mut packets = Vec::new();
        for spatial in 0..self.encoding.spatial {
            let name = FrameName { picture: self.pictures, spatial };
            let mut references = Vec::new();
            if !is_key {
                references.push(FrameName { picture: self.pictures - back, spatial });
            }
            if spatial > 0 && (is_key || !self.encoding.is_key_mode) {
                references.push(FrameName { picture: self.pictures, spatial: spatial - 1 });
            }
            packets.extend(self.frame(name, temporal, is_key, references));
        }
        for packet in &mut packets {
            packet.base = if temporal == 0 { before } else { self.base };
        }
        if let Some(last) = packets.last_mut() {
            last.marker = true;
        }
        packets
    }

    fn frame(&mut self, name: FrameName, temporal: u8, key: bool, references: Vec<FrameName>) -> Vec<Packet> {
        self.frame_number = self.frame_number.wrapping_add(1);
        self.numbers.push((name, self.frame_number));
        let count = 1 + (self.pictures as u8 ^ name.spatial) % self.encoding.packets;
        let mut packets = Vec::new();
        for at in 0..count {
            let (start, end) = (at == 0, at + 1 == count);
            let (payload, descriptor) = match self.encoding.codec {
                Codec::Vp9 => (self.vp9(name, temporal, key, start, end, &references), Vec::new()),
                Codec::Opus | Codec::Vp8 | Codec::H264 | Codec::Av1 => {
                    (vec![at; 9], self.descriptor(name, temporal, key, start, end, &references))
                }
            };
            self.sequence = self.sequence.wrapping_add(1);
            packets.push(Packet {
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: false,
                payload,
                descriptor,
                name,
                temporal,
                references: references.clone(),
                chained: self.chains[usize::from(name.spatial)].map(|(before, _)| before),
                structure: FrameName { picture: self.structure, spatial: 0 },
                base: 0,
                is_key: key,
            });
        }
        if temporal == 0 {
            let is_own = !key && self.encoding.is_key_mode;
            let end = if is_own { usize::from(name.spatial) + 1 } else { self.chains.len() };
            self.chains[name.spatial.into()..end].fill(Some((name, self.frame_number)));
        }
        packets
    }

    fn vp9(
        &self,
        name: FrameName,
        temporal: u8,
        key: bool,
        start: bool,
        end: bool,
        references: &[FrameName],
    ) -> Vec<u8> {
        let Encoding { spatial, is_flexible, .. } = self.encoding;
        let brings_structure = key && start && name.spatial == 0;
        let earlier: Vec<u64> = references
            .iter()
            .filter(|other| other.picture < name.picture)
            .map(|other| name.picture - other.picture)
            .collect();
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let is_inter_layer = references.iter().any(|other| other.picture == name.picture);
        let first = 0x80 | 0x20 | flag(!key, 0x40) | flag(is_flexible, 0x10);
        let first = first | flag(start, 0x08) | flag(end, 0x04) | flag(brings_structure, 0x02);
        let [high, low] = (self.picture_id | 0x8000).to_be_bytes();
        let layers = temporal << 5 | 0x10 | name.spatial << 1 | flag(is_inter_layer, 1);
        let mut out = vec![first, high, low, layers];
        if !is_flexible {
            out.push(self.tl0);
        } else if !key {
            out.extend(earlier.iter().map(|distance| (*distance as u8) << 1));
        }
        if brings_structure {
            out.push((spatial - 1) << 5 | 0x10);
            for layer in 0..u16::from(spatial) {
                out.extend((320u16 << layer).to_be_bytes());
                out.extend((180u16 << layer).to_be_bytes());
            }
        }
        out.push(0xaa);
        out
    }

    fn descriptor(
        &self,
        name: FrameName,
        temporal: u8,
        key: bool,
        start: bool,
        end: bool,
        references: &[FrameName],
    ) -> Vec<u8> {
        let Encoding { spatial, temporal: rates, .. } = self.encoding;
        let brings_structure = key && start && name.spatial == 0;
        let mut out = Bits::default();
        out.put(u32::from(start) << 1 | u32::from(end), 2);
        out.put((u32::from(self.template_offset) + u32::from(name.spatial * rates + temporal)) & 63, 6);
        out.put(self.frame_number.into(), 16);
        // Structure, active decode targets, and what is written instead of the template's: a key picture's indications,
        // references and chains.
        out.put(u32::from(brings_structure) * 0x18 + u32::from(key) * 4 + 3, 5);
        if brings_structure {
            self.structure(&mut out);
            out.put((1 << (spatial * rates)) - 1, u32::from(spatial * rates));
        }
        if key {
            for target in 0..spatial * rates {
                out.put(if target / rates < name.spatial { 0 } else { 2 }, 2);
            }
        }
        for reference in references {
            let number = self.numbers.iter().rfind(|(other, _)| other == reference).unwrap().1;
            let distance = u32::from(self.frame_number.wrapping_sub(number));
            let size = if distance <= 16 { 1 } else { 2 };
            out.put(size, 2);
            out.put(distance - 1, 4 * size);
        }
        out.put(0, 2);
        for chain in 0..usize::from(spatial) {
            let before = self.chains[chain].filter(|_| !(key && name.spatial == 0));
            out.put(before.map_or(0, |(_, number)| self.frame_number.wrapping_sub(number)).into(), 8);
        }
        out.bytes()
    }

    /// One template a layer, one decode target a layer, one chain a spatial layer.
    fn structure(&self, out: &mut Bits) {
        let Encoding { spatial, temporal, is_key_mode, .. } = self.encoding;
        let layers: Vec<(u8, u8)> = (0..spatial).flat_map(|s| (0..temporal).map(move |t| (s, t))).collect();
        out.put(self.template_offset.into(), 6);
        out.put(layers.len() as u32 - 1, 5);
        for (_, t) in layers.iter().skip(1) {
            out.put(if *t == 0 { 2 } else { 1 }, 2);
        }
        out.put(3, 2);
        for (s, t) in &layers {
            for (of_s, of_t) in &layers {
                let is_part = t <= of_t && if is_key_mode { s == of_s } else { s <= of_s };
                // Not present, switch, discardable or required.
                out.put(
                    if !is_part {
                        0
                    } else if *t == 0 {
                        2
                    } else if t == of_t {
                        1
                    } else {
                        3
                    },
                    2,
                );
            }
        }
        layers.iter().for_each(|_| out.put(0, 1));
        out.non_symmetric(spatial.into(), layers.len() as u32 + 1);
        for (s, _) in &layers {
            out.non_symmetric((*s).into(), spatial.into());
        }
        layers.iter().for_each(|_| (0..spatial).for_each(|_| out.put(0, 4)));
        out.put(0, 1);
    }
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn non_symmetric(&mut self, value: u32, n: u32) {
        let width = 32 - n.leading_zeros();
        let short = (1 << width) - n;
        if value < short { self.put(value, width - 1) } else { self.put(value + short, width) }
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().zip((0..8).rev()).map(|(bit, at)| u8::from(*bit) << at).sum();
        self.0.chunks(8).map(byte).collect()
    }
}
