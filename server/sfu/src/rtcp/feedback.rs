//! NACK, PLI (RFC 4585 §6), FIR (RFC 5104 §4.3.1) and REMB (draft-alvestrand-rmcat-remb-03 §2.2).

use super::{RtcpError, u32_at};

/// The two SSRCs in front of every feedback message.
#[inline]
fn ssrcs(body: &[u8]) -> Result<(u32, u32), RtcpError> {
    let pair = || Some((u32_at(body, 0)?, u32_at(body, 4)?));
    pair().ok_or(RtcpError::Truncated("the feedback SSRCs"))
}

/// A generic NACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender_ssrc: u32,
    /// Whose packets are missing.
    pub media_ssrc: u32,
    pairs: &'a [u8],
}

impl<'a> Nack<'a> {
    #[inline]
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender_ssrc, media_ssrc) = ssrcs(body)?;
        let pairs = body.get(8..).unwrap_or_default();
        if pairs.is_empty() || pairs.len() % 4 != 0 {
            return Err(RtcpError::Truncated("the NACK list"));
        }
        Ok(Self { sender_ssrc, media_ssrc, pairs })
    }

    /// The missing sequence numbers, up to 17 per four bytes. Take only as many as you are willing to serve.
    #[inline]
    pub fn sequences(&self) -> impl Iterator<Item = u16> + 'a {
        self.pairs.chunks_exact(4).flat_map(|pair| {
            let first = u16::from_be_bytes([pair[0], pair[1]]);
            let mask = u32::from(u16::from_be_bytes([pair[2], pair[3]])) << 1 | 1;
            (0..17u16).filter(move |bit| mask >> bit & 1 == 1).map(move |bit| first.wrapping_add(bit))
        })
    }
}

/// A picture loss indication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    /// Who asks.
    pub sender_ssrc: u32,
    /// Whose key frame is needed.
    pub media_ssrc: u32,
}

impl Pli {
    #[inline]
    pub(super) fn parse(body: &[u8]) -> Result<Self, RtcpError> {
        let (sender_ssrc, media_ssrc) = ssrcs(body)?;
        Ok(Self { sender_ssrc, media_ssrc })
    }
}

/// One demand of a [`Fir`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// Whose key frame is demanded.
    pub ssrc: u32,
    /// Number of the command: a repeated number is the same command.
    pub command: u8,
}

/// A full intra request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fir<'a> {
    /// Who asks.
    pub sender_ssrc: u32,
    entries: &'a [u8],
}

impl<'a> Fir<'a> {
    #[inline]
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender_ssrc, _) = ssrcs(body)?;
        let entries = body.get(8..).unwrap_or_default();
        if entries.is_empty() || entries.len() % 8 != 0 {
            return Err(RtcpError::Truncated("the FIR list"));
        }
        Ok(Self { sender_ssrc, entries })
    }

    /// The demands.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = FirEntry> + 'a {
        self.entries
            .chunks_exact(8)
            .filter_map(|entry| Some(FirEntry { ssrc: u32_at(entry, 0)?, command: entry[4] }))
    }
}

/// A receiver's estimate of the bandwidth towards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remb<'a> {
    /// Who estimates.
    pub sender_ssrc: u32,
    /// The estimate in bit/s; saturates.
    pub bitrate_bps: u64,
    ssrcs: &'a [u8],
}

impl<'a> Remb<'a> {
    /// `None` for other application layer feedback.
    #[inline]
    pub(super) fn parse(body: &'a [u8]) -> Result<Option<Self>, RtcpError> {
        let (sender_ssrc, _) = ssrcs(body)?;
        if body.get(8..12) != Some(b"REMB".as_slice()) {
            return Ok(None);
        }
        let word = u32_at(body, 12).ok_or(RtcpError::Truncated("the REMB"))?;
        let (count, exponent) = ((word >> 24) as usize, word >> 18 & 0x3f);
        let mantissa = u64::from(word & 0x3_ffff);
        let bitrate_bps = if mantissa.leading_zeros() < exponent { u64::MAX } else { mantissa << exponent };
        let ssrcs = body.get(16..16 + 4 * count).ok_or(RtcpError::Truncated("the REMB"))?;
        Ok(Some(Self { sender_ssrc, bitrate_bps, ssrcs }))
    }

    /// The streams the estimate is for.
    #[inline]
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + 'a {
        self.ssrcs.chunks_exact(4).filter_map(|word| u32_at(word, 0))
    }
}
