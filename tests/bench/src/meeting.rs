//! Signaling to our own server, as the browser's client does it: one WebSocket a participant.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use shared::protocol::{
    ClientMessage, Hello, Offer, PublishedMid, ServerMessage, Version, Want, decode_server,
};
use shared::{DisplayName, MediaState, PeerId, RoomId, SourceKind, SourceRef};
use tungstenite::{Message, WebSocket};

/// Messages that may come before the awaited one: what the others' arrival sets off.
const MESSAGES_MAX: usize = 1000;
/// Height of the tile that subscribers ask for, in pixels.
const TILE_HEIGHT: u16 = 720;
/// How often the participants' connections are read, so that the server's pings are answered in time.
const ATTENDANCE: Duration = Duration::from_secs(1);
/// Participants that wait for the next [`ATTENDANCE`]; one more waits until there is room.
const ENTERING_MAX: usize = 64;

/// A room of our own server with one publisher. Dropping it ends all connections.
#[derive(Debug)]
pub(crate) struct Meeting {
    address: SocketAddr,
    publisher: Option<PeerId>,
    /// To the thread that keeps them in the room.
    entered: SyncSender<WebSocket<TcpStream>>,
    /// Whether the server has ended a connection.
    is_broken: Arc<AtomicBool>,
}

impl Meeting {
    /// A room of the server at this HTTP address.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let (entered, entering) = sync_channel(ENTERING_MAX);
        let is_broken = Arc::new(AtomicBool::new(false));
        let broken = Arc::clone(&is_broken);
        // Ends with the meeting, whose sender it waits for.
        std::thread::spawn(move || attend(&entering, &broken));
        Self { address, publisher: None, entered, is_broken }
    }

    /// Everybody who entered is still connected: a figure for a room that people are leaving would be another one.
    ///
    /// # Errors
    /// When the server has ended a connection.
    pub(crate) fn ensure_attended(&self) -> Result<()> {
        ensure!(!self.is_broken.load(Ordering::Relaxed), "the server has ended a participant's connection");
        Ok(())
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
        let camera = PublishedMid { mid: section_name(&sdp)?.to_owned(), kind: SourceKind::Camera };
        self.enter(publishes, sdp, vec![camera])
    }

    /// The same with a microphone, and a slot for it.
    ///
    /// # Errors
    /// When the server refuses, or speaks out of turn.
    pub(crate) fn answer_both(&mut self, publishes: bool, sdp: String) -> Result<String> {
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
        let stream = TcpStream::connect(self.address).context("the server cannot be reached")?;
        stream.set_nodelay(true)?;
        let (mut socket, _) = tungstenite::client(format!("ws://{}/ws", self.address), stream)
            .context("the server takes no WebSocket")?;
        say(
            &mut socket,
            &ClientMessage::Hello(Hello {
                version: Version::CURRENT,
                capabilities: Vec::new(),
                room: RoomId::new("benchmark")?,
                name: DisplayName::new("Participant")?,
                media: MediaState { camera: publishes, microphone, ..MediaState::default() },
                resume: None,
                token: None,
                passcode: None,
            }),
        )?;
        let welcome = hear(&mut socket, |message| {
            let ServerMessage::Welcome(welcome) = message else { return None };
            Some(welcome)
        })?;
        let sources = if publishes { sources } else { Vec::new() };
        say(&mut socket, &ClientMessage::Offer(Offer { negotiation: 1, sdp, sources }))?;
        let answer = hear(&mut socket, |message| {
            let ServerMessage::Answer(answer) = message else { return None };
            Some(answer)
        })?;
        if publishes {
            self.publisher = Some(welcome.peer);
        } else {
            let peer = self.publisher.context("the publisher comes first")?;
            let source = SourceRef { peer, kind: SourceKind::Camera };
            let want = Want { mid, source, max_height: TILE_HEIGHT, priority: 0 };
            say(&mut socket, &ClientMessage::Wants { wants: vec![want] })?;
        }
        socket.get_ref().set_nonblocking(true)?;
        self.entered.send(socket).context("nobody attends to the meeting")?;
        Ok(answer.sdp)
    }
}

fn say(socket: &mut WebSocket<TcpStream>, message: &ClientMessage) -> Result<()> {
    Ok(socket.send(Message::text(message.encode()))?)
}

/// Reads until `take` takes a message; others are not for a benchmark.
fn hear<T>(socket: &mut WebSocket<TcpStream>, take: impl Fn(ServerMessage) -> Option<T>) -> Result<T> {
    for _ in 0..MESSAGES_MAX {
        let Message::Text(text) = socket.read()? else { continue };
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

/// Answers the pings of everybody who has entered, until the meeting is dropped.
fn attend(entering: &Receiver<WebSocket<TcpStream>>, is_broken: &AtomicBool) {
    let mut participants = Vec::new();
    let mut due = Instant::now() + ATTENDANCE;
    loop {
        match entering.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(socket) => participants.push(socket),
            Err(RecvTimeoutError::Timeout) => {
                due = Instant::now() + ATTENDANCE;
                if !participants.iter_mut().all(answer_pings) {
                    is_broken.store(true, Ordering::Relaxed);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Reads what has come, which answers pings. Tells whether the connection still stands.
fn answer_pings(socket: &mut WebSocket<TcpStream>) -> bool {
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                return socket.flush().is_ok();
            }
            Err(_) => return false,
        }
    }
}

/// The name of the first section of a session description.
fn section_name(sdp: &str) -> Result<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).map(str::trim).context("the offer has no a=mid")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_ping_of_the_server_is_answered_and_its_end_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || tungstenite::accept(listener.accept().unwrap().0).unwrap());
        let stream = TcpStream::connect(address).unwrap();
        let (mut client, _) = tungstenite::client(format!("ws://{address}/"), stream).unwrap();
        let mut server = server.join().unwrap();
        server.send(Message::Ping("here?".into())).unwrap();
        client.get_ref().set_nonblocking(true).unwrap();
        while client.get_ref().peek(&mut [0]).is_err() {}
        assert!(answer_pings(&mut client));
        assert_eq!(server.read().unwrap(), Message::Pong("here?".into()));
        drop(server);
        while client.get_ref().peek(&mut [0]).is_err() {}
        assert!(!answer_pings(&mut client));
    }

    #[test]
    fn the_section_s_name_is_read() {
        assert_eq!(section_name("v=0\r\na=mid:video\r\na=mid:1\r\n").unwrap(), "video");
        assert!(section_name("v=0\r\n").is_err());
    }
}
