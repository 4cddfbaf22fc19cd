//! What a bad line does to datagrams, from a seed: loss (even and in bursts), delay, jitter (and with it reordering),
//! duplication, corruption, and a rate with a queue in front of it. The simulation and the impairer of real
//! datagrams share it.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Times when a line loses more (Gilbert 1960, Elliott 1963). Probabilities are per mille and per datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bursts {
    /// That a bad time begins.
    pub begin: u32,
    /// That it ends.
    pub end: u32,
    /// That a datagram is lost during it.
    pub loss: u32,
}

/// What one direction of a line does. Probabilities are per mille.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Impairment {
    /// That a datagram is lost.
    pub loss: u32,
    /// Bad times on top of that.
    pub bursts: Option<Bursts>,
    /// That a datagram comes twice.
    pub duplication: u32,
    /// That one bit of it is turned over.
    pub corruption: u32,
    /// How long it takes.
    pub delay: Duration,
    /// Added to the delay, evenly between nothing and this; larger than the spacing of packets it reorders them.
    pub jitter: Duration,
    /// Bits a second; nothing for no limit.
    pub rate_bps: Option<u64>,
    /// What would wait longer than this for its turn is dropped. Counts only with a rate.
    pub queue: Duration,
}

impl Impairment {
    /// A good line: 10 ms one way.
    pub const GOOD: Self = Self {
        loss: 0,
        bursts: None,
        duplication: 0,
        corruption: 0,
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
        rate_bps: None,
        queue: Duration::from_millis(300),
    };
    /// A mobile network: 5 % lost, packets overtake each other, some come twice, a few are damaged.
    pub const BAD: Self = Self {
        loss: 50,
        duplication: 10,
        corruption: 2,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(15),
        ..Self::GOOD
    };
}

/// One direction of a line.
#[derive(Debug)]
pub struct Line {
    /// What it does from now on.
    pub impairment: Impairment,
    random: ChaCha8Rng,
    is_bad_time: bool,
    /// When what waits for its turn is through.
    busy_until: Duration,
}

impl Line {
    /// A line; the same seed and the same datagrams at the same times meet the same fate.
    #[must_use]
    pub fn new(impairment: Impairment, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { impairment, random, is_bad_time: false, busy_until: Duration::ZERO }
    }

    /// The copies that arrive, each with how long it takes from `now` on. `now` must not go back.
    pub fn carry(&mut self, now: Duration, datagram: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        if self.is_lost() {
            return Vec::new();
        }
        let Some(wait) = self.wait(now, datagram.len()) else { return Vec::new() };
        let copies = 1 + usize::from(self.happens(self.impairment.duplication));
        (0..copies).map(|_| (wait + self.delay(), self.corrupt(datagram))).collect()
    }

    fn is_lost(&mut self) -> bool {
        let by_burst = self.impairment.bursts.is_some_and(|bursts| {
            let turns = self.happens(if self.is_bad_time { bursts.end } else { bursts.begin });
            self.is_bad_time ^= turns;
            self.is_bad_time && self.happens(bursts.loss)
        });
        by_burst || self.happens(self.impairment.loss)
    }

    /// How long until the last bit is through; nothing when the queue is full.
    fn wait(&mut self, now: Duration, bytes: usize) -> Option<Duration> {
        let Some(rate_bps) = self.impairment.rate_bps else { return Some(Duration::ZERO) };
        let start = self.busy_until.max(now);
        if start - now > self.impairment.queue {
            return None;
        }
        self.busy_until = start + Duration::from_secs_f64(bytes as f64 * 8.0 / rate_bps as f64);
        Some(self.busy_until - now)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(impairment: Impairment, every: Duration, count: u32) -> Vec<Vec<(Duration, Vec<u8>)>> {
        let mut line = Line::new(impairment, 7);
        (0..count).map(|number| line.carry(every * number, &[0x80; 125])).collect()
    }

    #[test]
    fn the_same_seed_meets_the_same_fate() {
        let every = Duration::from_millis(5);
        assert_eq!(arrivals(Impairment::BAD, every, 500), arrivals(Impairment::BAD, every, 500));
    }

    #[test]
    fn a_rate_spaces_datagrams_and_its_queue_drops_what_would_wait_too_long() {
        // 125 bytes are 1000 bits: one each millisecond is the rate exactly, two are twice as much.
        let slow = Impairment { rate_bps: Some(1_000_000), delay: Duration::ZERO, ..Impairment::GOOD };
        let fitting = arrivals(slow, Duration::from_millis(1), 1000);
        assert!(fitting.iter().all(|copies| copies[0].0 == Duration::from_millis(1)));
        let flood = arrivals(slow, Duration::from_micros(500), 4000);
        let through = flood.iter().filter(|copies| !copies.is_empty()).count();
        assert!((2250..2350).contains(&through), "{through}: two seconds' worth and the queue");
        let longest = flood.iter().flatten().map(|(delay, _)| *delay).max().unwrap();
        assert!(longest <= slow.queue + Duration::from_millis(1), "{longest:?}");
    }

    #[test]
    fn bursts_lose_as_much_as_their_chances_say_and_in_runs() {
        // Bad 50 in 550 of the time, half of it lost: 4.5 %.
        let bursts = Some(Bursts { begin: 5, end: 50, loss: 500 });
        let fates = arrivals(Impairment { bursts, ..Impairment::GOOD }, Duration::from_millis(1), 40_000);
        let lost = fates.iter().filter(|copies| copies.is_empty()).count();
        assert!((1300..2400).contains(&lost), "{lost}");
        let pairs = fates.windows(2).filter(|pair| pair[0].is_empty() && pair[1].is_empty()).count();
        assert!(pairs * 3 > lost, "{pairs} of {lost} follow another");
    }
}
