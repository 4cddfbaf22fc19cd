//! The signaling connection: open, greet, keep alive, come back.

use std::time::Duration;

use crate::error::EndReason;
use crate::input::SocketId;
use crate::moment::Moment;
use crate::random::Jitter;

/// Where the session is, for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// On the way into the room for the first time.
    Connecting {
        /// Which try this is, from 1.
        attempt: u32,
        /// When the next try begins; nothing while one is under way.
        retry_at: Option<Moment>,
    },
    /// Waits to be let in by a host.
    Knocking,
    /// The meeting asks for a passcode; waits for [`crate::Input::Passcode`].
    PasscodeNeeded {
        /// Whether one was given already that is not the meeting's.
        is_wrong: bool,
    },
    /// In the room.
    Joined,
    /// The connection to the server was lost; media may still flow.
    Reconnecting {
        /// Which try this is, from 1.
        attempt: u32,
        /// When the next try begins; nothing while one is under way.
        retry_at: Option<Moment>,
    },
    /// Over.
    Ended(EndReason),
}

/// What time brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionStep {
    Open(SocketId),
    Ping {
        socket: SocketId,
        nonce: u32,
    },
    /// Nothing was heard for too long. The session already waits for its next try.
    Lost(SocketId),
}

#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    jitter: Jitter,
    /// Tries since the last time in the room, at least 1.
    attempt: u32,
    joined_before: bool,
    sockets: u32,
    nonce: u32,
    round_trip: Option<Duration>,
}

#[derive(Debug)]
enum State {
    Waiting {
        until: Moment,
    },
    Opening {
        socket: SocketId,
        deadline: Moment,
    },
    /// The hello is sent.
    Greeting {
        socket: SocketId,
        deadline: Moment,
    },
    /// The server said that somebody has to let us in.
    Knocking(Link),
    /// There is no socket until the participant has given a passcode.
    Asking {
        is_wrong: bool,
    },
    Open(Link),
    Ended(EndReason),
}

/// A connection on which both sides know each other.
#[derive(Debug)]
struct Link {
    socket: SocketId,
    since: Moment,
    /// Silence that means it is dead.
    timeout: Duration,
    deadline: Moment,
    ping_at: Moment,
    /// The unanswered ping.
    ping: Option<(u32, Moment)>,
}

impl Link {
    fn new(now: Moment, socket: SocketId, timeout: Duration) -> Self {
        Self { socket, since: now, timeout, deadline: now + timeout, ping_at: now + timeout / 3, ping: None }
    }
}

impl Session {
    pub(crate) const fn new(now: Moment, seed: u64) -> Self {
        Self {
            state: State::Waiting { until: now },
            jitter: Jitter::new(seed),
            attempt: 1,
            joined_before: false,
            sockets: 0,
            nonce: 0,
            round_trip: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        let retry_at = match &self.state {
            State::Ended(reason) => return Phase::Ended(reason.clone()),
            State::Open(_) => return Phase::Joined,
            State::Knocking(_) => return Phase::Knocking,
            State::Asking { is_wrong } => return Phase::PasscodeNeeded { is_wrong: *is_wrong },
            State::Waiting { until } => Some(*until),
            State::Opening { .. } | State::Greeting { .. } => None,
        };
        let attempt = self.attempt;
        if self.joined_before {
            Phase::Reconnecting { attempt, retry_at }
        } else {
            Phase::Connecting { attempt, retry_at }
        }
    }

    /// The socket to send on, when in the room.
    pub(crate) const fn open_socket(&self) -> Option<SocketId> {
        match &self.state {
            State::Open(link) => Some(link.socket),
            State::Waiting { .. }
            | State::Opening { .. }
            | State::Greeting { .. }
            | State::Knocking(_)
            | State::Asking { .. }
            | State::Ended(_) => None,
        }
    }

    /// The socket on which a leave is understood.
    pub(crate) const fn greeted_socket(&self) -> Option<SocketId> {
        match &self.state {
            State::Open(link) | State::Knocking(link) => Some(link.socket),
            State::Waiting { .. }
            | State::Opening { .. }
            | State::Greeting { .. }
            | State::Asking { .. }
            | State::Ended(_) => None,
        }
    }

    /// The socket that exists, whatever its state.
    pub(crate) const fn socket(&self) -> Option<SocketId> {
        match &self.state {
            State::Opening { socket, .. } | State::Greeting { socket, .. } => Some(*socket),
            State::Open(link) | State::Knocking(link) => Some(link.socket),
            State::Waiting { .. } | State::Asking { .. } | State::Ended(_) => None,
        }
    }

    /// Whether the hello is not answered for good.
    pub(crate) const fn is_greeting(&self) -> bool {
        matches!(self.state, State::Greeting { .. } | State::Knocking(_))
    }

    pub(crate) const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    pub(crate) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The socket opened: says whether to send the hello now.
    pub(crate) fn opened(&mut self, now: Moment, opened: SocketId) -> bool {
        let State::Opening { socket, .. } = self.state else { return false };
        if socket != opened {
            return false;
        }
        self.state = State::Greeting { socket, deadline: now + ANSWER_TIMEOUT };
        true
    }

    /// The server took us in; says whether that is a return.
    pub(crate) fn welcomed(&mut self, now: Moment, timeout_ms: u32) -> bool {
        let Some(socket) = self.socket() else { return false };
        let timeout = Duration::from_millis(timeout_ms.into()).clamp(SILENCE_MIN, SILENCE_MAX);
        let returned = self.joined_before;
        self.joined_before = true;
        self.state = State::Open(Link::new(now, socket, timeout));
        returned
    }

    /// The server lets somebody decide whether we come in, which may take long.
    pub(crate) fn knocked(&mut self, now: Moment) {
        if let State::Greeting { socket, .. } = self.state {
            self.state = State::Knocking(Link::new(now, socket, KNOCKING_SILENCE));
        }
    }

    /// The participant is asked for a passcode; the socket is gone.
    pub(crate) fn ask_passcode(&mut self, is_wrong: bool) {
        self.state = State::Asking { is_wrong };
    }

    /// The participant gave one; says whether they were asked.
    pub(crate) fn passcode_given(&mut self, now: Moment) -> bool {
        let was_asked = matches!(self.state, State::Asking { .. });
        if was_asked {
            self.attempt = 1;
            self.state = State::Waiting { until: now };
        }
        was_asked
    }

    /// A message came in: the connection lives.
    pub(crate) fn heard(&mut self, now: Moment) {
        if let State::Open(link) | State::Knocking(link) = &mut self.state {
            link.deadline = now + link.timeout;
        }
    }

    pub(crate) fn ponged(&mut self, now: Moment, nonce: u32) {
        let (State::Open(link) | State::Knocking(link)) = &mut self.state else { return };
        if let Some((expected, sent)) = link.ping
            && expected == nonce
        {
            link.ping = None;
            self.round_trip = Some(now.since(sent));
        }
    }

    /// The network came back: find out at once whether the connection lives, or try at once to get one.
    pub(crate) fn network_returned(&mut self, now: Moment) {
        match &mut self.state {
            State::Waiting { until } => {
                self.attempt = 1;
                *until = now;
            }
            State::Open(_) | State::Knocking(_) => self.doubted(now),
            State::Opening { .. } | State::Greeting { .. } | State::Asking { .. } | State::Ended(_) => {}
        }
    }

    /// Something else on the same network stopped: find out at once whether the connection lives.
    pub(crate) fn doubted(&mut self, now: Moment) {
        if let State::Open(link) | State::Knocking(link) = &mut self.state {
            link.ping_at = now;
            link.deadline = link.deadline.min(now + PROBE_TIMEOUT);
        }
    }

    /// The connection is gone: wait, longer each time, but at least `at_least`.
    pub(crate) fn lost(&mut self, now: Moment, at_least: Duration) {
        match &self.state {
            // A server that takes us in and drops us at once must not be called in a tight loop.
            State::Open(link) | State::Knocking(link) if now.since(link.since) >= STABLE => self.attempt = 1,
            State::Open(_) | State::Knocking(_) | State::Opening { .. } | State::Greeting { .. } => {
                self.attempt = self.attempt.saturating_add(1);
            }
            State::Waiting { .. } => {}
            State::Asking { .. } | State::Ended(_) => return,
        }
        let delay = self.back_off().max(at_least) + self.spread(at_least);
        self.state = State::Waiting { until: now + delay };
    }

    pub(crate) fn end(&mut self, reason: EndReason) {
        self.state = State::Ended(reason);
    }

    /// What is due; to be called until it returns nothing.
    pub(crate) fn handle_timeout(&mut self, now: Moment) -> Option<SessionStep> {
        match &mut self.state {
            State::Waiting { until } if *until <= now => {
                self.sockets = self.sockets.wrapping_add(1);
                let socket = SocketId(self.sockets);
                self.state = State::Opening { socket, deadline: now + ANSWER_TIMEOUT };
                Some(SessionStep::Open(socket))
            }
            State::Opening { socket, deadline } | State::Greeting { socket, deadline }
                if *deadline <= now =>
            {
                let socket = *socket;
                self.lost(now, Duration::ZERO);
                Some(SessionStep::Lost(socket))
            }
            State::Open(link) | State::Knocking(link) if link.deadline <= now => {
                let socket = link.socket;
                self.lost(now, Duration::ZERO);
                Some(SessionStep::Lost(socket))
            }
            State::Open(link) | State::Knocking(link) if link.ping_at <= now => {
                self.nonce = self.nonce.wrapping_add(1);
                link.ping = Some((self.nonce, now));
                link.ping_at = now + link.timeout / 3;
                Some(SessionStep::Ping { socket: link.socket, nonce: self.nonce })
            }
            State::Waiting { .. }
            | State::Opening { .. }
            | State::Greeting { .. }
            | State::Knocking(_)
            | State::Asking { .. }
            | State::Open(_)
            | State::Ended(_) => None,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        match &self.state {
            State::Waiting { until } => Some(*until),
            State::Opening { deadline, .. } | State::Greeting { deadline, .. } => Some(*deadline),
            State::Open(link) | State::Knocking(link) => Some(link.deadline.min(link.ping_at)),
            State::Asking { .. } | State::Ended(_) => None,
        }
    }

    /// Doubles with every try up to a cap; half of it is random, so that a thousand clients of a
    /// restarted server do not come back at once.
    fn back_off(&mut self) -> Duration {
        let doublings = self.attempt.saturating_sub(1).min(BACK_OFF_DOUBLINGS_MAX);
        let half = BACK_OFF_FIRST * 2u32.pow(doublings) / 2;
        half + self.spread(half)
    }

    /// Zero to `duration`, at random.
    fn spread(&mut self, duration: Duration) -> Duration {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.jitter.below(milliseconds))
    }
}

/// Opening a socket or answering a hello takes a few round trips; ten seconds mean that nobody is there.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// A living connection answers a ping within this time, after the network came back or media stopped. Being wrong
/// costs little: the seat is resumed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Before the welcome, the server has not announced how long it may be silent.
const KNOCKING_SILENCE: Duration = Duration::from_secs(15);
/// A server that announces less would make us reconnect over a hiccup.
const SILENCE_MIN: Duration = Duration::from_secs(3);
/// A server that announces more would make us hang on a dead connection.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// A connection that held this long was a good one.
const STABLE: Duration = Duration::from_secs(5);
const BACK_OFF_FIRST: Duration = Duration::from_millis(250);
/// 250 ms · 2⁵ = 8 s is the longest wait.
const BACK_OFF_DOUBLINGS_MAX: u32 = 5;
