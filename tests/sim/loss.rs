//! Lossy networks: how much of the audio arrives with redundancy and without, video without key frame storms, and
//! speakers who are heard from their first word.

use std::time::Duration;

use engine::{Input, Tile};
use shared::{SourceKind, SourceRef};

use crate::calls::{ON, SECOND, call, connected, gets, meet, show_each_other};
use crate::link::{Bursts, Impairment};
use crate::world::World;

/// Clients with an even number are Chromium, which has redundant audio; the others are Firefox, which has none.
const SENDER: usize = 0;
const PLAIN: usize = 1;
const REDUNDANT: usize = 2;

/// Bad times of three datagrams on average that make up a tenth of all: 10 % are lost, in bursts.
const BURSTS: Bursts = Bursts { begin: 33, end: 300, loss: 1000 };

/// The share of audio frames, per mille, that each of the two viewers gets of the sender in half a minute.
fn delivered(seed: u64, up: Impairment, down: Impairment) -> (usize, usize, World) {
    let mut world = World::new(seed);
    for _ in [SENDER, PLAIN, REDUNDANT] {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..3).all(|client| connected(world, client)));
    show_each_other(&mut world, 180);
    set_impairment(&mut world, up, down);
    // The loss has to be seen before redundancy begins.
    world.run(5 * SECOND);
    for client in [PLAIN, REDUNDANT] {
        world.clients[client].connection.as_mut().unwrap().watching.forget_frames();
    }
    world.run(30 * SECOND);
    let share = |client: usize| {
        let watching = &world.clients[client].connection.as_ref().unwrap().watching;
        let (got, all) = watching.frames(SENDER as u16, SourceKind::Microphone);
        assert!(all > 1450, "{all} frames in 30 s");
        got * 1000 / all
    };
    let shares = (share(PLAIN), share(REDUNDANT));
    (shares.0, shares.1, world)
}

fn set_impairment(world: &mut World, up: Impairment, down: Impairment) {
    world.up[SENDER].line.impairment = up;
    for client in [PLAIN, REDUNDANT] {
        world.down[client].line.impairment = down;
    }
}

const fn lossy(loss: u32) -> Impairment {
    Impairment { loss, ..Impairment::GOOD }
}

const fn bursty() -> Impairment {
    Impairment { bursts: Some(BURSTS), ..Impairment::GOOD }
}

#[test]
fn redundancy_makes_good_what_a_viewers_connection_loses() {
    // Loss, least share with redundancy, and what is left without, per mille.
    for (loss, least, plain) in [(50, 990, 950), (100, 990, 900), (200, 980, 800)] {
        let (without, with, world) = delivered(60 + u64::from(loss), lossy(0), lossy(loss));
        assert!(with >= least, "{with} of 1000 frames at {loss} per mille");
        assert!(
            without.abs_diff(plain) < 25,
            "{without} of 1000 frames without redundancy at {loss} per mille"
        );
        assert_eq!(world.sfu.statistics().recovered, 0, "nothing was lost on the way to the server");
    }
}

#[test]
fn redundancy_of_the_publisher_makes_good_what_its_own_connection_loses_for_everybody() {
    // Each packet repeats one, so two in a row have to be lost.
    for (loss, least) in [(50, 990), (100, 980), (200, 945)] {
        let (plain, redundant, world) = delivered(70 + u64::from(loss), lossy(loss), lossy(0));
        assert!(plain >= least && redundant >= least, "{plain} and {redundant} of 1000 at {loss} per mille");
        let recovered = world.sfu.statistics().recovered;
        assert!(recovered > u64::from(loss), "{recovered} recovered at {loss} per mille");
    }
}

#[test]
fn redundancy_helps_against_bursts() {
    let (without, with, _) = delivered(80, lossy(0), bursty());
    assert!(without < 930 && with >= 960, "down: {without} without, {with} with redundancy");
    let (plain, redundant, _) = delivered(81, bursty(), lossy(0));
    assert!(plain >= 935 && redundant >= 935, "up: {plain} and {redundant}");
}

#[test]
fn a_clean_connection_carries_no_redundancy() {
    let (without, with, world) = delivered(82, lossy(0), lossy(0));
    assert_eq!((without, with), (1000, 1000));
    assert_eq!(world.checker.repeated, 0);
}

#[test]
fn what_a_plain_publisher_loses_is_not_repeated_to_viewers_whose_connection_is_good() {
    let mut world = call(97, 3);
    let before = world.checker.repeated;
    // Nothing can make this good: its packets repeat nothing.
    world.up[PLAIN].line.impairment = lossy(200);
    world.run(30 * SECOND);
    assert!(gets(&world, REDUNDANT, PLAIN, SourceKind::Microphone));
    assert_eq!(world.checker.repeated - before, 0);
}

#[test]
fn video_recovers_from_loss_without_a_storm_of_key_frames() {
    for (seed, impairment) in [(90, lossy(50)), (91, lossy(100)), (92, lossy(200)), (93, bursty())] {
        let mut world = call(seed, 2);
        for link in world.up.iter_mut().chain(&mut world.down) {
            link.line.impairment = impairment;
        }
        let before = world.checker.key_frame_requests;
        world.run(30 * SECOND);
        assert!(meet(&world, 0, 1));
        let asked = world.checker.key_frame_requests - before;
        assert!(asked <= 12, "{asked} key frames of two cameras in 30 s with {impairment:?}");
        for client in &world.clients {
            let (expected, got) = client.connection.as_ref().unwrap().watching.completeness();
            assert!(got * 1000 >= expected * 985, "{got} of {expected} video packets with {impairment:?}");
        }
    }
}

fn set_level(world: &mut World, client: usize, level: u8) {
    let publishers = &mut world.clients[client].connection.as_mut().unwrap().publishers;
    publishers.get_mut(&SourceKind::Microphone).unwrap().level = level;
}

#[test]
fn whoever_begins_to_speak_is_heard_by_everybody_from_60_ms_before_the_first_loud_packet() {
    const NEW: usize = 7;
    let mut world = call(94, 8);
    // Four talk and take all slots, then everybody is silent for a while.
    for client in 0..8 {
        set_level(&mut world, client, if client < 4 { 20 + client as u8 } else { 127 });
    }
    world.run(5 * SECOND);
    assert!(!gets(&world, 0, NEW, SourceKind::Microphone));
    for client in 0..4 {
        set_level(&mut world, client, 127);
    }
    world.run(2 * SECOND);
    let publisher = &world.clients[NEW].connection.as_ref().unwrap().publishers[&SourceKind::Microphone];
    let first = publisher.layers[0].next_sequence();
    set_level(&mut world, NEW, 25);
    world.run(SECOND);
    for viewer in 0..NEW {
        let watching = &world.clients[viewer].connection.as_ref().unwrap().watching;
        let missing: Vec<u32> = (first - 3..first + 40)
            .filter(|number| !watching.has_frame(NEW as u16, SourceKind::Microphone, *number))
            .collect();
        assert!(missing.is_empty(), "viewer {viewer} misses {missing:?}, the first loud packet is {first}");
    }
}

#[test]
fn the_sound_of_a_screen_goes_to_those_who_watch_it_and_is_nobodys_voice() {
    let mut world = call(95, 6);
    world.tell(0, Input::SetScreen(true));
    world.run(SECOND);
    let peer = world.clients[0].me().unwrap();
    let screen = Tile { source: SourceRef { peer, kind: SourceKind::Screen }, height: 1080 };
    world.tell(1, Input::Layout(vec![screen]));
    for client in 0..6 {
        set_level(&mut world, client, if client == 0 { 127 } else { 30 });
    }
    world.run(4 * SECOND);
    assert!(gets(&world, 1, 0, SourceKind::ScreenAudio), "it is watched");
    assert!(!gets(&world, 2, 0, SourceKind::ScreenAudio), "it is not watched");
    let voices = (2..6).filter(|other| gets(&world, 1, *other, SourceKind::Microphone)).count();
    assert_eq!(voices, 2, "the other two slots carry voices");
    assert!(!world.clients[1].engine.speakers().iter().any(|speaker| speaker.peer == peer));
    world.tell(0, Input::SetScreen(false));
    world.run(4 * SECOND);
    assert!(!gets(&world, 1, 0, SourceKind::ScreenAudio));
    let voices = (2..6).filter(|other| gets(&world, 1, *other, SourceKind::Microphone)).count();
    assert_eq!(voices, 3);
}

#[test]
fn what_a_muted_microphone_still_sends_never_comes_out_by_redundancy() {
    let mut world = World::new(96);
    for _ in 0..3 {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..3).all(|client| connected(world, client)));
    set_impairment(&mut world, lossy(150), lossy(150));
    world.clients[SENDER].keep_sending = true;
    // The checker knows what came while muted.
    for _ in 0..40 {
        for on in [false, true] {
            world.tell(SENDER, Input::SetMicrophone(on));
            world.run(Duration::from_millis(170));
        }
    }
    assert!(world.checker.muted_packets() > 50 && world.checker.repeated > 50);
}

/// Packets of the first client's camera that the two viewers lost for good or got too late, over a round trip of 300 ms,
/// in a minute: without repair, with it.
fn late(seed: u64, impairment: Impairment) -> (u64, u64, World) {
    let mut world = World::new(seed);
    for _ in [SENDER, PLAIN, REDUNDANT] {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..3).all(|client| connected(world, client)));
    for viewer in [PLAIN, REDUNDANT] {
        world.down[viewer].line.impairment = Impairment { delay: Duration::from_millis(150), ..impairment };
        world.up[viewer].line.impairment.delay = Duration::from_millis(150);
    }
    show_each_other(&mut world, 360);
    world.run(10 * SECOND);
    let late = |world: &World, client: usize| {
        let watching = &world.clients[client].connection.as_ref().unwrap().watching;
        assert_eq!((watching.unreadable, watching.unknown), (0, 0));
        let video = watching.receivers.values().filter(|receiver| !receiver.audio);
        video.map(|receiver| receiver.late(world.now)).sum::<u64>()
    };
    let before = [PLAIN, REDUNDANT].map(|client| late(&world, client));
    world.run(60 * SECOND);
    let after = [PLAIN, REDUNDANT].map(|client| late(&world, client));
    (after[0] - before[0], after[1] - before[1], world)
}

#[test]
fn over_a_long_way_repair_is_in_time_where_repetition_is_not() {
    for (seed, impairment) in [(97, lossy(20)), (98, lossy(50)), (99, lossy(100)), (100, bursty())] {
        let (without, with, world) = late(seed, impairment);
        let receivers = world.clients[REDUNDANT].connection.as_ref().unwrap().watching.receivers.values();
        let repaired: u64 = receivers.map(|receiver| receiver.repair.recovered).sum();
        assert!(repaired > 50, "{repaired} repaired with {impairment:?}");
        assert!(with * 3 < without, "{with} late with repair, {without} without, with {impairment:?}");
    }
}

#[test]
fn a_short_way_or_a_clean_one_carries_no_repair() {
    let mut world = call(101, 3);
    set_impairment(&mut world, lossy(0), lossy(50));
    world.run(30 * SECOND);
    assert_eq!(world.checker.repaired, 0);
    let (_, _, world) = late(102, lossy(0));
    assert_eq!(world.checker.repaired, 0);
}
