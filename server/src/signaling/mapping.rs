//! Between the wire and the SFU: the one place where the two vocabularies meet, and the one place where
//! errors become sentences for people.

use sfu::{Admission, CloseReason, Command, ConnectionId, Notice, Pause, Refusal, Roster, Seat, SlotState};
use shared::limits;
use shared::protocol::{
    Answer, CAPABILITY_LAYERS, Change, ClientMessage, DecodeError, Departure, ErrorCode, Fault, Goodbye,
    GoodbyeReason, Hello, Moderated, ModeratedHow, Participant, PauseReason, Presence, RequestedLayers,
    ServerMessage, SlotAssignment, Snapshot, Speaker, Version, VersionMismatch, Welcome,
};

use crate::access;
use crate::meeting::{self, Told};

/// What this server can do beyond its protocol version.
pub(crate) const CAPABILITIES: [&str; 0] = [];

/// When a client whose state failed on the server should come back.
const RETRY_AFTER_FAILURE_MS: u32 = 500;
/// When somebody should come back for whom the store did not answer.
const RETRY_AFTER_STORE_S: u32 = 5;

/// What a client's message asks of the SFU. Nothing: the session answers it alone.
pub fn command(connection: ConnectionId, message: ClientMessage) -> Option<Command> {
    Some(match message {
        ClientMessage::Hello(hello) => join(connection, hello, Admission::default()),
        ClientMessage::Offer(offer) => Command::Offer {
            connection,
            negotiation: offer.negotiation,
            sdp: offer.sdp,
            sources: offer.sources.into_iter().map(|source| (source.mid, source.kind)).collect(),
        },
        ClientMessage::Wants { wants } => {
            let wants = wants.into_iter().map(|want| sfu::Want {
                mid: want.mid,
                source: want.source,
                max_height: want.max_height,
                priority: want.priority,
            });
            Command::Wants { connection, wants: wants.collect() }
        }
        ClientMessage::Media(media) => Command::SetMedia { connection, media },
        ClientMessage::Rename { name } => Command::Rename { connection, name },
        ClientMessage::Resync => Command::Resync { connection },
        ClientMessage::Leave => Command::Leave { connection },
        ClientMessage::Chat(_)
        | ClientMessage::React { .. }
        | ClientMessage::Hand { .. }
        | ClientMessage::Caption(_)
        | ClientMessage::WantCaptions { .. }
        | ClientMessage::Moderate(_)
        | ClientMessage::Ping { .. } => return None,
    })
}

/// The join of somebody who was let in.
pub(crate) fn join(connection: ConnectionId, hello: Hello, admission: Admission) -> Command {
    Command::Join {
        connection,
        room: hello.room,
        name: hello.name,
        media: hello.media,
        resume: hello.resume,
        suspends_layers: hello.capabilities.iter().any(|name| name == CAPABILITY_LAYERS),
        admission,
    }
}

/// The `type` of a message, for faults about it.
pub(crate) const fn kind(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Offer(_) => "offer",
        ClientMessage::Wants { .. } => "wants",
        ClientMessage::Media(_) => "media",
        ClientMessage::Rename { .. } => "rename",
        ClientMessage::Chat(_) => "chat",
        ClientMessage::React { .. } => "react",
        ClientMessage::Hand { .. } => "hand",
        ClientMessage::Caption(_) => "caption",
        ClientMessage::WantCaptions { .. } => "want_captions",
        ClientMessage::Moderate(_) => "moderate",
        ClientMessage::Resync => "resync",
        ClientMessage::Ping { .. } => "ping",
        ClientMessage::Leave => "leave",
    }
}

/// What a client is told about a notice. A goodbye ends the connection.
pub fn message(notice: Notice, version: Version, timeout_ms: u32) -> ServerMessage {
    match notice {
        Notice::Welcomed { peer, resume, resumed, media_alive, video_codecs, roster } => {
            ServerMessage::Welcome(Welcome {
                version,
                capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
                peer,
                resume,
                resumed,
                media_alive,
                timeout_ms,
                video_codecs: video_codecs.iter().map(|codec| codec.name().to_owned()).collect(),
                snapshot: snapshot(roster),
            })
        }
        Notice::Answered { negotiation, sdp } => ServerMessage::Answer(Answer { negotiation, sdp }),
        Notice::Snapshot(roster) => ServerMessage::Snapshot(snapshot(roster)),
        Notice::Changed { revision, change: changed } => {
            ServerMessage::Delta { revision, changes: vec![change(changed)] }
        }
        Notice::SlotMap(slots) => {
            ServerMessage::SlotMap { slots: slots.into_iter().map(slot_assignment).collect() }
        }
        Notice::Layers(layers) => {
            ServerMessage::Layers { publications: layers.into_iter().map(requested_layers).collect() }
        }
        Notice::Speakers(speakers) => {
            let speakers = speakers.into_iter().map(|(peer, level)| Speaker { peer, level }).collect();
            ServerMessage::Speakers { speakers }
        }
        Notice::Refused { refusal, message } => refused(refusal, &message),
        Notice::Closed(reason) => ServerMessage::Goodbye(closed(reason)),
    }
}

fn snapshot(roster: Roster) -> Snapshot {
    Snapshot { revision: roster.revision, participants: roster.seats.into_iter().map(participant).collect() }
}

fn participant(seat: Seat) -> Participant {
    let presence = if seat.connected { Presence::Connected } else { Presence::Reconnecting };
    let text = |text: Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    Participant {
        peer: seat.peer,
        name: seat.name,
        media: seat.media,
        presence,
        external_id: text(seat.identity.external_id),
        metadata: text(seat.identity.metadata),
    }
}

fn change(change: sfu::Change) -> Change {
    match change {
        sfu::Change::Joined(seat) => Change::Joined { participant: participant(seat) },
        sfu::Change::Updated(seat) => Change::Updated { participant: participant(seat) },
        sfu::Change::Left(peer) => Change::Left { peer, departure: Departure::Left },
        sfu::Change::TimedOut(peer) => Change::Left { peer, departure: Departure::TimedOut },
        sfu::Change::Removed(peer) => Change::Left { peer, departure: Departure::Removed },
    }
}

fn slot_assignment(slot: SlotState) -> SlotAssignment {
    let paused = slot.paused.map(|pause| match pause {
        Pause::Muted => PauseReason::Muted,
        Pause::NotSent => PauseReason::NotSent,
        Pause::Bandwidth => PauseReason::Bandwidth,
        Pause::Codec => PauseReason::Codec,
        Pause::Overload => PauseReason::Overload,
    });
    SlotAssignment { mid: slot.mid, source: slot.source, paused }
}

fn requested_layers(layers: sfu::RequestedLayers) -> RequestedLayers {
    RequestedLayers {
        mid: layers.mid,
        active: layers.active,
        rids: layers.rids,
        max_height: layers.max_height,
    }
}

fn closed(reason: CloseReason) -> Goodbye {
    let (reason, retry_after_ms) = match reason {
        CloseReason::Replaced => (GoodbyeReason::Replaced, None),
        CloseReason::Left => (GoodbyeReason::Left, None),
        CloseReason::Failed => (GoodbyeReason::Restarting, Some(RETRY_AFTER_FAILURE_MS)),
        CloseReason::Removed => (GoodbyeReason::Removed, None),
        CloseReason::Ended => (GoodbyeReason::Ended, None),
    };
    Goodbye { reason, retry_after_ms, message: None }
}

/// A refusal as a fault. The SFU's own sentence names the field and the bound; where it says nothing, ours stands.
fn refused(refusal: Refusal, detail: &str) -> ServerMessage {
    let retry_after_s = match refusal {
        Refusal::Full { retry_after_s } => Some(retry_after_s),
        Refusal::RoomFull
        | Refusal::ResumeExpired
        | Refusal::InvalidOffer
        | Refusal::UnknownSlot
        | Refusal::Unexpected
        | Refusal::Internal
        | Refusal::TransportFailed => None,
    };
    let (code, request, sentence) = match refusal {
        Refusal::RoomFull => (
            ErrorCode::RoomFull,
            Some("hello"),
            "This meeting is full. Wait until somebody leaves, then join again.",
        ),
        Refusal::Full { .. } => (
            ErrorCode::ServerBusy,
            Some("hello"),
            "This server carries as many participants as it can. Try again in a few minutes.",
        ),
        Refusal::ResumeExpired => (
            ErrorCode::ResumeExpired,
            Some("hello"),
            "Your earlier seat is no longer held. You joined as a new participant.",
        ),
        Refusal::InvalidOffer => (
            ErrorCode::InvalidOffer,
            Some("offer"),
            "The session description cannot be used. Reload the page; a different browser may help.",
        ),
        Refusal::UnknownSlot => (
            ErrorCode::UnknownSlot,
            None,
            "The slot was never negotiated. Offer an m-line with this mid first.",
        ),
        Refusal::Unexpected => (
            ErrorCode::UnexpectedMessage,
            None,
            "The message does not fit here: join a room first, and only once.",
        ),
        Refusal::TransportFailed => (
            ErrorCode::Internal,
            Some("transport"),
            "The media connection could not be encrypted. It is set up anew.",
        ),
        Refusal::Internal => (
            ErrorCode::Internal,
            None,
            "Something failed on the server and your connection was reset. Join again.",
        ),
    };
    let sentence = if detail.is_empty() { sentence } else { detail };
    ServerMessage::Error(Fault {
        code,
        message: sentence.to_owned(),
        request: request.map(str::to_owned),
        retry_after_s,
    })
}

/// A text that is not a message.
pub(crate) fn undecodable(error: &DecodeError) -> ServerMessage {
    ServerMessage::Error(Fault {
        code: error.code(),
        message: sentence(&error.to_string()),
        request: error.kind().map(str::to_owned),
        retry_after_s: None,
    })
}

/// The versions do not fit.
pub(crate) fn unsupported_version(mismatch: &VersionMismatch) -> ServerMessage {
    fault(ErrorCode::UnsupportedVersion, mismatch.to_string(), Some("hello"))
}

/// What the meeting tells, as it is on the wire.
pub(crate) fn told(told: Told) -> ServerMessage {
    match told {
        Told::Meeting(meeting) => ServerMessage::Meeting(meeting),
        Told::Knocks(knocks) => ServerMessage::Knocks { knocks },
        Told::Chat(lines) => ServerMessage::Chat { lines },
        Told::Reaction(peer, reaction) => ServerMessage::Reaction { peer, reaction },
        Told::Caption(caption) => ServerMessage::Caption(caption),
        Told::Muted(kind, by) => ServerMessage::Moderated(Moderated { what: ModeratedHow::Muted, kind, by }),
        Told::AskedToUnmute(kind, by) => {
            ServerMessage::Moderated(Moderated { what: ModeratedHow::AskedToUnmute, kind, by })
        }
    }
}

/// What the meeting did not do, as a fault.
pub(crate) fn meeting_refused(refusal: meeting::Refusal) -> ServerMessage {
    use meeting::Refusal;
    let retry_after_s =
        if let Refusal::PasscodeLater { retry_after_s } = refusal { Some(retry_after_s) } else { None };
    let (code, request, sentence) = match refusal {
        Refusal::TokenRequired => (
            ErrorCode::TokenRequired,
            "hello",
            "Your seat is no longer held. Come in again by the link that you were invited with.",
        ),
        Refusal::Banned => {
            (ErrorCode::Banned, "hello", "You were sent out of this meeting and cannot come back to it.")
        }
        Refusal::Locked => (
            ErrorCode::RoomLocked,
            "hello",
            "This meeting is locked: nobody new comes in. Ask somebody in it to unlock it.",
        ),
        Refusal::PasscodeRequired => {
            (ErrorCode::PasscodeRequired, "hello", "This meeting asks for a passcode.")
        }
        Refusal::PasscodeWrong => (ErrorCode::PasscodeWrong, "hello", "This is not the meeting's passcode."),
        Refusal::PasscodeLater { .. } => {
            (ErrorCode::RateLimited, "hello", "Too many passcodes were wrong. Try again in a minute.")
        }
        Refusal::WaitingRoomFull => (
            ErrorCode::WaitingRoomFull,
            "hello",
            "Too many people wait to be let in already. Try again in a few minutes.",
        ),
        Refusal::HostsOnly { request } => {
            (ErrorCode::Forbidden, request, "The hosts of this meeting have not allowed this to you.")
        }
        Refusal::NotPossible { request, reason } => (ErrorCode::Forbidden, request, reason),
        Refusal::TooFast { request } => (
            ErrorCode::RateLimited,
            request,
            "This was too much in too short a time; it was not handled. Send it again in a moment.",
        ),
    };
    let (message, request) = (sentence.to_owned(), Some(request.to_owned()));
    ServerMessage::Error(Fault { code, message, request, retry_after_s })
}

/// The token does not let anybody in.
pub(crate) fn not_granted(refusal: &access::Refusal) -> ServerMessage {
    use access::{Refusal, TokenError};
    let code = match refusal {
        Refusal::NotFromHere | Refusal::TokenMissing => ErrorCode::TokenRequired,
        Refusal::Token(TokenError::Expired { .. } | TokenError::NotYet { .. }) => ErrorCode::TokenExpired,
        Refusal::Token(_) | Refusal::OtherRoom | Refusal::Revoked => ErrorCode::TokenInvalid,
    };
    fault(code, refusal.to_string(), Some("hello"))
}

/// The room would begin, and its rules cannot be read.
pub(crate) fn rules_unknown() -> ServerMessage {
    let message = "The server cannot read this meeting's rules at the moment, and lets nobody in without them. Try again \
                   in a few seconds.";
    ServerMessage::Error(Fault {
        code: ErrorCode::ServerBusy,
        message: message.to_owned(),
        request: Some("hello".to_owned()),
        retry_after_s: Some(RETRY_AFTER_STORE_S),
    })
}

/// Reasons of the session itself to refuse a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionRefusal {
    /// Something other than a hello came first.
    HelloExpected,
    /// A second hello.
    AlreadyJoined,
    /// No hello within the time allowed.
    HelloLate,
    /// More messages than allowed.
    RateLimited,
    /// A binary message.
    Binary,
    /// Something other than a ping or a leave before the client is in.
    NotInYet,
    /// The SFU's queue is full.
    Busy,
}

/// The fault that a client gets for a refusal of the session.
pub(crate) fn session_refused(refusal: SessionRefusal, request: Option<&'static str>) -> ServerMessage {
    let (code, sentence) = match refusal {
        SessionRefusal::HelloExpected => (
            ErrorCode::UnexpectedMessage,
            "The first message must be a hello; this one was not handled.".to_owned(),
        ),
        SessionRefusal::AlreadyJoined => (
            ErrorCode::UnexpectedMessage,
            "This connection has said hello already; open another one to join again.".to_owned(),
        ),
        SessionRefusal::NotInYet => (
            ErrorCode::UnexpectedMessage,
            "You are not in the meeting yet; this message was not handled.".to_owned(),
        ),
        SessionRefusal::HelloLate => {
            (ErrorCode::UnexpectedMessage, "No hello came in time; connect again.".to_owned())
        }
        SessionRefusal::RateLimited => (
            ErrorCode::RateLimited,
            format!(
                "More than {} messages a second were sent; this one was not handled. Send it again later.",
                limits::MESSAGES_PER_SECOND_MAX
            ),
        ),
        SessionRefusal::Binary => (
            ErrorCode::InvalidMessage,
            "Messages are JSON texts; a binary message is not understood.".to_owned(),
        ),
        SessionRefusal::Busy => (
            ErrorCode::ServerBusy,
            "The server has too much to do at the moment; the message was not handled. Send it again."
                .to_owned(),
        ),
    };
    fault(code, sentence, request)
}

fn fault(code: ErrorCode, message: String, request: Option<&str>) -> ServerMessage {
    ServerMessage::Error(Fault { code, message, request: request.map(str::to_owned), retry_after_s: None })
}

/// An error's text with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return String::new() };
    let end = if text.ends_with('.') { "" } else { "." };
    first.to_uppercase().chain(characters).collect::<String>() + end
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
