use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use axum::http::{HeaderMap, StatusCode};
use axum::{Router, extract::State, routing};
use shared::RoomId;

use super::*;
use crate::access::KeyId;
use crate::control::SqliteStore;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Long enough for a loaded machine; a passing test never waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An operator's server: answers with the next of these statuses, then with 204, and tells what it got.
#[derive(Clone)]
struct Receiver {
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
    got: mpsc::UnboundedSender<(HeaderMap, String)>,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    receiver.got.send((headers, body)).unwrap();
    receiver.answers.lock().unwrap().pop_front().unwrap_or(StatusCode::NO_CONTENT)
}

type Got = mpsc::UnboundedReceiver<(HeaderMap, String)>;

async fn receiver(answers: &[u16]) -> (SocketAddr, Got) {
    let (got, received) = mpsc::unbounded_channel();
    let answers = answers.iter().map(|status| StatusCode::from_u16(*status).unwrap()).collect();
    let state = Receiver { answers: Arc::new(Mutex::new(answers)), got };
    let router = Router::new().route("/hook", routing::post(take)).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, received)
}

async fn next(got: &mut Got) -> (HeaderMap, String) {
    tokio::time::timeout(PATIENCE, got.recv()).await.expect("a webhook arrives in time").unwrap()
}

fn endpoint(address: SocketAddr, events: Vec<EventKind>) -> Endpoint {
    let (id, secret) = (KeyId::new("crm").unwrap(), Secret::new(SECRET).unwrap());
    Endpoint::new(id, &format!("http://{address}/hook"), secret, events, true).unwrap()
}

fn started(room: &str) -> Event {
    Event {
        room: RoomId::new(room).unwrap(),
        at: UnixSeconds(1_800_000_000),
        happening: Happening::RoomStarted,
    }
}

fn ended(room: &str) -> Event {
    Event { happening: Happening::RoomEnded, ..started(room) }
}

/// Webhooks of a server that keeps its state in this folder, and what stops it.
struct Life {
    webhooks: Webhooks,
    stop: watch::Sender<bool>,
    all_work_ended: mpsc::Receiver<()>,
}

impl Life {
    fn begin(folder: &Path, endpoint: Endpoint) -> Self {
        let store: Arc<dyn ControlStore> = Arc::new(SqliteStore::open(folder).unwrap());
        let (stop, shutdown) = watch::channel(false);
        let (work, all_work_ended) = mpsc::channel(1);
        let webhooks = Webhooks::start(vec![endpoint], &store, &shutdown, &work);
        Self { webhooks, stop, all_work_ended }
    }

    async fn end(mut self) {
        self.stop.send_replace(true);
        drop(self.webhooks);
        tokio::time::timeout(PATIENCE, self.all_work_ended.recv()).await.expect("everything ends");
    }
}

#[tokio::test]
async fn a_webhook_is_signed_and_sent_again_until_it_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut got) = receiver(&[500]).await;
    let life = Life::begin(folder.path(), endpoint(address, Vec::new()));
    life.webhooks.record(started("standup"));
    let (first, body) = next(&mut got).await;
    let (second, again) = next(&mut got).await;
    assert_eq!(first["webhook-id"], second["webhook-id"], "receivers find doubles by the id");
    assert_eq!(body, again);
    let text = |name: &str| second[name].to_str().unwrap();
    let at = UnixSeconds(text("webhook-timestamp").parse().unwrap());
    let expected = Secret::new(SECRET).unwrap().sign(text("webhook-id"), at, &body);
    assert_eq!(text("webhook-signature"), expected);
    assert_eq!(text("content-type"), "application/json");
    assert!(body.contains("room.started") && body.contains("standup"), "{body}");
    life.webhooks.record(ended("standup"));
    assert!(next(&mut got).await.1.contains("room.ended"), "what was taken is not sent again");
    life.end().await;
}

#[tokio::test]
async fn what_was_not_taken_is_sent_by_the_next_server() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut got) = receiver(&[503]).await;
    let life = Life::begin(folder.path(), endpoint(address, Vec::new()));
    life.webhooks.record(started("standup"));
    let (before, _) = next(&mut got).await;
    life.end().await;
    let life = Life::begin(folder.path(), endpoint(address, Vec::new()));
    let (after, _) = next(&mut got).await;
    assert_eq!(before["webhook-id"], after["webhook-id"]);
    life.end().await;
}

#[tokio::test]
async fn an_endpoint_hears_what_it_wants_to_hear() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut got) = receiver(&[]).await;
    let life = Life::begin(folder.path(), endpoint(address, vec![EventKind::RoomEnded]));
    life.webhooks.record(started("standup"));
    life.webhooks.record(ended("standup"));
    assert!(next(&mut got).await.1.contains("room.ended"));
    life.end().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_gets_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (address, mut got) = receiver(&[410]).await;
    let life = Life::begin(folder.path(), endpoint(address, Vec::new()));
    life.webhooks.record(started("standup"));
    next(&mut got).await;
    life.end().await;
    assert!(got.try_recv().is_err());
}

#[tokio::test]
async fn a_name_that_leads_home_is_not_followed() {
    let (address, mut got) = receiver(&[]).await;
    let id = KeyId::new("crm").unwrap();
    let url = format!("https://localhost:{}/hook", address.port());
    let endpoint = Endpoint::new(id, &url, Secret::new(SECRET).unwrap(), Vec::new(), false).unwrap();
    let message = outbox::Message::new(&started("standup"), 7, UnixSeconds(1_800_000_000));
    let refused = post::post(&endpoint, &message, UnixSeconds(1_800_000_000)).await;
    assert!(matches!(refused, Err(post::PostError::Private)), "{refused:?}");
    assert!(got.try_recv().is_err());
}
