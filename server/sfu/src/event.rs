//! What the SFU tells the shell: a closed list, each addressed to one signaling connection.

use std::time::Instant;

use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceRef};

use crate::command::{ConnectionId, Identity};
use crate::sdp::Codec;

/// A message for one client, and who it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whom to tell.
    pub connection: ConnectionId,
    /// What to tell.
    pub notice: Notice,
}

/// What to tell a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The client is in its room.
    Welcomed {
        /// Its seat.
        peer: PeerId,
        /// Gives the seat back later.
        resume: ResumeToken,
        /// Whether this is an earlier seat given back.
        resumed: bool,
        /// Whether the seat's media transport is still up, so that no new offer is needed.
        media_alive: bool,
        /// What flows here, best first.
        video_codecs: Vec<Codec>,
        /// The room, this seat included.
        roster: Roster,
    },
    /// The answer to an offer.
    Answered {
        /// The offer's number.
        negotiation: u32,
        /// RFC 8866 text.
        sdp: String,
    },
    /// The whole room.
    Snapshot(Roster),
    /// One change of the room.
    Changed {
        /// The room's revision after the change.
        revision: u32,
        /// What changed.
        change: Change,
    },
    /// What flows in every slot of this client.
    SlotMap(Vec<SlotState>),
    /// Which of its pictures the client shall send; replaces what was asked before. Publications that are not
    /// named are sent whole. Told only to clients that can suspend layers.
    Layers(Vec<RequestedLayers>),
    /// Who is heard, loudest first: level 0 (silent) to 127.
    Speakers(Vec<(PeerId, u8)>),
    /// A command was not carried out.
    Refused {
        /// For programs.
        refusal: Refusal,
        /// For people: what is wrong, with field and bound, and what to do.
        message: String,
    },
    /// The connection's seat is no longer its own; the shell closes the connection.
    Closed(CloseReason),
}

/// The room at one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// Counts up by one with every change.
    pub revision: u32,
    /// In order of arrival.
    pub seats: Vec<Seat>,
}

/// A participant as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Who.
    pub peer: PeerId,
    /// What the others read.
    pub name: DisplayName,
    /// What is live.
    pub media: MediaState,
    /// Whether signaling is connected.
    pub connected: bool,
    /// Who this is outside of the meeting.
    pub identity: Identity,
}

/// A seat whose home is here has another owner, or none: for whoever keeps the rules of the rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeatChange {
    /// A connection has taken it, anew or again.
    Taken {
        /// In which room.
        room: RoomId,
        /// Whose.
        peer: PeerId,
        /// Which connection.
        connection: ConnectionId,
        /// Gives it back later.
        resume: ResumeToken,
    },
    /// It is given up.
    GivenUp {
        /// In which room.
        room: RoomId,
        /// Whose.
        peer: PeerId,
        /// Until when its token still gives the same participant back; nothing: it is worth nothing any more.
        back_until: Option<Instant>,
    },
}

/// A change of the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Somebody new.
    Joined(Seat),
    /// Something about somebody is different.
    Updated(Seat),
    /// Somebody left of their own will.
    Left(PeerId),
    /// Somebody's connection was lost and did not come back.
    TimedOut(PeerId),
    /// Somebody was sent out.
    Removed(PeerId),
}

/// One slot of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotState {
    /// The slot's mid.
    pub mid: String,
    /// What is assigned to it.
    pub source: Option<SourceRef>,
    /// Why nothing flows although something is assigned.
    pub paused: Option<Pause>,
}

/// What shall be sent of one publication; the rest is not wanted by anybody at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedLayers {
    /// The sending m-line's mid.
    pub mid: String,
    /// False: nothing of it.
    pub active: bool,
    /// The simulcast layers to send; empty without simulcast.
    pub rids: Vec<String>,
    /// Nobody shows it with more lines; nothing: it is wanted in full size, or sent with simulcast.
    pub max_height: Option<u16>,
}

/// Why an assigned slot is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The participant muted it.
    Muted,
    /// The participant does not send it yet.
    NotSent,
    /// The participant sends it in a codec that the viewer cannot show.
    Codec,
    /// The viewer's own connection does not carry it beside what is more important.
    Bandwidth,
    /// The server has more to do than it can, and gave up pictures that are less important.
    Overload,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The room has as many participants as allowed.
    RoomFull,
    /// The shard has as many peers as it can carry.
    Full {
        /// When to try again, in seconds from now.
        retry_after_s: u32,
    },
    /// The resume token is not known any more (told after the `Welcomed` with a new seat).
    ResumeExpired,
    /// The session description cannot be used.
    InvalidOffer,
    /// A want or a source names an m-line that was not negotiated.
    UnknownSlot,
    /// The connection has not joined, or joined already.
    Unexpected,
    /// The media connection cannot be encrypted and is over; a new PeerConnection is needed.
    TransportFailed,
    /// A peer's state failed; the peer was dropped and may join again.
    Internal,
}

/// Why a connection's seat is no longer its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// Another connection presented the same resume token.
    Replaced,
    /// The participant left.
    Left,
    /// The peer's state failed and was dropped; joining again gives a new one.
    Failed,
    /// Somebody who may sent the participant out.
    Removed,
    /// The room was ended for everybody.
    Ended,
}
