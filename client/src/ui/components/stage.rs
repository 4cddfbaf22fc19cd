use leptos::html;
use leptos::prelude::*;
use shared::{SourceKind, SourceRef};

use super::icon::Icon;
use super::round_button::RoundButton;
use super::screen_tile::ScreenTile;
use super::tile::Tile;
use super::tile_menu::TileMenu;
use crate::call::arrangement::{Arrangement, Choice, Placed, arrange};
use crate::call::layout::Size;
use crate::call::seating::Seating;
use crate::call::tiles::people;
use crate::session::{LocalMedia, MeetingSignals, SizeObserver};
use crate::strings::{Key, text, text_with};

/// The page's tiles, and what chooses among them.
#[component]
pub(crate) fn Stage(signals: MeetingSignals, media: LocalMedia) -> impl IntoView {
    let stage = signals.stage;
    let menu = RwSignal::new(None::<SourceRef>);
    let (shown, set_shown) = stage.shown.split();
    // Whoever leaves takes their menu along.
    Effect::new(move |_| {
        let is_gone =
            menu.get().is_some_and(|source| stage.shown.with(|all| place_in(all.as_ref(), source).is_none()));
        if is_gone {
            menu.set(None);
        }
    });
    on_cleanup(move || {
        set_shown.try_set(None);
    });
    view! {
        <div class="stage-tiles">
            <Tiles signals=signals media=media choice=stage.choice.into() shown=stage.shown menu=Some(menu) />
            <ScreenTabs signals=signals />
            <Pager signals=signals />
            <Show when=move || menu.get().is_some()>
                {move || {
                    let source = menu.get()?;
                    let place = shown.with_untracked(|all| place_in(all.as_ref(), source))?;
                    Some(view! { <TileMenu source=source place=place signals=signals menu=menu /> })
                }}
            </Show>
        </div>
    }
}

/// Tiles in their places, wherever there is room for them.
#[component]
pub(crate) fn Tiles(
    signals: MeetingSignals,
    media: LocalMedia,
    /// What to show.
    choice: Signal<Choice>,
    /// Hears what is shown.
    shown: RwSignal<Option<Arrangement>>,
    /// Which tile's menu is open; without, tiles have none.
    menu: Option<RwSignal<Option<SourceRef>>>,
) -> impl IntoView {
    let element = NodeRef::<html::Ul>::new();
    let size = RwSignal::new(Size::default());
    let observer = StoredValue::new_local(None::<SizeObserver>);
    Effect::new(move |_| {
        observer.set_value(element.get().map(|element| {
            SizeObserver::new(&element, move |measured| {
                size.try_set(measured);
            })
        }));
    });
    let everybody = Memo::new(move |_| signals.view.with(|view| people(&view.tiles)));
    let arranged = Memo::new(move |before: Option<&(Seating, Arrangement)>| {
        let mut seating = before.map(|(seating, _)| seating.clone()).unwrap_or_default();
        let arranged = everybody.with(|people| arrange(&mut seating, people, size.get(), choice.get()));
        (seating, arranged)
    });
    Effect::new(move |_| {
        let arranged = (size.get().height > 0.0).then(|| arranged.with(|(_, arranged)| arranged.clone()));
        if shown.with_untracked(|shown| *shown != arranged) {
            shown.set(arranged);
        }
    });
    // In order of arrival, whatever place they have: nothing moves for those who listen to the page, and a video that is moved
    // within the document stops.
    let sources = Memo::new(move |_| {
        let mut sources: Vec<SourceRef> =
            arranged.with(|(_, all)| all.tiles.iter().map(|placed| placed.source).collect());
        everybody.with(|people| {
            sources
                .sort_by_key(|source| (people.iter().position(|one| one.peer == source.peer), source.kind));
        });
        sources
    });
    let shape = move || arranged.with(|(_, all)| all.shape.name());
    let tile = move |source: SourceRef| {
        let placed = Memo::new(move |before: Option<&Option<Placed>>| {
            let placed = arranged.with(|(_, all)| all.place(source).copied());
            // Who is gone stays where they were until the tile is taken away.
            placed.or_else(|| before.copied().flatten())
        });
        match source.kind {
            SourceKind::Screen => {
                view! { <ScreenTile source=source placed=placed signals=signals menu=menu /> }.into_any()
            }
            SourceKind::Microphone | SourceKind::Camera | SourceKind::ScreenAudio => {
                view! { <Tile source=source placed=placed signals=signals media=media menu=menu /> }
                    .into_any()
            }
        }
    };
    view! {
        <ul class="tiles" node_ref=element data-testid="tiles" data-shape=shape aria-label=move || text(Key::Meeting)>
            <For each=move || sources.get() key=|source| *source children=tile />
        </ul>
    }
}

/// The place of a tile as a style.
pub(super) fn style(placed: Option<Placed>) -> String {
    let Some(Placed { start, top, size, .. }) = placed else { return String::new() };
    let Size { width, height } = size;
    format!(
        "--tile-start: {start}px; --tile-top: {top}px; --tile-width: {width}px; --tile-height: {height}px"
    )
}

fn place_in(all: Option<&Arrangement>, source: SourceRef) -> Option<Placed> {
    all.and_then(|all| all.place(source).copied())
}

/// Which of several screens is shown large.
#[component]
fn ScreenTabs(signals: MeetingSignals) -> impl IntoView {
    let stage = signals.stage;
    let tabs = Memo::new(move |_| {
        stage.shown.with(|shown| shown.as_ref().map(|shown| shown.tabs.clone())).unwrap_or_default()
    });
    let is_large = move |source| {
        stage.shown.with(|all| {
            all.as_ref().and_then(|all| all.tiles.first()).is_some_and(|placed| placed.source == source)
        })
    };
    let tab = move |source: SourceRef| {
        let name = move || {
            signals.view.with(|view| view.tile(source.peer).map(|tile| tile.name.clone())).unwrap_or_default()
        };
        view! {
            <button
                type="button"
                class="segment"
                data-testid="screen-tab"
                data-peer=source.peer.to_string()
                aria-pressed=move || is_large(source).to_string()
                on:click=move |_| stage.pin(source)
            >
                {move || text_with(Key::ScreenOf, &[("name", &name())])}
            </button>
        }
    };
    view! {
        <Show when=move || tabs.with(|tabs| !tabs.is_empty())>
            <div class="screen-tabs segments" role="group" aria-label=move || text(Key::SharedScreens)>
                <For each=move || tabs.get() key=|source| *source children=tab />
            </div>
        </Show>
    }
}

/// Turns the pages where there are several.
#[component]
fn Pager(signals: MeetingSignals) -> impl IntoView {
    let stage = signals.stage;
    let pages = Memo::new(move |_| {
        stage.shown.with(|shown| shown.as_ref().map_or((0, 0), |shown| (shown.page, shown.pages)))
    });
    let number = move || {
        let (page, count) = pages.get();
        text_with(Key::PageOf, &[("number", &(page + 1).to_string()), ("count", &count.to_string())])
    };
    let is_needed = move || pages.get().1 > 1;
    view! {
        <Show when=is_needed>
            <div class="pager" role="group" aria-label=move || text(Key::Pages) data-testid="pager">
                <RoundButton
                    icon=Icon::Previous
                    label=Signal::derive(move || text(Key::PreviousPage).to_owned())
                    test_id="previous-page"
                    press=move || stage.turn_page(false)
                />
                <span data-testid="page" role="status">
                    {number}
                </span>
                <RoundButton
                    icon=Icon::Next
                    label=Signal::derive(move || text(Key::NextPage).to_owned())
                    test_id="next-page"
                    press=move || stage.turn_page(true)
                />
            </div>
        </Show>
    }
}
