use leptos::prelude::*;
use shared::PeerId;

use super::avatar::Avatar;
use super::control_bar::{OpenParts, Panel};
use super::dialog::Dialog;
use super::icon::{Icon, IconView};
use super::quality_bars::QualityBars;
use crate::call::people::{PersonAction, actions};
use crate::session::{Act, MeetingHandle};
use crate::strings::{Key, text, text_with};

/// One person in the list, with what can be done about them.
#[component]
pub(crate) fn PersonRow(
    peer: PeerId,
    meeting: MeetingHandle,
    open: OpenParts,
    menu: RwSignal<Option<PeerId>>,
) -> impl IntoView {
    let signals = meeting.signals;
    let talk = signals.talk;
    // Who is gone keeps their last state until the row is taken away.
    let tile = Memo::new(move |before: Option<&Option<_>>| {
        signals.view.with(|view| view.tile(peer).cloned()).or_else(|| before.cloned().flatten())
    });
    let name =
        Memo::new(move |_| tile.with(|tile| tile.as_ref().map(|tile| tile.name.clone())).unwrap_or_default());
    let flag = move |read: fn(&crate::call::tiles::TileView) -> bool| {
        Memo::new(move |_| tile.with(|tile| tile.as_ref().is_some_and(read)))
    };
    let (is_self, microphone, camera) =
        (flag(|tile| tile.is_self), flag(|tile| tile.microphone), flag(|tile| tile.camera));
    let speaking = flag(|tile| tile.speaking);
    let hand = Memo::new(move |_| talk.gathering.with(|gathering| gathering.hand(peer)));
    let possible = Memo::new(move |_| {
        tile.with(|tile| {
            tile.as_ref()
                .map(|tile| talk.gathering.with(|gathering| actions(tile, gathering)))
                .unwrap_or_default()
        })
    });
    let question = RwSignal::new(None::<PersonAction>);
    let act = move |action: PersonAction| {
        menu.set(None);
        match action {
            PersonAction::Write => {
                talk.recipient.set(Some(peer));
                open.panel.set(Some(Panel::Chat));
            }
            PersonAction::Remove | PersonAction::Ban => question.set(Some(action)),
            PersonAction::Mute
            | PersonAction::AskToUnmute
            | PersonAction::StopCamera
            | PersonAction::AskToStartCamera
            | PersonAction::LowerHand
            | PersonAction::MakeHost
            | PersonAction::MakeGuest => {
                if let Some(moderation) = action.moderation(peer) {
                    meeting.act(Act::Moderate(moderation));
                }
            }
        }
    };
    let is_open = Memo::new(move |_| menu.get() == Some(peer) && possible.with(|all| !all.is_empty()));
    let roles = move || {
        let leads = talk.gathering.with(|gathering| gathering.leads(peer));
        let roles = [is_self.get().then(|| text(Key::You)), leads.then(|| text(Key::Host))];
        roles.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    };
    let state = move || {
        let off = [
            (!microphone.get()).then(|| text(Key::MicrophoneOff)),
            (!camera.get()).then(|| text(Key::CameraOff)),
        ];
        off.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let source = move |on: Memo<bool>, shown: Icon, hidden: Icon| {
        view! {
            <span data-off=move || (!on.get()).to_string()>
                <IconView icon=Signal::derive(move || if on.get() { shown } else { hidden }) />
            </span>
        }
    };
    let toggle = move |_| menu.update(|open| *open = if *open == Some(peer) { None } else { Some(peer) });
    view! {
        <li
            class="person-item"
            data-testid="person"
            data-peer=peer.to_string()
            data-speaking=move || speaking.get().to_string()
            data-hand=move || hand.get()
            on:keydown=move |event| {
                if event.key() == "Escape" && is_open.get_untracked() {
                    event.stop_propagation();
                    menu.set(None);
                }
            }
        >
            <div class="person">
                <Avatar name=name />
                <span class="person-name">
                    <span dir="auto">{name}</span>
                    <span class="person-note">{roles}</span>
                </span>
                {move || hand.get().map(|number| view! { <HandMark number=number /> })}
                <QualityBars peer=peer signals=signals />
                <span class="only-spoken">{state}</span>
                {source(microphone, Icon::Microphone, Icon::MicrophoneOff)}
                {source(camera, Icon::Camera, Icon::CameraOff)}
                <Show when=move || possible.with(|all| !all.is_empty())>
                    <button
                        type="button"
                        class="person-more"
                        aria-label=move || text_with(Key::ActionsFor, &[("name", &name.read())])
                        aria-expanded=move || is_open.get().to_string()
                        data-testid="person-menu"
                        on:click=toggle
                    >
                        <IconView icon=Icon::Dots />
                    </button>
                </Show>
            </div>
            <Show when=move || is_open.get()>
                <ul class="person-actions">
                    <For each=move || possible.get() key=|action| action.name() let:action>
                        <li>
                            <button
                                type="button"
                                class="person-action"
                                data-danger=matches!(action, PersonAction::Remove | PersonAction::Ban).to_string()
                                data-testid=action.name()
                                data-part=action.name()
                                on:click=move |_| act(action)
                            >
                                {move || text(action.text())}
                            </button>
                        </li>
                    </For>
                </ul>
            </Show>
            {move || {
                let action = question.get()?;
                Some(view! { <RemoveQuestion action=action peer=peer name=name meeting=meeting question=question /> })
            }}
        </li>
    }
}

/// Asked before somebody is sent out.
#[component]
fn RemoveQuestion(
    action: PersonAction,
    peer: PeerId,
    name: Memo<String>,
    meeting: MeetingHandle,
    question: RwSignal<Option<PersonAction>>,
) -> impl IntoView {
    let (title, sentence) = if action == PersonAction::Ban {
        (Key::BanTitle, Key::BanText)
    } else {
        (Key::RemoveTitle, Key::RemoveText)
    };
    let close = move || question.set(None);
    let confirm = move |_| {
        if let Some(moderation) = action.moderation(peer) {
            meeting.act(Act::Moderate(moderation));
        }
        close();
    };
    view! {
        <Dialog
            label=Signal::derive(move || text_with(title, &[("name", &name.read())]))
            test_id="remove-question"
            close=close
        >
            <p>{move || text(sentence)}</p>
            <div class="dialog-actions">
                <button type="button" class="button plain" data-testid="cancel" on:click=move |_| close()>
                    {move || text(Key::Cancel)}
                </button>
                <button type="button" class="button danger" data-testid="confirm" on:click=confirm>
                    {move || text(action.text())}
                </button>
            </div>
        </Dialog>
    }
}

/// A raised hand and its place in the order.
#[component]
pub(crate) fn HandMark(number: usize) -> impl IntoView {
    view! {
        <span
            class="hand-mark"
            role="img"
            aria-label=move || text_with(Key::HandNumber, &[("number", &number.to_string())])
            data-testid="hand-mark"
            data-part="hand-mark"
        >
            <IconView icon=Icon::Hand />
            <span aria-hidden="true">{number}</span>
        </span>
    }
}
