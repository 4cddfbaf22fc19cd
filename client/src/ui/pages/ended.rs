use leptos::prelude::*;

use crate::app::Navigation;
use crate::route::Route;
use crate::session::{self, EndReason};
use crate::strings::{Key, text};
use crate::ui::components::Mark;

/// It is over: why, and what to do now.
#[component]
pub(crate) fn Ended(reason: EndReason, rejoin: impl Fn() + 'static) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let (state, heading, own_sentence) = describe(&reason);
    let sentence = own_sentence.map_or_else(|| reason.sentence().to_owned(), |key| text(key).to_owned());
    // Only a fresh page can speak another version.
    let needs_reload = matches!(reason, EndReason::VersionMismatch { .. });
    let again = move |_| if needs_reload { session::reload() } else { rejoin() };
    view! {
        <div class="page" data-testid="ended" data-state=state>
            <main class="plain-main">
                <Mark class="plain-mark" />
                <h1>{text(heading)}</h1>
                <p data-testid="reason">{sentence}</p>
                <div class="actions">
                    <button type="button" class="button primary" data-testid="rejoin" on:click=again>
                        {text(if needs_reload { Key::Reload } else { Key::Rejoin })}
                    </button>
                    <button
                        type="button"
                        class="button plain"
                        data-testid="go-home"
                        on:click=move |_| navigation.go(Route::Home)
                    >
                        {text(Key::GoHome)}
                    </button>
                </div>
            </main>
        </div>
    }
}

/// The state for tests, the heading, and our own sentence where the engine's is only a name for it.
const fn describe(reason: &EndReason) -> (&'static str, Key, Option<Key>) {
    match reason {
        EndReason::Left => ("left", Key::EndedLeft, Some(Key::LeftText)),
        EndReason::Replaced => ("replaced", Key::EndedReplaced, Some(Key::ReplacedText)),
        EndReason::VersionMismatch { .. } => ("version-mismatch", Key::EndedVersion, None),
        EndReason::RoomFull { .. } => ("room-full", Key::EndedFull, None),
        EndReason::Refused { .. } => ("refused", Key::EndedRefused, None),
    }
}
