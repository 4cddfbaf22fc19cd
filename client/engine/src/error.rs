//! What a person is told when something does not work: the one place where codes become sentences.

use shared::meeting::{ChatMessage, Knock};
use shared::protocol::{Departure, ErrorCode, Fault, Goodbye, GoodbyeReason, VersionMismatch};
use shared::{DisplayName, PeerId, SourceKind};

/// Why a session is over. [`EndReason::sentence`] says it to the participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// The participant left.
    Left,
    /// The seat is used in another tab or window.
    Replaced,
    /// Page and server speak different versions of the protocol.
    VersionMismatch {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// The room has as many participants as it can hold.
    RoomFull {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// So many wait to be let in that nobody else may.
    WaitingRoomFull {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// A host sent the participant out.
    Removed,
    /// A host did not let the participant in.
    Denied {
        /// What the host wrote, as text.
        message: Option<String>,
    },
    /// The meeting was ended for everybody.
    MeetingEnded,
    /// The participant was sent out of this meeting and is kept out.
    Banned {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// A host locked the meeting.
    Locked {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// The join token is missing, too old, or not one for this meeting.
    TokenRefused {
        /// For programs: which of these.
        code: ErrorCode,
        /// What is wrong and what to do.
        sentence: String,
    },
    /// The server refused this client or closed its connection for good.
    Refused {
        /// For programs.
        cause: Cause,
        /// What is wrong and what to do.
        sentence: String,
    },
}

/// Why the server wants nothing of this client any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It did not let the client in.
    Error(ErrorCode),
    /// It closed the connection.
    Goodbye(GoodbyeReason),
}

impl EndReason {
    /// One plain sentence for the page that is shown now.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self {
            Self::Left => "You left the meeting.",
            Self::Replaced => "This meeting is open in another tab or window; go on there.",
            Self::Removed => "A host removed you from the meeting.",
            Self::Denied { message } => message.as_deref().unwrap_or("A host did not let you in."),
            Self::MeetingEnded => "The meeting was ended for everybody.",
            Self::VersionMismatch { sentence }
            | Self::RoomFull { sentence }
            | Self::WaitingRoomFull { sentence }
            | Self::Banned { sentence }
            | Self::Locked { sentence }
            | Self::TokenRefused { sentence, .. }
            | Self::Refused { sentence, .. } => sentence,
        }
    }

    pub(crate) fn from_version(mismatch: VersionMismatch) -> Self {
        Self::VersionMismatch { sentence: mismatch.to_string() }
    }

    /// The end that a goodbye without a time to come back means.
    pub(crate) fn from_goodbye(goodbye: &Goodbye) -> Self {
        let sentence = match goodbye.reason {
            GoodbyeReason::Left => return Self::Left,
            GoodbyeReason::Replaced => return Self::Replaced,
            GoodbyeReason::Removed => return Self::Removed,
            GoodbyeReason::Banned => {
                return Self::Banned { sentence: sentence_of(ErrorCode::Banned).to_owned() };
            }
            GoodbyeReason::Denied => {
                let message = goodbye.message.as_deref().map(plain);
                return Self::Denied { message: message.filter(|text| !text.trim().is_empty()) };
            }
            GoodbyeReason::Ended => return Self::MeetingEnded,
            GoodbyeReason::Restarting => "The server was shut down. Reload the page to try again.",
            GoodbyeReason::ProtocolViolation => {
                "The server did not understand this page. Reload the page to get the version that fits."
            }
            GoodbyeReason::TooSlow => {
                "This device or its connection could not keep up with the meeting. Reload the page to try again."
            }
            GoodbyeReason::Unknown => "The server ended the connection. Reload the page to try again.",
        };
        Self::Refused { cause: Cause::Goodbye(goodbye.reason), sentence: sentence.to_owned() }
    }
}

/// The latest thing that the server did not do, for the participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// For programs.
    pub code: ErrorCode,
    /// For people, at most `SENTENCE_CHARS_MAX` characters.
    pub sentence: String,
}

impl Problem {
    /// The server's own sentence when it sent one, else ours.
    pub(crate) fn from_fault(fault: &Fault) -> Self {
        let theirs = plain(&fault.message);
        let sentence = if theirs.trim().is_empty() { sentence_of(fault.code).to_owned() } else { theirs };
        Self { code: fault.code, sentence }
    }
}

/// Something to show for a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Somebody came.
    Arrived {
        /// Who.
        peer: PeerId,
        /// As the others read it.
        name: DisplayName,
    },
    /// Somebody went.
    Departed {
        /// Who.
        peer: PeerId,
        /// As the others read it.
        name: DisplayName,
        /// Why.
        departure: Departure,
    },
    /// The earlier seat was not held any longer: the participant is in the room anew.
    SeatLost,
    /// The connection is back after it was lost.
    Reconnected,
    /// A line of somebody else, written while the participant was there.
    Written(ChatMessage),
    /// Somebody waits to be let in. Only for hosts.
    Knocked(Knock),
    /// Somebody raised a hand.
    HandRaised {
        /// Who.
        peer: PeerId,
        /// As the others read it.
        name: DisplayName,
    },
    /// A host silenced a source of the participant.
    Silenced {
        /// Which.
        kind: SourceKind,
        /// Who did it; nothing: the operator, or somebody who is gone.
        by: Option<DisplayName>,
    },
    /// A source of the participant is off, because the rules do not let it be on.
    NotAllowed {
        /// Which.
        kind: SourceKind,
    },
    /// The participant leads the meeting from now on.
    BecameHost,
    /// The participant does not lead the meeting any longer.
    NoLongerHost,
    /// What the participant did just now was not sent: there is no connection.
    NotConnected,
    /// Something did not work; the session goes on.
    Problem(Problem),
}

/// Longest sentence taken over from a server, in characters.
pub(crate) const SENTENCE_CHARS_MAX: usize = 300;

/// A foreign text on one line, cut to [`SENTENCE_CHARS_MAX`].
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SENTENCE_CHARS_MAX).collect()
}

const fn sentence_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidMessage
        | ErrorCode::UnknownMessage
        | ErrorCode::MessageTooLong
        | ErrorCode::UnexpectedMessage
        | ErrorCode::UnknownSlot => "The server did not understand this page. Reload the page.",
        ErrorCode::RateLimited => "Too many changes in a short time; the latest ones follow in a moment.",
        ErrorCode::UnsupportedVersion => "This page and the server do not fit together. Reload the page.",
        ErrorCode::RoomFull => "The meeting is full. Ask somebody to leave, then try again.",
        ErrorCode::ServerBusy => "The server is busy; this page keeps trying.",
        ErrorCode::TokenRequired => "You need a personal link to join this meeting. Ask whoever invited you.",
        ErrorCode::TokenInvalid => {
            "This link does not fit this meeting. Ask whoever invited you for a new one."
        }
        ErrorCode::TokenExpired => {
            "This link is not valid any more, or not yet. Ask whoever invited you for a new one."
        }
        ErrorCode::PasscodeRequired => "This meeting asks for a passcode.",
        ErrorCode::PasscodeWrong => "This is not the meeting's passcode.",
        ErrorCode::RoomLocked => "A host locked the meeting. Ask to be let in, then try again.",
        ErrorCode::WaitingRoomFull => "Too many people wait to be let in. Try again in a few minutes.",
        ErrorCode::Banned => "You were removed from this meeting and cannot come back.",
        ErrorCode::Forbidden => "You may not do this in this meeting.",
        ErrorCode::ResumeExpired => "Your earlier seat was given up; you joined anew.",
        ErrorCode::InvalidOffer => "Sound and picture could not be set up; this page tries again.",
        ErrorCode::Internal | ErrorCode::Unknown => "Something failed on the server; this page tries again.",
    }
}
