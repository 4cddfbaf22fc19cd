//! Carries the messages of one outbox to its endpoint, one after the other.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use tokio::sync::watch;

use super::outbox::{Message, Next, Outbox};
use super::post::post;
use super::schedule::{Fate, Health, Outcome, fate};
use crate::access::UnixSeconds;
use crate::app::stopping;
use crate::control::{KeyName, StoreError};

/// After the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(5);

fn now() -> UnixSeconds {
    UnixSeconds::of(SystemTime::now())
}

/// Delivers until the server stops or the endpoint is given up.
pub(super) async fn deliver(outbox: Arc<Outbox>, mut shutdown: watch::Receiver<bool>) {
    let mut health = Health::default();
    match outbox.count(now()).await {
        Ok(0) => {}
        Ok(waiting) => tracing::info!(endpoint = %outbox.endpoint.id, waiting, "webhooks of before are sent"),
        Err(error) => tracing::error!(%error, "webhooks of before cannot be counted"),
    }
    while !health.is_disabled() {
        let step = async {
            match step(&outbox, &mut health).await {
                Ok(None) => {}
                Ok(Some(pause)) => {
                    // Something new may be due sooner.
                    let _ = tokio::time::timeout(pause, outbox.news.notified()).await;
                }
                Err(error) => {
                    tracing::error!(%error, endpoint = %outbox.endpoint.id, "the webhooks' outbox cannot be used");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        };
        // What is on its way when the server stops stays in the outbox and is sent again.
        tokio::select! {
            () = step => {}
            () = stopping(&mut shutdown) => return,
        }
    }
    outbox.disable();
    tracing::error!(
        endpoint = %outbox.endpoint.id,
        "the endpoint took no webhook for three days, or says that it is gone: it gets none any more until the server is \
         started again"
    );
}

/// Sends what is due, or says how long nothing is.
async fn step(outbox: &Outbox, health: &mut Health) -> Result<Option<Duration>, StoreError> {
    /// With nothing to do, a look now and then costs nothing.
    const IDLE: Duration = Duration::from_secs(600);
    match outbox.next(now()).await? {
        Next::Idle => Ok(Some(IDLE)),
        Next::WaitUntil(due) => Ok(Some(Duration::from_secs(due.0.saturating_sub(now().0).max(1)))),
        Next::Send(key, message) => {
            let outcome = attempt(outbox, &message).await;
            health.observe(outcome, now());
            settle(outbox, key, message, outcome).await?;
            Ok(None)
        }
    }
}

async fn attempt(outbox: &Outbox, message: &Message) -> Outcome {
    match post(&outbox.endpoint, message, now()).await {
        Ok(status) if status.is_success() => Outcome::Delivered,
        Ok(StatusCode::GONE) => Outcome::Gone,
        Ok(status) => {
            tracing::warn!(endpoint = %outbox.endpoint.id, %status, "a webhook was not taken and is sent again");
            Outcome::Failed
        }
        Err(error) => {
            tracing::warn!(endpoint = %outbox.endpoint.id, %error, "a webhook did not arrive and is sent again");
            Outcome::Failed
        }
    }
}

async fn settle(
    outbox: &Outbox,
    key: KeyName,
    mut message: Message,
    outcome: Outcome,
) -> Result<(), StoreError> {
    if outcome == Outcome::Delivered {
        return outbox.remove(key, now()).await;
    }
    message.attempts += 1;
    match fate(message.created_at, message.attempts, now(), rand::random()) {
        Fate::Retry(at) => {
            message.due_at = at;
            outbox.put_off(key, &message, now()).await
        }
        Fate::GiveUp => {
            tracing::error!(endpoint = %outbox.endpoint.id, attempts = message.attempts, "a webhook is given up");
            outbox.remove(key, now()).await
        }
    }
}
