//! What meetings keep beyond the server's life: their state, and what was written to everybody.
//!
//! A meeting lasts until it is ended, or nobody has been in it for [`LIFETIME_S`]; then the store forgets it by itself.
//! A store that is down stops no meeting that goes on: what could not be written is tried again. A room that would begin
//! does not, because nobody would know its rules.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use shared::RoomId;
use shared::limits::CHAT_HISTORY_MAX;
use shared::meeting::ChatMessage;

use super::operator::foundation;
use crate::access::{UnixSeconds, settings};
use crate::control::{COMMIT_MAX, Commit, ControlStore, KeyName, PAGE_MAX, Range, Space, StoreError, Write};
use crate::meeting::{Change, Foundation, Saved};

/// How long a meeting that nobody is in can be gone on with.
pub(super) const LIFETIME_S: u64 = 12 * 3600;
/// How long a line of the chat is kept, however long the meeting lasts.
const LINE_LIFETIME_S: u64 = 24 * 3600;
/// How long a room that begins waits for the store.
const LOAD_DEADLINE: Duration = Duration::from_secs(2);

/// What of one meeting is not written yet.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// The meeting was ended: first, everything goes.
    is_over: bool,
    /// Its state is another.
    is_changed: bool,
    /// Lines of the chat, oldest first; at most `CHAT_HISTORY_MAX`, of which the oldest are forgotten first.
    lines: VecDeque<ChatMessage>,
}

impl Unsaved {
    pub(super) fn note(&mut self, change: Change) {
        match change {
            Change::State => self.is_changed = true,
            Change::Line(line) => {
                if self.lines.len() >= CHAT_HISTORY_MAX {
                    self.lines.pop_front();
                }
                self.lines.push_back(line);
            }
            Change::Over => *self = Self { is_over: true, ..Self::default() },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.is_over && !self.is_changed && self.lines.is_empty()
    }

    /// What could not be written comes before what was noted since.
    pub(super) fn put_back(&mut self, mut earlier: Self) {
        if self.is_over {
            return;
        }
        self.is_over = earlier.is_over;
        self.is_changed |= earlier.is_changed;
        earlier.lines.append(&mut self.lines);
        while earlier.lines.len() > CHAT_HISTORY_MAX {
            earlier.lines.pop_front();
        }
        self.lines = earlier.lines;
    }
}

/// What is kept of a room.
#[derive(Debug, PartialEq)]
pub(super) struct Loaded {
    /// The operator's rules.
    pub(super) foundation: Foundation,
    /// A meeting that was not over, and what was written in it.
    pub(super) meeting: Option<(Saved, Vec<ChatMessage>)>,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Keeper {
    store: Arc<dyn ControlStore>,
}

impl Keeper {
    pub(super) fn new(store: Arc<dyn ControlStore>) -> Self {
        Self { store }
    }

    /// How meetings begin in a room, and the one that was kept. Who is kept out of it, and what is locked, stands there: a
    /// room whose store does not answer does not begin.
    ///
    /// # Errors
    /// As [`ControlStore::get`]; [`StoreError::Busy`] when it takes too long.
    pub(super) async fn load(&self, room: &RoomId, now: UnixSeconds) -> Result<Loaded, StoreError> {
        let loading = async {
            let settings = settings::load(&*self.store, room, now).await?;
            let foundation = settings.map(|settings| foundation(settings.policy)).unwrap_or_default();
            Ok(Loaded { foundation, meeting: self.try_load(room, now).await? })
        };
        let loaded = tokio::time::timeout(LOAD_DEADLINE, loading).await.unwrap_or(Err(StoreError::Busy));
        if let Err(error) = &loaded {
            tracing::error!(%error, "a room does not begin: its rules cannot be read");
        }
        loaded
    }

    async fn try_load(
        &self,
        room: &RoomId,
        now: UnixSeconds,
    ) -> Result<Option<(Saved, Vec<ChatMessage>)>, StoreError> {
        let Some(entry) = self.store.get(state_key(room), now).await? else { return Ok(None) };
        let Ok(saved) = serde_json::from_slice::<Saved>(&entry.value) else {
            tracing::error!("what was kept of a meeting cannot be read");
            return Ok(None);
        };
        let mut lines = Vec::new();
        let mut after = None;
        loop {
            let range = Range { prefix: chat_key(room).below(), after, limit: PAGE_MAX };
            let page = self.store.list(range, now).await?;
            lines.extend(page.iter().filter_map(|entry| serde_json::from_slice(&entry.value).ok()));
            after = page.last().map(|entry| entry.key.clone());
            if page.len() < PAGE_MAX {
                return Ok(Some((saved, lines)));
            }
        }
    }

    /// Writes what is not written yet. `saved` is the state as it is now.
    pub(super) async fn save(
        &self,
        room: &RoomId,
        unsaved: &Unsaved,
        saved: &Saved,
        now: UnixSeconds,
    ) -> Result<(), StoreError> {
        if unsaved.is_over {
            self.erase(room, now).await?;
        }
        let mut writes = Vec::new();
        if unsaved.is_changed {
            let value = serde_json::to_vec(saved).unwrap_or_default();
            writes.push(Write::Put { key: state_key(room), value, until: Some(now.plus(LIFETIME_S)) });
        }
        let log = chat_key(room);
        for line in &unsaved.lines {
            let value = serde_json::to_vec(line).unwrap_or_default();
            let until = Some(now.plus(LINE_LIFETIME_S));
            writes.push(Write::Put { key: log.entry(line.id.into()), value, until });
            if let Some(forgotten) = u64::from(line.id).checked_sub(CHAT_HISTORY_MAX as u64) {
                writes.push(Write::Delete(log.entry(forgotten)));
            }
        }
        self.commit(writes, now).await
    }

    async fn erase(&self, room: &RoomId, now: UnixSeconds) -> Result<(), StoreError> {
        self.store.commit(Commit::of(vec![Write::Delete(state_key(room))]), now).await?;
        loop {
            let range = Range { prefix: chat_key(room).below(), after: None, limit: PAGE_MAX };
            let page = self.store.list(range, now).await?;
            let is_last = page.len() < PAGE_MAX;
            self.commit(page.into_iter().map(|entry| Write::Delete(entry.key)).collect(), now).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn commit(&self, writes: Vec<Write>, now: UnixSeconds) -> Result<(), StoreError> {
        for writes in writes.chunks(COMMIT_MAX) {
            self.store.commit(Commit::of(writes.to_vec()), now).await?;
        }
        Ok(())
    }
}

fn state_key(room: &RoomId) -> KeyName {
    KeyName::of(Space::Meeting, room.as_str())
}

fn chat_key(room: &RoomId) -> KeyName {
    KeyName::of(Space::Chat, room.as_str())
}

#[cfg(test)]
mod tests {
    use shared::{DisplayName, PeerId};

    use super::*;
    use crate::control::MemoryStore;
    use crate::meeting::{Meeting, Now};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn line(id: u32) -> ChatMessage {
        let (from, name) = (PeerId::new(1), DisplayName::new("Ada").unwrap());
        ChatMessage { id, at_s: 1, from, name, to: None, text: "Hello".to_owned(), number: None }
    }

    fn keeper() -> (Keeper, RoomId, Saved) {
        let room = RoomId::new("red").unwrap();
        let now = Now { instant: std::time::Instant::now(), unix_s: 1_800_000_000 };
        let saved = Meeting::new(room.clone(), [3; 16], Foundation::default(), now).saved();
        (Keeper::new(Arc::new(MemoryStore::default())), room, saved)
    }

    fn unsaved(changes: impl IntoIterator<Item = Change>) -> Unsaved {
        let mut unsaved = Unsaved::default();
        changes.into_iter().for_each(|change| unsaved.note(change));
        unsaved
    }

    async fn kept(keeper: &Keeper, room: &RoomId, now: UnixSeconds) -> Option<(Saved, Vec<ChatMessage>)> {
        keeper.load(room, now).await.unwrap().meeting
    }

    /// A store that fails, or never answers.
    #[derive(Debug)]
    struct Failing {
        is_silent: bool,
        fails: Space,
    }

    #[async_trait::async_trait]
    impl ControlStore for Failing {
        async fn get(
            &self,
            key: KeyName,
            _: UnixSeconds,
        ) -> Result<Option<crate::control::Entry>, StoreError> {
            if key != KeyName::of(self.fails, "red") {
                return Ok(None);
            }
            if self.is_silent {
                std::future::pending().await
            }
            Err(StoreError::Down("no disk".to_owned()))
        }
        async fn commit(&self, _: Commit, _: UnixSeconds) -> Result<crate::control::Version, StoreError> {
            Err(StoreError::Busy)
        }
        async fn list(&self, _: Range, _: UnixSeconds) -> Result<Vec<crate::control::Entry>, StoreError> {
            Err(StoreError::Busy)
        }
        async fn lease(
            &self,
            _: KeyName,
            _: String,
            _: UnixSeconds,
            _: UnixSeconds,
        ) -> Result<crate::control::Lease, StoreError> {
            Err(StoreError::Busy)
        }
        async fn release(&self, _: crate::control::Lease) -> Result<(), StoreError> {
            Err(StoreError::Busy)
        }
        async fn check(&self) -> Result<(), StoreError> {
            Err(StoreError::Busy)
        }
    }

    #[tokio::test]
    async fn without_the_operators_rules_or_the_kept_meeting_no_room_begins() {
        let room = RoomId::new("red").unwrap();
        tokio::time::pause();
        for fails in [Space::Settings, Space::Meeting] {
            for (is_silent, expected) in
                [(false, StoreError::Down("no disk".to_owned())), (true, StoreError::Busy)]
            {
                let keeper = Keeper::new(Arc::new(Failing { is_silent, fails }));
                assert_eq!(keeper.load(&room, NOW).await, Err(expected));
            }
        }
    }

    #[tokio::test]
    async fn what_was_saved_is_loaded_until_it_is_over_or_too_old() {
        let (keeper, room, saved) = keeper();
        assert_eq!(kept(&keeper, &room, NOW).await, None);
        let lines = (1..=CHAT_HISTORY_MAX as u32 + 20).map(|id| Change::Line(line(id)));
        let (first, rest) = (lines.clone().take(400), lines.skip(400));
        keeper.save(&room, &unsaved([Change::State].into_iter().chain(first)), &saved, NOW).await.unwrap();
        keeper.save(&room, &unsaved(rest), &saved, NOW).await.unwrap();
        let (loaded, lines) = kept(&keeper, &room, NOW).await.unwrap();
        assert_eq!((&loaded, lines.len(), lines[0].id), (&saved, CHAT_HISTORY_MAX, 21));
        assert_eq!(kept(&keeper, &room, NOW.plus(LIFETIME_S)).await, None);
        keeper.save(&room, &unsaved([Change::Over]), &saved, NOW).await.unwrap();
        assert_eq!(kept(&keeper, &room, NOW).await, None);
        keeper.save(&room, &unsaved([Change::State]), &saved, NOW).await.unwrap();
        assert_eq!(kept(&keeper, &room, NOW).await, Some((saved, Vec::new())), "no line came back");
    }

    #[test]
    fn what_could_not_be_written_comes_first_and_goes_with_the_end() {
        let mut later = unsaved([Change::Line(line(2))]);
        later.put_back(unsaved([Change::State, Change::Line(line(1))]));
        assert_eq!(later.lines.iter().map(|line| line.id).collect::<Vec<_>>(), [1, 2]);
        assert!(later.is_changed);
        let mut over = unsaved([Change::Over]);
        over.put_back(later);
        assert!(over.lines.is_empty() && over.is_over && !over.is_empty());
    }
}
