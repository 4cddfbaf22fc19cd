//! What a client says.

use serde::{Deserialize, Serialize};

use super::Version;
use crate::identity::{DisplayName, ResumeToken, RoomId};
use crate::media::{MediaState, SourceKind, SourceRef};

/// A message from a client. The first must be [`ClientMessage::Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Who I am and where I want to be. Answered by a welcome or an error.
    Hello(Hello),
    /// A session description; answered by an answer with the same number, or an error.
    Offer(Offer),
    /// What each video slot should show: replaces all earlier wants. Answered by a slot map.
    Wants {
        /// One entry a slot; slots that are not named show nothing.
        wants: Vec<Want>,
    },
    /// What I publish now. Muting stops sending; nothing is negotiated.
    Media(MediaState),
    /// I am called differently from now on.
    Rename {
        /// The new name.
        name: DisplayName,
    },
    /// My revision has a gap; send a snapshot.
    Resync,
    /// Are you there? Answered by a pong with the same number.
    Ping {
        /// Any number.
        nonce: u32,
    },
    /// I leave for good; the seat is given up at once.
    Leave,
}

impl ClientMessage {
    /// The `type` of every message a server of this version understands.
    pub const KINDS: [&'static str; 8] =
        ["hello", "offer", "wants", "media", "rename", "resync", "ping", "leave"];
}

/// The first message on every connection, first or resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol the client speaks.
    pub version: Version,
    /// Optional abilities of the client; names that the server does not know are ignored.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The room to be in.
    pub room: RoomId,
    /// What the others shall read.
    pub name: DisplayName,
    /// What is published from the start.
    #[serde(default)]
    pub media: MediaState,
    /// Gives an earlier seat back, when the server still holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<ResumeToken>,
}

/// A WebRTC offer. The client is always the offerer, so there is no glare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Counts up by one with every offer of this seat; the answer repeats it.
    pub negotiation: u32,
    /// The session description (RFC 8866).
    pub sdp: String,
    /// What the sending m-lines carry. Receiving m-lines are slots and are not listed.
    pub sources: Vec<PublishedMid>,
}

/// Which source an m-line carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedMid {
    /// The m-line's `a=mid`.
    pub mid: String,
    /// What flows in it.
    pub kind: SourceKind,
}

/// What one video slot should show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The slot: the `a=mid` of a receiving video m-line.
    pub mid: String,
    /// Whose picture.
    pub source: SourceRef,
    /// Height of the tile in device pixels: the best layer up to about this height is sent.
    pub max_height: u16,
    /// 0 is the least; larger wins when the bandwidth does not suffice for all.
    pub priority: u8,
}
