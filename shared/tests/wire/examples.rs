//! One example of every message and every variant, by name. The names are the snapshots' file names.

use shared::protocol::{
    Answer, Change, ClientMessage, Departure, ErrorCode, Fault, Goodbye, GoodbyeReason, Hello, Offer,
    Participant, PauseReason, Presence, PublishedMid, RequestedLayers, ServerMessage, SlotAssignment,
    Snapshot, Speaker, Version, Want, Welcome,
};
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId, SourceKind, SourceRef};

pub(crate) const KINDS: [SourceKind; 4] =
    [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen, SourceKind::ScreenAudio];

pub(crate) const CODES: [ErrorCode; 13] = [
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
    ErrorCode::Internal,
    ErrorCode::Unknown,
];

pub(crate) const REASONS: [GoodbyeReason; 6] = [
    GoodbyeReason::Restarting,
    GoodbyeReason::Replaced,
    GoodbyeReason::ProtocolViolation,
    GoodbyeReason::TooSlow,
    GoodbyeReason::Left,
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
    vec![
        ("hello", ClientMessage::Hello(hello)),
        ("hello_resuming", ClientMessage::Hello(resumed)),
        ("offer", ClientMessage::Offer(offer)),
        ("wants", ClientMessage::Wants { wants }),
        ("wants_nothing", ClientMessage::Wants { wants: Vec::new() }),
        ("media", ClientMessage::Media(MediaState { microphone: false, camera: true, screen: true })),
        ("rename", ClientMessage::Rename { name: DisplayName::new("Ada Lovelace").unwrap() }),
        ("resync", ClientMessage::Resync),
        ("ping", ClientMessage::Ping { nonce: 7 }),
        ("leave", ClientMessage::Leave),
    ]
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
    messages.extend(faults());
    messages.extend(goodbyes());
    messages
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
    const NAMES: [&str; 6] = [
        "goodbye_restarting",
        "goodbye_replaced",
        "goodbye_protocol_violation",
        "goodbye_too_slow",
        "goodbye_left",
        "goodbye_unknown",
    ];
    NAMES.into_iter().zip(REASONS).map(|(name, reason)| {
        let retry_after_ms = (reason == GoodbyeReason::Restarting).then_some(2_000);
        (name, ServerMessage::Goodbye(Goodbye { reason, retry_after_ms }))
    })
}

/// An error of each code.
fn faults() -> impl Iterator<Item = (&'static str, ServerMessage)> {
    const NAMES: [&str; 13] = [
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
    }
}

fn away() -> Participant {
    Participant {
        peer: PeerId::new(u64::MAX),
        name: DisplayName::new("Bo").unwrap(),
        media: MediaState::default(),
        presence: Presence::Reconnecting,
    }
}

fn camera() -> SourceRef {
    SourceRef { peer: ada().peer, kind: SourceKind::Camera }
}
