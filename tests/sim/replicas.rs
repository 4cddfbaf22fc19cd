//! Rooms on several shards: nobody notices.

use std::time::Duration;

use engine::{Input, Notice};
use shared::protocol::Departure;
use shared::{MediaState, SourceKind};

use crate::calls::{ON, SECOND, connected, gets, meet, show_all, show_each_other};
use crate::shards::Between;
use crate::world::World;

/// A room over several shards, everybody showing everybody.
fn call(seed: u64, shards: usize, people: usize, between: Between) -> World {
    let mut world = World::of_shards(seed, shards, between);
    for _ in 0..people {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..people).all(|client| connected(world, client)));
    world.run(SECOND);
    show_each_other(&mut world, 360);
    world.run(3 * SECOND);
    world
}

fn all_meet(world: &World, people: usize) {
    for one in 0..people {
        for other in 0..one {
            assert!(meet(world, one, other), "{one} and {other}");
        }
    }
}

#[test]
fn people_on_two_shards_see_and_hear_each_other() {
    let world = call(1, 2, 4, Between::Ideal);
    all_meet(&world, 4);
    let each: Vec<_> = world.sfu.each().collect();
    assert!(each.iter().all(|shard| (shard.peers, shard.remote_peers) == (2, 2)), "{each:?}");
    assert!(each.iter().all(|shard| shard.relayed > 100), "{each:?}");
    for client in &world.clients {
        let watching = &client.connection.as_ref().unwrap().watching;
        assert_eq!((watching.unreadable, watching.unknown), (0, 0));
    }
}

#[test]
fn three_shards_that_lag_and_lose_serve_one_room() {
    let mut world = call(2, 3, 4, Between::Busy);
    world.run(5 * SECOND);
    all_meet(&world, 4);
    assert!(world.sfu.lost > 10, "{}", world.sfu.lost);
}

#[test]
fn a_stream_travels_only_to_shards_that_watch_it_and_once() {
    let mut world = World::of_shards(3, 2, Between::Ideal);
    // One publisher on a shard, two viewers on the other.
    let quiet = MediaState::default();
    world.join("meeting", MediaState { camera: true, ..quiet });
    world.run(SECOND);
    world.join("meeting", quiet);
    world.run(SECOND);
    world.join("meeting", quiet);
    world.run(SECOND);
    world.join("meeting", quiet);
    world.run_until(5 * SECOND, |world| (0..4).all(|client| connected(world, client)));
    world.run(SECOND);
    assert_eq!(world.sfu.statistics().relayed, 0, "nobody watches");
    let far: Vec<usize> = (0..4).filter(|client| shard_of(&world, *client) != shard_of(&world, 0)).collect();
    assert_eq!(far.len(), 2);
    show_all(&mut world, far[0], 180);
    show_all(&mut world, far[1], 180);
    world.run(2 * SECOND);
    let before = world.sfu.statistics();
    world.run(SECOND);
    let after = world.sfu.statistics();
    let (relayed, forwarded) = (after.relayed - before.relayed, after.forwarded - before.forwarded);
    assert!(relayed > 10 && relayed * 2 == forwarded, "{relayed} travelled for {forwarded}");
    for viewer in far {
        assert!(gets(&world, viewer, 0, SourceKind::Camera));
        world.tell(viewer, Input::Layout(Vec::new()));
    }
    world.run(SECOND);
    let before = world.sfu.statistics().relayed;
    world.run(SECOND);
    assert_eq!(world.sfu.statistics().relayed, before, "nobody watches any more");
}

/// The shard that a client's token leads to.
fn shard_of(world: &World, client: usize) -> u8 {
    world.clients[client].resume.unwrap().first_byte()
}

#[test]
fn mutes_names_and_departures_reach_the_other_shards() {
    let mut world = call(4, 2, 4, Between::Ideal);
    world.tell(0, Input::SetCamera(false));
    world.run(SECOND);
    for viewer in 1..4 {
        assert!(!gets(&world, viewer, 0, SourceKind::Camera), "{viewer}");
        assert!(gets(&world, viewer, 0, SourceKind::Microphone), "{viewer}");
    }
    world.tell(0, Input::SetCamera(true));
    world.run(2 * SECOND);
    all_meet(&world, 4);
    world.tell(0, Input::Leave);
    world.run(SECOND);
    for viewer in 1..4 {
        assert_eq!(world.clients[viewer].engine.participants().len(), 3);
        let departed =
            |notice: &Notice| matches!(notice, Notice::Departed { departure: Departure::Left, .. });
        assert!(world.clients[viewer].notices.iter().any(departed), "{viewer}");
    }
}

#[test]
fn who_comes_back_with_a_token_has_the_same_seat_on_the_same_shard() {
    let mut world = call(5, 3, 3, Between::Ideal);
    let me = world.clients[1].me();
    let shard = shard_of(&world, 1);
    world.reload(1, ON);
    world.run_until(3 * SECOND, |world| connected(world, 1));
    show_each_other(&mut world, 360);
    world.run(2 * SECOND);
    assert_eq!((world.clients[1].me(), shard_of(&world, 1)), (me, shard));
    all_meet(&world, 3);
    assert_eq!(world.sfu.statistics().peers, 3);
}

#[test]
fn a_replica_ends_with_its_own_people_and_a_room_with_its_last() {
    let mut world = call(6, 2, 4, Between::Ideal);
    let near = shard_of(&world, 0);
    let leaving: Vec<usize> = (0..4).filter(|client| shard_of(&world, *client) == near).collect();
    for client in &leaving {
        world.tell(*client, Input::Leave);
    }
    world.run(SECOND);
    let counts: Vec<_> =
        world.sfu.each().map(|shard| (shard.peers, shard.remote_peers, shard.rooms)).collect();
    assert_eq!(counts.iter().filter(|counts| **counts == (0, 0, 0)).count(), 1, "{counts:?}");
    assert_eq!(counts.iter().filter(|counts| **counts == (2, 0, 1)).count(), 1, "{counts:?}");
    for client in (0..4).filter(|client| !leaving.contains(client)) {
        world.tell(client, Input::Leave);
    }
    world.run(SECOND);
    assert_eq!(world.sfu.poll_timeout(), None, "nothing is left to do");
}

#[test]
fn a_broken_link_is_mended_with_everything_that_was_missed() {
    let mut world = call(7, 2, 4, Between::Busy);
    for round in 0..3 {
        // Said while it is on the way.
        world.tell(round, Input::SetCamera(false));
        world.run(Duration::from_millis(20));
        let now = world.epoch + world.now;
        world.sfu.break_link(now, 0, 1);
        world.run(2 * SECOND);
        for viewer in (0..4).filter(|viewer| *viewer != round) {
            assert!(!gets(&world, viewer, round, SourceKind::Camera), "{viewer} {round}");
        }
        world.tell(round, Input::SetCamera(true));
        world.run(2 * SECOND);
        all_meet(&world, 4);
    }
}
