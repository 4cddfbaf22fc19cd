//! Calls over a good network: who sees and hears whom.

use std::time::Duration;

use engine::{Input, MediaConnection, Tile};
use shared::{MediaState, SourceKind, SourceRef};

use crate::world::World;

pub(crate) const ON: MediaState = MediaState { microphone: true, camera: true, screen: false };
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Shows everybody else's camera at this height.
pub(crate) fn show_all(world: &mut World, client: usize, height: u16) {
    let me = world.clients[client].me();
    let others: Vec<_> = world.clients[client].engine.participants().iter().map(|other| other.peer).collect();
    let tiles = others.into_iter().filter(|other| Some(*other) != me);
    let tiles = tiles.map(|peer| Tile { source: SourceRef { peer, kind: SourceKind::Camera }, height });
    let tiles = tiles.collect();
    world.tell(client, Input::Layout(tiles));
}

/// Everybody who is there shows everybody.
pub(crate) fn show_each_other(world: &mut World, height: u16) {
    for client in 0..world.clients.len() {
        if world.clients[client].alive {
            show_all(world, client, height);
        }
    }
}

/// Whether `viewer` got something of this source of `publisher` in the last 400 ms.
pub(crate) fn gets(world: &World, viewer: usize, publisher: usize, kind: SourceKind) -> bool {
    let Some(connection) = &world.clients[viewer].connection else { return false };
    connection.watching.receivers.values().any(|receiver| {
        let heard = receiver.heard.get(&(publisher as u16, kind));
        heard.is_some_and(|(_, at)| world.now - *at < Duration::from_millis(400))
    })
}

/// Whether both cameras and microphones arrive at the other.
pub(crate) fn meet(world: &World, one: usize, other: usize) -> bool {
    [(one, other), (other, one)].into_iter().all(|(viewer, publisher)| {
        gets(world, viewer, publisher, SourceKind::Camera)
            && gets(world, viewer, publisher, SourceKind::Microphone)
    })
}

pub(crate) fn connected(world: &World, client: usize) -> bool {
    world.clients[client].engine.media_connection() == MediaConnection::Connected
}

/// A room with this many people who all show each other.
pub(crate) fn call(seed: u64, people: usize) -> World {
    let mut world = World::new(seed);
    for _ in 0..people {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..people).all(|client| connected(world, client)));
    show_each_other(&mut world, 360);
    world.run(3 * SECOND);
    world
}

#[test]
fn two_people_see_and_hear_each_other() {
    let world = call(1, 2);
    assert!(meet(&world, 0, 1));
    for client in &world.clients {
        let watching = &client.connection.as_ref().unwrap().watching;
        assert_eq!((watching.unreadable, watching.unknown), (0, 0));
        assert_eq!(client.offers, 1, "one negotiation is enough");
    }
    assert!(world.checker.checked > 500, "{}", world.checker.checked);
}
