//! The few words of the protocol that a check-up needs, on a WebSocket of its own.

use futures_channel::mpsc;
use futures_util::StreamExt as _;
use shared::protocol::{
    Answer, ClientMessage, Hello, Offer, PublishedMid, ServerMessage, Version, Want, decode_server,
};
use shared::{DisplayName, MediaState, PeerId, SourceKind, SourceRef};

use crate::platform::page;
use crate::platform::rooms::CreatedRoom;
use crate::platform::socket::{Socket, SocketEvent};

/// Messages that wait to be read: a check-up hears a handful. What is more is lost, and the check-up's deadline ends it.
const WAITING_MAX: usize = 64;
/// What the two participants of a check-up are called; they see nobody but each other.
const NAME: &str = "Check-up";

/// Why nothing came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineError {
    /// The server cannot be reached, or is gone.
    Closed,
    /// The server said no.
    Refused,
}

/// A seat in a room that is only made for a check-up. Dropping it gives it up.
pub(super) struct TestLine {
    socket: Socket,
    heard: mpsc::Receiver<SocketEvent>,
    /// The own seat.
    pub(super) peer: PeerId,
}

impl TestLine {
    /// Enters a room that was made for this. `sends` says whether a picture will follow.
    pub(super) async fn enter(created: &CreatedRoom, sends: bool) -> Result<Self, LineError> {
        let (sender, heard) = mpsc::channel(WAITING_MAX);
        let tell = move |event| drop(sender.clone().try_send(event));
        let socket = Socket::open(&page::socket_address(), tell);
        let mut line = Self { socket, heard, peer: PeerId::new(0) };
        line.opened().await?;
        let name = DisplayName::new(NAME).map_err(|_| LineError::Refused)?;
        line.say(&ClientMessage::Hello(Hello {
            version: Version::CURRENT,
            capabilities: Vec::new(),
            room: created.room.clone(),
            name,
            media: MediaState { microphone: false, camera: sends, screen: false },
            resume: None,
            token: created.token.clone(),
            passcode: None,
        }));
        line.peer = line
            .hear(|message| {
                let ServerMessage::Welcome(welcome) = message else { return None };
                Some(welcome.peer)
            })
            .await?;
        Ok(line)
    }

    /// Makes the one offer of this seat; gives the answer.
    pub(super) async fn offer(&mut self, sdp: String, sends: Option<String>) -> Result<String, LineError> {
        let camera = |mid| PublishedMid { mid, kind: SourceKind::Camera };
        let sources = sends.into_iter().map(camera).collect();
        self.say(&ClientMessage::Offer(Offer { negotiation: 1, sdp, sources }));
        self.hear(|message| {
            let ServerMessage::Answer(Answer { sdp, .. }) = message else { return None };
            Some(sdp)
        })
        .await
    }

    /// Asks for somebody's picture in a slot.
    pub(super) fn want(&self, mid: String, peer: PeerId) {
        let source = SourceRef { peer, kind: SourceKind::Camera };
        let wants = vec![Want { mid, source, max_height: 720, priority: 1 }];
        self.say(&ClientMessage::Wants { wants });
    }

    fn say(&self, message: &ClientMessage) {
        self.socket.send(message.encode());
    }

    async fn opened(&mut self) -> Result<(), LineError> {
        match self.heard.next().await {
            Some(SocketEvent::Opened) => Ok(()),
            Some(SocketEvent::Message(_) | SocketEvent::Closed) | None => Err(LineError::Closed),
        }
    }

    /// The first message that `pick` takes; the others are passed over.
    async fn hear<T>(&mut self, pick: impl Fn(ServerMessage) -> Option<T>) -> Result<T, LineError> {
        loop {
            let Some(SocketEvent::Message(text)) = self.heard.next().await else {
                return Err(LineError::Closed);
            };
            match decode_server(&text) {
                Ok(ServerMessage::Error(_) | ServerMessage::Goodbye(_)) => return Err(LineError::Refused),
                Ok(message) => {
                    if let Some(picked) = pick(message) {
                        return Ok(picked);
                    }
                }
                // A message of a newer server.
                Err(_) => {}
            }
        }
    }
}

impl Drop for TestLine {
    fn drop(&mut self) {
        self.say(&ClientMessage::Leave);
    }
}
