use super::*;
use proptest::prelude::*;

fn at(spatial: u8, temporal: u8) -> Layers {
    Layers { spatial, temporal }
}

fn frame(spatial: u8, temporal: u8) -> Frame {
    Frame { key: false, starts: true, ends: true, layers: at(spatial, temporal), up: UpSwitch::No }
}

fn passes(verdict: Verdict) -> bool {
    verdict != Verdict::Leave
}

#[test]
fn down_goes_with_the_next_picture_and_spatially_up_with_the_next_key_picture() {
    let mut filter = LayerFilter::default();
    filter.begin(0, at(2, 0));
    assert_eq!(
        filter.judge(0, frame(2, 0), at(0, 0)),
        Verdict::Pass { ends_picture: true },
        "the begun picture"
    );
    assert_eq!(filter.judge(3000, frame(0, 0), at(0, 0)), Verdict::Pass { ends_picture: true });
    assert_eq!(filter.judge(3000, frame(1, 0), at(0, 0)), Verdict::Leave);
    assert_eq!(filter.judge(6000, frame(0, 0), at(1, 0)), Verdict::Pass { ends_picture: true });
    assert_eq!(filter.judge(6000, frame(1, 0), at(1, 0)), Verdict::Leave, "refers to what was left out");
    let key = Frame { key: true, ..frame(0, 0) };
    assert_eq!(filter.judge(9000, key, at(1, 0)), Verdict::Pass { ends_picture: false });
    assert_eq!(filter.judge(9000, frame(1, 0), at(1, 0)), Verdict::Pass { ends_picture: true });
    assert_eq!(filter.judge(9000, frame(2, 0), at(1, 0)), Verdict::Leave);
}

#[test]
fn temporally_up_goes_layer_by_layer_at_frames_that_refer_to_lower_layers_only() {
    let mut filter = LayerFilter::default();
    filter.begin(0, at(0, 0));
    let sync = |temporal| Frame { up: UpSwitch::Sync, ..frame(0, temporal) };
    let mut judge = |timestamp, frame| passes(filter.judge(timestamp, frame, at(0, 2)));
    assert!(!judge(1, sync(2)), "one layer at a time");
    assert!(!judge(2, frame(0, 1)));
    assert!(judge(3, sync(1)));
    assert!(!judge(4, frame(0, 2)));
    assert!(judge(5, sync(2)));
    assert!(judge(6, frame(0, 2)) && judge(7, frame(0, 1)));
}

#[test]
fn a_switch_indication_lifts_whoever_receives_the_frame() {
    let mut filter = LayerFilter::default();
    filter.begin(0, at(0, 0));
    let up = |temporal, to| Frame { up: UpSwitch::To(to), ..frame(0, temporal) };
    assert!(!passes(filter.judge(1, up(1, 2), at(0, 2))), "not received");
    assert!(passes(filter.judge(2, up(0, 1), at(0, 2))));
    assert!(passes(filter.judge(3, frame(0, 1), at(0, 2))));
    assert!(!passes(filter.judge(4, frame(0, 2), at(0, 2))));
    assert!(passes(filter.judge(5, up(1, 7), at(0, 2))) && passes(filter.judge(6, frame(0, 2), at(0, 2))));
}

#[test]
fn late_packets_are_judged_by_what_was_in_force_for_their_picture() {
    let mut filter = LayerFilter::default();
    filter.begin(100, at(0, 0));
    let key = Frame { key: true, ..frame(0, 0) };
    assert!(passes(filter.judge(200, key, at(1, 0))));
    assert!(!passes(filter.judge(100, frame(1, 0), at(1, 0))));
    assert!(passes(filter.judge(200, frame(1, 0), at(1, 0))));
    assert!(passes(filter.judge(300, frame(0, 0), at(0, 0))));
    assert!(passes(filter.judge(200, frame(1, 0), at(0, 0))), "late, of the key picture");
    assert!(!passes(filter.judge(99, frame(0, 0), at(0, 0))), "before the switch");
    assert!(
        !passes(filter.judge(200, Frame { key: true, ..frame(2, 0) }, at(2, 0))),
        "a late key lifts nobody"
    );
}

#[test]
fn a_key_picture_of_which_something_was_left_out_lifts_nobody() {
    let mut filter = LayerFilter::default();
    filter.begin(0, at(0, 0));
    assert!(
        !passes(filter.judge(1, Frame { starts: false, ..frame(1, 0) }, at(1, 0))),
        "its first packet is late"
    );
    assert!(passes(filter.judge(1, Frame { key: true, ..frame(0, 0) }, at(1, 0))));
    assert!(!passes(filter.judge(2, frame(1, 0), at(1, 0))));
}

#[test]
fn the_first_packet_of_a_key_picture_takes_nothing_away_when_it_comes_behind_others_of_it() {
    let mut filter = LayerFilter::default();
    filter.begin(0, at(1, 1));
    let part = |starts, ends| Frame { starts, ends, ..frame(1, 0) };
    assert_eq!(filter.judge(1, part(true, false), at(1, 1)), Verdict::Pass { ends_picture: false });
    let key = Frame { key: true, ..frame(0, 0) };
    assert_eq!(
        filter.judge(1, key, at(0, 0)),
        Verdict::Pass { ends_picture: false },
        "the layer above began"
    );
    assert_eq!(filter.judge(1, part(false, true), at(0, 0)), Verdict::Pass { ends_picture: true });
    assert_eq!(filter.judge(2, frame(1, 0), at(0, 0)), Verdict::Leave, "down goes with the next picture");
}

/// Full SVC with three spatial and three temporal layers: a frame refers to the layer below in its picture, and to the last
/// picture of its temporal layer or below.
fn temporal_of(picture: usize) -> u8 {
    [0, 2, 1, 2][picture % 4]
}

proptest! {
    #[test]
    fn every_frame_that_is_passed_on_refers_to_frames_that_were_passed_on(
        targets in proptest::collection::vec((0u8..3, 0u8..3), 1..200),
        keys in proptest::collection::vec(proptest::bool::weighted(0.15), 200),
        begin in (0u8..3, 0u8..3),
        start: u32,
    ) {
        let mut filter = LayerFilter::default();
        let mut passed = std::collections::BTreeSet::new();
        let mut last_of = [None::<usize>; 3];
        filter.begin(start, at(begin.0, begin.1));
        let mut since_key = 0;
        for (picture, target) in targets.iter().enumerate() {
            let key = picture == 0 || keys[picture];
            since_key = if key { 0 } else { since_key + 1 };
            let temporal = temporal_of(since_key);
            let timestamp = start.wrapping_add(picture as u32 * 3000);
            // What the picture refers to: the last picture of its temporal layer or below, for layers above the lowest.
            let reference = if key { None } else { (0..=temporal.saturating_sub(1)).filter_map(|t| last_of[usize::from(t)]).max() };
            let mut top = None;
            let mut ended = 0;
            for spatial in 0..3 {
                let up = if temporal == 0 { UpSwitch::To(2) } else { UpSwitch::No };
                let frame = Frame { key: key && spatial == 0, starts: true, ends: true, layers: at(spatial, temporal), up };
                let target = if picture == 0 { at(begin.0, begin.1) } else { at(target.0, target.1) };
                if let Verdict::Pass { ends_picture } = filter.judge(timestamp, frame, target) {
                    prop_assert!(spatial == 0 || top == Some(spatial - 1), "the layer below is there");
                    if let Some(reference) = reference {
                        prop_assert!(passed.contains(&(reference, spatial)), "picture {reference} layer {spatial}");
                    }
                    passed.insert((picture, spatial));
                    top = Some(spatial);
                    ended += u32::from(ends_picture);
                }
            }
            prop_assert_eq!(ended, u32::from(top.is_some()), "exactly one packet ends the picture");
            if key { last_of = [None; 3]; }
            last_of[usize::from(temporal)] = Some(picture);
        }
    }
}
