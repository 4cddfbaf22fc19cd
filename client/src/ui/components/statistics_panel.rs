use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::budget_view::BudgetView;
use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use super::streams_view::Streams;
use crate::call::governor::Step;
use crate::call::statistics::{Measure, Statistics, ago, effort_text, limitation_text, step_text};
use crate::session::{self, LocalMedia, MeetingHandle, Moment};
use crate::strings::{Key, text, text_with};

/// What the call does, in numbers, beside the meeting.
#[component]
pub(crate) fn StatisticsPanel(
    meeting: MeetingHandle,
    media: LocalMedia,
    close: impl Fn() + 'static,
) -> impl IntoView {
    meeting.watch_connection();
    let signals = meeting.signals;
    let statistics = media.sent_camera.statistics;
    let now = signals.now;
    let is_empty = Memo::new(move |_| {
        let now = now.get();
        statistics.with(|all| Measure::ALL.iter().all(|measure| all.present(*measure, now).is_none()))
    });
    let figures = move || {
        Measure::ALL
            .map(|measure| view! { <Figure measure=measure statistics=statistics now=now /> })
            .collect_view()
    };
    view! {
        <aside class="panel" aria-label=move || text(Key::CallStatistics) data-testid="statistics">
            <div class="panel-head">
                <h2>{move || text(Key::CallStatistics)}</h2>
                <RoundButton
                    icon=Icon::Close
                    label=Signal::derive(move || text(Key::ClosePanel).to_owned())
                    test_id="close-statistics"
                    press=close
                />
            </div>
            <div class="panel-body statistics">
                <p class="hint">
                    {move || {
                        text(if is_empty.get() { Key::StatisticsNothing } else { Key::StatisticsWindow })
                    }}
                </p>
                <BudgetView statistics=statistics now=now />
                <ul class="figures">{figures}</ul>
                <Streams signals=signals statistics=statistics />
                <Present statistics=statistics now=now />
                <section>
                    <h3>{move || text(Key::StatisticsSteps)}</h3>
                    <Steps statistics=statistics now=now />
                </section>
                <CopyReport statistics=statistics />
            </div>
        </aside>
    }
}

/// One measure: its name, what it is now, and the last two minutes. Not there before it was measured.
#[component]
fn Figure(measure: Measure, statistics: RwSignal<Statistics>, now: RwSignal<Moment>) -> impl IntoView {
    let plot = Memo::new(move |_| {
        let now = now.get();
        statistics.with(|all| all.plot(measure, now))
    });
    let present = move || statistics.with(|all| all.present(measure, now.get()));
    let value = move || present().map_or_else(|| "–".to_owned(), |value| measure.text(value));
    let describe = move || {
        let top = plot.with(|plot| measure.text(plot.top));
        let name = text(measure.label());
        text_with(Key::StatisticsPlot, &[("name", name), ("now", &value()), ("top", &top)])
    };
    view! {
        <Show when=move || plot.with(|plot| !plot.lines.is_empty())>
            <li class="figure" data-testid=format!("measure-{}", measure.name())>
                <div class="figure-head">
                    <span>{move || text(measure.label())}</span>
                    <strong>{value}</strong>
                </div>
                <svg viewBox="0 0 240 40" preserveAspectRatio="none" role="img" aria-label=describe>
                    <path d=move || plot.with(|plot| plot.path(240.0, 36.0)) transform="translate(0 2)"></path>
                </svg>
            </li>
        </Show>
    }
}

/// How the effects and the encoder are doing.
#[component]
fn Present(statistics: RwSignal<Statistics>, now: RwSignal<Moment>) -> impl IntoView {
    let effort = Memo::new(move |_| {
        let now = now.get();
        statistics.with(|all| all.effort(now))
    });
    let limitation = Memo::new(move |_| {
        let now = now.get();
        statistics.with(|all| all.limitation(now))
    });
    let row = |name: Key, test_id: &'static str, value: Key| {
        view! {
            <div>
                <dt>{move || text(name)}</dt>
                <dd data-testid=test_id>{move || text(value)}</dd>
            </div>
        }
    };
    view! {
        <dl class="facts">
            {move || effort.get().map(|effort| row(Key::StatisticsEffort, "effort", effort_text(effort)))}
            {move || {
                limitation.get().map(|limit| row(Key::StatisticsLimit, "limitation", limitation_text(limit)))
            }}
        </dl>
    }
}

/// What the governor did, the newest first.
#[component]
fn Steps(statistics: RwSignal<Statistics>, now: RwSignal<Moment>) -> impl IntoView {
    let steps = Memo::new(move |_| {
        statistics.with(|all| all.steps().iter().rev().map(|(at, step)| (at, *step)).collect::<Vec<_>>())
    });
    let line = move |(at, step): (Moment, Step)| {
        view! {
            <li data-testid="step">
                <span class="step-time">{move || ago(now.get().since(at))}</span>
                <span>{step_text(step)}</span>
            </li>
        }
    };
    view! {
        <Show
            when=move || steps.with(|steps| !steps.is_empty())
            fallback=|| view! { <p class="hint">{move || text(Key::StatisticsNoSteps)}</p> }
        >
            <ol class="steps">{move || steps.get().into_iter().map(line).collect_view()}</ol>
        </Show>
    }
}

/// Puts everything into the clipboard, for whoever is asked for help.
#[component]
fn CopyReport(statistics: RwSignal<Statistics>) -> impl IntoView {
    let outcome = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let report = statistics.with_untracked(|all| all.report(session::now()));
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
        <button type="button" class="button quiet wide" data-testid="copy-report" on:click=copy>
            <IconView icon=Icon::Link />
            <span role="status">{label}</span>
        </button>
    }
}

const OUTCOME_SHOWN_FOR: Duration = Duration::from_secs(3);
