use leptos::context::Provider;
use leptos::prelude::*;

use crate::call::call_view_model::Connection;
use crate::session::{self, Embedding, EndReason, LocalMedia, MeetingHandle, Start, late};
use crate::strings::{Key, text};
use crate::ui::components::{
    BackgroundPanel, Banners, CaptionArea, ControlBar, CopyLink, Floating, HelpSheet, Icon, IconView,
    Knocking, OpenParts, Panel, PasscodeQuestion, ReactionAnnouncements, Stage, StatisticsPanel, TalkPanel,
    UnmuteQuestion, listen_to_keys,
};

/// Shows the meeting that is begun with a [`Start`]; the last argument is told how it ended.
pub(super) type MeetingView = fn(Start, LocalMedia, Box<dyn Fn(EndReason)>) -> AnyView;

late! {
    /// Waits for the meeting's code.
    pub(super) async fn meeting_view() -> MeetingView {
        |start, media, ended| view! { <Meeting start=start media=media ended=ended /> }.into_any()
    }
}

/// The meeting itself.
#[component]
fn Meeting(start: Start, media: LocalMedia, ended: impl Fn(EndReason) + 'static) -> impl IntoView {
    let room = start.room.clone();
    session::set_title(&format!("{room} · {}", text(Key::Product)));
    let heading = format!("{room}");
    let link = CopyLink::new(&room);
    let meeting = MeetingHandle::enter(start, media, ended);
    let signals = meeting.signals;
    let embedding = expect_context::<Embedding>();
    embedding.meet(meeting);
    let open = OpenParts::nothing();
    listen_to_keys(meeting, media, open);
    Effect::new(move |_| {
        if let Some(wanted) = embedding.panel.get() {
            open.panel.set(wanted.and_then(Panel::of));
        }
    });
    let entered = Memo::new(move |_| signals.view.with(|view| view.entered));
    let alone = Memo::new(move |_| signals.view.with(crate::call::call_view_model::CallView::is_alone));
    let connection = Memo::new(move |_| signals.view.with(|view| view.connection));
    let is_asked = Memo::new(move |_| matches!(connection.get(), Connection::PasscodeNeeded { .. }));
    view! {
        // Gone with the meeting: a lobby that comes after it must not find the signals of a stay that is over.
        <Provider value=signals.talk>
            <div class="meeting" data-testid="meeting" data-state=move || connection.get().state()>
                <main class="stage">
                    <h1 class="only-spoken">{heading}</h1>
                    <Show
                        when=move || entered.get() && !is_asked.get()
                        fallback=move || view! { <Entering meeting=meeting media=media connection=connection.into() /> }
                    >
                        <Stage signals=signals media=media />
                    </Show>
                    <Banners meeting=meeting media=media open=open />
                    <CaptionArea signals=signals />
                    <ReactionAnnouncements signals=signals />
                    <UnmuteQuestion meeting=meeting media=media />
                    <Show when=move || alone.get()>
                        <Alone link=link />
                    </Show>
                </main>
                <Show when=move || matches!(open.panel.get(), Some(Panel::People | Panel::Chat))>
                    <TalkPanel meeting=meeting open=open />
                </Show>
                <Show when=move || open.panel.get() == Some(Panel::Backgrounds)>
                    <BackgroundPanel media=media close=move || open.panel.set(None) />
                </Show>
                <Show when=move || open.panel.get() == Some(Panel::Statistics)>
                    <StatisticsPanel meeting=meeting media=media close=move || open.panel.set(None) />
                </Show>
                <ControlBar room=room meeting=meeting media=media link=link open=open />
                <HelpSheet open=open.help />
                <Floating meeting=meeting media=media />
            </div>
        </Provider>
    }
}

/// While the place in the room is being taken.
#[component]
fn Entering(meeting: MeetingHandle, media: LocalMedia, connection: Signal<Connection>) -> impl IntoView {
    let sentence = move || {
        let is_first_try = connection.get() == Connection::Connecting;
        text(if is_first_try { Key::Entering } else { Key::EnteringSlow })
    };
    move || match connection.get() {
        Connection::Knocking => view! { <Knocking media=media /> }.into_any(),
        Connection::PasscodeNeeded { is_wrong } => {
            view! { <PasscodeQuestion meeting=meeting is_wrong=is_wrong /> }.into_any()
        }
        Connection::Connecting
        | Connection::Connected
        | Connection::MediaInterrupted
        | Connection::Reconnecting { .. }
        | Connection::ServerRestarting
        | Connection::Offline => view! {
            <div class="entering" role="status" data-testid="entering">
                <div class="spinner"></div>
                {sentence}
            </div>
        }
        .into_any(),
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
            <h2>{move || text(Key::AloneTitle)}</h2>
            <p>{move || text(Key::AloneText)}</p>
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
