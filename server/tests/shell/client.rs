//! A WebSocket client that speaks text, and a server to speak to.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use server::{Config, Running, Server};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for a loaded machine; a passing test never waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server on the loopback address.
pub(crate) async fn start() -> Running {
    start_with(Config::on_loopback()).await
}

pub(crate) async fn start_with(config: Config) -> Running {
    Server::start(config).await.unwrap()
}

/// A client's end of a signaling connection.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub(crate) async fn connect(server: &Running) -> Self {
        Self::connect_with(server.http_addr, &[]).await.unwrap()
    }

    pub(crate) async fn connect_with(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Box<Error>> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = connect_async(request).await?;
        Ok(Self { socket })
    }

    /// Connects and joins. Returns the welcome too.
    pub(crate) async fn join(server: &Running, room: &str, name: &str) -> (Self, Value) {
        Self::join_with(server, hello(room, name)).await
    }

    /// The same with a join token.
    pub(crate) async fn join_as(server: &Running, room: &str, name: &str, token: &Value) -> (Self, Value) {
        let mut hello = hello(room, name);
        hello["token"] = token.clone();
        Self::join_with(server, hello).await
    }

    async fn join_with(server: &Running, hello: Value) -> (Self, Value) {
        let mut client = Self::connect(server).await;
        client.say(&hello).await;
        let welcome = client.expect("welcome").await;
        let next = client.hear().await.unwrap();
        assert_eq!(next["type"], "meeting", "what follows a welcome");
        (client, welcome)
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.say_text(message.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn say_binary(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// The next message, or nothing once the server has closed.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap() {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => {}
                Some(Ok(other)) => panic!("unexpected {other:?}"),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next message of this type; others are skipped.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        loop {
            let message = self.hear().await.unwrap_or_else(|| panic!("closed while waiting for {kind}"));
            if message["type"] == kind {
                return message;
            }
            assert_ne!(message["type"], "error", "{message}");
        }
    }

    /// The next message must be an error with this code.
    pub(crate) async fn expect_error(&mut self, code: &str) -> Value {
        let message = self.hear().await.unwrap();
        assert_eq!((&message["type"], &message["code"]), (&json!("error"), &json!(code)), "{message}");
        assert!(message["message"].as_str().unwrap().ends_with('.'), "{message}");
        message
    }

    /// A goodbye with this reason must come, and then the end.
    pub(crate) async fn expect_goodbye(&mut self, reason: &str) -> Value {
        let goodbye = self.expect("goodbye").await;
        assert_eq!(goodbye["reason"], reason);
        assert_eq!(self.hear().await, None, "a goodbye is the last word");
        goodbye
    }

    /// Asserts that the connection still works.
    pub(crate) async fn check_alive(&mut self) {
        self.say(&json!({"type": "ping", "nonce": 77})).await;
        assert_eq!(self.expect("pong").await["nonce"], 77);
    }

    /// Ends the connection without a word.
    pub(crate) fn vanish(self) {
        drop(self);
    }
}

pub(crate) fn hello(room: &str, name: &str) -> Value {
    json!({"type": "hello", "version": {"major": 1, "minor": 0}, "room": room, "name": name})
}
