//! What a meeting wants done: a closed list.

use sfu::{Admission, ConnectionId, Control};
use shared::caption::Caption;
use shared::media::SourceKind;
use shared::meeting::{ChatMessage, Knock, Meeting, Reaction};
use shared::{DisplayName, PeerId};

use super::chronicle::Happening;

/// What the shell must do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// Hand the join of this connection to a shard, with this name and these permissions.
    Admit {
        /// Whose.
        connection: ConnectionId,
        /// What the others read.
        name: DisplayName,
        /// What is allowed.
        admission: Admission,
    },
    /// Tell the client that it waits to be let in.
    Wait {
        /// Whom.
        connection: ConnectionId,
    },
    /// Tell the client that something was not done.
    Refuse {
        /// Whom.
        connection: ConnectionId,
        /// Why.
        refusal: Refusal,
    },
    /// Tell the client something.
    Tell {
        /// Whom.
        connection: ConnectionId,
        /// What.
        told: Told,
    },
    /// Say goodbye to a client that has no seat.
    Dismiss {
        /// Whom.
        connection: ConnectionId,
        /// A host did not let it in; false: the meeting is over.
        is_denied: bool,
        /// A sentence for it.
        message: Option<String>,
    },
    /// The client that is about to be sent out is kept out. Comes before the control that sends it out.
    Ban {
        /// Whom.
        connection: ConnectionId,
    },
    /// Let the SFU do something.
    Control(Control),
    /// Keep something beyond a restart.
    Save(Change),
    /// Tell the operator's own servers, if they want to know.
    Happened(Happening),
}

/// What is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// What [`super::Meeting::saved`] gives is another.
    State,
    /// One more line that everybody may read; only the newest `CHAT_HISTORY_MAX` are needed.
    Line(ChatMessage),
    /// Nothing any more.
    Over,
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// The meeting as it may know it.
    Meeting(Meeting),
    /// Who waits.
    Knocks(Vec<Knock>),
    /// Lines of the chat.
    Chat(Vec<ChatMessage>),
    /// Somebody reacts.
    Reaction(PeerId, Reaction),
    /// What somebody says, in writing.
    Caption(Caption),
    /// Its own source was muted, by whom.
    Muted(SourceKind, Option<PeerId>),
    /// It is asked to switch a source on, by whom.
    AskedToUnmute(SourceKind, Option<PeerId>),
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Without a seat to come back to, a token is needed.
    TokenRequired,
    /// Kept out of this meeting.
    Banned,
    /// Nobody new comes in.
    Locked,
    /// A passcode is needed.
    PasscodeRequired,
    /// It is another one.
    PasscodeWrong,
    /// Too many were wrong.
    PasscodeLater {
        /// When to try again, in seconds from now.
        retry_after_s: u32,
    },
    /// Too many wait already.
    WaitingRoomFull,
    /// Only hosts may.
    HostsOnly {
        /// The `type` of the message.
        request: &'static str,
    },
    /// Hosts may not do this either.
    NotPossible {
        /// The `type` of the message.
        request: &'static str,
        /// A sentence.
        reason: &'static str,
    },
    /// Too much in too short a time.
    TooFast {
        /// The `type` of the message.
        request: &'static str,
    },
}
