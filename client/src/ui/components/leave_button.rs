use leptos::prelude::*;

use super::dialog::Dialog;
use super::icon::{Icon, IconView};
use super::round_button::RoundButton;
use crate::session::{Act, MeetingHandle, Moderation};
use crate::strings::{Key, text};

/// Leaves; beside it, hosts can end the meeting for everybody.
#[component]
pub(crate) fn LeaveButton(meeting: MeetingHandle) -> impl IntoView {
    let talk = meeting.signals.talk;
    let is_host = Memo::new(move |_| talk.gathering.with(|gathering| gathering.is_host));
    let (is_open, asking) = (RwSignal::new(false), RwSignal::new(false));
    let close = move || asking.set(false);
    let end = move |_| {
        close();
        meeting.act(Act::Moderate(Moderation::End));
    };
    view! {
        <div class="leave-group menu-anchor" data-split=move || is_host.get().to_string()>
            <RoundButton
                icon=Icon::Leave
                label=Signal::derive(move || text(Key::Leave).to_owned())
                test_id="leave"
                class="danger"
                press=move || meeting.leave()
            />
            <Show when=move || is_host.get()>
                <RoundButton
                    icon=Icon::Chevron
                    label=Signal::derive(move || text(Key::LeaveOrEnd).to_owned())
                    state=Signal::derive(move || if is_open.get() { "open" } else { "closed" })
                    test_id="leave-more"
                    class="danger split"
                    press=move || is_open.update(|is_open| *is_open = !*is_open)
                />
            </Show>
            <Show when=move || is_open.get() && is_host.get()>
                <div class="backdrop" on:click=move |_| is_open.set(false)></div>
                <div class="popover leave-menu">
                    <button type="button" class="button plain wide" on:click=move |_| meeting.leave()>
                        <IconView icon=Icon::Leave />
                        {move || text(Key::Leave)}
                    </button>
                    <button
                        type="button"
                        class="button danger wide"
                        data-testid="end-for-all"
                        on:click=move |_| {
                            is_open.set(false);
                            asking.set(true);
                        }
                    >
                        {move || text(Key::EndForAll)}
                    </button>
                </div>
            </Show>
            <Show when=move || asking.get()>
                <Dialog
                    label=Signal::derive(move || text(Key::EndForAllTitle).to_owned())
                    test_id="end-question"
                    close=close
                >
                    <p>{move || text(Key::EndForAllQuestion)}</p>
                    <div class="dialog-actions">
                        <button type="button" class="button plain" data-testid="cancel" on:click=move |_| close()>
                            {move || text(Key::Cancel)}
                        </button>
                        <button type="button" class="button danger" data-testid="confirm" on:click=end>
                            {move || text(Key::EndForAll)}
                        </button>
                    </div>
                </Dialog>
            </Show>
        </div>
    }
}
