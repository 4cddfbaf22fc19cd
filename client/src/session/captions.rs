//! Captions: whether the person shows them, and what comes.

use engine::{Input, Moment};
use leptos::prelude::*;
use shared::caption::Caption;

use super::MeetingHandle;
use crate::call::captions::Captions;
use crate::platform::storage::{self, Setting};

/// On or off as the person chose the last time.
pub(super) fn captions() -> RwSignal<Captions> {
    let mut captions = Captions::default();
    captions.switch(storage::setting(Setting::Captions).as_deref() == Some(ON));
    RwSignal::new(captions)
}

/// Somebody says something.
pub(super) fn hear(captions: RwSignal<Captions>, now: Moment, caption: Caption) {
    captions.try_update(|captions| captions.hear(now, caption));
}

/// Lets time pass.
pub(super) fn pass(captions: RwSignal<Captions>, now: Moment, is_inside: bool) {
    captions.try_maybe_update(|captions| (captions.pass(now, is_inside), ()));
}

impl MeetingHandle {
    /// The person switches captions on or off; it is remembered.
    pub(crate) fn toggle_captions(self) {
        let is_on = !self.signals.captions.with_untracked(Captions::is_on);
        storage::keep_setting(Setting::Captions, if is_on { ON } else { OFF });
        self.show_captions(is_on);
    }

    /// Switches captions on or off for this meeting.
    pub(super) fn show_captions(self, is_on: bool) {
        self.signals.captions.try_update(|captions| captions.switch(is_on));
    }

    /// The server sends captions to whoever shows them.
    pub(super) fn follow_captions(self) {
        let captions = self.signals.captions;
        let is_on = Memo::new(move |_| captions.with(Captions::is_on));
        Effect::new(move |_| self.tell(Input::WantCaptions(is_on.get())));
    }
}

/// In the storage.
const ON: &str = "on";
const OFF: &str = "off";
