//! What a bot sends: frames on a clock, and the plaintext packets that they are made of.

use std::time::{Duration, Instant};

use ::tests::media::{self, Label, Vp8};

use super::description::{LEVEL_ID, MID_ID, OPUS, RID_ID, TRANSPORT_CC_ID, VP8};

/// Packets with mid and rid at the start of a stream.
const NAMED_PACKETS: u64 = 60;
/// A layer's key frames are at least this far apart, as in Chromium.
const KEY_FRAME_SPACING: Duration = Duration::from_millis(300);
const AUDIO_SPACING: Duration = Duration::from_millis(20);
const AUDIO_FILLER: usize = 80;
/// RFC 6464: below full scale.
const SPEECH: u8 = 20;
const SILENCE: u8 = 127;
/// The source numbers of labels.
pub(super) const MICROPHONE: u8 = 0;
pub(super) const CAMERA: u8 = 1;

/// One size of a camera's picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Nothing: the camera has no simulcast.
    pub(super) rid: Option<&'static str>,
    pub(super) height: u16,
    /// Packets of a frame and bytes of each, about.
    pub(super) packets: u32,
    pub(super) bytes: usize,
}

/// A packet, ready to be sealed.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) header_len: usize,
    pub(super) ssrc: u32,
    pub(super) index: u64,
    pub(super) label: Label,
}

/// A microphone or a camera. Its m-line's mid is its number.
#[derive(Debug)]
pub(super) struct Source {
    bot: u16,
    mid: usize,
    number: u8,
    spacing: Duration,
    layers: Vec<Layer>,
    pub(super) due: Instant,
    start: Instant,
    pub(super) is_speaking: bool,
    key_wanted: bool,
    key_at: Option<Instant>,
}

#[derive(Debug)]
struct Layer {
    shape: Shape,
    ssrc: u32,
    is_active: bool,
    key_due: bool,
    next: u64,
    frame: u32,
}

impl Source {
    pub(super) fn microphone(bot: u16, mid: usize, now: Instant) -> Self {
        let shape = Shape { rid: None, height: 0, packets: 1, bytes: AUDIO_FILLER };
        Self::new(bot, mid, MICROPHONE, AUDIO_SPACING, &[shape], now)
    }

    pub(super) fn camera(bot: u16, mid: usize, spacing: Duration, shapes: &[Shape], now: Instant) -> Self {
        Self::new(bot, mid, CAMERA, spacing, shapes, now)
    }

    fn new(bot: u16, mid: usize, number: u8, spacing: Duration, shapes: &[Shape], now: Instant) -> Self {
        let layers = shapes.iter().zip(0..).map(|(shape, layer)| Layer {
            shape: *shape,
            ssrc: ssrc(bot, number, layer),
            is_active: true,
            key_due: true,
            next: 1000,
            frame: 0,
        });
        // Sources of different bots do not beat in time.
        let phase = spacing.mul_f64(f64::from(bot.wrapping_mul(37) % 100) / 100.0);
        Self {
            bot,
            mid,
            number,
            spacing,
            layers: layers.collect(),
            due: now + phase,
            start: now,
            is_speaking: false,
            key_wanted: false,
            key_at: None,
        }
    }

    /// The server asks for a key frame of a stream.
    pub(super) fn want_key(&mut self, ssrc: u32) {
        self.key_wanted |= self.layers.iter().any(|layer| layer.ssrc == ssrc);
    }

    /// Sends only these layers; nothing: all.
    pub(super) fn set_layers(&mut self, rids: Option<&[String]>) {
        for layer in &mut self.layers {
            let is_named =
                rids.is_none_or(|rids| rids.iter().any(|rid| Some(rid.as_str()) == layer.shape.rid));
            layer.key_due |= is_named && !layer.is_active;
            layer.is_active = is_named;
        }
    }

    pub(super) const fn mid(&self) -> usize {
        self.mid
    }

    /// The packets of the next frame. `transport_cc` numbers them.
    pub(super) fn frame(&mut self, now: Instant, transport_cc: &mut u16) -> Vec<Packet> {
        self.due = (self.due + self.spacing).max(now.checked_sub(self.spacing).unwrap_or(now));
        let may_be_key = self.key_at.is_none_or(|at| now >= at + KEY_FRAME_SPACING);
        let key = may_be_key && std::mem::take(&mut self.key_wanted);
        if key {
            self.key_at = Some(now);
        }
        let clock = if self.number == MICROPHONE { 48 } else { 90 };
        let timestamp = ((now - self.start).as_micros() * clock / 1000) as u32;
        let (bot, mid, number) = (self.bot, self.mid, self.number);
        let level = if self.is_speaking { SPEECH } else { SILENCE };
        let mut packets = Vec::new();
        for (rank, layer) in self.layers.iter_mut().enumerate().filter(|(_, layer)| layer.is_active) {
            let key = key | std::mem::take(&mut layer.key_due);
            layer.frame += 1;
            for at in 0..layer.shape.packets {
                let label = Label {
                    publisher: bot,
                    connection: 1,
                    source: number,
                    layer: rank as u8,
                    sequence: layer.next as u32,
                    timestamp,
                    frame: layer.frame,
                    padding: 0,
                };
                packets.push(layer.packet(label, mid, level, at, key, transport_cc));
            }
        }
        packets
    }
}

impl Layer {
    fn packet(
        &mut self,
        label: Label,
        mid: usize,
        level: u8,
        at: u32,
        key: bool,
        transport_cc: &mut u16,
    ) -> Packet {
        let is_audio = label.source == MICROPHONE;
        let mut block = vec![TRANSPORT_CC_ID << 4 | 1];
        block.extend(transport_cc.to_be_bytes());
        *transport_cc = transport_cc.wrapping_add(1);
        if is_audio {
            block.extend([LEVEL_ID << 4, level | u8::from(level == SPEECH) << 7]);
        }
        if self.next < 1000 + NAMED_PACKETS {
            extend(&mut block, MID_ID, mid.to_string().as_bytes());
            extend(&mut block, RID_ID, self.shape.rid.unwrap_or_default().as_bytes());
        }
        block.resize(block.len().next_multiple_of(4), 0);
        let marker = is_audio || at + 1 == self.shape.packets;
        let payload_type = if is_audio { OPUS } else { VP8 };
        let mut bytes = Vec::with_capacity(self.shape.bytes + 100);
        bytes.extend([0x90, payload_type | u8::from(marker) << 7]);
        bytes.extend((self.next as u16).to_be_bytes());
        bytes.extend(label.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend([0xbe, 0xde]);
        bytes.extend(((block.len() / 4) as u16).to_be_bytes());
        bytes.extend(block);
        let header_len = bytes.len();
        if is_audio {
            bytes.extend(media::opus(&label, self.shape.bytes));
        } else {
            let start = at == 0;
            let vp8 = Vp8 {
                picture_id: (label.frame & 0x7fff) as u16,
                tl0: label.frame as u8,
                start,
                key_height: (start && key).then_some(self.shape.height),
            };
            bytes.extend(media::vp8(&label, &vp8, self.shape.bytes));
        }
        let index = self.next;
        self.next += 1;
        Packet { bytes, header_len, ssrc: self.ssrc, index, label }
    }
}

/// RFC 8285 §4.2; nothing for an empty value.
fn extend(block: &mut Vec<u8>, id: u8, value: &[u8]) {
    if !value.is_empty() {
        block.push(id << 4 | (value.len() as u8 - 1));
        block.extend(value);
    }
}

/// The SSRC of a bot's stream.
pub(super) const fn ssrc(bot: u16, source: u8, layer: u8) -> u32 {
    0x1000_0000 | (bot as u32) << 8 | (source as u32) << 4 | layer as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 2] = [
        Shape { rid: Some("q"), height: 180, packets: 1, bytes: 100 },
        Shape { rid: Some("h"), height: 360, packets: 2, bytes: 200 },
    ];

    #[test]
    fn frames_can_be_read_as_they_arrive() {
        let now = Instant::now();
        let mut camera = Source::camera(3, 1, Duration::from_millis(40), &SHAPES, now);
        let mut number = 0;
        let packets = camera.frame(now, &mut number);
        assert_eq!((packets.len(), number), (3, 3));
        for (packet, layer) in packets.iter().zip([0, 1, 1]) {
            let header = sfu::rtp::Header::parse(&packet.bytes).unwrap();
            assert_eq!((header.header_len(), header.ssrc), (packet.header_len, packet.ssrc));
            let read = media::read_vp8(&packet.bytes[packet.header_len..]).unwrap();
            assert_eq!((read.label, read.label.layer), (packet.label, layer));
        }
        assert!(camera.due > now);
    }

    #[test]
    fn only_the_layers_that_are_asked_for_are_sent() {
        let now = Instant::now();
        let mut camera = Source::camera(3, 1, Duration::from_millis(40), &SHAPES, now);
        camera.frame(now, &mut 0);
        camera.set_layers(Some(&["q".to_owned()]));
        assert_eq!(camera.frame(now, &mut 0).len(), 1);
        camera.set_layers(None);
        let packets = camera.frame(now, &mut 0);
        let read = media::read_vp8(&packets[1].bytes[packets[1].header_len..]).unwrap();
        assert_eq!(read.vp8.unwrap().key_height, Some(360), "what is resumed begins with a key frame");
        assert_eq!(
            media::read_vp8(&packets[0].bytes[packets[0].header_len..]).unwrap().vp8.unwrap().key_height,
            None
        );
    }

    #[test]
    fn a_key_frame_that_is_asked_for_comes_once() {
        let now = Instant::now();
        let mut camera = Source::camera(3, 1, Duration::from_millis(40), &SHAPES[..1], now);
        camera.frame(now, &mut 0);
        camera.want_key(ssrc(3, CAMERA, 0));
        let mut is_key = |now| {
            let packets = camera.frame(now, &mut 0);
            media::read_vp8(&packets[0].bytes[packets[0].header_len..])
                .unwrap()
                .vp8
                .unwrap()
                .key_height
                .is_some()
        };
        assert!(is_key(now));
        assert!(!is_key(now));
    }
}
