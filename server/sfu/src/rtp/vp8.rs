//! The VP8 payload descriptor (RFC 7741 §4.2) and the few payload bits that say "key frame" (§4.3).

use super::RtpError;
use super::picture::Reader;

pub use super::picture::{Ids, PictureId, Resolution, Tl0};

/// A parsed payload descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Length of the descriptor: the VP8 data starts here.
    pub len: usize,
    /// N: no other frame refers to this one.
    pub non_reference: bool,
    /// S with partition index 0: the first packet of a frame.
    pub start_of_frame: bool,
    /// Picture id and TL0PICIDX.
    pub ids: Ids,
    /// TID: the temporal layer.
    pub temporal_layer: Option<u8>,
    /// Y: this frame refers to the base layer only, so a subscriber may move up here.
    pub layer_sync: bool,
    /// KEYIDX: counter of key frames.
    pub key_index: Option<u8>,
    /// The first packet of a key frame.
    pub key_frame: bool,
    /// Size of the picture; only in the first packet of a key frame, and only when it is readable.
    pub resolution: Option<Resolution>,
}

impl Descriptor {
    /// Reads the descriptor at the start of `payload` (without padding).
    ///
    /// # Errors
    /// [`RtpError::Truncated`] when the payload ends inside the descriptor or directly behind it.
    #[inline]
    pub fn parse(payload: &[u8]) -> Result<Self, RtpError> {
        let mut reader = Reader::new(payload, DESCRIPTOR);
        let first = reader.byte()?;
        let mut descriptor = Self { non_reference: first & 0x20 != 0, ..Self::default() };
        descriptor.start_of_frame = first & 0x10 != 0 && first & 0x07 == 0;
        if first & 0x80 != 0 {
            descriptor.parse_optional(&mut reader)?;
        }
        descriptor.len = reader.at;
        let frame = payload.get(reader.at..).filter(|frame| !frame.is_empty()).ok_or(TRUNCATED)?;
        // RFC 7741 §4.3: bit 0 of the first byte of a frame is P, 0 for a key frame.
        descriptor.key_frame = descriptor.start_of_frame && frame[0] & 1 == 0;
        if descriptor.key_frame {
            descriptor.resolution = resolution(frame);
        }
        Ok(descriptor)
    }

    #[inline]
    fn parse_optional(&mut self, reader: &mut Reader<'_>) -> Result<(), RtpError> {
        let extension = reader.byte()?;
        if extension & 0x80 != 0 {
            self.ids.picture_id = Some(reader.picture_id()?);
        }
        if extension & 0x40 != 0 {
            let at = reader.at as u8;
            self.ids.tl0 = Some(Tl0 { at, value: reader.byte()? });
        }
        if extension & 0x30 != 0 {
            let layers = reader.byte()?;
            if extension & 0x20 != 0 {
                self.temporal_layer = Some(layers >> 6);
                self.layer_sync = layers & 0x20 != 0;
            }
            if extension & 0x10 != 0 {
                self.key_index = Some(layers & 0x1f);
            }
        }
        Ok(())
    }
}

const DESCRIPTOR: &str = "the VP8 payload descriptor";
const TRUNCATED: RtpError = RtpError::Truncated(DESCRIPTOR);

/// RFC 6386 §9.1: three bytes of frame tag, the start code 9d 01 2a, then width and height with two bits of scale each.
#[inline]
fn resolution(frame: &[u8]) -> Option<Resolution> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = frame else { return None };
    let width = u16::from_le_bytes([w0, w1]) & 0x3fff;
    let height = u16::from_le_bytes([h0, h1]) & 0x3fff;
    Some(Resolution { width, height })
}
