use leptos::prelude::*;

use crate::app::Navigation;
use crate::call::problem::of_end;
use crate::route::Route;
use crate::session::{self, EndReason};
use crate::strings::{Key, text, text_with};
use crate::ui::components::Mark;

/// It is over: why, and what to do now.
#[component]
pub(crate) fn Ended(reason: EndReason, rejoin: impl Fn() + 'static) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let (state, heading) = describe(&reason);
    // Only a fresh page can speak another version.
    let needs_reload = matches!(reason, EndReason::VersionMismatch { .. });
    let again_text = again(&reason);
    let sentence = move || {
        if let EndReason::Denied { message: Some(message) } = &reason {
            return text_with(Key::DeniedMessage, &[("text", message)]);
        }
        text(of_end(&reason)).to_owned()
    };
    view! {
        <div class="page" data-testid="ended" data-state=state>
            <main class="plain-main">
                <Mark class="plain-mark" />
                <h1>{move || text(heading)}</h1>
                <p data-testid="reason">{sentence}</p>
                <div class="actions">
                    {again_text
                        .map(|again_text| {
                            view! {
                                <button
                                    type="button"
                                    class="button primary"
                                    data-testid="rejoin"
                                    on:click=move |_| if needs_reload { session::reload() } else { rejoin() }
                                >
                                    {move || text(again_text)}
                                </button>
                            }
                        })}
                    <button
                        type="button"
                        class=if again_text.is_some() { "button plain" } else { "button primary" }
                        data-testid="go-home"
                        data-part="go-home"
                        on:click=move |_| navigation.go(Route::Home)
                    >
                        {move || text(Key::GoHome)}
                    </button>
                </div>
            </main>
        </div>
    }
}

/// What may be tried again, by its name. Who is kept out, or would find nobody, can only go.
const fn again(reason: &EndReason) -> Option<Key> {
    match reason {
        EndReason::VersionMismatch { .. } => Some(Key::Reload),
        EndReason::Banned { .. } | EndReason::MeetingEnded => None,
        EndReason::Removed | EndReason::Denied { .. } => Some(Key::AskAgain),
        // Without the token that was not taken.
        EndReason::RoomFull { .. }
        | EndReason::WaitingRoomFull { .. }
        | EndReason::Locked { .. }
        | EndReason::TokenRefused { .. } => Some(Key::TryAgain),
        EndReason::Left | EndReason::Replaced | EndReason::Refused { .. } => Some(Key::Rejoin),
    }
}

/// The state for tests and the heading.
const fn describe(reason: &EndReason) -> (&'static str, Key) {
    match reason {
        EndReason::Left => ("left", Key::EndedLeft),
        EndReason::Replaced => ("replaced", Key::EndedReplaced),
        EndReason::VersionMismatch { .. } => ("version-mismatch", Key::EndedVersion),
        EndReason::RoomFull { .. } => ("room-full", Key::EndedFull),
        EndReason::WaitingRoomFull { .. } => ("waiting-room-full", Key::EndedWaitingRoomFull),
        EndReason::Removed => ("removed", Key::EndedRemoved),
        EndReason::Denied { .. } => ("denied", Key::EndedDenied),
        EndReason::MeetingEnded => ("meeting-ended", Key::EndedForAll),
        EndReason::Banned { .. } => ("banned", Key::EndedBanned),
        EndReason::Locked { .. } => ("locked", Key::EndedLocked),
        EndReason::TokenRefused { .. } => ("token-refused", Key::EndedToken),
        EndReason::Refused { .. } => ("refused", Key::EndedRefused),
    }
}
