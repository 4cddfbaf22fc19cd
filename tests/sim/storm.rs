//! Everything at once: random people doing random things over bad networks, from a seed.

use std::time::Duration;

use engine::{Input, Tile};
use rand_chacha::rand_core::RngCore;
use shared::{MediaState, SourceKind, SourceRef};

use crate::calls::{ON, SECOND, gets, show_all};
use crate::faults;
use crate::link::Impairment;
use crate::shards::Between;
use crate::world::World;

/// The first ones, and those that once found a bug.
const SEEDS: [u64; 24] =
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 32, 35, 44, 107, 109, 112, 116, 128];
const SEEDS_OF_SHARDS: [u64; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const PEOPLE_MAX: usize = 6;
/// How long things happen, and how long everybody then has to settle.
const STORM: Duration = Duration::from_secs(45);
const CALM: Duration = Duration::from_secs(15);

pub(crate) fn pick(world: &mut World, below: usize) -> usize {
    world.random.next_u32() as usize % below
}

pub(crate) fn coin(world: &mut World) -> bool {
    pick(world, 2) == 0
}

fn impairment(world: &mut World) -> Impairment {
    [Impairment::GOOD, Impairment { loss: 20, ..Impairment::GOOD }, Impairment::BAD][pick(world, 3)]
}

/// Somebody who is there, if anybody.
pub(crate) fn somebody(world: &mut World) -> Option<usize> {
    let there: Vec<usize> = (0..world.clients.len())
        .filter(|client| world.clients[*client].alive && world.clients[*client].ended.is_none())
        .collect();
    (!there.is_empty()).then(|| there[pick(world, there.len())])
}

pub(crate) fn act(world: &mut World) {
    let media = MediaState { microphone: coin(world), camera: coin(world), screen: false };
    let choice = pick(world, 16);
    let Some(client) = somebody(world).filter(|_| choice > 1 || world.clients.len() >= PEOPLE_MAX) else {
        let impairment = impairment(world);
        let room = ["red", "red", "blue"][pick(world, 3)];
        let client = world.join_over(room, media, impairment);
        world.clients[client].pads = coin(world);
        return;
    };
    match choice {
        0..=4 => {
            let heights = [90, 180, 360, 720];
            let height = heights[pick(world, heights.len())];
            show_all(world, client, height);
        }
        5 => show_some(world, client),
        6 | 7 => world.tell(client, Input::SetMicrophone(media.microphone)),
        8 | 9 => world.tell(client, Input::SetCamera(media.camera)),
        10 => world.tell(client, Input::SetScreen(media.camera)),
        11 => world.lose_socket(client),
        12 => world.reload(client, media),
        13 => {
            let noticed = Duration::from_millis(pick(world, 3000) as u64);
            world.kill(client, noticed);
            if coin(world) {
                world.run(noticed);
                world.reload(client, media);
            }
        }
        14 => {
            if world.clients[client].connection.is_some() {
                let port = 50_000 + pick(world, 9_999) as u16;
                world.rebind(client, port);
            }
        }
        _ => {
            if coin(world) {
                world.tell(client, Input::Leave);
            } else {
                let level = [20, 60, 127][pick(world, 3)];
                speak(world, client, level);
            }
        }
    }
}

fn speak(world: &mut World, client: usize, level: u8) {
    let Some(connection) = &mut world.clients[client].connection else { return };
    if let Some(microphone) = connection.publishers.get_mut(&SourceKind::Microphone) {
        microphone.level = level;
    }
}

/// One camera large, one screen, nothing else.
fn show_some(world: &mut World, client: usize) {
    let peers: Vec<_> = world.clients[client].engine.participants().iter().map(|other| other.peer).collect();
    if peers.is_empty() {
        return;
    }
    let peer = peers[pick(world, peers.len())];
    let tile = |kind, height| Tile { source: SourceRef { peer, kind }, height };
    world.tell(client, Input::Layout(vec![tile(SourceKind::Screen, 720), tile(SourceKind::Camera, 540)]));
}

/// Who should see each other does, and nobody else is there.
pub(crate) fn check_settled(world: &World, seed: u64) {
    let there: Vec<usize> = (0..world.clients.len())
        .filter(|client| world.clients[*client].alive && world.clients[*client].ended.is_none())
        .collect();
    assert_eq!(world.sfu.statistics().peers, there.len(), "seed {seed}: seats");
    for viewer in &there {
        let client = &world.clients[*viewer];
        let room: Vec<usize> =
            there.iter().copied().filter(|other| world.clients[*other].room == client.room).collect();
        let names = client.engine.participants().len();
        assert_eq!(names, room.len(), "seed {seed}: {viewer} knows everybody in its room");
        assert_eq!(client.engine.wants_told(), Some(client.engine.wants_desired()), "seed {seed}: {viewer}");
        let speakers: Vec<usize> = room.iter().copied().filter(|other| other != viewer).collect();
        for other in speakers.iter().copied() {
            let media = world.clients[other].engine.media();
            let sees = gets(world, *viewer, other, SourceKind::Camera);
            assert_eq!(sees, media.camera, "seed {seed}: {viewer} and the camera of {other}");
            if speakers.len() <= 3 {
                let hears = gets(world, *viewer, other, SourceKind::Microphone);
                assert_eq!(hears, media.microphone, "seed {seed}: {viewer} and the voice of {other}");
            }
        }
    }
}

/// Every line is good from now on, and everybody shows everybody.
pub(crate) fn heal(world: &mut World) {
    for client in 0..world.clients.len() {
        if world.clients[client].alive {
            show_all(world, client, 180);
        }
        faults::mend(world, client);
    }
}

fn storm(mut world: World) {
    let seed = world.seed;
    for _ in 0..2 {
        let impairment = impairment(&mut world);
        world.join_over("red", ON, impairment);
    }
    while world.now < STORM {
        let pause = Duration::from_millis(pick(&mut world, 1200) as u64);
        world.run(pause);
        act(&mut world);
    }
    world.run(CALM - 5 * SECOND);
    heal(&mut world);
    world.run(5 * SECOND);
    check_settled(&world, seed);
}

/// Runs the storms of these seeds, or of the one that is asked for.
fn storms(test: &str, seeds: &[u64], world: fn(u64) -> World) {
    if let Some(seed) = std::env::var("VISAVIS_SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return storm(world(seed));
    }
    for seed in seeds {
        let result = std::panic::catch_unwind(|| storm(world(*seed)));
        assert!(result.is_ok(), "VISAVIS_SIM_SEED={seed} cargo test -p tests --test sim {test}");
    }
}

#[test]
fn a_storm_of_random_actions_keeps_every_invariant_and_settles() {
    storms("a_storm_of", &SEEDS, World::new);
}

#[test]
fn a_storm_over_two_or_three_shards_does_too() {
    storms("a_storm_over", &SEEDS_OF_SHARDS, |seed| {
        World::of_shards(seed, 2 + (seed % 2) as usize, Between::Busy)
    });
}
