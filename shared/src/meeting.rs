//! What a meeting is beyond its media: who leads it, who may do what, and what is said in writing.

use serde::{Deserialize, Serialize};

use crate::identity::{DisplayName, PeerId};
use crate::media::SourceKind;

/// Whom something is allowed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody in the meeting.
    #[default]
    Everyone,
    /// The hosts.
    Hosts,
    /// A value of a newer version; to be taken for hosts.
    #[serde(other)]
    Unknown,
}

impl Audience {
    /// Whether somebody may who is a host or is not.
    #[must_use]
    pub const fn admits(self, is_host: bool) -> bool {
        is_host || matches!(self, Self::Everyone)
    }
}

/// The rules of one meeting. Hosts change them; the server enforces them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Nobody new comes in, hosts excepted.
    pub locked: bool,
    /// Who comes waits until a host lets them in, hosts excepted.
    pub waiting_room: bool,
    /// Who may share a screen.
    pub share: Audience,
    /// Who may write to everybody and to single people. Anybody may always write to a host.
    pub chat: Audience,
    /// Who may turn the own microphone on. Who was asked to by a host may, until they are muted again.
    pub unmute: Audience,
}

/// What one participant may do at the moment. The server has the last word whatever a client believes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// Leads the meeting: may moderate.
    pub host: bool,
    /// What may be live.
    pub publish: Vec<SourceKind>,
    /// May write to everybody.
    pub chat: bool,
}

/// A meeting beyond its roster, as one participant may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// The rules.
    pub policy: Policy,
    /// Whether a passcode is asked for.
    pub passcode: bool,
    /// Who leads the meeting.
    pub hosts: Vec<PeerId>,
    /// Whose hands are up, the longest first.
    pub hands: Vec<PeerId>,
    /// What the reader may do.
    pub you: Permissions,
}

/// Somebody who waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knock {
    /// Names this knock while it lasts.
    pub knock: u32,
    /// What they call themselves.
    pub name: DisplayName,
}

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Counts up within the meeting; the same line always has the same number.
    pub id: u32,
    /// When the server had it: seconds since the Unix epoch.
    pub at_s: u32,
    /// The author's seat.
    pub from: PeerId,
    /// The author's name then.
    pub name: DisplayName,
    /// The only reader besides the author; nothing: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ChatRecipient>,
    /// What was written, as text.
    pub text: String,
    /// Only for the author: the number of the message that this line came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
}

/// Whom a private line is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRecipient {
    /// The reader's seat.
    pub peer: PeerId,
    /// The reader's name then.
    pub name: DisplayName,
}

/// A short sign that everybody sees and nobody keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// 👍
    ThumbsUp,
    /// 👎
    ThumbsDown,
    /// ❤️
    Heart,
    /// 👏
    Clap,
    /// 😂
    Laugh,
    /// 😮
    Surprise,
    /// 😢
    Sad,
    /// 🎉
    Party,
    /// A sign of a newer version; not to be shown.
    #[serde(other)]
    Unknown,
}
