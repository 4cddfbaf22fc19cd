use leptos::prelude::*;
use shared::PeerId;

use super::control_bar::OpenParts;
use super::host_controls::HostControls;
use super::person_row::PersonRow;
use super::waiting_list::WaitingList;
use crate::call::people::listed;
use crate::session::MeetingHandle;
use crate::strings::{Key, text};

/// Everybody in the room, and for hosts who waits outside and what the rules are.
#[component]
pub(crate) fn PeoplePanel(meeting: MeetingHandle, open: OpenParts) -> impl IntoView {
    let signals = meeting.signals;
    let talk = signals.talk;
    let search = RwSignal::new(String::new());
    let menu = RwSignal::new(None::<PeerId>);
    let found = Memo::new(move |_| {
        let gathering = talk.gathering.get();
        let people = signals.view.with(|view| search.with(|search| listed(&view.tiles, &gathering, search)));
        people.into_iter().map(|tile| tile.peer).collect::<Vec<_>>()
    });
    let is_host = Memo::new(move |_| talk.gathering.with(|gathering| gathering.is_host));
    view! {
        <div class="people-panel" role="tabpanel" id="panel-people" aria-labelledby="tab-people">
            <WaitingList meeting=meeting />
            <Show when=move || is_host.get()>
                <HostControls meeting=meeting />
            </Show>
            <div class="people-search">
                <input
                    class="input"
                    type="search"
                    autocomplete="off"
                    placeholder=move || text(Key::SearchPeople)
                    aria-label=move || text(Key::SearchPeople)
                    data-testid="search-people"
                    prop:value=search
                    on:input=move |event| search.set(event_target_value(&event))
                />
            </div>
            <ul class="people">
                <For each=move || found.get() key=|peer| *peer let:peer>
                    <PersonRow peer=peer meeting=meeting open=open menu=menu />
                </For>
            </ul>
            <p class="people-none" role="status">
                {move || found.with(Vec::is_empty).then(|| text(Key::NobodyFound))}
            </p>
        </div>
    }
}
