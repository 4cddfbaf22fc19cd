//! What a client says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Version;
use crate::caption::CaptionCue;
use crate::identity::{DisplayName, PeerId, ResumeToken, RoomId};
use crate::media::{MediaState, SourceKind, SourceRef};
use crate::meeting::{Policy, Reaction};

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
    /// I write a line.
    Chat(Chat),
    /// I react; everybody sees it for a moment.
    React {
        /// How.
        reaction: Reaction,
    },
    /// My hand is up, or down again.
    Hand {
        /// Whether it is up.
        raised: bool,
    },
    /// I write down what somebody says. Refused with `forbidden` unless my token lets me.
    Caption(CaptionCue),
    /// I show captions, or not any more. On a new connection nobody does before this is said.
    WantCaptions {
        /// Whether they are to be sent to me.
        wanted: bool,
    },
    /// I lead the meeting. Refused with `forbidden` unless the server knows that I do.
    Moderate(Moderation),
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
    pub const KINDS: [&'static str; 14] = [
        "hello",
        "offer",
        "wants",
        "media",
        "rename",
        "chat",
        "react",
        "hand",
        "caption",
        "want_captions",
        "moderate",
        "resync",
        "ping",
        "leave",
    ];
}

/// The first message on every connection, first or resumed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A signed join token: says what the client may do here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The meeting's passcode, where one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passcode: Option<String>,
}

impl fmt::Debug for Hello {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello")
            .field("version", &self.version)
            .field("capabilities", &self.capabilities)
            .field("room", &self.room)
            .field("name", &self.name)
            .field("media", &self.media)
            .field("resume", &self.resume)
            .field("token", &self.token.as_ref().map(|_| "secret"))
            .field("passcode", &self.passcode.as_ref().map(|_| "secret"))
            .finish()
    }
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

/// A line for the chat. Comes back to its author in [`super::ServerMessage::Chat`] once everybody may see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Counts up with every line of this client; a line that is said again with the same number is not doubled.
    pub number: u32,
    /// The only reader; nothing: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PeerId>,
    /// What is written: not empty, no control characters but line breaks and tabs.
    pub text: String,
}

impl fmt::Debug for Chat {
    /// Without what is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("number", &self.number).field("to", &self.to).finish_non_exhaustive()
    }
}

/// What a host does. What names somebody who is gone does nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Moderation {
    /// Silences a source. Nobody can switch on what is another's.
    Mute {
        /// Whose.
        peer: PeerId,
        /// Which.
        kind: SourceKind,
    },
    /// Silences every microphone but the hosts'.
    MuteAll,
    /// Asks somebody to switch a source on, and allows it to them.
    AskToUnmute {
        /// Whom.
        peer: PeerId,
        /// Which.
        kind: SourceKind,
    },
    /// Takes a hand down.
    LowerHand {
        /// Whose.
        peer: PeerId,
    },
    /// Takes all hands down.
    LowerAllHands,
    /// Sends somebody out.
    Remove {
        /// Whom.
        peer: PeerId,
        /// Whether they are kept out as long as the meeting lasts.
        ban: bool,
    },
    /// Makes somebody a host, or no host any more. The last host stays one.
    SetHost {
        /// Whom.
        peer: PeerId,
        /// Whether they lead the meeting.
        host: bool,
    },
    /// Lets somebody in who waits.
    Admit {
        /// Who.
        knock: u32,
    },
    /// Lets everybody in who waits.
    AdmitAll,
    /// Does not let somebody in.
    Deny {
        /// Who.
        knock: u32,
        /// A sentence for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The rules from now on.
    SetPolicy {
        /// All of them.
        policy: Policy,
    },
    /// The passcode from now on.
    SetPasscode {
        /// Nothing: none is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passcode: Option<String>,
    },
    /// Ends the meeting for everybody.
    End,
}

impl fmt::Debug for Moderation {
    /// Only which it is: the fields name people and secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mute { .. } => "Mute",
            Self::MuteAll => "MuteAll",
            Self::AskToUnmute { .. } => "AskToUnmute",
            Self::LowerHand { .. } => "LowerHand",
            Self::LowerAllHands => "LowerAllHands",
            Self::Remove { .. } => "Remove",
            Self::SetHost { .. } => "SetHost",
            Self::Admit { .. } => "Admit",
            Self::AdmitAll => "AdmitAll",
            Self::Deny { .. } => "Deny",
            Self::SetPolicy { .. } => "SetPolicy",
            Self::SetPasscode { .. } => "SetPasscode",
            Self::End => "End",
        })
    }
}
