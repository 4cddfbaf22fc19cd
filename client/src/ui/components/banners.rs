use leptos::prelude::*;

use super::capture_banner::CaptureBanner;
use super::control_bar::OpenParts;
use super::share_button::Presenting;
use super::waiting_list::KnockBanner;
use crate::call::toasts::Toast;
use crate::session::{LocalMedia, MeetingHandle};
use crate::strings::{Key, text, text_counted};

/// What the person should know now: the connection, held-back sound, who came and went.
#[component]
pub(crate) fn Banners(meeting: MeetingHandle, media: LocalMedia, open: OpenParts) -> impl IntoView {
    let signals = meeting.signals;
    let connection = Memo::new(move |_| signals.view.with(|view| view.connection));
    let sentence = Memo::new(move |_| {
        let (key, seconds) = connection.get().sentence(signals.now.get())?;
        Some(match seconds {
            Some(seconds) => text_counted(key, seconds, &[]),
            None => text(key).to_owned(),
        })
    });
    // Spoken once per state, not at every second of the countdown.
    let spoken = Memo::new(move |_| {
        let (key, _) = connection.get().sentence(signals.now.get_untracked())?;
        Some(text(if key == Key::ReconnectingIn { Key::Reconnecting } else { key }))
    });
    // Told only when it changes in the meeting: what one came with is known.
    let microphone = Memo::new(move |_| media.microphone.get().on);
    let camera = Memo::new(move |_| media.camera.get().on);
    let [microphone_said, camera_said] = [microphone, camera].map(said_after_change);
    let own_state = move || {
        let microphone = microphone_said
            .get()
            .map(|on| text(if on { Key::OwnMicrophoneOn } else { Key::OwnMicrophoneOff }));
        let camera = camera_said.get().map(|on| text(if on { Key::OwnCameraOn } else { Key::OwnCameraOff }));
        [microphone, camera].into_iter().flatten().map(|sentence| format!("{sentence}. ")).collect::<String>()
    };
    let toast = move |toast: Toast| {
        let number = toast.number;
        let button = toast.action.map(|action| {
            let action_text = action.text();
            let label = move || text(action_text);
            let act = move |_| meeting.act_on_toast(media, number, action.clone());
            view! {
                <button type="button" class="button primary" data-testid="toast-action" on:click=act>
                    {label}
                </button>
            }
        });
        view! {
            <div class="banner" data-testid="toast" data-tone=toast.tone.name()>
                {toast.sentence}
                {button}
            </div>
        }
    };
    let toasts = move || signals.toasts.with(|toasts| toasts.shown().cloned().collect::<Vec<_>>());
    view! {
        <div class="banners">
            <div
                data-testid="connection"
                data-state=move || connection.get().state()
                hidden=move || sentence.with(Option::is_none)
            >
                <div class="banner" data-tone="warning" aria-hidden="true">
                    <div class="spinner"></div>
                    <span>{move || sentence.get()}</span>
                </div>
            </div>
            <Presenting media=media />
            <Show when=move || signals.sound_blocked.get()>
                <div class="banner" role="alert" data-testid="sound-blocked">
                    {move || text(Key::SoundBlocked)}
                    <button
                        type="button"
                        class="button primary"
                        data-testid="hear"
                        on:click=move |_| meeting.resume_sound()
                    >
                        {move || text(Key::HearSound)}
                    </button>
                </div>
            </Show>
            <CaptureBanner media=media open=open />
            <KnockBanner meeting=meeting open=open />
            <For each=toasts key=|toast| toast.number children=toast />
        </div>
        <div class="only-spoken" role="status" aria-live="polite" data-testid="announcements">
            {move || spoken.get()} " " {own_state} " "
            {move || toasts().into_iter().map(|toast| format!("{}. ", toast.sentence)).collect::<String>()}
        </div>
    }
}

/// What a state became after it was first seen here; nothing before.
fn said_after_change(state: Memo<bool>) -> RwSignal<Option<bool>> {
    let said = RwSignal::new(None);
    Effect::new(move |before: Option<bool>| {
        let now = state.get();
        if before.is_some_and(|before| before != now) {
            said.set(Some(now));
        }
        now
    });
    said
}
