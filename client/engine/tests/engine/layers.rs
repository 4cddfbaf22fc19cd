//! What the server asks of the own pictures reaches the platform, and nothing stays paused without the server.

use engine::{Input, MediaConnection, Output};
use shared::limits::SOURCES_MAX;
use shared::protocol::{RequestedLayers, ServerMessage};

use crate::world::{SECOND, World};

fn requested(mid: &str, rids: &[&str]) -> RequestedLayers {
    let rids = rids.iter().map(|rid| (*rid).to_owned()).collect::<Vec<_>>();
    RequestedLayers { mid: mid.to_owned(), active: !rids.is_empty(), rids, max_height: None }
}

fn ask(world: &mut World, publications: Vec<RequestedLayers>) {
    world.serve(ServerMessage::Layers { publications });
}

/// What the platform was told, in order.
fn told(world: &World) -> Vec<&[RequestedLayers]> {
    world
        .outputs
        .iter()
        .filter_map(
            |output| {
                if let Output::SetLayers(publications) = output { Some(&publications[..]) } else { None }
            },
        )
        .collect()
}

#[test]
fn what_the_server_asks_for_is_told_once() {
    let mut world = World::joined(1);
    let asked = vec![requested("s1", &["q", "h"])];
    ask(&mut world, asked.clone());
    ask(&mut world, asked.clone());
    assert_eq!(told(&world), [&asked[..]]);
    ask(&mut world, Vec::new());
    world.pass(10 * SECOND);
    assert_eq!(told(&world), [&asked[..], &[]]);
}

#[test]
fn nothing_is_told_while_nothing_was_asked() {
    let mut world = World::new();
    world.pass(10 * SECOND);
    world.layout([2, 3, 4, 5, 6]);
    world.pass(SECOND);
    assert_eq!(told(&world).len(), 0);
}

#[test]
fn after_a_negotiation_it_is_told_again() {
    let mut world = World::joined(9);
    let asked = vec![requested("s1", &[])];
    ask(&mut world, asked.clone());
    world.forget();
    world.layout(2..8);
    world.pass(SECOND);
    assert_eq!(world.offers_requested().len(), 1, "more slots take an offer");
    assert_eq!(told(&world), [&asked[..]]);
}

#[test]
fn what_is_asked_during_a_negotiation_waits_for_its_end() {
    let mut world = World::joined(9);
    world.mute.offers = true;
    world.layout(2..8);
    world.pass(SECOND);
    ask(&mut world, vec![requested("s1", &["q"])]);
    assert_eq!(told(&world).len(), 0);
    let negotiation = world.offers_requested()[0].negotiation;
    world.serve(ServerMessage::Answer(shared::protocol::Answer { negotiation, sdp: "v=0".to_owned() }));
    assert_eq!(told(&world).len(), 1);
}

#[test]
fn without_the_server_everything_is_sent() {
    let mut world = World::joined(1);
    (world.resumed, world.media_alive) = (true, true);
    ask(&mut world, vec![requested("s1", &[])]);
    world.forget();
    world.cut();
    assert_eq!(told(&world), [&[] as &[RequestedLayers]]);
    world.pass(10 * SECOND);
    assert_eq!(told(&world).len(), 1, "until the server asks again");
}

#[test]
fn a_new_connection_sends_everything_and_is_not_told_so() {
    let mut world = World::joined(1);
    ask(&mut world, vec![requested("s1", &["q"])]);
    world.forget();
    world.connection(MediaConnection::Failed);
    world.pass(SECOND);
    assert_eq!((world.media_resets(), told(&world).len()), (1, 0));
}

#[test]
fn what_cannot_be_a_publication_is_left_out() {
    let mut world = World::joined(1);
    let mut asked: Vec<_> = (0..9).map(|number| requested(&number.to_string(), &["q"; 99])).collect();
    asked.insert(0, requested(&"m".repeat(99), &["q"]));
    ask(&mut world, asked);
    let [told] = told(&world)[..] else { panic!("told once") };
    assert_eq!(told.len(), SOURCES_MAX);
    assert!(told.iter().all(|layers| layers.rids.len() == 8));
    world.give(Input::Tick);
}
