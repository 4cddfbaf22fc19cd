use leptos::prelude::*;

use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use crate::call::screen_share::ContentHint;
use crate::session::{LocalMedia, can_share};
use crate::strings::{Key, text};

/// Shares the screen, or stops. Browsers that cannot share have no such button.
#[component]
pub(super) fn ShareButton(media: LocalMedia) -> impl IntoView {
    let screen = media.screen;
    let icon = Signal::derive(move || if screen.is_on() { Icon::StopShare } else { Icon::Share });
    let label = Signal::derive(move || {
        text(if screen.is_on() { Key::StopSharing } else { Key::ShareScreen }).to_owned()
    });
    let state = Signal::derive(move || if screen.is_on() { "sharing" } else { "idle" });
    can_share().then(|| {
        view! {
            <RoundButton
                icon=icon
                label=label
                state=state
                test_id="share-screen"
                class="in-sheet"
                press=move || screen.toggle()
            />
        }
    })
}

/// Says all the time that the own screen is seen by everybody.
#[component]
pub(super) fn Presenting(media: LocalMedia) -> impl IntoView {
    let screen = media.screen;
    let choice = move |hint: ContentHint| {
        let key = match hint {
            ContentHint::Detail => Key::HintDetail,
            ContentHint::Motion => Key::HintMotion,
        };
        view! {
            <button
                type="button"
                class="segment"
                aria-pressed=move || (screen.hint.get() == hint).to_string()
                data-testid=format!("hint-{}", hint.name())
                on:click=move |_| screen.choose(hint)
            >
                {move || text(key)}
            </button>
        }
    };
    view! {
        <Show when=move || screen.is_on()>
            <div class="banner presenting" role="status" data-testid="presenting">
                <IconView icon=Icon::Share />
                <span>{move || text(Key::YouArePresenting)}</span>
                <div class="segments" role="group" aria-label=move || text(Key::HintChoice)>
                    {ContentHint::ALL.into_iter().map(choice).collect_view()}
                </div>
                <button
                    type="button"
                    class="button primary"
                    data-testid="stop-sharing"
                    on:click=move |_| screen.stop()
                >
                    {move || text(Key::StopSharing)}
                </button>
            </div>
        </Show>
    }
}
