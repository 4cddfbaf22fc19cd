use proptest::prelude::*;

use super::*;

fn layers(heights: &[Option<u16>]) -> Vec<Layer> {
    heights.iter().enumerate().map(|(rank, &height)| Layer { rank, height }).collect()
}

fn set(ranks: &[usize]) -> LayerSet {
    ranks.iter().fold(LayerSet::NONE, |mut set, rank| {
        set.insert(*rank);
        set
    })
}

const CAMERA: [Option<u16>; 3] = [Some(180), Some(360), Some(720)];

fn check(heights: &[Option<u16>], max_height: u16, raise: Option<usize>, expected: &[usize]) {
    let usable = usable(&layers(heights), Demand { max_height, raise, shown: None });
    assert_eq!(usable, set(expected), "{heights:?} in {max_height}, raised to {raise:?} next");
}

#[test]
fn a_viewer_can_use_everything_up_to_the_best_for_its_tile() {
    check(&CAMERA, 90, None, &[0]);
    check(&CAMERA, 180, None, &[0]);
    check(&CAMERA, 360, None, &[0, 1]);
    check(&CAMERA, 720, None, &[0, 1, 2]);
    check(&CAMERA, 4320, None, &[0, 1, 2]);
}

#[test]
fn a_weak_connection_can_use_the_next_raise_and_no_more() {
    check(&CAMERA, 720, Some(0), &[0]);
    check(&CAMERA, 720, Some(1), &[0, 1]);
    check(&CAMERA, 360, Some(2), &[0, 1]);
    check(&CAMERA, 180, Some(2), &[0]);
    check(&CAMERA, 720, Some(9), &[0, 1, 2]);
}

#[test]
fn what_flows_to_a_viewer_goes_on_until_something_else_does() {
    let demand = Demand { max_height: 180, raise: None, shown: Some(2) };
    assert_eq!(usable(&layers(&CAMERA), demand), set(&[0, 2]));
}

#[test]
fn what_is_not_known_yet_is_not_paused() {
    check(&[None, None, None], 90, None, &[0, 1, 2]);
    check(&[Some(180), None, None], 360, None, &[0, 1]);
    check(&[], 720, None, &[]);
}

#[test]
fn layers_may_be_offered_in_any_order() {
    check(&[Some(720), Some(180), Some(360)], 360, None, &[1, 2]);
    check(&[Some(720), Some(180), Some(360)], 720, Some(2), &[1, 2]);
    assert_eq!(smallest(&layers(&[Some(720), Some(180), Some(360)])), set(&[1]));
    assert_eq!(smallest(&layers(&[None, None])), set(&[0]));
    assert_eq!(smallest(&[]), LayerSet::NONE);
}

#[test]
fn one_stream_need_be_as_large_as_the_largest_tile_steps_apart() {
    let heights = |tile| max_height(usable_sizes(tile));
    assert_eq!([1, 90, 180].map(heights), [Some(180); 3]);
    assert_eq!([181, 270, 360].map(heights), [Some(360); 3]);
    assert_eq!([361, 720, 4320].map(heights), [None; 3]);
    assert_eq!(max_height(usable_sizes(90).union(usable_sizes(360))), Some(360));
    assert_eq!(max_height(LayerSet::ALL), None, "who cannot be told sends everything");
    assert_eq!(max_height(LayerSet::NONE), None, "what is paused has no size");
    assert_eq!(
        max_height(smallest(&layers(&[Some(720)]))),
        Some(180),
        "what is kept in a small room is small"
    );
}

#[test]
fn one_stream_grows_at_once_and_shrinks_after_a_while() {
    let start = Instant::now();
    let mut dynacast = Dynacast::default();
    dynacast.want(start, usable_sizes(720));
    dynacast.want(start, usable_sizes(90));
    dynacast.want(start + LINGER / 2, usable_sizes(360));
    dynacast.want(start + LINGER / 2, usable_sizes(180));
    assert_eq!(max_height(dynacast.asked()), None);
    dynacast.want(start + LINGER, usable_sizes(180));
    assert_eq!(max_height(dynacast.asked()), Some(360), "that was wanted in between");
    dynacast.want(start + LINGER * 3 / 2, usable_sizes(180));
    assert_eq!(max_height(dynacast.asked()), Some(180));
    assert!(dynacast.want(start + LINGER * 3 / 2, usable_sizes(720)));
    assert_eq!(max_height(dynacast.asked()), None);
    assert!(!dynacast.is_paused(0));
}

#[test]
fn a_layer_is_paused_only_after_nobody_wanted_it_for_a_while() {
    let start = Instant::now();
    let mut dynacast = Dynacast::default();
    assert!(!dynacast.want(start, set(&[0])));
    assert!(!dynacast.is_paused(2) && !dynacast.is_due(start + LINGER - Duration::from_millis(1)));
    assert!(dynacast.is_due(start + LINGER));
    dynacast.want(start + LINGER - Duration::from_millis(1), set(&[0]));
    assert!(!dynacast.is_paused(2));
    dynacast.want(start + LINGER, set(&[0]));
    assert!(dynacast.is_paused(1) && dynacast.is_paused(2) && !dynacast.is_paused(0));
    assert!(!dynacast.is_due(start + LINGER), "nothing is left to do");
}

#[test]
fn a_want_in_between_starts_the_wait_anew() {
    let start = Instant::now();
    let mut dynacast = Dynacast::default();
    dynacast.want(start, LayerSet::NONE);
    dynacast.want(start + LINGER / 2, set(&[2]));
    dynacast.want(start + LINGER / 2, LayerSet::NONE);
    dynacast.want(start + LINGER, LayerSet::NONE);
    assert!(dynacast.is_paused(0) && !dynacast.is_paused(2));
}

#[test]
fn a_wanted_layer_is_resumed_at_once_and_waited_for_a_while() {
    let start = Instant::now();
    let mut dynacast = Dynacast::default();
    dynacast.want(start, LayerSet::NONE);
    let paused = start + LINGER;
    dynacast.want(paused, LayerSet::NONE);
    assert!(!dynacast.is_resuming(1, paused));
    assert!(dynacast.want(paused, set(&[0, 1])));
    assert!(!dynacast.is_paused(1) && dynacast.is_paused(2));
    assert!(dynacast.is_resuming(1, paused) && !dynacast.is_resuming(2, paused));
    assert!(!dynacast.is_resuming(1, paused + RESUME));
    assert!(!dynacast.want(paused, set(&[0, 1])), "it is resumed once");
}

#[test]
fn more_layers_than_can_be_told_apart_are_always_sent() {
    let start = Instant::now();
    let mut dynacast = Dynacast::default();
    dynacast.want(start, LayerSet::NONE);
    dynacast.want(start + LINGER, LayerSet::NONE);
    assert!(dynacast.is_paused(LAYERS_MAX - 1) && !dynacast.is_paused(LAYERS_MAX));
    assert!(!dynacast.is_resuming(LAYERS_MAX, start));
}

/// All known, in any order; or a ladder of which some rungs are known.
fn heights() -> impl Strategy<Value = Vec<Option<u16>>> {
    let known = proptest::collection::vec((16u16..2200).prop_map(Some), 0..6);
    let ladder =
        (16u16..200, proptest::collection::vec(any::<bool>(), 0..4)).prop_map(|(smallest, known)| {
            known.into_iter().enumerate().map(|(rank, known)| known.then_some(smallest << rank)).collect()
        });
    prop_oneof![known, ladder]
}

proptest! {
    #[test]
    fn no_sequence_of_wants_leaves_a_wanted_layer_paused_or_toggles_often(
        steps in proptest::collection::vec((0u64..9_000, any::<u8>()), 1..200)
    ) {
        let start = Instant::now();
        let mut now = start;
        let mut dynacast = Dynacast::default();
        let mut toggles = [0u32; LAYERS_MAX];
        for (wait, wanted) in steps {
            now += Duration::from_millis(wait);
            let before = dynacast.asked();
            let resumed = dynacast.want(now, LayerSet(wanted));
            for (layer, toggles) in toggles.iter_mut().enumerate() {
                prop_assert!(!LayerSet(wanted).contains(layer) || !dynacast.is_paused(layer));
                *toggles += u32::from(before.contains(layer) != dynacast.asked().contains(layer));
            }
            prop_assert_eq!(resumed, dynacast.asked().0 & !before.0 != 0);
            prop_assert!(!dynacast.is_due(now), "a decision leaves nothing due");
            let again = dynacast.clone();
            prop_assert!(!dynacast.want(now, LayerSet(wanted)));
            prop_assert_eq!(&again, &dynacast, "deciding twice is deciding once");
        }
        // Each pause takes its wait; each resumption needs a pause before it.
        let most = 2 * ((now - start).as_millis() / LINGER.as_millis()) as u32;
        prop_assert!(toggles.iter().all(|toggles| *toggles <= most), "{:?} in {:?}", toggles, now - start);
    }

    #[test]
    fn of_two_tiles_the_larger_decides_the_size(one in 1u16..4320, other in 1u16..4320) {
        let both = usable_sizes(one).union(usable_sizes(other));
        prop_assert_eq!(both, usable_sizes(one.max(other)));
        prop_assert!(max_height(both).is_none_or(|height| height >= one.max(other)));
    }

    #[test]
    fn what_fits_a_smaller_tile_or_connection_fits_a_larger_one(
        heights in heights(),
        max_height in 1u16..4320,
        more in 0u16..2000,
        raise in proptest::option::of(0usize..6),
    ) {
        let layers = layers(&heights);
        let small = usable(&layers, Demand { max_height, raise, shown: None });
        let large = usable(&layers, Demand { max_height: max_height.saturating_add(more), raise: None, shown: None });
        prop_assert_eq!(small.union(large), large);
        prop_assert!(layers.is_empty() || small.union(smallest(&layers)) == small, "the smallest is a fallback");
    }
}
