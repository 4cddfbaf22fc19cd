//! Waiting rooms, passcodes, hands, and what hosts do.

use engine::{Act, Admission, EndReason, Input, Notice, Output, Phase, Settings};
use shared::meeting::Audience::Everyone;
use shared::meeting::{Knock, Meeting, Permissions, Policy, Reaction};
use shared::protocol::{
    ClientMessage, ErrorCode, Fault, Goodbye, GoodbyeReason, Moderated, ModeratedHow, Moderation,
    ServerMessage,
};
use shared::{DisplayName, PeerId, ResumeToken, SourceKind};

use crate::world::{ME, SECOND, World, meeting, settings};

const BO: PeerId = PeerId::new(2);

fn greeting() -> World {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    world
}

fn hands_said(world: &World) -> Vec<bool> {
    let hand = |message: &ClientMessage| {
        if let ClientMessage::Hand { raised } = message { Some(*raised) } else { None }
    };
    world.said.iter().filter_map(hand).collect()
}

fn moderated(what: ModeratedHow, kind: SourceKind) -> ServerMessage {
    ServerMessage::Moderated(Moderated { what, kind, by: Some(BO) })
}

#[test]
fn who_waits_keeps_the_connection_alive_until_a_host_lets_them_in() {
    let mut world = greeting();
    world.serve(ServerMessage::Waiting);
    assert_eq!(world.engine.phase(), Phase::Knocking);
    world.pass(600 * SECOND);
    assert_eq!(world.engine.phase(), Phase::Knocking);
    assert_eq!(world.sockets_opened(), 1);
    let is_ping = |message: &&ClientMessage| matches!(message, ClientMessage::Ping { .. });
    assert!(world.said.iter().filter(is_ping).count() > 60);
    let others = world.said.iter().filter(|message| !is_ping(message)).count();
    assert_eq!(others, 1, "the hello; nothing else is understood");
    world.serve(world.welcome());
    assert_eq!(world.engine.phase(), Phase::Joined);
}

#[test]
fn a_waiting_room_whose_server_went_silent_is_knocked_at_again() {
    let mut world = greeting();
    world.serve(ServerMessage::Waiting);
    world.mute.pings = true;
    world.pass(20 * SECOND);
    assert_eq!(world.hellos().len(), 2);
}

#[test]
fn who_leaves_the_waiting_room_says_so() {
    let mut world = greeting();
    world.serve(ServerMessage::Waiting);
    world.give(Input::Leave);
    assert_eq!(world.said.last(), Some(&ClientMessage::Leave));
    assert_eq!(world.end(), Some(&EndReason::Left));
}

#[test]
fn a_denial_ends_with_the_hosts_own_words() {
    let mut world = greeting();
    world.serve(ServerMessage::Waiting);
    let message = Some("Come back\u{7} at ten.".to_owned());
    world.serve(ServerMessage::Goodbye(Goodbye {
        reason: GoodbyeReason::Denied,
        retry_after_ms: None,
        message,
    }));
    assert_eq!(world.end(), Some(&EndReason::Denied { message: Some("Come back at ten.".to_owned()) }));
    world.pass(60 * SECOND);
    assert_eq!(world.sockets_opened(), 1);
}

#[test]
fn goodbyes_of_hosts_end_the_session_and_give_the_seat_up() {
    let sentence = "You were removed from this meeting and cannot come back.".to_owned();
    for (reason, end) in [
        (GoodbyeReason::Removed, EndReason::Removed),
        (GoodbyeReason::Banned, EndReason::Banned { sentence }),
        (GoodbyeReason::Ended, EndReason::MeetingEnded),
    ] {
        let mut world = World::in_meeting(false);
        world.serve(ServerMessage::Goodbye(Goodbye { reason, retry_after_ms: None, message: None }));
        assert_eq!(world.end(), Some(&end));
        assert_eq!(world.count(|output| *output == Output::ForgetResume), 1);
    }
}

#[test]
fn a_passcode_is_asked_for_until_it_is_right_and_shown_from_then_on() {
    let mut world = greeting();
    world.fault(ErrorCode::PasscodeRequired, "hello");
    assert_eq!(world.engine.phase(), Phase::PasscodeNeeded { is_wrong: false });
    world.pass(600 * SECOND);
    assert_eq!(world.sockets_opened(), 1, "nothing happens until the person answers");
    world.give(Input::Passcode("open".to_owned()));
    world.fault(ErrorCode::PasscodeWrong, "hello");
    assert_eq!(world.engine.phase(), Phase::PasscodeNeeded { is_wrong: true });
    world.mute.hello = false;
    world.give(Input::Passcode("sesame".to_owned()));
    assert_eq!(world.engine.phase(), Phase::Joined);
    world.cut();
    world.pass(10 * SECOND);
    let passcodes: Vec<Option<&str>> = world.hellos().iter().map(|hello| hello.passcode.as_deref()).collect();
    assert_eq!(passcodes, [None, Some("open"), Some("sesame"), Some("sesame")]);
}

#[test]
fn a_token_is_shown_with_every_hello_and_debug_hides_it() {
    let admission = Admission { token: Some("a.b.c".to_owned()), passcode: None };
    let given = Settings { admission, ..settings() };
    assert!(!format!("{given:?}").contains("a.b.c"));
    let mut world = World::with(given);
    world.settle();
    world.cut();
    world.pass(10 * SECOND);
    assert!(world.hellos().iter().all(|hello| hello.token.as_deref() == Some("a.b.c")));
    assert_eq!(world.hellos().len(), 2);
}

#[test]
fn refusals_at_the_door_end_with_what_they_are() {
    let sentence = || "As it is.".to_owned();
    let token = |code| EndReason::TokenRefused { code, sentence: sentence() };
    for (code, end) in [
        (ErrorCode::RoomLocked, EndReason::Locked { sentence: sentence() }),
        (ErrorCode::Banned, EndReason::Banned { sentence: sentence() }),
        (ErrorCode::RoomFull, EndReason::RoomFull { sentence: sentence() }),
        (ErrorCode::WaitingRoomFull, EndReason::WaitingRoomFull { sentence: sentence() }),
        (ErrorCode::TokenRequired, token(ErrorCode::TokenRequired)),
        (ErrorCode::TokenInvalid, token(ErrorCode::TokenInvalid)),
        (ErrorCode::TokenExpired, token(ErrorCode::TokenExpired)),
    ] {
        let mut world = greeting();
        world.fault(code, "hello");
        assert_eq!(world.end(), Some(&end));
        world.pass(600 * SECOND);
        assert_eq!(world.sockets_opened(), 1, "{code:?}");
    }
}

#[test]
fn who_is_muted_by_a_host_is_off_says_so_and_may_switch_on_again() {
    let mut world = World::in_meeting(false);
    world.serve(moderated(ModeratedHow::Muted, SourceKind::Microphone));
    assert!(!world.engine.media().microphone && world.engine.media().camera);
    assert_eq!(world.count(|output| *output == Output::Silence { kind: SourceKind::Microphone }), 1);
    assert!(
        world.said.iter().any(|message| matches!(message, ClientMessage::Media(media) if !media.microphone))
    );
    let by = DisplayName::new("Bo").ok();
    assert_eq!(world.notices(), [&Notice::Silenced { kind: SourceKind::Microphone, by }]);
    world.pass(SECOND);
    world.give(Input::SetMicrophone(true));
    assert!(world.engine.media().microphone);
}

#[test]
fn nothing_is_switched_on_by_being_asked() {
    let mut world = World::in_meeting(false);
    world.give(Input::SetMicrophone(false));
    world.pass(SECOND);
    world.serve(moderated(ModeratedHow::AskedToUnmute, SourceKind::Microphone));
    assert!(!world.engine.media().microphone);
    let asked = |output: &Output| matches!(output, Output::AskToUnmute { kind: SourceKind::Microphone, .. });
    assert_eq!(world.count(asked), 1);
}

#[test]
fn what_may_not_be_live_is_off_and_stays_off() {
    let mut world = World::in_meeting(false);
    let you = Permissions { host: false, publish: vec![SourceKind::Camera], chat: true };
    world.serve(ServerMessage::Meeting(Meeting { you, ..meeting(false, &[], true) }));
    assert!(!world.engine.media().microphone && world.engine.media().camera);
    world.give(Input::SetMicrophone(true));
    assert!(!world.engine.media().microphone);
    assert_eq!(world.count(|output| matches!(output, Output::Silence { .. })), 2, "the device goes off, too");
    let not_allowed = &Notice::NotAllowed { kind: SourceKind::Microphone };
    assert_eq!(world.notices(), [not_allowed, not_allowed]);
}

#[test]
fn a_hand_is_said_once_and_follows_the_server_afterwards() {
    let mut world = World::in_meeting(false);
    world.act(Act::RaiseHand(true));
    assert!(world.engine.is_hand_raised());
    // Something else changed before the server had the hand.
    world.serve(ServerMessage::Meeting(meeting(false, &[], true)));
    assert!(world.engine.is_hand_raised());
    world.serve(ServerMessage::Meeting(meeting(false, &[ME], true)));
    world.serve(ServerMessage::Meeting(meeting(false, &[], true)));
    assert!(!world.engine.is_hand_raised(), "a host took it down");
    world.pass(10 * SECOND);
    assert_eq!(hands_said(&world), [true]);
}

#[test]
fn a_hand_that_is_raised_without_a_connection_goes_up_with_the_next() {
    let mut world = World::in_meeting(false);
    world.cut();
    world.act(Act::RaiseHand(true));
    world.pass(10 * SECOND);
    assert_eq!(hands_said(&world), [true]);
    world.fault(ErrorCode::Forbidden, "hand");
    assert!(!world.engine.is_hand_raised());
}

#[test]
fn hands_and_knocks_are_news_once() {
    let mut world = World::in_meeting(true);
    let knock = |knock, name| Knock { knock, name: DisplayName::new(name).unwrap() };
    for _ in 0..2 {
        world.serve(ServerMessage::Meeting(meeting(true, &[BO], true)));
        world.serve(ServerMessage::Knocks { knocks: vec![knock(1, "Cy")] });
    }
    let name = DisplayName::new("Bo").unwrap();
    let expected = [&Notice::HandRaised { peer: BO, name }, &Notice::Knocked(knock(1, "Cy"))];
    assert_eq!(world.notices(), expected);
    world.serve(ServerMessage::Meeting(meeting(false, &[BO], true)));
    assert!(world.engine.knocks().is_empty(), "who is no host has nobody to let in");
    assert_eq!(world.notices().last(), Some(&&Notice::NoLongerHost));
}

#[test]
fn a_reaction_is_shown_at_once_and_once_and_an_impatient_finger_is_slowed() {
    let mut world = World::in_meeting(false);
    for _ in 0..9 {
        world.act(Act::React(Reaction::Party));
    }
    world.serve(ServerMessage::Reaction { peer: ME, reaction: Reaction::Party });
    world.serve(ServerMessage::Reaction { peer: BO, reaction: Reaction::Unknown });
    world.serve(ServerMessage::Reaction { peer: BO, reaction: Reaction::Heart });
    let shown: Vec<&Output> =
        world.outputs.iter().filter(|output| matches!(output, Output::Reaction { .. })).collect();
    assert_eq!(
        shown,
        [
            &Output::Reaction { peer: ME, reaction: Reaction::Party },
            &Output::Reaction { peer: BO, reaction: Reaction::Heart },
        ]
    );
    assert_eq!(world.said, [ClientMessage::React { reaction: Reaction::Party }]);
}

#[test]
fn what_a_host_does_is_said_at_once_or_not_at_all() {
    let mut world = World::in_meeting(true);
    world.act(Act::Moderate(Moderation::MuteAll));
    assert_eq!(world.said, [ClientMessage::Moderate(Moderation::MuteAll)]);
    world.cut();
    world.forget();
    world.mute.socket = true;
    world.act(Act::Moderate(Moderation::End));
    assert_eq!(world.notices(), [&Notice::NotConnected]);
    world.mute.socket = false;
    world.pass(30 * SECOND);
    assert!(!world.said.contains(&ClientMessage::Moderate(Moderation::End)));
}

#[test]
fn a_token_of_a_seat_is_not_needed_to_ask_for_a_passcode() {
    let mut world = World::with(Settings { resume: Some(ResumeToken::new([9; 16])), ..settings() });
    world.mute.hello = true;
    world.settle();
    world.fault(ErrorCode::PasscodeRequired, "hello");
    assert_eq!(world.count(|output| *output == Output::ForgetResume), 0);
    world.give(Input::Passcode("open".to_owned()));
    assert_eq!(world.hellos()[1].resume, Some(ResumeToken::new([9; 16])));
}

#[test]
fn after_the_welcome_the_meeting_is_awaited_until_the_server_has_said_it() {
    let mut world = greeting();
    assert!(!world.engine.is_meeting_awaited());
    world.serve(world.welcome());
    assert!(world.engine.meeting().is_none() && world.engine.is_meeting_awaited());
    world.serve(ServerMessage::Meeting(meeting(false, &[], true)));
    assert!(!world.engine.is_meeting_awaited());
    let mut old = greeting();
    let ServerMessage::Welcome(mut welcome) = old.welcome() else { unreachable!() };
    welcome.version.minor = 0;
    old.serve(ServerMessage::Welcome(welcome));
    assert!(old.engine.me().is_some() && !old.engine.is_meeting_awaited());
}

const LOCKED: Policy =
    Policy { locked: true, waiting_room: false, share: Everyone, chat: Everyone, unmute: Everyone };

fn set_policy(world: &mut World, policy: Policy) {
    world.act(Act::Moderate(Moderation::SetPolicy { policy }));
}

fn show_policy(world: &mut World, policy: Policy) {
    world.serve(ServerMessage::Meeting(Meeting { policy, ..meeting(true, &[], true) }));
}

#[test]
fn rules_are_as_the_host_set_them_until_the_server_shows_them() {
    let mut world = World::in_meeting(true);
    set_policy(&mut world, LOCKED);
    let both = Policy { waiting_room: true, ..world.engine.policy().unwrap() };
    assert!(both.locked, "the second switch keeps what the first one did");
    set_policy(&mut world, both);
    show_policy(&mut world, LOCKED);
    assert_eq!(world.engine.policy(), Some(both));
    assert_eq!(world.engine.meeting().map(|meeting| meeting.policy), Some(LOCKED), "as it is at the moment");
    show_policy(&mut world, both);
    show_policy(&mut world, Policy::default());
    assert_eq!(world.engine.policy(), Some(Policy::default()), "another host took them back");
}

#[test]
fn rules_that_come_to_nothing_are_those_that_the_server_shows() {
    let as_it_is = Some(Policy::default());
    let undone: [fn(&mut World); 5] = [
        |world| world.fault(ErrorCode::Forbidden, "moderate"),
        |world| {
            let retry_after_s = Some(1);
            let code = ErrorCode::RateLimited;
            world.serve(ServerMessage::Error(Fault {
                code,
                message: String::new(),
                request: None,
                retry_after_s,
            }));
        },
        World::cut,
        |world| world.serve(ServerMessage::Meeting(meeting(false, &[], true))),
        |world| {
            world.forget();
            world.pass(10 * SECOND);
            assert!(world.count(|output| *output == Output::Changed) > 0, "the page hears of it");
        },
    ];
    for undo in undone {
        let mut world = World::in_meeting(true);
        set_policy(&mut world, LOCKED);
        assert_eq!(world.engine.policy(), Some(LOCKED));
        undo(&mut world);
        assert_eq!(world.engine.policy(), as_it_is);
    }
    let mut world = World::in_meeting(true);
    world.cut();
    set_policy(&mut world, LOCKED);
    assert_eq!(world.engine.policy(), as_it_is, "without a connection nothing is said");
}
