//! What the server says.

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Version};
use crate::caption::Caption;
use crate::identity::{DisplayName, PeerId, ResumeToken};
use crate::media::{MediaState, SourceKind, SourceRef};
use crate::meeting::{ChatMessage, Knock, Meeting, Reaction};

/// A message from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// You are in. Answers a hello.
    Welcome(Welcome),
    /// Answers an offer.
    Answer(Answer),
    /// The whole room; replaces everything known before.
    Snapshot(Snapshot),
    /// What changed; applies only when `revision` is one more than the client's.
    Delta {
        /// The room's revision after these changes.
        revision: u32,
        /// In the order they happened.
        changes: Vec<Change>,
    },
    /// What flows in every slot now; replaces the earlier map.
    SlotMap {
        /// Every negotiated slot, audio and video.
        slots: Vec<SlotAssignment>,
    },
    /// Which pictures of the client's own are wanted; replaces what was asked before, and holds until the
    /// connection ends. Sent only to clients with the capability [`super::CAPABILITY_LAYERS`].
    Layers {
        /// Publications that are not named are sent whole.
        publications: Vec<RequestedLayers>,
    },
    /// Who is speaking, loudest first; sent when it changes.
    Speakers {
        /// Empty when nobody speaks.
        speakers: Vec<Speaker>,
    },
    /// You are asked to wait until a host lets you in. A welcome, an error or a goodbye follows.
    Waiting,
    /// The meeting beyond its roster; replaces what was known. Follows every welcome, and comes when it changes.
    Meeting(Meeting),
    /// Who waits to be let in, the longest first; replaces what was known. Only for hosts.
    Knocks {
        /// Empty when nobody waits.
        knocks: Vec<Knock>,
    },
    /// Lines of the chat that the client may not know yet, oldest first. After every welcome: what is kept of the
    /// meeting's.
    Chat {
        /// At most [`crate::limits::CHAT_LINES_MAX`].
        lines: Vec<ChatMessage>,
    },
    /// Somebody reacts.
    Reaction {
        /// Who.
        peer: PeerId,
        /// How.
        reaction: Reaction,
    },
    /// What somebody says, in writing. Sent only to clients that asked for captions with `want_captions`.
    Caption(Caption),
    /// A host did something to the client's own sources.
    Moderated(Moderated),
    /// Answers a ping.
    Pong {
        /// The ping's number.
        nonce: u32,
    },
    /// Something was not done. The connection stays open unless a goodbye follows.
    Error(Fault),
    /// The server closes this connection.
    Goodbye(Goodbye),
}

impl ServerMessage {
    /// The `type` of every message a client of this version understands.
    pub const KINDS: [&'static str; 17] = [
        "welcome",
        "answer",
        "snapshot",
        "delta",
        "slot_map",
        "layers",
        "speakers",
        "waiting",
        "meeting",
        "knocks",
        "chat",
        "reaction",
        "caption",
        "moderated",
        "pong",
        "error",
        "goodbye",
    ];
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version both sides speak from now on.
    pub version: Version,
    /// What the server can do beyond this version.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The client's own seat.
    pub peer: PeerId,
    /// Gives this seat back after a lost connection or a reload.
    pub resume: ResumeToken,
    /// Whether an earlier seat was given back; when false after a resume, everything starts anew.
    pub resumed: bool,
    /// Whether the seat's media transport is alive: then nothing needs to be offered again.
    pub media_alive: bool,
    /// A client that hears nothing for this long, in milliseconds, should reconnect; ping at a third of it.
    pub timeout_ms: u32,
    /// The video codecs that flow in this room, best first: `vp8`, `vp9`, `h264`, `av1`, and names of newer versions, which are
    /// to be passed over. Nothing else is forwarded; empty: it was not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub video_codecs: Vec<String>,
    /// The room as it is now, the client's own seat included.
    pub snapshot: Snapshot,
}

/// The answer to an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The offer's number.
    pub negotiation: u32,
    /// The session description (RFC 8866).
    pub sdp: String,
}

/// The whole room at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts up by one with every delta.
    pub revision: u32,
    /// Everybody in the room, in order of arrival.
    pub participants: Vec<Participant>,
}

/// One person in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The seat.
    pub peer: PeerId,
    /// What is shown under the picture.
    pub name: DisplayName,
    /// What is live.
    pub media: MediaState,
    /// Whether the person is reachable.
    pub presence: Presence,
    /// Who this is to the page that embeds the meeting, from the join token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What that page attached, from the join token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// Whether a participant is reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Signaling is connected.
    Connected,
    /// Signaling was lost; the seat is held for a while.
    Reconnecting,
    /// A state of a newer server; to be taken for connected.
    #[serde(other)]
    Unknown,
}

/// One change of the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Somebody new.
    Joined {
        /// Who.
        participant: Participant,
    },
    /// Name, media or presence changed; replaces what was known.
    Updated {
        /// As it is now.
        participant: Participant,
    },
    /// Somebody is gone.
    Left {
        /// Who.
        peer: PeerId,
        /// Why.
        departure: Departure,
    },
}

/// Why somebody is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Departure {
    /// They left.
    Left,
    /// Their connection was lost and did not come back.
    TimedOut,
    /// A host sent them out.
    Removed,
    /// A reason of a newer server.
    #[serde(other)]
    Unknown,
}

/// What flows in one slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotAssignment {
    /// The slot: the `a=mid` of a receiving m-line.
    pub mid: String,
    /// Whose media; nothing when the slot is empty, or shows a kind of source of a newer server.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_source")]
    pub source: Option<SourceRef>,
    /// Set when nothing flows although something is assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseReason>,
}

/// A source whose kind this version does not know is no source for it.
fn known_source<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SourceRef>, D::Error> {
    let source = Option::<AnySourceRef>::deserialize(deserializer)?;
    Ok(source.and_then(|AnySourceRef { peer, kind }| match kind {
        AnySourceKind::Known(kind) => Some(SourceRef { peer, kind }),
        AnySourceKind::Other(_) => None,
    }))
}

/// A [`SourceRef`] of any version.
#[derive(Deserialize)]
struct AnySourceRef {
    peer: PeerId,
    kind: AnySourceKind,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnySourceKind {
    Known(SourceKind),
    Other(#[expect(dead_code, reason = "only that it is a name matters")] String),
}

/// Why an assigned slot is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The participant muted this source.
    Muted,
    /// The participant does not send it yet.
    NotSent,
    /// The viewer's connection does not carry it.
    Bandwidth,
    /// The participant sends it in a codec that the viewer did not accept.
    Codec,
    /// The server has more to do than it can.
    Overload,
    /// A reason of a newer server.
    #[serde(other)]
    Unknown,
}

/// What to send of one publication. Everything else of it is not wanted by anybody at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedLayers {
    /// The `a=mid` of a sending m-line.
    pub mid: String,
    /// False: send nothing of it.
    pub active: bool,
    /// The simulcast layers to send, by `a=rid` (RFC 8851); empty without simulcast.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rids: Vec<String>,
    /// Nobody shows it with more lines than this, so that it may be sent smaller; nothing: it is wanted in full size. Only of
    /// what is sent without simulcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u16>,
}

/// Somebody who is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// Who.
    pub peer: PeerId,
    /// Loudness from 0 (silent) to 127 (as loud as can be): 127 minus the RFC 6464 level.
    pub level: u8,
}

/// Something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what happened and what to do.
    pub message: String,
    /// The `type` of the message that caused it, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// When to try again, in seconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

/// The server ends the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeReason,
    /// When to come back, in milliseconds from now; absent: do not come back by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// A sentence of a host for this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Why the server ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoodbyeReason {
    /// The server restarts or moves; come back.
    Restarting,
    /// The seat was taken over by another connection with the same resume token.
    Replaced,
    /// The client broke the protocol's bounds.
    ProtocolViolation,
    /// The client did not read its messages; come back and resync.
    TooSlow,
    /// The client said leave.
    Left,
    /// A host sent the client out.
    Removed,
    /// A host, or the operator, sent the client out of this meeting and keeps it out.
    Banned,
    /// A host did not let the client in.
    Denied,
    /// A host, or the operator, ended the meeting for everybody.
    Ended,
    /// A reason of a newer server.
    #[serde(other)]
    Unknown,
}

/// What a host did to a source of the client's own. The client mutes itself; it never unmutes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moderated {
    /// What was done.
    pub what: ModeratedHow,
    /// With which source.
    pub kind: SourceKind,
    /// By whom; nothing: by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PeerId>,
}

/// See [`Moderated`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeratedHow {
    /// It was muted.
    Muted,
    /// The person is asked to switch it on, and may.
    AskedToUnmute,
    /// Something of a newer server.
    #[serde(other)]
    Unknown,
}
