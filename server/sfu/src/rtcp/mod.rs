//! RTCP: reading compound packets without allocation and writing the packets an SFU sends.
//!
//! Reports, SDES and BYE are RFC 3550 §6; generic NACK and PLI RFC 4585 §6; FIR RFC 5104 §4.3.1; transport feedback
//! draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1; REMB draft-alvestrand-rmcat-remb-03 §2.2.

mod feedback;
mod read;
mod report;
mod transport_feedback;
mod write;

#[cfg(test)]
mod tests;

pub use feedback::{Fir, FirEntry, Nack, Pli, Remb};
pub use read::{Packet, Packets, iter};
pub use report::{Goodbye, ReceiverReport, ReportBlock, SenderInfo, SenderReport, SourceDescription};
pub use transport_feedback::{Arrival, Arrivals, TransportFeedback};
pub use write::Writer;

pub(crate) use transport_feedback::{LARGE_DELTA, MAX_RUN, NOT_RECEIVED, SMALL_DELTA, Symbol};
pub(crate) use write::packet_types;

/// Why bytes are not the RTCP they should be, or why a packet cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// The packet, or a list inside it, ends too early.
    #[error("the packet ends inside {0}")]
    Truncated(&'static str),
    /// The version is not 2.
    #[error("RTCP version {0}")]
    Version(u8),
    /// The padding length is zero or larger than the packet.
    #[error("padding of {0} bytes does not fit")]
    Padding(u8),
    /// A transport feedback uses the reserved status symbol 3.
    #[error("reserved packet status symbol")]
    ReservedSymbol,
    /// The output buffer is too small, or a count exceeds what the format can say.
    #[error("the packet does not fit the output buffer or the format")]
    NoSpace,
}

/// Reads a big-endian `u32`.
#[inline]
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.first_chunk::<4>().map(|word| u32::from_be_bytes(*word))
}
