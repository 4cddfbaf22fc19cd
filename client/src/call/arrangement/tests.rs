use super::*;

fn person(number: u64) -> Person {
    Person { peer: PeerId::new(number), is_self: false, screen: false, speaking: false }
}

/// So many others, numbered from 1, and oneself, who is 1000.
fn people(others: u64) -> Vec<Person> {
    let me = Person { is_self: true, ..person(1000) };
    (1..=others).map(person).chain([me]).collect()
}

fn arranged(people: &[Person], stage: Size, choice: Choice) -> Arrangement {
    arrange(&mut Seating::default(), people, stage, choice)
}

fn shown(arrangement: &Arrangement) -> Vec<(u64, SourceKind)> {
    arrangement.tiles.iter().map(|placed| (placed.source.peer.number(), placed.source.kind)).collect()
}

fn peers(arrangement: &Arrangement) -> Vec<u64> {
    arrangement.tiles.iter().map(|placed| placed.source.peer.number()).collect()
}

const DESKTOP: Size = Size { width: 1248.0, height: 708.0 };
const PHONE: Size = Size { width: 374.0, height: 740.0 };
const ROOMY: Choice = Choice { mode: Mode::Auto, page: 0, pinned: None, hides_self: false };

#[test]
fn a_grid_shows_everybody_up_to_what_fits_and_then_has_pages() {
    let all = arranged(&people(24), DESKTOP, ROOMY);
    assert_eq!((all.shape, all.tiles.len(), all.pages), (Shape::Grid, 25, 1));
    let first = arranged(&people(25), DESKTOP, ROOMY);
    assert_eq!(first.pages, 2);
    assert_eq!(
        first.tiles.last().map(|placed| placed.source.peer.number()),
        Some(1000),
        "oneself is on the first"
    );
    let second = arranged(&people(25), DESKTOP, Choice { page: 1, ..ROOMY });
    let mut both: Vec<u64> = peers(&first).into_iter().chain(peers(&second)).collect();
    both.sort_unstable();
    assert_eq!(both, (1..=25).chain([1000]).collect::<Vec<_>>(), "everybody is on exactly one page");
    assert_eq!(arranged(&people(25), DESKTOP, Choice { page: 77, ..ROOMY }), second);
}

#[test]
fn a_phone_has_two_columns() {
    let found = arranged(&people(30), PHONE, ROOMY);
    let mut starts: Vec<u64> = found.tiles.iter().map(|placed| placed.start as u64).collect();
    starts.sort_unstable();
    starts.dedup();
    assert_eq!(starts.len(), 2);
    assert!((8..=12).contains(&found.tiles.len()), "{}", found.tiles.len());
}

#[test]
fn two_on_a_phone_see_the_other_large_and_themselves_small() {
    let found = arranged(&people(1), PHONE, ROOMY);
    let roles: Vec<_> = found.tiles.iter().map(|placed| placed.role).collect();
    assert_eq!(roles, [Role::Featured, Role::Floating]);
    assert_eq!(arranged(&people(1), DESKTOP, ROOMY).shape, Shape::Grid);
}

#[test]
fn a_shared_screen_takes_the_stage_and_the_latest_one_is_shown() {
    let mut seating = Seating::default();
    let mut all = people(4);
    all[2].screen = true;
    arrange(&mut seating, &all, DESKTOP, ROOMY);
    all[0].screen = true;
    let found = arrange(&mut seating, &all, DESKTOP, ROOMY);
    assert_eq!(found.shape, Shape::Sidebar);
    assert_eq!(shown(&found)[0], (1, SourceKind::Screen));
    assert_eq!(found.tabs, [screen(PeerId::new(3)), screen(PeerId::new(1))]);
    assert_eq!(peers(&found)[1..], [1, 2, 3, 4, 1000]);
    let other = Choice { pinned: Some(screen(PeerId::new(3))), ..ROOMY };
    assert_eq!(shown(&arrange(&mut seating, &all, DESKTOP, other))[0], (3, SourceKind::Screen));
    all[0].screen = false;
    all[2].screen = false;
    assert_eq!(arrange(&mut seating, &all, DESKTOP, other).shape, Shape::Grid, "what is gone is not pinned");
}

#[test]
fn in_the_grid_screens_come_first_and_beside_a_pinned_person_too() {
    let mut all = people(3);
    all[1].screen = true;
    let grid = arranged(&all, DESKTOP, Choice { mode: Mode::Grid, ..ROOMY });
    assert_eq!(shown(&grid)[0], (2, SourceKind::Screen));
    assert_eq!(grid.tiles.len(), 5);
    let pinned = Choice { pinned: Some(camera(PeerId::new(3))), ..ROOMY };
    let found = arranged(&all, DESKTOP, pinned);
    assert_eq!(shown(&found)[..2], [(3, SourceKind::Camera), (2, SourceKind::Screen)]);
    assert_eq!(peers(&found)[2..], [1, 2, 1000]);
}

#[test]
fn the_own_tile_can_be_hidden_while_somebody_else_is_there() {
    let hidden = Choice { hides_self: true, ..ROOMY };
    assert_eq!(peers(&arranged(&people(2), DESKTOP, hidden)), [1, 2]);
    assert_eq!(peers(&arranged(&people(0), DESKTOP, hidden)), [1000]);
    for mode in [Mode::Speaker, Mode::Sidebar] {
        assert!(!peers(&arranged(&people(2), DESKTOP, Choice { mode, ..hidden })).contains(&1000));
    }
}

#[test]
fn the_speaker_is_large_and_everybody_else_beside_them_or_nowhere() {
    let mut all = people(3);
    all[2].speaking = true;
    let speaker = arranged(&all, DESKTOP, Choice { mode: Mode::Speaker, ..ROOMY });
    assert_eq!(peers(&speaker), [3, 1000]);
    let sidebar = arranged(&all, DESKTOP, Choice { mode: Mode::Sidebar, ..ROOMY });
    assert_eq!(peers(&sidebar), [3, 1, 2, 1000]);
}

#[test]
fn who_speaks_comes_onto_the_first_page_and_further_pages_stand_still() {
    let mut seating = Seating::default();
    let mut all = people(40);
    let before = arrange(&mut seating, &all, DESKTOP, ROOMY);
    all[39].speaking = true;
    let second = Choice { page: 1, ..ROOMY };
    let looked_through = arrange(&mut seating, &all, DESKTOP, second);
    assert!(peers(&looked_through).contains(&40));
    let after = arrange(&mut seating, &all, DESKTOP, ROOMY);
    let moved = before.tiles.iter().zip(&after.tiles).filter(|(one, other)| one != other).count();
    assert!(peers(&after).contains(&40) && moved == 1, "one place has somebody else");
}

#[test]
fn a_mode_survives_storage() {
    for mode in Mode::ALL {
        assert_eq!(Mode::remembered(mode.name()), mode);
    }
    assert_eq!(Mode::remembered("mosaic"), Mode::Auto);
}

// Browsers have no source of randomness for the test runner.
#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    fn choices() -> impl Strategy<Value = Choice> {
        let pinned = prop_oneof![
            Just(None),
            (1..60_u64, any::<bool>()).prop_map(|(number, is_screen)| {
                let peer = PeerId::new(number);
                Some(if is_screen { screen(peer) } else { camera(peer) })
            })
        ];
        (0..4_usize, 0..6_usize, pinned, any::<bool>()).prop_map(|(mode, page, pinned, hides_self)| Choice {
            mode: Mode::ALL[mode],
            page,
            pinned,
            hides_self,
        })
    }

    fn crowds() -> impl Strategy<Value = Vec<Person>> {
        prop::collection::vec((prop::bool::weighted(0.1), prop::bool::weighted(0.2)), 0..50).prop_map(
            |flags| {
                let mut all = people(flags.len() as u64);
                for (person, (screen, speaking)) in all.iter_mut().zip(flags) {
                    *person = Person { screen, speaking, ..*person };
                }
                all
            },
        )
    }

    fn stages() -> impl Strategy<Value = Size> {
        (200.0..3000.0_f64, 160.0..2000.0_f64).prop_map(|(width, height)| Size { width, height })
    }

    proptest! {
        #[test]
        fn tiles_lie_within_the_stage_and_only_a_floating_one_over_another(
            all in crowds(), stage in stages(), choice in choices()
        ) {
            let found = arranged(&all, stage, choice);
            for (at, one) in found.tiles.iter().enumerate() {
                prop_assert!(one.start >= 0.0 && one.top >= 0.0, "{one:?}");
                prop_assert!(one.start + one.size.width <= stage.width + 1.0, "{one:?} on {stage:?}");
                prop_assert!(one.top + one.size.height <= stage.height + 1.0, "{one:?} on {stage:?}");
                for other in &found.tiles[at + 1..] {
                    let apart = one.start + one.size.width <= other.start
                        || other.start + other.size.width <= one.start
                        || one.top + one.size.height <= other.top
                        || other.top + other.size.height <= one.top;
                    prop_assert!(apart || other.role == Role::Floating, "{one:?} and {other:?} on {stage:?}");
                }
            }
        }

        #[test]
        fn nobody_is_shown_twice_and_never_more_pictures_than_there_are_slots(
            all in crowds(), stage in stages(), choice in choices()
        ) {
            let found = arranged(&all, stage, choice);
            let mut sources: Vec<_> = found.tiles.iter().map(|placed| placed.source).collect();
            sources.sort_unstable();
            sources.dedup();
            prop_assert_eq!(sources.len(), found.tiles.len());
            prop_assert!(sources.iter().filter(|source| source.peer.number() != 1000).count() <= VIDEO_SLOTS_MAX);
            prop_assert!(found.page < found.pages && !found.tiles.is_empty());
        }

        #[test]
        fn the_pages_of_a_grid_show_everybody_once(all in crowds(), stage in stages()) {
            let mut seating = Seating::default();
            let choice = Choice { mode: Mode::Grid, ..ROOMY };
            let pages = arrange(&mut seating, &all, stage, choice).pages;
            let mut cameras: Vec<u64> = (0..pages)
                .flat_map(|page| arrange(&mut seating, &all, stage, Choice { page, ..choice }).tiles)
                .filter(|placed| placed.source.kind == SourceKind::Camera)
                .map(|placed| placed.source.peer.number())
                .collect();
            cameras.sort_unstable();
            let mut expected: Vec<u64> = all.iter().map(|person| person.peer.number()).collect();
            expected.sort_unstable();
            prop_assert_eq!(cameras, expected);
        }

        #[test]
        fn on_the_first_page_every_speaker_is_seen_as_far_as_there_are_places(all in crowds(), stage in stages()) {
            let found = arranged(&all, stage, Choice { mode: Mode::Grid, ..ROOMY });
            let is_shown = |person: &&Person| found.place(camera(person.peer)).is_some();
            let speakers = || all.iter().filter(|person| person.speaking);
            let silent = all.iter().filter(|person| !person.speaking && !person.is_self).filter(is_shown).count();
            prop_assert!(speakers().all(|person| is_shown(&person)) || silent == 0);
        }
    }
}
