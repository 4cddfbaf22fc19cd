//! A camera in one stream is sent no larger than anybody shows it, and grows before anybody waits.

use std::time::Duration;

use engine::{Input, Tile};
use shared::protocol::ServerMessage;
use shared::{SourceKind, SourceRef};

use crate::calls::{ON, SECOND, connected, gets, show_all, show_each_other};
use crate::shards::Between;
use crate::world::World;

/// After this long without demand a size has been given up: the wait, a review, the way to the client.
const SHRUNK: Duration = Duration::from_secs(5);

/// A room whose members send their camera in one stream and show each other in tiles of this height.
fn call(mut world: World, people: usize, height: u16) -> World {
    for _ in 0..people {
        let client = world.join("meeting", ON);
        world.clients[client].has_one_stream = true;
    }
    world.run_until(5 * SECOND, |world| (0..people).all(|client| connected(world, client)));
    show_each_other(&mut world, height);
    world.run(3 * SECOND);
    for client in &mut world.clients {
        let receivers = client.connection.as_mut().unwrap().watching.receivers.values_mut();
        receivers.for_each(|receiver| receiver.pictures = Some(Vec::new()));
    }
    world
}

/// How many lines of its camera a client sends; nothing while it sends no picture.
fn sent(world: &World, client: usize, kind: SourceKind) -> Option<u16> {
    let publisher = &world.clients[client].connection.as_ref().unwrap().publishers[&kind];
    publisher.layers[0].active.then(|| publisher.height(0))
}

fn camera(world: &World, client: usize) -> Option<u16> {
    sent(world, client, SourceKind::Camera)
}

/// How many lines the newest key frame of this publisher's camera had that a viewer got.
fn shown(world: &World, viewer: usize, publisher: usize) -> Option<u16> {
    let receivers = world.clients[viewer].connection.as_ref().unwrap().watching.receivers.values();
    let pictures = receivers.filter_map(|receiver| receiver.pictures.as_ref()).flatten();
    let own = pictures.filter(|(_, received)| usize::from(received.label.publisher) == publisher);
    let keys = own.filter_map(|(at, received)| Some((*at, received.vp8?.key_height?)));
    keys.max_by_key(|(at, _)| *at).map(|(_, height)| height)
}

/// What a client was told of its pictures: their mids, and how large they need be.
fn told(world: &World, client: usize) -> Vec<(String, Option<u16>)> {
    let own = world.told.iter().filter(|(number, _)| *number == client);
    let layers = own.filter_map(|(_, message)| {
        if let ServerMessage::Layers { publications } = message { Some(publications) } else { None }
    });
    layers.flatten().map(|layers| (layers.mid.clone(), layers.max_height)).collect()
}

fn forget_gaps(world: &mut World, viewer: usize) {
    world.clients[viewer].connection.as_mut().unwrap().watching.forget_gaps();
}

fn longest_gap(world: &World, viewer: usize) -> Duration {
    world.clients[viewer].connection.as_ref().unwrap().watching.longest_gap()
}

#[test]
fn it_shrinks_with_the_tiles_and_grows_before_the_viewer_waits() {
    let mut world = call(World::new(80), 2, 720);
    world.run(SHRUNK);
    assert_eq!((camera(&world, 1), shown(&world, 0, 1)), (Some(720), None), "nothing has changed");
    forget_gaps(&mut world, 0);
    for (tile, lines) in [(360, 360), (180, 180), (90, 180)] {
        show_all(&mut world, 0, tile);
        world.run(SHRUNK);
        assert_eq!(
            (camera(&world, 1), shown(&world, 0, 1)),
            (Some(lines), Some(lines)),
            "in a tile of {tile}"
        );
    }
    show_all(&mut world, 0, 720);
    let took = world.run_until(2 * SECOND, |world| shown(world, 0, 1) == Some(720));
    // The want settles for 50 ms; four ways of 15 to 20 ms; a frame every 66 ms.
    assert!(took < Duration::from_millis(300), "{took:?}");
    let gap = longest_gap(&world, 0);
    assert!(gap < Duration::from_millis(200), "it flows meanwhile: {gap:?}");
    assert_eq!(camera(&world, 0), Some(720), "the other direction was not touched");
    assert_eq!(world.clients[1].offers, 1, "nothing is negotiated");
}

#[test]
fn the_largest_tile_of_all_viewers_decides() {
    let mut world = call(World::new(81), 5, 90);
    world.run(SHRUNK);
    assert!((0..5).all(|client| camera(&world, client) == Some(180)));
    let peer = world.clients[0].me().unwrap();
    let tile = |height| Tile { source: SourceRef { peer, kind: SourceKind::Camera }, height };
    world.tell(3, Input::Layout(vec![tile(270)]));
    world.run_until(SECOND, |world| camera(world, 0) == Some(360));
    world.tell(4, Input::Layout(vec![tile(1080)]));
    world.run_until(SECOND, |world| camera(world, 0) == Some(720));
    world.tell(4, Input::Leave);
    world.run(SHRUNK);
    assert_eq!(camera(&world, 0), Some(360));
}

#[test]
fn tiles_that_change_all_the_time_do_not_make_it_change() {
    let mut world = call(World::new(82), 2, 720);
    world.run(SHRUNK);
    for _ in 0..20 {
        for height in [180, 720] {
            show_all(&mut world, 0, height);
            world.run(Duration::from_millis(900));
        }
    }
    assert_eq!((camera(&world, 1), shown(&world, 0, 1)), (Some(720), None));
}

#[test]
fn what_nobody_shows_is_kept_small_in_a_small_room_and_paused_in_a_larger_one() {
    for (people, expected) in [(2, Some(180)), (6, None)] {
        let mut world = call(World::new(83), people, 720);
        for client in 0..people {
            world.tell(client, Input::Layout(Vec::new()));
        }
        world.run(SHRUNK);
        assert_eq!(camera(&world, 1), expected, "of {people}");
        show_all(&mut world, 0, 720);
        let took = world.run_until(2 * SECOND, |world| shown(world, 0, 1) == Some(720));
        assert!(took < Duration::from_millis(300), "{took:?} of {people}");
    }
}

#[test]
fn without_signaling_or_with_a_new_transport_it_is_sent_whole() {
    let mut world = call(World::new(84), 2, 90);
    world.run(SHRUNK);
    assert_eq!(camera(&world, 1), Some(180));
    world.lose_socket(1);
    world.run(Duration::from_millis(20));
    assert_eq!(camera(&world, 1), Some(720));
    let took = world.run_until(4 * SECOND, |world| camera(world, 1) == Some(180));
    assert!(took < 3 * SECOND, "the server's decision holds over the reconnect: {took:?}");
    world.reload(1, ON);
    world.run_until(5 * SECOND, |world| connected(world, 1));
    assert_eq!(camera(&world, 1), Some(720));
    world.run(2 * SHRUNK);
    assert_eq!(camera(&world, 1), Some(180));
}

#[test]
fn a_screen_is_never_made_smaller() {
    let mut world = call(World::new(85), 2, 90);
    world.tell(1, Input::SetScreen(true));
    world.run(2 * SECOND);
    let peer = world.clients[1].me().unwrap();
    let tile = |kind| Tile { source: SourceRef { peer, kind }, height: 90 };
    world.tell(0, Input::Layout(vec![tile(SourceKind::Camera), tile(SourceKind::Screen)]));
    world.run(2 * SHRUNK);
    assert_eq!((camera(&world, 1), sent(&world, 1, SourceKind::Screen)), (Some(180), Some(1080)));
    assert!(gets(&world, 0, 1, SourceKind::Screen));
    assert_eq!(world.clients[1].offers, 2);
    let limited = told(&world, 1);
    assert!(limited.iter().any(|(_, height)| *height == Some(180)), "{limited:?}");
    let camera = &world.clients[1].connection.as_ref().unwrap().publishers[&SourceKind::Camera].mid;
    assert!(limited.iter().all(|(mid, height)| mid == camera || height.is_none()), "{limited:?}");
}

#[test]
fn tiles_on_another_shard_count() {
    let mut world = call(World::of_shards(86, 2, Between::Busy), 6, 90);
    world.run(2 * SHRUNK);
    assert!((0..6).all(|client| camera(&world, client) == Some(180)));
    show_all(&mut world, 0, 720);
    world.run_until(2 * SECOND, |world| (1..6).all(|other| camera(world, other) == Some(720)));
    world.run_until(2 * SECOND, |world| (1..6).all(|other| shown(world, 0, other) == Some(720)));
    show_all(&mut world, 0, 360);
    world.run(2 * SHRUNK);
    assert!((1..6).all(|other| camera(&world, other) == Some(360)));
    world.tell(0, Input::Leave);
    world.run(2 * SHRUNK);
    assert!((1..6).all(|other| camera(&world, other) == Some(180)));
}
