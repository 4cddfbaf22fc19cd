//! Control datagrams (STUN, DTLS, RTCP) that wait to be sent.

use std::collections::VecDeque;

use crate::address::Address;
use crate::send_batch::{DATAGRAM_BYTES_MAX, SendBatch};

/// Most datagrams waiting; beyond that new ones are dropped, and the sender's timers repeat them.
const DATAGRAMS_MAX: usize = 4096;

/// A queue in one arena, so that control traffic does not allocate either once it is warm.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    datagrams: VecDeque<(Address, usize, usize)>,
}

impl Outbox {
    /// Adds one datagram; returns whether there was room.
    pub(crate) fn push(&mut self, to: Address, datagram: &[u8]) -> bool {
        if self.datagrams.len() >= DATAGRAMS_MAX || datagram.len() > DATAGRAM_BYTES_MAX {
            return false;
        }
        self.datagrams.push_back((to, self.bytes.len(), datagram.len()));
        self.bytes.extend_from_slice(datagram);
        true
    }

    /// Moves what fits into `batch`; returns whether something is left.
    pub(crate) fn drain_into(&mut self, batch: &mut SendBatch) -> bool {
        while let Some(&(to, start, len)) = self.datagrams.front() {
            if batch.is_full() {
                return true;
            }
            batch.push_with(to, |space| {
                space[..len].copy_from_slice(&self.bytes[start..start + len]);
                Some(len)
            });
            self.datagrams.pop_front();
        }
        self.bytes.clear();
        false
    }
}
