//! What a simulated browser sends: frames on a clock, their packets, and their retransmissions.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use engine::Encodings;
use sfu::rtp::red;
use shared::SourceKind;
use tests::media::{self, Label, Vp8};

use crate::description::Flavour;

/// Heights of the camera's layers.
pub(crate) const HEIGHTS: [u16; 3] = [180, 360, 720];
const CAPTURE_HEIGHT: u16 = 720;
const SCREEN_HEIGHT: u16 = 1080;
/// Packets with mid and rid at the start of a stream.
const NAMED_PACKETS: u32 = 60;
/// Most bytes of a packet of a large frame.
const FILLED: usize = 1050;
/// Packets kept for retransmission.
const KEPT: usize = 300;

/// One source of a client.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) kind: SourceKind,
    pub(crate) mid: String,
    pub(crate) layers: Vec<Layer>,
    /// When the next frame is due.
    pub(crate) due: Duration,
    /// RFC 6464: below full scale; 127 is silence.
    pub(crate) level: u8,
    /// Each audio packet repeats the one before it, as Chromium's do.
    pub(crate) redundant: bool,
    /// Bytes of a frame of each layer; 0 for a packet or three of a few.
    pub(crate) frame_bytes: [usize; 3],
    /// Lines of the capture that a camera in one stream is made smaller by.
    down_by: u8,
    key_wanted: bool,
    key_at: Duration,
}

/// One RTP stream of a source.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) rid: Option<&'static str>,
    pub(crate) ssrc: u32,
    pub(crate) repair_ssrc: u32,
    pub(crate) active: bool,
    /// Its next frame is a key frame.
    key_due: bool,
    /// Sequence number, extended.
    next: u64,
    repair_next: u64,
    timestamp_base: u32,
    picture_id: u16,
    tl0: u8,
    frame: u32,
    padding: u32,
    packets: u32,
    octets: u32,
    last_timestamp: u32,
    kept: VecDeque<(u16, bool, u32, Vec<u8>)>,
}

/// A plaintext packet, ready to be sealed.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
    pub(crate) header_len: usize,
    pub(crate) ssrc: u32,
    pub(crate) index: u64,
}

/// Which client and connection the packets say they come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) publisher: u16,
    pub(crate) connection: u16,
}

impl Publisher {
    /// `rids` are those of the camera; without any it is one stream.
    pub(crate) fn new(
        kind: SourceKind,
        mid: String,
        rids: &[&'static str],
        now: Duration,
        mut random: impl FnMut() -> u32,
    ) -> Self {
        let rids = rids.iter().filter(|_| kind == SourceKind::Camera);
        let rids: Vec<Option<&'static str>> = rids.map(|rid| Some(*rid)).collect();
        let rids = if rids.is_empty() { &[None][..] } else { &rids };
        let layers = rids.iter().map(|rid| Layer {
            rid: *rid,
            ssrc: random() | 1,
            repair_ssrc: random() & !1 | 2,
            active: true,
            key_due: true,
            next: u64::from(random() & 0x7fff) + 1,
            repair_next: u64::from(random() & 0x7fff),
            timestamp_base: random(),
            picture_id: (random() & 0x7fff) as u16,
            tl0: random() as u8,
            frame: 0,
            padding: 0,
            packets: 0,
            octets: 0,
            last_timestamp: 0,
            kept: VecDeque::new(),
        });
        let layers = layers.collect();
        Self {
            kind,
            mid,
            layers,
            due: now,
            level: 40,
            redundant: false,
            frame_bytes: [0; 3],
            down_by: 1,
            key_wanted: true,
            key_at: Duration::ZERO,
        }
    }

    /// The server asks for a key frame. Like Chromium, all layers get one, at most every 300 ms.
    pub(crate) const fn want_key(&mut self) {
        self.key_wanted = true;
    }

    fn spacing(&self) -> Duration {
        Duration::from_millis(match self.kind {
            SourceKind::Microphone | SourceKind::ScreenAudio => 20,
            SourceKind::Camera => 66,
            SourceKind::Screen => 200,
        })
    }

    /// Height of the pictures of this layer.
    pub(crate) fn height(&self, layer: usize) -> u16 {
        match self.kind {
            SourceKind::Camera if self.layers[layer].rid.is_none() => {
                CAPTURE_HEIGHT / u16::from(self.down_by)
            }
            SourceKind::Camera => HEIGHTS[layer],
            SourceKind::Screen | SourceKind::Microphone | SourceKind::ScreenAudio => SCREEN_HEIGHT,
        }
    }

    /// What is one stream is sent no larger than this. Browsers make their encoder anew for another size, so that it begins with
    /// a key frame.
    pub(crate) fn limit(&mut self, max_height: Option<u16>) {
        let scaling = Encodings::One(None).scaling(Some(CAPTURE_HEIGHT.into()), max_height);
        if let (SourceKind::Camera, [layer], Some(scaling)) = (self.kind, &mut self.layers[..], scaling) {
            layer.key_due |= scaling.down_by != self.down_by;
            self.down_by = scaling.down_by;
        }
    }

    /// The packets of the next frame on all layers.
    pub(crate) fn frame(
        &mut self,
        now: Duration,
        origin: Origin,
        flavour: &Flavour,
        tcc: &mut u16,
    ) -> Vec<Packet> {
        self.due = now + self.spacing();
        let key =
            self.key_wanted && (now >= self.key_at + Duration::from_millis(300) || self.key_at.is_zero());
        if key {
            self.key_wanted = false;
            self.key_at = now;
        }
        let mut packets = Vec::new();
        let (kind, mid, level) = (self.kind, self.mid.clone(), self.level);
        let red = flavour.red.filter(|_| self.redundant);
        let frame_bytes = self.frame_bytes;
        let heights: Vec<u16> = (0..self.layers.len()).map(|layer| self.height(layer)).collect();
        for (number, layer) in self.layers.iter_mut().enumerate().filter(|(_, layer)| layer.active) {
            let key = (key | std::mem::take(&mut layer.key_due)) && !kind.is_audio();
            let bytes = frame_bytes.get(number).copied().unwrap_or_default();
            let (height, number) = (heights[number], number as u8);
            let mut frame = Frame { now, origin, flavour, tcc, kind, mid: &mid, level, number, height, red };
            layer.write(&mut frame, key, bytes, &mut packets);
        }
        packets
    }

    /// A padding-only packet on the smallest layer, as Firefox sends them.
    pub(crate) fn pad(
        &mut self,
        now: Duration,
        origin: Origin,
        flavour: &Flavour,
        tcc: &mut u16,
    ) -> Option<Packet> {
        let (kind, mid, level) = (self.kind, self.mid.clone(), self.level);
        let layer = self.layers.iter_mut().find(|layer| layer.active && layer.packets > 0)?;
        let mut frame =
            Frame { now, origin, flavour, tcc, kind, mid: &mid, level, number: 0, height: 0, red: None };
        let timestamp = layer.last_timestamp;
        layer.padding += 1;
        Some(layer.packet(&mut frame, true, timestamp, None))
    }

    /// Answers a NACK; nothing for audio, and for what is no longer kept.
    pub(crate) fn again(
        &mut self,
        ssrc: u32,
        sequence: u16,
        flavour: &Flavour,
        tcc: &mut u16,
    ) -> Option<Packet> {
        if self.kind.is_audio() {
            return None;
        }
        let mid = self.mid.clone();
        let layer = self.layers.iter_mut().find(|layer| layer.ssrc == ssrc)?;
        let (_, marker, timestamp, payload) = layer.kept.iter().find(|kept| kept.0 == sequence)?.clone();
        let mut extensions = vec![(flavour.transport_cc, tcc.to_be_bytes().to_vec())];
        *tcc = tcc.wrapping_add(1);
        extensions.push((flavour.mid, mid.into_bytes()));
        if let Some(rid) = layer.rid {
            extensions.push((flavour.repaired_rid, rid.as_bytes().to_vec()));
        }
        let index = layer.repair_next;
        layer.repair_next += 1;
        let header =
            header(flavour.rtx, marker, false, index as u16, timestamp, layer.repair_ssrc, &extensions);
        let mut bytes = header.clone();
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(payload);
        Some(Packet { bytes, header_len: header.len(), ssrc: layer.repair_ssrc, index })
    }

    /// Packet and octet counts with the newest timestamp, for sender reports.
    pub(crate) fn sent(&self) -> impl Iterator<Item = (u32, u32, u32, u32)> + '_ {
        let sending = self.layers.iter().filter(|layer| layer.packets > 0);
        sending.map(|layer| (layer.ssrc, layer.last_timestamp, layer.packets, layer.octets))
    }
}

struct Frame<'a> {
    now: Duration,
    origin: Origin,
    flavour: &'a Flavour,
    tcc: &'a mut u16,
    kind: SourceKind,
    mid: &'a str,
    level: u8,
    number: u8,
    height: u16,
    red: Option<u8>,
}

impl Layer {
    /// A layer that is resumed begins with a key frame, as in browsers.
    pub(crate) const fn set_active(&mut self, active: bool) {
        self.key_due |= active && !self.active;
        self.active = active;
    }

    /// The number of its next packet.
    pub(crate) const fn next_sequence(&self) -> u32 {
        self.next as u32
    }

    fn write(&mut self, frame: &mut Frame<'_>, key: bool, bytes: usize, packets: &mut Vec<Packet>) {
        self.frame += 1;
        let clock = if frame.kind.is_audio() { 48 } else { 90 };
        let timestamp = self.timestamp_base.wrapping_add((frame.now.as_micros() * clock / 1000) as u32);
        if frame.kind.is_audio() {
            let payload = media::opus(&self.label(frame, timestamp), 20);
            let redundancy = self.redundancy(frame, timestamp, &payload);
            let mut packet = self.packet(frame, false, timestamp, Some(payload));
            if let Some((red, payload)) = redundancy {
                packet.bytes[1] = packet.bytes[1] & 0x80 | red;
                packet.bytes.truncate(packet.header_len);
                packet.bytes.extend(payload);
            }
            packets.push(packet);
            return;
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(1);
        // A key frame is twice as large.
        let bytes = bytes << usize::from(key);
        let count = match bytes {
            0 => 1 + usize::from(frame.number == 2) + usize::from(key),
            _ => bytes.div_ceil(FILLED),
        };
        for at in 0..count {
            let start = at == 0;
            let vp8 = Vp8 {
                picture_id: self.picture_id,
                tl0: self.tl0,
                start,
                key_height: (start && key).then_some(frame.height),
            };
            let filler = if bytes == 0 { 60 + 20 * at } else { bytes / count };
            let payload = media::vp8(&self.label(frame, timestamp), &vp8, filler);
            packets.push(self.packet(frame, at + 1 == count, timestamp, Some(payload)));
        }
    }

    /// The payload with the one before it, under its own payload type.
    fn redundancy(&self, frame: &Frame<'_>, timestamp: u32, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        let red_type = frame.red?;
        let opus = frame.flavour.opus;
        let before = self.kept.back().map(|(_, _, before, payload)| red::Block {
            payload_type: opus,
            timestamp_offset: u16::try_from(timestamp.wrapping_sub(*before)).unwrap_or(u16::MAX),
            payload,
        });
        let before = before.filter(red::Block::fits);
        let mut out = vec![0; 500];
        let len = red::write(before.as_slice(), opus, payload, &mut out).unwrap();
        out.truncate(len);
        Some((red_type, out))
    }

    fn label(&self, frame: &Frame<'_>, timestamp: u32) -> Label {
        Label {
            publisher: frame.origin.publisher,
            connection: frame.origin.connection,
            source: source_number(frame.kind),
            layer: frame.number,
            sequence: self.next as u32,
            timestamp,
            frame: self.frame,
            padding: self.padding,
        }
    }

    /// One packet; without payload it is padding only.
    fn packet(
        &mut self,
        frame: &mut Frame<'_>,
        marker: bool,
        timestamp: u32,
        payload: Option<Vec<u8>>,
    ) -> Packet {
        let flavour = frame.flavour;
        let mut extensions = vec![(flavour.transport_cc, frame.tcc.to_be_bytes().to_vec())];
        *frame.tcc = frame.tcc.wrapping_add(1);
        if flavour.names_streams && self.packets < NAMED_PACKETS {
            extensions.push((flavour.mid, frame.mid.as_bytes().to_vec()));
            if let Some(rid) = self.rid {
                extensions.push((flavour.rid, rid.as_bytes().to_vec()));
            }
        }
        let payload_type = if frame.kind.is_audio() { flavour.opus } else { flavour.vp8 };
        if frame.kind.is_audio() {
            extensions.push((flavour.level, vec![frame.level | u8::from(frame.level < 100) << 7]));
        }
        let index = self.next;
        self.next += 1;
        let padding = payload.is_none();
        let mut bytes =
            header(payload_type, marker, padding, index as u16, timestamp, self.ssrc, &extensions);
        let header_len = bytes.len();
        match payload {
            Some(payload) => {
                bytes.extend(&payload);
                self.packets += 1;
                self.octets += payload.len() as u32;
                self.last_timestamp = timestamp;
                self.kept.push_back((index as u16, marker, timestamp, payload));
                if self.kept.len() > KEPT {
                    self.kept.pop_front();
                }
            }
            None => bytes.extend([[0; 31].as_slice(), &[32]].concat()),
        }
        Packet { bytes, header_len, ssrc: self.ssrc, index }
    }
}

/// An RTP header with one-byte extensions (RFC 8285 §4.2).
fn header(
    payload_type: u8,
    marker: bool,
    padding: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    extensions: &[(u8, Vec<u8>)],
) -> Vec<u8> {
    let mut bytes = vec![0x90 | u8::from(padding) << 5, payload_type | u8::from(marker) << 7];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    let mut block = Vec::new();
    for (id, value) in extensions {
        block.push(id << 4 | (value.len() as u8 - 1));
        block.extend(value);
    }
    block.resize(block.len().next_multiple_of(4), 0);
    bytes.extend([0xbe, 0xde]);
    bytes.extend(((block.len() / 4) as u16).to_be_bytes());
    bytes.extend(block);
    bytes
}

/// How labels name a source.
pub(crate) const fn source_number(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::Microphone => 0,
        SourceKind::Camera => 1,
        SourceKind::Screen => 2,
        SourceKind::ScreenAudio => 3,
    }
}

/// The source that a label names.
pub(crate) fn source_kind(number: u8) -> SourceKind {
    [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen, SourceKind::ScreenAudio]
        [usize::from(number)]
}

/// The publishers of one connection.
pub(crate) type Publishers = BTreeMap<SourceKind, Publisher>;
