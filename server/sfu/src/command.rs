//! What the shell tells the SFU.

use std::fmt;
use std::sync::Arc;

use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind, SourceRef};

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
        /// What whoever let it in allows.
        admission: Admission,
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

/// What those who lead a room, or the operator, ask. What names somebody who is gone does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// What a peer may have live from now on; what is live beyond it is silent at once.
    Allow {
        /// Whose.
        peer: PeerId,
        /// True: may be live.
        allowed: MediaState,
    },
    /// Silences a source until its owner says again that it is live. The sound of a screen goes with the screen.
    Mute {
        /// Whose.
        peer: PeerId,
        /// Which.
        kind: SourceKind,
    },
    /// Takes a seat away, and what its token is worth.
    Remove {
        /// Whose.
        peer: PeerId,
    },
    /// Takes everybody out of a room, and what their tokens are worth.
    End {
        /// Which.
        room: RoomId,
    },
}

/// With what somebody is let into a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// What may be live; the rest is not passed on, whatever the client sends or says.
    pub allowed: MediaState,
    /// The others are not told of this seat, and nothing of it may be live.
    pub is_hidden: bool,
    /// Most participants of the room for this one to come in; the SFU's own bound holds as well.
    pub participants_max: Option<usize>,
    /// Who it is to somebody else.
    pub identity: Identity,
}

impl Default for Admission {
    /// Everything is allowed.
    fn default() -> Self {
        let allowed = MediaState { microphone: true, camera: true, screen: true };
        Self { allowed, is_hidden: false, participants_max: None, identity: Identity::default() }
    }
}

/// Who a participant is outside of the meeting. Told to the others, and not looked at.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// A name in another system.
    pub external_id: Option<Arc<str>>,
    /// What that system attached.
    pub metadata: Option<Arc<str>>,
}

impl fmt::Debug for Identity {
    /// Without what may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
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
