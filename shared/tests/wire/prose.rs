//! `PROTOCOL.md` says what the code does: every kind, code and limit, and every example is a real message.

use shared::limits;
use shared::protocol::{ClientMessage, ServerMessage, Version, decode_client, decode_server};

use crate::examples::{CODES, PAUSES, REASONS};

const PROSE: &str = include_str!("../../PROTOCOL.md");
const LIMITS: &str = include_str!("../../src/limits.rs");

/// The name of every constant and its value.
fn limits() -> Vec<(&'static str, u64)> {
    macro_rules! values {
        ($($name:ident),* $(,)?) => { vec![$((stringify!($name), u64::try_from(limits::$name).unwrap())),*] };
    }
    values![
        MESSAGE_BYTES_MAX,
        SERVER_MESSAGE_BYTES_MAX,
        SDP_BYTES_MAX,
        MESSAGES_PER_SECOND_MAX,
        MESSAGE_BURST_MAX,
        ROOM_ID_CHARS_MIN,
        ROOM_ID_CHARS_MAX,
        DISPLAY_NAME_CHARS_MAX,
        MID_BYTES_MAX,
        CAPABILITIES_MAX,
        CAPABILITY_BYTES_MAX,
        AUDIO_SLOTS,
        VIDEO_SLOTS_MAX,
        WANTS_MAX,
        SOURCES_MAX,
        PARTICIPANTS_DEFAULT,
        PARTICIPANTS_MAX,
        CHANGES_MAX,
        WANT_HEIGHT_MAX,
        TOKEN_BYTES_MAX,
        PASSCODE_BYTES_MAX,
        EXTERNAL_ID_BYTES_MAX,
        METADATA_BYTES_MAX,
        CHAT_TEXT_BYTES_MAX,
        CHAT_LINES_MAX,
        CHAT_HISTORY_MAX,
        CAPTION_TEXT_CHARS_MAX,
        LANGUAGE_TAG_BYTES_MAX,
        KNOCKS_MAX,
        DENIAL_BYTES_MAX,
    ]
}

/// JSON text blocks below the heading of this kind: `### hello (client)`.
fn examples(kind: &str, side: &str) -> Vec<&'static str> {
    let heading = format!("\n### `{kind}` ({side})\n");
    let section = PROSE.split(&heading).nth(1).unwrap_or_else(|| panic!("no section {heading:?}"));
    let section = section.split("\n#").next().unwrap_or(section);
    section.split("```json\n").skip(1).filter_map(|block| block.split("\n```").next()).collect()
}

#[test]
fn every_limit_stands_in_the_table_with_its_value() {
    let constants = LIMITS.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    let named: Vec<&str> = limits().into_iter().map(|(name, _)| name).collect();
    assert_eq!(constants.collect::<Vec<_>>(), named, "this test must know every constant");
    for (name, value) in limits() {
        let row = format!("| `{name}` | {value} |");
        assert!(PROSE.contains(&row), "missing in PROTOCOL.md: {row}");
    }
}

#[test]
fn every_message_has_an_example_that_is_one() {
    for kind in ClientMessage::KINDS {
        let examples = examples(kind, "client");
        assert!(!examples.is_empty(), "{kind}");
        for text in examples {
            let message = decode_client(text).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert!(message.encode().starts_with(&format!("{{\"type\":\"{kind}\"")), "{kind}");
        }
    }
    for kind in ServerMessage::KINDS {
        let examples = examples(kind, "server");
        assert!(!examples.is_empty(), "{kind}");
        for text in examples {
            let message = decode_server(text).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert!(message.encode().starts_with(&format!("{{\"type\":\"{kind}\"")), "{kind}");
        }
    }
}

#[test]
fn every_code_and_reason_is_explained() {
    let spelled = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    let codes = CODES.into_iter().map(|code| spelled(serde_json::to_value(code).unwrap()));
    let reasons = REASONS.into_iter().map(|reason| spelled(serde_json::to_value(reason).unwrap()));
    let pauses = PAUSES.into_iter().map(|pause| spelled(serde_json::to_value(pause).unwrap()));
    for name in codes.chain(reasons).chain(pauses) {
        assert!(PROSE.contains(&format!("| `{name}` |")), "no table row for `{name}`");
    }
}

#[test]
fn the_prose_is_about_this_version() {
    let title = format!("# The Visavis signaling protocol, version {}\n", Version::CURRENT);
    assert!(PROSE.starts_with(&title), "{title}");
}
