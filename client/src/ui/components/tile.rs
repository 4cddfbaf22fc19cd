use leptos::prelude::*;
use shared::PeerId;

use super::avatar::Avatar;
use super::icon::{Icon, IconView};
use super::video::Video;
use crate::call::layout::{Fit, fit};
use crate::call::tiles::PicturePause;
use crate::session::{LocalMedia, MeetingSignals};
use crate::strings::{Key, text, text_with};

/// One person: picture or initials, name, whether they speak or are muted.
#[component]
pub(crate) fn Tile(peer: PeerId, signals: MeetingSignals, media: LocalMedia) -> impl IntoView {
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
    let fit = move || match signals.layout.get().map(|layout| fit(shape.get(), layout.tile)) {
        Some(Fit::Whole) => "contain",
        Some(Fit::Filled) | None => "cover",
    };
    let shown_name = move || {
        let name = name.get();
        if is_self { text_with(Key::NameOfSelf, &[("name", &name)]) } else { name }
    };
    let note = move || {
        let (icon, note) = match pause.get() {
            _ if reconnecting.get() => (Icon::Warning, Key::PersonReconnecting),
            Some(pause) => (icon(pause), pause.text()),
            None => return None,
        };
        Some(view! {
            <div class="tile-waiting">
                <IconView icon=icon />
                <span>{text(note)}</span>
            </div>
        })
    };
    view! {
        <li
            class="tile"
            data-testid="tile"
            data-peer=peer.to_string()
            data-self=is_self.to_string()
            data-speaking=move || speaking.get().to_string()
            data-muted=move || (!microphone.get()).to_string()
            data-camera=move || camera.get().to_string()
            data-slot=move || slot.get()
            data-presence=move || if reconnecting.get() { "reconnecting" } else { "connected" }
            data-pause=move || pause.get().map(PicturePause::state)
            data-fit=fit
        >
            <Avatar name=name />
            <Show when=move || has_picture.get()>
                <Video picture=picture mirrored=is_self shape=shape />
            </Show>
            {note}
            <div class="tile-label">
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
                <span>{shown_name}</span>
                <Show when=move || !microphone.get()>
                    <span class="only-spoken">{text(Key::MicrophoneOff)}</span>
                </Show>
            </div>
        </li>
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
