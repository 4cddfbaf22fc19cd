//! What the shell tells the SFU.

use shared::{DisplayName, MediaState, ResumeToken, RoomId, SourceKind, SourceRef};

/// One signaling connection. The shell numbers them; a number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A request of one client, already decoded and within `shared::limits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A client wants into a room. Answered by [`crate::Notice::Welcomed`] or [`crate::Notice::Refused`].
    Join {
        /// From.
        connection: ConnectionId,
        /// Which room; it is created when it does not exist.
        room: RoomId,
        /// What the others read.
        name: DisplayName,
        /// What is live from the start.
        media: MediaState,
        /// An earlier seat to be given back.
        resume: Option<ResumeToken>,
        /// The client can pause single layers of what it sends: [`crate::Notice::Layers`].
        suspends_layers: bool,
    },
    /// A session description. Answered by [`crate::Notice::Answered`] or [`crate::Notice::Refused`].
    Offer {
        /// From.
        connection: ConnectionId,
        /// The offer's number, repeated in the answer.
        negotiation: u32,
        /// RFC 8866 text.
        sdp: String,
        /// What each sending m-line carries, by mid.
        sources: Vec<(String, SourceKind)>,
    },
    /// What the video slots shall show; replaces earlier wants. Answered by [`crate::Notice::SlotMap`].
    Wants {
        /// From.
        connection: ConnectionId,
        /// At most one a slot.
        wants: Vec<Want>,
    },
    /// What is live now.
    SetMedia {
        /// From.
        connection: ConnectionId,
        /// As it is now.
        media: MediaState,
    },
    /// A new display name.
    Rename {
        /// From.
        connection: ConnectionId,
        /// As it is now.
        name: DisplayName,
    },
    /// The client lost track; answered by [`crate::Notice::Snapshot`] and [`crate::Notice::SlotMap`].
    Resync {
        /// From.
        connection: ConnectionId,
    },
    /// The participant leaves for good.
    Leave {
        /// From.
        connection: ConnectionId,
    },
    /// The connection is gone without a word; the seat is held for a while.
    Disconnect {
        /// From.
        connection: ConnectionId,
    },
}

/// What one video slot shall show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The slot's mid.
    pub mid: String,
    /// Whose picture.
    pub source: SourceRef,
    /// Height of the tile in pixels.
    pub max_height: u16,
    /// Larger wins.
    pub priority: u8,
}
