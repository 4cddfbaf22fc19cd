use leptos::html;
use leptos::prelude::*;

use super::chat_panel::ChatPanel;
use super::control_bar::{OpenParts, Panel};
use super::icon::Icon;
use super::people_panel::PeoplePanel;
use super::round_button::RoundButton;
use crate::session::MeetingHandle;
use crate::strings::{Key, text};

/// People and chat, one behind the other.
#[component]
pub(crate) fn TalkPanel(meeting: MeetingHandle, open: OpenParts) -> impl IntoView {
    let talk = meeting.signals.talk;
    let is_offered = Memo::new(move |_| talk.gathering.with(|gathering| gathering.is_offered));
    let shows_chat = Memo::new(move |_| open.panel.get() == Some(Panel::Chat) && is_offered.get());
    let tabs = [NodeRef::<html::Button>::new(), NodeRef::<html::Button>::new()];
    let show = move |panel: Panel| {
        open.panel.set(Some(panel));
        if let Some(tab) = tabs[usize::from(panel == Panel::Chat)].get_untracked() {
            // The arrow keys move the focus with the choice, as tabs do.
            tab.focus().ok();
        }
    };
    let tab = move |panel: Panel, key: Key, node: NodeRef<html::Button>| {
        let is_shown = move || shows_chat.get() == (panel == Panel::Chat);
        let (id, controls) =
            if panel == Panel::Chat { ("tab-chat", "panel-chat") } else { ("tab-people", "panel-people") };
        view! {
            <button
                type="button"
                role="tab"
                class="tab"
                node_ref=node
                id=id
                aria-selected=move || is_shown().to_string()
                aria-controls=move || is_shown().then_some(controls)
                tabindex=move || if is_shown() { "0" } else { "-1" }
                data-testid=id
                data-part=id
                on:click=move |_| open.panel.set(Some(panel))
                on:keydown=move |event| match event.key().as_str() {
                    "ArrowLeft" | "ArrowRight" => {
                        event.prevent_default();
                        show(if panel == Panel::Chat { Panel::People } else { Panel::Chat });
                    }
                    _ => {}
                }
            >
                {move || text(key)}
            </button>
        }
    };
    let label = move || text(if shows_chat.get() { Key::Chat } else { Key::People });
    view! {
        <aside class="panel talk-panel" aria-label=label data-testid="people">
            <div class="panel-head">
                <Show
                    when=move || is_offered.get()
                    fallback=move || view! { <h2>{move || text(Key::People)}</h2> }
                >
                    <div class="tabs" role="tablist">
                        {tab(Panel::People, Key::People, tabs[0])}
                        {tab(Panel::Chat, Key::Chat, tabs[1])}
                    </div>
                </Show>
                <RoundButton
                    icon=Icon::Close
                    label=Signal::derive(move || text(Key::ClosePanel).to_owned())
                    test_id="close-people"
                    press=move || open.panel.set(None)
                />
            </div>
            <Show
                when=move || shows_chat.get()
                fallback=move || view! { <PeoplePanel meeting=meeting open=open /> }
            >
                <ChatPanel meeting=meeting />
            </Show>
        </aside>
    }
}
