use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Icon, IconView};
use super::late::{Late, LateView};
use crate::call::check_up::{CheckUp as State, Step, Verdict};
use crate::session::{self, CheckUpHandle, LocalMedia, late};
use crate::strings::{Key, text, text_with};

/// The button that opens the check-up, and the check-up itself, which begins when it is opened and ends when it is closed.
#[component]
pub(crate) fn CheckUp(media: LocalMedia) -> impl IntoView {
    let is_open = RwSignal::new(false);
    view! {
        <section class="check-up">
            <button
                type="button"
                class="button quiet wide"
                aria-expanded=move || is_open.get().to_string()
                data-testid="check-up"
                on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
            >
                <IconView icon=Icon::Check />
                {move || text(Key::CheckUp)}
            </button>
            <Show when=move || is_open.get()>
                <Late view=checks() media=media />
            </Show>
        </section>
    }
}

late! {
    /// Waits for the code of the checks.
    async fn checks() -> LateView {
        |media| view! { <Checks media=media /> }.into_any()
    }
}

#[component]
fn Checks(media: LocalMedia) -> impl IntoView {
    let check_up = CheckUpHandle::begin(media);
    let state = check_up.state;
    let is_over = Memo::new(move |_| state.with(State::is_over));
    let summary = move || {
        let concerns = state.with(State::concerns);
        match (is_over.get(), concerns) {
            (false, _) => text(Key::CheckRunning).to_owned(),
            (true, 0) => text(Key::CheckAllWell).to_owned(),
            (true, count) => text_with(Key::CheckConcerns, &[("count", &count.to_string())]),
        }
    };
    let line = move |step: Step| view! { <Line step=step check_up=check_up /> };
    view! {
        <div class="checks" data-testid="checks" data-state=move || if is_over.get() { "over" } else { "running" }>
            <p class="hint">{move || text(Key::CheckUpText)}</p>
            <ul>{Step::ALL.map(line).collect_view()}</ul>
            <p role="status" data-testid="check-summary">
                {summary}
            </p>
            <div class="check-buttons">
                <button
                    type="button"
                    class="button plain"
                    data-testid="check-again"
                    disabled=move || !is_over.get()
                    on:click=move |_| check_up.again()
                >
                    {move || text(Key::CheckAgain)}
                </button>
                <CopyChecks check_up=check_up />
            </div>
        </div>
    }
}

/// One step: a mark, what was measured, and what to do.
#[component]
fn Line(step: Step, check_up: CheckUpHandle) -> impl IntoView {
    let finding = Memo::new(move |_| check_up.state.with(|state| state.finding(step)));
    let verdict = Memo::new(move |_| finding.with(|finding| finding.verdict));
    view! {
        <li data-testid=format!("check-{}", step.name()) data-state=move || verdict.get().name()>
            <span class="check-mark" aria-hidden="true">
                {move || mark(verdict.get())}
            </span>
            <div class="check-text">
                <span class="check-name">{move || text(step.label())}</span>
                <span class="check-value">
                    <span class="only-spoken">{move || text(verdict.get().label())} " "</span>
                    {move || finding.with(|finding| finding.value.clone())}
                </span>
                {move || {
                    finding
                        .with(|finding| finding.advice)
                        .map(|advice| {
                            view! {
                                <p class="check-advice" data-testid=format!("advice-{}", step.name())>
                                    {move || text(advice)}
                                </p>
                            }
                        })
                }}
                {(step == Step::Speaker).then(|| view! { <SpeakerButtons check_up=check_up /> })}
            </div>
        </li>
    }
}

fn mark(verdict: Verdict) -> AnyView {
    match verdict {
        Verdict::Running => view! { <span class="spinner"></span> }.into_any(),
        Verdict::Good => view! { <IconView icon=Icon::Check /> }.into_any(),
        Verdict::Doubtful => view! { <IconView icon=Icon::Warning /> }.into_any(),
        Verdict::Bad => view! { <IconView icon=Icon::Close /> }.into_any(),
        Verdict::Waiting | Verdict::Untested => "–".into_any(),
    }
}

/// Only the person can say whether a sound is heard.
#[component]
fn SpeakerButtons(check_up: CheckUpHandle) -> impl IntoView {
    let has_played = RwSignal::new(false);
    let play = move |_| {
        has_played.set(true);
        check_up.play_sound();
    };
    let answer = move |is_heard: bool, label: Key, test_id: &'static str| {
        let is_said = move || check_up.state.with(|state| state.speaker) == Some(is_heard);
        view! {
            <button
                type="button"
                class="segment"
                aria-pressed=move || is_said().to_string()
                data-testid=test_id
                on:click=move |_| check_up.heard(is_heard)
            >
                {move || text(label)}
            </button>
        }
    };
    view! {
        <div class="check-buttons">
            <button type="button" class="button plain" data-testid="play-sound" on:click=play>
                <IconView icon=Icon::Speaker />
                {move || text(Key::PlaySound)}
            </button>
            <Show when=move || has_played.get()>
                <div class="segments" role="group" aria-label=move || text(Key::Speaker)>
                    {answer(true, Key::SoundHeard, "sound-heard")}
                    {answer(false, Key::SoundNotHeard, "sound-not-heard")}
                </div>
            </Show>
        </div>
    }
}

/// Puts everything into the clipboard, for whoever is asked for help.
#[component]
fn CopyChecks(check_up: CheckUpHandle) -> impl IntoView {
    let outcome = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let report = check_up.state.with_untracked(State::report);
        spawn_local(async move {
            outcome.try_set(Some(session::copy(&report).await));
            let forget = move || {
                outcome.try_set(None);
            };
            set_timeout(forget, OUTCOME_SHOWN_FOR);
        });
    };
    let label = move || {
        text(match outcome.get() {
            None => Key::CopyReport,
            Some(true) => Key::ReportCopied,
            Some(false) => Key::ReportNotCopied,
        })
    };
    view! {
        <button type="button" class="button plain" data-testid="copy-checks" on:click=copy>
            <span role="status">{label}</span>
        </button>
    }
}

const OUTCOME_SHOWN_FOR: Duration = Duration::from_secs(3);
