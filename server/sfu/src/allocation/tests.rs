use proptest::prelude::*;

use super::*;

const CAMERA: &[(u64, u16)] = &[(100, 180), (400, 360), (1200, 720)];

fn demand(priority: u8, tile_height: u16, layers: &[(u64, u16)]) -> Demand {
    let quality =
        |(bps, height): &(u64, u16)| Quality { bps: *bps, height: *height, frame_rate_percent: 100 };
    Demand { priority, is_screen: false, tile_height, qualities: layers.iter().map(quality).collect() }
}

fn screen(layers: &[(u64, u16)]) -> Demand {
    Demand { is_screen: true, ..demand(0, 1080, layers) }
}

fn sure(bps: u64) -> Option<Capacity> {
    Some(Capacity { estimate_bps: bps, proven_bps: bps })
}

#[test]
fn without_a_capacity_everybody_gets_the_best() {
    let demands = vec![demand(0, 720, CAMERA), demand(9, 180, &CAMERA[..1]), Demand::default()];
    let allocation = Allocator::default().allocate(Instant::now(), demands, None);
    assert_eq!(allocation.chosen, [Some(2), Some(0), None]);
    assert_eq!((allocation.next_bps, allocation.best_bps), (None, 1300));
}

#[test]
fn what_does_not_fit_is_paused_the_least_important_first() {
    let demands = [demand(1, 720, CAMERA), demand(3, 720, CAMERA), demand(2, 720, CAMERA)];
    assert_eq!(fit(&demands, 250), [None, Some(0), Some(0)]);
    assert_eq!(fit(&demands, 99), [None; 3]);
}

#[test]
fn a_tile_too_dear_for_the_connection_does_not_darken_the_others() {
    let demands = [screen(&[(800, 1080)]), demand(1, 360, CAMERA)];
    assert_eq!(fit(&demands, 500), [None, Some(1)]);
}

#[test]
fn everybody_is_seen_before_anybody_is_sharp() {
    let demands = [demand(255, 720, CAMERA), demand(254, 180, CAMERA)];
    assert_eq!(fit(&demands, 450), [Some(0), Some(0)]);
    assert_eq!(fit(&demands, 500), [Some(1), Some(0)]);
}

#[test]
fn screens_are_raised_before_cameras_and_large_tiles_before_small_ones() {
    let text = screen(&[(200, 540), (1000, 1080)]);
    assert_eq!(fit(&[demand(255, 1080, CAMERA), text], 1400), [Some(1), Some(1)]);
    assert_eq!(fit(&[demand(1, 180, CAMERA), demand(1, 720, CAMERA)], 600), [Some(0), Some(1)]);
}

#[test]
fn a_falling_estimate_lowers_at_once() {
    let start = Instant::now();
    let mut allocator = Allocator::default();
    let demands = || vec![demand(1, 720, CAMERA)];
    assert_eq!(allocator.allocate(start, demands(), sure(2000)).chosen, [Some(2)]);
    assert_eq!(allocator.allocate(start, demands(), sure(1199)).chosen, [Some(1)]);
    assert_eq!(allocator.allocate(start, demands(), sure(399)).chosen, [Some(0)]);
    assert_eq!(allocator.allocate(start, demands(), sure(99)).chosen, [None]);
}

/// Lowers a camera to its middle layer at `start` and tells after how many milliseconds of `capacity` it is raised.
fn raised_after(capacity: Capacity, limit_ms: u64) -> Option<u64> {
    let start = Instant::now();
    let mut allocator = Allocator::default();
    let demands = || vec![demand(1, 720, CAMERA)];
    allocator.allocate(start, demands(), sure(2000));
    allocator.allocate(start, demands(), sure(900));
    (0..limit_ms).step_by(50).find(|ms| {
        let now = start + Duration::from_millis(*ms);
        allocator.allocate(now, demands(), Some(capacity)).chosen == [Some(2)]
    })
}

#[test]
fn a_raise_waits_for_a_second_of_margin_and_a_probe() {
    let capacity = |estimate_bps, proven_bps| Capacity { estimate_bps, proven_bps };
    assert!((1000..=1100).contains(&raised_after(capacity(1380, 1380), 5000).unwrap()));
    assert_eq!(raised_after(capacity(1379, 1379), 5000), None, "not 115 percent of 1200");
    assert_eq!(raised_after(capacity(3000, 1199), 5000), None, "no probe has shown it");
}

#[test]
fn a_dip_starts_the_second_anew() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let mut allocator = Allocator::default();
    let mut choose = |ms, bps| allocator.allocate(at(ms), vec![demand(1, 720, CAMERA)], sure(bps)).chosen[0];
    choose(0, 2000);
    assert_eq!(choose(10, 900), Some(1));
    choose(20, 1500);
    choose(900, 1300);
    assert_eq!(choose(1100, 1500), Some(1));
    assert_eq!(choose(1850, 1500), Some(1));
    assert_eq!(choose(1950, 1500), Some(2));
}

#[test]
fn each_raise_that_does_not_last_makes_the_next_wait_twice_as_long() {
    let start = Instant::now();
    let mut allocator = Allocator::default();
    let mut now = start;
    let mut waits = Vec::new();
    allocator.allocate(now, vec![demand(1, 720, CAMERA)], sure(2000));
    for _ in 0..4 {
        allocator.allocate(now, vec![demand(1, 720, CAMERA)], sure(900));
        let lowered = now;
        while allocator.allocate(now, vec![demand(1, 720, CAMERA)], sure(1500)).chosen != [Some(2)] {
            now += Duration::from_millis(100);
        }
        waits.push((now - lowered).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8]);
}

#[test]
fn a_layer_that_swells_for_a_moment_is_kept() {
    let now = Instant::now();
    let mut allocator = Allocator::default();
    allocator.allocate(now, vec![demand(1, 720, CAMERA)], sure(1300));
    let swollen = [(100, 180), (400, 360), (1500, 720)];
    assert_eq!(allocator.allocate(now, vec![demand(1, 720, &swollen)], sure(1300)).chosen, [Some(2)]);
}

#[test]
fn what_the_next_raise_takes_is_told_with_its_margin() {
    let mut allocator = Allocator::default();
    let demands = vec![demand(1, 720, CAMERA), demand(0, 720, CAMERA)];
    let allocation = allocator.allocate(Instant::now(), demands, sure(150));
    assert_eq!(allocation.chosen, [Some(0), None]);
    assert_eq!(allocation.next_bps, Some(230));
    assert_eq!(allocation.best_bps, 2400);
}

fn any_demand() -> impl Strategy<Value = Demand> {
    let layers = prop::collection::vec((1u64..2000, 1u16..1200), 0..6);
    (any::<u8>(), any::<bool>(), 1u16..2000, layers).prop_map(|(priority, is_screen, tile, mut layers)| {
        layers.sort_unstable();
        Demand { is_screen, ..demand(priority, tile, &layers) }
    })
}

proptest! {
    #[test]
    fn never_more_than_the_limit_and_nothing_left_that_would_buy_a_raise(
        demands in prop::collection::vec(any_demand(), 0..12),
        limit in 0u64..10_000,
    ) {
        let chosen = fit(&demands, limit);
        let sum = sum_bps(&demands, &chosen);
        prop_assert!(sum <= limit);
        for screens in [true, false] {
            prop_assert_eq!(best_raise(&demands, &chosen, screens, limit - sum), None);
        }
        // A paused tile does not fit into what less important ones of the cheapest quality leave.
        for (at, demand) in demands.iter().enumerate() {
            if chosen[at].is_none() && let Some(cheapest) = demand.qualities.first() {
                let others: u64 = demands.iter().enumerate()
                    .filter(|(other, _)| *other != at && chosen[*other].is_some())
                    .filter_map(|(_, other)| other.qualities.first()).map(|quality| quality.bps).sum();
                prop_assert!(others + cheapest.bps > limit);
            }
        }
    }
}
