//! The own screen, while it is shared.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::call::screen_share::{ContentHint, ScreenProblem};
use crate::platform::capture::Track;
use crate::platform::screen_capture::{self, SharedCapture};

/// A handle; all copies mean the same screen.
#[derive(Clone, Copy)]
pub(crate) struct SharedScreen {
    /// Its pictures; nothing while it is not shared.
    pub(crate) track: RwSignal<Option<Track>, LocalStorage>,
    /// Its sound, while it has any.
    pub(crate) sound: RwSignal<Option<Track>, LocalStorage>,
    /// What matters about it.
    pub(crate) hint: RwSignal<ContentHint>,
    /// Why the last try failed, until it is told.
    pub(crate) problem: RwSignal<Option<ScreenProblem>>,
    /// How often the person was asked and has answered, be it with nothing.
    pub(crate) answers: RwSignal<u32>,
    is_asking: StoredValue<bool>,
}

impl SharedScreen {
    /// Nothing is shared.
    pub(super) fn new() -> Self {
        Self {
            track: RwSignal::new_local(None),
            sound: RwSignal::new_local(None),
            hint: RwSignal::default(),
            problem: RwSignal::default(),
            answers: RwSignal::default(),
            is_asking: StoredValue::default(),
        }
    }

    /// Whether it is shared now.
    pub(crate) fn is_on(self) -> bool {
        self.track.with(Option::is_some)
    }

    /// Whether the person is being asked what to share.
    pub(crate) fn is_asking(self) -> bool {
        self.is_asking.try_get_value() == Some(true)
    }

    /// Asks what to share, or ends it; to be called from a click.
    pub(crate) fn toggle(self) {
        if self.track.with_untracked(Option::is_some) { self.stop() } else { self.start() }
    }

    /// Others see nothing of it any more.
    pub(crate) fn stop(self) {
        for signal in [self.track, self.sound] {
            if let Some(track) = signal.try_get_untracked().flatten() {
                track.stop();
                signal.try_set(None);
            }
        }
    }

    /// Something else matters from now on.
    pub(crate) fn choose(self, hint: ContentHint) {
        self.hint.set(hint);
        if let Some(track) = self.track.get_untracked() {
            track.set_content_hint(hint.name());
        }
    }

    fn start(self) {
        if self.is_asking.get_value() {
            return;
        }
        self.is_asking.set_value(true);
        let asked = screen_capture::take();
        spawn_local(async move {
            let taken = asked.await;
            if self.is_asking.try_set_value(false).is_some() {
                // The person has left in the meantime.
                if let Ok(SharedCapture { picture, sound }) = taken {
                    picture.stop();
                    sound.iter().for_each(Track::stop);
                }
                return;
            }
            match taken {
                Ok(capture) => self.share(capture),
                Err(problem) => self.problem.set(Some(problem)),
            }
            // After what came of it, so that nobody sees the answer without that.
            self.answers.update(|answers| *answers = answers.wrapping_add(1));
        });
    }

    fn share(self, SharedCapture { picture, sound }: SharedCapture) {
        picture.set_content_hint(self.hint.get_untracked().name());
        let watched = picture.clone();
        // The browser has a button of its own, and a window that is closed ends, too.
        picture.on_ended(move || {
            if self.track.try_get_untracked().flatten() == Some(watched) {
                self.stop();
            }
        });
        self.sound.set(sound);
        self.track.set(Some(picture));
    }
}
