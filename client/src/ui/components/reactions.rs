use leptos::prelude::*;
use shared::PeerId;

use super::icon::Icon;
use super::person_row::HandMark;
use super::quality_bars::QualityBars;
use super::round_button::RoundButton;
use crate::call::call_view_model::Signal as Bars;
use crate::call::reactions::{REACTIONS, sign};
use crate::session::{Act, MeetingHandle, MeetingSignals};
use crate::strings::{Key, text, text_with};

/// The button with the bar of signs.
#[component]
pub(crate) fn ReactionButton(meeting: MeetingHandle, is_open: RwSignal<bool>) -> impl IntoView {
    let state = Signal::derive(move || if is_open.get() { "open" } else { "closed" });
    view! {
        <div class="menu-anchor">
            <RoundButton
                icon=Icon::Smile
                label=Signal::derive(move || text(Key::Reactions).to_owned())
                state=state
                test_id="reactions"
                press=move || is_open.update(|is_open| *is_open = !*is_open)
            />
            <Show when=move || is_open.get()>
                <div class="backdrop" on:click=move |_| is_open.set(false)></div>
                <div class="popover reaction-bar" role="toolbar" aria-label=move || text(Key::Reactions)>
                    {REACTIONS
                        .into_iter()
                        .map(|reaction| {
                            let (drawing, name) = sign(reaction);
                            view! {
                                <button
                                    type="button"
                                    class="reaction"
                                    aria-label=move || text(name)
                                    title=move || text(name)
                                    data-testid="reaction"
                                    on:click=move |_| meeting.act(Act::React(reaction))
                                >
                                    {drawing}
                                </button>
                            }
                        })
                        .collect_view()}
                </div>
            </Show>
        </div>
    }
}

/// Raises the hand, or takes it down.
#[component]
pub(crate) fn HandButton(meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let is_raised = Memo::new(move |_| talk.gathering.with(|gathering| gathering.is_hand_raised));
    let label = move || text(if is_raised.get() { Key::LowerHand } else { Key::RaiseHand }).to_owned();
    view! {
        <RoundButton
            icon=Icon::Hand
            label=Signal::derive(label)
            state=Signal::derive(move || if is_raised.get() { "raised" } else { "lowered" })
            test_id="toggle-hand"
            press=move || meeting.act(Act::RaiseHand(!is_raised.get_untracked()))
        />
    }
}

/// What lies over a tile: a raised hand, signs that float away, and a weak connection.
#[component]
pub(crate) fn TileMarks(peer: PeerId, signals: MeetingSignals) -> impl IntoView {
    let talk = signals.talk;
    let hand = Memo::new(move |_| talk.gathering.with(|gathering| gathering.hand(peer)));
    let floating = Memo::new(move |_| talk.reactions.with(|reactions| reactions.of(peer)));
    let is_weak = Memo::new(move |_| talk.reception.with(|reception| reception.of(peer)) == Some(Bars::Weak));
    view! {
        <div class="tile-marks">
            {move || hand.get().map(|number| view! { <HandMark number=number /> })}
            <Show when=move || is_weak.get()>
                <span class="tile-quality">
                    <QualityBars peer=peer signals=signals />
                </span>
            </Show>
        </div>
        <div class="tile-signs" aria-hidden="true" data-part="reaction-signs">
            <For each=move || floating.get() key=|one| one.number let:one>
                <span
                    class="floating-sign"
                    data-testid="floating-sign"
                    style=format!("--lane: {}", one.number % LANES)
                >
                    {sign(one.reaction).0}
                </span>
            </For>
        </div>
    }
}

/// Says who reacted, politely.
#[component]
pub(crate) fn ReactionAnnouncements(signals: MeetingSignals) -> impl IntoView {
    let said = move || {
        let newest = signals.talk.reactions.with(crate::call::reactions::Reactions::newest)?;
        let name = signals.view.with(|view| view.tile(newest.peer).map(|tile| tile.name.clone()))?;
        Some(text_with(Key::Reacted, &[("name", &name), ("reaction", text(sign(newest.reaction).1))]))
    };
    view! {
        <div
            class="only-spoken"
            role="status"
            aria-live="polite"
            data-testid="reactions-spoken"
            data-part="reactions-spoken"
        >
            {said}
        </div>
    }
}

/// Signs that come one after the other do not cover each other.
const LANES: u32 = 5;
