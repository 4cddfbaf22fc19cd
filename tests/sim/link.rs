//! The simulated network: loss, delay, jitter (and with it reordering), duplication and corruption, from a seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a direction of a link does to datagrams. Probabilities are per mille.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Impairment {
    pub(crate) loss: u32,
    pub(crate) duplication: u32,
    pub(crate) corruption: u32,
    pub(crate) delay: Duration,
    /// Added to the delay, evenly between nothing and this; larger than the spacing of packets it reorders them.
    pub(crate) jitter: Duration,
}

impl Impairment {
    /// A good line: 10 ms one way.
    pub(crate) const GOOD: Self = Self {
        loss: 0,
        duplication: 0,
        corruption: 0,
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
    };
    /// A mobile network: 5 % lost, packets overtake each other, some come twice, a few are damaged.
    pub(crate) const BAD: Self = Self {
        loss: 50,
        duplication: 10,
        corruption: 2,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(15),
    };
}

/// One direction between one client and the server.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) impairment: Impairment,
    random: ChaCha8Rng,
    /// Datagrams sent so far.
    sent: u32,
    /// Numbers of datagrams (from 1) that are lost on purpose.
    pub(crate) lose: Vec<u32>,
    /// Nothing comes through.
    pub(crate) cut: bool,
}

impl Link {
    pub(crate) fn new(impairment: Impairment, seed: u64) -> Self {
        Self { impairment, random: ChaCha8Rng::seed_from_u64(seed), sent: 0, lose: Vec::new(), cut: false }
    }

    pub(crate) const fn sent(&self) -> u32 {
        self.sent
    }

    /// The copies that arrive, each with its delay.
    pub(crate) fn carry(&mut self, datagram: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        self.sent += 1;
        if self.cut || self.lose.contains(&self.sent) || self.happens(self.impairment.loss) {
            return Vec::new();
        }
        let copies = 1 + usize::from(self.happens(self.impairment.duplication));
        (0..copies).map(|_| (self.delay(), self.corrupt(datagram))).collect()
    }

    fn delay(&mut self) -> Duration {
        let jitter = self.impairment.jitter.as_micros() as u32;
        let extra = if jitter == 0 { 0 } else { self.random.next_u32() % jitter };
        self.impairment.delay + Duration::from_micros(extra.into())
    }

    fn corrupt(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut copy = datagram.to_vec();
        // UDP's checksum catches nearly all of it; what remains must not pass for authentic. A handshake is not
        // authentic before its end: damage there ends it, as RFC 6347 allows.
        let is_handshake = matches!(datagram, [20..=63, ..]);
        if self.happens(self.impairment.corruption) && !copy.is_empty() && !is_handshake {
            let at = self.random.next_u32() as usize % copy.len();
            copy[at] ^= 1 << (self.random.next_u32() % 8);
        }
        copy
    }

    fn happens(&mut self, per_mille: u32) -> bool {
        per_mille > 0 && self.random.next_u32() % 1000 < per_mille
    }
}
