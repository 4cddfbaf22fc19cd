//! Storms with everything that networks do: rates that step, bursts of loss, new NAT bindings, lines that carry one way only,
//! on top of the people of [`storm`](crate::storm), who come, go and crash. However bad it was, once the lines are good again
//! whoever should see each other does.

use std::time::Duration;

use engine::Input;

use crate::calls::{ON, SECOND, show_all};
use crate::link::{Bursts, Impairment};
use crate::storm::{act, check_settled, coin, heal, pick, somebody};
use crate::world::World;

/// Seeds of one run of the tests.
const SEEDS: u64 = 32;
/// Seconds of faults in each, unless `VISAVIS_SIM_SECONDS` says otherwise.
const SECONDS: u64 = 75;
/// After the faults: a client whose line was dead needs its timers to notice, and a negotiation.
const HEALING: Duration = Duration::from_secs(30);

/// In bad times half of everything is lost; a bad time lasts some twenty packets.
const BURSTS: Impairment =
    Impairment { bursts: Some(Bursts { begin: 4, end: 50, loss: 500 }), ..Impairment::GOOD };

fn impairment(world: &mut World) -> Impairment {
    let slow = |kbit: u64| Impairment { rate_bps: Some(kbit * 1000), ..Impairment::GOOD };
    let far = Impairment { delay: Duration::from_millis(180), ..Impairment::BAD };
    let corrupt = Impairment { corruption: 30, duplication: 50, ..Impairment::GOOD };
    let choices = [Impairment::GOOD, Impairment::BAD, BURSTS, slow(300), slow(1500), far, corrupt];
    choices[pick(world, choices.len())]
}

/// Something happens to somebody's line.
fn strike(world: &mut World) {
    let Some(client) = somebody(world) else { return };
    match pick(world, 8) {
        0..=2 => world.up[client].line.impairment = impairment(world),
        3..=5 => world.down[client].line.impairment = impairment(world),
        6 => {
            if world.clients[client].connection.is_some() {
                let port = 50_000 + pick(world, 9_999) as u16;
                world.rebind(client, port);
            }
        }
        // One way only; the next strike at this client, or the end, mends it.
        _ => {
            let is_up = coin(world);
            (world.up[client].cut, world.down[client].cut) = (is_up, !is_up);
            let lasts = Duration::from_millis(500 + pick(world, 9_500) as u64);
            world.run(lasts);
            mend(world, client);
        }
    }
}

/// The lines of `client` are good from now on.
pub(crate) fn mend(world: &mut World, client: usize) {
    for link in [&mut world.up[client], &mut world.down[client]] {
        link.line.impairment = Impairment::GOOD;
        link.cut = false;
    }
}

fn storm(seed: u64, seconds: u64) -> World {
    let mut world = World::new(seed);
    for _ in 0..2 {
        world.join_over("red", ON, BURSTS);
    }
    let end = Duration::from_secs(seconds);
    while world.now < end {
        let wait = Duration::from_millis(pick(&mut world, 1200) as u64);
        world.run(wait);
        if coin(&mut world) { strike(&mut world) } else { act(&mut world) }
    }
    for client in 0..world.clients.len() {
        mend(&mut world, client);
        // Somebody who switched everything off would prove nothing.
        if world.clients[client].alive && world.clients[client].ended.is_none() {
            world.tell(client, Input::SetCamera(true));
            world.tell(client, Input::SetMicrophone(true));
        }
    }
    world.run(HEALING);
    heal(&mut world);
    world.run(5 * SECOND);
    check_settled(&world, seed);
    world
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// `cargo xtask sim` chooses seeds, their count and their length.
#[test]
fn storms_of_faults_keep_every_invariant_and_what_is_mended_flows() {
    let first = setting("VISAVIS_SIM_SEED");
    let count = setting("VISAVIS_SIM_COUNT").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let seconds = setting("VISAVIS_SIM_SECONDS").unwrap_or(SECONDS);
    let first = first.unwrap_or(0);
    let (mut failed, mut simulated, mut checked) = (Vec::new(), Duration::ZERO, 0);
    for seed in first..first + count {
        match std::panic::catch_unwind(|| storm(seed, seconds)) {
            Ok(world) => {
                simulated += world.now;
                checked += world.checker.checked;
            }
            Err(_) => failed.push(format!("cargo xtask sim --seed {seed} --seconds {seconds}")),
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {count} seeds failed; again with:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(
        checked > simulated.as_secs() * 20,
        "{checked} packets in {simulated:?} are too few to prove anything"
    );
}

#[test]
fn a_line_that_carries_one_way_only_for_a_while_heals() {
    for is_up in [true, false] {
        let mut world = crate::calls::call(60, 2);
        (world.up[0].cut, world.down[0].cut) = (is_up, !is_up);
        world.run(6 * SECOND);
        mend(&mut world, 0);
        world.run(20 * SECOND);
        show_all(&mut world, 0, 360);
        show_all(&mut world, 1, 360);
        world.run(3 * SECOND);
        assert!(crate::calls::meet(&world, 0, 1), "up: {is_up}");
    }
}

#[test]
fn a_slow_line_drops_what_it_cannot_carry_and_the_call_goes_on() {
    let mut world = crate::calls::call(61, 2);
    world.down[1].line.impairment = Impairment { rate_bps: Some(400_000), ..Impairment::GOOD };
    show_all(&mut world, 1, 720);
    world.run(20 * SECOND);
    assert!(crate::calls::gets(&world, 1, 0, shared::SourceKind::Microphone));
    world.down[1].line.impairment = Impairment::GOOD;
    world.run(20 * SECOND);
    assert!(crate::calls::meet(&world, 0, 1));
}
