//! Whatever is within the bounds comes back from the wire unchanged.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use shared::caption::{Caption, CaptionCue, CaptionText, LanguageTag};
use shared::limits;
use shared::meeting::{Audience, ChatMessage, ChatRecipient, Knock, Meeting, Permissions, Policy, Reaction};
use shared::protocol::{
    Answer, Change, Chat, ClientMessage, Departure, Fault, Goodbye, Hello, Moderated, ModeratedHow,
    Moderation, Offer, Participant, Presence, PublishedMid, RequestedLayers, ServerMessage, SlotAssignment,
    Snapshot, Speaker, Version, Want, Welcome, decode_client, decode_server,
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
    let embedded = (option::of("\\PC{0,16}"), option::of("\\PC{0,32}"));
    (peer(), name(), media(), presence, embedded).prop_map(
        |(peer, name, media, presence, (external_id, metadata))| Participant {
            peer,
            name,
            media,
            presence,
            external_id,
            metadata,
        },
    )
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    (any::<u32>(), vec(participant(), 0..8))
        .prop_map(|(revision, participants)| Snapshot { revision, participants })
}

fn change() -> impl Strategy<Value = Change> {
    let departure =
        select(vec![Departure::Left, Departure::TimedOut, Departure::Removed, Departure::Unknown]);
    prop_oneof![
        participant().prop_map(|participant| Change::Joined { participant }),
        participant().prop_map(|participant| Change::Updated { participant }),
        (peer(), departure).prop_map(|(peer, departure)| Change::Left { peer, departure }),
    ]
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    let secrets = (option::of("[!-~]{0,64}"), option::of("[!-~]{0,64}"));
    let hello = (version(), capabilities(), room(), name(), media(), option::of(token()), secrets).prop_map(
        |(version, capabilities, room, name, media, resume, (token, passcode))| Hello {
            version,
            capabilities,
            room,
            name,
            media,
            resume,
            token,
            passcode,
        },
    );
    let chat =
        (any::<u32>(), option::of(peer()), line()).prop_map(|(number, to, text)| Chat { number, to, text });
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
        chat.prop_map(ClientMessage::Chat),
        reaction().prop_map(|reaction| ClientMessage::React { reaction }),
        any::<bool>().prop_map(|raised| ClientMessage::Hand { raised }),
        cue().prop_map(ClientMessage::Caption),
        any::<bool>().prop_map(|wanted| ClientMessage::WantCaptions { wanted }),
        moderation().prop_map(ClientMessage::Moderate),
        Just(ClientMessage::Resync),
        any::<u32>().prop_map(|nonce| ClientMessage::Ping { nonce }),
        Just(ClientMessage::Leave),
    ]
}

fn cue() -> impl Strategy<Value = CaptionCue> {
    let text = "[\\PC\n\t]{1,64}".prop_filter_map("blank", |text| CaptionText::new(&text).ok());
    let language = "[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8}){0,2}".prop_map(|text| LanguageTag::new(&text).unwrap());
    (any::<(u32, bool)>(), option::of(peer()), option::of(name()), option::of(language), text).prop_map(
        |((segment, is_final), speaker, name, language, text)| CaptionCue {
            segment,
            speaker,
            name,
            language,
            text,
            is_final,
        },
    )
}

/// What may stand in the chat.
fn line() -> impl Strategy<Value = String> {
    "[\\PC\n\t]{0,64}".prop_filter("blank", |text| !text.trim().is_empty())
}

fn reaction() -> impl Strategy<Value = Reaction> {
    select(vec![Reaction::ThumbsUp, Reaction::Heart, Reaction::Party, Reaction::Unknown])
}

fn policy() -> impl Strategy<Value = Policy> {
    let audience = || select(vec![Audience::Everyone, Audience::Hosts, Audience::Unknown]);
    (any::<bool>(), any::<bool>(), audience(), audience(), audience()).prop_map(
        |(locked, waiting_room, share, chat, unmute)| Policy { locked, waiting_room, share, chat, unmute },
    )
}

fn moderation() -> impl Strategy<Value = Moderation> {
    let kind = || select(KINDS.to_vec());
    prop_oneof![
        (peer(), kind()).prop_map(|(peer, kind)| Moderation::Mute { peer, kind }),
        Just(Moderation::MuteAll),
        (peer(), kind()).prop_map(|(peer, kind)| Moderation::AskToUnmute { peer, kind }),
        peer().prop_map(|peer| Moderation::LowerHand { peer }),
        Just(Moderation::LowerAllHands),
        (peer(), any::<bool>()).prop_map(|(peer, ban)| Moderation::Remove { peer, ban }),
        (peer(), any::<bool>()).prop_map(|(peer, host)| Moderation::SetHost { peer, host }),
        any::<u32>().prop_map(|knock| Moderation::Admit { knock }),
        Just(Moderation::AdmitAll),
        (any::<u32>(), option::of("\\PC{0,64}"))
            .prop_map(|(knock, message)| Moderation::Deny { knock, message }),
        policy().prop_map(|policy| Moderation::SetPolicy { policy }),
        option::of("[!-~]{0,64}").prop_map(|passcode| Moderation::SetPasscode { passcode }),
        Just(Moderation::End),
    ]
}

fn meeting() -> impl Strategy<Value = Meeting> {
    let you = (any::<bool>(), vec(select(KINDS.to_vec()), 0..4), any::<bool>())
        .prop_map(|(host, publish, chat)| Permissions { host, publish, chat });
    (policy(), any::<bool>(), vec(peer(), 0..4), vec(peer(), 0..4), you)
        .prop_map(|(policy, passcode, hosts, hands, you)| Meeting { policy, passcode, hosts, hands, you })
}

fn chat_line() -> impl Strategy<Value = ChatMessage> {
    let to = option::of((peer(), name()).prop_map(|(peer, name)| ChatRecipient { peer, name }));
    (any::<(u32, u32)>(), peer(), name(), to, line(), option::of(any::<u32>())).prop_map(
        |((id, at_s), from, name, to, text, number)| ChatMessage { id, at_s, from, name, to, text, number },
    )
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
    let goodbye = (select(REASONS.to_vec()), option::of(any::<u32>()), option::of(text()))
        .prop_map(|(reason, retry_after_ms, message)| Goodbye { reason, retry_after_ms, message });
    let knock = (any::<u32>(), name()).prop_map(|(knock, name)| Knock { knock, name });
    let how = select(vec![ModeratedHow::Muted, ModeratedHow::AskedToUnmute, ModeratedHow::Unknown]);
    let moderated = (how, select(KINDS.to_vec()), option::of(peer()))
        .prop_map(|(what, kind, by)| Moderated { what, kind, by });
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
        Just(ServerMessage::Waiting),
        meeting().prop_map(ServerMessage::Meeting),
        vec(knock, 0..8).prop_map(|knocks| ServerMessage::Knocks { knocks }),
        vec(chat_line(), 0..8).prop_map(|lines| ServerMessage::Chat { lines }),
        (peer(), reaction()).prop_map(|(peer, reaction)| ServerMessage::Reaction { peer, reaction }),
        (any::<u32>(), cue()).prop_map(|(feeder, cue)| ServerMessage::Caption(Caption { feeder, cue })),
        moderated.prop_map(ServerMessage::Moderated),
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
