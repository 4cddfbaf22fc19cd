//! A check of ours, of an address that a peer's media comes from all of a sudden: a NAT on the way forgot the old one.
//!
//! A lite agent sends no checks of its own (RFC 8445 §2.5): it learns of the new address with the client's next check,
//! and browsers send one every 2.5 s. Nothing reaches the client until then. Media that its keys authenticate tells the
//! same at once; but whoever sees packets on their way can send copies of them from anywhere. So nothing but this check goes
//! to the address before it has answered with the client's password, as QUIC validates a path (RFC 9000 §9.3).

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;

use super::stun::{BINDING_SUCCESS, Message, Request, TRANSACTION_LEN};
use super::{LiteAgent, password_key};
use crate::address::Address;

/// From the first request to the second; twice as long each time (RFC 8489 §6.2.1).
const FIRST_SPACING: Duration = Duration::from_millis(50);
/// The last is sent 1.6 s after the first, and waits as long for its answer; then the address is no longer believed in.
const REQUESTS_MAX: u32 = 6;

/// One address under check, from the first request to the answer or the last wait. Time is an argument of all it does.
#[derive(Debug)]
pub struct PathCheck {
    address: Address,
    transaction: [u8; TRANSACTION_LEN],
    key: hmac::Key,
    request: Request,
    sent: u32,
    due: Instant,
}

impl PathCheck {
    /// A check of `address` that is due at once. `agent` is ours, `remote_pwd` the password that the client announced, and
    /// `transaction` comes from a cryptographic source.
    pub fn new(
        now: Instant,
        address: Address,
        transaction: [u8; TRANSACTION_LEN],
        agent: &LiteAgent,
        remote_pwd: &str,
    ) -> Self {
        let key = password_key(remote_pwd);
        let request = Request::check(&transaction, agent.remote_ufrag(), agent.local().ufrag(), &key);
        Self { address, transaction, key, request, sent: 0, due: now }
    }

    /// The address that is checked.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Whether it is too late for an answer.
    pub fn is_over(&self, now: Instant) -> bool {
        self.sent >= REQUESTS_MAX && self.due <= now
    }

    /// The request, whenever it is due.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<&[u8]> {
        if self.due > now || self.sent >= REQUESTS_MAX {
            return None;
        }
        self.due = now + FIRST_SPACING * (1 << self.sent);
        self.sent += 1;
        Some(self.request.as_bytes())
    }

    /// When something is due.
    pub const fn poll_timeout(&self) -> Instant {
        self.due
    }

    /// Whether a message with this transaction from this address may be the answer, for choosing the peer.
    pub fn asked(&self, from: Address, transaction: &[u8]) -> bool {
        self.address == from && self.transaction == transaction
    }

    /// Whether this is the answer, made by somebody who knows the client's password.
    pub fn is_answered_by(&self, from: Address, datagram: &[u8]) -> bool {
        Message::parse(datagram).is_ok_and(|answer| {
            answer.message_type() == BINDING_SUCCESS
                && self.asked(from, answer.transaction())
                && answer.verify_integrity(&self.key).is_ok()
        })
    }
}
