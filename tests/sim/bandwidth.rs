//! Calls over connections that carry less than everything, and change: what is shown follows, audio never starves, and
//! nothing flaps.

use std::time::Duration;

use engine::SlotMedium;
use shared::SourceKind;
use shared::protocol::PauseReason;

use crate::calls::{ON, SECOND, connected, gets, show_all, show_each_other};
use crate::link::Impairment;
use crate::media::layer;
use crate::world::World;

/// Bytes of a frame, 15 times a second: 150, 500 and 1,500 kbit/s.
const FRAME_BYTES: [usize; 3] = [1250, 4170, 12_500];
/// More than everything takes.
const WIDE: u64 = 10_000_000;
const STEP: Duration = Duration::from_millis(100);
/// Longest time without a voice when most of the connection goes from one moment to the next: the queue on the way
/// fills with video before anybody can know, 300 ms of it.
const AUDIO_GAP_MAX: Duration = Duration::from_millis(600);

/// What the viewer saw and heard, step by step.
#[derive(Debug, Default)]
struct Watched {
    /// When the layer changed, to what, and how many probes had been sent by then.
    changes: Vec<(Duration, Option<u16>, u64)>,
    /// When the slot said that the connection does not carry it.
    starved: Vec<Duration>,
}

impl Watched {
    fn run(&mut self, world: &mut World, duration: Duration) {
        let end = world.now + duration;
        while world.now < end {
            world.run(STEP);
            let shown = layer(world, 0, 1).filter(|_| gets(world, 0, 1, SourceKind::Camera));
            if self.changes.last().is_none_or(|(_, before, _)| *before != shown) {
                self.changes.push((world.now, shown, world.sfu.statistics().probes));
            }
            let slots = world.clients[0].engine.slots();
            let is_starved = |slot: &engine::Slot| {
                slot.medium == SlotMedium::Video && slot.paused == Some(PauseReason::Bandwidth)
            };
            if slots.iter().any(is_starved) {
                self.starved.push(world.now);
            }
        }
    }

    /// What was shown at `at`.
    fn shown(&self, at: Duration) -> Option<u16> {
        self.changes.iter().rev().find(|(since, ..)| *since <= at).and_then(|(_, shown, _)| *shown)
    }

    /// How often it changed between two moments.
    fn changes(&self, from: Duration, to: Duration) -> usize {
        self.changes.iter().filter(|(at, ..)| (from..to).contains(at)).count()
    }
}

/// From now on the viewer's connection carries this.
fn set_rate(world: &mut World, bps: u64) {
    world.down[0].line.impairment.rate_bps = Some(bps);
}

fn audio_gap(world: &World) -> Duration {
    let receivers = world.clients[0].connection.as_ref().unwrap().watching.receivers.values();
    let audio = receivers.filter(|receiver| receiver.audio && receiver.last.is_some());
    audio.map(|receiver| receiver.longest_gap).max().unwrap_or_default()
}

/// Two people with cameras of realistic rates; the first watches the second in a large tile over a connection of
/// `bps`.
fn call_over(seed: u64, bps: u64, impairment: Impairment) -> World {
    let mut world = World::new(seed);
    world.join_over("meeting", ON, impairment);
    world.join("meeting", ON);
    world.run_until(5 * SECOND, |world| connected(world, 0) && connected(world, 1));
    for client in &mut world.clients {
        let publishers = &mut client.connection.as_mut().unwrap().publishers;
        publishers.get_mut(&SourceKind::Camera).unwrap().frame_bytes = FRAME_BYTES;
    }
    world.down[0].line.impairment.rate_bps = Some(bps);
    show_each_other(&mut world, 720);
    world
}

#[test]
fn the_layer_follows_the_connection_down_and_up_and_audio_never_starves() {
    for (seed, jitter) in [(70, 0), (71, 15)] {
        let impairment = Impairment { jitter: Duration::from_millis(jitter), ..Impairment::GOOD };
        let mut world = call_over(seed, WIDE, impairment);
        let mut watched = Watched::default();
        let rest = 15 * SECOND - world.now;
        watched.run(&mut world, rest);
        assert_eq!(watched.shown(5 * SECOND), Some(720), "seed {seed}: {watched:?}");
        assert!(watched.changes(5 * SECOND, 15 * SECOND) == 0, "seed {seed}: {watched:?}");
        world.clients[0].connection.as_mut().unwrap().watching.forget_gaps();
        set_rate(&mut world, 900_000);
        watched.run(&mut world, 20 * SECOND);
        assert!(watched.shown(18 * SECOND) < Some(720), "seed {seed}: {watched:?}");
        assert_eq!(watched.shown(25 * SECOND), Some(360), "seed {seed}: {watched:?}");
        assert!(watched.changes(25 * SECOND, 35 * SECOND) <= 2, "seed {seed}: {watched:?}");
        set_rate(&mut world, WIDE);
        watched.run(&mut world, 25 * SECOND);
        assert_eq!(watched.shown(45 * SECOND), Some(720), "seed {seed}: {watched:?}");
        assert_eq!(watched.changes(45 * SECOND, 60 * SECOND), 0, "seed {seed}: {watched:?}");
        assert!(audio_gap(&world) < AUDIO_GAP_MAX, "seed {seed}: {:?} without audio", audio_gap(&world));
        // A hundredth of what it was: all that is on the way is lost alike, voices too, before anybody can know.
        set_rate(&mut world, 90_000);
        watched.run(&mut world, 15 * SECOND);
        assert_eq!(watched.shown(66 * SECOND), None, "seed {seed}: {watched:?}");
        assert!(watched.starved.iter().any(|at| *at < 66 * SECOND), "seed {seed}: {watched:?}");
        set_rate(&mut world, WIDE);
        watched.run(&mut world, 25 * SECOND);
        assert_eq!(watched.shown(95 * SECOND), Some(720), "seed {seed}: {watched:?}");
        assert!(audio_gap(&world) < 3 * SECOND / 2, "seed {seed}: {:?} without audio", audio_gap(&world));
        assert!(watched.changes.len() < 20, "seed {seed}: {watched:?}");
        // Every raise has a probe before it, since what came before. At the start nothing limits yet.
        let started = watched.changes.iter().position(|(at, ..)| *at > 5 * SECOND).unwrap_or_default();
        for pair in watched.changes[started..].windows(2) {
            let ((_, before, probes), (at, after, later)) = (pair[0], pair[1]);
            assert!(after <= before || later > probes, "seed {seed}: no probe before the raise at {at:?}");
        }
    }
}

#[test]
fn a_narrow_connection_from_the_start_shows_what_fits() {
    for (bps, expected) in [(400_000, Some(180)), (1_000_000, Some(360)), (4_000_000, Some(720))] {
        let mut world = call_over(73, bps, Impairment::GOOD);
        let mut watched = Watched::default();
        watched.run(&mut world, 30 * SECOND);
        assert_eq!(watched.shown(30 * SECOND), expected, "{bps} bit/s: {watched:?}");
        assert!(watched.changes(10 * SECOND, 31 * SECOND) <= 2, "{bps} bit/s: {watched:?}");
        assert!(gets(&world, 0, 1, SourceKind::Microphone));
    }
}

#[test]
fn what_does_not_fit_is_paused_the_least_wanted_first_and_told() {
    let mut world = World::new(74);
    for _ in 0..5 {
        world.join("meeting", ON);
    }
    world.run_until(5 * SECOND, |world| (0..5).all(|client| connected(world, client)));
    for client in &mut world.clients {
        let publishers = &mut client.connection.as_mut().unwrap().publishers;
        publishers.get_mut(&SourceKind::Camera).unwrap().frame_bytes = FRAME_BYTES;
    }
    // Three voices and two of the four smallest pictures.
    world.down[0].line.impairment.rate_bps = Some(600_000);
    show_all(&mut world, 0, 360);
    world.run(20 * SECOND);
    let shown: Vec<usize> = (1..5).filter(|other| gets(&world, 0, *other, SourceKind::Camera)).collect();
    assert!((1..=3).contains(&shown.len()), "{shown:?}");
    assert_eq!(shown, (1..=shown.len()).collect::<Vec<_>>(), "the first tiles matter most");
    let slots = world.clients[0].engine.slots().iter();
    let paused = slots.filter(|slot| slot.paused == Some(PauseReason::Bandwidth)).count();
    assert_eq!(paused, 4 - shown.len());
    let heard = (1..5).filter(|other| gets(&world, 0, *other, SourceKind::Microphone)).count();
    assert_eq!(heard, 3, "voices go on");
}
