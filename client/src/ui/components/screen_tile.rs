use leptos::prelude::*;
use shared::SourceRef;

use super::icon::{Icon, IconView};
use super::stage::style;
use super::tile::pause_note;
use super::tile_menu::TileMenuButton;
use super::video::Video;
use crate::call::arrangement::Placed;
use crate::call::tiles::PicturePause;
use crate::session::MeetingSignals;
use crate::strings::{Key, text_with};

/// A shared screen: always whole, never mirrored.
#[component]
pub(super) fn ScreenTile(
    source: SourceRef,
    placed: Memo<Option<Placed>>,
    signals: MeetingSignals,
    menu: Option<RwSignal<Option<SourceRef>>>,
) -> impl IntoView {
    let screen = Memo::new(move |_| {
        signals.view.with(|view| view.tile(source.peer).and_then(|tile| tile.screen.clone()))
    });
    let name = Memo::new(move |before: Option<&String>| {
        let name = signals.view.with(|view| view.tile(source.peer).map(|tile| tile.name.clone()));
        let label = name.map(|name| text_with(Key::ScreenOf, &[("name", &name)]));
        label.or_else(|| before.cloned()).unwrap_or_default()
    });
    let slot =
        Memo::new(move |_| screen.with(|screen| screen.as_ref().and_then(|screen| screen.slot.clone())));
    let pause = Memo::new(move |_| screen.with(|screen| screen.as_ref().and_then(|screen| screen.pause)));
    let picture = Signal::derive_local(move || {
        let slot = slot.get()?;
        signals
            .pictures
            .with(|all| all.iter().find(|(mid, _)| *mid == slot).map(|(_, picture)| picture.clone()))
    });
    let has_picture = Memo::new(move |_| slot.with(Option::is_some) && pause.get().is_none());
    // Before the first picture there is nothing else to see: it is awaited then, too.
    let shown_pause = move || pause.get().or((!has_picture.get()).then_some(PicturePause::Awaited));
    let stage = signals.stage;
    view! {
        <li
            class="tile screen-tile"
            style=move || style(placed.get())
            data-testid="screen"
            data-peer=source.peer.to_string()
            data-role=move || placed.get().map(|placed| placed.role.name())
            data-slot=move || slot.get()
            data-pause=move || pause.get().map(PicturePause::state)
            data-fit="contain"
            on:dblclick=move |_| stage.toggle_pin(source)
        >
            <Show when=move || has_picture.get()>
                <Video picture=picture mirrored=false />
            </Show>
            {move || shown_pause().map(pause_note)}
            {menu.map(|menu| view! { <TileMenuButton source=source name=name menu=menu /> })}
            <div class="tile-label">
                <IconView icon=Icon::Share />
                <span>{move || name.get()}</span>
            </div>
        </li>
    }
}
