//! The way into the room and out of it.

use engine::{EndReason, Input, MediaConnection, Notice, Output, Phase, Quality};
use shared::protocol::{
    ClientMessage, ErrorCode, Fault, Goodbye, GoodbyeReason, ServerMessage, Version, decode_client,
};
use shared::{DisplayName, MediaState, ResumeToken, SourceKind};

use crate::world::{ME, Mute, SECOND, World, person, settings};

#[test]
fn a_new_engine_opens_a_socket_and_says_hello() {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    assert_eq!(world.sockets_opened(), 1);
    let hellos = world.hellos();
    assert_eq!(hellos.len(), 1);
    assert_eq!(hellos[0].version, Version::CURRENT);
    assert_eq!(hellos[0].resume, None);
    assert_eq!(world.engine.phase(), Phase::Connecting { attempt: 1, retry_at: None });
}

#[test]
fn a_welcome_leads_to_media_and_a_stored_token() {
    let mut world = World::new();
    world.settle();
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.engine.me(), Some(ME));
    assert_eq!(world.engine.participants(), &[person(ME, "Ada", settings().media)]);
    assert_eq!(world.engine.media_connection(), MediaConnection::Connected);
    assert_eq!(world.engine.quality(), Quality::Good);
    let order: Vec<&Output> = world
        .outputs
        .iter()
        .filter(|output| {
            matches!(
                output,
                Output::ResetMedia { .. }
                    | Output::CreateOffer(_)
                    | Output::ApplyAnswer { .. }
                    | Output::StoreResume(_)
            )
        })
        .collect();
    assert!(
        matches!(
            order[..],
            [
                Output::StoreResume(_),
                Output::ResetMedia { .. },
                Output::CreateOffer(_),
                Output::ApplyAnswer { .. }
            ]
        ),
        "{order:?}"
    );
    let request = world.offers_requested()[0];
    assert_eq!((request.audio_slots, request.video_slots, request.restart), (3, 4, false));
    assert_eq!(request.publish, [SourceKind::Microphone, SourceKind::Camera]);
}

#[test]
fn a_stored_token_is_shown_and_media_starts_anew_after_a_reload() {
    let token = ResumeToken::new([9; 16]);
    let mut world = World::with(engine::Settings { resume: Some(token), ..settings() });
    (world.resumed, world.media_alive) = (true, true);
    world.settle();
    assert_eq!(world.hellos()[0].resume, Some(token));
    assert_eq!(world.media_resets(), 1, "the reloaded page has no peer connection, whatever the server has");
    assert!(world.notices().is_empty());
}

#[test]
fn an_expired_token_joins_anew_and_says_so_once() {
    let token = ResumeToken::new([9; 16]);
    let mut world = World::with(engine::Settings { resume: Some(token), ..settings() });
    world.settle();
    world.fault(ErrorCode::ResumeExpired, "hello");
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.notices(), [&Notice::SeatLost]);
}

#[test]
fn refusals_that_cannot_heal_end_with_a_sentence_and_no_retry() {
    for code in [
        ErrorCode::RoomFull,
        ErrorCode::UnsupportedVersion,
        ErrorCode::InvalidMessage,
        ErrorCode::UnexpectedMessage,
        ErrorCode::Unknown,
    ] {
        let mut world = World::new();
        world.mute.hello = true;
        world.settle();
        world.fault(code, "hello");
        assert_eq!(world.end().expect("ended").sentence(), "As it is.", "{code:?}");
        world.pass(600 * SECOND);
        assert_eq!(world.sockets_opened(), 1, "{code:?}");
        assert_eq!(world.engine.poll_timeout(), None);
    }
}

#[test]
fn refusals_that_can_heal_are_tried_again() {
    for code in [ErrorCode::ServerBusy, ErrorCode::RateLimited, ErrorCode::Internal] {
        let mut world = World::new();
        world.mute.hello = true;
        world.settle();
        world.fault(code, "hello");
        assert!(matches!(world.engine.phase(), Phase::Connecting { attempt: 2, retry_at: Some(_) }));
        assert!(world.engine.problem().is_some());
        world.mute = Mute::default();
        world.pass(20 * SECOND);
        assert_eq!(world.engine.phase(), Phase::Joined, "{code:?}");
        assert_eq!(world.engine.problem(), None, "a welcome settles it");
    }
}

#[test]
fn a_full_server_is_asked_again_when_it_says() {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    let message = "The server is full at the moment.".to_owned();
    let request = Some("hello".to_owned());
    let fault = Fault { code: ErrorCode::ServerBusy, message, request, retry_after_s: Some(20) };
    world.serve(ServerMessage::Error(fault));
    assert!(world.engine.problem().unwrap().sentence.contains("full"), "the user reads why");
    world.mute = Mute::default();
    world.pass(19 * SECOND);
    assert_eq!(world.sockets_opened(), 1);
    world.pass(30 * SECOND);
    assert_eq!(world.engine.phase(), Phase::Joined);
}

#[test]
fn a_fault_without_a_sentence_gets_one_of_ours() {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    let fault =
        Fault { code: ErrorCode::RoomFull, message: " ".to_owned(), request: None, retry_after_s: None };
    world.serve(ServerMessage::Error(fault));
    assert!(world.end().expect("ended").sentence().contains("full"));
}

#[test]
fn a_welcome_of_another_major_version_ends_the_session() {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    let ServerMessage::Welcome(mut welcome) = world.welcome() else { unreachable!() };
    welcome.version.major += 1;
    world.serve(ServerMessage::Welcome(welcome));
    let Some(EndReason::VersionMismatch { sentence }) = world.end() else { panic!("not ended") };
    assert!(sentence.contains("Reload the page"), "{sentence}");
}

#[test]
fn leaving_says_so_closes_and_forgets_the_token() {
    let mut world = World::joined(0);
    world.give(Input::Leave);
    assert_eq!(world.said, [ClientMessage::Leave]);
    let tail: Vec<&Output> = world.outputs.iter().rev().take(3).collect();
    assert!(
        matches!(
            tail[..],
            [Output::Ended(EndReason::Left), Output::ForgetResume, Output::CloseSocket { .. }]
        ),
        "{tail:?}"
    );
    world.forget();
    world.give(Input::SetCamera(false));
    world.pass(60 * SECOND);
    assert!(world.outputs.is_empty(), "nothing follows the end");
}

#[test]
fn goodbyes_end_or_come_back_as_they_say() {
    let reasons = [
        GoodbyeReason::Restarting,
        GoodbyeReason::Replaced,
        GoodbyeReason::ProtocolViolation,
        GoodbyeReason::TooSlow,
        GoodbyeReason::Left,
        GoodbyeReason::Unknown,
    ];
    for reason in reasons {
        let mut world = World::joined(0);
        world.serve(ServerMessage::Goodbye(Goodbye { reason, retry_after_ms: None, message: None }));
        assert!(world.end().is_some_and(|end| !end.sentence().is_empty()), "{reason:?}");
        world.pass(60 * SECOND);
        assert_eq!(world.sockets_opened(), 0, "{reason:?}");

        let mut world = World::joined(0);
        world.serve(ServerMessage::Goodbye(Goodbye { reason, retry_after_ms: Some(4_000), message: None }));
        world.pass(4 * SECOND);
        assert_eq!(world.sockets_opened(), 0, "{reason:?}: not before the time it said");
        world.pass(5 * SECOND);
        assert_eq!(world.engine.phase(), Phase::Joined, "{reason:?}");
    }
}

#[test]
fn media_and_name_are_told_once_and_bursts_become_few_messages() {
    let mut world = World::joined(0);
    for round in 0..50 {
        world.give(Input::SetMicrophone(round % 2 == 0));
    }
    world.give(Input::SetMicrophone(false));
    world.give(Input::Rename(DisplayName::new("Ada L.").unwrap()));
    world.pass(SECOND);
    let media: Vec<&ClientMessage> =
        world.said.iter().filter(|message| matches!(message, ClientMessage::Media(_))).collect();
    assert!(media.len() <= 2, "{media:?}");
    let silent = MediaState { microphone: false, camera: true, screen: false };
    assert_eq!(media.last(), Some(&&ClientMessage::Media(silent)));
    assert!(world.said.contains(&ClientMessage::Rename { name: DisplayName::new("Ada L.").unwrap() }));
    world.forget();
    world.give(Input::SetMicrophone(false));
    world.pass(SECOND);
    assert!(world.said.is_empty(), "what is told is not told again");
}

#[test]
fn what_was_rate_limited_is_said_again() {
    let mut world = World::joined(0);
    world.give(Input::SetCamera(false));
    world.fault(ErrorCode::RateLimited, "media");
    world.forget();
    world.pass(2 * SECOND);
    let dark = MediaState { microphone: true, camera: false, screen: false };
    assert_eq!(world.said, [ClientMessage::Media(dark)]);
}

#[test]
fn what_changed_while_the_hello_was_under_way_is_told_afterwards() {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    world.give(Input::SetCamera(false));
    let welcome = world.welcome();
    world.serve(welcome);
    let dark = MediaState { microphone: true, camera: false, screen: false };
    assert!(world.said.contains(&ClientMessage::Media(dark)));
}

#[test]
fn messages_nobody_can_read_do_no_harm() {
    let mut world = World::joined(1);
    let socket = world.socket.unwrap();
    let hostile =
        ["", "{", "[]", "null", "{\"type\":7}", "{\"type\":\"answer\"}", "{\"type\":\"tomorrow\"}", "\u{0}"];
    for text in hostile {
        world.give(Input::Message { socket, text: text.to_owned() });
    }
    world.give(Input::Message { socket, text: "[".repeat(60_000) });
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.engine.unreadable_messages(), 8, "all but the kind of tomorrow");
    assert!(world.said.is_empty());
}

#[test]
fn every_text_sent_is_a_message_of_the_protocol() {
    // `World` decodes every text; this pins that decoding is not vacuous.
    assert!(decode_client("{\"type\":\"tomorrow\"}").is_err());
    let mut world = World::joined(3);
    world.layout(2..5);
    world.pass(SECOND);
    assert!(!world.said.is_empty());
}

#[test]
fn a_server_that_starts_anew_is_told_from_one_that_is_lost() {
    let mut world = World::joined(0);
    let goodbye =
        |reason| ServerMessage::Goodbye(Goodbye { reason, retry_after_ms: Some(4_000), message: None });
    world.serve(goodbye(GoodbyeReason::Restarting));
    assert!(world.engine.is_server_restarting());
    world.pass(9 * SECOND);
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert!(!world.engine.is_server_restarting(), "it was reached");
    world.serve(goodbye(GoodbyeReason::TooSlow));
    assert!(!world.engine.is_server_restarting());
}
