use leptos::prelude::*;

use crate::call::captions::{Captions, Line, Shown};
use crate::session::MeetingSignals;
use crate::strings::{Key, text};

/// What is said, in writing, below the pictures.
///
/// It is not announced by itself (`aria-live="off"`): whoever has a screen reader hears the speaker, and would hear everything
/// twice. Who would rather read, with a braille display for instance, finds the region by its name. That nobody writes captions is
/// announced: nothing else would tell why nothing comes.
#[component]
pub(crate) fn CaptionArea(signals: MeetingSignals) -> impl IntoView {
    let shown = Memo::new(move |_| signals.captions.with(Captions::shown));
    let line = |Line { name, language, text }: Line| {
        view! {
            <p class="caption" data-testid="caption">
                {name.map(|name| view! { <bdi class="caption-speaker" data-testid="caption-speaker">{name}</bdi> })}
                <span class="caption-text">
                    <span lang=language dir="auto" data-testid="caption-text">
                        {text}
                    </span>
                </span>
            </p>
        }
    };
    let lines = move || shown.get().lines.into_iter().map(line).collect_view();
    let says_nobody = move || shown.with(|Shown { says_nobody, .. }| *says_nobody);
    view! {
        <Show when=move || shown.with(|shown| shown.is_on)>
            <section
                class="captions"
                role="region"
                aria-label=move || text(Key::Captions)
                aria-live="off"
                data-testid="captions"
                data-part="captions"
                data-state=move || if shown.with(|shown| shown.has_place) { "placed" } else { "empty" }
            >
                {lines}
                <p role="status" data-testid="captions-nobody">
                    {move || {
                        says_nobody()
                            .then(|| view! { <span class="caption-hint">{move || text(Key::CaptionsNobody)}</span> })
                    }}
                </p>
            </section>
        </Show>
    }
}
