//! A signaling connection as text messages.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use shared::protocol::{ClientMessage, Hello, ServerMessage, Version, decode_server};
use shared::{DisplayName, MediaState, RoomId};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// More than any answer of a server on the same, loaded machine takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let (socket, _) = connect_async(format!("ws://{server}/ws")).await.expect("the server accepts");
        Self(socket)
    }

    /// Opens a connection and joins.
    pub(crate) async fn join(server: SocketAddr, room: &str) -> Self {
        let mut socket = Self::open(server).await;
        socket.send(&ClientMessage::Hello(hello(room))).await;
        socket
    }

    pub(crate) async fn send(&mut self, message: &ClientMessage) {
        self.text(&message.encode()).await;
    }

    pub(crate) async fn text(&mut self, text: &str) {
        assert!(self.try_text(text).await, "the connection is open");
    }

    /// False: the connection has ended.
    pub(crate) async fn try_text(&mut self, text: &str) -> bool {
        self.0.send(Message::text(text)).await.is_ok()
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.expect("the connection is open");
    }

    /// The next text; nothing once the connection is closed.
    pub(crate) async fn next_text(&mut self) -> Option<String> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Close(_) => return None,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Waits for a message that `picks` something from.
    pub(crate) async fn wait<R>(&mut self, mut picks: impl FnMut(&ServerMessage) -> Option<R>) -> R {
        let waiting = async {
            loop {
                let text = self.next_text().await.expect("the connection stays open");
                if let Some(picked) = picks(&decode_server(&text).expect("the server speaks the protocol")) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the message comes in time")
    }

    /// Waits until the server has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let waiting = async { while self.next_text().await.is_some() {} };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the connection ends in time");
    }
}

pub(crate) fn hello(room: &str) -> Hello {
    Hello {
        version: Version::CURRENT,
        capabilities: Vec::new(),
        room: RoomId::new(room).unwrap(),
        name: DisplayName::new("Ada").unwrap(),
        media: MediaState::default(),
        resume: None,
        token: None,
        passcode: None,
    }
}
