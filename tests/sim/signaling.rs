//! The server's side of signaling: between the texts of the protocol and the SFU's commands and notices.

use sfu::{CloseReason, Command, ConnectionId, Notice, Pause, Refusal, Roster, Seat, SlotState};
use shared::protocol::{
    Answer, Change, ClientMessage, Departure, ErrorCode, Fault, Goodbye, GoodbyeReason, Participant,
    PauseReason, Presence, ServerMessage, SlotAssignment, Snapshot, Speaker, Version, Welcome,
};

/// What a client hears nothing for before it reconnects.
const TIMEOUT_MS: u32 = 6_000;

/// The command in a message; a ping is none.
pub(crate) fn command(connection: ConnectionId, message: ClientMessage) -> Option<Command> {
    Some(match message {
        ClientMessage::Hello(hello) => {
            let (room, name, media, resume) = (hello.room, hello.name, hello.media, hello.resume);
            Command::Join { connection, room, name, media, resume }
        }
        ClientMessage::Offer(offer) => {
            let sources = offer.sources.into_iter().map(|source| (source.mid, source.kind)).collect();
            Command::Offer { connection, negotiation: offer.negotiation, sdp: offer.sdp, sources }
        }
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
        ClientMessage::Ping { .. } => return None,
    })
}

/// The message in a notice.
pub(crate) fn message(notice: Notice) -> ServerMessage {
    match notice {
        Notice::Welcomed { peer, resume, resumed, media_alive, roster } => ServerMessage::Welcome(Welcome {
            version: Version::CURRENT,
            capabilities: Vec::new(),
            peer,
            resume,
            resumed,
            media_alive,
            timeout_ms: TIMEOUT_MS,
            snapshot: snapshot(roster),
        }),
        Notice::Answered { negotiation, sdp } => ServerMessage::Answer(Answer { negotiation, sdp }),
        Notice::Snapshot(roster) => ServerMessage::Snapshot(snapshot(roster)),
        Notice::Changed { revision, change } => {
            ServerMessage::Delta { revision, changes: vec![self::change(change)] }
        }
        Notice::SlotMap(slots) => ServerMessage::SlotMap { slots: slots.into_iter().map(slot).collect() },
        Notice::Speakers(speakers) => {
            let speakers = speakers.into_iter().map(|(peer, level)| Speaker { peer, level }).collect();
            ServerMessage::Speakers { speakers }
        }
        Notice::Refused { refusal, message } => {
            ServerMessage::Error(Fault { code: code(refusal), message, request: request(refusal) })
        }
        Notice::Closed(reason) => {
            let (reason, retry_after_ms) = match reason {
                CloseReason::Replaced => (GoodbyeReason::Replaced, None),
                CloseReason::Left => (GoodbyeReason::Left, None),
                CloseReason::Failed => (GoodbyeReason::Restarting, Some(500)),
            };
            ServerMessage::Goodbye(Goodbye { reason, retry_after_ms })
        }
    }
}

fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::RoomFull => ErrorCode::RoomFull,
        Refusal::Full => ErrorCode::ServerBusy,
        Refusal::ResumeExpired => ErrorCode::ResumeExpired,
        Refusal::InvalidOffer => ErrorCode::InvalidOffer,
        Refusal::UnknownSlot => ErrorCode::UnknownSlot,
        Refusal::Unexpected => ErrorCode::UnexpectedMessage,
        Refusal::Internal => ErrorCode::Internal,
    }
}

fn request(refusal: Refusal) -> Option<String> {
    let kind = match refusal {
        Refusal::RoomFull | Refusal::Full | Refusal::ResumeExpired => "hello",
        Refusal::InvalidOffer => "offer",
        Refusal::UnknownSlot | Refusal::Unexpected | Refusal::Internal => return None,
    };
    Some(kind.to_owned())
}

fn snapshot(roster: Roster) -> Snapshot {
    Snapshot { revision: roster.revision, participants: roster.seats.into_iter().map(participant).collect() }
}

fn participant(seat: Seat) -> Participant {
    let presence = if seat.connected { Presence::Connected } else { Presence::Reconnecting };
    Participant { peer: seat.peer, name: seat.name, media: seat.media, presence }
}

fn change(change: sfu::Change) -> Change {
    match change {
        sfu::Change::Joined(seat) => Change::Joined { participant: participant(seat) },
        sfu::Change::Updated(seat) => Change::Updated { participant: participant(seat) },
        sfu::Change::Left(peer) => Change::Left { peer, departure: Departure::Left },
        sfu::Change::TimedOut(peer) => Change::Left { peer, departure: Departure::TimedOut },
    }
}

fn slot(slot: SlotState) -> SlotAssignment {
    let paused = slot.paused.map(|pause| match pause {
        Pause::Muted => PauseReason::Muted,
        Pause::NotSent => PauseReason::NotSent,
    });
    SlotAssignment { mid: slot.mid, source: slot.source, paused }
}
