//! One direction between one client and the server: a [`Line`], and what a test does to it on purpose.

use std::time::Duration;

use tests::line::Line;
pub(crate) use tests::line::{Bursts, Impairment};

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) line: Line,
    /// Datagrams sent so far.
    sent: u32,
    /// Numbers of datagrams (from 1) that are lost on purpose.
    pub(crate) lose: Vec<u32>,
    /// Nothing comes through.
    pub(crate) cut: bool,
}

impl Link {
    pub(crate) fn new(impairment: Impairment, seed: u64) -> Self {
        Self { line: Line::new(impairment, seed), sent: 0, lose: Vec::new(), cut: false }
    }

    pub(crate) const fn sent(&self) -> u32 {
        self.sent
    }

    /// The copies that arrive, each with its delay.
    pub(crate) fn carry(&mut self, now: Duration, datagram: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        self.sent += 1;
        if self.cut || self.lose.contains(&self.sent) {
            return Vec::new();
        }
        self.line.carry(now, datagram)
    }
}
