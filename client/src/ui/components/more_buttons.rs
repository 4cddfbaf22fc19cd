use leptos::prelude::*;

use super::control_bar::OpenParts;
use super::icon::Icon;
use super::round_button::RoundButton;
use crate::session::{LocalMedia, can_share};
use crate::strings::{Key, text};

/// What the bar of a wide page has room for, once more for the sheet of a phone.
#[component]
pub(super) fn MoreButtons(media: LocalMedia, open: OpenParts) -> impl IntoView {
    let share = move || {
        view! {
            <RoundButton
                icon=Icon::Share
                label=Signal::derive(move || text(Key::ShareScreen).to_owned())
                test_id="more-share"
                class="for-phones"
                press=move || media.screen.toggle()
            />
        }
    };
    view! {
        {can_share().then(share)}
        <RoundButton
            icon=Icon::Layout
            label=Signal::derive(move || text(Key::Layout).to_owned())
            test_id="more-layout"
            class="for-phones"
            press=move || open.layout.set(true)
        />
        <RoundButton
            icon=Icon::Devices
            label=Signal::derive(move || text(Key::DeviceSettings).to_owned())
            test_id="more-devices"
            class="for-phones"
            press=move || open.devices.set(true)
        />
    }
}
