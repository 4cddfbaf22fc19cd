use leptos::prelude::*;

use super::icon::Icon;
use super::round_button::RoundButton;
use crate::call::capture_problem::Device;
use crate::call::gathering::kind_of;
use crate::call::toasts::not_allowed;
use crate::session::{LocalMedia, TalkSignals};
use crate::strings::{Key, text};

/// Switches the microphone or the camera.
#[component]
pub(crate) fn SourceButton(
    device: Device,
    media: LocalMedia,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let state = match device {
        Device::Microphone => media.microphone,
        Device::Camera => media.camera,
    };
    let icon = move || match (device, state.get().on) {
        (Device::Microphone, true) => Icon::Microphone,
        (Device::Microphone, false) => Icon::MicrophoneOff,
        (Device::Camera, true) => Icon::Camera,
        (Device::Camera, false) => Icon::CameraOff,
    };
    // In the lobby nobody has said yet what is allowed.
    let talk = use_context::<TalkSignals>();
    let blocked = Memo::new(move |_| {
        let may = talk.is_none_or(|talk| talk.gathering.with(|gathering| gathering.may_switch_on(device)));
        !may && !state.get().on
    });
    let label = move || match (device, state.get().on) {
        _ if blocked.get() => text(not_allowed(kind_of(device))),
        (Device::Microphone, true) => text(Key::MuteMicrophone),
        (Device::Microphone, false) => text(Key::UnmuteMicrophone),
        (Device::Camera, true) => text(Key::StopCamera),
        (Device::Camera, false) => text(Key::StartCamera),
    };
    let test_id = match device {
        Device::Microphone => "toggle-microphone",
        Device::Camera => "toggle-camera",
    };
    view! {
        <RoundButton
            icon=Signal::derive(icon)
            label=Signal::derive(move || label().to_owned())
            state=Signal::derive(move || state.get().state())
            test_id=test_id
            blocked=blocked
            class=class
            press=move || media.toggle(device)
        >
            <Show when=move || state.get().problem.is_some()>
                <span class="warning-dot" aria-hidden="true">
                    "!"
                </span>
            </Show>
        </RoundButton>
    }
}
