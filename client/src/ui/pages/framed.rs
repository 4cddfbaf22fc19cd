use leptos::prelude::*;

use crate::session;
use crate::strings::{Key, text};
use crate::ui::components::Mark;

/// The page around the frame has not said yet how it wants the meeting.
#[component]
pub(crate) fn Waiting() -> impl IntoView {
    view! {
        <main class="entering" role="status" data-testid="waiting-for-page" aria-label=move || text(Key::Product)>
            <div class="spinner"></div>
        </main>
    }
}

/// The server does not let the page around the frame speak with the meeting.
#[component]
pub(crate) fn Refused() -> impl IntoView {
    session::set_title(text(Key::Product));
    view! {
        <div class="page" data-testid="refused">
            <main class="plain-main">
                <Mark class="plain-mark" />
                <h1>{move || text(Key::EmbedRefusedTitle)}</h1>
                <p>{move || text(Key::EmbedRefusedText)}</p>
                <div class="actions">
                    <a class="button primary" href=session::path() target="_blank" rel="noopener">
                        {move || text(Key::OpenInTab)}
                    </a>
                </div>
            </main>
        </div>
    }
}
