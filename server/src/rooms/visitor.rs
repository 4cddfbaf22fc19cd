//! From a hello and its token to a visitor at the door.

use std::net::IpAddr;
use std::sync::Arc;

use sfu::{ConnectionId, Identity};
use shared::limits::{EXTERNAL_ID_BYTES_MAX, METADATA_BYTES_MAX};
use shared::protocol::Hello;
use shared::{MediaState, RoomId};

use super::host_key::HostKey;
use crate::access::{Gate, Grants, Locality, Openness, Refusal, RoomScope, UnixSeconds};
use crate::meeting::{Person, Visitor};

/// What whoever says this hello may do in the room it names: the token decides, and nothing else. `has_seat`: it brings
/// the token of a seat, which is as good for that seat.
pub(super) fn visitor(
    gate: &Gate,
    host_key: &HostKey,
    connection: ConnectionId,
    hello: Hello,
    address: IpAddr,
    has_seat: bool,
    now: UnixSeconds,
) -> Result<Visitor, Refusal> {
    let granted = grants(gate, host_key, hello.token.as_deref(), &hello.room, now);
    // Who is inside stays, also when the token has ended meanwhile.
    let is_only_back = granted.is_err() && has_seat;
    let grants = if is_only_back { Grants::participant(RoomScope::Any) } else { granted? };
    let names = [&grants.subject, &grants.external_id].into_iter().flatten();
    let names = names.map(|name| name.as_str().to_owned()).collect();
    let metadata = grants.metadata.as_ref().map(|metadata| metadata.value().to_string());
    let publish = MediaState {
        microphone: grants.publish.microphone,
        camera: grants.publish.camera,
        screen: grants.publish.screen,
    };
    Ok(Visitor {
        connection,
        is_named: grants.name.is_some(),
        name: grants.name.unwrap_or(hello.name),
        is_host: grants.host,
        is_hidden: grants.hidden,
        may_caption: grants.caption,
        is_invited: matches!(grants.rooms, RoomScope::One(_)),
        publish,
        participants_max: grants.participants_max.map(usize::from),
        identity: Identity {
            external_id: grants.external_id.and_then(|id| short(id.as_str(), EXTERNAL_ID_BYTES_MAX)),
            metadata: metadata.and_then(|text| short(&text, METADATA_BYTES_MAX)),
        },
        media: hello.media,
        resume: hello.resume,
        passcode: hello.passcode,
        is_only_back,
        person: Person { names, address },
    })
}

/// Without the operator's keys everybody comes in as a participant like any other, and who made a room leads it: their
/// page has the token that says so.
fn grants(
    gate: &Gate,
    host_key: &HostKey,
    token: Option<&str>,
    room: &RoomId,
    now: UnixSeconds,
) -> Result<Grants, Refusal> {
    match (gate.openness(), token) {
        // From where is asked before there is a connection.
        (Openness::Keys, token) => gate.admit(token, room, Locality::Elsewhere, now),
        (Openness::ThisMachine | Openness::Everybody, Some(token)) => host_key.admit(token, room, now),
        (Openness::ThisMachine | Openness::Everybody, None) => Ok(Grants::participant(RoomScope::Any)),
    }
}

/// What is longer than the others are told is not told.
fn short(text: &str, max: usize) -> Option<Arc<str>> {
    (text.len() <= max).then(|| text.into())
}
