//! Layers and cameras that nobody wants are paused at the sender, and flow again before anybody waits.

use std::time::Duration;

use engine::{Input, Tile};
use shared::protocol::ServerMessage;
use shared::{SourceKind, SourceRef};

use crate::calls::{ON, SECOND, call, connected, gets, show_all, show_each_other};
use crate::publishing::HEIGHTS;
use crate::shards::Between;
use crate::world::World;

/// After this long without demand a layer has been paused: the wait, a review, the way to the client.
const PAUSED: Duration = Duration::from_secs(5);

/// Which layers of its camera a client sends.
fn sent(world: &World, client: usize) -> Vec<u16> {
    let publishers = &world.clients[client].connection.as_ref().unwrap().publishers;
    let layers = publishers[&SourceKind::Camera].layers.iter().zip(HEIGHTS);
    layers.filter(|(layer, _)| layer.active).map(|(_, height)| height).collect()
}

/// Packets of its camera that a client sent so far.
fn packets(world: &World, client: usize) -> u32 {
    let publishers = &world.clients[client].connection.as_ref().unwrap().publishers;
    publishers[&SourceKind::Camera].sent().map(|(_, _, packets, _)| packets).sum()
}

/// How often a client was told which layers to send.
fn times_told(world: &World, client: usize) -> usize {
    let is_layers = |message: &ServerMessage| matches!(message, ServerMessage::Layers { .. });
    world.told.iter().filter(|(number, message)| *number == client && is_layers(message)).count()
}

fn shows(world: &World, viewer: usize, publisher: usize, height: u16) -> bool {
    let receivers = world.clients[viewer].connection.as_ref().unwrap().watching.receivers.values();
    let newest = receivers.filter(|receiver| !receiver.audio).filter_map(|receiver| receiver.last);
    newest.max_by_key(|(at, _)| *at).is_some_and(|(_, received)| {
        let label = received.label;
        usize::from(label.publisher) == publisher && HEIGHTS[usize::from(label.layer)] == height
    })
}

fn hide_all(world: &mut World, client: usize) {
    world.tell(client, Input::Layout(Vec::new()));
}

#[test]
fn a_layer_that_no_tile_needs_is_paused_and_resumed_when_one_does() {
    let mut world = call(60, 2);
    world.run(PAUSED);
    assert_eq!(sent(&world, 1), [180, 360], "the tiles have 360 lines");
    show_all(&mut world, 0, 180);
    world.run(PAUSED);
    assert_eq!(sent(&world, 1), [180]);
    world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
    show_all(&mut world, 0, 720);
    let took = world.run_until(2 * SECOND, |world| shows(world, 0, 1, 720));
    // The want settles for 50 ms; four ways of 15 to 20 ms; a frame every 66 ms.
    assert!(took < Duration::from_millis(300), "{took:?}");
    let gap = world.clients[0].connection.as_ref().unwrap().watching.longest_gap();
    assert!(gap < Duration::from_millis(200), "the smaller layer flows meanwhile: {gap:?}");
    assert_eq!(sent(&world, 1), [180, 360, 720]);
    assert_eq!(sent(&world, 0), [180, 360], "the other direction was not touched");
    assert_eq!(world.clients[1].offers, 1, "nothing is negotiated");
}

#[test]
fn whoever_is_alone_sends_nothing_until_somebody_joins() {
    let mut world = World::new(61);
    world.join("meeting", ON);
    world.run(2 * SECOND + PAUSED);
    let before = packets(&world, 0);
    world.run(SECOND);
    assert_eq!((sent(&world, 0).len(), packets(&world, 0)), (0, before));
    world.join("meeting", ON);
    world.run_until(SECOND, |world| sent(world, 0) == [180]);
    assert!(!connected(&world, 1), "it flows before the newcomer is connected");
    world.run_until(2 * SECOND, |world| connected(world, 1));
    show_each_other(&mut world, 360);
    let took = world.run_until(2 * SECOND, |world| gets(world, 1, 0, SourceKind::Camera));
    assert!(took < Duration::from_millis(250), "{took:?}");
    world.run_until(2 * SECOND, |world| shows(world, 1, 0, 360));
}

#[test]
fn in_a_small_room_the_smallest_layer_stays() {
    let mut world = call(62, 3);
    for client in 0..3 {
        hide_all(&mut world, client);
    }
    world.run(2 * PAUSED);
    for client in 0..3 {
        assert_eq!(sent(&world, client), [180]);
    }
    world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
    show_all(&mut world, 0, 720);
    let took = world.run_until(2 * SECOND, |world| gets(world, 0, 1, SourceKind::Camera));
    assert!(took < Duration::from_millis(300), "{took:?}");
}

#[test]
fn in_a_larger_room_a_camera_that_nobody_watches_is_paused_whole() {
    let mut world = call(63, 6);
    for client in 0..6 {
        hide_all(&mut world, client);
    }
    world.run(2 * PAUSED);
    let before: u32 = (0..6).map(|client| packets(&world, client)).sum();
    world.run(SECOND);
    assert_eq!((0..6).map(|client| packets(&world, client)).sum::<u32>(), before);
    show_all(&mut world, 0, 360);
    let took =
        world.run_until(2 * SECOND, |world| (1..6).all(|other| gets(world, 0, other, SourceKind::Camera)));
    // Slots beyond the first four take an offer first.
    assert!(took < Duration::from_millis(400), "{took:?}");
    assert_eq!(sent(&world, 0).len(), 0, "nobody watches the one who watches");
}

#[test]
fn one_viewer_with_a_large_tile_is_enough() {
    let mut world = call(64, 5);
    let peer = world.clients[0].me().unwrap();
    let tile = |height| Tile { source: SourceRef { peer, kind: SourceKind::Camera }, height };
    for client in 1..5 {
        world.tell(client, Input::Layout(vec![tile(if client == 3 { 720 } else { 90 })]));
    }
    world.run(2 * PAUSED);
    assert_eq!(sent(&world, 0), [180, 360, 720]);
    assert!(shows(&world, 3, 0, 720) && shows(&world, 2, 0, 180));
    world.tell(3, Input::Leave);
    world.run(PAUSED);
    assert_eq!(sent(&world, 0), [180]);
}

#[test]
fn tiles_that_change_all_the_time_do_not_flap_layers() {
    let mut world = call(65, 2);
    world.run(PAUSED);
    let before = times_told(&world, 1);
    for _ in 0..20 {
        for height in [720, 180] {
            show_all(&mut world, 0, height);
            world.run(Duration::from_millis(900));
        }
    }
    assert_eq!(times_told(&world, 1) - before, 1, "resumed once, and never paused");
}

#[test]
fn whoever_loses_signaling_sends_everything_until_told_again() {
    let mut world = call(66, 2);
    show_all(&mut world, 0, 180);
    world.run(PAUSED);
    assert_eq!(sent(&world, 1), [180]);
    world.lose_socket(1);
    world.run(Duration::from_millis(20));
    assert_eq!(sent(&world, 1), [180, 360, 720]);
    let took = world.run_until(4 * SECOND, |world| sent(world, 1) == [180]);
    assert!(took < 3 * SECOND, "the server's decision holds over the reconnect: {took:?}");
    assert_eq!(world.clients[1].resets, 1);
}

#[test]
fn a_negotiation_changes_nothing_of_what_is_paused() {
    let mut world = call(67, 2);
    show_all(&mut world, 0, 180);
    world.run(PAUSED);
    world.tell(1, Input::SetScreen(true));
    world.run(2 * SECOND);
    assert_eq!(world.clients[1].offers, 2);
    assert_eq!(sent(&world, 1), [180]);
}

#[test]
fn a_new_transport_starts_with_everything_and_is_suspended_anew() {
    let mut world = call(68, 2);
    show_all(&mut world, 0, 180);
    world.run(PAUSED);
    world.reload(1, ON);
    world.run_until(5 * SECOND, |world| connected(world, 1));
    assert_eq!(sent(&world, 1), [180, 360, 720]);
    world.run(2 * PAUSED);
    assert_eq!(sent(&world, 1), [180]);
    assert!(gets(&world, 0, 1, SourceKind::Camera));
}

#[test]
fn no_key_frames_are_asked_of_what_is_paused() {
    let mut world = World::new(69);
    world.join("meeting", ON);
    world.run(2 * SECOND + PAUSED);
    let before = world.sfu.statistics();
    world.run(30 * SECOND);
    let after = world.sfu.statistics();
    assert_eq!(after.key_frame_requests, before.key_frame_requests);
    assert_eq!(after.nacks_sent, before.nacks_sent);
}

#[test]
fn what_viewers_on_another_shard_could_use_is_sent() {
    let mut world = World::of_shards(70, 2, Between::Busy);
    for _ in 0..6 {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..6).all(|client| connected(world, client)));
    for client in 0..6 {
        hide_all(&mut world, client);
    }
    world.run(2 * PAUSED);
    assert!((0..6).all(|client| sent(&world, client).is_empty()), "nobody watches anybody");
    show_all(&mut world, 0, 720);
    world.run_until(3 * SECOND, |world| (1..6).all(|other| gets(world, 0, other, SourceKind::Camera)));
    world.run(2 * PAUSED);
    for other in 1..6 {
        assert_eq!(sent(&world, other), [180, 360, 720]);
    }
    world.tell(0, Input::Leave);
    world.run(2 * PAUSED);
    assert!((1..6).all(|client| sent(&world, client).is_empty()));
}

#[test]
fn after_a_broken_link_what_another_shard_could_use_is_told_anew() {
    let mut world = World::of_shards(71, 2, Between::Busy);
    for _ in 0..6 {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..6).all(|client| connected(world, client)));
    for client in 0..6 {
        hide_all(&mut world, client);
    }
    show_all(&mut world, 0, 720);
    world.run(2 * PAUSED);
    let break_link = |world: &mut World| {
        let now = world.epoch + world.now;
        world.sfu.break_link(now, 0, 1);
        world.run(2 * PAUSED);
    };
    break_link(&mut world);
    assert!((1..6).all(|other| sent(&world, other) == [180, 360, 720]), "what is wanted stays wanted");
    // What was said last is lost with the link.
    hide_all(&mut world, 0);
    world.run(Duration::from_millis(20));
    break_link(&mut world);
    assert!(
        (1..6).all(|client| sent(&world, client).is_empty()),
        "and what is not wanted does not come back"
    );
}
