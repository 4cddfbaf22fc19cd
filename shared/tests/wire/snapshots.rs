//! What every message looks like on the wire. A snapshot is never edited: another look is another version.

use std::collections::BTreeSet;

use shared::protocol::{ClientMessage, ServerMessage, decode_client, decode_server};

use crate::examples::{client_messages, server_messages};

#[test]
fn client_messages_look_as_ever() {
    for (name, message) in client_messages() {
        insta::assert_json_snapshot!(format!("client_{name}"), message);
    }
}

#[test]
fn server_messages_look_as_ever() {
    for (name, message) in server_messages() {
        insta::assert_json_snapshot!(format!("server_{name}"), message);
    }
}

#[test]
fn examples_come_back_from_the_wire_as_they_were() {
    for (name, message) in client_messages() {
        assert_eq!(decode_client(&message.encode()).as_ref(), Ok(&message), "{name}");
    }
    for (name, message) in server_messages() {
        assert_eq!(decode_server(&message.encode()).as_ref(), Ok(&message), "{name}");
    }
}

/// The `type` of an encoded message.
fn kind(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value["type"].as_str().unwrap().to_owned()
}

#[test]
fn the_lists_of_kinds_are_the_types_on_the_wire() {
    let said: BTreeSet<String> =
        client_messages().iter().map(|(_, message)| kind(&message.encode())).collect();
    assert_eq!(said, ClientMessage::KINDS.map(str::to_owned).into());
    let said: BTreeSet<String> =
        server_messages().iter().map(|(_, message)| kind(&message.encode())).collect();
    assert_eq!(said, ServerMessage::KINDS.map(str::to_owned).into());
}
