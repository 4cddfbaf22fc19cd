use leptos::prelude::*;

use crate::call::noise_suppression::{Listening, NoiseSuppression, SuppressionState};
use crate::session::LocalMedia;
use crate::strings::{Key, text};

/// The switch for our noise suppression, and the way to hear what it does.
#[component]
pub(crate) fn NoiseControl(media: LocalMedia) -> impl IntoView {
    let microphone = media.sent_microphone;
    let is_own = move || microphone.suppression.get() != NoiseSuppression::Browser;
    let is_high = move || microphone.suppression.get() == NoiseSuppression::High;
    let change_quality = move |event| {
        let is_on = event_target_checked(&event);
        microphone.choose(if is_on { NoiseSuppression::High } else { NoiseSuppression::Own });
    };
    let change = move |event| {
        let is_on = event_target_checked(&event);
        microphone.choose(if is_on { NoiseSuppression::Own } else { NoiseSuppression::Browser });
    };
    let sentence = move || {
        text(match microphone.state.get() {
            SuppressionState::Running if microphone.is_lowered.get() => Key::NoiseSuppressionLowered,
            SuppressionState::Idle | SuppressionState::Running => Key::NoiseSuppressionText,
            SuppressionState::Starting => Key::NoiseSuppressionStarting,
            SuppressionState::Failed => Key::NoiseSuppressionFailed,
        })
    };
    on_cleanup(move || microphone.stop_listening());
    view! {
        <div class="noise" data-testid="noise" data-state=move || microphone.state.get().name() data-lowered=move || microphone.is_lowered.get().to_string()>
            <label class="switch-line">
                <span class="switch-name">{move || text(Key::NoiseSuppression)}</span>
                <input
                    type="checkbox"
                    role="switch"
                    class="switch"
                    aria-describedby="noise-text"
                    data-testid="noise-suppression"
                    prop:checked=is_own
                    on:change=change
                />
            </label>
            <p class="hint" id="noise-text" role="status">
                {sentence}
            </p>
            <Show when=is_own>
                <label class="switch-line">
                    <span class="switch-name">{move || text(Key::HighQuality)}</span>
                    <input
                        type="checkbox"
                        role="switch"
                        class="switch"
                        aria-describedby="quality-text"
                        data-testid="high-quality"
                        prop:checked=is_high
                        on:change=change_quality
                    />
                </label>
                <p class="hint" id="quality-text">
                    {move || text(Key::HighQualityText)}
                </p>
                <Difference media=media />
            </Show>
        </div>
    }
}

/// Records a sentence and plays it, as it was said and as the others hear it.
#[component]
fn Difference(media: LocalMedia) -> impl IntoView {
    let microphone = media.sent_microphone;
    let listening = microphone.listening;
    let cannot = move || {
        microphone.state.get() != SuppressionState::Running
            || !media.microphone.get().on
            || listening.get() == Listening::Recording
    };
    let label = move || {
        text(match listening.get() {
            Listening::Idle => Key::HearDifference,
            Listening::Recording => Key::SaySomething,
            Listening::Playing { .. } => Key::StopListening,
        })
    };
    let press = move |_| match listening.get_untracked() {
        Listening::Idle => microphone.listen(),
        Listening::Recording => {}
        Listening::Playing { .. } => microphone.stop_listening(),
    };
    let choice = move |is_after: bool, label: Key, test_id: &'static str| {
        let is_heard = move || listening.get() == Listening::Playing { is_after };
        view! {
            <button
                type="button"
                class="segment"
                aria-pressed=move || is_heard().to_string()
                data-testid=test_id
                on:click=move |_| microphone.hear(is_after)
            >
                {move || text(label)}
            </button>
        }
    };
    view! {
        <div class="difference" data-testid="difference" data-state=move || listening.get().name()>
            <button
                type="button"
                class="button plain wide"
                data-testid="hear-difference"
                disabled=cannot
                on:click=press
            >
                {label}
            </button>
            <Show when=move || matches!(listening.get(), Listening::Playing { .. })>
                <div class="segments" role="group" aria-label=move || text(Key::HearDifference)>
                    {choice(false, Key::HearBefore, "hear-before")}
                    {choice(true, Key::HearAfter, "hear-after")}
                </div>
            </Show>
            <Show when=move || listening.get() != Listening::Idle>
                <p class="hint">{move || text(Key::OthersDoNotHear)}</p>
            </Show>
        </div>
    }
}
