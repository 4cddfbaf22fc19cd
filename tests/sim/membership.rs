//! Coming, going and coming back.

use std::time::Duration;

use engine::{Input, Notice};
use shared::SourceKind;
use shared::protocol::{Change, Departure, Presence, ServerMessage};

use crate::calls::{ON, SECOND, call, connected, gets, meet, show_each_other};
use crate::world::World;

fn has_gone(world: &World, viewer: usize, people: usize) -> bool {
    world.clients[viewer].engine.participants().len() == people
}

#[test]
fn whoever_only_answers_checks_is_gone_within_twenty_seconds_without_signaling() {
    let mut world = call(60, 2);
    world.clients[1].is_zombie = true;
    world.clients[1].connection.as_mut().unwrap().only_checks = true;
    world.lose_socket(1);
    world.run(10 * SECOND);
    assert_eq!(world.clients[0].engine.participants().len(), 2, "a socket may take this long to come back");
    world.run(10 * SECOND);
    assert_eq!(world.clients[0].engine.participants().len(), 1);
}

#[test]
fn when_one_of_three_leaves_the_others_go_on() {
    let mut world = call(2, 3);
    assert!(meet(&world, 0, 1) && meet(&world, 0, 2) && meet(&world, 1, 2));
    world.tell(2, Input::Leave);
    let took = world.run_until(SECOND, |world| has_gone(world, 0, 2) && has_gone(world, 1, 2));
    assert!(took < Duration::from_millis(100), "{took:?}");
    world.run(SECOND);
    assert!(meet(&world, 0, 1));
    assert!(!gets(&world, 0, 2, SourceKind::Microphone));
    assert_eq!(world.sfu.statistics().peers, 2);
}

#[test]
fn a_room_is_gone_with_its_last_member() {
    let mut world = call(3, 2);
    world.tell(0, Input::Leave);
    world.tell(1, Input::Leave);
    world.run(SECOND);
    let statistics = world.sfu.statistics();
    assert_eq!((statistics.peers, statistics.rooms), (0, 0));
    assert_eq!(world.sfu.poll_timeout(), None, "nothing is left to do");
}

#[test]
fn a_killed_client_is_gone_for_the_others_within_five_seconds() {
    let mut world = call(4, 3);
    world.kill(1, Duration::from_millis(300));
    let took = world.run_until(10 * SECOND, |world| has_gone(world, 0, 2) && has_gone(world, 2, 2));
    assert!(took < 5 * SECOND, "{took:?}");
    let departed =
        |notice: &Notice| matches!(notice, Notice::Departed { departure: Departure::TimedOut, .. });
    assert!(world.clients[0].notices.iter().any(departed));
    world.run(SECOND);
    assert!(meet(&world, 0, 2));
}

#[test]
fn a_lost_socket_is_resumed_while_media_flows_untouched() {
    let mut world = call(5, 2);
    let me = world.clients[0].me();
    world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
    world.clients[1].connection.as_mut().unwrap().watching.forget_gaps();
    world.lose_socket(0);
    world.run(4 * SECOND);
    assert_eq!(world.clients[0].me(), me);
    assert!(meet(&world, 0, 1));
    for client in &world.clients {
        assert_eq!((client.resets, client.offers), (1, 1), "nothing is negotiated again");
        let gap = client.connection.as_ref().unwrap().watching.longest_gap();
        assert!(gap < Duration::from_millis(150), "{gap:?}");
    }
    let reconnecting = |(client, message): &(usize, ServerMessage)| {
        let ServerMessage::Delta { changes, .. } = message else { return false };
        *client == 1
            && changes.iter().any(|change| {
                matches!(change, Change::Updated { participant } if participant.presence == Presence::Reconnecting)
            })
    };
    assert!(world.told.iter().any(reconnecting), "the others are told");
}

#[test]
fn a_reload_gives_the_same_seat_with_a_new_transport() {
    let mut world = call(6, 2);
    let me = world.clients[0].me();
    world.reload(0, ON);
    world.run_until(3 * SECOND, |world| connected(world, 0));
    show_each_other(&mut world, 360);
    world.run(2 * SECOND);
    assert_eq!(world.clients[0].me(), me);
    assert_eq!(world.clients[0].resets, 2);
    assert!(meet(&world, 0, 1));
    assert_eq!(world.sfu.statistics().peers, 2);
    assert!(world.clients[1].engine.participants().len() == 2);
}

#[test]
fn a_token_gives_the_same_participant_back_after_the_seat_timed_out() {
    let mut world = call(7, 2);
    let me = world.clients[0].me();
    world.kill(0, SECOND);
    world.run_until(10 * SECOND, |world| has_gone(world, 1, 1));
    world.run(10 * SECOND);
    world.reload(0, ON);
    world.run_until(5 * SECOND, |world| connected(world, 0));
    show_each_other(&mut world, 360);
    world.run(2 * SECOND);
    assert_eq!(world.clients[0].me(), me);
    assert!(meet(&world, 0, 1));
}

#[test]
fn a_token_is_worth_nothing_after_two_minutes_even_when_nobody_was_there() {
    let mut world = call(8, 1);
    let me = world.clients[0].me();
    world.kill(0, SECOND);
    world.run(200 * SECOND);
    world.reload(0, ON);
    world.run_until(5 * SECOND, |world| connected(world, 0));
    assert_ne!(world.clients[0].me(), me);
}

#[test]
fn rooms_are_apart() {
    let mut world = World::new(9);
    for room in ["here", "here", "there", "there"] {
        world.join(room, ON);
    }
    world.run_until(5 * SECOND, |world| (0..4).all(|client| connected(world, client)));
    show_each_other(&mut world, 360);
    world.run(3 * SECOND);
    assert!(meet(&world, 0, 1) && meet(&world, 2, 3));
    assert!(!gets(&world, 0, 2, SourceKind::Microphone));
    assert_eq!(world.sfu.statistics().rooms, 2);
}

#[test]
fn who_comes_later_is_seen_and_sees() {
    let mut world = call(10, 2);
    world.run(5 * SECOND);
    world.join("meeting", ON);
    world.run_until(3 * SECOND, |world| connected(world, 2));
    show_each_other(&mut world, 360);
    world.run(2 * SECOND);
    assert!(meet(&world, 0, 2) && meet(&world, 1, 2) && meet(&world, 0, 1));
}
