//! Losing the connection and coming back.

use std::time::Duration;

use engine::{Input, MediaConnection, Moment, Notice, Phase};
use shared::ResumeToken;
use shared::protocol::{ClientMessage, ServerMessage, Speaker};

use crate::world::{ME, SECOND, World, settings};

#[test]
fn a_lost_socket_resumes_without_touching_media() {
    let mut world = World::joined(2);
    (world.resumed, world.media_alive) = (true, true);
    world.layout([2, 3]);
    world.pass(SECOND);
    world.forget();
    world.cut();
    assert!(matches!(world.engine.phase(), Phase::Reconnecting { attempt: 1, retry_at: Some(_) }));
    assert_eq!(world.engine.participants().len(), 3, "the last known room stays visible");
    world.pass(SECOND);
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.hellos()[0].resume, Some(ResumeToken::new([7; 16])));
    assert_eq!((world.media_resets(), world.offers_requested().len()), (0, 0));
    assert_eq!(world.notices(), [&Notice::Reconnected]);
    assert_eq!(world.wants_said().len(), 1, "the server may not know the wants any more");
}

#[test]
fn media_that_died_with_the_server_is_made_anew() {
    let mut world = World::joined(1);
    (world.resumed, world.media_alive) = (true, false);
    world.cut();
    world.pass(SECOND);
    assert_eq!(world.media_resets(), 1);
    assert_eq!(world.offers_requested().len(), 1);
    assert_eq!(world.engine.media_connection(), MediaConnection::Connected);
}

#[test]
fn a_seat_that_was_given_up_is_told_and_joined_anew() {
    let mut world = World::joined(1);
    world.cut();
    world.pass(SECOND);
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.notices(), [&Notice::SeatLost]);
    assert_eq!(world.media_resets(), 1);
}

#[test]
fn tries_come_later_and_later_up_to_a_cap_with_jitter() {
    let waits = |seed: u64| -> Vec<Duration> {
        let mut world = World::with(engine::Settings { seed, ..settings() });
        world.mute.socket = true;
        world.settle();
        let mut waits = Vec::new();
        for socket in 1..=12 {
            let socket = engine::SocketId(socket);
            world.give(Input::SocketClosed { socket });
            let due = world.engine.poll_timeout().unwrap();
            waits.push(due.since(world.now));
            world.pass(due.since(world.now));
        }
        waits
    };
    let first = waits(1);
    assert!(first[0] <= Duration::from_millis(500), "{first:?}");
    assert!(first[5..].iter().all(|wait| (4 * SECOND..=8 * SECOND).contains(wait)), "{first:?}");
    assert_ne!(first, waits(2), "two clients must not come back together");
    assert_eq!(first, waits(1), "the same seed gives the same waits");
}

#[test]
fn a_server_that_welcomes_and_drops_is_not_called_in_a_tight_loop() {
    let mut world = World::joined(0);
    (world.resumed, world.media_alive) = (true, true);
    for _ in 0..30 {
        world.cut();
        while world.socket.is_none() {
            world.pass(Duration::from_millis(50));
        }
    }
    assert!(world.now.since(Moment::START) > 60 * SECOND, "{:?}", world.now);
}

#[test]
fn silence_is_noticed_and_pings_keep_a_quiet_connection() {
    let mut world = World::joined(0);
    world.pass(300 * SECOND);
    assert_eq!(world.sockets_opened(), 0);
    assert!(world.engine.round_trip().is_some());
    let pings = world.said.iter().filter(|message| matches!(message, ClientMessage::Ping { .. })).count();
    assert_eq!(pings, 60, "one in five seconds");
    world.mute.pings = true;
    world.mute.socket = true;
    world.pass(21 * SECOND);
    assert!(matches!(world.engine.phase(), Phase::Reconnecting { .. }));
}

#[test]
fn a_server_that_never_answers_the_hello_is_left_and_tried_again() {
    let mut world = World::new();
    world.mute.hello = true;
    world.pass(60 * SECOND);
    assert!((4..=6).contains(&world.sockets_opened()), "{}", world.sockets_opened());
}

#[test]
fn the_network_coming_back_is_a_reason_to_try_at_once() {
    let mut world = World::joined(0);
    (world.resumed, world.media_alive) = (true, true);
    world.mute.socket = true;
    world.give(Input::NetworkOnline(false));
    assert!(!world.engine.is_online());
    world.cut();
    world.pass(120 * SECOND);
    while !matches!(world.engine.phase(), Phase::Reconnecting { retry_at: Some(_), .. }) {
        world.pass(SECOND);
    }
    world.mute.socket = false;
    world.give(Input::NetworkOnline(true));
    assert_eq!(world.engine.phase(), Phase::Joined);
}

#[test]
fn the_network_coming_back_unmasks_a_dead_socket_within_seconds() {
    let mut world = World::joined(0);
    world.give(Input::NetworkOnline(false));
    world.mute.pings = true;
    world.give(Input::NetworkOnline(true));
    assert!(matches!(world.said.last(), Some(ClientMessage::Ping { .. })));
    world.mute.socket = true;
    world.pass(Duration::from_millis(3_100));
    assert!(matches!(world.engine.phase(), Phase::Reconnecting { .. }));
}

#[test]
fn media_that_stops_unmasks_a_dead_socket_and_both_return_together() {
    let mut world = World::joined(1);
    (world.resumed, world.media_alive) = (true, true);
    world.forget();
    world.mute.pings = true;
    world.connection(MediaConnection::Disconnected);
    assert!(matches!(world.said.last(), Some(ClientMessage::Ping { .. })));
    world.pass(Duration::from_millis(2_700));
    assert_eq!(world.engine.phase(), Phase::Joined, "on a new socket");
    assert_eq!(world.sockets_opened(), 1);
    let offers = world.offers_requested();
    assert!(offers.iter().any(|offer| offer.restart), "the path is looked for at once: {offers:?}");
    assert_eq!(world.media_resets(), 0);
}

#[test]
fn media_that_stops_leaves_a_living_socket_alone() {
    let mut world = World::joined(1);
    world.forget();
    world.connection(MediaConnection::Disconnected);
    world.pass(SECOND);
    assert!(matches!(world.said.last(), Some(ClientMessage::Ping { .. })));
    world.connection(MediaConnection::Connected);
    world.pass(10 * SECOND);
    assert_eq!((world.sockets_opened(), world.media_resets()), (0, 0));
}

#[test]
fn events_of_an_old_socket_change_nothing() {
    let mut world = World::joined(0);
    let old = world.socket.unwrap();
    (world.resumed, world.media_alive) = (true, true);
    world.cut();
    world.pass(SECOND);
    world.forget();
    let text = ServerMessage::Snapshot(shared::protocol::Snapshot { revision: 9, participants: Vec::new() })
        .encode();
    world.give(Input::Message { socket: old, text });
    world.give(Input::SocketClosed { socket: old });
    world.give(Input::SocketOpened { socket: old });
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.engine.participants().len(), 1);
    assert!(world.said.is_empty());
}

#[test]
fn speakers_do_not_stay_lit_while_the_connection_is_lost() {
    let mut world = World::joined(1);
    world.serve(ServerMessage::Speakers { speakers: vec![Speaker { peer: ME, level: 90 }] });
    assert_eq!(world.engine.speakers().len(), 1);
    world.cut();
    assert!(world.engine.speakers().is_empty());
}

#[test]
fn a_sleeping_laptop_wakes_up_into_a_reconnect() {
    let mut world = World::joined(0);
    (world.resumed, world.media_alive) = (true, false);
    world.now = world.now + 3_600 * SECOND;
    world.give(Input::Tick);
    world.pass(SECOND);
    assert_eq!(world.engine.phase(), Phase::Joined);
    assert_eq!(world.hellos().len(), 1);
}
