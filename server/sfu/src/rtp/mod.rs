//! RTP (RFC 3550): headers, header extensions (RFC 8285), retransmission (RFC 4588), redundant audio (RFC 2198), and what can
//! be read of a codec: the payload descriptors of VP8 (RFC 7741) and VP9 (RFC 9628), H264 packets (RFC 6184), the dependency
//! descriptor of AV1.
//!
//! Everything here reads foreign bytes and runs once or more per forwarded packet: no allocation, no panic, no media payload
//! beyond the descriptor. A malformed packet is an [`RtpError`]; a malformed extension list ends early.

pub mod av1;
pub mod carried;
pub mod dependency_descriptor;
pub mod extension;
pub mod frame;
pub mod h264;
mod header;
pub mod identifier;
pub mod padding;
pub mod picture;
pub mod red;
pub mod rtx;
pub mod sequence;
pub mod vp8;
pub mod vp9;
mod write;

#[cfg(test)]
mod capture_tests;
#[cfg(test)]
mod tests;

pub use carried::{Carried, CarriedBuffer};
pub use extension::{AudioLevel, ExtensionKind, ExtensionMap, Extensions, KnownExtensions};
pub(crate) use header::FIXED_LEN;
pub use header::Header;
pub use sequence::SequenceUnwrapper;
pub use write::{MAX_HEADER_LEN, OutgoingHeader, WrittenHeader, abs_send_time};

/// Why bytes are not the RTP they should be, or why a packet cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// A field reaches beyond the end of the packet.
    #[error("the packet ends inside {0}")]
    Truncated(&'static str),
    /// The packet is longer than any UDP datagram.
    #[error("the packet is longer than 65535 bytes")]
    TooLong,
    /// The version is not 2.
    #[error("RTP version {0}")]
    Version(u8),
    /// The padding length is zero or larger than the payload.
    #[error("padding of {0} bytes does not fit the payload")]
    Padding(u8),
    /// An extension id outside 1..=14 and 16..=255, or one already given to another extension.
    #[error("extension id {0} is not usable")]
    ExtensionId(u8),
    /// More redundant blocks than are followed, or one that is older or longer than its header can say.
    #[error("the redundancy is beyond its bounds")]
    Redundancy,
    /// A field has a value that it cannot have.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The output buffer is too small.
    #[error("the output buffer is too small")]
    NoSpace,
}
