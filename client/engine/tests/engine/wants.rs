//! From the layout to what the server is asked for.

use std::time::Duration;

use engine::{Input, Tile};
use shared::limits::{MESSAGES_PER_SECOND_MAX, WANT_HEIGHT_MAX};
use shared::protocol::{Change, ErrorCode, Want};
use shared::{MediaState, PeerId, SourceKind, SourceRef};

use crate::world::{ME, SECOND, World, camera, person};

fn mid_of(world: &World, peer: u64) -> Option<String> {
    let wants = world.engine.wants_desired();
    wants.iter().find(|want| want.source == camera(peer)).map(|want| want.mid.clone())
}

#[test]
fn a_layout_becomes_one_want_for_each_visible_tile_most_important_first() {
    let mut world = World::joined(3);
    let tile = |peer, height| Tile { source: camera(peer), height };
    world.give(Input::Layout(vec![tile(3, 700), tile(2, 100), tile(4, 0)]));
    world.pass(SECOND);
    let want = |mid: &str, peer, max_height, priority| Want {
        mid: mid.to_owned(),
        source: camera(peer),
        max_height,
        priority,
    };
    assert_eq!(world.wants_said(), [&[want("v0", 3, 720, 255), want("v1", 2, 180, 254)][..]]);
    assert_eq!(world.engine.wants_told(), Some(world.engine.wants_desired()));
    assert_eq!(world.engine.slot_of(camera(3)).unwrap().mid, "v0");
}

#[test]
fn a_source_keeps_its_slot_while_it_is_wanted() {
    let mut world = World::joined(8);
    world.layout([2, 3, 4, 5]);
    world.pass(SECOND);
    let kept = (mid_of(&world, 3), mid_of(&world, 5));
    world.layout([6, 5, 3]);
    world.pass(SECOND);
    assert_eq!((mid_of(&world, 3), mid_of(&world, 5)), kept);
    assert_eq!(mid_of(&world, 6), Some("v0".to_owned()), "the first free slot");
}

#[test]
fn what_is_told_is_not_told_again() {
    let mut world = World::joined(3);
    world.layout([2, 3]);
    world.pass(SECOND);
    world.forget();
    world.layout([2, 3]);
    world.give(Input::Layout(vec![
        Tile { source: camera(2), height: 350 },
        Tile { source: camera(3), height: 341 },
    ]));
    world.pass(10 * SECOND);
    assert!(world.wants_said().is_empty(), "heights within one step are the same want");
}

#[test]
fn a_layout_that_changes_with_every_frame_stays_below_the_rate_limit() {
    let mut world = World::joined(20);
    for frame in 0..600u64 {
        world.layout((0..9).map(|tile| 2 + (frame + tile) % 20));
        world.pass(Duration::from_millis(16));
    }
    let most = usize::try_from(MESSAGES_PER_SECOND_MAX).unwrap() * 10 / 4;
    assert!(world.wants_said().len() < most, "{}", world.wants_said().len());
    world.pass(SECOND);
    assert_eq!(world.engine.wants_told(), Some(world.engine.wants_desired()));
}

#[test]
fn live_pictures_come_before_muted_ones_and_muted_ones_need_no_slots() {
    let mut world = World::joined(4);
    let dark = MediaState { microphone: true, camera: false, screen: false };
    for number in 10..20 {
        world.change(Change::Joined { participant: person(PeerId::new(number), "Dark", dark) });
    }
    world.forget();
    world.layout((10..20).chain(2..5));
    world.pass(SECOND);
    assert!(world.offers_requested().is_empty(), "three live pictures fit into four slots");
    let sources: Vec<SourceRef> = world.wants.iter().map(|want| want.source).collect();
    for peer in [2, 3, 4, 10] {
        assert!(sources.contains(&camera(peer)), "{sources:?}");
    }
}

#[test]
fn own_absent_audible_and_repeated_tiles_cost_nothing() {
    let mut world = World::joined(2);
    let tile = |source| Tile { source, height: 360 };
    world.give(Input::Layout(vec![
        tile(SourceRef { peer: ME, kind: SourceKind::Camera }),
        tile(camera(77)),
        tile(SourceRef { peer: PeerId::new(2), kind: SourceKind::Microphone }),
        tile(camera(2)),
        tile(camera(2)),
    ]));
    world.pass(SECOND);
    assert_eq!(world.wants.len(), 1);
}

#[test]
fn somebody_leaving_frees_the_slot_for_somebody_coming() {
    let mut world = World::joined(2);
    world.layout([2, 3, 50]);
    world.pass(SECOND);
    let departure = shared::protocol::Departure::Left;
    world.change(Change::Left { peer: PeerId::new(2), departure });
    let on = MediaState { camera: true, ..MediaState::default() };
    world.change(Change::Joined { participant: person(PeerId::new(50), "Late", on) });
    world.pass(SECOND);
    assert_eq!(mid_of(&world, 50), Some("v0".to_owned()));
    assert_eq!(world.wants, world.engine.wants_desired());
}

#[test]
fn refused_wants_are_repeated_later_each_time() {
    let mut world = World::joined(2);
    world.layout([2]);
    world.pass(SECOND);
    for code in [ErrorCode::UnknownSlot, ErrorCode::RateLimited] {
        world.forget();
        world.fault(code, "wants");
        assert!(world.engine.wants_told().is_none());
        world.pass(Duration::from_millis(1_100));
        assert_eq!(world.wants_said().len(), 1, "{code:?}");
    }
}

#[test]
fn giant_and_endless_layouts_are_bounded() {
    let mut world = World::joined(30);
    let tiles = (0..100_000).map(|peer| Tile { source: camera(peer), height: u16::MAX });
    world.give(Input::Layout(tiles.collect()));
    world.pass(SECOND);
    assert_eq!(world.wants.len(), 25);
    assert!(world.wants.iter().all(|want| want.max_height == WANT_HEIGHT_MAX));
}
