//! Stable error codes. The sentence beside them is for people and may change; the code may not.

use serde::{Deserialize, Serialize};

/// What went wrong, for programs. The human sentence travels beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The text was not JSON, or a field is missing, mistyped or out of its bound.
    InvalidMessage,
    /// The message's `type` is not known to this server.
    UnknownMessage,
    /// The message is longer than `limits::MESSAGE_BYTES_MAX`.
    MessageTooLong,
    /// Too many messages in too short a time; the message was not handled, send it again later.
    RateLimited,
    /// The first message was not a hello, or a second hello was sent.
    UnexpectedMessage,
    /// The protocol's major versions differ.
    UnsupportedVersion,
    /// The room has as many participants as the operator allows.
    RoomFull,
    /// The server is at its capacity; try again later.
    ServerBusy,
    /// The resume token is unknown or expired; the client joined as a new participant instead.
    ResumeExpired,
    /// The session description could not be used; the sentence names the line or field.
    InvalidOffer,
    /// A want names a slot that was never negotiated.
    UnknownSlot,
    /// This server lets nobody in without a join token.
    TokenRequired,
    /// The join token is not one of this server's, or not for this room.
    TokenInvalid,
    /// The join token is too old, or not valid yet.
    TokenExpired,
    /// The meeting asks for a passcode.
    PasscodeRequired,
    /// The passcode is not the meeting's.
    PasscodeWrong,
    /// A host locked the meeting.
    RoomLocked,
    /// The waiting room is full.
    WaitingRoomFull,
    /// The client was sent out of this meeting and is kept out.
    Banned,
    /// The client may not do this here.
    Forbidden,
    /// Something failed on the server; the message may be sent again.
    Internal,
    /// A code of a newer server that this client does not know.
    #[serde(other)]
    Unknown,
}
