//! What the own devices bring about in a meeting.

use engine::Input;
use leptos::prelude::*;
use shared::SourceKind;

use super::{LocalMedia, MeetingHandle, muted_watch};
use crate::call::capture_problem::Device;
use crate::call::toasts::{ToastAction, Toasts, Tone};
use crate::platform::clock;
use crate::strings::text;

impl MeetingHandle {
    /// What is shared is announced and sent, and what went wrong is told.
    pub(super) fn follow_screen(self, local: LocalMedia) {
        let screen = local.screen;
        let is_on = Memo::new(move |_| screen.is_on());
        Effect::new(move |_| self.tell(Input::SetScreen(is_on.get())));
        Effect::new(move |_| {
            screen.track.track();
            // The sender reads it off the track.
            screen.hint.track();
            self.replace_track(SourceKind::Screen);
        });
        Effect::new(move |_| {
            screen.sound.track();
            self.replace_track(SourceKind::ScreenAudio);
        });
        Effect::new(move |_| {
            let Some(problem) = screen.problem.get() else { return };
            screen.problem.set(None);
            if let Some(key) = problem.text() {
                let sentence = text(key).to_owned();
                self.signals.toasts.update(|toasts| toasts.show(clock::now(), sentence, Tone::Warning));
            }
        });
    }

    /// What is plugged in is offered, what is gone is told, and so is speaking while nobody hears it.
    pub(super) fn follow_devices(self, local: LocalMedia) {
        let toasts = self.signals.toasts;
        Effect::new(move |before: Option<()>| {
            let news = local.news.get();
            if news.is_empty() {
                return;
            }
            local.news.set(Vec::new());
            // What happened before the meeting is seen in the lobby.
            if before.is_some() {
                toasts
                    .update(|toasts| news.into_iter().for_each(|one| toasts.tell_devices(clock::now(), one)));
            }
        });
        muted_watch::watch(local, move || {
            toasts.try_update(|toasts| toasts.tell_muted(clock::now()));
        });
        Effect::new(move |_| {
            if local.microphone.with(|state| state.on) {
                toasts.update(Toasts::forget_muted);
            }
        });
    }

    /// Does what the button of a message says.
    pub(crate) fn act_on_toast(self, local: LocalMedia, number: u32, action: ToastAction) {
        self.signals.toasts.update(|toasts| toasts.dismiss(number));
        match action {
            ToastAction::UseDevices(parts) => {
                for (kind, id) in parts {
                    local.choose(kind, id);
                }
            }
            ToastAction::Unmute => local.set(Device::Microphone, true),
        }
    }
}
