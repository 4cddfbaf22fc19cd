use shared::protocol::{Hello, Offer, PublishedMid, Want};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind, SourceRef};

use super::*;

const CONNECTION: ConnectionId = ConnectionId(7);

fn seat(number: u64, connected: bool) -> Seat {
    let media = MediaState { microphone: true, camera: false, screen: false };
    let (peer, name) = (PeerId::new(number), DisplayName::new("Ada").unwrap());
    let identity = sfu::Identity { external_id: Some("u-17".into()), metadata: None };
    Seat { peer, name, media, connected, identity }
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
        token: Some("a.b.c".into()),
        passcode: Some("1234".into()),
    };
    let admission = Admission::default();
    let join =
        Command::Join { connection: CONNECTION, room, name, media, resume, suspends_layers: true, admission };
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
    assert_eq!(
        command(CONNECTION, ClientMessage::Hand { raised: true }),
        None,
        "the meeting's, not the SFU's"
    );
}

#[test]
fn a_kind_is_the_type_on_the_wire() {
    for message in [
        ClientMessage::Resync,
        ClientMessage::Leave,
        ClientMessage::Ping { nonce: 1 },
        ClientMessage::WantCaptions { wanted: true },
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
    let notice = Notice::Welcomed { peer, resume, resumed: true, media_alive: true, video_codecs, roster };
    let ServerMessage::Welcome(welcome) = told(notice) else { panic!("not a welcome") };
    assert_eq!((welcome.peer, welcome.resume, welcome.version), (peer, resume, Version::CURRENT));
    assert!(welcome.resumed && welcome.media_alive);
    assert_eq!(welcome.video_codecs, ["vp9", "h264"]);
    assert_eq!((welcome.timeout_ms, welcome.snapshot.revision), (25_000, 4));
    let presences: Vec<Presence> = welcome.snapshot.participants.iter().map(|seat| seat.presence).collect();
    assert_eq!(presences, [Presence::Connected, Presence::Reconnecting]);
}

#[test]
fn an_answer_and_a_snapshot_pass_through() {
    let answer = ServerMessage::Answer(Answer { negotiation: 5, sdp: "v=0".into() });
    assert_eq!(told(Notice::Answered { negotiation: 5, sdp: "v=0".into() }), answer);
    let ServerMessage::Snapshot(snapshot) = told(Notice::Snapshot(Roster { revision: 2, seats: Vec::new() }))
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
    check(sfu::Change::Updated(seat(1, false)), Change::Updated { participant: participant(seat(1, false)) });
    check(sfu::Change::Left(peer), Change::Left { peer, departure: Departure::Left });
    check(sfu::Change::TimedOut(peer), Change::Left { peer, departure: Departure::TimedOut });
    check(sfu::Change::Removed(peer), Change::Left { peer, departure: Departure::Removed });
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
        let ServerMessage::Error(fault) = told(Notice::Refused { refusal, message: String::new() }) else {
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
        let ServerMessage::Goodbye(goodbye) = told(Notice::Closed(reason)) else { panic!("not a goodbye") };
        assert_eq!((goodbye.reason, goodbye.retry_after_ms.is_some()), (expected, returns));
    };
    check(CloseReason::Replaced, GoodbyeReason::Replaced, false);
    check(CloseReason::Left, GoodbyeReason::Left, false);
    check(CloseReason::Failed, GoodbyeReason::Restarting, true);
    check(CloseReason::Removed, GoodbyeReason::Removed, false);
    check(CloseReason::Ended, GoodbyeReason::Ended, false);
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
    check(SessionRefusal::NotInYet, ErrorCode::UnexpectedMessage);
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

#[test]
fn every_refusal_of_a_meeting_has_a_code_and_a_sentence() {
    use crate::meeting::Refusal;
    let check = |refusal, code, request: &str| {
        let ServerMessage::Error(fault) = meeting_refused(refusal) else { panic!("not a fault") };
        assert_eq!((fault.code, fault.request.as_deref()), (code, Some(request)));
        assert!(fault.message.ends_with('.') && fault.message.len() > 20, "{}", fault.message);
    };
    check(Refusal::Banned, ErrorCode::Banned, "hello");
    check(Refusal::Locked, ErrorCode::RoomLocked, "hello");
    check(Refusal::PasscodeRequired, ErrorCode::PasscodeRequired, "hello");
    check(Refusal::PasscodeWrong, ErrorCode::PasscodeWrong, "hello");
    check(Refusal::PasscodeLater { retry_after_s: 60 }, ErrorCode::RateLimited, "hello");
    check(Refusal::WaitingRoomFull, ErrorCode::WaitingRoomFull, "hello");
    check(Refusal::HostsOnly { request: "moderate" }, ErrorCode::Forbidden, "moderate");
    let reason = "This cannot be done here.";
    check(Refusal::NotPossible { request: "chat", reason }, ErrorCode::Forbidden, "chat");
    check(Refusal::TooFast { request: "react" }, ErrorCode::RateLimited, "react");
}

#[test]
fn every_token_that_opens_nothing_has_its_code() {
    use crate::access::{Refusal, TokenError};
    let check = |refusal: Refusal, code| {
        let ServerMessage::Error(fault) = not_granted(&refusal) else { panic!("not a fault") };
        assert_eq!((fault.code, fault.request.as_deref()), (code, Some("hello")));
    };
    check(Refusal::TokenMissing, ErrorCode::TokenRequired);
    check(Refusal::NotFromHere, ErrorCode::TokenRequired);
    check(Refusal::OtherRoom, ErrorCode::TokenInvalid);
    check(Refusal::Revoked, ErrorCode::TokenInvalid);
    check(Refusal::Token(TokenError::Signature), ErrorCode::TokenInvalid);
    check(Refusal::Token(TokenError::Expired { ago_s: 1 }), ErrorCode::TokenExpired);
    check(Refusal::Token(TokenError::NotYet { in_s: 100 }), ErrorCode::TokenExpired);
}
