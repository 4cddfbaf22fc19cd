use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use shared::{SourceKind, SourceRef};

use super::icon::{Icon, IconView};
use crate::call::arrangement::Placed;
use crate::session::MeetingSignals;
use crate::strings::{Key, text, text_with};

/// The button on a tile that opens its menu. The focus comes back to it.
#[component]
pub(super) fn TileMenuButton(
    source: SourceRef,
    #[prop(into)] name: Signal<String>,
    menu: RwSignal<Option<SourceRef>>,
) -> impl IntoView {
    let element = NodeRef::<html::Button>::new();
    let is_open = Memo::new(move |_| menu.get() == Some(source));
    Effect::new(move |was_open: Option<bool>| {
        let is_open = is_open.get();
        if let (Some(true), false, Some(button)) = (was_open, is_open, element.get_untracked()) {
            button.focus().ok();
        }
        is_open
    });
    view! {
        <button
            type="button"
            class="tile-button"
            node_ref=element
            aria-label=move || text_with(Key::TileMenu, &[("name", &name.get())])
            aria-expanded=move || is_open.get().to_string()
            data-testid="tile-menu"
            on:click=move |_| menu.set(Some(source).filter(|_| !is_open.get_untracked()))
        >
            <IconView icon=Icon::Dots />
        </button>
    }
}

/// What can be done with a tile, beside it: small tiles have no room for it.
#[component]
pub(super) fn TileMenu(
    source: SourceRef,
    place: Placed,
    signals: MeetingSignals,
    menu: RwSignal<Option<SourceRef>>,
) -> impl IntoView {
    let stage = signals.stage;
    let first = NodeRef::<html::Button>::new();
    Effect::new(move |_| {
        if let Some(first) = first.get() {
            first.focus().ok();
        }
    });
    let is_pinned = move || stage.choice.with(|choice| choice.pinned == Some(source));
    let is_self = signals.view.with_untracked(|view| view.tile(source.peer).is_some_and(|tile| tile.is_self));
    let close = move || menu.set(None);
    let name = signals
        .view
        .with_untracked(|view| view.tile(source.peer).map(|tile| tile.name.clone()))
        .map(|name| text_with(Key::TileMenu, &[("name", &name)]));
    let pressed = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            close();
        }
    };
    let style = format!(
        "--menu-top: {}px; --menu-end: {}px",
        place.top + BUTTON,
        // Of a tile that is narrower than the menu, it begins where the tile does.
        (place.start + place.size.width).max(WIDTH),
    );
    view! {
        <div class="backdrop" on:click=move |_| close()></div>
        <div
            class="tile-menu"
            role="group"
            aria-label=name
            style=style
            data-testid="open-tile-menu"
            on:keydown=pressed
        >
            <button
                type="button"
                class="menu-item"
                node_ref=first
                data-testid="pin"
                on:click=move |_| {
                    stage.toggle_pin(source);
                    close();
                }
            >
                <IconView icon=Icon::Pin />
                {move || text(if is_pinned() { Key::Unpin } else { Key::Pin })}
            </button>
            <Show when=move || is_self && source.kind == SourceKind::Camera>
                <button
                    type="button"
                    class="menu-item"
                    data-testid="hide-self"
                    on:click=move |_| {
                        stage.toggle_self();
                        close();
                    }
                >
                    <IconView icon=Icon::Hide />
                    {move || text(Key::HideSelf)}
                </button>
            </Show>
        </div>
    }
}

/// As in the style sheet, in CSS pixels: below the tile's button …
const BUTTON: f64 = 44.0;
/// … and as wide as the menu.
const WIDTH: f64 = 208.0;
