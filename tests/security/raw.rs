//! Bytes on a socket, as no library would send them.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::socket::PATIENCE;

/// A connection that says what it likes.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        Self(TcpStream::connect(server).await.unwrap())
    }

    /// The server may close meanwhile; what it said can be read all the same.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Everything until the server closes.
    pub(crate) async fn hear_all(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        // A reset ends it as well.
        let reading = async { while let Ok(1..) = self.0.read_buf(&mut heard).await {} };
        tokio::time::timeout(PATIENCE, reading).await.expect("the server closes in time");
        heard
    }

    /// What the server says when it is asked whether it is ready; nothing when it closes instead.
    pub(crate) async fn asked_for_readiness(mut self) -> Vec<u8> {
        self.say("GET /api/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        self.hear_all().await
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.expect("the server answers"));
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the server answers in time");
        String::from_utf8(head).unwrap()
    }

    /// A WebSocket, with these headers besides.
    pub(crate) async fn upgrade(server: SocketAddr, headers: &str) -> Result<Self, String> {
        let mut raw = Self::connect(server).await;
        raw.ask_to_upgrade(server, headers).await;
        let head = raw.head().await;
        if status(head.as_bytes()) == 101 { Ok(raw) } else { Err(head) }
    }

    pub(crate) async fn ask_to_upgrade(&mut self, server: SocketAddr, headers: &str) {
        self.say(format!(
            "GET /ws HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        ))
        .await;
    }

    /// Frames until the server closes: their first byte and what is in them.
    pub(crate) async fn frames(&mut self) -> Vec<(u8, Vec<u8>)> {
        let heard = self.hear_all().await;
        let (mut rest, mut frames) = (heard.as_slice(), Vec::new());
        while let [first, length, tail @ ..] = rest {
            let (length, tail) = match length {
                126 => (usize::from(u16::from_be_bytes([tail[0], tail[1]])), &tail[2..]),
                127 => panic!("no answer is so long"),
                short => (usize::from(*short), tail),
            };
            frames.push((*first, tail[..length].to_vec()));
            rest = &tail[length..];
        }
        frames
    }
}

/// One request, and everything that comes back. Asks to close, so that it ends.
pub(crate) async fn ask(server: SocketAddr, request: &str) -> String {
    let mut raw = Raw::connect(server).await;
    raw.say(request).await;
    String::from_utf8_lossy(&raw.hear_all().await).into_owned()
}

pub(crate) fn status(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(answer.get(..12).unwrap_or_default()).into_owned();
    text.strip_prefix("HTTP/1.1 ").and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// A frame of a client (RFC 6455 §5.2), masked with zeros unless `first` or `masked` say that it is broken.
pub(crate) fn frame(first: u8, is_masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = u8::from(is_masked) << 7;
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(mask | length),
        (_, Ok(length)) => {
            frame.push(mask | 126);
            frame.extend(length.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(mask | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    if is_masked {
        frame.extend([0; 4]);
    }
    frame.extend(payload);
    frame
}
