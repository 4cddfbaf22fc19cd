use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::app::Navigation;
use crate::call::invitation::{InvitationError, read_invitation};
use crate::route::Route;
use crate::session::{self, Draft};
use crate::strings::{Key, text, text_with};
use crate::ui::components::{Avatar, Icon, IconView, LanguageSwitch, NetworkNotice, Wordmark};

/// Creates a meeting or opens one.
#[component]
pub(crate) fn Home() -> impl IntoView {
    session::set_title(text(Key::Product));
    let navigation = expect_context::<Navigation>();
    let creating = RwSignal::new(false);
    let invitation = RwSignal::new(session::draft(Draft::Invitation).unwrap_or_default());
    let problem = RwSignal::new(None::<Key>);
    let create = move |_| {
        if creating.get_untracked() {
            return;
        }
        creating.set(true);
        problem.set(None);
        spawn_local(async move {
            let created = session::create_room().await;
            creating.try_set(false);
            match created {
                Some(room) => navigation.go(Route::Room(room)),
                None => drop(problem.try_set(Some(Key::CreateFailed))),
            }
        });
    };
    let open = move |event: SubmitEvent| {
        event.prevent_default();
        match read_invitation(&invitation.get_untracked(), &session::host()) {
            Ok(room) => {
                session::keep_draft(Draft::Invitation, "");
                navigation.go(Route::Room(room));
            }
            Err(InvitationError::Empty) => problem.set(Some(Key::InvitationEmpty)),
            Err(InvitationError::OtherServer) => problem.set(Some(Key::InvitationOtherServer)),
            Err(InvitationError::NotAnInvitation) => problem.set(Some(Key::InvitationUnreadable)),
        }
    };
    let greeting = session::recent_name().map(|name| {
        let name = name.as_str().to_owned();
        let seen_as = name.clone();
        let sentence = move || text_with(Key::SeenAs, &[("name", &seen_as)]);
        view! {
            <p class="home-greeting" data-testid="recent-name">
                <Avatar name=name />
                {sentence}
            </p>
        }
    });
    view! {
        <div class="page" data-testid="home">
            <header class="top-bar">
                <Wordmark />
                <LanguageSwitch />
            </header>
            <main class="home-main">
                <section>
                    {greeting} <h1 class="display">{move || text(Key::HomeTitle)}</h1>
                    <p class="lead">{move || text(Key::HomeLead)}</p>
                    <div class="home-actions">
                        <button
                            type="button"
                            class="button primary large"
                            data-testid="new-meeting"
                            disabled=move || creating.get()
                            on:click=create
                        >
                            <IconView icon=Icon::Plus />
                            {move || text(if creating.get() { Key::CreatingMeeting } else { Key::NewMeeting })}
                        </button>
                        <form class="open-form" on:submit=open novalidate>
                            <input
                                class="input"
                                type="text"
                                name="invitation"
                                autocomplete="off"
                                autocapitalize="none"
                                spellcheck="false"
                                placeholder=move || text(Key::InvitationField)
                                aria-label=move || text(Key::InvitationField)
                                aria-describedby="home-message"
                                data-testid="invitation"
                                prop:value=invitation
                                on:input=move |event| {
                                    let written = event_target_value(&event);
                                    session::keep_draft(Draft::Invitation, &written);
                                    invitation.set(written);
                                    problem.set(None);
                                }
                            />
                            <button type="submit" class="button quiet" data-testid="open-meeting">
                                {move || text(Key::OpenMeeting)}
                            </button>
                        </form>
                    </div>
                    <p class="home-message" id="home-message" role="alert" data-testid="home-message">
                        {move || problem.get().map(text)}
                    </p>
                    <NetworkNotice />
                </section>
                <figure class="home-picture">
                    <Drawing />
                </figure>
            </main>
            <footer class="page-foot">{move || text(Key::HomeFoot)}</footer>
        </div>
    }
}

/// Two people in two windows, facing each other.
#[component]
fn Drawing() -> impl IntoView {
    view! {
        <svg class="drawing" viewBox="0 0 560 460" role="img" aria-label=move || text(Key::HomeDrawing)>
            <g class="pane left">
                <rect class="left-ground" x="24" y="36" width="320" height="232" rx="28" />
                <circle class="left-face" cx="176" cy="128" r="46" />
                <path class="left-face cut" d="M92 268c0-52 36-82 84-82s84 30 84 82z" />
                <path class="wave" d="M290 70v20M304 60v40M318 72v16" />
            </g>
            <g class="pane right">
                <rect class="gap" x="206" y="182" width="340" height="252" rx="38" />
                <rect class="right-ground" x="216" y="192" width="320" height="232" rx="28" />
                <circle class="right-face" cx="384" cy="284" r="46" />
                <path class="right-face cut" d="M300 424c0-52 36-82 84-82s84 30 84 82z" />
            </g>
            <g class="pill">
                <rect class="pane-back" x="66" y="330" width="124" height="60" rx="30" />
                <circle class="dot" cx="98" cy="360" r="13" />
                <circle class="dot" cx="128" cy="360" r="13" />
                <circle class="dot-strong" cx="158" cy="360" r="13" />
            </g>
        </svg>
    }
}
