use leptos::prelude::*;

use super::icon::{Icon, IconView};
use crate::call::capture_problem::{CaptureHelp, capture_help};
use crate::session::{LocalMedia, browser};
use crate::strings::{Key, text};

/// What is the matter with microphone and camera, and what to do about it.
#[component]
pub(crate) fn CaptureNotices(media: LocalMedia) -> impl IntoView {
    let helps = Memo::new(move |_| {
        capture_help(media.microphone.get().problem, media.camera.get().problem, browser())
    });
    let notice = move |help: CaptureHelp| {
        view! {
            <div class="notice" role="alert" data-testid="capture-problem" data-state=format!("{:?}", help.heading)>
                <IconView icon=Icon::Warning />
                <strong>{move || text(help.heading)}</strong>
                <p>{move || text(help.advice)}</p>
                {help
                    .retry
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button quiet"
                                data-testid="retry-capture"
                                on:click=move |_| media.retry()
                            >
                                {move || text(Key::TryAgain)}
                            </button>
                        }
                    })}
            </div>
        }
    };
    move || helps.get().into_iter().map(notice).collect_view()
}
