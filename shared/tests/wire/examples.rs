//! One example of every message and every variant, by name. The names are the snapshots' file names.

use shared::caption::{Caption, CaptionCue, CaptionText, LanguageTag};
use shared::meeting::{Audience, ChatMessage, ChatRecipient, Knock, Meeting, Permissions, Policy, Reaction};
use shared::protocol::{
    Answer, Change, Chat, ClientMessage, Departure, ErrorCode, Fault, Goodbye, GoodbyeReason, Hello,
    Moderated, ModeratedHow, Moderation, Offer, Participant, PauseReason, Presence, PublishedMid,
    RequestedLayers, ServerMessage, SlotAssignment, Snapshot, Speaker, Version, Want, Welcome,
};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind, SourceRef};

pub(crate) const KINDS: [SourceKind; 4] =
    [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen, SourceKind::ScreenAudio];

pub(crate) const CODES: [ErrorCode; 22] = [
    ErrorCode::InvalidMessage,
    ErrorCode::UnknownMessage,
    ErrorCode::MessageTooLong,
    ErrorCode::RateLimited,
    ErrorCode::UnexpectedMessage,
    ErrorCode::UnsupportedVersion,
    ErrorCode::RoomFull,
    ErrorCode::ServerBusy,
    ErrorCode::ResumeExpired,
    ErrorCode::InvalidOffer,
    ErrorCode::UnknownSlot,
    ErrorCode::TokenRequired,
    ErrorCode::TokenInvalid,
    ErrorCode::TokenExpired,
    ErrorCode::PasscodeRequired,
    ErrorCode::PasscodeWrong,
    ErrorCode::RoomLocked,
    ErrorCode::WaitingRoomFull,
    ErrorCode::Banned,
    ErrorCode::Forbidden,
    ErrorCode::Internal,
    ErrorCode::Unknown,
];

pub(crate) const REASONS: [GoodbyeReason; 10] = [
    GoodbyeReason::Restarting,
    GoodbyeReason::Replaced,
    GoodbyeReason::ProtocolViolation,
    GoodbyeReason::TooSlow,
    GoodbyeReason::Left,
    GoodbyeReason::Removed,
    GoodbyeReason::Banned,
    GoodbyeReason::Denied,
    GoodbyeReason::Ended,
    GoodbyeReason::Unknown,
];

pub(crate) const PAUSES: [PauseReason; 6] = [
    PauseReason::Muted,
    PauseReason::NotSent,
    PauseReason::Bandwidth,
    PauseReason::Codec,
    PauseReason::Overload,
    PauseReason::Unknown,
];

pub(crate) fn client_messages() -> Vec<(&'static str, ClientMessage)> {
    let hello = Hello {
        version: Version { major: 1, minor: 0 },
        capabilities: Vec::new(),
        room: RoomId::new("abc-defg-hjk").unwrap(),
        name: DisplayName::new("Ada").unwrap(),
        media: MediaState { microphone: true, camera: true, screen: false },
        resume: None,
        token: None,
        passcode: None,
    };
    let resumed = Hello {
        capabilities: vec!["chat".to_owned()],
        resume: Some(ResumeToken::new(*b"0123456789abcdef")),
        ..hello.clone()
    };
    let source = |index: usize, kind| PublishedMid { mid: index.to_string(), kind };
    let offer = Offer {
        negotiation: 1,
        sdp: "v=0\r\n".to_owned(),
        sources: KINDS.into_iter().enumerate().map(|(index, kind)| source(index, kind)).collect(),
    };
    let wants = vec![Want { mid: "5".to_owned(), source: camera(), max_height: 360, priority: 255 }];
    let admitted = Hello {
        token: Some("header.claims.signature".to_owned()),
        passcode: Some("tulip".to_owned()),
        ..hello.clone()
    };
    let mut messages = vec![
        ("hello", ClientMessage::Hello(hello)),
        ("hello_resuming", ClientMessage::Hello(resumed)),
        ("hello_with_token", ClientMessage::Hello(admitted)),
        ("offer", ClientMessage::Offer(offer)),
        ("wants", ClientMessage::Wants { wants }),
        ("wants_nothing", ClientMessage::Wants { wants: Vec::new() }),
        ("media", ClientMessage::Media(MediaState { microphone: false, camera: true, screen: true })),
        ("rename", ClientMessage::Rename { name: DisplayName::new("Ada Lovelace").unwrap() }),
        ("resync", ClientMessage::Resync),
        ("ping", ClientMessage::Ping { nonce: 7 }),
        ("leave", ClientMessage::Leave),
    ];
    messages.extend(said());
    messages.extend(moderations());
    messages
}

/// What somebody says without media.
fn said() -> [(&'static str, ClientMessage); 10] {
    let chat = |to| ClientMessage::Chat(Chat { number: 1, to, text: "Good morning".to_owned() });
    [
        ("chat", chat(None)),
        ("chat_private", chat(Some(away().peer))),
        ("react", ClientMessage::React { reaction: Reaction::ThumbsUp }),
        ("react_unknown", ClientMessage::React { reaction: Reaction::Unknown }),
        ("hand", ClientMessage::Hand { raised: true }),
        ("hand_down", ClientMessage::Hand { raised: false }),
        ("caption_interim", ClientMessage::Caption(CaptionCue { is_final: false, ..cue() })),
        ("caption_named", ClientMessage::Caption(named_cue())),
        ("want_captions", ClientMessage::WantCaptions { wanted: true }),
        ("want_captions_no_more", ClientMessage::WantCaptions { wanted: false }),
    ]
}

/// Somebody in the meeting speaks.
fn cue() -> CaptionCue {
    CaptionCue {
        segment: 7,
        speaker: Some(ada().peer),
        name: None,
        language: LanguageTag::new("en").ok(),
        text: CaptionText::new("Good morning").unwrap(),
        is_final: true,
    }
}

/// Somebody else speaks.
fn named_cue() -> CaptionCue {
    CaptionCue { speaker: None, name: DisplayName::new("Room 2").ok(), language: None, ..cue() }
}

/// Everything a host can do.
fn moderations() -> impl Iterator<Item = (&'static str, ClientMessage)> {
    let peer = away().peer;
    let actions = [
        ("moderate_mute", Moderation::Mute { peer, kind: SourceKind::Microphone }),
        ("moderate_mute_all", Moderation::MuteAll),
        ("moderate_ask_to_unmute", Moderation::AskToUnmute { peer, kind: SourceKind::Microphone }),
        ("moderate_lower_hand", Moderation::LowerHand { peer }),
        ("moderate_lower_all_hands", Moderation::LowerAllHands),
        ("moderate_remove", Moderation::Remove { peer, ban: true }),
        ("moderate_set_host", Moderation::SetHost { peer, host: true }),
        ("moderate_admit", Moderation::Admit { knock: 2 }),
        ("moderate_admit_all", Moderation::AdmitAll),
        ("moderate_deny", Moderation::Deny { knock: 2, message: None }),
        ("moderate_deny_message", Moderation::Deny { knock: 2, message: Some("Come at ten.".to_owned()) }),
        ("moderate_set_policy", Moderation::SetPolicy { policy: strict() }),
        ("moderate_set_passcode", Moderation::SetPasscode { passcode: Some("tulip".to_owned()) }),
        ("moderate_set_passcode_none", Moderation::SetPasscode { passcode: None }),
        ("moderate_end", Moderation::End),
    ];
    actions.into_iter().map(|(name, action)| (name, ClientMessage::Moderate(action)))
}

/// Rules that allow as little as there is.
fn strict() -> Policy {
    Policy {
        locked: true,
        waiting_room: true,
        share: Audience::Hosts,
        chat: Audience::Hosts,
        unmute: Audience::Unknown,
    }
}

pub(crate) fn server_messages() -> Vec<(&'static str, ServerMessage)> {
    let snapshot = Snapshot { revision: 3, participants: vec![ada(), away()] };
    let welcome = Welcome {
        version: Version { major: 1, minor: 0 },
        capabilities: vec!["chat".to_owned()],
        peer: ada().peer,
        resume: ResumeToken::new(*b"0123456789abcdef"),
        resumed: true,
        media_alive: true,
        timeout_ms: 15_000,
        video_codecs: Vec::new(),
        snapshot: snapshot.clone(),
    };
    let with_codecs = Welcome { video_codecs: vec!["vp9".to_owned(), "vp8".to_owned()], ..welcome.clone() };
    let changes = vec![
        Change::Joined { participant: ada() },
        Change::Updated { participant: away() },
        Change::Left { peer: ada().peer, departure: Departure::Left },
        Change::Left { peer: away().peer, departure: Departure::TimedOut },
    ];
    let mut slots = vec![
        SlotAssignment { mid: "4".to_owned(), source: Some(camera()), paused: None },
        SlotAssignment { mid: "5".to_owned(), source: None, paused: None },
    ];
    slots.extend(PAUSES.into_iter().enumerate().map(|(index, pause)| SlotAssignment {
        mid: (6 + index).to_string(),
        source: Some(camera()),
        paused: Some(pause),
    }));
    let mut messages = vec![
        ("welcome", ServerMessage::Welcome(welcome)),
        ("welcome_codecs", ServerMessage::Welcome(with_codecs)),
        ("answer", ServerMessage::Answer(Answer { negotiation: 1, sdp: "v=0\r\n".to_owned() })),
        ("snapshot", ServerMessage::Snapshot(snapshot)),
        ("delta", ServerMessage::Delta { revision: 4, changes }),
        ("slot_map", ServerMessage::SlotMap { slots }),
        ("layers", ServerMessage::Layers { publications: layers() }),
        ("layers_max_height", ServerMessage::Layers { publications: vec![thumbnail()] }),
        ("speakers", ServerMessage::Speakers { speakers: vec![Speaker { peer: ada().peer, level: 96 }] }),
        ("speakers_none", ServerMessage::Speakers { speakers: Vec::new() }),
        ("pong", ServerMessage::Pong { nonce: 7 }),
    ];
    messages.extend(meetings());
    messages.extend(faults());
    messages.extend(goodbyes());
    messages
}

/// What comes of the meeting beyond its roster.
fn meetings() -> Vec<(&'static str, ServerMessage)> {
    let meeting = Meeting {
        policy: Policy::default(),
        passcode: false,
        hosts: vec![ada().peer],
        hands: vec![away().peer],
        you: Permissions { host: true, publish: KINDS.to_vec(), chat: true },
    };
    let guest = Meeting {
        policy: strict(),
        passcode: true,
        you: Permissions { host: false, publish: Vec::new(), chat: false },
        ..meeting.clone()
    };
    let embedded = Participant {
        external_id: Some("user-7".to_owned()),
        metadata: Some("blue team".to_owned()),
        ..ada()
    };
    let line = ChatMessage {
        id: 1,
        at_s: 1_790_000_000,
        from: ada().peer,
        name: ada().name,
        to: None,
        text: "Good morning".to_owned(),
        number: Some(1),
    };
    let to = Some(ChatRecipient { peer: away().peer, name: away().name });
    let private = ChatMessage { id: 2, to, number: None, ..line.clone() };
    let removed = vec![Change::Left { peer: away().peer, departure: Departure::Removed }];
    let moderated = |what, by| ServerMessage::Moderated(Moderated { what, kind: SourceKind::Microphone, by });
    vec![
        ("waiting", ServerMessage::Waiting),
        ("meeting", ServerMessage::Meeting(meeting)),
        ("meeting_guest", ServerMessage::Meeting(guest)),
        ("knocks", ServerMessage::Knocks { knocks: vec![Knock { knock: 2, name: away().name }] }),
        ("chat", ServerMessage::Chat { lines: vec![line, private] }),
        ("reaction", ServerMessage::Reaction { peer: ada().peer, reaction: Reaction::Party }),
        (
            "caption",
            ServerMessage::Caption(Caption {
                feeder: 1,
                cue: CaptionCue { name: Some(ada().name), ..cue() },
            }),
        ),
        (
            "caption_of_nobody",
            ServerMessage::Caption(Caption { feeder: 2, cue: CaptionCue { name: None, ..named_cue() } }),
        ),
        ("moderated_muted", moderated(ModeratedHow::Muted, Some(ada().peer))),
        ("moderated_asked", moderated(ModeratedHow::AskedToUnmute, None)),
        ("delta_removed", ServerMessage::Delta { revision: 5, changes: removed }),
        (
            "delta_embedded",
            ServerMessage::Delta { revision: 6, changes: vec![Change::Joined { participant: embedded }] },
        ),
    ]
}

/// Two layers of a camera, and nothing of a screen.
fn layers() -> Vec<RequestedLayers> {
    let rids = vec!["q".to_owned(), "h".to_owned()];
    let camera = RequestedLayers { mid: "1".to_owned(), active: true, rids, max_height: None };
    let screen = RequestedLayers { mid: "2".to_owned(), active: false, rids: Vec::new(), max_height: None };
    vec![camera, screen]
}

/// A camera in one stream that everybody shows as a thumbnail.
fn thumbnail() -> RequestedLayers {
    RequestedLayers { mid: "1".to_owned(), active: true, rids: Vec::new(), max_height: Some(180) }
}

/// A goodbye of each reason.
fn goodbyes() -> impl Iterator<Item = (&'static str, ServerMessage)> {
    const NAMES: [&str; 10] = [
        "goodbye_restarting",
        "goodbye_replaced",
        "goodbye_protocol_violation",
        "goodbye_too_slow",
        "goodbye_left",
        "goodbye_removed",
        "goodbye_banned",
        "goodbye_denied",
        "goodbye_ended",
        "goodbye_unknown",
    ];
    NAMES.into_iter().zip(REASONS).map(|(name, reason)| {
        let retry_after_ms = (reason == GoodbyeReason::Restarting).then_some(2_000);
        let message = (reason == GoodbyeReason::Denied).then(|| "Come at ten.".to_owned());
        (name, ServerMessage::Goodbye(Goodbye { reason, retry_after_ms, message }))
    })
}

/// An error of each code.
fn faults() -> impl Iterator<Item = (&'static str, ServerMessage)> {
    const NAMES: [&str; 22] = [
        "error_invalid_message",
        "error_unknown_message",
        "error_message_too_long",
        "error_rate_limited",
        "error_unexpected_message",
        "error_unsupported_version",
        "error_room_full",
        "error_server_busy",
        "error_resume_expired",
        "error_invalid_offer",
        "error_unknown_slot",
        "error_token_required",
        "error_token_invalid",
        "error_token_expired",
        "error_passcode_required",
        "error_passcode_wrong",
        "error_room_locked",
        "error_waiting_room_full",
        "error_banned",
        "error_forbidden",
        "error_internal",
        "error_unknown",
    ];
    NAMES.into_iter().zip(CODES).map(|(name, code)| {
        let request = (code == ErrorCode::InvalidOffer).then(|| "offer".to_owned());
        (
            name,
            ServerMessage::Error(Fault {
                code,
                message: "What happened.".to_owned(),
                request,
                retry_after_s: (code == ErrorCode::ServerBusy).then_some(10),
            }),
        )
    })
}

fn ada() -> Participant {
    Participant {
        peer: PeerId::new(0x0123_4567_89ab_cdef),
        name: DisplayName::new("Ada").unwrap(),
        media: MediaState { microphone: true, camera: true, screen: false },
        presence: Presence::Connected,
        external_id: None,
        metadata: None,
    }
}

fn away() -> Participant {
    Participant {
        peer: PeerId::new(u64::MAX),
        name: DisplayName::new("Bo").unwrap(),
        media: MediaState::default(),
        presence: Presence::Reconnecting,
        external_id: None,
        metadata: None,
    }
}

fn camera() -> SourceRef {
    SourceRef { peer: ada().peer, kind: SourceKind::Camera }
}
