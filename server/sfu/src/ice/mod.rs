//! ICE-lite (RFC 8445 §2.5): answer the peer's connectivity checks, remember where they came from, follow
//! the address it nominates, and notice when its consent runs out (RFC 7675).
//!
//! A lite agent has no candidates to gather and sends no checks, with one exception: see [`PathCheck`]. The browser is
//! always controlling, so the only state is the set of addresses that proved to know our password, and which of them it
//! uses.
//!
//! ```text
//! datagram -> parse, FINGERPRINT -> MESSAGE-INTEGRITY -> USERNAME -> unknown attributes (420)
//!          -> role conflict (487) -> remember the address, nominate -> success response
//! ```
//!
//! Nothing is remembered and nothing is answered before MESSAGE-INTEGRITY has passed: whoever does not know
//! the password can neither bind an address to a peer nor make this server send anything.

mod credentials;
pub mod framing;
mod path_check;
mod paths;
mod session;
mod stun;

#[cfg(test)]
mod interop_tests;
#[cfg(test)]
mod path_check_tests;
#[cfg(test)]
mod restart_tests;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;

pub use credentials::{Credentials, shard_of};
pub use path_check::PathCheck;
use paths::Paths;
pub use session::Session;
pub use stun::{
    BINDING_REQUEST, Message, Response, TRANSACTION_LEN, peek_local_ufrag, peek_transaction_of_success,
};

use crate::address::Address;

/// How long an address stays validated without a check from it (RFC 7675 §5.1).
pub const CONSENT_EXPIRY: Duration = Duration::from_secs(30);

/// How many addresses of one peer stay validated at the same time. Beyond that the one that was checked
/// longest ago makes room, never the selected one.
pub const PATHS_MAX: usize = 8;

/// Why a datagram was ignored or credentials refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IceError {
    /// Not a STUN message, cut off, or with attributes that do not add up.
    #[error("malformed STUN message")]
    Malformed,
    /// A FINGERPRINT is present and wrong.
    #[error("wrong STUN fingerprint")]
    Fingerprint,
    /// A response, an indication, or another method.
    #[error("STUN message type {message_type:#06x} is not a Binding request")]
    NotBindingRequest {
        /// The first two octets of the message.
        message_type: u16,
    },
    /// MESSAGE-INTEGRITY is missing or was made with another password.
    #[error("STUN message integrity check failed")]
    Integrity,
    /// USERNAME is not `local ufrag:remote ufrag`.
    #[error("STUN username does not belong to this session")]
    Username,
    /// A ufrag outside RFC 8839 §5.4: 4 to 256 letters, digits, `+` or `/`.
    #[error("invalid ICE ufrag")]
    InvalidUfrag,
}

/// What a Binding request was answered with. The response is written in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Success: the source address is validated now.
    Validated {
        /// The request carried USE-CANDIDATE: the address is the selected one from now on.
        nominated: bool,
    },
    /// 487: the peer claims to be controlled as well.
    RoleConflict,
    /// 420: the request has comprehension-required attributes that are not known here.
    UnknownAttributes,
}

/// What the passing of time did to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The selected address expired and no other validated address is left.
    Disconnected,
}

/// A password as a prepared HMAC key: short-term credentials use it as it is (RFC 8489 §9.1.1).
fn password_key(pwd: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes())
}

/// The server's side of one ICE session.
#[derive(Debug)]
pub struct LiteAgent {
    local: Credentials,
    remote_ufrag: String,
    /// Our password.
    key: hmac::Key,
    paths: Paths,
}

impl LiteAgent {
    /// An agent that answers checks addressed to `local` by the peer that announced `remote_ufrag`.
    ///
    /// # Errors
    /// [`IceError::InvalidUfrag`] when `remote_ufrag` is not one.
    pub fn new(local: Credentials, remote_ufrag: &str) -> Result<Self, IceError> {
        if !credentials::is_ufrag(remote_ufrag.as_bytes()) {
            return Err(IceError::InvalidUfrag);
        }
        let key = password_key(local.pwd());
        Ok(Self { local, remote_ufrag: remote_ufrag.to_owned(), key, paths: Paths::default() })
    }

    /// Our credentials.
    pub const fn local(&self) -> &Credentials {
        &self.local
    }

    /// The peer's ufrag.
    pub fn remote_ufrag(&self) -> &str {
        &self.remote_ufrag
    }

    /// Judges one STUN datagram and writes the answer for `from` into `response`.
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
        response.clear();
        let request = Message::parse(datagram)?;
        if request.message_type() != BINDING_REQUEST {
            return Err(IceError::NotBindingRequest { message_type: request.message_type() });
        }
        request.verify_integrity(&self.key)?;
        if !self.is_addressed(request.username()) {
            return Err(IceError::Username);
        }
        if !request.unknown_required().is_empty() {
            response.unknown_attributes(&request, &self.key);
            return Ok(Verdict::UnknownAttributes);
        }
        if request.is_from_controlled() {
            response.role_conflict(&request, &self.key);
            return Ok(Verdict::RoleConflict);
        }
        let nominated = request.use_candidate();
        self.paths.checked(now, from, nominated);
        response.success(&request, from.remote(), &self.key);
        Ok(Verdict::Validated { nominated })
    }

    /// The address has answered a [`PathCheck`]: it is validated and selected, as if the client had nominated it.
    fn follow(&mut self, now: Instant, address: Address) {
        self.paths.checked(now, address, true);
    }

    /// Where to send: the address nominated last. Before any nomination, the address validated first, so that
    /// a DTLS handshake that starts early is answered.
    pub fn selected(&self) -> Option<Address> {
        self.paths.selected()
    }

    /// Whether datagrams from this address belong to the peer. Anything else from it is noise.
    pub fn is_validated(&self, address: Address, now: Instant) -> bool {
        self.paths.is_validated(address, now)
    }

    /// The addresses that are validated at `now`, in no order.
    pub fn validated(&self, now: Instant) -> impl Iterator<Item = Address> + '_ {
        self.paths.validated(now)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due: the expiry of the selected address.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.paths.poll_timeout()
    }

    /// Expires addresses. When the selected one expires, the most recently checked of the others takes its
    /// place; when there is none, the peer is disconnected. A later check connects it again.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event> {
        self.paths.expire(now).then_some(Event::Disconnected)
    }

    /// Whether the address was validated and has not been displaced since.
    fn holds(&self, address: Address) -> bool {
        self.paths.holds(address)
    }

    /// Addresses that made room for others or expired since the last call.
    fn take_displaced(&mut self) -> impl Iterator<Item = Address> + '_ {
        self.paths.take_displaced()
    }

    /// The address is gone.
    fn forget(&mut self, address: Address) {
        self.paths.forget(address);
        // Whoever says so knows it already.
        self.paths.take_displaced().for_each(drop);
    }

    /// Gives up every address, and says which they were.
    fn release(&mut self) -> impl Iterator<Item = Address> + '_ {
        self.paths.release()
    }

    fn is_addressed(&self, username: &[u8]) -> bool {
        let mut parts = username.splitn(2, |octet| *octet == b':');
        parts.next() == Some(self.local.ufrag().as_bytes())
            && parts.next() == Some(self.remote_ufrag.as_bytes())
    }
}
