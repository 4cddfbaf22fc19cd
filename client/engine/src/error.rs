//! What a person is told when something does not work: the one place where codes become sentences.

use shared::protocol::{Departure, ErrorCode, Fault, GoodbyeReason, VersionMismatch};
use shared::{DisplayName, PeerId};

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
    /// The server refused this client or closed its connection for good.
    Refused {
        /// What is wrong and what to do.
        sentence: String,
    },
}

impl EndReason {
    /// One plain sentence for the page that is shown now.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self {
            Self::Left => "You left the meeting.",
            Self::Replaced => "This meeting is open in another tab or window; go on there.",
            Self::VersionMismatch { sentence } | Self::RoomFull { sentence } | Self::Refused { sentence } => {
                sentence
            }
        }
    }

    pub(crate) fn from_version(mismatch: VersionMismatch) -> Self {
        Self::VersionMismatch { sentence: mismatch.to_string() }
    }

    /// The end that a goodbye without a time to come back means.
    pub(crate) fn from_goodbye(reason: GoodbyeReason) -> Self {
        let sentence = match reason {
            GoodbyeReason::Left => return Self::Left,
            GoodbyeReason::Replaced => return Self::Replaced,
            GoodbyeReason::Restarting => "The server was shut down. Reload the page to try again.",
            GoodbyeReason::ProtocolViolation => {
                "The server did not understand this page. Reload the page to get the version that fits."
            }
            GoodbyeReason::TooSlow => {
                "This device or its connection could not keep up with the meeting. Reload the page to try again."
            }
            GoodbyeReason::Unknown => "The server ended the connection. Reload the page to try again.",
        };
        Self::Refused { sentence: sentence.to_owned() }
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
        let theirs: String =
            fault.message.chars().filter(|c| !c.is_control()).take(SENTENCE_CHARS_MAX).collect();
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
    /// Something did not work; the session goes on.
    Problem(Problem),
}

/// Longest sentence taken over from a server, in characters.
pub(crate) const SENTENCE_CHARS_MAX: usize = 300;

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
        ErrorCode::ResumeExpired => "Your earlier seat was given up; you joined anew.",
        ErrorCode::InvalidOffer => "Sound and picture could not be set up; this page tries again.",
        ErrorCode::Internal | ErrorCode::Unknown => "Something failed on the server; this page tries again.",
    }
}
