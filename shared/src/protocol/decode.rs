//! Text to message, with every bound checked: what comes out is safe to act on.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ClientMessage, ErrorCode, Moderation, ServerMessage};
use crate::limits;

/// Why a text is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`limits::MESSAGE_BYTES_MAX`] or [`limits::SERVER_MESSAGE_BYTES_MAX`].
    #[error("message has {got} bytes; at most {max} are allowed")]
    TooLong {
        /// Bytes found.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not a JSON object with a `type`.
    #[error("message is not a JSON object with a type: {reason}")]
    NotAMessage {
        /// What the JSON parser says.
        reason: String,
    },
    /// A `type` this version does not know.
    #[error("unknown message type {kind:?}")]
    UnknownKind {
        /// The type, cut to 32 characters.
        kind: String,
    },
    /// A known type whose fields do not fit.
    #[error("invalid {kind} message: {reason}")]
    InvalidFields {
        /// The message's type.
        kind: String,
        /// Which field and why.
        reason: String,
    },
    /// A list or text is longer, or a number larger, than allowed.
    #[error("invalid {kind} message: {field} is {got}; at most {max} is allowed")]
    OutOfBound {
        /// The message's type.
        kind: &'static str,
        /// Which field.
        field: &'static str,
        /// What was found: a count, a length in bytes, or the value.
        got: usize,
        /// The bound.
        max: usize,
    },
}

impl DecodeError {
    /// The code that the server answers with.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooLong { .. } => ErrorCode::MessageTooLong,
            Self::NotAMessage { .. } | Self::InvalidFields { .. } | Self::OutOfBound { .. } => {
                ErrorCode::InvalidMessage
            }
            Self::UnknownKind { .. } => ErrorCode::UnknownMessage,
        }
    }

    /// The `type` of the offending message, when it could be read.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::TooLong { .. } | Self::NotAMessage { .. } => None,
            Self::UnknownKind { kind } | Self::InvalidFields { kind, .. } => Some(kind),
            Self::OutOfBound { kind, .. } => Some(kind),
        }
    }
}

/// Reads a client's message.
///
/// # Errors
/// [`DecodeError`] names the field and the bound; the connection can stay open.
pub fn decode_client(text: &str) -> Result<ClientMessage, DecodeError> {
    let message: ClientMessage = decode(text, &ClientMessage::KINDS, limits::MESSAGE_BYTES_MAX)?;
    match &message {
        ClientMessage::Hello(hello) => {
            check("hello", "capabilities", hello.capabilities.len(), limits::CAPABILITIES_MAX)?;
            let longest = hello.capabilities.iter().map(String::len).max().unwrap_or(0);
            check("hello", "capabilities[..]", longest, limits::CAPABILITY_BYTES_MAX)?;
            check("hello", "token", length(hello.token.as_ref()), limits::TOKEN_BYTES_MAX)?;
            check("hello", "passcode", length(hello.passcode.as_ref()), limits::PASSCODE_BYTES_MAX)?;
        }
        ClientMessage::Offer(offer) => {
            check("offer", "sdp", offer.sdp.len(), limits::SDP_BYTES_MAX)?;
            check("offer", "sources", offer.sources.len(), limits::SOURCES_MAX)?;
            let longest = offer.sources.iter().map(|source| source.mid.len()).max().unwrap_or(0);
            check("offer", "sources[..].mid", longest, limits::MID_BYTES_MAX)?;
        }
        ClientMessage::Wants { wants } => {
            check("wants", "wants", wants.len(), limits::WANTS_MAX)?;
            let longest = wants.iter().map(|want| want.mid.len()).max().unwrap_or(0);
            check("wants", "wants[..].mid", longest, limits::MID_BYTES_MAX)?;
            let tallest = wants.iter().map(|want| want.max_height).max().unwrap_or(0);
            check("wants", "wants[..].max_height", tallest.into(), limits::WANT_HEIGHT_MAX.into())?;
        }
        ClientMessage::Chat(chat) => {
            check("chat", "text", chat.text.len(), limits::CHAT_TEXT_BYTES_MAX)?;
            if !is_writable(&chat.text) {
                let reason = "text is blank or contains a control character".to_owned();
                return Err(DecodeError::InvalidFields { kind: "chat".to_owned(), reason });
            }
        }
        ClientMessage::Moderate(Moderation::Deny { message, .. }) => {
            check("moderate", "message", length(message.as_ref()), limits::DENIAL_BYTES_MAX)?;
        }
        ClientMessage::Moderate(Moderation::SetPasscode { passcode }) => {
            check("moderate", "passcode", length(passcode.as_ref()), limits::PASSCODE_BYTES_MAX)?;
        }
        ClientMessage::Moderate(_)
        | ClientMessage::React { .. }
        | ClientMessage::Hand { .. }
        | ClientMessage::Caption(_)
        | ClientMessage::WantCaptions { .. }
        | ClientMessage::Media(_)
        | ClientMessage::Rename { .. }
        | ClientMessage::Resync
        | ClientMessage::Ping { .. }
        | ClientMessage::Leave => {}
    }
    Ok(message)
}

/// Reads a server's message. [`DecodeError::UnknownKind`] is to be ignored: the server is newer.
///
/// # Errors
/// [`DecodeError`] as for [`decode_client`].
pub fn decode_server(text: &str) -> Result<ServerMessage, DecodeError> {
    decode(text, &ServerMessage::KINDS, limits::SERVER_MESSAGE_BYTES_MAX)
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
}

fn decode<M: DeserializeOwned>(text: &str, kinds: &[&str], max: usize) -> Result<M, DecodeError> {
    if text.len() > max {
        return Err(DecodeError::TooLong { got: text.len(), max });
    }
    let Envelope { kind } =
        serde_json::from_str(text).map_err(|error| DecodeError::NotAMessage { reason: reason(&error) })?;
    if !kinds.contains(&kind.as_str()) {
        return Err(DecodeError::UnknownKind { kind: kind.chars().take(32).collect() });
    }
    serde_json::from_str(text).map_err(|error| DecodeError::InvalidFields { kind, reason: reason(&error) })
}

/// What the parser says, cut to [`REASON_CHARS_MAX`]: it quotes the value that did not fit.
fn reason(error: &serde_json::Error) -> String {
    error.to_string().chars().take(REASON_CHARS_MAX).collect()
}

fn length(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

/// Whether something is to be read in it, and nothing that would disturb what stands around it.
fn is_writable(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

fn check(kind: &'static str, field: &'static str, got: usize, max: usize) -> Result<(), DecodeError> {
    if got > max {
        return Err(DecodeError::OutOfBound { kind, field, got, max });
    }
    Ok(())
}

/// Longest reason taken over from the parser, in characters.
const REASON_CHARS_MAX: usize = 200;
