//! Signaling of the bots: one WebSocket each, waited for while it joins and polled afterwards.

use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use shared::protocol::{
    CAPABILITY_LAYERS, ClientMessage, Hello, Offer, PublishedMid, RequestedLayers, ServerMessage,
    SlotAssignment, Version, Want, decode_server,
};
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind};
use tungstenite::{Message, WebSocket};

use super::bot::{Bot, Identity};
use super::description::Section;

/// A bot's connection.
pub(super) struct Line {
    pub(super) peer: PeerId,
    socket: WebSocket<TcpStream>,
}

/// How an attempt to join ended.
pub(super) enum Joined {
    In(Box<Line>),
    /// The server lets nobody in at the moment, and says why.
    Refused(String),
}

/// The part of a welcome that matters: the rest is a thousand seats.
#[derive(Deserialize)]
struct Welcome {
    peer: PeerId,
}

/// What a bot has to act on.
pub(super) enum News {
    Slots(Vec<SlotAssignment>),
    Layers(Vec<RequestedLayers>),
}

impl Line {
    /// Joins, offers, and hands the answer to the bot.
    pub(super) fn join(server: SocketAddr, identity: &Identity, bot: &mut Bot) -> Result<Joined> {
        let stream = TcpStream::connect(server).context("the server cannot be reached")?;
        stream.set_nodelay(true)?;
        let (mut socket, _) = tungstenite::client(format!("ws://{server}/ws"), stream)
            .context("the server takes no WebSocket")?;
        let publishes = |section| bot.sections.contains(&section);
        let camera = bot.sections.iter().any(|section| matches!(section, Section::Camera { .. }));
        let microphone = publishes(Section::Microphone);
        let hello = ClientMessage::Hello(Hello {
            version: Version::CURRENT,
            capabilities: vec![CAPABILITY_LAYERS.to_owned()],
            room: RoomId::new("benchmark")?,
            name: DisplayName::new("Participant")?,
            media: MediaState { camera, microphone, ..MediaState::default() },
            resume: None,
            token: None,
            passcode: None,
        });
        socket.send(Message::text(hello.encode()))?;
        let welcome = match wait_for(&mut socket, "welcome")? {
            Ok(text) => serde_json::from_str::<Welcome>(&text).context("the welcome cannot be read")?,
            Err(reason) => return Ok(Joined::Refused(reason)),
        };
        let offer = Offer { negotiation: 1, sdp: bot.offer(identity), sources: sources(&bot.sections) };
        socket.send(Message::text(ClientMessage::Offer(offer).encode()))?;
        let answer = match wait_for(&mut socket, "answer")? {
            Ok(text) => text,
            Err(reason) => return Ok(Joined::Refused(reason)),
        };
        let ServerMessage::Answer(answer) = decode_server(&answer)? else { bail!("no answer") };
        bot.accept(identity, &answer.sdp, Instant::now())?;
        socket.get_ref().set_nonblocking(true)?;
        Ok(Joined::In(Box::new(Self { peer: welcome.peer, socket })))
    }

    pub(super) fn stream(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    pub(super) fn want(&mut self, wants: Vec<Want>) -> Result<()> {
        Ok(self.socket.send(Message::text(ClientMessage::Wants { wants }.encode()))?)
    }

    /// The next message that a bot acts on; nothing when none waits.
    pub(super) fn poll(&mut self) -> Result<Option<News>> {
        loop {
            let text = match self.socket.read() {
                Ok(Message::Text(text)) => text,
                Ok(_) => continue,
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    // Pongs that were queued while reading.
                    let _ = self.socket.flush();
                    return Ok(None);
                }
                Err(error) => return Err(error).context("a bot lost its connection"),
            };
            match kind(&text) {
                "slot_map" | "layers" | "goodbye" | "error" => {}
                _ => continue,
            }
            let message = decode_server(&text)?;
            if let ServerMessage::SlotMap { slots } = message {
                return Ok(Some(News::Slots(slots)));
            }
            let ServerMessage::Layers { publications } = message else {
                bail!("the server ended it: {message:?}");
            };
            return Ok(Some(News::Layers(publications)));
        }
    }
}

/// Reads until a message of this type comes; the outer error is a broken connection, the inner a refusal.
fn wait_for(socket: &mut WebSocket<TcpStream>, wanted: &str) -> Result<Result<String, String>> {
    loop {
        let Message::Text(text) = socket.read()? else { continue };
        match kind(&text) {
            kind if kind == wanted => return Ok(Ok(text.to_string())),
            "error" | "goodbye" => return Ok(Err(text.to_string())),
            _ => {}
        }
    }
}

/// The `type` of a message, which is its first field.
fn kind(text: &str) -> &str {
    let start = text.strip_prefix(r#"{"type":""#).unwrap_or_default();
    start.split('"').next().unwrap_or_default()
}

fn sources(sections: &[Section]) -> Vec<PublishedMid> {
    let of = |(mid, section): (usize, &Section)| {
        let kind = match section {
            Section::Microphone => SourceKind::Microphone,
            Section::Camera { .. } => SourceKind::Camera,
            Section::AudioSlot | Section::VideoSlot => return None,
        };
        Some(PublishedMid { mid: mid.to_string(), kind })
    };
    sections.iter().enumerate().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_by_its_first_field() {
        let slots = ServerMessage::SlotMap { slots: Vec::new() };
        assert_eq!(kind(&serde_json::to_string(&slots).unwrap()), "slot_map");
        assert_eq!(kind("nothing"), "");
    }
}
