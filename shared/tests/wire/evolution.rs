//! Older and newer versions understand each other.

use serde_json::{Value, json};
use shared::SourceKind;
use shared::protocol::{
    Change, ClientMessage, DecodeError, Departure, ErrorCode, Fault, Goodbye, GoodbyeReason, PauseReason,
    Presence, ServerMessage, Version, decode_client, decode_server,
};

use crate::examples::{client_messages, server_messages};

/// Adds a field of tomorrow to every object in the message, except where fields are data.
fn with_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_unknown_fields);
            fields.insert("of_tomorrow".to_owned(), json!({"deep": [1, null, "x"]}));
        }
        Value::Array(items) => items.iter_mut().for_each(with_unknown_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn aged(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    with_unknown_fields(&mut value);
    value.to_string()
}

#[test]
fn unknown_fields_are_ignored_everywhere() {
    for (name, message) in client_messages() {
        assert_eq!(decode_client(&aged(&message.encode())).as_ref(), Ok(&message), "{name}");
    }
    for (name, message) in server_messages() {
        assert_eq!(decode_server(&aged(&message.encode())).as_ref(), Ok(&message), "{name}");
    }
}

#[test]
fn unknown_kinds_are_told_apart_from_broken_messages() {
    for kind in ["tomorrow", "Hello", "hello ", ""] {
        let text = json!({"type": kind, "anything": [1, 2]}).to_string();
        let unknown = DecodeError::UnknownKind { kind: kind.to_owned() };
        assert_eq!(decode_client(&text), Err(unknown.clone()));
        assert_eq!(decode_server(&text), Err(unknown));
    }
    let error = decode_client("{\"type\":\"tomorrow\"}").unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownMessage);
}

#[test]
fn codes_and_reasons_of_tomorrow_are_read_as_unknown() {
    let fault =
        Fault { code: ErrorCode::Unknown, message: "m".to_owned(), request: None, retry_after_s: None };
    assert_eq!(
        decode_server(r#"{"type":"error","code":"of_tomorrow","message":"m"}"#),
        Ok(ServerMessage::Error(fault))
    );
    let goodbye = Goodbye { reason: GoodbyeReason::Unknown, retry_after_ms: None, message: None };
    assert_eq!(
        decode_server(r#"{"type":"goodbye","reason":"of_tomorrow"}"#),
        Ok(ServerMessage::Goodbye(goodbye))
    );
    let text = r#"{"type":"slot_map","slots":[{"mid":"1","paused":"of_tomorrow"}]}"#;
    let Ok(ServerMessage::SlotMap { slots }) = decode_server(text) else { panic!("not a slot map") };
    assert_eq!(slots[0].paused, Some(PauseReason::Unknown));
}

#[test]
fn values_of_tomorrow_leave_the_rest_of_the_message_readable() {
    let text = r#"{"type":"snapshot","revision":1,"participants":[{"peer":"ffffffffffffffff","name":"Bo",
        "media":{},"presence":"of_tomorrow"}]}"#;
    let Ok(ServerMessage::Snapshot(snapshot)) = decode_server(text) else { panic!("not a snapshot") };
    assert_eq!(snapshot.participants[0].presence, Presence::Unknown);
    let text = r#"{"type":"delta","revision":2,"changes":[{"change":"left","peer":"ffffffffffffffff",
        "departure":"of_tomorrow"}]}"#;
    let Ok(ServerMessage::Delta { changes, .. }) = decode_server(text) else { panic!("not a delta") };
    assert!(matches!(changes[..], [Change::Left { departure: Departure::Unknown, .. }]), "{changes:?}");
    let text = r#"{"type":"slot_map","slots":[{"mid":"1","source":{"peer":"ffffffffffffffff","kind":"of_tomorrow"}},
        {"mid":"2","source":{"peer":"ffffffffffffffff","kind":"screen_audio"}}]}"#;
    let Ok(ServerMessage::SlotMap { slots }) = decode_server(text) else { panic!("not a slot map") };
    assert_eq!(
        (slots[0].source, slots[1].source.map(|source| source.kind)),
        (None, Some(SourceKind::ScreenAudio))
    );
    for broken in [r#"{"peer":"ffffffffffffffff","kind":7}"#, r#"{"peer":"ff","kind":"of_tomorrow"}"#] {
        let text = format!(r#"{{"type":"slot_map","slots":[{{"mid":"1","source":{broken}}}]}}"#);
        assert!(matches!(decode_server(&text), Err(DecodeError::InvalidFields { .. })), "{broken}");
    }
}

#[test]
fn optional_fields_may_be_left_out_or_null() {
    let text = r#"{"type":"hello","version":{"major":1,"minor":0},"room":"abc","name":"Ada"}"#;
    let Ok(ClientMessage::Hello(hello)) = decode_client(text) else { panic!("not a hello") };
    assert_eq!(
        (hello.resume, hello.capabilities.len(), hello.media),
        (None, 0, shared::MediaState::default())
    );
    let text = r#"{"type":"slot_map","slots":[{"mid":"1","source":null,"paused":null}]}"#;
    let Ok(ServerMessage::SlotMap { slots }) = decode_server(text) else { panic!("not a slot map") };
    assert_eq!((slots[0].source, slots[0].paused), (None, None));
    assert!(decode_client(r#"{"type":"media","camera":true}"#).is_ok());
}

#[test]
fn the_lower_minor_of_the_same_major_is_spoken() {
    let version = |major, minor| Version { major, minor };
    assert_eq!(version(1, 4).agree(version(1, 2)), Ok(version(1, 2)));
    assert_eq!(version(1, 2).agree(version(1, 4)), Ok(version(1, 2)));
    assert_eq!(version(1, 2).agree(version(1, 2)), Ok(version(1, 2)));
}

#[test]
fn another_major_is_refused_with_what_to_do() {
    let version = |major| Version { major, minor: 3 };
    let older = version(2).agree(version(1)).unwrap_err().to_string();
    assert!(older.contains("1.3") && older.contains("2.3") && older.contains("Reload the page"), "{older}");
    let newer = version(1).agree(version(2)).unwrap_err().to_string();
    assert!(newer.contains("The server must be updated"), "{newer}");
}
