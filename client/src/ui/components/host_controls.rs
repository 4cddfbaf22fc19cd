use leptos::prelude::*;
use shared::limits::PASSCODE_BYTES_MAX;

use super::icon::{Icon, IconView};
use crate::call::gathering::Rule;
use crate::session::{Act, MeetingHandle, Moderation};
use crate::strings::{Key, text};

/// What hosts set and do for everybody at once.
#[component]
pub(crate) fn HostControls(meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let has_hands = Memo::new(move |_| talk.gathering.with(|gathering| !gathering.hands.is_empty()));
    let moderate = move |moderation: Moderation| meeting.act(Act::Moderate(moderation));
    view! {
        <div class="host-actions" data-part="host-actions">
            <button
                type="button"
                class="button plain small"
                data-testid="mute-all"
                on:click=move |_| moderate(Moderation::MuteAll)
            >
                <IconView icon=Icon::MicrophoneOff />
                {move || text(Key::MuteAll)}
            </button>
            <Show when=move || has_hands.get()>
                <button
                    type="button"
                    class="button plain small"
                    data-testid="lower-all-hands"
                    data-part="lower-all-hands"
                    on:click=move |_| moderate(Moderation::LowerAllHands)
                >
                    <IconView icon=Icon::Hand />
                    {move || text(Key::LowerAllHands)}
                </button>
            </Show>
        </div>
        <details class="host-controls" data-part="host-controls">
            <summary data-testid="host-controls">
                <IconView icon=Icon::Lock />
                {move || text(Key::HostControls)}
                <IconView icon=Icon::Chevron class="chevron" />
            </summary>
            {Rule::ALL.into_iter().map(|rule| view! { <RuleSwitch rule=rule meeting=meeting /> }).collect_view()}
            <PasscodeForm meeting=meeting />
        </details>
    }
}

#[component]
fn RuleSwitch(rule: Rule, meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let is_on = Memo::new(move |_| talk.gathering.with(|gathering| rule.is_on(&gathering.wanted_policy)));
    let (name, note, test_id) = describe(rule);
    let set = move |event| {
        let policy = talk
            .gathering
            .with_untracked(|gathering| rule.set(gathering.wanted_policy, event_target_checked(&event)));
        meeting.act(Act::Moderate(Moderation::SetPolicy { policy }));
    };
    view! {
        <label class="switch-line">
            <span>
                <span class="switch-name">{move || text(name)}</span>
                {note.map(|note| view! { <span class="switch-note">{move || text(note)}</span> })}
            </span>
            <input
                type="checkbox"
                role="switch"
                class="switch"
                data-testid=test_id
                prop:checked=is_on
                on:change=set
            />
        </label>
    }
}

const fn describe(rule: Rule) -> (Key, Option<Key>, &'static str) {
    match rule {
        Rule::Locked => (Key::RuleLocked, Some(Key::RuleLockedText), "rule-locked"),
        Rule::WaitingRoom => (Key::RuleWaitingRoom, Some(Key::RuleWaitingRoomText), "rule-waiting-room"),
        Rule::Share => (Key::RuleShare, None, "rule-share"),
        Rule::Chat => (Key::RuleChat, None, "rule-chat"),
        Rule::Unmute => (Key::RuleUnmute, None, "rule-unmute"),
    }
}

/// Sets the passcode, or takes it away.
#[component]
fn PasscodeForm(meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let has_passcode = Memo::new(move |_| talk.gathering.with(|gathering| gathering.has_passcode));
    let passcode = RwSignal::new(String::new());
    let is_usable =
        move || passcode.with(|passcode| !passcode.trim().is_empty() && passcode.len() <= PASSCODE_BYTES_MAX);
    let set =
        move |passcode: Option<String>| meeting.act(Act::Moderate(Moderation::SetPasscode { passcode }));
    view! {
        <form
            class="passcode-form"
            on:submit=move |event| {
                event.prevent_default();
                if is_usable() {
                    set(Some(passcode.get_untracked().trim().to_owned()));
                    passcode.set(String::new());
                }
            }
        >
            <label class="field">
                <span class="field-name">{move || text(Key::Passcode)}</span>
                <span class="passcode-line">
                    <input
                        class="input"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        maxlength=PASSCODE_BYTES_MAX
                        aria-describedby="passcode-note"
                        data-testid="set-passcode-field"
                        prop:value=passcode
                        on:input=move |event| passcode.set(event_target_value(&event))
                    />
                    <button
                        type="submit"
                        class="button plain"
                        disabled=move || !is_usable()
                        data-testid="set-passcode"
                    >
                        {move || text(Key::SetPasscode)}
                    </button>
                </span>
            </label>
            <p class="hint" id="passcode-note" data-testid="passcode-note" data-state=move || has_passcode.get().to_string()>
                {move || text(if has_passcode.get() { Key::PasscodeSet } else { Key::PasscodeText })}
            </p>
            <Show when=move || has_passcode.get()>
                <button
                    type="button"
                    class="button quiet small"
                    data-testid="remove-passcode"
                    on:click=move |_| set(None)
                >
                    {move || text(Key::RemovePasscode)}
                </button>
            </Show>
        </form>
    }
}
