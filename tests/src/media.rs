//! Synthetic Opus and VP8 payloads. Behind a valid payload descriptor each carries a [`Label`] and a filler that
//! depends on it.

/// Length of the VP8 payload descriptor that [`vp8`] writes (RFC 7741 §4.2: X, I with 15 bits, L, T/K).
const DESCRIPTOR_LEN: usize = 6;
/// VP8 frame tag, start code and dimensions of a key frame (RFC 6386 §9.1).
const KEY_FRAME_HEADER_LEN: usize = 10;
const LABEL_LEN: usize = 26;
const MAGIC: u16 = 0x5a17;

/// Who sent a packet, and which of theirs it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The sending client, as the test numbers it.
    pub publisher: u16,
    /// The sending connection of that client.
    pub connection: u16,
    /// Which source, as the test numbers it.
    pub source: u8,
    /// Simulcast layer.
    pub layer: u8,
    /// The source's own sequence number.
    pub sequence: u32,
    /// The source's own RTP timestamp.
    pub timestamp: u32,
    /// Number of the frame; for audio the same as `sequence`.
    pub frame: u32,
    /// Padding-only packets that the source sent before this one.
    pub padding: u32,
}

impl Label {
    /// The stream within the whole test.
    #[must_use]
    pub const fn stream(&self) -> (u16, u16, u8, u8) {
        (self.publisher, self.connection, self.source, self.layer)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(MAGIC.to_be_bytes());
        out.extend(self.publisher.to_be_bytes());
        out.extend(self.connection.to_be_bytes());
        out.extend([self.source, self.layer]);
        for number in [self.sequence, self.timestamp, self.frame, self.padding] {
            out.extend(number.to_be_bytes());
        }
        out.extend([0; 2]);
    }

    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (label, rest) = bytes.split_at_checked(LABEL_LEN)?;
        let short = |at: usize| u16::from_be_bytes([label[at], label[at + 1]]);
        let long = |at: usize| u32::from(short(at)) << 16 | u32::from(short(at + 2));
        let read = Self {
            publisher: short(2),
            connection: short(4),
            source: label[6],
            layer: label[7],
            sequence: long(8),
            timestamp: long(12),
            frame: long(16),
            padding: long(20),
        };
        (short(0) == MAGIC).then_some((read, rest))
    }

    fn fill(&self, count: usize, out: &mut Vec<u8>) {
        out.extend((0..count).map(|at| self.filler(at)));
    }

    fn filler(&self, at: usize) -> u8 {
        (self.sequence as usize).wrapping_mul(31).wrapping_add(at) as u8
    }
}

/// What a VP8 packet is within its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8 {
    /// 15 bits.
    pub picture_id: u16,
    /// TL0PICIDX.
    pub tl0: u8,
    /// The packet starts a frame.
    pub start: bool,
    /// Height of the picture, when the packet starts a key frame.
    pub key_height: Option<u16>,
}

/// A payload that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Where it comes from.
    pub label: Label,
    /// Its numbers, for VP8.
    pub vp8: Option<Vp8>,
}

/// An Opus payload: a code 0 packet (RFC 6716 §3.1) whose frame is the label and `filler` bytes.
#[must_use]
pub fn opus(label: &Label, filler: usize) -> Vec<u8> {
    let mut payload = vec![0x78];
    label.write(&mut payload);
    label.fill(filler, &mut payload);
    payload
}

/// A VP8 payload.
#[must_use]
pub fn vp8(label: &Label, vp8: &Vp8, filler: usize) -> Vec<u8> {
    let [id_high, id_low] = (vp8.picture_id | 0x8000).to_be_bytes();
    let mut payload = vec![0x80 | u8::from(vp8.start) << 4, 0xe0, id_high, id_low, vp8.tl0, 0x20];
    if vp8.start {
        // P bit: 0 for a key frame (RFC 6386 §9.1).
        payload.push(u8::from(vp8.key_height.is_none()));
        if let Some(height) = vp8.key_height {
            payload.extend([0, 0, 0x9d, 0x01, 0x2a]);
            payload.extend((height * 16 / 9).to_le_bytes());
            payload.extend(height.to_le_bytes());
        }
    }
    label.write(&mut payload);
    label.fill(filler, &mut payload);
    payload
}

/// Reads an Opus payload of ours; nothing when it is not one, or damaged.
#[must_use]
pub fn read_opus(payload: &[u8]) -> Option<Received> {
    let (label, filler) = Label::read(payload.get(1..)?)?;
    intact(&label, filler).then_some(Received { label, vp8: None })
}

/// Reads a VP8 payload of ours; nothing when it is not one, or damaged.
#[must_use]
pub fn read_vp8(payload: &[u8]) -> Option<Received> {
    let (descriptor, frame) = payload.split_at_checked(DESCRIPTOR_LEN)?;
    if descriptor[0] & 0xef != 0x80 || descriptor[1] != 0xe0 || descriptor[5] != 0x20 {
        return None;
    }
    let start = descriptor[0] & 0x10 != 0;
    let key = start && frame.first()? & 1 == 0;
    let header = match (start, key) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => KEY_FRAME_HEADER_LEN,
    };
    let (tag, rest) = frame.split_at_checked(header)?;
    let (label, filler) = Label::read(rest)?;
    let vp8 = Vp8 {
        picture_id: u16::from_be_bytes([descriptor[2], descriptor[3]]) & 0x7fff,
        tl0: descriptor[4],
        start,
        key_height: key.then(|| u16::from_le_bytes([tag[8], tag[9]])),
    };
    intact(&label, filler).then_some(Received { label, vp8: Some(vp8) })
}

fn intact(label: &Label, filler: &[u8]) -> bool {
    filler.iter().enumerate().all(|(at, byte)| *byte == label.filler(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label = Label {
        publisher: 3,
        connection: 1,
        source: 2,
        layer: 1,
        sequence: 70_000,
        timestamp: 9,
        frame: 4,
        padding: 5,
    };

    #[test]
    fn what_is_written_is_read_again() {
        let read = read_opus(&opus(&LABEL, 40)).unwrap();
        assert_eq!(read, Received { label: LABEL, vp8: None });
        for (start, key_height) in [(true, Some(360)), (true, None), (false, None)] {
            let packet = Vp8 { picture_id: 0x7abc, tl0: 9, start, key_height };
            let read = read_vp8(&vp8(&LABEL, &packet, 40)).unwrap();
            assert_eq!(read, Received { label: LABEL, vp8: Some(packet) });
        }
    }

    #[test]
    fn damage_is_noticed() {
        let mut payload = opus(&LABEL, 40);
        payload[60] ^= 1;
        assert_eq!(read_opus(&payload), None);
        assert_eq!(read_vp8(&opus(&LABEL, 40)), None);
    }
}
