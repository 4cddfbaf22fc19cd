//! Every bound holds at the bound and refuses one more.

use shared::limits;
use shared::protocol::{
    Chat, ClientMessage, DecodeError, ErrorCode, Hello, Moderation, Offer, PublishedMid, Want, decode_client,
    decode_server,
};
use shared::{PeerId, SourceKind, SourceRef};

use crate::examples::client_messages;

fn hello() -> Hello {
    let (_, ClientMessage::Hello(hello)) = client_messages().remove(0) else { unreachable!() };
    hello
}

fn offer(sdp: usize, sources: usize, mid: usize) -> ClientMessage {
    let source = PublishedMid { mid: "m".repeat(mid), kind: SourceKind::Camera };
    ClientMessage::Offer(Offer { negotiation: 1, sdp: "s".repeat(sdp), sources: vec![source; sources] })
}

fn wants(count: usize, mid: usize, max_height: u16) -> ClientMessage {
    let source = SourceRef { peer: PeerId::new(1), kind: SourceKind::Camera };
    ClientMessage::Wants {
        wants: vec![Want { mid: "m".repeat(mid), source, max_height, priority: 0 }; count],
    }
}

fn capable(count: usize, bytes: usize) -> ClientMessage {
    ClientMessage::Hello(Hello { capabilities: vec!["c".repeat(bytes); count], ..hello() })
}

fn with_token(bytes: usize) -> ClientMessage {
    ClientMessage::Hello(Hello { token: Some("t".repeat(bytes)), ..hello() })
}

fn with_passcode(bytes: usize) -> ClientMessage {
    ClientMessage::Hello(Hello { passcode: Some("p".repeat(bytes)), ..hello() })
}

fn chat(bytes: usize) -> ClientMessage {
    ClientMessage::Chat(Chat { number: 1, to: None, text: "t".repeat(bytes) })
}

fn denial(bytes: usize) -> ClientMessage {
    ClientMessage::Moderate(Moderation::Deny { knock: 1, message: Some("m".repeat(bytes)) })
}

fn locking(bytes: usize) -> ClientMessage {
    ClientMessage::Moderate(Moderation::SetPasscode { passcode: Some("p".repeat(bytes)) })
}

/// `at` is accepted; `beyond` is refused, and the error names the field.
#[track_caller]
fn check(field: &str, at: &ClientMessage, beyond: &ClientMessage) {
    assert_eq!(decode_client(&at.encode()).as_ref(), Ok(at));
    let error = decode_client(&beyond.encode()).unwrap_err();
    assert!(matches!(&error, DecodeError::OutOfBound { field: named, .. } if *named == field), "{error:?}");
    assert_eq!(error.code(), ErrorCode::InvalidMessage);
    assert!(error.to_string().contains(field), "{error}");
    assert!(error.kind().is_some());
}

#[test]
fn every_list_text_and_number_is_bounded() {
    use limits::{
        CAPABILITIES_MAX, CAPABILITY_BYTES_MAX, CHAT_TEXT_BYTES_MAX, DENIAL_BYTES_MAX, MID_BYTES_MAX,
        PASSCODE_BYTES_MAX, SDP_BYTES_MAX, SOURCES_MAX, TOKEN_BYTES_MAX, WANT_HEIGHT_MAX, WANTS_MAX,
    };
    check("capabilities", &capable(CAPABILITIES_MAX, 1), &capable(CAPABILITIES_MAX + 1, 1));
    check("capabilities[..]", &capable(1, CAPABILITY_BYTES_MAX), &capable(1, CAPABILITY_BYTES_MAX + 1));
    check("token", &with_token(TOKEN_BYTES_MAX), &with_token(TOKEN_BYTES_MAX + 1));
    check("passcode", &with_passcode(PASSCODE_BYTES_MAX), &with_passcode(PASSCODE_BYTES_MAX + 1));
    check("text", &chat(CHAT_TEXT_BYTES_MAX), &chat(CHAT_TEXT_BYTES_MAX + 1));
    check("message", &denial(DENIAL_BYTES_MAX), &denial(DENIAL_BYTES_MAX + 1));
    check("passcode", &locking(PASSCODE_BYTES_MAX), &locking(PASSCODE_BYTES_MAX + 1));
    check("sdp", &offer(SDP_BYTES_MAX, 0, 0), &offer(SDP_BYTES_MAX + 1, 0, 0));
    check("sources", &offer(1, SOURCES_MAX, 1), &offer(1, SOURCES_MAX + 1, 1));
    check("sources[..].mid", &offer(1, 1, MID_BYTES_MAX), &offer(1, 1, MID_BYTES_MAX + 1));
    check("wants", &wants(WANTS_MAX, 1, 1), &wants(WANTS_MAX + 1, 1, 1));
    check("wants[..].mid", &wants(1, MID_BYTES_MAX, 1), &wants(1, MID_BYTES_MAX + 1, 1));
    check("wants[..].max_height", &wants(1, 1, WANT_HEIGHT_MAX), &wants(1, 1, WANT_HEIGHT_MAX + 1));
}

#[test]
fn a_message_is_bounded_before_it_is_parsed() {
    let text = ClientMessage::Leave.encode();
    let padded = |bytes: usize| text.clone() + &" ".repeat(bytes - text.len());
    assert_eq!(decode_client(&padded(limits::MESSAGE_BYTES_MAX)), Ok(ClientMessage::Leave));
    let error = decode_client(&padded(limits::MESSAGE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(
        error,
        DecodeError::TooLong { got: limits::MESSAGE_BYTES_MAX + 1, max: limits::MESSAGE_BYTES_MAX }
    );
    assert_eq!(error.code(), ErrorCode::MessageTooLong);
    assert!(decode_server(&padded(limits::SERVER_MESSAGE_BYTES_MAX + 1)).is_err());
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    let opens = limits::MESSAGE_BYTES_MAX / 2;
    let hostile = [
        "[".repeat(limits::MESSAGE_BYTES_MAX),
        "{\"a\":".repeat(limits::MESSAGE_BYTES_MAX / 5),
        format!("{{\"type\":\"ping\",\"nonce\":{}", "[".repeat(opens)),
        format!("{{\"type\":\"ping\",\"nonce\":1,\"x\":{}{}}}", "[".repeat(opens / 2), "]".repeat(opens / 2)),
        format!("{{\"x\":{}1{},\"type\":\"leave\"}}", "[".repeat(opens / 2), "]".repeat(opens / 2)),
    ];
    for text in hostile {
        let error = decode_client(&text).unwrap_err();
        assert!(error.to_string().len() < 300, "an error must not repeat the input: {error}");
        assert!(decode_server(&text).is_err());
    }
}

#[test]
fn an_unknown_kind_is_named_but_cut() {
    let text = format!("{{\"type\":\"{}\"}}", "ü".repeat(20_000));
    let error = decode_client(&text).unwrap_err();
    assert_eq!(error, DecodeError::UnknownKind { kind: "ü".repeat(32) });
}

#[test]
fn refusals_of_wrong_fields_do_not_repeat_long_input() {
    let text = format!("{{\"type\":\"rename\",\"name\":\"{}\"}}", "x".repeat(60_000));
    let error = decode_client(&text).unwrap_err();
    assert!(error.to_string().len() < 300, "{error}");
    let text = format!("{{\"type\":\"ping\",\"nonce\":\"{}\"}}", "x".repeat(60_000));
    let error = decode_client(&text).unwrap_err();
    assert!(error.to_string().len() < 300, "{} bytes", error.to_string().len());
}

#[test]
fn errors_have_the_codes_that_the_prose_promises() {
    let cases = [
        ("", ErrorCode::InvalidMessage, None),
        ("7", ErrorCode::InvalidMessage, None),
        ("{}", ErrorCode::InvalidMessage, None),
        ("{\"type\":null}", ErrorCode::InvalidMessage, None),
        ("{\"type\":\"ping\"}", ErrorCode::InvalidMessage, Some("ping")),
        ("{\"type\":\"ping\",\"nonce\":-1}", ErrorCode::InvalidMessage, Some("ping")),
        ("{\"type\":\"ping\",\"nonce\":4294967296}", ErrorCode::InvalidMessage, Some("ping")),
        ("{\"type\":\"rename\",\"name\":\" \"}", ErrorCode::InvalidMessage, Some("rename")),
        ("{\"type\":\"leave\",\"type\":\"ping\"}", ErrorCode::InvalidMessage, None),
        ("{\"type\":\"welcome\"}", ErrorCode::UnknownMessage, Some("welcome")),
    ];
    for (text, code, kind) in cases {
        let error = decode_client(text).unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, kind), "{text}");
    }
}

#[test]
fn a_full_room_with_the_longest_names_fits_into_one_message() {
    use shared::protocol::{Participant, Presence, ServerMessage, Snapshot};
    let name = shared::DisplayName::new(&"\u{1F600}".repeat(limits::DISPLAY_NAME_CHARS_MAX)).unwrap();
    let media = shared::MediaState::default();
    let person = Participant {
        peer: PeerId::new(u64::MAX),
        name,
        media,
        presence: Presence::Reconnecting,
        external_id: Some("\"".repeat(limits::EXTERNAL_ID_BYTES_MAX)),
        metadata: Some("\"".repeat(limits::METADATA_BYTES_MAX)),
    };
    let participants = vec![person; limits::PARTICIPANTS_MAX];
    let text = ServerMessage::Snapshot(Snapshot { revision: u32::MAX, participants }).encode();
    assert!(text.len() <= limits::SERVER_MESSAGE_BYTES_MAX, "{} bytes", text.len());
}

#[test]
fn lines_of_the_chat_are_text_that_can_be_read() {
    for text in ["", " \n\t", "a\u{7}b", "\u{1b}[2J"] {
        let message = ClientMessage::Chat(Chat { number: 1, to: None, text: text.to_owned() });
        let error = decode_client(&message.encode()).unwrap_err();
        assert_eq!((error.code(), error.kind()), (ErrorCode::InvalidMessage, Some("chat")), "{text:?}");
    }
    let lines = ClientMessage::Chat(Chat { number: 1, to: None, text: "one\n\ttwo".to_owned() });
    assert_eq!(decode_client(&lines.encode()).as_ref(), Ok(&lines));
}

#[test]
fn a_full_page_of_the_chat_fits_into_one_message() {
    use shared::meeting::{ChatMessage, ChatRecipient};
    let name = shared::DisplayName::new(&"\u{1F600}".repeat(limits::DISPLAY_NAME_CHARS_MAX)).unwrap();
    let line = ChatMessage {
        id: u32::MAX,
        at_s: u32::MAX,
        from: PeerId::new(u64::MAX),
        to: Some(ChatRecipient { peer: PeerId::new(u64::MAX), name: name.clone() }),
        name,
        text: "\"".repeat(limits::CHAT_TEXT_BYTES_MAX),
        number: Some(u32::MAX),
    };
    let text = shared::protocol::ServerMessage::Chat { lines: vec![line; limits::CHAT_LINES_MAX] }.encode();
    assert!(text.len() <= limits::SERVER_MESSAGE_BYTES_MAX, "{} bytes", text.len());
}

#[test]
fn secrets_and_what_is_written_do_not_reach_a_log() {
    let token = ClientMessage::Hello(Hello {
        token: Some("SECRET".to_owned()),
        passcode: Some("SECRET".to_owned()),
        ..hello()
    });
    let chat = ClientMessage::Chat(Chat { number: 1, to: None, text: "SECRET".to_owned() });
    let passcode = ClientMessage::Moderate(Moderation::SetPasscode { passcode: Some("SECRET".to_owned()) });
    for message in [token, chat, passcode] {
        assert!(!format!("{message:?}").contains("SECRET"), "{message:?}");
    }
}
