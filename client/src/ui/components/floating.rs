use leptos::portal::Portal;
use leptos::prelude::*;

use super::icon::Icon;
use super::round_button::RoundButton;
use super::source_button::SourceButton;
use super::stage::Tiles;
use crate::call::arrangement::{Choice, Mode};
use crate::call::capture_problem::Device;
use crate::session::{LocalMedia, MeetingHandle};
use crate::strings::{Key, text};

/// What the small window over all others shows: who speaks, or the shared screen, and the most needed buttons.
#[component]
pub(crate) fn Floating(meeting: MeetingHandle, media: LocalMedia) -> impl IntoView {
    let stage = meeting.signals.stage;
    on_cleanup(move || stage.close_floating());
    // What is pinned is pinned here, too.
    let choice = Signal::derive(move || Choice { mode: Mode::Speaker, page: 0, ..stage.choice.get() });
    move || {
        let window = stage.floating.get()?;
        Some(view! {
            <Portal mount=window.body()>
                <div class="floating" data-testid="floating">
                    <Tiles signals=meeting.signals media=media choice=choice shown=stage.shown_floating menu=None />
                    <div class="floating-controls" role="toolbar" aria-label=move || text(Key::Controls)>
                        <SourceButton device=Device::Microphone media=media />
                        <SourceButton device=Device::Camera media=media />
                        <RoundButton
                            icon=Icon::Leave
                            label=Signal::derive(move || text(Key::Leave).to_owned())
                            test_id="leave"
                            class="danger"
                            press=move || meeting.leave()
                        />
                    </div>
                </div>
            </Portal>
        })
    }
}
