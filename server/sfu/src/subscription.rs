//! Who watches what: the relation between publishers' streams and subscribers' slots.

use shared::SourceRef;

use crate::peer_table::PeerKey;
use crate::rtp::frame::Layers;
use crate::sdp::Codec;

/// One stream of one publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamKey {
    /// Whose.
    pub(crate) peer: PeerKey,
    /// Its place among the publisher's streams.
    pub(crate) stream: u8,
    /// The stream that was in that place when the key was made.
    pub(crate) token: u32,
}

/// A slot that shows a stream or waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watcher {
    /// Whose slot.
    pub(crate) peer: PeerKey,
    /// Its place among the subscriber's slots.
    pub(crate) slot: u8,
}

/// A stream together with what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Feed {
    /// The stream.
    pub(crate) stream: StreamKey,
    /// What the viewer is told.
    pub(crate) source: SourceRef,
    /// In which codec it is sent.
    pub(crate) codec: Codec,
    /// How much of it the slot shall pass on.
    pub(crate) layers: Layers,
}
