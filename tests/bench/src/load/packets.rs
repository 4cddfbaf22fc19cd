//! The published packets: VP8 frames that no decoder is shown, but that every server must take for VP8.
//!
//! ```text
//! | VP8 descriptor with picture id and TL0PICIDX, 6 bytes | VP8 frame header, 10 bytes | number, 4 | pattern |
//! ```
//! A server may rewrite the descriptor; everything after it has to arrive as it was sent.

use bytes::Bytes;

/// Length of the descriptor (RFC 7741 section 4.2) with a 15-bit picture id, TL0PICIDX and TID.
const DESCRIPTOR_BYTES: usize = 6;
const NUMBER_AT: usize = DESCRIPTOR_BYTES + 10;
const PATTERN_AT: usize = NUMBER_AT + 4;

/// The shortest payload that can be told apart.
pub(crate) const PAYLOAD_BYTES_MIN: usize = PATTERN_AT + 16;

/// Which packet of which frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    /// Counts all packets of the publisher, from 0.
    pub(crate) number: u32,
    /// Counts the frames, from 0.
    pub(crate) frame: u32,
    /// Whether this is the frame's first packet.
    pub(crate) is_first: bool,
    /// Whether the frame can be decoded without any other.
    pub(crate) is_key_frame: bool,
}

/// The payload of a packet with `len` bytes, at least [`PAYLOAD_BYTES_MIN`].
pub(crate) fn payload(position: Position, len: usize) -> Bytes {
    const EXTENDED: u8 = 0x80;
    const START_OF_PARTITION: u8 = 0x10;
    const PICTURE_ID_TL0_TID: u8 = 0x80 | 0x40 | 0x20;
    let mut bytes = vec![0; len];
    let picture_id = position.frame as u16 | 0x8000;
    bytes[0] = EXTENDED | if position.is_first { START_OF_PARTITION } else { 0 };
    bytes[1] = PICTURE_ID_TL0_TID;
    bytes[2..4].copy_from_slice(&picture_id.to_be_bytes());
    bytes[4] = position.frame as u8;
    bytes[5] = 0;
    if position.is_first {
        bytes[DESCRIPTOR_BYTES..NUMBER_AT].copy_from_slice(&frame_header(position.is_key_frame));
    }
    bytes[NUMBER_AT..PATTERN_AT].copy_from_slice(&position.number.to_be_bytes());
    for (at, byte) in bytes[PATTERN_AT..].iter_mut().enumerate() {
        *byte = pattern(position.number, at);
    }
    bytes.into()
}

/// The number of a packet of `len` bytes that arrived as it was sent, else nothing.
pub(super) fn verify(payload: &[u8], len: usize) -> Option<u32> {
    if payload.len() != len {
        return None;
    }
    let number = u32::from_be_bytes(payload.get(NUMBER_AT..PATTERN_AT)?.try_into().ok()?);
    let rest = payload.get(PATTERN_AT..)?;
    rest.iter().enumerate().all(|(at, byte)| *byte == pattern(number, at)).then_some(number)
}

/// RFC 6386 section 9.1: a frame tag, and for key frames the start code and 1280 × 720.
fn frame_header(is_key_frame: bool) -> [u8; 10] {
    let shown = 0x10;
    if is_key_frame {
        [shown, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]
    } else {
        [shown | 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    }
}

/// Depends on every byte of the number (Fibonacci hashing), so that a damaged number is seen too.
fn pattern(number: u32, at: usize) -> u8 {
    let seed = number.wrapping_mul(0x9e37_79b1) >> 24;
    (seed as u8).wrapping_add(at as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 100;

    fn packet(number: u32) -> Vec<u8> {
        let position = Position { number, frame: 7, is_first: true, is_key_frame: true };
        payload(position, LEN).to_vec()
    }

    #[test]
    fn what_arrives_as_it_was_sent_tells_its_number() {
        assert_eq!(verify(&packet(123_456), LEN), Some(123_456));
    }

    #[test]
    fn a_rewritten_descriptor_is_no_damage() {
        let mut bytes = packet(9);
        bytes[2..5].fill(0x99);
        assert_eq!(verify(&bytes, LEN), Some(9));
    }

    #[test]
    fn any_changed_byte_of_the_pattern_is_damage() {
        for at in NUMBER_AT..LEN {
            let mut bytes = packet(9);
            bytes[at] ^= 1;
            assert_eq!(verify(&bytes, LEN), None, "byte {at}");
        }
        assert_eq!(verify(&packet(9)[..LEN - 1], LEN), None);
    }

    #[test]
    fn the_server_takes_it_for_a_vp8_key_frame() {
        let descriptor = sfu::rtp::vp8::Descriptor::parse(&packet(9)).unwrap();
        assert!(descriptor.key_frame);
        let delta = payload(Position { number: 9, frame: 8, is_first: true, is_key_frame: false }, LEN);
        assert!(!sfu::rtp::vp8::Descriptor::parse(&delta).unwrap().key_frame);
    }
}
