use leptos::prelude::*;

use crate::call::call_view_model::Connection;
use crate::call::capture_problem::Device;
use crate::call::shortcut::{Shortcut, shortcut};
use crate::session::{self, EndReason, LocalMedia, MeetingHandle, Start};
use crate::strings::{Key, text};
use crate::ui::components::{
    BackgroundPanel, Banners, ControlBar, CopyLink, Icon, IconView, OpenParts, Panel, PeoplePanel, Stage,
};

/// The meeting itself.
#[component]
pub(crate) fn Meeting(start: Start, media: LocalMedia, ended: impl Fn(EndReason) + 'static) -> impl IntoView {
    let room = start.room.clone();
    session::set_title(&format!("{room} · {}", text(Key::Product)));
    let link = CopyLink::new(&room);
    let meeting = MeetingHandle::enter(start, media, ended);
    let signals = meeting.signals;
    let open = OpenParts { panel: RwSignal::new(None), devices: RwSignal::new(false) };
    let keys = session::on_key(move |press| {
        match shortcut(press) {
            Some(Shortcut::Microphone) => media.toggle(Device::Microphone),
            Some(Shortcut::Camera) => media.toggle(Device::Camera),
            Some(Shortcut::People) => open.toggle(Panel::People),
            Some(Shortcut::Close) => {
                open.panel.set(None);
                open.devices.set(false);
            }
            None => return false,
        }
        true
    });
    StoredValue::new_local(keys);
    let entered = Memo::new(move |_| signals.view.with(|view| view.entered));
    let alone = Memo::new(move |_| signals.view.with(crate::call::call_view_model::CallView::is_alone));
    let connection = Memo::new(move |_| signals.view.with(|view| view.connection));
    view! {
        <div class="meeting" data-testid="meeting" data-state=move || connection.get().state()>
            <main class="stage">
                <Show
                    when=move || entered.get()
                    fallback=move || view! { <Entering connection=connection.into() /> }
                >
                    <Stage signals=signals media=media />
                </Show>
                <Banners meeting=meeting />
                <Show when=move || alone.get()>
                    <Alone link=link />
                </Show>
            </main>
            <Show when=move || open.panel.get() == Some(Panel::People)>
                <PeoplePanel signals=signals close=move || open.panel.set(None) />
            </Show>
            <Show when=move || open.panel.get() == Some(Panel::Backgrounds)>
                <BackgroundPanel media=media close=move || open.panel.set(None) />
            </Show>
            <ControlBar room=room meeting=meeting media=media link=link open=open />
        </div>
    }
}

/// While the place in the room is being taken.
#[component]
fn Entering(connection: Signal<Connection>) -> impl IntoView {
    let sentence = move || {
        let is_first_try = connection.get() == Connection::Connecting;
        text(if is_first_try { Key::Entering } else { Key::EnteringSlow })
    };
    view! {
        <div class="entering" role="status" data-testid="entering">
            <div class="spinner"></div>
            {sentence}
        </div>
    }
}

/// Nobody else is there: the link, to be sent to somebody.
#[component]
fn Alone(link: CopyLink) -> impl IntoView {
    let label = move || match link.outcome() {
        None => text(Key::CopyLink),
        Some(true) => text(Key::LinkCopied),
        Some(false) => text(Key::CopyFailed),
    };
    view! {
        <section class="alone" data-testid="alone">
            <h2>{text(Key::AloneTitle)}</h2>
            <p>{text(Key::AloneText)}</p>
            <div class="link-line">
                <span data-testid="link">{link.link()}</span>
                <button type="button" class="button primary" on:click=move |_| link.copy()>
                    <IconView icon=Icon::Link />
                    {label}
                </button>
            </div>
        </section>
    }
}
