use leptos::prelude::*;
use shared::limits::DENIAL_BYTES_MAX;

use super::avatar::Avatar;
use super::control_bar::{OpenParts, Panel};
use super::dialog::Dialog;
use crate::call::gathering::KnockView;
use crate::session::{Act, MeetingHandle, Moderation};
use crate::strings::{Key, text, text_counted, text_with};

/// Who waits to be let in; nothing while nobody does.
#[component]
pub(crate) fn WaitingList(meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let knocks = Memo::new(move |_| talk.gathering.with(|gathering| gathering.knocks.clone()));
    view! {
        <Show when=move || knocks.with(|knocks| !knocks.is_empty())>
            <section
                class="waiting-list"
                aria-labelledby="waiting-title"
                data-testid="waiting-list"
                data-part="waiting-list"
            >
                <div class="section-head">
                    <h3 id="waiting-title">{move || text(Key::Waiting)}</h3>
                    <Show when=move || knocks.with(|knocks| knocks.len() > 1)>
                        <button
                            type="button"
                            class="button quiet small"
                            data-testid="admit-all"
                            on:click=move |_| meeting.act(Act::Moderate(Moderation::AdmitAll))
                        >
                            {move || text(Key::AdmitAll)}
                        </button>
                    </Show>
                </div>
                <ul>
                    <For each=move || knocks.get() key=|knock| knock.knock let:knock>
                        <Waiter knock=knock meeting=meeting />
                    </For>
                </ul>
            </section>
        </Show>
    }
}

/// One of them.
#[component]
fn Waiter(knock: KnockView, meeting: MeetingHandle) -> impl IntoView {
    let KnockView { knock, name } = knock;
    let asking = RwSignal::new(false);
    let name = StoredValue::new(name);
    let named = move |key| text_with(key, &[("name", &name.read_value())]);
    view! {
        <li class="waiter" data-testid="waiter">
            <Avatar name=name.get_value() />
            <span class="person-name" dir="auto">
                {name.get_value()}
            </span>
            <button
                type="button"
                class="button quiet small"
                aria-label=move || named(Key::DenyPerson)
                data-testid="deny"
                on:click=move |_| asking.set(true)
            >
                {move || text(Key::Deny)}
            </button>
            <button
                type="button"
                class="button primary small"
                aria-label=move || named(Key::AdmitPerson)
                data-testid="admit"
                on:click=move |_| meeting.act(Act::Moderate(Moderation::Admit { knock }))
            >
                {move || text(Key::Admit)}
            </button>
            <Show when=move || asking.get()>
                <DenyQuestion knock=knock name=name meeting=meeting asking=asking />
            </Show>
        </li>
    }
}

/// Asked before somebody is not let in; a sentence can go with it.
#[component]
fn DenyQuestion(
    knock: u32,
    name: StoredValue<String>,
    meeting: MeetingHandle,
    asking: RwSignal<bool>,
) -> impl IntoView {
    let message = RwSignal::new(String::new());
    let close = move || asking.set(false);
    let deny = move || {
        let written = message.get_untracked().trim().to_owned();
        let message = (!written.is_empty()).then(|| cut(&written, DENIAL_BYTES_MAX));
        meeting.act(Act::Moderate(Moderation::Deny { knock, message }));
        close();
    };
    view! {
        <Dialog
            label=Signal::derive(move || text_with(Key::DenyTitle, &[("name", &name.read_value())]))
            test_id="deny-question"
            close=close
        >
            <form
                class="dialog-form"
                on:submit=move |event| {
                    event.prevent_default();
                    deny();
                }
            >
                <label class="field">
                    <span class="field-name">{move || text(Key::DenyMessage)}</span>
                    <input
                        class="input"
                        type="text"
                        autocomplete="off"
                        maxlength=DENIAL_BYTES_MAX
                        placeholder=move || text(Key::DenyPlaceholder)
                        data-testid="deny-message"
                        prop:value=message
                        on:input=move |event| message.set(event_target_value(&event))
                    />
                </label>
                <div class="dialog-actions">
                    <button type="button" class="button plain" data-testid="cancel" on:click=move |_| close()>
                        {move || text(Key::Cancel)}
                    </button>
                    <button type="submit" class="button danger" data-testid="confirm">
                        {move || text(Key::Deny)}
                    </button>
                </div>
            </form>
        </Dialog>
    }
}

/// For hosts, wherever they look: somebody waits.
#[component]
pub(crate) fn KnockBanner(meeting: MeetingHandle, open: OpenParts) -> impl IntoView {
    let talk = meeting.signals.talk;
    let knocks = Memo::new(move |_| talk.gathering.with(|gathering| gathering.knocks.clone()));
    let is_shown = Memo::new(move |_| {
        knocks.with(|knocks| !knocks.is_empty()) && open.panel.get() != Some(Panel::People)
    });
    let sentence = move || {
        knocks.with(|knocks| match &knocks[..] {
            [] => String::new(),
            [one] => text_with(Key::OneKnocks, &[("name", &one.name)]),
            more => text_counted(Key::SomeKnock, more.len() as u64, &[]),
        })
    };
    let admit = move |_| {
        if let Some(knock) = knocks.with_untracked(|knocks| knocks.first().map(|first| first.knock)) {
            meeting.act(Act::Moderate(Moderation::Admit { knock }));
        }
    };
    view! {
        <Show when=move || is_shown.get()>
            <div class="banner knock-banner" data-testid="knock-banner" data-part="knock-banner">
                <span dir="auto">{sentence}</span>
                <Show when=move || knocks.with(|knocks| knocks.len() == 1)>
                    <button type="button" class="button primary" data-testid="banner-admit" on:click=admit>
                        {move || text(Key::Admit)}
                    </button>
                </Show>
                <button
                    type="button"
                    class="button quiet"
                    data-testid="show-waiting"
                    on:click=move |_| open.panel.set(Some(Panel::People))
                >
                    {move || text(Key::ShowWaiting)}
                </button>
            </div>
        </Show>
        <div class="only-spoken" role="status" aria-live="polite" data-part="knock-spoken">
            {sentence}
        </div>
    }
}

/// At most so many bytes, in whole letters.
fn cut(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
