//! What waits to be sent to one endpoint: a log in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::endpoint::Endpoint;
use super::event::{Event, EventKind};
use super::schedule::AGE_MAX_S;
use crate::access::UnixSeconds;
use crate::control::{Commit, ControlStore, Entry, KeyName, PAGE_MAX, Range, Space, StoreError, Write};

/// Most messages that wait for one endpoint. It takes none for a long time then: new ones are not even written.
const WAITING_MAX: usize = 20_000;
/// How many of the oldest messages are looked at when the next one is chosen.
const WINDOW: usize = 64;

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    /// The same for every attempt and every endpoint: by it, receivers find doubles.
    pub(super) id: String,
    pub(super) body: String,
    pub(super) created_at: UnixSeconds,
    /// Failed ones.
    pub(super) attempts: u32,
    /// Not before.
    pub(super) due_at: UnixSeconds,
}

impl Message {
    pub(super) fn new(event: &Event, random: u128, now: UnixSeconds) -> Self {
        let id = format!("msg_{random:032x}");
        Self { id, body: event.body(), created_at: now, attempts: 0, due_at: now }
    }

    fn value(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are always JSON")
    }
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this.
    Send(KeyName, Message),
    /// Nothing before then.
    WaitUntil(UnixSeconds),
    /// Nothing.
    Idle,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) endpoint: Endpoint,
    store: Arc<dyn ControlStore>,
    waiting: AtomicUsize,
    is_disabled: AtomicBool,
    /// Something was added.
    pub(super) news: Notify,
}

impl Outbox {
    pub(super) fn new(endpoint: Endpoint, store: Arc<dyn ControlStore>) -> Self {
        let (waiting, is_disabled) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { endpoint, store, waiting, is_disabled, news: Notify::new() }
    }

    fn log(&self) -> KeyName {
        KeyName::of(Space::Outbox, self.endpoint.id.as_str())
    }

    /// Whether an event of this kind is to be added.
    pub(super) fn takes(&self, kind: EventKind) -> bool {
        if self.is_disabled.load(Ordering::Relaxed) || !self.endpoint.wants(kind) {
            return false;
        }
        let has_room = self.waiting.load(Ordering::Relaxed) < WAITING_MAX;
        if !has_room {
            tracing::error!(endpoint = %self.endpoint.id, "an event is lost: the endpoint takes no webhooks");
        }
        has_room
    }

    /// The change that adds a message.
    pub(super) fn append(&self, message: &Message) -> Write {
        // A little longer than it is tried, so that giving up is logged.
        let until = Some(message.created_at.plus(AGE_MAX_S + 3600));
        Write::Append { log: self.log(), value: message.value(), until }
    }

    /// The change was made.
    pub(super) fn added(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// Counts what an earlier server left.
    pub(super) async fn count(&self, now: UnixSeconds) -> Result<usize, StoreError> {
        let (mut after, mut count) = (None, 0);
        loop {
            let entries = self.list(after, PAGE_MAX, now).await?;
            count += entries.len();
            let Some(last) = entries.last() else { break };
            after = Some(last.key.clone());
        }
        self.waiting.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }

    async fn list(
        &self,
        after: Option<KeyName>,
        limit: usize,
        now: UnixSeconds,
    ) -> Result<Vec<Entry>, StoreError> {
        self.store.list(Range { prefix: self.log().below(), after, limit }, now).await
    }

    /// The oldest message that is due. Whatever cannot be read is taken out.
    pub(super) async fn next(&self, now: UnixSeconds) -> Result<Next, StoreError> {
        let mut earliest: Option<UnixSeconds> = None;
        for entry in self.list(None, WINDOW, now).await? {
            let Ok(message) = serde_json::from_slice::<Message>(&entry.value) else {
                tracing::error!(endpoint = %self.endpoint.id, "a waiting webhook cannot be read and is left out");
                self.remove(entry.key, now).await?;
                continue;
            };
            if message.due_at <= now {
                return Ok(Next::Send(entry.key, message));
            }
            earliest = Some(earliest.map_or(message.due_at, |before| before.min(message.due_at)));
        }
        Ok(earliest.map_or(Next::Idle, Next::WaitUntil))
    }

    /// It has arrived, or is given up.
    pub(super) async fn remove(&self, key: KeyName, now: UnixSeconds) -> Result<(), StoreError> {
        self.store.commit(Commit::of(vec![Write::Delete(key)]), now).await?;
        let less = |waiting: usize| Some(waiting.saturating_sub(1));
        let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        Ok(())
    }

    /// It is tried again later.
    pub(super) async fn put_off(
        &self,
        key: KeyName,
        message: &Message,
        now: UnixSeconds,
    ) -> Result<(), StoreError> {
        let until = Some(message.created_at.plus(AGE_MAX_S + 3600));
        let write = Write::Put { key, value: message.value(), until };
        self.store.commit(Commit::of(vec![write]), now).await.map(|_| ())
    }

    /// Takes no more, until the server is started again.
    pub(super) fn disable(&self) {
        self.is_disabled.store(true, Ordering::Relaxed);
    }
}
