//! Whatever is within the bounds comes back from the wire unchanged.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use shared::limits;
use shared::protocol::{
    Answer, Change, ClientMessage, Departure, Fault, Goodbye, Hello, Offer, Participant, Presence,
    PublishedMid, RequestedLayers, ServerMessage, SlotAssignment, Snapshot, Speaker, Version, Want, Welcome,
    decode_client, decode_server,
};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceRef};

use crate::examples::{CODES, KINDS, PAUSES, REASONS};

fn name() -> impl Strategy<Value = DisplayName> {
    "\\PC{1,64}".prop_filter_map("blank", |text| DisplayName::new(&text).ok())
}

fn room() -> impl Strategy<Value = RoomId> {
    "[a-z0-9-]{3,64}".prop_map(|text| RoomId::new(&text).unwrap())
}

fn media() -> impl Strategy<Value = MediaState> {
    any::<(bool, bool, bool)>().prop_map(|(microphone, camera, screen)| MediaState {
        microphone,
        camera,
        screen,
    })
}

fn peer() -> impl Strategy<Value = PeerId> {
    any::<u64>().prop_map(PeerId::new)
}

fn token() -> impl Strategy<Value = ResumeToken> {
    any::<[u8; 16]>().prop_map(ResumeToken::new)
}

fn version() -> impl Strategy<Value = Version> {
    any::<(u16, u16)>().prop_map(|(major, minor)| Version { major, minor })
}

fn mid() -> impl Strategy<Value = String> {
    "[!-~]{0,16}"
}

fn source() -> impl Strategy<Value = SourceRef> {
    (peer(), select(KINDS.to_vec())).prop_map(|(peer, kind)| SourceRef { peer, kind })
}

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn capabilities() -> impl Strategy<Value = Vec<String>> {
    vec("[a-z_]{0,32}", 0..=limits::CAPABILITIES_MAX)
}

fn participant() -> impl Strategy<Value = Participant> {
    let presence = select(vec![Presence::Connected, Presence::Reconnecting, Presence::Unknown]);
    (peer(), name(), media(), presence).prop_map(|(peer, name, media, presence)| Participant {
        peer,
        name,
        media,
        presence,
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    (any::<u32>(), vec(participant(), 0..8))
        .prop_map(|(revision, participants)| Snapshot { revision, participants })
}

fn change() -> impl Strategy<Value = Change> {
    let departure = select(vec![Departure::Left, Departure::TimedOut, Departure::Unknown]);
    prop_oneof![
        participant().prop_map(|participant| Change::Joined { participant }),
        participant().prop_map(|participant| Change::Updated { participant }),
        (peer(), departure).prop_map(|(peer, departure)| Change::Left { peer, departure }),
    ]
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    let hello = (version(), capabilities(), room(), name(), media(), option::of(token())).prop_map(
        |(version, capabilities, room, name, media, resume)| Hello {
            version,
            capabilities,
            room,
            name,
            media,
            resume,
        },
    );
    let published = (mid(), select(KINDS.to_vec())).prop_map(|(mid, kind)| PublishedMid { mid, kind });
    let offer = (any::<u32>(), text(), vec(published, 0..=limits::SOURCES_MAX))
        .prop_map(|(negotiation, sdp, sources)| Offer { negotiation, sdp, sources });
    let want = (mid(), source(), 0..=limits::WANT_HEIGHT_MAX, any::<u8>())
        .prop_map(|(mid, source, max_height, priority)| Want { mid, source, max_height, priority });
    prop_oneof![
        hello.prop_map(ClientMessage::Hello),
        offer.prop_map(ClientMessage::Offer),
        vec(want, 0..=limits::WANTS_MAX).prop_map(|wants| ClientMessage::Wants { wants }),
        media().prop_map(ClientMessage::Media),
        name().prop_map(|name| ClientMessage::Rename { name }),
        Just(ClientMessage::Resync),
        any::<u32>().prop_map(|nonce| ClientMessage::Ping { nonce }),
        Just(ClientMessage::Leave),
    ]
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let codecs = capabilities();
    (version(), capabilities(), peer(), token(), any::<(bool, bool, u32)>(), codecs, snapshot()).prop_map(
        |(
            version,
            capabilities,
            peer,
            resume,
            (resumed, media_alive, timeout_ms),
            video_codecs,
            snapshot,
        )| Welcome {
            version,
            capabilities,
            peer,
            resume,
            resumed,
            media_alive,
            timeout_ms,
            video_codecs,
            snapshot,
        },
    )
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    let slot = (mid(), option::of(source()), option::of(select(PAUSES.to_vec())))
        .prop_map(|(mid, source, paused)| SlotAssignment { mid, source, paused });
    let layers = (mid(), any::<bool>(), vec(mid(), 0..4), option::of(any::<u16>()))
        .prop_map(|(mid, active, rids, max_height)| RequestedLayers { mid, active, rids, max_height });
    let speaker = (peer(), any::<u8>()).prop_map(|(peer, level)| Speaker { peer, level });
    let fault = (select(CODES.to_vec()), text(), option::of(text()), option::of(any::<u32>()))
        .prop_map(|(code, message, request, retry_after_s)| Fault { code, message, request, retry_after_s });
    let goodbye = (select(REASONS.to_vec()), option::of(any::<u32>()))
        .prop_map(|(reason, retry_after_ms)| Goodbye { reason, retry_after_ms });
    prop_oneof![
        welcome().prop_map(ServerMessage::Welcome),
        (any::<u32>(), text())
            .prop_map(|(negotiation, sdp)| ServerMessage::Answer(Answer { negotiation, sdp })),
        snapshot().prop_map(ServerMessage::Snapshot),
        (any::<u32>(), vec(change(), 0..8))
            .prop_map(|(revision, changes)| ServerMessage::Delta { revision, changes }),
        vec(slot, 0..28).prop_map(|slots| ServerMessage::SlotMap { slots }),
        vec(layers, 0..4).prop_map(|publications| ServerMessage::Layers { publications }),
        vec(speaker, 0..8).prop_map(|speakers| ServerMessage::Speakers { speakers }),
        any::<u32>().prop_map(|nonce| ServerMessage::Pong { nonce }),
        fault.prop_map(ServerMessage::Error),
        goodbye.prop_map(ServerMessage::Goodbye),
    ]
}

proptest! {
    #[test]
    fn client_messages_come_back_as_they_were(message in client_message()) {
        prop_assert_eq!(decode_client(&message.encode()), Ok(message));
    }

    #[test]
    fn server_messages_come_back_as_they_were(message in server_message()) {
        prop_assert_eq!(decode_server(&message.encode()), Ok(message));
    }

    #[test]
    fn any_text_is_decoded_without_a_panic(text in any::<String>()) {
        // Random text is practically never a message; what matters is that it is refused in an orderly way.
        prop_assert!(decode_client(&text).is_err());
        prop_assert!(decode_server(&text).is_err());
    }

    #[test]
    fn a_damaged_message_never_panics(message in client_message(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut characters: Vec<char> = message.encode().chars().collect();
        let at = at.index(characters.len());
        characters[at] = with;
        let damaged: String = characters.into_iter().collect();
        if let Err(error) = decode_client(&damaged) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
