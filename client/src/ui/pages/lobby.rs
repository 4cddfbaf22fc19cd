use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use shared::identity::IdentityError;
use shared::limits::DISPLAY_NAME_CHARS_MAX;
use shared::{DisplayName, RoomId};

use crate::call::capture_problem::Device;
use crate::session::{self, Draft, EffectsState, Embedding, LocalMedia, Start, late};
use crate::strings::{Key, text, text_with, whole_number};
use crate::ui::components::{
    Avatar, BackgroundPicker, CaptureNotices, CheckUp, DevicePickers, Icon, LanguageSwitch, Late, LateView,
    LevelMeterView, NetworkNotice, NoiseControl, Opens, RoundButton, SourceButton, Video, Wordmark,
};

/// How one looks and sounds, and as whom one joins.
#[component]
pub(crate) fn Lobby(room: RoomId, media: LocalMedia, join: impl Fn(Start) + 'static) -> impl IntoView {
    session::set_title(&format!("{room} · {}", text(Key::Product)));
    let embedding = expect_context::<Embedding>();
    media.start(embedding.first_media());
    let known =
        || embedding.display_name().or_else(session::recent_name).map(|name| name.as_str().to_owned());
    let name = RwSignal::new(session::draft(Draft::Name).or_else(known).unwrap_or_default());
    let problem = RwSignal::new(None::<Key>);
    let most = move || whole_number(DISPLAY_NAME_CHARS_MAX as u64);
    let message = move || problem.get().map(|key| text_with(key, &[("most", &most())]));
    let backgrounds = RwSignal::new(false);
    let code = room.to_string();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match DisplayName::new(&name.get_untracked()) {
            Ok(name) => {
                session::remember_name(&name);
                session::keep_draft(Draft::Name, "");
                join(Start { room: room.clone(), name, media: media.state(), resume: None });
            }
            Err(error) => problem.set(Some(explain(&error))),
        }
    };
    view! {
        <div class="page" data-testid="lobby">
            <header class="top-bar">
                <Wordmark />
                <LanguageSwitch />
            </header>
            <main class="lobby-main">
                <section class="preview-column">
                    <Preview media=media name=name.into() backgrounds=backgrounds />
                    <Show when=move || backgrounds.get()>
                        <section class="preview-backgrounds" aria-label=move || text(Key::Backgrounds)>
                            <Late view=backgrounds_view() media=media />
                        </section>
                    </Show>
                    <div class="preview-devices">
                        <DevicePickers media=media opens=Opens::Down />
                    </div>
                    <NoiseControl media=media />
                    <CaptureNotices media=media />
                </section>
                <section class="lobby-join">
                    <h1>{move || text(Key::LobbyTitle)}</h1>
                    <p class="room-line">
                        <span class="room-code" data-testid="room-code">
                            {code}
                        </span>
                    </p>
                    <NetworkNotice />
                    <form class="lobby-form" on:submit=submit novalidate>
                        <label class="field">
                            <span class="field-name">{move || text(Key::NameField)}</span>
                            <input
                                class="input"
                                type="text"
                                name="name"
                                autocomplete="name"
                                maxlength=DISPLAY_NAME_CHARS_MAX
                                placeholder=move || text(Key::NamePlaceholder)
                                aria-describedby="name-message"
                                aria-invalid=move || problem.with(Option::is_some).to_string()
                                data-testid="name"
                                prop:value=name
                                on:input=move |event| {
                                    let written = event_target_value(&event);
                                    session::keep_draft(Draft::Name, &written);
                                    name.set(written);
                                    problem.set(None);
                                }
                            />
                            <span class="field-message" id="name-message" role="alert" data-testid="name-message">
                                {message}
                            </span>
                        </label>
                        <button type="submit" class="button primary large wide" data-testid="join">
                            {move || text(Key::Join)}
                        </button>
                    </form>
                    <p class="hint">{move || text(Key::NobodyAsked)}</p>
                    <CheckUp media=media />
                </section>
            </main>
        </div>
    }
}

late! {
    /// Waits for the code of the backgrounds.
    async fn backgrounds_view() -> LateView {
        |media| view! { <BackgroundPicker media=media /> }.into_any()
    }
}

#[component]
fn Preview(media: LocalMedia, name: Signal<String>, backgrounds: RwSignal<bool>) -> impl IntoView {
    let is_starting = Memo::new(move |_| media.microphone.get().starting || media.camera.get().starting);
    let shows_picture = Memo::new(move |_| media.camera.get().on);
    let hint = move || text(if is_starting.get() { Key::Starting } else { Key::CameraIsOff });
    view! {
        <div class="preview" data-testid="preview" data-state=move || media.camera.get().state()>
            <Show
                when=move || shows_picture.get()
                fallback=move || {
                    view! {
                        <div class="preview-empty">
                            <Avatar name=name />
                            <p>{hint}</p>
                        </div>
                    }
                }
            >
                <Video picture=media.sent_camera.picture mirrored=true />
            </Show>
            <Show when=move || media.sent_camera.effects.get() == EffectsState::Loading>
                <p class="preview-wait">
                    <span class="spinner"></span>
                    {move || text(Key::EffectsLoading)}
                </p>
            </Show>
            <div class="preview-controls">
                <SourceButton device=Device::Microphone media=media class="on-picture" />
                <SourceButton device=Device::Camera media=media class="on-picture" />
            </div>
            <div class="preview-extras">
                <RoundButton
                    icon=Icon::Backgrounds
                    label=Signal::derive(move || text(Key::Backgrounds).to_owned())
                    state=Signal::derive(move || if backgrounds.get() { "open" } else { "closed" })
                    test_id="toggle-backgrounds"
                    class="on-picture"
                    press=move || backgrounds.update(|is_open| *is_open = !*is_open)
                />
            </div>
            <div class="preview-meter">
                <LevelMeterView media=media />
            </div>
        </div>
    }
}

fn explain(error: &IdentityError) -> Key {
    match error {
        IdentityError::NameLength { .. } => Key::NameTooLong,
        IdentityError::NameControlCharacter => Key::NameUnreadable,
        IdentityError::NameEmpty
        | IdentityError::RoomIdLength { .. }
        | IdentityError::RoomIdCharacter { .. }
        | IdentityError::Hexadecimal { .. } => Key::NameEmpty,
    }
}
