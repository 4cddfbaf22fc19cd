//! Webhooks: what happens in rooms, told to operators' own servers (Standard Webhooks 1.0).
//!
//! ```text
//! rooms ── record ─▶ recorder ── one commit ─▶ outbox in the store ─▶ one courier an endpoint ── POST ─▶ operator
//!                                                   ▲  failed: later │
//!                                                   └────────────────┘
//! ```
//!
//! Contract: what was recorded is sent at least once, also over restarts, with the same `webhook-id` each time, until the
//! endpoint takes it or it is three days old. Rooms never wait for any of this.

mod address;
mod courier;
mod endpoint;
mod event;
mod outbox;
mod post;
mod schedule;
mod signature;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};

pub use self::endpoint::{ENDPOINTS_MAX, Endpoint, EndpointError};
pub use self::event::{Event, EventKind, Happening, LeaveReason, Person};
use self::outbox::Outbox;
pub use self::signature::{Secret, SecretError};
use crate::access::UnixSeconds;
use crate::control::{Commit, ControlStore, StoreError, Write};

/// Events that wait to be recorded. When the store is that far behind, events are lost, and it is logged.
const EVENTS_MAX: usize = 4096;
/// How often an event is tried to be recorded, and the pause between.
const RECORD_ATTEMPTS: u32 = 10;
const RECORD_PAUSE: Duration = Duration::from_secs(1);

/// Takes events and sees to it that they arrive. Dropping it ends the recording once everything is recorded.
#[derive(Debug, Clone)]
pub struct Webhooks {
    events: mpsc::Sender<Event>,
}

impl Webhooks {
    /// Starts a courier for each endpoint, which ends at `shutdown`. Everything holds a clone of `work` until it has
    /// ended. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(
        endpoints: Vec<Endpoint>,
        store: &Arc<dyn ControlStore>,
        shutdown: &watch::Receiver<bool>,
        work: &mpsc::Sender<()>,
    ) -> Self {
        let (events, waiting) = mpsc::channel(EVENTS_MAX);
        let outboxes: Vec<Arc<Outbox>> = endpoints
            .into_iter()
            .map(|endpoint| Arc::new(Outbox::new(endpoint, Arc::clone(store))))
            .collect();
        for outbox in &outboxes {
            let courier = courier::deliver(Arc::clone(outbox), shutdown.clone());
            let work = work.clone();
            tokio::spawn(async move {
                courier.await;
                drop(work);
            });
        }
        tokio::spawn(record(waiting, outboxes, Arc::clone(store), work.clone()));
        Self { events }
    }

    /// Tells the endpoints, soon. Returns at once.
    pub fn record(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            tracing::error!("a webhook's event is lost: too many wait to be written to the data folder");
        }
    }
}

/// Writes events to the outboxes, each to all of them in one commit.
async fn record(
    mut events: mpsc::Receiver<Event>,
    outboxes: Vec<Arc<Outbox>>,
    store: Arc<dyn ControlStore>,
    work: mpsc::Sender<()>,
) {
    while let Some(event) = events.recv().await {
        let now = UnixSeconds::of(SystemTime::now());
        let concerned: Vec<&Arc<Outbox>> =
            outboxes.iter().filter(|outbox| outbox.takes(event.kind())).collect();
        let message = outbox::Message::new(&event, rand::random(), now);
        let writes: Vec<Write> = concerned.iter().map(|outbox| outbox.append(&message)).collect();
        if writes.is_empty() {
            continue;
        }
        match persist(&*store, &Commit::of(writes), now).await {
            Ok(()) => concerned.iter().for_each(|outbox| outbox.added()),
            Err(error) => tracing::error!(%error, "a webhook's event is lost: it cannot be written"),
        }
    }
    drop(work);
}

async fn persist(store: &dyn ControlStore, commit: &Commit, now: UnixSeconds) -> Result<(), StoreError> {
    let mut attempt = 1;
    loop {
        match store.commit(commit.clone(), now).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Busy | StoreError::Down(_)) if attempt < RECORD_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(RECORD_PAUSE).await;
    }
}

#[cfg(test)]
mod tests;
