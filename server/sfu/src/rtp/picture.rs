//! The numbers that VP8 (RFC 7741) and VP9 (RFC 9628) payload descriptors share, and the size of a picture.

/// Where a picture id is and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// Offset of its first byte in the payload.
    pub at: u8,
    /// 15 bits in two bytes, otherwise 7 bits in one.
    pub long: bool,
    /// The id, without the length bit.
    pub value: u16,
}

/// Where a TL0PICIDX is and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tl0 {
    /// Offset in the payload.
    pub at: u8,
    /// Counter of base-layer frames.
    pub value: u8,
}

/// The numbers of a descriptor that must continue over a switch of source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// The picture id.
    pub picture_id: Option<PictureId>,
    /// The base-layer counter.
    pub tl0: Option<Tl0>,
}

impl Ids {
    /// Writes new numbers over the old ones. A 7-bit picture id keeps its width; absent fields stay absent.
    ///
    /// `payload` must begin like the one these were read from; bytes outside it are not touched.
    #[inline]
    pub fn write(&self, payload: &mut [u8], picture_id: u16, tl0: u8) {
        if let Some(field) = self.picture_id {
            let at = usize::from(field.at);
            if !field.long {
                if let Some(out) = payload.get_mut(at) {
                    *out = picture_id as u8 & 0x7f;
                }
            } else if let Some(out) = payload.get_mut(at..at + 2) {
                out.copy_from_slice(&(picture_id | 0x8000).to_be_bytes());
            }
        }
        if let Some(field) = self.tl0
            && let Some(out) = payload.get_mut(usize::from(field.at))
        {
            *out = tl0;
        }
    }
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Pixels per line.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// Reads a payload descriptor byte by byte.
pub(super) struct Reader<'a> {
    payload: &'a [u8],
    /// What is read next.
    pub(super) at: usize,
    /// What the packet ends inside, for the error.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8], what: &'static str) -> Self {
        Self { payload, at: 0, what }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, super::RtpError> {
        let byte = *self.payload.get(self.at).ok_or(super::RtpError::Truncated(self.what))?;
        self.at += 1;
        Ok(byte)
    }

    /// The picture id here: the top bit of its first byte says whether there is a second one.
    #[inline]
    pub(super) fn picture_id(&mut self) -> Result<PictureId, super::RtpError> {
        let at = self.at as u8;
        let high = self.byte()?;
        let long = high & 0x80 != 0;
        let value =
            if long { u16::from(high & 0x7f) << 8 | u16::from(self.byte()?) } else { u16::from(high) };
        Ok(PictureId { at, long, value })
    }
}
