//! Muting, publishing, layers, slots and speakers.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{Input, SlotMedium, Tile};
use shared::protocol::ServerMessage;
use shared::{MediaState, SourceKind, SourceRef};

use crate::calls::{ON, SECOND, call, connected, gets, meet, show_all, show_each_other};
use crate::publishing::HEIGHTS;
use crate::world::World;

/// The height of what `viewer` sees of `publisher`.
pub(crate) fn layer(world: &World, viewer: usize, publisher: usize) -> Option<u16> {
    let watching = &world.clients[viewer].connection.as_ref()?.watching;
    let newest =
        watching.receivers.values().filter(|receiver| !receiver.audio).filter_map(|receiver| receiver.last);
    let newest = newest.filter(|(_, received)| usize::from(received.label.publisher) == publisher);
    let (_, received) = newest.max_by_key(|(at, _)| *at)?;
    Some(HEIGHTS[usize::from(received.label.layer)])
}

#[test]
fn muting_stops_forwarding_at_once_and_unmuting_resumes_it() {
    let mut world = call(20, 2);
    // The checker holds the SFU to it from the moment the message arrives, whatever the client still sends.
    world.clients[0].keep_sending = true;
    world.tell(0, Input::SetMicrophone(false));
    world.tell(0, Input::SetCamera(false));
    world.run(2 * SECOND);
    assert!(!gets(&world, 1, 0, SourceKind::Camera) && !gets(&world, 1, 0, SourceKind::Microphone));
    assert!(gets(&world, 0, 1, SourceKind::Camera), "the other direction goes on");
    world.tell(0, Input::SetMicrophone(true));
    world.tell(0, Input::SetCamera(true));
    world.run(2 * SECOND);
    assert!(meet(&world, 0, 1));
    assert_eq!(world.clients[0].offers, 1, "muting negotiates nothing");
}

/// Whether the second of two hears the first and sees its screen, whose packets name no section and have SSRCs it did not
/// announce.
fn unnamed(seed: u64, media: MediaState) -> (bool, bool) {
    let mut world = World::new(seed);
    world.join("meeting", media);
    world.clients[0].is_unnamed = true;
    world.join("meeting", ON);
    world.run_until(5 * SECOND, |world| (0..2).all(|client| connected(world, client)));
    let screen = SourceRef { peer: world.clients[0].me().unwrap(), kind: SourceKind::Screen };
    world.tell(1, Input::Layout(vec![Tile { source: screen, height: 1080 }]));
    world.run(3 * SECOND);
    (gets(&world, 1, 0, SourceKind::Microphone), gets(&world, 1, 0, SourceKind::Screen))
}

#[test]
fn a_stream_without_a_name_is_known_by_a_payload_type_that_only_one_section_has() {
    let voice = MediaState { microphone: true, camera: false, screen: false };
    assert_eq!(unnamed(28, voice), (true, false));
    let screen = MediaState { microphone: false, camera: false, screen: true };
    assert_eq!(unnamed(29, screen), (false, true));
}

#[test]
fn a_payload_type_that_two_sections_have_explains_no_stream() {
    // The screen has sound too.
    let everything = MediaState { microphone: true, camera: true, screen: true };
    assert_eq!(unnamed(30, everything), (false, false));
}

#[test]
fn what_was_sent_while_muted_for_a_moment_is_not_repaired_later() {
    let mut world = call(21, 2);
    world.clients[0].keep_sending = true;
    for _ in 0..20 {
        for on in [false, true] {
            world.tell(0, Input::SetCamera(on));
            world.run(Duration::from_millis(120));
        }
    }
    world.run(2 * SECOND);
    assert!(meet(&world, 0, 1));
    assert!(world.checker.muted_packets() > 50, "the checker saw what must not come through");
}

#[test]
fn a_camera_switched_on_later_is_published_by_one_offer() {
    let mut world = World::new(22);
    world.join("meeting", ON);
    world.join("meeting", MediaState { microphone: true, camera: false, screen: false });
    world.run_until(5 * SECOND, |world| connected(world, 0) && connected(world, 1));
    show_each_other(&mut world, 360);
    world.run(2 * SECOND);
    assert!(gets(&world, 0, 1, SourceKind::Microphone) && !gets(&world, 0, 1, SourceKind::Camera));
    world.tell(1, Input::SetCamera(true));
    world.run(3 * SECOND);
    assert!(meet(&world, 0, 1));
    assert_eq!((world.clients[1].offers, world.clients[1].resets), (2, 1));
}

#[test]
fn a_shared_screen_is_seen_and_ends() {
    let mut world = call(23, 2);
    world.tell(0, Input::SetScreen(true));
    world.run(SECOND);
    let peer = world.clients[0].me().unwrap();
    let tile = |kind| Tile { source: SourceRef { peer, kind }, height: 720 };
    world.tell(1, Input::Layout(vec![tile(SourceKind::Screen), tile(SourceKind::Camera)]));
    world.run(3 * SECOND);
    assert!(gets(&world, 1, 0, SourceKind::Screen) && gets(&world, 1, 0, SourceKind::Camera));
    world.tell(0, Input::SetScreen(false));
    world.run(2 * SECOND);
    assert!(!gets(&world, 1, 0, SourceKind::Screen) && gets(&world, 1, 0, SourceKind::Camera));
}

#[test]
fn slots_grow_by_one_negotiation_and_earlier_ones_keep_their_ssrc() {
    let mut world = call(24, 5);
    let slots = |world: &World| -> BTreeMap<String, u32> {
        let receivers = world.clients[0].connection.as_ref().unwrap().watching.receivers.values();
        receivers.map(|receiver| (receiver.mid.clone(), receiver.ssrc)).collect()
    };
    let before = slots(&world);
    assert_eq!(before.len(), 7, "three audio and four video slots");
    world.join("meeting", ON);
    world.run_until(3 * SECOND, |world| connected(world, 5));
    show_all(&mut world, 0, 180);
    world.run(3 * SECOND);
    let after = slots(&world);
    assert_eq!(after.len(), 12, "three audio and nine video slots");
    assert!(before.iter().all(|(mid, ssrc)| after[mid] == *ssrc));
    assert_eq!((world.clients[0].offers, world.clients[0].resets), (2, 1));
    for publisher in 1..6 {
        assert!(gets(&world, 0, publisher, SourceKind::Camera), "camera of {publisher}");
    }
}

#[test]
fn the_layer_follows_the_height_of_the_tile() {
    let mut world = call(25, 2);
    for (tile, expected) in [(180, 180), (720, 720), (360, 360), (90, 180), (1080, 720)] {
        show_all(&mut world, 0, tile);
        world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
        world.run(3 * SECOND);
        assert_eq!(layer(&world, 0, 1), Some(expected), "in a tile of {tile}");
        let gap = world.clients[0].connection.as_ref().unwrap().watching.longest_gap();
        assert!(gap < Duration::from_millis(250), "a switch shows without a gap: {gap:?}");
    }
    assert_eq!(world.clients[0].offers, 1, "nothing is negotiated");
}

#[test]
fn a_layer_that_ends_is_replaced_by_the_next_best() {
    let mut world = call(26, 2);
    show_all(&mut world, 0, 720);
    world.run(3 * SECOND);
    assert_eq!(layer(&world, 0, 1), Some(720));
    let set = |world: &mut World, active| {
        let publishers = &mut world.clients[1].connection.as_mut().unwrap().publishers;
        publishers.get_mut(&SourceKind::Camera).unwrap().layers[2].active = active;
    };
    set(&mut world, false);
    world.run(4 * SECOND);
    assert_eq!(layer(&world, 0, 1), Some(360));
    assert!(gets(&world, 0, 1, SourceKind::Camera));
    set(&mut world, true);
    world.run(4 * SECOND);
    assert_eq!(layer(&world, 0, 1), Some(720));
}

#[test]
fn the_loudest_three_are_heard_and_a_new_voice_takes_a_slot() {
    let mut world = call(27, 5);
    let set = |world: &mut World, client: usize, level| {
        let publishers = &mut world.clients[client].connection.as_mut().unwrap().publishers;
        publishers.get_mut(&SourceKind::Microphone).unwrap().level = level;
    };
    for (client, level) in [(0, 127), (1, 20), (2, 25), (3, 30), (4, 127)] {
        set(&mut world, client, level);
    }
    world.run(5 * SECOND);
    let heard = |world: &World| -> Vec<usize> {
        (1..5).filter(|other| gets(world, 0, *other, SourceKind::Microphone)).collect()
    };
    assert_eq!(heard(&world), [1, 2, 3]);
    set(&mut world, 1, 127);
    set(&mut world, 4, 15);
    world.run(5 * SECOND);
    assert!(heard(&world).contains(&4) && heard(&world).contains(&2), "{:?}", heard(&world));
    let me = world.clients[4].me().unwrap();
    assert!(world.clients[0].engine.speakers().iter().any(|speaker| speaker.peer == me));
    let told = world.told.iter().filter(|(_, message)| matches!(message, ServerMessage::Speakers { .. }));
    assert!(told.count() > 0);
}

#[test]
fn the_slot_map_says_what_flows() {
    let mut world = call(28, 3);
    world.run(2 * SECOND);
    for client in &world.clients {
        let connection = client.connection.as_ref().unwrap();
        let video = client.engine.slots().iter().filter(|slot| slot.medium == SlotMedium::Video);
        let mut shown = 0;
        for (slot, source) in video.filter_map(|slot| Some((slot, slot.source?))) {
            let receiver = connection.receiver(&slot.mid).unwrap();
            let (at, received) = receiver.last.unwrap();
            let publisher = &world.clients[usize::from(received.label.publisher)];
            assert_eq!(publisher.me(), Some(source.peer));
            assert!(world.now - at < Duration::from_millis(200) && slot.paused.is_none());
            shown += 1;
        }
        assert_eq!(shown, 2);
        assert_eq!(client.engine.wants_told(), Some(client.engine.wants_desired()));
    }
}

#[test]
fn padding_of_a_publisher_leaves_no_holes() {
    let mut world = World::new(29);
    for _ in 0..2 {
        let client = world.join("meeting", ON);
        world.clients[client].pads = true;
    }
    world.run_until(5 * SECOND, |world| connected(world, 0) && connected(world, 1));
    show_each_other(&mut world, 180);
    world.run(10 * SECOND);
    assert!(meet(&world, 0, 1));
    assert_eq!(world.checker.retransmissions, 0, "nobody missed anything");
}
