//! Between the wire and the SFU: the one place where the two vocabularies meet, and the one place where
//! errors become sentences for people.

use sfu::{CloseReason, Command, ConnectionId, Notice, Pause, Refusal, Roster, Seat, SlotState};
use shared::limits;
use shared::protocol::{
    Answer, CAPABILITY_LAYERS, Change, ClientMessage, DecodeError, Departure, ErrorCode, Fault, Goodbye,
    GoodbyeReason, Participant, PauseReason, Presence, RequestedLayers, ServerMessage, SlotAssignment,
    Snapshot, Speaker, Version, VersionMismatch, Welcome,
};

/// What this server can do beyond its protocol version.
pub(crate) const CAPABILITIES: [&str; 0] = [];

/// When a client whose state failed on the server should come back.
const RETRY_AFTER_FAILURE_MS: u32 = 500;

/// What a client's message asks of the SFU. Nothing: the session answers it alone.
pub fn command(connection: ConnectionId, message: ClientMessage) -> Option<Command> {
    Some(match message {
        ClientMessage::Hello(hello) => Command::Join {
            connection,
            room: hello.room,
            name: hello.name,
            media: hello.media,
            resume: hello.resume,
            suspends_layers: hello.capabilities.iter().any(|name| name == CAPABILITY_LAYERS),
        },
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
        ClientMessage::Ping { .. } => return None,
    })
}

/// The `type` of a message, for faults about it.
pub(crate) const fn kind(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Offer(_) => "offer",
        ClientMessage::Wants { .. } => "wants",
        ClientMessage::Media(_) => "media",
        ClientMessage::Rename { .. } => "rename",
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
    match reason {
        CloseReason::Replaced => Goodbye { reason: GoodbyeReason::Replaced, retry_after_ms: None },
        CloseReason::Left => Goodbye { reason: GoodbyeReason::Left, retry_after_ms: None },
        CloseReason::Failed => {
            Goodbye { reason: GoodbyeReason::Restarting, retry_after_ms: Some(RETRY_AFTER_FAILURE_MS) }
        }
    }
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
mod tests {
    use shared::protocol::{Hello, Offer, PublishedMid, Want};
    use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind, SourceRef};

    use super::*;

    const CONNECTION: ConnectionId = ConnectionId(7);

    fn seat(number: u64, connected: bool) -> Seat {
        let media = MediaState { microphone: true, camera: false, screen: false };
        Seat { peer: PeerId::new(number), name: DisplayName::new("Ada").unwrap(), media, connected }
    }

    fn told(notice: Notice) -> ServerMessage {
        message(notice, Version::CURRENT, 25_000)
    }

    fn asked(message: ClientMessage) -> Command {
        command(CONNECTION, message).unwrap()
    }

    #[test]
    fn a_hello_becomes_a_join_with_all_its_fields() {
        let resume = Some(ResumeToken::new([1; 16]));
        let media = MediaState { microphone: true, camera: true, screen: false };
        let (room, name) = (RoomId::new("abc").unwrap(), DisplayName::new("Ada").unwrap());
        let hello = Hello {
            version: Version::CURRENT,
            capabilities: vec!["something newer".into(), CAPABILITY_LAYERS.into()],
            room: room.clone(),
            name: name.clone(),
            media,
            resume,
        };
        let join = Command::Join { connection: CONNECTION, room, name, media, resume, suspends_layers: true };
        assert_eq!(asked(ClientMessage::Hello(hello)), join);
    }

    #[test]
    fn an_offer_keeps_its_number_and_sources() {
        let sources = vec![PublishedMid { mid: "0".into(), kind: SourceKind::Camera }];
        let offer = Offer { negotiation: 3, sdp: "v=0".into(), sources };
        let expected = Command::Offer {
            connection: CONNECTION,
            negotiation: 3,
            sdp: "v=0".into(),
            sources: vec![("0".into(), SourceKind::Camera)],
        };
        assert_eq!(asked(ClientMessage::Offer(offer)), expected);
    }

    #[test]
    fn wants_keep_every_field() {
        let source = SourceRef { peer: PeerId::new(1), kind: SourceKind::Screen };
        let want = Want { mid: "4".into(), source, max_height: 360, priority: 2 };
        let expected = sfu::Want { mid: "4".into(), source, max_height: 360, priority: 2 };
        let wants = Command::Wants { connection: CONNECTION, wants: vec![expected] };
        assert_eq!(asked(ClientMessage::Wants { wants: vec![want] }), wants);
    }

    #[test]
    fn the_small_messages_become_their_commands() {
        let connection = CONNECTION;
        let media = MediaState::default();
        let name = DisplayName::new("Eve").unwrap();
        assert_eq!(asked(ClientMessage::Media(media)), Command::SetMedia { connection, media });
        assert_eq!(asked(ClientMessage::Rename { name: name.clone() }), Command::Rename { connection, name });
        assert_eq!(asked(ClientMessage::Resync), Command::Resync { connection });
        assert_eq!(asked(ClientMessage::Leave), Command::Leave { connection });
        assert_eq!(command(CONNECTION, ClientMessage::Ping { nonce: 1 }), None);
    }

    #[test]
    fn a_kind_is_the_type_on_the_wire() {
        for message in [
            ClientMessage::Resync,
            ClientMessage::Leave,
            ClientMessage::Ping { nonce: 1 },
            ClientMessage::Media(MediaState::default()),
            ClientMessage::Wants { wants: Vec::new() },
            ClientMessage::Rename { name: DisplayName::new("Eve").unwrap() },
            ClientMessage::Offer(Offer { negotiation: 0, sdp: String::new(), sources: Vec::new() }),
        ] {
            assert_eq!(serde_json::to_value(&message).unwrap()["type"], kind(&message));
        }
    }

    #[test]
    fn a_welcome_carries_seat_token_version_and_room() {
        let roster = Roster { revision: 4, seats: vec![seat(1, true), seat(2, false)] };
        let resume = ResumeToken::new([9; 16]);
        let peer = PeerId::new(1);
        let video_codecs = vec![sfu::sdp::Codec::Vp9, sfu::sdp::Codec::H264];
        let notice =
            Notice::Welcomed { peer, resume, resumed: true, media_alive: true, video_codecs, roster };
        let ServerMessage::Welcome(welcome) = told(notice) else { panic!("not a welcome") };
        assert_eq!((welcome.peer, welcome.resume, welcome.version), (peer, resume, Version::CURRENT));
        assert!(welcome.resumed && welcome.media_alive);
        assert_eq!(welcome.video_codecs, ["vp9", "h264"]);
        assert_eq!((welcome.timeout_ms, welcome.snapshot.revision), (25_000, 4));
        let presences: Vec<Presence> =
            welcome.snapshot.participants.iter().map(|seat| seat.presence).collect();
        assert_eq!(presences, [Presence::Connected, Presence::Reconnecting]);
    }

    #[test]
    fn an_answer_and_a_snapshot_pass_through() {
        let answer = ServerMessage::Answer(Answer { negotiation: 5, sdp: "v=0".into() });
        assert_eq!(told(Notice::Answered { negotiation: 5, sdp: "v=0".into() }), answer);
        let ServerMessage::Snapshot(snapshot) =
            told(Notice::Snapshot(Roster { revision: 2, seats: Vec::new() }))
        else {
            panic!("not a snapshot")
        };
        assert_eq!(snapshot, Snapshot { revision: 2, participants: Vec::new() });
    }

    #[test]
    fn every_change_becomes_a_delta_of_its_kind() {
        let check = |change, expected: Change| {
            let expected = ServerMessage::Delta { revision: 8, changes: vec![expected] };
            assert_eq!(told(Notice::Changed { revision: 8, change }), expected);
        };
        let peer = PeerId::new(1);
        check(sfu::Change::Joined(seat(1, true)), Change::Joined { participant: participant(seat(1, true)) });
        check(
            sfu::Change::Updated(seat(1, false)),
            Change::Updated { participant: participant(seat(1, false)) },
        );
        check(sfu::Change::Left(peer), Change::Left { peer, departure: Departure::Left });
        check(sfu::Change::TimedOut(peer), Change::Left { peer, departure: Departure::TimedOut });
    }

    #[test]
    fn a_slot_map_tells_who_is_in_a_slot_and_why_it_is_silent() {
        let source = Some(SourceRef { peer: PeerId::new(1), kind: SourceKind::Camera });
        let check = |source, pause, paused| {
            let slot = SlotState { mid: "3".into(), source, paused: pause };
            let expected = SlotAssignment { mid: "3".into(), source, paused };
            assert_eq!(told(Notice::SlotMap(vec![slot])), ServerMessage::SlotMap { slots: vec![expected] });
        };
        check(None, None, None);
        check(source, None, None);
        check(source, Some(Pause::Muted), Some(PauseReason::Muted));
        check(source, Some(Pause::NotSent), Some(PauseReason::NotSent));
        check(source, Some(Pause::Bandwidth), Some(PauseReason::Bandwidth));
        check(source, Some(Pause::Codec), Some(PauseReason::Codec));
        check(source, Some(Pause::Overload), Some(PauseReason::Overload));
    }

    #[test]
    fn the_layers_to_send_keep_every_field() {
        let (mid, rids) = ("1".to_owned(), vec!["q".to_owned()]);
        let max_height = Some(180);
        let asked = sfu::RequestedLayers { mid: mid.clone(), active: true, rids: rids.clone(), max_height };
        let publications = vec![RequestedLayers { mid, active: true, rids, max_height }];
        assert_eq!(told(Notice::Layers(vec![asked])), ServerMessage::Layers { publications });
    }

    #[test]
    fn speakers_keep_their_order() {
        let (a, b) = (PeerId::new(1), PeerId::new(2));
        let speakers = vec![Speaker { peer: b, level: 90 }, Speaker { peer: a, level: 10 }];
        assert_eq!(told(Notice::Speakers(vec![(b, 90), (a, 10)])), ServerMessage::Speakers { speakers });
    }

    #[test]
    fn every_refusal_has_a_code_and_a_sentence() {
        let check = |refusal, code, request: Option<&str>| {
            let ServerMessage::Error(fault) = told(Notice::Refused { refusal, message: String::new() })
            else {
                panic!("not a fault")
            };
            assert_eq!((fault.code, fault.request.as_deref()), (code, request));
            assert!(fault.message.ends_with('.') && fault.message.len() > 20, "{}", fault.message);
        };
        check(Refusal::RoomFull, ErrorCode::RoomFull, Some("hello"));
        check(Refusal::Full { retry_after_s: 7 }, ErrorCode::ServerBusy, Some("hello"));
        check(Refusal::ResumeExpired, ErrorCode::ResumeExpired, Some("hello"));
        check(Refusal::InvalidOffer, ErrorCode::InvalidOffer, Some("offer"));
        check(Refusal::UnknownSlot, ErrorCode::UnknownSlot, None);
        check(Refusal::Unexpected, ErrorCode::UnexpectedMessage, None);
        check(Refusal::TransportFailed, ErrorCode::Internal, Some("transport"));
        check(Refusal::Internal, ErrorCode::Internal, None);
    }

    #[test]
    fn the_sfu_s_own_sentence_wins_over_the_general_one() {
        let notice = Notice::Refused { refusal: Refusal::InvalidOffer, message: "Line 3 is wrong.".into() };
        let ServerMessage::Error(fault) = told(notice) else { panic!("not a fault") };
        assert_eq!(fault.message, "Line 3 is wrong.");
    }

    #[test]
    fn every_close_reason_says_whether_to_come_back() {
        let check = |reason, expected, returns: bool| {
            let ServerMessage::Goodbye(goodbye) = told(Notice::Closed(reason)) else {
                panic!("not a goodbye")
            };
            assert_eq!((goodbye.reason, goodbye.retry_after_ms.is_some()), (expected, returns));
        };
        check(CloseReason::Replaced, GoodbyeReason::Replaced, false);
        check(CloseReason::Left, GoodbyeReason::Left, false);
        check(CloseReason::Failed, GoodbyeReason::Restarting, true);
    }

    #[test]
    fn every_refusal_of_the_session_has_a_code_and_a_sentence() {
        let check = |refusal, code| {
            let ServerMessage::Error(fault) = session_refused(refusal, Some("wants")) else {
                panic!("not a fault")
            };
            assert_eq!((fault.code, fault.request.as_deref()), (code, Some("wants")));
            assert!(fault.message.ends_with('.'), "{}", fault.message);
        };
        check(SessionRefusal::HelloExpected, ErrorCode::UnexpectedMessage);
        check(SessionRefusal::AlreadyJoined, ErrorCode::UnexpectedMessage);
        check(SessionRefusal::HelloLate, ErrorCode::UnexpectedMessage);
        check(SessionRefusal::RateLimited, ErrorCode::RateLimited);
        check(SessionRefusal::Binary, ErrorCode::InvalidMessage);
        check(SessionRefusal::Busy, ErrorCode::ServerBusy);
    }

    #[test]
    fn a_decode_error_becomes_a_sentence_that_names_the_message() {
        let error = DecodeError::UnknownKind { kind: "dance".into() };
        let ServerMessage::Error(fault) = undecodable(&error) else { panic!("not a fault") };
        assert_eq!(fault.code, ErrorCode::UnknownMessage);
        assert_eq!(fault.request.as_deref(), Some("dance"));
        assert_eq!(fault.message, "Unknown message type \"dance\".");
    }
}
