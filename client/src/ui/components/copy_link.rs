use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::RoomId;

use crate::route::Route;
use crate::session;

/// Copies a meeting's link and remembers for a moment how that went.
#[derive(Clone, Copy)]
pub(crate) struct CopyLink {
    link: StoredValue<String>,
    outcome: RwSignal<Option<bool>>,
}

impl CopyLink {
    /// For the link of a room.
    pub(crate) fn new(room: &RoomId) -> Self {
        let link = format!("{}{}", session::origin(), Route::Room(room.clone()).path());
        Self { link: StoredValue::new(link), outcome: RwSignal::new(None) }
    }

    /// The link itself.
    pub(crate) fn link(self) -> String {
        self.link.get_value()
    }

    /// Whether it was copied a moment ago; nothing when it was not tried.
    pub(crate) fn outcome(self) -> Option<bool> {
        self.outcome.get()
    }

    /// Copies it.
    pub(crate) fn copy(self) {
        let link = self.link();
        spawn_local(async move {
            let copied = session::copy(&link).await;
            self.outcome.try_set(Some(copied));
            let forget = move || {
                self.outcome.try_set(None);
            };
            set_timeout(forget, OUTCOME_SHOWN_FOR);
        });
    }
}

const OUTCOME_SHOWN_FOR: Duration = Duration::from_secs(3);
