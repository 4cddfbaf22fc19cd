use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use shared::identity::IdentityError;
use shared::limits::DISPLAY_NAME_CHARS_MAX;
use shared::{DisplayName, MediaState, RoomId};

use crate::call::capture_problem::Device;
use crate::session::{self, EffectsState, LocalMedia, Start};
use crate::strings::{Key, text, text_with};
use crate::ui::components::{
    Avatar, BackgroundPicker, CaptureNotices, DevicePickers, Icon, LevelMeterView, Opens, RoundButton,
    SourceButton, Video, Wordmark,
};

/// How one looks and sounds, and as whom one joins.
#[component]
pub(crate) fn Lobby(room: RoomId, media: LocalMedia, join: impl Fn(Start) + 'static) -> impl IntoView {
    session::set_title(&format!("{room} · {}", text(Key::Product)));
    media.start(MediaState { microphone: true, camera: true, screen: false });
    let name = RwSignal::new(session::recent_name().map(|name| name.as_str().to_owned()).unwrap_or_default());
    let problem = RwSignal::new(None::<String>);
    let backgrounds = RwSignal::new(false);
    let code = room.to_string();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match DisplayName::new(&name.get_untracked()) {
            Ok(name) => {
                session::remember_name(&name);
                join(Start { room: room.clone(), name, media: media.state(), resume: None });
            }
            Err(error) => problem.set(Some(explain(&error))),
        }
    };
    view! {
        <div class="page" data-testid="lobby">
            <header class="top-bar">
                <Wordmark />
            </header>
            <main class="lobby-main">
                <section class="preview-column">
                    <Preview media=media name=name.into() backgrounds=backgrounds />
                    <Show when=move || backgrounds.get()>
                        <section class="preview-backgrounds" aria-label=text(Key::Backgrounds)>
                            <BackgroundPicker media=media />
                        </section>
                    </Show>
                    <div class="preview-devices">
                        <DevicePickers media=media opens=Opens::Down />
                    </div>
                    <CaptureNotices media=media />
                </section>
                <section class="lobby-join">
                    <h1>{text(Key::LobbyTitle)}</h1>
                    <p class="room-line">
                        <span class="room-code" data-testid="room-code">
                            {code}
                        </span>
                    </p>
                    <form class="lobby-form" on:submit=submit novalidate>
                        <label class="field">
                            <span class="field-name">{text(Key::NameField)}</span>
                            <input
                                class="input"
                                type="text"
                                name="name"
                                autocomplete="name"
                                maxlength=DISPLAY_NAME_CHARS_MAX
                                placeholder=text(Key::NamePlaceholder)
                                aria-describedby="name-message"
                                aria-invalid=move || problem.with(Option::is_some).to_string()
                                data-testid="name"
                                prop:value=name
                                on:input=move |event| {
                                    name.set(event_target_value(&event));
                                    problem.set(None);
                                }
                            />
                            <span class="field-message" id="name-message" role="alert" data-testid="name-message">
                                {move || problem.get()}
                            </span>
                        </label>
                        <button type="submit" class="button primary large wide" data-testid="join">
                            {text(Key::Join)}
                        </button>
                    </form>
                    <p class="hint">{text(Key::NobodyAsked)}</p>
                </section>
            </main>
        </div>
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
                    {text(Key::EffectsLoading)}
                </p>
            </Show>
            <div class="preview-controls">
                <SourceButton device=Device::Microphone media=media class="on-picture" />
                <SourceButton device=Device::Camera media=media class="on-picture" />
            </div>
            <div class="preview-extras">
                <RoundButton
                    icon=Icon::Backgrounds
                    label=text(Key::Backgrounds).to_owned()
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

fn explain(error: &IdentityError) -> String {
    match error {
        IdentityError::NameLength { .. } => {
            text_with(Key::NameTooLong, &[("most", &DISPLAY_NAME_CHARS_MAX.to_string())])
        }
        IdentityError::NameControlCharacter => text(Key::NameUnreadable).to_owned(),
        IdentityError::NameEmpty
        | IdentityError::RoomIdLength { .. }
        | IdentityError::RoomIdCharacter { .. }
        | IdentityError::Hexadecimal { .. } => text(Key::NameEmpty).to_owned(),
    }
}
