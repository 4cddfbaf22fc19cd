use leptos::prelude::*;

use super::control_bar::OpenParts;
use super::icon::Icon;
use super::round_button::RoundButton;
use crate::call::capture_problem::{CaptureHelp, capture_help};
use crate::session::{LocalMedia, browser};
use crate::strings::{Key, text};

/// A microphone or camera that fails in the meeting: what is the matter, and the way to what helps. What somebody already
/// knew when they joined is not told again.
#[component]
pub(crate) fn CaptureBanner(media: LocalMedia, open: OpenParts) -> impl IntoView {
    let problems = Memo::new(move |_| (media.microphone.get().problem, media.camera.get().problem));
    let known = RwSignal::new(problems.get_untracked());
    // What is over may happen again.
    Effect::new(move |_| {
        let (microphone, camera) = problems.get();
        known.update(|(known_microphone, known_camera)| {
            *known_microphone = known_microphone.filter(|_| microphone.is_some());
            *known_camera = known_camera.filter(|_| camera.is_some());
        });
    });
    let news = Memo::new(move |_| {
        let ((microphone, camera), known) = (problems.get(), known.get());
        let microphone = microphone.filter(|problem| known.0 != Some(*problem));
        let camera = camera.filter(|problem| known.1 != Some(*problem));
        capture_help(microphone, camera, browser())
    });
    let dismiss = move || known.set(problems.get_untracked());
    let banner = move |help: CaptureHelp| {
        view! {
            <div class="banner" role="alert" data-tone="warning" data-testid="capture-banner">
                <span>{move || text(help.heading)}</span>
                <button
                    type="button"
                    class="button primary"
                    data-testid="capture-help"
                    on:click=move |_| {
                        dismiss();
                        open.devices.set(true);
                    }
                >
                    {move || text(Key::WhatToDo)}
                </button>
                <RoundButton
                    icon=Icon::Close
                    label=Signal::derive(move || text(Key::ClosePanel).to_owned())
                    test_id="capture-dismiss"
                    press=dismiss
                />
            </div>
        }
    };
    move || news.get().into_iter().map(banner).collect_view()
}
