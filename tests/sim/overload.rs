//! A server with more to do than it can: pictures are given up, voices are not, and nobody new comes in.

use std::time::Duration;

use engine::Phase;
use shared::SourceKind;
use shared::protocol::{PauseReason, ServerMessage};

use crate::calls::{ON, SECOND, call, connected, gets, meet};
use crate::world::World;

/// Lets time pass while the server's threads are so busy.
fn strain(world: &mut World, busy_permille: u32, duration: Duration) {
    let end = world.now + duration;
    while world.now < end {
        world.run(Duration::from_millis(250));
        let now = world.epoch + world.now;
        world.sfu.handle_load(now, busy_permille);
    }
}

fn cameras(world: &World, viewer: usize) -> usize {
    (0..4).filter(|other| gets(world, viewer, *other, SourceKind::Camera)).count()
}

#[test]
fn under_strain_voices_and_one_picture_remain_and_calm_brings_all_back() {
    let mut world = call(21, 4);
    assert_eq!(cameras(&world, 0), 3);
    strain(&mut world, 950, 4 * SECOND);
    for viewer in 0..4 {
        assert_eq!(cameras(&world, viewer), 1, "{viewer}");
        for other in (0..4).filter(|other| *other != viewer) {
            assert!(gets(&world, viewer, other, SourceKind::Microphone), "{viewer} hears {other}");
        }
    }
    let is_told = |(client, message): &(usize, ServerMessage)| {
        let ServerMessage::SlotMap { slots } = message else { return false };
        *client == 0 && slots.iter().any(|slot| slot.paused == Some(PauseReason::Overload))
    };
    assert!(world.told.iter().any(is_told), "the client is told why");
    strain(&mut world, 300, 15 * SECOND);
    for viewer in 1..4 {
        assert!(meet(&world, 0, viewer), "{viewer}");
    }
}

#[test]
fn who_comes_to_a_strained_server_waits_and_gets_in_by_itself() {
    let mut world = call(22, 2);
    strain(&mut world, 950, 2 * SECOND);
    let late = world.join("meeting", ON);
    strain(&mut world, 700, 2 * SECOND);
    assert!(matches!(world.clients[late].engine.phase(), Phase::Connecting { retry_at: Some(_), .. }));
    assert_eq!(world.sfu.statistics().peers, 2);
    strain(&mut world, 300, 40 * SECOND);
    assert!(connected(&world, late));
    assert!(world.clients[0].engine.participants().len() == 3);
}

#[test]
fn who_has_a_seat_keeps_it_on_a_strained_server() {
    let mut world = call(23, 2);
    let me = world.clients[0].me();
    strain(&mut world, 950, 2 * SECOND);
    world.reload(0, ON);
    strain(&mut world, 950, 3 * SECOND);
    assert!(connected(&world, 0));
    assert_eq!(world.clients[0].me(), me);
}
