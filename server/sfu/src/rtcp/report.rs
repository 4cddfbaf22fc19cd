//! Reports, source descriptions and goodbyes (RFC 3550 §6.4–6.6).

use super::{RtcpError, u32_at};

/// Length of one report block.
const BLOCK_LEN: usize = 24;
/// SDES item type of the canonical name (RFC 3550 §6.5.1).
const CNAME: u8 = 1;
/// Length of sender information.
const SENDER_INFO_LEN: usize = 20;

/// What a receiver says about one source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source reported on.
    pub ssrc: u32,
    /// Fraction lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost altogether; negative with duplicates. 24 bits, signed; written values are clamped to that.
    pub cumulative_lost: i32,
    /// Cycles (high 16 bits) and highest sequence number received.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0 when there was none.
    pub last_sender_report: u32,
    /// Time since that report arrived, in 1/65536 s.
    pub delay_since_last: u32,
}

impl ReportBlock {
    #[inline]
    fn parse(bytes: &[u8]) -> Option<Self> {
        let loss = u32_at(bytes, 4)?;
        Some(Self {
            ssrc: u32_at(bytes, 0)?,
            fraction_lost: (loss >> 24) as u8,
            // Shifting up and back extends the sign of the 24-bit number.
            cumulative_lost: ((loss << 8) as i32) >> 8,
            highest_sequence: u32_at(bytes, 8)?,
            jitter: u32_at(bytes, 12)?,
            last_sender_report: u32_at(bytes, 16)?,
            delay_since_last: u32_at(bytes, 20)?,
        })
    }

    #[inline]
    pub(super) fn to_bytes(self) -> [u8; BLOCK_LEN] {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0x00ff_ffff;
        let words = [
            self.ssrc,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sender_report,
            self.delay_since_last,
        ];
        let mut bytes = [0; BLOCK_LEN];
        for (out, word) in bytes.chunks_exact_mut(4).zip(words) {
            out.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

/// What a sender says about itself (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender.
    pub ssrc: u32,
    /// NTP time: seconds since 1900 in the high half, fraction in the low half.
    pub ntp: u64,
    /// The same moment in units of the media clock.
    pub rtp_timestamp: u32,
    /// Packets sent.
    pub packet_count: u32,
    /// Payload bytes sent, without headers and padding.
    pub octet_count: u32,
}

/// SR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// About the sender's own stream.
    pub info: SenderInfo,
    blocks: &'a [u8],
}

impl<'a> SenderReport<'a> {
    #[inline]
    pub(super) fn parse(body: &'a [u8], count: u8) -> Result<Self, RtcpError> {
        let field = |at| u32_at(body, at).ok_or(RtcpError::Truncated("the sender information"));
        let info = SenderInfo {
            ssrc: field(0)?,
            ntp: u64::from(field(4)?) << 32 | u64::from(field(8)?),
            rtp_timestamp: field(12)?,
            packet_count: field(16)?,
            octet_count: field(20)?,
        };
        Ok(Self { info, blocks: blocks(body, 4 + SENDER_INFO_LEN, count)? })
    }

    /// What the sender has received.
    #[inline]
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        self.blocks.chunks_exact(BLOCK_LEN).filter_map(ReportBlock::parse)
    }
}

/// RR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub sender_ssrc: u32,
    blocks: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    #[inline]
    pub(super) fn parse(body: &'a [u8], count: u8) -> Result<Self, RtcpError> {
        let sender_ssrc = u32_at(body, 0).ok_or(RtcpError::Truncated("the receiver report"))?;
        Ok(Self { sender_ssrc, blocks: blocks(body, 4, count)? })
    }

    /// What has been received.
    #[inline]
    pub fn blocks(&self) -> impl Iterator<Item = ReportBlock> + 'a {
        self.blocks.chunks_exact(BLOCK_LEN).filter_map(ReportBlock::parse)
    }
}

#[inline]
fn blocks(body: &[u8], start: usize, count: u8) -> Result<&[u8], RtcpError> {
    body.get(start..start + usize::from(count) * BLOCK_LEN).ok_or(RtcpError::Truncated("the report blocks"))
}

/// SDES; only canonical names are of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceDescription<'a> {
    chunks: &'a [u8],
    count: u8,
}

impl<'a> SourceDescription<'a> {
    #[inline]
    pub(super) fn parse(body: &'a [u8], count: u8) -> Result<Self, RtcpError> {
        let mut rest = body;
        for _ in 0..count {
            rest = Chunk::parse(rest).ok_or(RtcpError::Truncated("an SDES chunk"))?.rest;
        }
        Ok(Self { chunks: body, count })
    }

    /// Sources with their CNAME, as bytes since RFC 3550 text is not ours to trust; sources without one are left out.
    #[inline]
    pub fn cnames(&self) -> impl Iterator<Item = (u32, &'a [u8])> + 'a {
        let mut rest = self.chunks;
        (0..self.count).filter_map(move |_| {
            let chunk = Chunk::parse(rest)?;
            rest = chunk.rest;
            Some((chunk.ssrc, chunk.cname?))
        })
    }
}

/// One chunk of a source description, and what follows it.
struct Chunk<'a> {
    ssrc: u32,
    cname: Option<&'a [u8]>,
    rest: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Items end with a zero byte, then alignment to 32 bits; some stacks call that alignment padding, so the end of the
    /// packet will do too.
    #[inline]
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let ssrc = u32_at(bytes, 0)?;
        let (mut at, mut cname) = (4, None);
        loop {
            let kind = bytes.get(at).copied().unwrap_or(0);
            if kind == 0 {
                break;
            }
            let len = usize::from(*bytes.get(at + 1)?);
            let text = bytes.get(at + 2..at + 2 + len)?;
            if kind == CNAME {
                cname = Some(text);
            }
            at += 2 + len;
        }
        let rest = bytes.get((at + 1).next_multiple_of(4)..).unwrap_or_default();
        Some(Self { ssrc, cname, rest })
    }
}

/// BYE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goodbye<'a> {
    sources: &'a [u8],
}

impl<'a> Goodbye<'a> {
    #[inline]
    pub(super) fn parse(body: &'a [u8], count: u8) -> Result<Self, RtcpError> {
        let sources = body.get(..4 * usize::from(count)).ok_or(RtcpError::Truncated("the goodbye"))?;
        Ok(Self { sources })
    }

    /// The sources that have ended.
    #[inline]
    pub fn sources(&self) -> impl Iterator<Item = u32> + 'a {
        self.sources.chunks_exact(4).filter_map(|word| u32_at(word, 0))
    }
}
