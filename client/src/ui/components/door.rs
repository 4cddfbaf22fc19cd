use leptos::html;
use leptos::prelude::*;
use shared::limits::PASSCODE_BYTES_MAX;

use super::video::Video;
use crate::session::{LocalMedia, MeetingHandle};
use crate::strings::{Key, text};

/// While a host is asked to let the person in: how they will be seen, and that it may take a while.
#[component]
pub(crate) fn Knocking(media: LocalMedia) -> impl IntoView {
    let shows_picture = Memo::new(move |_| media.camera.get().on);
    view! {
        <section class="door" data-testid="knocking">
            <div class="door-preview">
                <Show
                    when=move || shows_picture.get()
                    fallback=move || view! { <p>{move || text(Key::CameraIsOff)}</p> }
                >
                    <Video picture=media.sent_camera.picture mirrored=true />
                </Show>
            </div>
            <div role="status">
                <h1>{move || text(Key::KnockingTitle)}</h1>
                <p>{move || text(Key::KnockingText)}</p>
            </div>
            <div class="spinner" aria-hidden="true"></div>
        </section>
    }
}

/// The question for the passcode.
#[component]
pub(crate) fn PasscodeQuestion(
    meeting: MeetingHandle,
    #[prop(into)] is_wrong: Signal<bool>,
) -> impl IntoView {
    let passcode = RwSignal::new(String::new());
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            field.focus().ok();
        }
    });
    let is_changed = RwSignal::new(false);
    let shows_wrong = move || is_wrong.get() && !is_changed.get();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let given = passcode.get_untracked();
        if !given.trim().is_empty() {
            is_changed.set(false);
            meeting.give_passcode(given.trim().to_owned());
        }
    };
    view! {
        <section class="door" data-testid="passcode-question">
            <h1>{move || text(Key::PasscodeTitle)}</h1>
            <p>{move || text(Key::PasscodeQuestion)}</p>
            <form class="door-form" on:submit=submit novalidate>
                <label class="field">
                    <span class="field-name">{move || text(Key::Passcode)}</span>
                    <input
                        class="input"
                        type="password"
                        autocomplete="off"
                        maxlength=PASSCODE_BYTES_MAX
                        node_ref=field
                        aria-describedby="passcode-message"
                        aria-invalid=move || shows_wrong().to_string()
                        data-testid="passcode"
                        prop:value=passcode
                        on:input=move |event| {
                            passcode.set(event_target_value(&event));
                            is_changed.set(true);
                        }
                    />
                    <span class="field-message" id="passcode-message" role="alert" data-testid="passcode-message">
                        {move || shows_wrong().then(|| text(Key::PasscodeWrong))}
                    </span>
                </label>
                <button type="submit" class="button primary large wide" data-testid="give-passcode">
                    {move || text(Key::Join)}
                </button>
            </form>
        </section>
    }
}
