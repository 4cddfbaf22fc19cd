//! Messages and frames that no client sends.

use shared::limits::MESSAGE_BYTES_MAX;

use crate::raw::{Raw, frame};
use crate::world::{ROOM, Witness, grants, greeting, start, token};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const TEXT_PART: u8 = 0x01;
const PART: u8 = 0x00;
const LAST_PART: u8 = 0x80;
const PING: u8 = 0x89;
const CLOSE: u8 = 0x88;

/// What the server said in all, as one text.
fn said(frames: &[(u8, Vec<u8>)]) -> String {
    let texts = frames.iter().filter(|(first, _)| *first == TEXT);
    texts.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect::<Vec<_>>().join("\n")
}

fn hello() -> Vec<u8> {
    let hello = greeting(ROOM, Some(token(&grants(ROOM, "mallory"))));
    frame(TEXT, true, hello.encode().as_bytes())
}

/// Frames that break RFC 6455, none of which is answered by anything but the end.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("not masked", frame(TEXT, false, br#"{"type":"ping","nonce":1}"#)),
        ("reserved bits", frame(0xf1, true, b"{}")),
        ("a reserved kind", frame(0x83, true, b"{}")),
        ("a part of nothing", frame(LAST_PART, true, b"{}")),
        ("a long ping", frame(PING, true, &[b'x'; 126])),
        ("a ping in parts", frame(0x09, true, b"x")),
        ("no UTF-8", frame(TEXT, true, &[b'"', 0xff, 0xfe, b'"'])),
        ("half a character", frame(TEXT, true, &[0xe2, 0x82])),
        ("a surrogate", frame(TEXT, true, &[0xed, 0xa0, 0x80])),
        ("a length of 2^63", [&[TEXT, 0xff][..], &[0xff; 8], &[0; 4]].concat()),
        ("a length beyond the bound", [&[TEXT, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[0; 4]].concat()),
        (
            "parts beyond the bound",
            [frame(TEXT_PART, true, &[b'x'; 60_000]), frame(PART, true, &[b'x'; 60_000]).repeat(6)].concat(),
        ),
        ("a close of one byte", frame(CLOSE, true, &[3])),
    ]
}

#[tokio::test]
async fn broken_frames_end_their_own_connection_and_nothing_else() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    for (what, bytes) in broken() {
        let mut raw = Raw::upgrade(server.http_addr, "").await.unwrap();
        raw.say(bytes).await;
        raw.say(hello()).await;
        let frames = raw.frames().await;
        assert!(!said(&frames).contains("welcome"), "{what}: {}", said(&frames));
    }
    witness.saw_nothing().await;
    server.shutdown().await;
}

#[tokio::test]
async fn messages_that_mean_nothing_are_answered_and_forgotten() {
    let server = start().await;
    let mut witness = Witness::in_room(&server, ROOM).await;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000));
    let texts = [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        format!("{{\"type\":\"hello\",\"x\":{}}}", deep("[", "]")),
        "\0".to_owned(),
        "1e999999".to_owned(),
        format!("{{\"type\":\"{}\"}}", "x".repeat(60_000)),
        "{\"type\":\"hello\",\"type\":\"leave\",\"room\":\"standup\"}".to_owned(),
        " ".repeat(MESSAGE_BYTES_MAX + 1),
        "{\"type\":\"chat\",\"number\":1,\"text\":\"from outside\"}".to_owned(),
        "{\"type\":\"moderate\",\"action\":\"end\"}".to_owned(),
        format!(
            "{{\"type\":\"hello\",\"version\":{{\"major\":1,\"minor\":0}},\"room\":\"{ROOM}\",\"name\":\"A\",\"token\":\"{}\"}}",
            "x".repeat(5000)
        ),
        format!(
            "{{\"type\":\"hello\",\"version\":{{\"major\":1,\"minor\":0}},\"room\":\"../{ROOM}\",\"name\":\"A\"}}"
        ),
        format!(
            "{{\"type\":\"hello\",\"version\":{{\"major\":1,\"minor\":0}},\"room\":\"{ROOM}\",\"name\":\"A\\u0000B\\n\"}}"
        ),
    ];
    let mut raw = Raw::upgrade(server.http_addr, "").await.unwrap();
    let count = texts.len() + 1;
    for text in texts {
        raw.say(frame(TEXT, true, text.as_bytes())).await;
    }
    raw.say(frame(BINARY, true, &[0; 1000])).await;
    // A message in the smallest parts is a message.
    let ping = br#"{"type":"ping","nonce":4711}"#;
    let (last, rest) = ping.split_last().unwrap();
    raw.say(frame(TEXT_PART, true, &rest[..1])).await;
    for byte in &rest[1..] {
        raw.say(frame(PART, true, &[*byte])).await;
        raw.say(frame(PING, true, b"between")).await;
    }
    raw.say(frame(LAST_PART, true, &[*last])).await;
    raw.say(frame(TEXT, true, br#"{"type":"leave"}"#)).await;
    raw.say(frame(CLOSE, true, &[3, 0xe8])).await;
    let said = said(&raw.frames().await);
    assert_eq!(said.matches("\"error\"").count(), count, "{said}");
    assert!(said.contains("4711") && said.contains("\"left\"") && !said.contains("welcome"), "{said}");
    witness.saw_nothing().await;
    server.shutdown().await;
}
