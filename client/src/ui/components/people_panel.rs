use leptos::prelude::*;

use super::avatar::Avatar;
use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use crate::call::tiles::TileView;
use crate::session::MeetingSignals;
use crate::strings::{Key, text};

/// Everybody in the room, in a list.
#[component]
pub(crate) fn PeoplePanel(signals: MeetingSignals, close: impl Fn() + 'static) -> impl IntoView {
    let people = Memo::new(move |_| signals.view.with(|view| view.tiles.clone()));
    let person = |tile: TileView| {
        let (microphone, microphone_label) = if tile.microphone {
            (Icon::Microphone, None)
        } else {
            (Icon::MicrophoneOff, Some(text(Key::MicrophoneOff)))
        };
        let (camera, camera_label) =
            if tile.camera { (Icon::Camera, None) } else { (Icon::CameraOff, Some(text(Key::CameraOff))) };
        view! {
            <li
                class="person"
                data-testid="person"
                data-peer=tile.peer.to_string()
                data-speaking=tile.speaking.to_string()
            >
                <Avatar name=tile.name.clone() />
                <span class="person-name">
                    {tile.name.clone()} " "
                    <span class="person-note">{tile.is_self.then(|| text(Key::You))}</span>
                </span>
                <span class="only-spoken">{microphone_label} " " {camera_label}</span>
                <span data-off=(!tile.microphone).to_string()>
                    <IconView icon=microphone />
                </span>
                <span data-off=(!tile.camera).to_string()>
                    <IconView icon=camera />
                </span>
            </li>
        }
    };
    view! {
        <aside class="panel" aria-label=text(Key::People) data-testid="people">
            <div class="panel-head">
                <h2>{text(Key::People)}</h2>
                <RoundButton
                    icon=Icon::Close
                    label=text(Key::ClosePanel).to_owned()
                    test_id="close-people"
                    press=close
                />
            </div>
            <ul class="people">{move || people.get().into_iter().map(person).collect_view()}</ul>
        </aside>
    }
}
