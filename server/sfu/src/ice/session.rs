//! One peer's ICE across restarts (RFC 8445 §2.4, RFC 8839 §4.4.1.1.1).
//!
//! ```text
//! restart: current ─▶ previous, a fresh agent is current
//! checks with either generation's credentials are answered; media stays on the previous path
//! the fresh agent is nominated on, or the previous one's consent ends ─▶ the previous one is forgotten
//! ```
//!
//! A browser goes on using its old pair until the new one works (RFC 8445 §12.1.1 asks for the same of us), so
//! a restart costs no media, and one that fails half-way leaves the call as it was.

use std::time::Instant;

use super::{Event, IceError, LiteAgent, Response, Verdict, peek_local_ufrag};
use crate::address::Address;

/// One peer's ICE across restarts: the old path is kept until the client nominates a new one (RFC 8445 §2.4).
#[derive(Debug)]
pub struct Session {
    current: LiteAgent,
    /// The generation that the last restart replaced, for as long as its path is in use.
    previous: Option<LiteAgent>,
    /// Addresses that no longer belong to the peer, until they are taken. At most two agents' worth.
    released: Vec<Address>,
}

impl Session {
    /// A session whose first generation is `agent`.
    pub const fn new(agent: LiteAgent) -> Self {
        Self { current: agent, previous: None, released: Vec::new() }
    }

    /// The newest generation.
    pub const fn current(&self) -> &LiteAgent {
        &self.current
    }

    /// Starts a new generation. The old path stays in use until the new generation has one; when restarts follow
    /// each other faster than that, the generation that has a path is kept and those between are forgotten.
    pub fn restart(&mut self, agent: LiteAgent) {
        let mut replaced = std::mem::replace(&mut self.current, agent);
        let is_between = self.previous.as_ref().is_some_and(|previous| previous.selected().is_some());
        if is_between || replaced.selected().is_none() {
            self.released.extend(replaced.release());
        } else if let Some(mut oldest) = self.previous.replace(replaced) {
            self.released.extend(oldest.release());
        }
        self.retain_released();
    }

    /// Whether checks addressed to this ufrag of ours are answered.
    pub fn answers_to(&self, ufrag: &str) -> bool {
        self.agents().any(|agent| agent.local().ufrag() == ufrag)
    }

    /// Judges one STUN datagram as [`LiteAgent::handle`] does, by the generation that it is addressed to.
    ///
    /// # Errors
    /// [`IceError`]: the datagram is ignored, nothing changed, and `response` is empty.
    pub fn handle(
        &mut self,
        now: Instant,
        from: Address,
        datagram: &[u8],
        response: &mut Response,
    ) -> Result<Verdict, IceError> {
        let addressed = peek_local_ufrag(datagram);
        let previous = self.previous.as_mut().filter(|previous| addressed == Some(previous.local().ufrag()));
        let is_current = previous.is_none();
        let agent = previous.unwrap_or(&mut self.current);
        let verdict = agent.handle(now, from, datagram, response)?;
        self.released.extend(agent.take_displaced());
        if is_current && verdict == (Verdict::Validated { nominated: true }) {
            self.forget_previous();
        }
        self.retain_released();
        Ok(verdict)
    }

    /// Whether no restart is under way: every address belongs to the newest generation.
    pub const fn is_settled(&self) -> bool {
        self.previous.is_none()
    }

    /// Sends to this address from now on: it has answered a [`PathCheck`](super::PathCheck) of the newest generation.
    pub fn follow(&mut self, now: Instant, address: Address) {
        self.current.follow(now, address);
        self.released.extend(self.current.take_displaced());
        self.forget_previous();
        self.retain_released();
    }

    /// Where to send: the path of the previous generation while the current one is not nominated.
    #[inline]
    pub fn selected(&self) -> Option<Address> {
        let previous = self.previous.as_ref().and_then(LiteAgent::selected);
        previous.or_else(|| self.current.selected())
    }

    /// Whether datagrams from this address belong to the peer.
    #[inline]
    pub fn is_validated(&self, address: Address, now: Instant) -> bool {
        self.agents().any(|agent| agent.is_validated(address, now))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.agents().filter_map(LiteAgent::poll_timeout).min()
    }

    /// Expires addresses; says when none is left.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event> {
        let was_connected = self.selected().is_some();
        if let Some(previous) = &mut self.previous {
            previous.handle_timeout(now);
            self.released.extend(previous.take_displaced());
            if previous.selected().is_none() {
                self.forget_previous();
            }
        }
        self.current.handle_timeout(now);
        self.released.extend(self.current.take_displaced());
        self.retain_released();
        (was_connected && self.selected().is_none()).then_some(Event::Disconnected)
    }

    /// The address is gone, as a TCP connection that was closed: media goes on over another one that is validated.
    pub fn forget(&mut self, address: Address) {
        if let Some(previous) = &mut self.previous {
            previous.forget(address);
            if previous.selected().is_none() {
                self.forget_previous();
            }
        }
        self.current.forget(address);
    }

    /// The addresses that have stopped belonging to the peer since the last call.
    pub fn take_released(&mut self) -> impl Iterator<Item = Address> + '_ {
        self.released.drain(..)
    }

    fn agents(&self) -> impl Iterator<Item = &LiteAgent> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    fn forget_previous(&mut self) {
        if let Some(mut previous) = self.previous.take() {
            self.released.extend(previous.release());
        }
    }

    /// An address that another generation holds still belongs to the peer.
    fn retain_released(&mut self) {
        let Self { current, previous, released } = self;
        released.retain(|address| {
            !current.holds(*address) && !previous.as_ref().is_some_and(|previous| previous.holds(*address))
        });
    }
}
