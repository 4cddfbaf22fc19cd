use leptos::prelude::*;

use crate::session;
use crate::strings::{Key, text};
use crate::ui::components::{Mark, NetworkNotice};

/// The meeting itself is on its way.
#[component]
pub(crate) fn Loading() -> impl IntoView {
    view! {
        <main class="entering" data-testid="loading">
            <div class="spinner"></div>
            <p role="status">{move || text(Key::Entering)}</p>
            <NetworkNotice />
        </main>
    }
}

/// A part of the program did not arrive. Only a fresh page can have another version of it; who is known keeps their name.
#[component]
pub(crate) fn Unloaded() -> impl IntoView {
    session::set_title(text(Key::Product));
    view! {
        <div class="page" data-testid="unloaded">
            <main class="plain-main">
                <Mark class="plain-mark" />
                <div role="alert">
                    <h1>{move || text(Key::UnloadedTitle)}</h1>
                    <p>{move || text(Key::UnloadedText)}</p>
                </div>
                <div class="actions">
                    <button
                        type="button"
                        class="button primary"
                        data-testid="reload"
                        on:click=move |_| session::reload()
                    >
                        {move || text(Key::Reload)}
                    </button>
                </div>
            </main>
        </div>
    }
}
