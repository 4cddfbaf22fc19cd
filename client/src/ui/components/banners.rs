use leptos::prelude::*;

use crate::call::toasts::Toast;
use crate::session::MeetingHandle;
use crate::strings::{Key, text, text_with};

/// What the person should know now: the connection, held-back sound, who came and went.
#[component]
pub(crate) fn Banners(meeting: MeetingHandle) -> impl IntoView {
    let signals = meeting.signals;
    let connection = Memo::new(move |_| signals.view.with(|view| view.connection));
    let sentence = Memo::new(move |_| {
        let (key, seconds) = connection.get().sentence(signals.now.get())?;
        Some(match seconds {
            Some(seconds) => text_with(key, &[("seconds", &seconds.to_string())]),
            None => text(key).to_owned(),
        })
    });
    // Spoken once per state, not at every second of the countdown.
    let spoken = Memo::new(move |_| {
        let (key, _) = connection.get().sentence(signals.now.get_untracked())?;
        Some(text(if key == Key::ReconnectingIn { Key::Reconnecting } else { key }))
    });
    let toast = |toast: Toast| {
        view! {
            <div class="banner" data-testid="toast" data-tone=toast.tone.name()>
                {toast.sentence}
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
            <Show when=move || signals.sound_blocked.get()>
                <div class="banner" role="alert" data-testid="sound-blocked">
                    {text(Key::SoundBlocked)}
                    <button
                        type="button"
                        class="button primary"
                        data-testid="hear"
                        on:click=move |_| meeting.resume_sound()
                    >
                        {text(Key::HearSound)}
                    </button>
                </div>
            </Show>
            <For each=toasts key=|toast| toast.number children=toast />
        </div>
        <div class="only-spoken" role="status" aria-live="polite" data-testid="announcements">
            {move || spoken.get()} " "
            {move || toasts().into_iter().map(|toast| format!("{}. ", toast.sentence)).collect::<String>()}
        </div>
    }
}
