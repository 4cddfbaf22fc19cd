//! Captions, for the page around the frame.

use leptos::prelude::GetUntracked as _;
use shared::caption::Caption;
use shared::embed::Origin;

use super::Embedding;
use crate::call::embed::{Expected, captioned};

impl Embedding {
    /// For this meeting: it is not remembered, because the person has not chosen it.
    pub(super) fn show_captions(self, visible: bool) {
        if let Some(meeting) = self.meeting.get_untracked() {
            self.expect(Expected::Captions(visible), Origin::Page);
            meeting.show_captions(visible);
        }
    }

    /// Somebody says something.
    pub(crate) fn hear_caption(self, caption: &Caption) {
        if let Some(event) = captioned(caption) {
            self.tell(&event);
        }
    }
}
