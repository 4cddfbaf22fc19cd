//! Messages between the parts of a server, and later between servers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc, oneshot};

/// Messages of one topic that wait for a subscriber. A slower one is told how many it missed.
const MESSAGES_MAX: usize = 1024;
/// Requests that wait for whoever serves a topic; further ones are refused.
const REQUESTS_MAX: usize = 256;
/// Most topics at a time; topics without a listener do not count.
const TOPICS_MAX: usize = 10_000;

/// Why a message did not arrive, or no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// Nobody serves the topic, or it ended without an answer.
    #[error("nobody answers to this topic")]
    Unserved,
    /// More waits than can be queued.
    #[error("whoever serves the topic has too much to do")]
    Busy,
    /// The answer did not come in time.
    #[error("no answer came in time")]
    Late,
    /// The subscriber was too slow.
    #[error("{0} messages were missed")]
    Missed(u64),
    /// There are too many topics.
    #[error("there are too many topics")]
    Full,
}

/// Delivers to whoever listens at the moment, and remembers nothing: what must not be lost is in the store.
#[async_trait]
pub trait Bus: std::fmt::Debug + Send + Sync {
    /// Tells all subscribers of a topic. Returns at once; that nobody listens is no error.
    async fn publish(&self, topic: &str, message: Vec<u8>) -> Result<(), BusError>;
    /// What is published from now on.
    async fn subscribe(&self, topic: &str) -> Result<Subscription, BusError>;
    /// Asks the one that serves a topic.
    async fn request(&self, topic: &str, message: Vec<u8>, deadline: Duration) -> Result<Vec<u8>, BusError>;
    /// Answers what is asked under a topic from now on; whoever served it before does so no more.
    async fn serve(&self, topic: &str) -> Result<Requests, BusError>;
}

/// The messages of a topic.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Vec<u8>>);

impl Subscription {
    /// The next message; nothing when the bus has ended.
    ///
    /// # Errors
    /// [`BusError::Missed`]; the next call goes on with what is still there.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, BusError> {
        match self.0.recv().await {
            Ok(message) => Ok(Some(message)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Err(BusError::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => Ok(None),
        }
    }
}

/// What is asked under a topic.
#[derive(Debug)]
pub struct Requests(mpsc::Receiver<Request>);

impl Requests {
    /// The next request; nothing when somebody else serves the topic now.
    pub async fn next(&mut self) -> Option<Request> {
        self.0.recv().await
    }
}

/// One question.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub message: Vec<u8>,
    answer: oneshot::Sender<Vec<u8>>,
}

impl Request {
    /// Answers it. Whoever asked may have stopped waiting.
    pub fn answer(self, message: Vec<u8>) {
        let _ = self.answer.send(message);
    }
}

/// The bus inside one process.
#[derive(Debug, Default)]
pub struct LocalBus {
    topics: Mutex<HashMap<String, broadcast::Sender<Vec<u8>>>>,
    served: Mutex<HashMap<String, mpsc::Sender<Request>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, topic: &str, message: Vec<u8>) -> Result<(), BusError> {
        let mut topics = lock(&self.topics);
        // It fails when nobody listens any more: then the topic goes too.
        if topics.get(topic).is_some_and(|sender| sender.send(message).is_err()) {
            topics.remove(topic);
        }
        Ok(())
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription, BusError> {
        let mut topics = lock(&self.topics);
        if let Some(sender) = topics.get(topic) {
            return Ok(Subscription(sender.subscribe()));
        }
        if topics.len() >= TOPICS_MAX {
            topics.retain(|_, sender| sender.receiver_count() > 0);
            if topics.len() >= TOPICS_MAX {
                return Err(BusError::Full);
            }
        }
        let (sender, receiver) = broadcast::channel(MESSAGES_MAX);
        topics.insert(topic.to_owned(), sender);
        Ok(Subscription(receiver))
    }

    async fn request(&self, topic: &str, message: Vec<u8>, deadline: Duration) -> Result<Vec<u8>, BusError> {
        let sender = lock(&self.served).get(topic).cloned().ok_or(BusError::Unserved)?;
        let (answer, receiver) = oneshot::channel();
        sender.try_send(Request { message, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => BusError::Busy,
            mpsc::error::TrySendError::Closed(_) => BusError::Unserved,
        })?;
        match tokio::time::timeout(deadline, receiver).await {
            Ok(answer) => answer.map_err(|_| BusError::Unserved),
            Err(_) => Err(BusError::Late),
        }
    }

    async fn serve(&self, topic: &str) -> Result<Requests, BusError> {
        let mut served = lock(&self.served);
        served.retain(|_, sender| !sender.is_closed());
        if served.len() >= TOPICS_MAX {
            return Err(BusError::Full);
        }
        let (sender, receiver) = mpsc::channel(REQUESTS_MAX);
        served.insert(topic.to_owned(), sender);
        Ok(Requests(receiver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn every_subscriber_hears_what_comes_after_it() {
        let bus = LocalBus::default();
        bus.publish("t", b"before".to_vec()).await.unwrap();
        let (mut one, mut other) = (bus.subscribe("t").await.unwrap(), bus.subscribe("t").await.unwrap());
        bus.publish("t", b"now".to_vec()).await.unwrap();
        bus.publish("u", b"elsewhere".to_vec()).await.unwrap();
        assert_eq!(one.next().await.unwrap().unwrap(), b"now");
        assert_eq!(other.next().await.unwrap().unwrap(), b"now");
    }

    #[tokio::test]
    async fn a_slow_subscriber_is_told_what_it_missed_and_goes_on() {
        let bus = LocalBus::default();
        let mut slow = bus.subscribe("t").await.unwrap();
        for number in 0..MESSAGES_MAX + 5 {
            bus.publish("t", number.to_string().into_bytes()).await.unwrap();
        }
        assert_eq!(slow.next().await, Err(BusError::Missed(5)));
        assert_eq!(slow.next().await.unwrap().unwrap(), b"5");
    }

    #[tokio::test]
    async fn a_topic_without_listeners_is_forgotten() {
        let bus = LocalBus::default();
        drop(bus.subscribe("t").await.unwrap());
        bus.publish("t", Vec::new()).await.unwrap();
        assert!(lock(&bus.topics).is_empty());
    }

    #[tokio::test]
    async fn a_request_is_answered_by_whoever_serves() {
        let bus = LocalBus::default();
        assert_eq!(bus.request("t", Vec::new(), LONG).await, Err(BusError::Unserved));
        let mut requests = bus.serve("t").await.unwrap();
        let serve = async {
            let request = requests.next().await.unwrap();
            let answer = [&request.message[..], b"!"].concat();
            request.answer(answer);
        };
        let (answer, ()) = tokio::join!(bus.request("t", b"hello".to_vec(), LONG), serve);
        assert_eq!(answer.unwrap(), b"hello!");
        let drop_it = async { drop(requests.next().await) };
        let (answer, ()) = tokio::join!(bus.request("t", Vec::new(), LONG), drop_it);
        assert_eq!(answer, Err(BusError::Unserved));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_late() {
        let bus = LocalBus::default();
        let _requests = bus.serve("t").await.unwrap();
        assert_eq!(bus.request("t", Vec::new(), LONG).await, Err(BusError::Late));
    }
}
