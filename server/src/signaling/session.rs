//! One client's conversation as a state machine: told the time and what arrived, it says what to do.
//!
//! ```text
//!            hello          admitted           welcomed
//! AwaitingHello ───▶ Entering ───────▶ Joining ─────────▶ Joined
//!       ▲              │  ▲ │             │                │
//!       │       refused│  │ └▶ Waiting ─▶ │ refused        ▼  goodbye, from any state
//!       └──────────────┴──┴───────────────┘             Closed
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Deserialize;
use sfu::{Command, ConnectionId, Notice, Refusal};
use shared::RoomId;
use shared::limits::{MESSAGE_BURST_MAX, MESSAGES_PER_SECOND_MAX};
use shared::protocol::{
    ClientMessage, DecodeError, Goodbye, GoodbyeReason, Hello, ServerMessage, Version, decode_client,
};

use super::mapping::{self, SessionRefusal};
use super::rate::RateLimiter;
use crate::rooms::{Delivery, Request};

/// How long a connection may stay without a hello: enough for a slow phone, too short to hoard connections.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may stay without another one after the first was refused: enough to ask a user for a passcode.
const ANOTHER_HELLO_TIMEOUT: Duration = Duration::from_secs(120);
/// How often the client is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// A client that says nothing for this long, pongs included, is gone: two pings may be lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(25);
/// Messages that could not be handled before the connection is closed; one is forgiven every [`FAULT_FORGIVEN`].
const FAULTS_MAX: u32 = 20;
const FAULT_FORGIVEN: Duration = Duration::from_secs(3);

/// What the shell must do, in this order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send a message to the client.
    Send(ServerMessage),
    /// Send a WebSocket ping (RFC 6455 section 5.5.2).
    Ping,
    /// Ask the meeting of the room that is named whether this client may come in.
    Enter(Hello),
    /// Hand the command to the shard of this room, which serves this connection from now on.
    Join {
        /// The room that decides on the shard.
        room: RoomId,
        /// The join.
        command: Command,
    },
    /// Hand a command to the shard of this connection.
    Command {
        /// The `type` of the client's message, for [`Session::handle_busy`].
        kind: &'static str,
        /// What to do.
        command: Command,
    },
    /// Ask the meeting of this connection for something.
    Request(Request),
    /// Nobody here waits to come in any more: the meeting need not know this connection.
    Withdraw,
    /// The join failed: the shard does not serve this connection any more.
    Detach,
    /// Close the connection with this code (RFC 6455 section 7.4.1) once everything is sent.
    Close(u16),
}

/// Why the SFU's notices ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The client does not read as fast as its room changes.
    TooSlow,
    /// The shard is gone.
    Shard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    AwaitingHello { until: Instant },
    Entering,
    Waiting,
    Joining,
    Joined,
    Closed,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Session {
    connection: ConnectionId,
    phase: Phase,
    version: Version,
    messages: RateLimiter,
    /// Refusals of messages beyond the rate: a client that goes on at twice the rate is closed.
    refusals: RateLimiter,
    faults: RateLimiter,
    /// What the client said, while it is decided whether it may come in.
    hello: Option<Hello>,
    /// The client is kept out of the meeting from now on: the SFU, which says goodbye, does not know.
    is_banned: bool,
    heard_at: Instant,
    ping_at: Instant,
    /// At most a few: the shell drains after every call.
    outputs: VecDeque<Output>,
}

impl Session {
    pub(crate) fn new(connection: ConnectionId, now: Instant) -> Self {
        let between_messages = Duration::from_secs(1) / MESSAGES_PER_SECOND_MAX;
        let messages = RateLimiter::new(between_messages, MESSAGE_BURST_MAX, now);
        Self {
            connection,
            phase: Phase::AwaitingHello { until: now + HELLO_TIMEOUT },
            version: Version::CURRENT,
            refusals: messages.clone(),
            messages,
            faults: RateLimiter::new(FAULT_FORGIVEN, FAULTS_MAX, now),
            hello: None,
            is_banned: false,
            heard_at: now,
            ping_at: now + PING_INTERVAL,
            outputs: VecDeque::new(),
        }
    }

    /// A text message arrived.
    pub(crate) fn handle_text(&mut self, now: Instant, text: &str) {
        if !self.admit(now) {
            return;
        }
        match decode_client(text) {
            Ok(message) => self.handle_message(now, message),
            Err(error) => match foreign_hello(&error, text) {
                Some(theirs) => self.agree(theirs).unwrap_or_default(),
                None => self.fault(now, mapping::undecodable(&error)),
            },
        }
    }

    /// A binary message arrived.
    pub(crate) fn handle_binary(&mut self, now: Instant) {
        if self.admit(now) {
            self.fault(now, mapping::session_refused(SessionRefusal::Binary, None));
        }
    }

    /// A WebSocket ping or pong arrived.
    pub(crate) fn handle_sign_of_life(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// The client has closed the connection, or it broke.
    pub(crate) fn handle_gone(&mut self) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.outputs.push_back(Output::Close(close_code::NORMAL));
        }
    }

    /// The SFU has something for this client.
    pub(crate) fn handle_notice(&mut self, now: Instant, notice: Notice) {
        if self.phase == Phase::Closed {
            return;
        }
        match &notice {
            Notice::Welcomed { .. } => self.phase = Phase::Joined,
            Notice::Refused { refusal, .. }
                if self.phase == Phase::Joining && *refusal != Refusal::ResumeExpired =>
            {
                self.outputs.push_back(Output::Detach);
                self.outputs.push_back(Output::Withdraw);
                self.phase = Phase::AwaitingHello { until: now + HELLO_TIMEOUT };
            }
            Notice::Refused { .. }
            | Notice::Answered { .. }
            | Notice::Snapshot(_)
            | Notice::Changed { .. }
            | Notice::SlotMap(_)
            | Notice::Layers(_)
            | Notice::Speakers(_)
            | Notice::Closed(_) => {}
        }
        let timeout_ms = u32::try_from(SILENCE_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
        match mapping::message(notice, self.version, timeout_ms) {
            ServerMessage::Goodbye(goodbye) => {
                let is_ban = self.is_banned && goodbye.reason == GoodbyeReason::Removed;
                let reason = if is_ban { GoodbyeReason::Banned } else { goodbye.reason };
                self.close(Goodbye { reason, ..goodbye });
            }
            message @ (ServerMessage::Waiting
            | ServerMessage::Meeting(_)
            | ServerMessage::Knocks { .. }
            | ServerMessage::Chat { .. }
            | ServerMessage::Reaction { .. }
            | ServerMessage::Caption(_)
            | ServerMessage::Moderated(_)
            | ServerMessage::Welcome(_)
            | ServerMessage::Answer(_)
            | ServerMessage::Snapshot(_)
            | ServerMessage::Delta { .. }
            | ServerMessage::SlotMap { .. }
            | ServerMessage::Layers { .. }
            | ServerMessage::Speakers { .. }
            | ServerMessage::Pong { .. }
            | ServerMessage::Error(_)) => self.outputs.push_back(Output::Send(message)),
        }
    }

    /// The meeting has something for this client.
    pub(crate) fn handle_delivery(&mut self, now: Instant, delivery: Delivery) {
        match (self.phase, delivery) {
            (Phase::Closed, _) => {}
            (Phase::Entering | Phase::Waiting, Delivery::Admitted { name, admission }) => {
                let Some(hello) = self.hello.take() else { return };
                self.phase = Phase::Joining;
                let room = hello.room.clone();
                let command = mapping::join(self.connection, Hello { name, ..hello }, admission);
                self.outputs.push_back(Output::Join { room, command });
            }
            (Phase::Entering, Delivery::Waiting) => {
                self.phase = Phase::Waiting;
                self.send(ServerMessage::Waiting);
            }
            (Phase::Entering, Delivery::Refused(refusal)) => {
                self.turned_away(now, mapping::meeting_refused(refusal));
            }
            (_, Delivery::Refused(refusal)) => self.send(mapping::meeting_refused(refusal)),
            (_, Delivery::Banned) => self.is_banned = true,
            (_, Delivery::Told(told)) => self.send(mapping::told(told)),
            (_, Delivery::Dismissed { is_denied, message }) => {
                let reason = if is_denied { GoodbyeReason::Denied } else { GoodbyeReason::Ended };
                self.close(Goodbye { reason, retry_after_ms: None, message });
            }
            (Phase::AwaitingHello { .. } | Phase::Joining | Phase::Joined, Delivery::Admitted { .. })
            | (
                Phase::AwaitingHello { .. } | Phase::Waiting | Phase::Joining | Phase::Joined,
                Delivery::Waiting,
            ) => {}
        }
    }

    /// The client may not come in as it said hello; it may say another one.
    pub(crate) fn turned_away(&mut self, now: Instant, answer: ServerMessage) {
        self.hello = None;
        self.phase = Phase::AwaitingHello { until: now + ANOTHER_HELLO_TIMEOUT };
        self.outputs.push_back(Output::Withdraw);
        self.send(answer);
    }

    /// Whether the meeting's deliveries have to wait: what follows a welcome comes after it.
    pub(crate) fn is_joining(&self) -> bool {
        self.phase == Phase::Joining
    }

    /// The shard's queue was full: the command of the message of this kind was not handed over.
    pub(crate) fn handle_busy(&mut self, now: Instant, kind: &'static str) {
        if self.phase == Phase::Closed {
            return;
        }
        if matches!(self.phase, Phase::Entering | Phase::Joining) {
            self.outputs.push_back(Output::Withdraw);
            self.phase = Phase::AwaitingHello { until: now + HELLO_TIMEOUT };
        }
        self.send(mapping::session_refused(SessionRefusal::Busy, Some(kind)));
    }

    /// Nothing comes from the SFU any more.
    pub(crate) fn handle_lost(&mut self, lost: Lost, retry_after_ms: u32) {
        let reason = match lost {
            Lost::TooSlow => GoodbyeReason::TooSlow,
            Lost::Shard => GoodbyeReason::Restarting,
        };
        self.close(Goodbye { reason, retry_after_ms: Some(retry_after_ms), message: None });
    }

    /// The server stops.
    pub(crate) fn handle_shutdown(&mut self, retry_after_ms: u32) {
        self.close(Goodbye {
            reason: GoodbyeReason::Restarting,
            retry_after_ms: Some(retry_after_ms),
            message: None,
        });
    }

    /// Call when [`Self::poll_timeout`] is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if matches!(self.phase, Phase::AwaitingHello { until } if until <= now) {
            self.send(mapping::session_refused(SessionRefusal::HelloLate, None));
            self.violation();
        }
        if self.phase != Phase::Closed && self.heard_at + SILENCE_TIMEOUT <= now {
            self.phase = Phase::Closed;
            self.outputs.push_back(Output::Close(close_code::AWAY));
        }
        if self.phase != Phase::Closed && self.ping_at <= now {
            self.ping_at = now + PING_INTERVAL;
            self.outputs.push_back(Output::Ping);
        }
    }

    /// When to call [`Self::handle_timeout`]; nothing once closed.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let regular = self.ping_at.min(self.heard_at + SILENCE_TIMEOUT);
        match self.phase {
            Phase::AwaitingHello { until } => Some(until.min(regular)),
            Phase::Entering | Phase::Waiting | Phase::Joining | Phase::Joined => Some(regular),
            Phase::Closed => None,
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether a message may be looked at at all.
    fn admit(&mut self, now: Instant) -> bool {
        if self.phase == Phase::Closed {
            return false;
        }
        self.heard_at = now;
        if self.messages.take(now) {
            return true;
        }
        if self.refusals.take(now) {
            self.send(mapping::session_refused(SessionRefusal::RateLimited, None));
        } else {
            self.violation();
        }
        false
    }

    fn handle_message(&mut self, now: Instant, message: ClientMessage) {
        let kind = mapping::kind(&message);
        match (self.phase, message) {
            (_, ClientMessage::Ping { nonce }) => self.send(ServerMessage::Pong { nonce }),
            (Phase::AwaitingHello { .. }, ClientMessage::Hello(hello)) => self.handle_hello(hello),
            (Phase::AwaitingHello { .. } | Phase::Entering | Phase::Waiting, ClientMessage::Leave) => {
                self.close_left()
            }
            (Phase::AwaitingHello { .. }, _) => {
                self.fault(now, mapping::session_refused(SessionRefusal::HelloExpected, Some(kind)));
            }
            (Phase::Entering | Phase::Waiting | Phase::Joining | Phase::Joined, ClientMessage::Hello(_)) => {
                self.fault(now, mapping::session_refused(SessionRefusal::AlreadyJoined, Some(kind)));
            }
            (Phase::Entering | Phase::Waiting, _) => {
                self.fault(now, mapping::session_refused(SessionRefusal::NotInYet, Some(kind)));
            }
            (Phase::Joining | Phase::Joined, ClientMessage::Chat(chat)) => self.request(Request::Chat(chat)),
            (Phase::Joining | Phase::Joined, ClientMessage::React { reaction }) => {
                self.request(Request::React(reaction));
            }
            (Phase::Joining | Phase::Joined, ClientMessage::Hand { raised }) => {
                self.request(Request::Hand(raised));
            }
            (Phase::Joining | Phase::Joined, ClientMessage::Caption(cue)) => {
                self.request(Request::Caption(cue))
            }
            (Phase::Joining | Phase::Joined, ClientMessage::WantCaptions { wanted }) => {
                self.request(Request::WantCaptions(wanted));
            }
            (Phase::Joining | Phase::Joined, ClientMessage::Moderate(moderation)) => {
                self.request(Request::Moderate(moderation));
            }
            (Phase::Joining | Phase::Joined, message) => {
                let is_leave = message == ClientMessage::Leave;
                if let Some(command) = mapping::command(self.connection, message) {
                    self.outputs.push_back(Output::Command { kind, command });
                }
                if is_leave {
                    self.close_left();
                }
            }
            (Phase::Closed, _) => {}
        }
    }

    fn handle_hello(&mut self, hello: Hello) {
        if self.agree(hello.version).is_none() {
            return;
        }
        self.phase = Phase::Entering;
        self.hello = Some(hello.clone());
        self.outputs.push_back(Output::Enter(hello));
    }

    fn request(&mut self, request: Request) {
        self.outputs.push_back(Output::Request(request));
    }

    /// Settles on a version, or refuses the client and closes.
    fn agree(&mut self, theirs: Version) -> Option<()> {
        match Version::CURRENT.agree(theirs) {
            Ok(version) => {
                self.version = version;
                Some(())
            }
            Err(mismatch) => {
                self.send(mapping::unsupported_version(&mismatch));
                self.violation();
                None
            }
        }
    }

    fn send(&mut self, message: ServerMessage) {
        self.outputs.push_back(Output::Send(message));
    }

    /// Answers a message that could not be handled; too many of them end the connection.
    fn fault(&mut self, now: Instant, answer: ServerMessage) {
        self.send(answer);
        if !self.faults.take(now) {
            self.violation();
        }
    }

    fn violation(&mut self) {
        let reason = GoodbyeReason::ProtocolViolation;
        self.close(Goodbye { reason, retry_after_ms: None, message: None });
    }

    fn close_left(&mut self) {
        self.close(Goodbye { reason: GoodbyeReason::Left, retry_after_ms: None, message: None });
    }

    fn close(&mut self, goodbye: Goodbye) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        let code = match goodbye.reason {
            GoodbyeReason::Left
            | GoodbyeReason::Replaced
            | GoodbyeReason::Removed
            | GoodbyeReason::Banned
            | GoodbyeReason::Denied
            | GoodbyeReason::Ended
            | GoodbyeReason::Unknown => close_code::NORMAL,
            GoodbyeReason::Restarting => close_code::RESTART,
            GoodbyeReason::ProtocolViolation | GoodbyeReason::TooSlow => close_code::POLICY,
        };
        self.send(ServerMessage::Goodbye(goodbye));
        self.outputs.push_back(Output::Close(code));
    }
}

/// WebSocket close codes (RFC 6455 section 7.4.1; 1012 is registered with IANA).
mod close_code {
    pub(super) const NORMAL: u16 = 1000;
    pub(super) const AWAY: u16 = 1001;
    pub(super) const POLICY: u16 = 1008;
    pub(super) const RESTART: u16 = 1012;
}

/// A newer protocol may have another hello: its version is read before its other fields are judged.
fn foreign_hello(error: &DecodeError, text: &str) -> Option<Version> {
    #[derive(Deserialize)]
    struct VersionOnly {
        version: Version,
    }
    let is_hello = matches!(error, DecodeError::InvalidFields { kind, .. } if kind == "hello");
    let theirs = serde_json::from_str::<VersionOnly>(text).ok().filter(|_| is_hello)?.version;
    Version::CURRENT.agree(theirs).is_err().then_some(theirs)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
