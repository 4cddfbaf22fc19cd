//! The shell of a session: carries out what it decides on one WebSocket and one shard.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::{SinkExt as _, StreamExt as _};
use sfu::{Command, ConnectionId, Notice};
use shared::protocol::{Hello, ServerMessage};
use shared::{ResumeToken, RoomId};
use tokio::sync::{mpsc, watch};
use tracing::Span;
use tracing::field::Empty;

use super::mapping;
use super::session::{Lost, Output, Session};
use crate::access::Refusal;
use crate::app::stopping;
use crate::media::{Handle, Place, SendError};
use crate::rooms::{Delivery, Rooms, Unavailable};

/// Messages that wait for a client to read them. When there are more it is too slow: it is told to come back and
/// resync, which costs one snapshot instead of an unbounded backlog.
const QUEUE_MAX: usize = 256;
/// Notices that wait for this task. It takes them at once, so they only pile up when the machine is overloaded.
const NOTICES_MAX: usize = 256;
/// How long the other side may take to close once we have said goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// When to come back: at least this, plus as much again at random, so that not all come at once.
const RETRY_AFTER_MS: u32 = 500;

/// Where a client comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    /// Its address, or its network when that is IPv6.
    pub(crate) address: IpAddr,
}

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Line {
    socket: WebSocket,
    queue: VecDeque<Message>,
}

impl Line {
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self { socket, queue: VecDeque::new() }
    }

    /// Sends what is queued while waiting for the next message. Nothing: the connection is gone.
    async fn exchange(&mut self) -> Option<Message> {
        poll_fn(|context| {
            if let Poll::Ready(Err(_)) = self.poll_send(context) {
                return Poll::Ready(None);
            }
            let message = ready!(self.socket.poll_next_unpin(context));
            Poll::Ready(message.and_then(Result::ok))
        })
        .await
    }

    /// Ready when everything queued is sent.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        while !self.queue.is_empty() {
            ready!(self.socket.poll_ready_unpin(context))?;
            if let Some(message) = self.queue.pop_front() {
                self.socket.start_send_unpin(message)?;
            }
        }
        self.socket.poll_flush_unpin(context)
    }

    fn push(&mut self, message: &ServerMessage) {
        match serde_json::to_string(message) {
            Ok(text) => self.queue.push_back(Message::text(text)),
            Err(error) => tracing::error!(%error, "a message cannot be written as JSON"),
        }
    }

    /// Sends the rest and waits for the other side to close.
    async fn finish(mut self) {
        let rest = async { while self.exchange().await.is_some() {} };
        // When it does not close in time the connection is dropped, which ends it too.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, rest).await;
    }
}

/// Why somebody does not even come to the door of a meeting.
enum Closed {
    Door(Refusal),
    Room(Unavailable),
}

/// What ended a wait.
enum Happening {
    Message(Option<Message>),
    Notice(Option<Notice>),
    Delivery(Option<Delivery>),
    Timeout,
    Shutdown,
}

/// Serves one client until one side ends it.
pub(crate) async fn converse(
    line: Line,
    connection: ConnectionId,
    visit: Visit,
    rooms: Arc<Rooms>,
    mut shutdown: watch::Receiver<bool>,
) {
    let now = now();
    let mut conversation = Conversation {
        line,
        session: Session::new(connection, now),
        connection,
        visit,
        rooms,
        place: None,
        notices: None,
        room: None,
        deliveries: None,
    };
    let mut is_open = true;
    while is_open {
        let happening = conversation.next(&mut shutdown).await;
        conversation.handle(happening);
        is_open = conversation.carry_out().await;
    }
    conversation.detach();
    conversation.withdraw();
    conversation.line.finish().await;
    tracing::debug!("connection ended");
}

struct Conversation {
    line: Line,
    session: Session,
    connection: ConnectionId,
    visit: Visit,
    rooms: Arc<Rooms>,
    /// The shard that serves this connection, once it has joined.
    place: Option<Place>,
    notices: Option<mpsc::Receiver<Notice>>,
    /// The room whose meeting knows this connection.
    room: Option<RoomId>,
    deliveries: Option<mpsc::Receiver<Delivery>>,
}

impl Conversation {
    async fn next(&mut self, shutdown: &mut watch::Receiver<bool>) -> Happening {
        let (due, is_joining) = (self.session.poll_timeout(), self.session.is_joining());
        let timeout = async {
            match due {
                Some(due) => tokio::time::sleep_until(due.into()).await,
                None => std::future::pending().await,
            }
        };
        let notice = async {
            match &mut self.notices {
                Some(notices) => notices.recv().await,
                None => std::future::pending().await,
            }
        };
        // What follows a welcome waits for it.
        let delivery = async {
            match &mut self.deliveries {
                Some(deliveries) if !is_joining => deliveries.recv().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            // The door's answer comes before what the client says next.
            biased;
            delivery = delivery => Happening::Delivery(delivery),
            message = self.line.exchange() => Happening::Message(message),
            notice = notice => Happening::Notice(notice),
            () = timeout => Happening::Timeout,
            () = stopping(shutdown) => Happening::Shutdown,
        }
    }

    fn handle(&mut self, happening: Happening) {
        let now = now();
        match happening {
            Happening::Message(Some(Message::Text(text))) => self.session.handle_text(now, &text),
            Happening::Message(Some(Message::Binary(_))) => self.session.handle_binary(now),
            Happening::Message(Some(Message::Ping(_) | Message::Pong(_))) => {
                self.session.handle_sign_of_life(now);
            }
            Happening::Message(Some(Message::Close(_)) | None) => self.session.handle_gone(),
            Happening::Notice(Some(notice)) => {
                let welcomed = if let Notice::Welcomed { peer, resume, .. } = &notice {
                    Some((*peer, *resume))
                } else {
                    None
                };
                if let Notice::Welcomed { peer, resumed, .. } = &notice {
                    Span::current().record("peer", tracing::field::debug(peer));
                    tracing::info!(resumed, "joined");
                }
                self.session.handle_notice(now, notice);
                if let (Some((peer, resume)), Some(room)) = (welcomed, &self.room) {
                    self.rooms.welcomed(room, self.connection, peer, resume);
                }
            }
            Happening::Notice(None) => {
                let is_alive = self.shard().is_some_and(Handle::is_alive);
                self.lose(if is_alive { Lost::TooSlow } else { Lost::Shard });
            }
            Happening::Delivery(Some(delivery)) => self.session.handle_delivery(now, delivery),
            Happening::Delivery(None) => {
                self.deliveries = None;
                self.lose(Lost::TooSlow);
            }
            Happening::Timeout => self.session.handle_timeout(now),
            Happening::Shutdown => self.session.handle_shutdown(retry_after_ms()),
        }
    }

    /// Does what the session decided. False: the conversation is over.
    async fn carry_out(&mut self) -> bool {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(message) => self.send(&message),
                Output::Ping => self.line.queue.push_back(Message::Ping(axum::body::Bytes::new())),
                Output::Enter(hello) => self.enter(hello).await,
                Output::Join { room, command } => {
                    Span::current().record("room", tracing::field::debug(&room));
                    let (sender, receiver) = mpsc::channel(NOTICES_MAX);
                    let place = self.rooms.shards().place(&room, resume_of(&command));
                    let result = place.shard().join(self.connection, sender, command);
                    if self.check(result, "hello") {
                        self.place = Some(place);
                        self.notices = Some(receiver);
                    }
                }
                Output::Command { kind, command } => {
                    let result = self.command(command);
                    self.check(result, kind);
                }
                Output::Request(request) => {
                    if let Some(room) = &self.room {
                        self.rooms.request(room, self.connection, request);
                    }
                }
                Output::Withdraw => self.withdraw(),
                Output::Detach => self.detach(),
                Output::Close(code) => {
                    let frame = CloseFrame { code, reason: axum::extract::ws::Utf8Bytes::default() };
                    self.line.queue.push_back(Message::Close(Some(frame)));
                    return false;
                }
            }
        }
        true
    }

    /// Asks at the door. The answer is a delivery.
    async fn enter(&mut self, hello: Hello) {
        let room = hello.room.clone();
        let entered = match self.rooms.visitor(self.connection, hello, self.visit.address) {
            Ok(visitor) => self.rooms.enter(&room, visitor).await.map_err(Closed::Room),
            Err(refusal) => Err(Closed::Door(refusal)),
        };
        match entered {
            Ok(deliveries) => {
                self.room = Some(room);
                self.deliveries = Some(deliveries);
            }
            Err(Closed::Door(refusal)) => {
                self.session.turned_away(now(), mapping::not_granted(&refusal));
            }
            Err(Closed::Room(Unavailable::Rooms)) => self.session.handle_busy(now(), "hello"),
            Err(Closed::Room(Unavailable::Rules)) => {
                self.session.turned_away(now(), mapping::rules_unknown());
            }
        }
    }

    /// Hands a command to the shard, in one order with what the meeting decides.
    fn command(&self, command: Command) -> Result<(), SendError> {
        let Some((shard, room)) = self.shard().zip(self.room.as_ref()) else { return Ok(()) };
        match &command {
            Command::SetMedia { media, .. } => {
                let media = *media;
                self.rooms.say_media(room, self.connection, media, || shard.command(command))
            }
            Command::Rename { name, .. } => {
                let name = name.clone();
                self.rooms.rename(room, self.connection, &name, || shard.command(command))
            }
            Command::Leave { .. } => {
                // From now on its token gives nothing back, however late the shard tells it.
                self.rooms.seat_lost(room, self.connection);
                shard.command(command)
            }
            Command::Join { .. }
            | Command::Offer { .. }
            | Command::Wants { .. }
            | Command::Resync { .. }
            | Command::Disconnect { .. } => shard.command(command),
        }
    }

    /// The meeting need not know this connection any more.
    fn withdraw(&mut self) {
        self.deliveries = None;
        if let Some(room) = self.room.take() {
            self.rooms.disconnected(&room, self.connection);
        }
    }

    fn send(&mut self, message: &ServerMessage) {
        if self.line.queue.len() < QUEUE_MAX {
            self.line.push(message);
        } else {
            // The session's goodbye and close come next.
            self.line.queue.clear();
            self.lose(Lost::TooSlow);
        }
    }

    /// Whether the shard took what it was given; if not, the session decides what the client is told.
    fn check(&mut self, result: Result<(), SendError>, kind: &'static str) -> bool {
        match result {
            Ok(()) => {}
            Err(SendError::Busy) => self.session.handle_busy(now(), kind),
            Err(SendError::Stopped) => self.lose(Lost::Shard),
        }
        result.is_ok()
    }

    fn shard(&self) -> Option<&Handle> {
        self.place.as_ref().map(Place::shard)
    }

    fn lose(&mut self, lost: Lost) {
        tracing::info!(?lost, "connection cannot be served any more");
        self.session.handle_lost(lost, retry_after_ms());
    }

    fn detach(&mut self) {
        self.notices = None;
        if let Some(place) = self.place.take() {
            if let Some(room) = self.room.as_ref().filter(|_| !place.shard().is_alive()) {
                self.rooms.seat_lost(room, self.connection);
            }
            place.shard().disconnect(self.connection);
        }
    }
}

/// The token that a join presents.
const fn resume_of(command: &Command) -> Option<&ResumeToken> {
    if let Command::Join { resume, .. } = command { resume.as_ref() } else { None }
}

/// The span that a connection's events belong to; room and peer are filled in when they are known.
pub(crate) fn span(connection: ConnectionId) -> Span {
    tracing::info_span!("session", connection = connection.0, room = Empty, peer = Empty)
}

/// Tokio's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn retry_after_ms() -> u32 {
    RETRY_AFTER_MS + rand::random_range(0..=RETRY_AFTER_MS)
}
