//! What a meeting is beyond sound and pictures, as signals for the views.

use std::mem;

use engine::{Engine, Moment, Notice};
use leptos::prelude::*;
use shared::meeting::Reaction;
use shared::protocol::Chat;
use shared::{DisplayName, PeerId, RoomId, SourceKind};

use super::stored_chat;
use crate::call::chat::ChatView;
use crate::call::draft::StoredChat;
use crate::call::gathering::Gathering;
use crate::call::reactions::Reactions;
use crate::call::reception::Reception;

/// The signals; all copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct TalkSignals {
    /// Who leads, who may do what, whose hands are up, who waits.
    pub(crate) gathering: RwSignal<Gathering>,
    /// What is written.
    pub(crate) chat: RwSignal<ChatView>,
    /// What is being written; survives the panel and a reload.
    pub(crate) draft: RwSignal<String>,
    /// Whom it is for; nothing: everybody.
    pub(crate) recipient: RwSignal<Option<PeerId>>,
    /// The newest line that was read.
    pub(crate) read: RwSignal<u32>,
    /// Whether the chat is before the person's eyes; set by the views.
    pub(crate) is_chat_open: RwSignal<bool>,
    /// The signs that float over the tiles.
    pub(crate) reactions: RwSignal<Reactions>,
    /// What a host asks the person to switch on, and the host's name.
    pub(crate) asked: RwSignal<Option<(SourceKind, Option<String>)>>,
    /// How well each person is received.
    pub(crate) reception: RwSignal<Reception>,
    revision: StoredValue<Option<u32>>,
    unsent: StoredValue<Vec<Chat>>,
}

impl TalkSignals {
    /// With what was kept over a reload.
    pub(super) fn new(room: &RoomId) -> Self {
        let StoredChat { draft, read, unsent } = stored_chat(room);
        Self {
            gathering: RwSignal::default(),
            chat: RwSignal::default(),
            draft: RwSignal::new(draft),
            recipient: RwSignal::new(None),
            read: RwSignal::new(read),
            is_chat_open: RwSignal::new(false),
            reactions: RwSignal::default(),
            asked: RwSignal::new(None),
            reception: RwSignal::default(),
            revision: StoredValue::new(None),
            unsent: StoredValue::new(unsent),
        }
    }

    /// What had not been sent before a reload; once.
    pub(super) fn take_unsent(self) -> Vec<Chat> {
        self.unsent.try_update_value(mem::take).unwrap_or_default()
    }

    /// What shall survive a reload.
    pub(super) fn stored(self, unsent: Vec<Chat>) -> StoredChat {
        let draft = self.draft.try_get_untracked().unwrap_or_default();
        StoredChat { draft, read: self.read.try_get_untracked().unwrap_or_default(), unsent }
    }

    /// Shows what the engine knows.
    pub(super) fn show(self, engine: &Engine) {
        let gathering = Gathering::read(engine);
        if self.gathering.try_with_untracked(|shown| *shown != gathering) == Some(true) {
            self.gathering.set(gathering);
        }
        let revision = Some(engine.chat_revision());
        if self.revision.try_get_value() != Some(revision) {
            self.revision.try_set_value(revision);
            self.chat.try_set(ChatView::read(engine));
        }
    }

    /// Whether a notice says what the person does not see anyway.
    pub(super) fn is_news(self, notice: &Notice) -> bool {
        match notice {
            Notice::Written(_) => self.is_chat_open.try_get_untracked() == Some(false),
            // They stay on the page until somebody has answered.
            Notice::Knocked(_) => false,
            Notice::HandRaised { .. } => {
                self.gathering.try_with_untracked(|known| known.is_host) == Some(true)
            }
            Notice::Arrived { .. }
            | Notice::Departed { .. }
            | Notice::SeatLost
            | Notice::Reconnected
            | Notice::Silenced { .. }
            | Notice::NotAllowed { .. }
            | Notice::BecameHost
            | Notice::NoLongerHost
            | Notice::NotConnected
            | Notice::Problem(_) => true,
        }
    }

    pub(super) fn react(self, now: Moment, peer: PeerId, reaction: Reaction) {
        self.reactions.try_update(|reactions| reactions.show(now, peer, reaction));
    }

    pub(super) fn expire(self, now: Moment) {
        if self.reactions.try_with_untracked(|reactions| reactions.clone().expire(now)) == Some(true) {
            self.reactions.update(|reactions| {
                reactions.expire(now);
            });
        }
    }

    pub(super) fn ask(self, kind: SourceKind, by: Option<&DisplayName>) {
        self.asked.try_set(Some((kind, by.map(|name| name.as_str().to_owned()))));
    }
}
