//! Bad networks, bad luck and bad people.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{Input, MediaConnection};
use rand_chacha::rand_core::RngCore;
use sfu::DropReason;
use shared::SourceKind;

use crate::calls::{ON, SECOND, call, connected, gets, meet, show_each_other};
use crate::link::Impairment;
use crate::world::World;

/// Two people; the first datagrams in one direction of the second can be lost on purpose.
fn connect_losing(up: &[u32], down: &[u32]) -> (Duration, World) {
    let mut world = World::new(40);
    world.join("meeting", ON);
    world.run_until(5 * SECOND, |world| connected(world, 0));
    let client = world.join("meeting", ON);
    world.up[client].lose = up.to_vec();
    world.down[client].lose = down.to_vec();
    world.run_until(5 * SECOND, |world| world.clients[client].connection.is_some());
    let took = world.run_until(20 * SECOND, |world| {
        connected(world, client) && gets(world, 0, client, SourceKind::Microphone)
    });
    (took, world)
}

#[test]
fn every_single_datagram_of_the_handshake_lost_once_still_ends_in_a_call_within_a_second() {
    let (took, world) = connect_losing(&[], &[]);
    assert!(took < Duration::from_millis(400), "without loss: {took:?}");
    let sent = [world.up[1].sent(), world.down[1].sent()];
    for lost in 1..=sent[0].min(12) {
        let (took, _) = connect_losing(&[lost], &[]);
        assert!(took < SECOND, "datagram {lost} to the server lost: {took:?}");
    }
    for lost in 1..=sent[1].min(12) {
        let (took, _) = connect_losing(&[], &[lost]);
        assert!(took < SECOND, "datagram {lost} to the client lost: {took:?}");
    }
}

#[test]
fn five_percent_loss_both_ways_is_repaired() {
    let mut world = World::new(41);
    let lossy = Impairment { loss: 50, ..Impairment::GOOD };
    for _ in 0..2 {
        world.join_over("meeting", ON, lossy);
    }
    world.run_until(10 * SECOND, |world| connected(world, 0) && connected(world, 1));
    show_each_other(&mut world, 360);
    world.run(30 * SECOND);
    assert!(meet(&world, 0, 1));
    let statistics = world.sfu.statistics();
    assert!(statistics.nacks_sent > 50 && statistics.retransmitted > 20, "{statistics:?}");
    for client in &world.clients {
        let watching = &client.connection.as_ref().unwrap().watching;
        let (expected, got) = watching.completeness();
        assert!(got * 1000 >= expected * 995, "{got} of {expected} video packets");
        assert_eq!(watching.unreadable, 0);
    }
}

#[test]
fn a_bad_mobile_network_still_carries_a_call() {
    let mut world = World::new(42);
    for _ in 0..3 {
        let client = world.join_over("meeting", ON, Impairment::BAD);
        world.clients[client].pads = true;
    }
    world.run_until(20 * SECOND, |world| (0..3).all(|client| connected(world, client)));
    show_each_other(&mut world, 360);
    world.run(30 * SECOND);
    assert!(meet(&world, 0, 1) && meet(&world, 1, 2) && meet(&world, 0, 2));
}

#[test]
fn a_new_address_is_followed_after_a_nominating_check() {
    let mut world = call(43, 2);
    world.rebind(0, 51_111);
    let now = world.now;
    world.clients[0].connection.as_mut().unwrap().check_now(now);
    world.run(2 * SECOND);
    assert!(meet(&world, 0, 1));
    assert_eq!((world.clients[0].offers, world.clients[0].resets), (1, 1), "nothing is negotiated again");
}

#[test]
fn a_new_address_nobody_announced_is_followed_at_the_next_consent_check() {
    let mut world = call(44, 2);
    world.rebind(0, 51_111);
    world.run(6 * SECOND);
    assert!(meet(&world, 0, 1));
}

#[test]
fn a_new_address_is_followed_at_once_when_media_comes_from_it() {
    let mut world = call(44, 2);
    world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
    world.clients[1].connection.as_mut().unwrap().watching.forget_gaps();
    let old = world.rebind(0, 51_111);
    world.run(SECOND);
    for client in 0..2 {
        let gap = world.clients[client].connection.as_ref().unwrap().watching.longest_gap();
        assert!(gap <= Duration::from_millis(150), "{client}: {gap:?} without a packet");
    }
    // And back, as a NAT may.
    world.rebind(0, old.port());
    world.run(6 * SECOND);
    assert!(meet(&world, 0, 1));
    assert_eq!((world.clients[0].offers, world.clients[0].resets), (1, 1), "nothing is negotiated again");
}

#[test]
fn copies_of_what_a_client_sends_do_not_lead_its_media_elsewhere() {
    let mut world = call(52, 2);
    world.copyist = Some("198.51.100.66:6666".parse().unwrap());
    world.run(5 * SECOND);
    assert!(meet(&world, 0, 1));
    assert!(world.sfu.statistics().dropped(DropReason::Replay) > 100, "the copies come first");
    assert_eq!(world.astray, 0, "datagrams that are no checks");
}

#[test]
fn an_ice_restart_in_mid_call_costs_no_media_even_when_its_first_checks_are_lost() {
    let mut world = call(50, 2);
    // The browser takes its connection for broken, and its network for back.
    world.clients[0].connection.as_mut().unwrap().state = MediaConnection::Disconnected;
    world.tell(0, Input::NetworkOnline(false));
    world.tell(0, Input::NetworkOnline(true));
    world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
    world.run_until(SECOND, |world| world.clients[0].offers == 2);
    let answered = world.told.len();
    world.run_until(SECOND, |world| world.told.len() > answered);
    world.clients[0].connection.as_mut().unwrap().lose_checks = 5;
    world.run(3 * SECOND);
    let watching = &world.clients[0].connection.as_ref().unwrap().watching;
    let gap = watching.longest_gap();
    assert!(gap <= Duration::from_millis(150), "{gap:?} without a packet");
    assert!(meet(&world, 0, 1));
    assert!(connected(&world, 0));
    assert_eq!((world.clients[0].offers, world.clients[0].resets), (2, 1));
}

#[test]
fn datagrams_from_elsewhere_change_nothing() {
    let mut world = call(45, 2);
    let stranger: SocketAddr = "198.51.100.66:6666".parse().unwrap();
    let theirs = world.clients[0].connection.as_ref().unwrap().address;
    let before = world.sfu.statistics();
    for round in 0..3_000_u32 {
        let mut garbage = vec![0; (world.random.next_u32() % 200) as usize];
        world.random.fill_bytes(&mut garbage);
        if let Some(first) = garbage.first_mut() {
            *first = [0, 1, 20, 22, 23, 63, 128, 144, 191, 255][(round % 10) as usize];
        }
        // Half of it with a forged source address.
        let from = if round % 2 == 0 { stranger } else { theirs };
        world.datagram_to_server(from, garbage);
        if round % 20 == 0 {
            world.run(Duration::from_millis(20));
        }
    }
    world.run(2 * SECOND);
    assert!(meet(&world, 0, 1));
    let after = world.sfu.statistics();
    assert_eq!((after.peers, after.peers_failed), (2, 0));
    assert!(after.dropped(DropReason::UnknownAddress) > before.dropped(DropReason::UnknownAddress));
    assert!(after.dropped(DropReason::Stun) > before.dropped(DropReason::Stun));
    assert!(world.clients.iter().all(|client| (client.offers, client.resets) == (1, 1)));
}

#[test]
fn replayed_datagrams_change_nothing() {
    let mut world = call(46, 2);
    for link in &mut world.up {
        link.line.impairment.duplication = 1000;
    }
    world.run(3 * SECOND);
    assert!(meet(&world, 0, 1));
    assert!(world.sfu.statistics().dropped(DropReason::Replay) > 100);
}

#[test]
fn a_network_that_was_away_comes_back_by_itself() {
    let mut world = call(47, 2);
    for direction in [&mut world.up[0], &mut world.down[0]] {
        direction.cut = true;
    }
    world.run(8 * SECOND);
    assert!(!gets(&world, 1, 0, SourceKind::Microphone));
    for direction in [&mut world.up[0], &mut world.down[0]] {
        direction.cut = false;
    }
    world.run(15 * SECOND);
    assert!(meet(&world, 0, 1));
}

#[test]
fn what_a_viewer_missed_before_a_mute_is_not_sent_again_after_it() {
    let mut world = World::new(48);
    world.join("meeting", ON);
    world.join_over("meeting", ON, Impairment { loss: 300, ..Impairment::GOOD });
    world.run_until(20 * SECOND, |world| connected(world, 0) && connected(world, 1));
    show_each_other(&mut world, 720);
    world.run(3 * SECOND);
    // The checker looks at every retransmission.
    for _ in 0..10 {
        for on in [false, true] {
            world.tell(0, Input::SetCamera(on));
            world.run(SECOND);
        }
    }
    assert!(world.sfu.statistics().retransmitted > 20, "{:?}", world.sfu.statistics());
}

#[test]
fn a_negotiation_does_not_bring_key_frame_requests_closer_together() {
    let mut world = call(49, 2);
    for step in 0..6 {
        // Another layer needs a key frame; a screen, and then slots for one, need an offer.
        show_each_other(&mut world, [720, 180][step % 2]);
        world.run(Duration::from_millis(150));
        if step == 2 {
            world.tell(0, Input::SetScreen(true));
        }
        world.run(Duration::from_millis(100));
    }
    world.run(2 * SECOND);
    assert_eq!(world.clients[0].offers, 2);
    assert!(world.checker.key_frame_requests > 4);
}
