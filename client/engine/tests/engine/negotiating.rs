//! Offers, answers and starting over.

use std::time::Duration;

use engine::{Input, MediaConnection, MediaId, Notice, Output, SlotMedium};
use shared::SourceKind;
use shared::limits::SDP_BYTES_MAX;
use shared::protocol::{Answer, ClientMessage, ErrorCode, PauseReason, ServerMessage, SlotAssignment};

use crate::world::{SECOND, World, camera, created, settings};

#[test]
fn slots_grow_in_steps_with_one_offer_each_and_never_shrink() {
    let mut world = World::joined(30);
    for (tiles, slots, offers) in
        [(1, 4, 0), (4, 4, 0), (5, 9, 1), (9, 9, 0), (10, 16, 1), (30, 25, 1), (2, 25, 0)]
    {
        world.forget();
        world.layout(2..2 + tiles);
        world.pass(SECOND);
        let requested: Vec<u8> = world.offers_requested().iter().map(|request| request.video_slots).collect();
        assert_eq!(requested, vec![slots; offers], "{tiles} tiles");
        assert_eq!(world.engine.wants_desired().len(), usize::try_from(tiles).unwrap().min(25));
    }
}

#[test]
fn muting_and_unmuting_never_negotiates() {
    let mut world = World::joined(1);
    for on in [false, true, false] {
        world.give(Input::SetCamera(on));
        world.give(Input::SetMicrophone(on));
        world.pass(SECOND);
    }
    assert!(world.offers_requested().is_empty());
}

#[test]
fn a_camera_switched_on_later_is_published_with_one_offer() {
    let mut world = World::with(engine::Settings { media: shared::MediaState::default(), ..settings() });
    world.settle();
    assert!(world.offers_requested()[0].publish.is_empty());
    world.forget();
    world.give(Input::SetCamera(true));
    world.pass(SECOND);
    assert_eq!(world.offers_requested().len(), 1);
    assert_eq!(world.offers_requested()[0].publish, [SourceKind::Camera]);
    let offers: Vec<_> = world
        .said
        .iter()
        .filter_map(|message| if let ClientMessage::Offer(offer) = message { Some(offer) } else { None })
        .collect();
    assert_eq!(offers[0].sources[0].kind, SourceKind::Camera);
}

#[test]
fn a_screen_brings_its_sound_along() {
    let mut world = World::joined(0);
    world.give(Input::SetScreen(true));
    let publish = &world.offers_requested()[0].publish;
    assert_eq!(publish[2..], [SourceKind::Screen, SourceKind::ScreenAudio]);
}

#[test]
fn only_one_offer_is_in_flight_and_the_next_waits_for_the_answer() {
    let mut world = World::joined(10);
    world.mute.offers = true;
    world.layout(2..7);
    world.give(Input::SetScreen(true));
    world.layout(2..12);
    assert_eq!(world.offers_requested().len(), 1);
    let negotiation = world.offers_requested()[0].negotiation;
    world.mute.offers = false;
    world.serve(ServerMessage::Answer(Answer { negotiation, sdp: "v=0".to_owned() }));
    let requests = world.offers_requested();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].negotiation, negotiation + 1);
    assert_eq!(requests[1].video_slots, 16);
    assert!(requests[1].publish.contains(&SourceKind::Screen));
}

#[test]
fn answers_and_reports_with_another_number_are_ignored() {
    let mut world = World::joined(10);
    world.mute.offers = true;
    world.layout(2..7);
    let negotiation = world.offers_requested()[0].negotiation;
    for other in [negotiation - 1, negotiation + 1, u32::MAX] {
        world.serve(ServerMessage::Answer(Answer { negotiation: other, sdp: String::new() }));
        world.give(Input::AnswerApplied { negotiation: other });
        world.give(Input::NegotiationFailed { negotiation: other, reason: String::new() });
    }
    world.give(Input::AnswerApplied { negotiation });
    assert_eq!(
        world.count(|output| matches!(output, Output::ApplyAnswer { .. } | Output::ResetMedia { .. })),
        0
    );
    world.serve(ServerMessage::Answer(Answer { negotiation, sdp: String::new() }));
    assert_eq!(world.count(|output| matches!(output, Output::ApplyAnswer { .. })), 1);
}

#[test]
fn an_offer_lost_with_the_socket_is_made_again() {
    let mut world = World::joined(10);
    (world.resumed, world.media_alive) = (true, true);
    world.mute.offers = true;
    world.layout(2..7);
    world.cut();
    world.mute.offers = false;
    world.forget();
    world.pass(SECOND);
    assert_eq!(world.media_resets(), 0);
    assert_eq!(world.offers_requested().len(), 1);
    assert_eq!(world.offers_requested()[0].video_slots, 9);
    world.pass(SECOND);
    assert_eq!(world.engine.wants_told().map(<[_]>::len), Some(5));
}

#[test]
fn a_failed_connection_is_replaced_at_once_and_then_later_each_time() {
    let mut world = World::joined(1);
    world.pass(10 * SECOND);
    world.mute.connection = true;
    world.connection(MediaConnection::Failed);
    assert_eq!(world.media_resets(), 1);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let before = world.now;
        world.connection(MediaConnection::Failed);
        let resets = world.media_resets();
        while world.media_resets() == resets {
            world.pass(Duration::from_millis(100));
        }
        waits.push(world.now.since(before));
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert!(waits[7] >= 15 * SECOND && waits[7] <= 17 * SECOND, "{waits:?}");
}

#[test]
fn a_connection_that_never_comes_up_is_replaced() {
    let mut world = World::new();
    world.mute.connection = true;
    world.pass(16 * SECOND);
    assert_eq!(world.media_resets(), 2);
}

#[test]
fn a_working_connection_that_starts_again_must_arrive() {
    let mut world = World::joined(1);
    world.connection(MediaConnection::Connecting);
    world.pass(16 * SECOND);
    assert_eq!(world.media_resets(), 1);
}

#[test]
fn a_short_disconnection_heals_by_itself() {
    let mut world = World::joined(1);
    world.connection(MediaConnection::Disconnected);
    world.pass(SECOND);
    world.connection(MediaConnection::Connected);
    world.pass(60 * SECOND);
    assert_eq!((world.media_resets(), world.offers_requested().len()), (0, 0));
}

#[test]
fn a_longer_disconnection_restarts_ice_and_then_replaces_the_connection() {
    let mut world = World::joined(1);
    world.mute.connection = true;
    world.connection(MediaConnection::Disconnected);
    world.pass(3 * SECOND);
    let requests: Vec<bool> = world.offers_requested().iter().map(|request| request.restart).collect();
    assert_eq!((requests, world.media_resets()), (vec![true], 0));
    world.pass(6 * SECOND);
    assert_eq!(world.media_resets(), 1);
    assert!(!world.offers_requested().last().unwrap().restart);
}

#[test]
fn a_refused_offer_is_told_and_tried_again_with_new_media() {
    let mut world = World::joined(10);
    world.mute.offers = true;
    world.layout(2..7);
    world.mute.offers = false;
    world.fault(ErrorCode::InvalidOffer, "offer");
    assert!(matches!(world.notices()[..], [Notice::Problem(_)]));
    world.pass(2 * SECOND);
    assert_eq!(world.media_resets(), 1);
    assert_eq!(world.engine.wants_told().map(<[_]>::len), Some(5));
}

#[test]
fn a_transport_that_the_server_gave_up_is_replaced_without_waiting() {
    let mut world = World::new();
    world.mute.connection = true;
    world.pass(SECOND);
    let resets = world.media_resets();
    world.fault(ErrorCode::Internal, "transport");
    world.pass(2 * SECOND);
    assert_eq!(world.media_resets(), resets + 1);
    assert!(matches!(world.notices()[..], [Notice::Problem(_)]));
}

#[test]
fn an_offer_too_large_for_a_message_is_tried_with_fewer_slots() {
    let sdps = ["x".repeat(SDP_BYTES_MAX + 1), "\r\n".repeat(SDP_BYTES_MAX / 2)];
    for sdp in sdps {
        let mut world = World::joined(10);
        world.mute.platform = true;
        world.layout(2..7);
        let request = world.offers_requested()[0].clone();
        assert_eq!(request.video_slots, 9);
        world.forget();
        world.give(Input::OfferCreated(engine::CreatedOffer { sdp, ..created(&request) }));
        world.pass(SECOND);
        assert_eq!(world.said.iter().filter(|message| matches!(message, ClientMessage::Offer(_))).count(), 0);
        assert_eq!(world.offers_requested().last().unwrap().video_slots, 4);
    }
}

#[test]
fn a_platform_that_hangs_or_fails_gets_new_media() {
    let mut world = World::joined(10);
    world.mute.platform = true;
    world.layout(2..7);
    world.pass(Duration::from_millis(10_100));
    assert_eq!(world.media_resets(), 1);
    let negotiation = world.offers_requested().last().unwrap().negotiation;
    world.give(Input::NegotiationFailed { negotiation, reason: "no".to_owned() });
    world.mute.platform = false;
    world.pass(10 * SECOND);
    assert_eq!(world.media_resets(), 2);
    assert_eq!(world.engine.wants_told().map(<[_]>::len), Some(5));
}

#[test]
fn events_of_old_media_change_nothing() {
    let mut world = World::joined(0);
    let current = world.media.unwrap();
    world.give(Input::MediaConnection { media: MediaId(current.0 + 1), state: MediaConnection::Failed });
    world.give(Input::MediaConnection { media: MediaId(current.0 - 1), state: MediaConnection::Failed });
    assert_eq!(world.engine.media_connection(), MediaConnection::Connected);
    assert_eq!(world.media_resets(), 0);
}

#[test]
fn slots_say_what_flows_where_and_unknown_mids_are_left_out() {
    let mut world = World::joined(2);
    let assignment =
        |mid: &str, peer| SlotAssignment { mid: mid.to_owned(), source: Some(camera(peer)), paused: None };
    let muted = SlotAssignment { paused: Some(PauseReason::Muted), ..assignment("v1", 3) };
    let unknown = assignment("zz", 4);
    let empty = SlotAssignment { mid: "a0".to_owned(), source: None, paused: None };
    world.serve(ServerMessage::SlotMap { slots: vec![assignment("v0", 2), muted, unknown, empty] });
    let slots: Vec<_> = world.engine.slots().iter().map(|slot| (slot.mid.as_str(), slot.medium)).collect();
    assert_eq!(slots, [("v0", SlotMedium::Video), ("v1", SlotMedium::Video), ("a0", SlotMedium::Audio)]);
    assert_eq!(world.engine.slot_of(camera(3)).unwrap().paused, Some(PauseReason::Muted));
    assert_eq!(world.engine.slot_of(camera(4)), None);
}
