//! Writing the header of a forwarded packet.

use super::carried::MAX_CARRIED_LEN;
use super::extension::{MAX_SDES_LEN, ONE_BYTE, TWO_BYTE};
use super::header::FIXED_LEN;
use super::{Carried, ExtensionKind, ExtensionMap, RtpError};
use std::time::Duration;

/// No header written here is longer: fixed header, extension header, mid, TWCC, abs-send-time, carried values, alignment.
pub const MAX_HEADER_LEN: usize =
    FIXED_LEN + 4 + (2 + MAX_SDES_LEN) + (2 + 2) + (2 + 3) + MAX_CARRIED_LEN + 3;

/// `time` since any epoch as 24 bits of 6.18 seconds, the value of the abs-send-time extension. Wraps every 64 s.
#[inline]
#[must_use]
pub const fn abs_send_time(time: Duration) -> u32 {
    let seconds = (time.as_secs() as u32) << 18;
    let fraction = ((time.subsec_nanos() as u64) << 18) / 1_000_000_000;
    (seconds | fraction as u32) & 0x00ff_ffff
}

/// Everything that the header of one outgoing packet says. Extensions without an id in the map are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutgoingHeader<'a> {
    /// The marker bit.
    pub marker: bool,
    /// The padding bit: the payload ends with padding.
    pub padding: bool,
    /// Payload type of the subscriber, 7 bits.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Media timestamp.
    pub timestamp: u32,
    /// The subscriber's SSRC.
    pub ssrc: u32,
    /// The subscriber's m-section; at most [`MAX_SDES_LEN`] bytes, a longer one is left out.
    pub mid: Option<&'a str>,
    /// Transport-wide sequence number.
    pub transport_cc: Option<u16>,
    /// Send time from [`abs_send_time`].
    pub abs_send_time: Option<u32>,
    /// Values of the publisher that are passed on.
    pub carried: Carried<'a>,
}

/// What [`OutgoingHeader::write`] wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenHeader {
    /// Length of the header; the payload starts here.
    pub len: usize,
    /// Where the two bytes of the transport-wide sequence number are, to be stamped when the packet leaves the pacer.
    pub transport_cc_at: Option<usize>,
    /// Where the three bytes of the send time are.
    pub abs_send_time_at: Option<usize>,
    /// Where the dependency descriptor begins, to be renumbered, and where it ends.
    pub dependency_descriptor_at: Option<(usize, usize)>,
}

impl OutgoingHeader<'_> {
    /// Writes the header to the start of `out` with the subscriber's extension ids. One-byte form when every id and value
    /// allows it, two-byte form otherwise. [`MAX_HEADER_LEN`] bytes always suffice.
    ///
    /// # Errors
    /// [`RtpError::NoSpace`] when `out` is too small.
    #[inline]
    pub fn write(&self, map: &ExtensionMap, out: &mut [u8]) -> Result<WrittenHeader, RtpError> {
        let (fixed, rest) = out.split_first_chunk_mut::<FIXED_LEN>().ok_or(RtpError::NoSpace)?;
        fixed[0] = 0x80 | u8::from(self.padding) << 5;
        fixed[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        fixed[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        let mut block = Block { out: rest, len: 4, two_byte: self.needs_two_bytes(map) };
        let mut written = self.write_extensions(map, &mut block)?;
        let block_len = block.finish()?;
        if block_len > 0 {
            fixed[0] |= 0x10;
        }
        written.len = FIXED_LEN + block_len;
        Ok(written)
    }

    #[inline]
    fn write_extensions(&self, map: &ExtensionMap, block: &mut Block<'_>) -> Result<WrittenHeader, RtpError> {
        let mut written = WrittenHeader::default();
        if let (Some(id), Some(mid)) = (map.id(ExtensionKind::Mid), self.mid())
            && !mid.is_empty()
        {
            block.push(id, mid.as_bytes())?;
        }
        if let (Some(id), Some(value)) = (map.id(ExtensionKind::TransportCc), self.transport_cc) {
            written.transport_cc_at = Some(block.push(id, &value.to_be_bytes())?);
        }
        if let (Some(id), Some(value)) = (map.id(ExtensionKind::AbsSendTime), self.abs_send_time) {
            let [_, value @ ..] = value.to_be_bytes();
            written.abs_send_time_at = Some(block.push(id, &value)?);
        }
        for (kind, value) in self.carried.iter() {
            if let Some(id) = map.id(kind) {
                let at = block.push(id, value)?;
                if kind == ExtensionKind::DependencyDescriptor {
                    written.dependency_descriptor_at = Some((at, at + value.len()));
                }
            }
        }
        Ok(written)
    }

    #[inline]
    fn mid(&self) -> Option<&str> {
        self.mid.filter(|mid| mid.len() <= MAX_SDES_LEN)
    }

    /// The one-byte form holds ids up to 14 and values of 1 to 16 bytes.
    #[inline]
    fn needs_two_bytes(&self, map: &ExtensionMap) -> bool {
        let large_id = |kind| map.id(kind).is_some_and(|id| id > 14);
        (self.mid.is_some() && large_id(ExtensionKind::Mid))
            || (self.transport_cc.is_some() && large_id(ExtensionKind::TransportCc))
            || (self.abs_send_time.is_some() && large_id(ExtensionKind::AbsSendTime))
            || self.carried.iter().any(|(kind, value)| {
                map.id(kind).is_some_and(|id| id > 14 || value.is_empty() || value.len() > 16)
            })
    }
}

/// The extension block being written; `len` counts from its four-byte header.
struct Block<'a> {
    out: &'a mut [u8],
    len: usize,
    two_byte: bool,
}

impl Block<'_> {
    /// Appends one element and returns where its value starts in the packet.
    #[inline]
    fn push(&mut self, id: u8, value: &[u8]) -> Result<usize, RtpError> {
        let prefix = if self.two_byte { 2 } else { 1 };
        let start = self.len + prefix;
        let end = start + value.len();
        let out = self.out.get_mut(self.len..end).ok_or(RtpError::NoSpace)?;
        if self.two_byte {
            out[0] = id;
            out[1] = value.len() as u8;
        } else {
            out[0] = id << 4 | (value.len() as u8).wrapping_sub(1) & 0x0f;
        }
        out[prefix..].copy_from_slice(value);
        self.len = end;
        Ok(FIXED_LEN + start)
    }

    /// Aligns and writes the block header; an empty block vanishes. Returns the block's length.
    #[inline]
    fn finish(self) -> Result<usize, RtpError> {
        if self.len == 4 {
            return Ok(0);
        }
        let aligned = self.len.next_multiple_of(4);
        self.out.get_mut(self.len..aligned).ok_or(RtpError::NoSpace)?.fill(0);
        let profile = if self.two_byte { TWO_BYTE } else { ONE_BYTE };
        let words = ((aligned - 4) / 4) as u16;
        self.out[..2].copy_from_slice(&profile.to_be_bytes());
        self.out[2..4].copy_from_slice(&words.to_be_bytes());
        Ok(aligned)
    }
}
