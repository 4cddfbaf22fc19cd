//! Signaling to our own server, as the browser's client does it: one WebSocket a participant.

use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, bail};
use shared::protocol::{
    ClientMessage, Hello, Offer, PublishedMid, ServerMessage, Version, Want, decode_server,
};
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind, SourceRef};
use tungstenite::{Message, WebSocket};

/// Messages that may come before the awaited one: what the others' arrival sets off.
const MESSAGES_MAX: usize = 1000;
/// Height of the tile that subscribers ask for, in pixels.
const TILE_HEIGHT: u16 = 720;

/// A room of our own server with one publisher. Dropping it ends all connections.
#[derive(Debug)]
pub(crate) struct Meeting {
    address: SocketAddr,
    publisher: Option<PeerId>,
    participants: Vec<WebSocket<TcpStream>>,
}

impl Meeting {
    /// A room of the server at this HTTP address.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, publisher: None, participants: Vec::new() }
    }

    /// Where participants are let in.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets a participant in and returns the answer to its offer. A subscriber watches the publisher from then on.
    ///
    /// # Errors
    /// When the server refuses, or speaks out of turn.
    pub(crate) fn answer(&mut self, publishes: bool, sdp: String) -> Result<String> {
        let stream = TcpStream::connect(self.address).context("the server cannot be reached")?;
        stream.set_nodelay(true)?;
        let (socket, _) = tungstenite::client(format!("ws://{}/ws", self.address), stream)
            .context("the server takes no WebSocket")?;
        self.participants.push(socket);
        let camera = PublishedMid { mid: section_name(&sdp)?.to_owned(), kind: SourceKind::Camera };
        self.enter(publishes, sdp, vec![camera])
    }

    /// The same with a microphone, and a slot for it.
    ///
    /// # Errors
    /// When the server refuses, or speaks out of turn.
    pub(crate) fn answer_both(&mut self, publishes: bool, sdp: String) -> Result<String> {
        let stream = TcpStream::connect(self.address).context("the server cannot be reached")?;
        let (socket, _) = tungstenite::client(format!("ws://{}/ws", self.address), stream)
            .context("the server takes no WebSocket")?;
        self.participants.push(socket);
        let section = |media: &str| -> Result<String> {
            let section = sdp.split("\nm=").find(|section| section.starts_with(media));
            Ok(section_name(section.context("the offer has no such section")?)?.to_owned())
        };
        let sources = vec![
            PublishedMid { mid: section("video")?, kind: SourceKind::Camera },
            PublishedMid { mid: section("audio")?, kind: SourceKind::Microphone },
        ];
        self.enter(publishes, sdp, sources)
    }

    /// `sources` are what the sections are, the camera first: published, or watched.
    fn enter(&mut self, publishes: bool, sdp: String, sources: Vec<PublishedMid>) -> Result<String> {
        let mid = sources.first().context("there is a camera")?.mid.clone();
        let microphone = publishes && sources.len() > 1;
        self.say(&ClientMessage::Hello(Hello {
            version: Version::CURRENT,
            capabilities: Vec::new(),
            room: RoomId::new("benchmark")?,
            name: DisplayName::new("Participant")?,
            media: MediaState { camera: publishes, microphone, ..MediaState::default() },
            resume: None,
        }))?;
        let welcome = self.hear(|message| {
            let ServerMessage::Welcome(welcome) = message else { return None };
            Some(welcome)
        })?;
        let sources = if publishes { sources } else { Vec::new() };
        self.say(&ClientMessage::Offer(Offer { negotiation: 1, sdp, sources }))?;
        let answer = self.hear(|message| {
            let ServerMessage::Answer(answer) = message else { return None };
            Some(answer)
        })?;
        if publishes {
            self.publisher = Some(welcome.peer);
        } else {
            let peer = self.publisher.context("the publisher comes first")?;
            let source = SourceRef { peer, kind: SourceKind::Camera };
            let want = Want { mid, source, max_height: TILE_HEIGHT, priority: 0 };
            self.say(&ClientMessage::Wants { wants: vec![want] })?;
        }
        Ok(answer.sdp)
    }

    fn newest(&mut self) -> Result<&mut WebSocket<TcpStream>> {
        self.participants.last_mut().context("nobody is in the meeting")
    }

    fn say(&mut self, message: &ClientMessage) -> Result<()> {
        Ok(self.newest()?.send(Message::text(message.encode()))?)
    }

    /// Reads until `take` takes a message; others are not for a benchmark.
    fn hear<T>(&mut self, take: impl Fn(ServerMessage) -> Option<T>) -> Result<T> {
        for _ in 0..MESSAGES_MAX {
            let Message::Text(text) = self.newest()?.read()? else { continue };
            let message = decode_server(&text)?;
            if let ServerMessage::Error(fault) = &message {
                bail!("the server answered: {}", fault.message);
            }
            if let Some(taken) = take(message) {
                return Ok(taken);
            }
        }
        bail!("the server said {MESSAGES_MAX} other things")
    }
}

/// The name of the first section of a session description.
fn section_name(sdp: &str) -> Result<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).map(str::trim).context("the offer has no a=mid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_s_name_is_read() {
        assert_eq!(section_name("v=0\r\na=mid:video\r\na=mid:1\r\n").unwrap(), "video");
        assert!(section_name("v=0\r\n").is_err());
    }
}
