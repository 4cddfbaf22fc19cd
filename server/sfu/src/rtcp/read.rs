//! Splitting a compound packet.

use super::write::packet_types as types;
use super::{
    Fir, Goodbye, Nack, Pli, ReceiverReport, Remb, RtcpError, SenderReport, SourceDescription,
    TransportFeedback,
};

/// One packet of a compound, borrowing its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// What a sender has sent, and what it received.
    SenderReport(SenderReport<'a>),
    /// What a receiver has received.
    ReceiverReport(ReceiverReport<'a>),
    /// Canonical names.
    SourceDescription(SourceDescription<'a>),
    /// Sources that have ended.
    Goodbye(Goodbye<'a>),
    /// Packets to retransmit.
    Nack(Nack<'a>),
    /// A key frame is needed.
    Pli(Pli),
    /// Key frames are demanded.
    Fir(Fir<'a>),
    /// Arrival times for bandwidth estimation.
    TransportFeedback(TransportFeedback<'a>),
    /// The receiver's own estimate.
    Remb(Remb<'a>),
    /// Well-formed, but nothing the server acts on.
    Other {
        /// The packet type.
        packet_type: u8,
        /// The count or format field, 5 bits.
        format: u8,
    },
}

/// The packets of a decrypted RTCP datagram, compound or reduced-size (RFC 5506).
///
/// A malformed body yields an error and the iteration goes on; a malformed length, version or padding ends it after the error.
#[must_use]
pub fn iter(compound: &[u8]) -> Packets<'_> {
    Packets { rest: compound }
}

/// See [`iter`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, RtcpError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match split(self.rest) {
            Ok((raw, rest)) => {
                self.rest = rest;
                Some(raw.parse())
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

/// One packet with its common header read; `body` is what follows the header, without padding.
struct Raw<'a> {
    packet_type: u8,
    format: u8,
    body: &'a [u8],
}

#[inline]
fn split(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let Some((&[first, packet_type, l0, l1], tail)) = bytes.split_first_chunk::<4>() else {
        return Err(RtcpError::Truncated("the common header"));
    };
    if first >> 6 != 2 {
        return Err(RtcpError::Version(first >> 6));
    }
    let len = 4 * usize::from(u16::from_be_bytes([l0, l1]));
    let (mut body, rest) = tail.split_at_checked(len).ok_or(RtcpError::Truncated("the packet"))?;
    if first & 0x20 != 0 {
        let count = body.last().copied().unwrap_or(0);
        // RFC 3550 §6.4.1 wants a multiple of four, but the transport feedback of every browser is padded by one to three.
        let end = body.len().checked_sub(usize::from(count)).filter(|_| count != 0);
        body = &body[..end.ok_or(RtcpError::Padding(count))?];
    }
    Ok((Raw { packet_type, format: first & 0x1f, body }, rest))
}

impl<'a> Raw<'a> {
    #[inline]
    fn parse(&self) -> Result<Packet<'a>, RtcpError> {
        let body = self.body;
        Ok(match (self.packet_type, self.format) {
            (types::SENDER_REPORT, count) => Packet::SenderReport(SenderReport::parse(body, count)?),
            (types::RECEIVER_REPORT, count) => Packet::ReceiverReport(ReceiverReport::parse(body, count)?),
            (types::SOURCE_DESCRIPTION, count) => {
                Packet::SourceDescription(SourceDescription::parse(body, count)?)
            }
            (types::GOODBYE, count) => Packet::Goodbye(Goodbye::parse(body, count)?),
            (types::TRANSPORT_SPECIFIC, types::NACK) => Packet::Nack(Nack::parse(body)?),
            (types::TRANSPORT_SPECIFIC, types::TRANSPORT_CC) => {
                Packet::TransportFeedback(TransportFeedback::parse(body)?)
            }
            (types::PAYLOAD_SPECIFIC, types::PLI) => Packet::Pli(Pli::parse(body)?),
            (types::PAYLOAD_SPECIFIC, types::FIR) => Packet::Fir(Fir::parse(body)?),
            (types::PAYLOAD_SPECIFIC, types::APPLICATION) => match Remb::parse(body)? {
                Some(remb) => Packet::Remb(remb),
                None => Packet::Other { packet_type: self.packet_type, format: self.format },
            },
            (packet_type, format) => Packet::Other { packet_type, format },
        })
    }
}
