use leptos::prelude::*;
use shared::SourceRef;

use super::avatar::Avatar;
use super::icon::{Icon, IconView};
use super::reactions::TileMarks;
use super::stage::style;
use super::tile_menu::TileMenuButton;
use super::video::Video;
use crate::call::arrangement::{Placed, Role};
use crate::call::layout::{Fit, fit};
use crate::call::tiles::PicturePause;
use crate::session::{LocalMedia, MeetingSignals};
use crate::strings::{Key, text, text_with};

/// One person: picture or initials, name, whether they speak or are muted.
#[component]
pub(super) fn Tile(
    source: SourceRef,
    placed: Memo<Option<Placed>>,
    signals: MeetingSignals,
    media: LocalMedia,
    menu: Option<RwSignal<Option<SourceRef>>>,
) -> impl IntoView {
    let peer = source.peer;
    let stage = signals.stage;
    let is_pinned = Memo::new(move |_| stage.choice.with(|choice| choice.pinned == Some(source)));
    // Who is gone keeps their last state until the tile is taken away.
    let tile = Memo::new(move |before: Option<&Option<_>>| {
        signals.view.with(|view| view.tile(peer).cloned()).or_else(|| before.cloned().flatten())
    });
    let flag = move |read: fn(&crate::call::tiles::TileView) -> bool| {
        Memo::new(move |_| tile.with(|tile| tile.as_ref().is_some_and(read)))
    };
    let name =
        Memo::new(move |_| tile.with(|tile| tile.as_ref().map(|tile| tile.name.clone())).unwrap_or_default());
    let is_self = flag(|tile| tile.is_self).get_untracked();
    let camera = flag(|tile| tile.camera);
    let microphone = flag(|tile| tile.microphone);
    let speaking = flag(|tile| tile.speaking);
    let reconnecting = flag(|tile| tile.reconnecting);
    let pause = Memo::new(move |_| tile.with(|tile| tile.as_ref().and_then(|tile| tile.pause)));
    let slot = Memo::new(move |_| tile.with(|tile| tile.as_ref().and_then(|tile| tile.slot.clone())));
    let picture = Signal::derive_local(move || {
        if is_self {
            return media.sent_camera.picture.get();
        }
        let slot = slot.get()?;
        signals
            .pictures
            .with(|all| all.iter().find(|(mid, _)| *mid == slot).map(|(_, picture)| picture.clone()))
    });
    let shape = RwSignal::new(16.0 / 9.0);
    // A picture that stands still looks like somebody who does: the initials are shown instead.
    let has_picture =
        Memo::new(move |_| camera.get() && (is_self || slot.with(Option::is_some)) && pause.get().is_none());
    let fit = move || match placed.get().map(|placed| fit(shape.get(), placed.size)) {
        Some(Fit::Whole) => "contain",
        Some(Fit::Filled) | None => "cover",
    };
    let shown_name = Signal::derive(move || {
        let name = name.get();
        if is_self { text_with(Key::NameOfSelf, &[("name", &name)]) } else { name }
    });
    let note = move || match pause.get() {
        _ if reconnecting.get() => Some(waiting(Icon::Warning, Key::PersonReconnecting).into_any()),
        Some(pause) => Some(pause_note(pause).into_any()),
        None => None,
    };
    // Who is small over somebody large covers as little of them as can be.
    let has_label = move || placed.get().is_none_or(|placed| placed.role != Role::Floating);
    view! {
        <li
            class="tile"
            style=move || style(placed.get())
            data-testid="tile"
            data-peer=peer.to_string()
            data-self=is_self.to_string()
            data-role=move || placed.get().map(|placed| placed.role.name())
            data-pinned=move || is_pinned.get().to_string()
            data-speaking=move || speaking.get().to_string()
            data-muted=move || (!microphone.get()).to_string()
            data-camera=move || camera.get().to_string()
            data-slot=move || slot.get()
            data-presence=move || if reconnecting.get() { "reconnecting" } else { "connected" }
            data-pause=move || pause.get().map(PicturePause::state)
            data-fit=fit
            on:dblclick=move |_| stage.toggle_pin(source)
        >
            <Avatar name=name />
            <Show when=move || has_picture.get()>
                <Video picture=picture mirrored=is_self shape=shape />
            </Show>
            {note}
            {menu.map(|menu| view! { <TileMenuButton source=source name=shown_name menu=menu /> })}
            <TileMarks peer=peer signals=signals />
            <div class="tile-label" class:only-spoken=move || !has_label()>
                <Show when=move || is_pinned.get()>
                    <IconView icon=Icon::Pin />
                    <span class="only-spoken">{move || text(Key::Pinned)}</span>
                </Show>
                <Show when=move || !microphone.get()>
                    <IconView icon=Icon::MicrophoneOff />
                </Show>
                <Show when=move || speaking.get()>
                    <div class="voice" aria-hidden="true">
                        <i></i>
                        <i></i>
                        <i></i>
                    </div>
                </Show>
                <span>{move || shown_name.get()}</span>
                <Show when=move || !microphone.get()>
                    <span class="only-spoken">{move || text(Key::MicrophoneOff)}</span>
                </Show>
            </div>
        </li>
    }
}

/// Why a picture does not come.
pub(super) fn pause_note(pause: PicturePause) -> impl IntoView {
    waiting(icon(pause), pause.text())
}

fn waiting(icon: Icon, note: Key) -> impl IntoView {
    view! {
        <div class="tile-waiting">
            <IconView icon=icon />
            <span>{move || text(note)}</span>
        </div>
    }
}

const fn icon(pause: PicturePause) -> Icon {
    match pause {
        PicturePause::Awaited => Icon::Hourglass,
        PicturePause::Connection => Icon::SignalLow,
        PicturePause::Codec => Icon::CameraOff,
        PicturePause::Server | PicturePause::Other => Icon::Pause,
    }
}
