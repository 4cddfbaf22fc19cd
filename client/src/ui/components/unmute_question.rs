use leptos::prelude::*;
use shared::SourceKind;

use super::dialog::Dialog;
use crate::call::capture_problem::Device;
use crate::session::{LocalMedia, MeetingHandle};
use crate::strings::{Key, text, text_with};

/// A host asks the person to switch something on; only the person can.
#[component]
pub(crate) fn UnmuteQuestion(meeting: MeetingHandle, media: LocalMedia) -> impl IntoView {
    let asked = meeting.signals.talk.asked;
    move || {
        let (kind, by) = asked.get()?;
        let (device, by_name, by_host, yes, no) = match kind {
            SourceKind::Microphone => (
                Device::Microphone,
                Key::AskedToUnmuteBy,
                Key::AskedToUnmute,
                Key::UnmuteMicrophone,
                Key::StayMuted,
            ),
            SourceKind::Camera => (
                Device::Camera,
                Key::AskedToStartCameraBy,
                Key::AskedToStartCamera,
                Key::StartCamera,
                Key::StayUnseen,
            ),
            // Nobody is asked to share: what would be shared is for the person to choose.
            SourceKind::Screen | SourceKind::ScreenAudio => return None,
        };
        let label = move || match &by {
            Some(name) => text_with(by_name, &[("name", name)]),
            None => text(by_host).to_owned(),
        };
        let close = move || asked.set(None);
        let switch_on = move |_| {
            media.set(device, true);
            close();
        };
        Some(view! {
            <Dialog label=Signal::derive(label) test_id="unmute-question" close=close>
                <p>{move || text(Key::AskedText)}</p>
                <div class="dialog-actions">
                    <button type="button" class="button plain" data-testid="stay-muted" on:click=move |_| close()>
                        {move || text(no)}
                    </button>
                    <button type="button" class="button primary" data-testid="unmute" on:click=switch_on>
                        {move || text(yes)}
                    </button>
                </div>
            </Dialog>
        })
    }
}
