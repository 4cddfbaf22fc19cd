//! Writing RTCP packets one behind the other into a buffer.

use super::report::{ReportBlock, SenderInfo};
use super::{FirEntry, RtcpError};

/// Packet types and feedback formats (IANA RTP parameters).
pub(crate) mod packet_types {
    pub(crate) const SENDER_REPORT: u8 = 200;
    pub(crate) const RECEIVER_REPORT: u8 = 201;
    pub(crate) const SOURCE_DESCRIPTION: u8 = 202;
    pub(crate) const GOODBYE: u8 = 203;
    pub(crate) const TRANSPORT_SPECIFIC: u8 = 205;
    pub(crate) const PAYLOAD_SPECIFIC: u8 = 206;
    /// Format of [`TRANSPORT_SPECIFIC`].
    pub(crate) const NACK: u8 = 1;
    /// Format of [`TRANSPORT_SPECIFIC`].
    pub(crate) const TRANSPORT_CC: u8 = 15;
    /// Format of [`PAYLOAD_SPECIFIC`].
    pub(crate) const PLI: u8 = 1;
    /// Format of [`PAYLOAD_SPECIFIC`].
    pub(crate) const FIR: u8 = 4;
    /// Format of [`PAYLOAD_SPECIFIC`].
    pub(crate) const APPLICATION: u8 = 15;
}
use packet_types as types;

/// Counts in the common header have five bits.
const MAX_COUNT: usize = 31;

/// Writes a compound packet. A packet that does not fit leaves the buffer as it was, so what precedes it can still be sent.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the beginning of `out`; leave room behind it for the SRTCP trailer.
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What has been written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.out[..self.len]
    }

    /// A sender report with up to 31 blocks.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`], as for every method here.
    pub fn sender_report(&mut self, info: &SenderInfo, blocks: &[ReportBlock]) -> Result<(), RtcpError> {
        self.packet(types::SENDER_REPORT, blocks.len(), |body| {
            body.u32(info.ssrc)?;
            body.bytes(&info.ntp.to_be_bytes())?;
            body.u32(info.rtp_timestamp)?;
            body.u32(info.packet_count)?;
            body.u32(info.octet_count)?;
            blocks.iter().try_for_each(|block| body.bytes(&block.to_bytes()))
        })
    }

    /// A receiver report with up to 31 blocks.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`].
    pub fn receiver_report(&mut self, sender_ssrc: u32, blocks: &[ReportBlock]) -> Result<(), RtcpError> {
        self.packet(types::RECEIVER_REPORT, blocks.len(), |body| {
            body.u32(sender_ssrc)?;
            blocks.iter().try_for_each(|block| body.bytes(&block.to_bytes()))
        })
    }

    /// A source description with one CNAME of up to 255 bytes.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`].
    pub fn source_description(&mut self, ssrc: u32, cname: &str) -> Result<(), RtcpError> {
        let len = u8::try_from(cname.len()).map_err(|_| RtcpError::NoSpace)?;
        self.packet(types::SOURCE_DESCRIPTION, 1, |body| {
            body.u32(ssrc)?;
            body.bytes(&[1, len])?;
            body.bytes(cname.as_bytes())?;
            // One to four zero bytes end the items and align the chunk.
            body.bytes(&[0; 4][..4 - body.len % 4])
        })
    }

    /// A goodbye for up to 31 sources.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`].
    pub fn goodbye(&mut self, sources: &[u32]) -> Result<(), RtcpError> {
        self.packet(types::GOODBYE, sources.len(), |body| sources.iter().try_for_each(|ssrc| body.u32(*ssrc)))
    }

    /// A generic NACK. `sequences` should ascend, since neighbours share an entry; an empty list writes nothing.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`].
    pub fn nack(&mut self, sender_ssrc: u32, media_ssrc: u32, sequences: &[u16]) -> Result<(), RtcpError> {
        if sequences.is_empty() {
            return Ok(());
        }
        self.packet(types::TRANSPORT_SPECIFIC, types::NACK.into(), |body| {
            body.u32(sender_ssrc)?;
            body.u32(media_ssrc)?;
            let mut rest = sequences;
            while let Some((&first, tail)) = rest.split_first() {
                let mut mask = 0u16;
                rest = tail;
                while let Some((&next, tail)) = rest.split_first() {
                    let step = next.wrapping_sub(first);
                    if step > 16 {
                        break;
                    }
                    mask |= 1u16.checked_shl(u32::from(step).wrapping_sub(1)).unwrap_or(0);
                    rest = tail;
                }
                body.u32(u32::from(first) << 16 | u32::from(mask))?;
            }
            Ok(())
        })
    }

    /// A picture loss indication.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`].
    pub fn pli(&mut self, sender_ssrc: u32, media_ssrc: u32) -> Result<(), RtcpError> {
        self.packet(types::PAYLOAD_SPECIFIC, types::PLI.into(), |body| {
            body.u32(sender_ssrc)?;
            body.u32(media_ssrc)
        })
    }

    /// A full intra request.
    ///
    /// # Errors
    /// [`RtcpError::NoSpace`].
    pub fn fir(&mut self, sender_ssrc: u32, entries: &[FirEntry]) -> Result<(), RtcpError> {
        self.packet(types::PAYLOAD_SPECIFIC, types::FIR.into(), |body| {
            body.u32(sender_ssrc)?;
            // RFC 5104 §4.3.1.1: the media SSRC of the header is unused and zero.
            body.u32(0)?;
            entries.iter().try_for_each(|entry| {
                body.u32(entry.ssrc)?;
                body.bytes(&[entry.command, 0, 0, 0])
            })
        })
    }

    /// Writes one packet: common header, then `write`'s body, which must be a multiple of four bytes long.
    fn packet(
        &mut self,
        packet_type: u8,
        count: usize,
        write: impl FnOnce(&mut Body<'_>) -> Result<(), RtcpError>,
    ) -> Result<(), RtcpError> {
        let free = &mut self.out[self.len..];
        if count > MAX_COUNT || free.len() < 4 {
            return Err(RtcpError::NoSpace);
        }
        let (header, out) = free.split_at_mut(4);
        let mut body = Body { out, len: 0 };
        write(&mut body)?;
        debug_assert_eq!(body.len % 4, 0, "RTCP packets are made of 32-bit words");
        let words = u16::try_from(body.len / 4).map_err(|_| RtcpError::NoSpace)?;
        let len = 4 + body.len;
        header[..2].copy_from_slice(&[0x80 | count as u8, packet_type]);
        header[2..].copy_from_slice(&words.to_be_bytes());
        self.len += len;
        Ok(())
    }
}

struct Body<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Body<'_> {
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), RtcpError> {
        let end = self.len + bytes.len();
        self.out.get_mut(self.len..end).ok_or(RtcpError::NoSpace)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    #[inline]
    fn u32(&mut self, value: u32) -> Result<(), RtcpError> {
        self.bytes(&value.to_be_bytes())
    }
}
