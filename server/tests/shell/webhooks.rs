//! Webhooks of live rooms, as an operator's own server gets them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use aws_lc_rs::hmac;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use server::access::KeyId;
use server::webhooks::{Endpoint, Secret};
use server::{Config, DataDir};
use tokio::sync::mpsc;

use crate::api::{config, post, value};
use crate::client::{Client, PATIENCE, start_with};

const KEY: &[u8] = b"thirty-two bytes of a test's own";

/// An operator's server: what it answers, and what it got.
#[derive(Clone)]
struct Receiver {
    answers: Arc<AtomicU16>,
    got: mpsc::UnboundedSender<(HeaderMap, String)>,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    receiver.got.send((headers, body)).unwrap();
    StatusCode::from_u16(receiver.answers.load(Ordering::SeqCst)).unwrap()
}

struct Hooks {
    address: SocketAddr,
    answers: Arc<AtomicU16>,
    got: mpsc::UnboundedReceiver<(HeaderMap, String)>,
}

impl Hooks {
    async fn listen(answer: u16) -> Self {
        let (sender, got) = mpsc::unbounded_channel();
        let answers = Arc::new(AtomicU16::new(answer));
        let state = Receiver { answers: Arc::clone(&answers), got: sender };
        let router = Router::new().route("/hooks/visavis", routing::post(take)).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, answers, got }
    }

    /// The next one: its id and what it tells. Whoever else made it up has no signature.
    async fn next(&mut self) -> (String, Value) {
        let (headers, body) = tokio::time::timeout(PATIENCE, self.got.recv()).await.unwrap().unwrap();
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let (id, at, signature) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"));
        // Standard Webhooks, "Signature scheme": HMAC-SHA-256 over id, timestamp and body, in base64 behind `v1,`.
        let tag = BASE64_STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
        hmac::verify(&key, format!("{id}.{at}.{body}").as_bytes(), &tag).expect("the signature is ours");
        assert!(hmac::verify(&key, format!("{id}.{at}.{body} ").as_bytes(), &tag).is_err());
        (id, serde_json::from_str(&body).unwrap())
    }

    fn config(&self, data_dir: Option<DataDir>) -> Config {
        let secret = Secret::new(&format!("whsec_{}", BASE64_STANDARD.encode(KEY))).unwrap();
        let url = format!("http://{}/hooks/visavis", self.address);
        let endpoint = Endpoint::new(KeyId::new("crm").unwrap(), &url, secret, Vec::new(), true).unwrap();
        Config { webhooks: vec![endpoint], data_dir, ..config() }
    }
}

#[tokio::test]
async fn a_live_room_is_told_signed_in_order_and_again_after_an_error() {
    let mut hooks = Hooks::listen(500).await;
    let server = start_with(hooks.config(None)).await;
    let asked = json!({"room": "standup", "external_id": "u-7", "metadata": {"team": 7}});
    let made = value(post(&server, "/tokens", &asked).await).await;
    let (mut ada, welcome) = Client::join_as(&server, "standup", "Ada", &made["token"]).await;
    let (first, _) = hooks.next().await;
    // Everything that comes while it fails is refused and comes again.
    hooks.answers.store(204, Ordering::SeqCst);
    ada.say(&json!({"type": "leave"})).await;
    ada.expect_goodbye("left").await;
    let mut told = Vec::new();
    while told.iter().filter(|(id, _)| *id == first).count() == 0
        || told.iter().map(|(id, _)| id).collect::<std::collections::BTreeSet<_>>().len() < 4
    {
        told.push(hooks.next().await);
    }
    let of = |kind: &str| {
        let (_, event) = told.iter().find(|(_, event)| event["type"] == kind).expect("it is told");
        event["data"].clone()
    };
    assert_eq!(of("room.started"), json!({"room": "standup"}));
    let joined = json!({"room": "standup", "participant": welcome["peer"], "name": "Ada", "external_id": "u-7",
        "metadata": {"team": 7}});
    assert_eq!(of("participant.joined"), joined);
    let left = of("participant.left");
    assert_eq!((&left["participant"], &left["reason"]), (&welcome["peer"], &json!("left")));
    assert_eq!(of("room.ended"), json!({"room": "standup"}));
    server.shutdown().await;
}

#[tokio::test]
async fn what_nobody_took_is_delivered_by_the_next_start_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = Some(DataDir { path: folder.path().to_owned(), is_chosen: true });
    let mut hooks = Hooks::listen(500).await;
    let config = hooks.config(data_dir);
    let server = start_with(config.clone()).await;
    let made = value(post(&server, "/tokens", &json!({"room": "standup"})).await).await;
    let (_ada, _) = Client::join_as(&server, "standup", "Ada", &made["token"]).await;
    let mut refused = std::collections::BTreeMap::new();
    while refused.len() < 2 {
        let (id, event) = hooks.next().await;
        refused.insert(id, event);
    }
    server.shutdown().await;
    hooks.answers.store(204, Ordering::SeqCst);
    while hooks.got.try_recv().is_ok() {}
    let server = start_with(config).await;
    while !refused.is_empty() {
        let (id, event) = hooks.next().await;
        if let Some(before) = refused.remove(&id) {
            assert_eq!(event, before, "the same message, under the same id");
        }
    }
    server.shutdown().await;
}
