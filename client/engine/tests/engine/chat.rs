//! What is written: taken over once, said until it comes back, never lost.

use engine::{Act, ChatStart, Delivery, Notice, Settings, WriteError};
use shared::PeerId;
use shared::limits::{CHAT_HISTORY_MAX, CHAT_TEXT_BYTES_MAX};
use shared::meeting::ChatMessage;
use shared::protocol::{Change, Chat, ClientMessage, ErrorCode, ServerMessage, Version};

use crate::world::{ME, SECOND, World, camera_on, line, meeting, person, settings};

const BO: PeerId = PeerId::new(2);

fn write(text: &str) -> Act {
    Act::Write { to: None, text: text.to_owned() }
}

fn said(world: &World) -> Vec<&Chat> {
    world
        .said
        .iter()
        .filter_map(|message| if let ClientMessage::Chat(chat) = message { Some(chat) } else { None })
        .collect()
}

fn serve(world: &mut World, lines: Vec<ChatMessage>) {
    world.serve(ServerMessage::Chat { lines });
}

/// What the server makes of what was said last.
fn echo(world: &mut World, id: u32) {
    let Chat { number, text, .. } = said(world).last().copied().unwrap().clone();
    serve(world, vec![ChatMessage { number: Some(number), ..line(id, ME, &text) }]);
}

fn texts(world: &World) -> Vec<&str> {
    world.engine.lines().iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn a_line_is_said_and_is_own_until_it_comes_back() {
    let mut world = World::in_meeting(false);
    world.act(write("  Good morning\r\nall \u{7}"));
    assert_eq!(said(&world)[0].text, "Good morning\nall");
    assert_eq!(world.engine.own_lines()[0].delivery, Delivery::Underway);
    echo(&mut world, 1);
    assert_eq!(texts(&world), ["Good morning\nall"]);
    assert!(world.engine.own_lines().is_empty());
    world.pass(60 * SECOND);
    assert_eq!(said(&world).len(), 1);
    assert!(world.notices().is_empty(), "the own line is no news");
}

#[test]
fn lines_are_said_one_after_the_other_in_the_order_they_were_written() {
    let mut world = World::in_meeting(false);
    world.act(write("one"));
    world.act(write("two"));
    assert_eq!(said(&world).len(), 1);
    echo(&mut world, 1);
    assert_eq!(said(&world)[1].text, "two");
    assert!(said(&world)[1].number > said(&world)[0].number);
}

#[test]
fn a_line_that_was_underway_when_the_connection_broke_is_said_again_under_its_number() {
    let mut world = World::in_meeting(false);
    world.act(write("one"));
    world.cut();
    world.act(write("two"));
    world.resumed = true;
    world.pass(10 * SECOND);
    let numbers: Vec<u32> = said(&world).iter().map(|chat| chat.number).collect();
    assert_eq!(numbers, [numbers[0], numbers[0]], "two waits for one");
    echo(&mut world, 1);
    echo(&mut world, 2);
    assert_eq!(texts(&world), ["one", "two"]);
}

#[test]
fn a_line_that_does_not_come_back_is_said_again() {
    let mut world = World::in_meeting(false);
    world.act(write("one"));
    world.pass(25 * SECOND);
    assert_eq!(said(&world).len(), 3);
    echo(&mut world, 1);
    assert!(world.engine.own_lines().is_empty());
}

#[test]
fn a_line_that_came_too_soon_waits_and_a_forbidden_one_stays_with_the_reason() {
    let mut world = World::in_meeting(false);
    world.act(write("one"));
    world.fault(ErrorCode::RateLimited, "chat");
    assert_eq!(world.engine.own_lines()[0].delivery, Delivery::Underway);
    world.pass(2 * SECOND);
    assert_eq!(said(&world).len(), 2);
    world.fault(ErrorCode::Forbidden, "chat");
    let own = world.engine.own_lines()[0].clone();
    assert!(matches!(own.delivery, Delivery::Failed(problem) if problem.code == ErrorCode::Forbidden));
    world.pass(60 * SECOND);
    assert_eq!(said(&world).len(), 2, "it is not said again by itself");
    assert_eq!(world.engine.unsent()[0].text, "one", "and not lost over a reload");
    world.act(Act::RetryLine { number: own.number });
    assert_eq!(said(&world).len(), 3);
    world.fault(ErrorCode::Forbidden, "chat");
    let number = world.engine.own_lines()[0].number;
    world.act(Act::WithdrawLine { number });
    assert!(world.engine.own_lines().is_empty());
    assert!(world.notices().is_empty(), "the reason stands beside the line");
}

#[test]
fn what_had_not_come_back_before_a_reload_is_said_and_numbers_go_on() {
    let unsent = vec![Chat { number: 8, to: Some(BO), text: "psst".to_owned() }];
    let mut world = World::with(Settings { chat: ChatStart { first_number: 5, unsent }, ..settings() });
    world.pass(SECOND);
    assert!(said(&world).is_empty(), "nobody said yet that there is a chat");
    world.serve(ServerMessage::Meeting(meeting(false, &[], true)));
    assert_eq!(said(&world)[0], &Chat { number: 8, to: Some(BO), text: "psst".to_owned() });
    world.act(write("more"));
    echo(&mut world, 1);
    assert_eq!(said(&world)[1].number, 9);
}

#[test]
fn lines_stand_by_number_once_each_and_the_oldest_are_forgotten() {
    let mut world = World::in_meeting(false);
    serve(&mut world, vec![line(3, BO, "three"), line(1, BO, "one")]);
    serve(&mut world, vec![line(2, BO, "two"), line(3, BO, "other")]);
    assert_eq!(texts(&world), ["one", "two", "three"]);
    for start in (4..=4 + CHAT_HISTORY_MAX as u32).step_by(50) {
        serve(&mut world, (start..start + 50).map(|id| line(id, BO, "more")).collect());
    }
    assert_eq!(world.engine.lines().len(), CHAT_HISTORY_MAX);
    assert!(world.engine.lines()[0].id > 3);
}

#[test]
fn the_history_is_no_news_but_what_comes_later_is() {
    let mut world = World::new();
    world.settle();
    serve(&mut world, vec![line(1, BO, "before you came")]);
    assert!(world.notices().is_empty());
    world.pass(5 * SECOND);
    serve(&mut world, vec![line(2, BO, "hello")]);
    assert!(matches!(world.notices()[..], [Notice::Written(line)] if line.id == 2));
}

#[test]
fn what_somebody_writes_who_came_later_is_news_however_soon() {
    let mut world = World::new();
    world.settle();
    let newcomer = person(PeerId::new(99), "Cy", camera_on());
    world.change(Change::Joined { participant: newcomer });
    world.forget();
    serve(&mut world, vec![line(1, BO, "before you came"), line(2, PeerId::new(99), "hello")]);
    assert!(matches!(world.notices()[..], [Notice::Written(line)] if line.id == 2));
}

#[test]
fn after_a_return_to_the_same_seat_lines_stay_and_in_a_new_meeting_they_begin_anew() {
    let mut world = World::in_meeting(false);
    serve(&mut world, vec![line(1, BO, "one")]);
    world.resumed = true;
    world.cut();
    world.pass(10 * SECOND);
    assert_eq!(texts(&world), ["one"]);
    world.resumed = false;
    world.cut();
    world.pass(10 * SECOND);
    serve(&mut world, vec![line(1, BO, "another meeting")]);
    assert_eq!(texts(&world), ["another meeting"]);
}

#[test]
fn what_cannot_be_said_is_not_taken_over() {
    let mut world = World::in_meeting(false);
    assert_eq!(world.engine.can_write(" \n\t"), Err(WriteError::Blank));
    let long = "x".repeat(CHAT_TEXT_BYTES_MAX + 1);
    assert_eq!(world.engine.can_write(&long), Err(WriteError::TooLong { got: CHAT_TEXT_BYTES_MAX + 1 }));
    world.act(write(&long));
    assert!(world.engine.own_lines().is_empty());
    world.cut();
    world.mute.socket = true;
    while world.engine.can_write("again").is_ok() {
        world.act(write("again"));
    }
    assert_eq!(world.engine.can_write("again"), Err(WriteError::Waiting));
}

#[test]
fn an_old_server_is_told_nothing_that_it_does_not_know() {
    let mut world = World::new();
    world.mute.hello = true;
    world.settle();
    let ServerMessage::Welcome(mut welcome) = world.welcome() else { unreachable!() };
    welcome.version = Version { major: 1, minor: 0 };
    world.serve(ServerMessage::Welcome(welcome));
    world.act(write("hello"));
    world.act(Act::RaiseHand(true));
    world.pass(60 * SECOND);
    assert_eq!(world.engine.meeting(), None);
    let quiet = |message: &ClientMessage| {
        !matches!(message, ClientMessage::Chat(_) | ClientMessage::Hand { .. } | ClientMessage::React { .. })
    };
    assert!(world.said.iter().all(quiet));
}
