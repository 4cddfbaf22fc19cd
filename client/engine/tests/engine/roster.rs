//! Snapshot, revision, deltas.

use engine::{Input, Notice};
use proptest::prelude::*;
use shared::PeerId;
use shared::limits::PARTICIPANTS_MAX;
use shared::protocol::{Change, ClientMessage, Departure, Presence, ServerMessage, Snapshot};

use crate::world::{ME, SECOND, World, camera_on, person, settings};

fn resyncs(world: &World) -> usize {
    world.said.iter().filter(|message| **message == ClientMessage::Resync).count()
}

fn joined(number: u64) -> Change {
    Change::Joined { participant: person(PeerId::new(number), "Bo", camera_on()) }
}

#[test]
fn deltas_apply_in_order_and_say_who_comes_and_goes() {
    let mut world = World::joined(0);
    world.change(joined(2));
    let mut away = person(PeerId::new(2), "Bo", camera_on());
    away.presence = Presence::Reconnecting;
    world.change(Change::Updated { participant: away.clone() });
    assert_eq!(world.engine.participant(PeerId::new(2)), Some(&away));
    world.change(Change::Left { peer: PeerId::new(2), departure: Departure::TimedOut });
    assert_eq!(world.engine.participants().len(), 1);
    assert!(matches!(
        world.notices()[..],
        [Notice::Arrived { .. }, Notice::Departed { departure: Departure::TimedOut, .. }]
    ));
    assert_eq!(resyncs(&world), 0);
}

#[test]
fn a_gap_asks_for_one_snapshot_and_applies_nothing_until_it_comes() {
    let mut world = World::joined(0);
    world.mute.resync = true;
    for revision in [2, 3, 4, 1] {
        world.serve(ServerMessage::Delta { revision, changes: vec![joined(u64::from(revision) + 10)] });
    }
    assert_eq!(resyncs(&world), 1);
    assert_eq!(world.engine.participants().len(), 1);
    let participants = vec![person(ME, "Ada", settings().media), person(PeerId::new(5), "Cy", camera_on())];
    world.serve(ServerMessage::Snapshot(Snapshot { revision: 4, participants }));
    world.serve(ServerMessage::Delta { revision: 5, changes: vec![joined(6)] });
    assert_eq!(world.engine.participants().len(), 3);
    assert_eq!(resyncs(&world), 1);
}

#[test]
fn a_request_for_a_snapshot_that_is_lost_is_repeated_slowly() {
    let mut world = World::joined(0);
    world.mute.resync = true;
    world.serve(ServerMessage::Delta { revision: 9, changes: Vec::new() });
    world.pass(26 * SECOND);
    assert_eq!(resyncs(&world), 6);
    world.mute.resync = false;
    world.pass(6 * SECOND);
    assert_eq!(resyncs(&world), 7);
    world.pass(60 * SECOND);
    assert_eq!(resyncs(&world), 7);
}

#[test]
fn an_old_delta_is_ignored() {
    let mut world = World::joined(0);
    world.change(joined(2));
    world.serve(ServerMessage::Delta { revision: 1, changes: vec![joined(3)] });
    world.serve(ServerMessage::Delta { revision: 0, changes: vec![joined(4)] });
    assert_eq!(world.engine.participants().len(), 2);
    assert_eq!(resyncs(&world), 0);
}

#[test]
fn revisions_wrap_around() {
    let mut world = World::new();
    world.revision = u32::MAX;
    world.settle();
    world.forget();
    world.change(joined(2));
    assert_eq!(world.revision, 0);
    assert_eq!(world.engine.participants().len(), 2);
    assert_eq!(resyncs(&world), 0);
}

#[test]
fn a_delta_that_cannot_be_read_asks_for_a_snapshot() {
    let mut world = World::joined(0);
    let socket = world.socket.unwrap();
    let text = r#"{"type":"delta","revision":1,"changes":[{"change":"promoted","peer":"0000000000000002"}]}"#;
    world.give(Input::Message { socket, text: text.to_owned() });
    assert_eq!(resyncs(&world), 1);
}

#[test]
fn a_room_beyond_the_bound_is_cut() {
    let mut world = World::joined(0);
    let participants = (0..1200).map(|number| person(PeerId::new(number), "Bo", camera_on())).collect();
    world.serve(ServerMessage::Snapshot(Snapshot { revision: 1, participants }));
    assert_eq!(world.engine.participants().len(), PARTICIPANTS_MAX);
    world.serve(ServerMessage::Delta { revision: 2, changes: vec![joined(5_000)] });
    assert_eq!(world.engine.participants().len(), PARTICIPANTS_MAX);
}

/// What happens to the room, and to the message that tells it.
#[derive(Debug, Clone)]
struct Event {
    kind: u8,
    peer: u64,
    delivered: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn snapshot_and_deltas_equal_the_room_whatever_is_lost(
        events in prop::collection::vec(
            (0..3u8, 2..12u64, prop::bool::weighted(0.8))
                .prop_map(|(kind, peer, delivered)| Event { kind, peer, delivered }),
            0..60,
        )
    ) {
        let mut world = World::joined(0);
        for event in events {
            let peer = PeerId::new(event.peer);
            let known = world.room.iter().any(|participant| participant.peer == peer);
            let change = match (event.kind, known) {
                (0, true) => Change::Left { peer, departure: Departure::Left },
                (1, true) => {
                    Change::Updated { participant: person(peer, "Di", shared::MediaState::default()) }
                }
                (2, false) => joined(event.peer),
                (_, _) => continue,
            };
            if event.delivered {
                world.change(change);
                continue;
            }
            // Lost on the way: the server's room moves on without a message.
            let before = world.engine.participants().to_vec();
            let socket = world.socket.take();
            world.revision += 1;
            match change {
                Change::Joined { participant } => world.room.push(participant),
                Change::Updated { participant } => {
                    *world.room.iter_mut().find(|other| other.peer == peer).unwrap() = participant;
                }
                Change::Left { .. } => world.room.retain(|participant| participant.peer != peer),
            }
            world.socket = socket;
            prop_assert_eq!(world.engine.participants(), &before[..]);
        }
        // One more delta reveals a gap at the end, too.
        world.change(joined(99));
        world.pass(SECOND);
        prop_assert_eq!(world.engine.participants(), &world.room[..]);
    }
}
