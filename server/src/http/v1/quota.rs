//! How many requests a key and an address may make.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::kept_rooms::OneAtATime;
use crate::access::KeyId;
use crate::signaling::RateLimiter;

/// An address makes at most so many requests at once, and then one every [`ADDRESS_INTERVAL`]. It counts before the key
/// is looked at, so that secrets cannot be guessed any faster.
const ADDRESS_BURST: u32 = 100;
const ADDRESS_INTERVAL: Duration = Duration::from_millis(50);
/// A key, from all addresses.
const KEY_BURST: u32 = 200;
const KEY_INTERVAL: Duration = Duration::from_millis(20);
/// Most addresses that are counted; those that have their whole burst again are forgotten first, then all others
/// share what is left: a further address is refused.
const COUNTED_MAX: usize = 50_000;

/// What is left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    /// Requests that may follow at once.
    pub(super) requests: u32,
    /// The most that ever may.
    pub(super) burst: u32,
    /// How long from nothing to the whole burst, in seconds.
    pub(super) window_s: u64,
}

/// A request too many: when to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    pub(super) retry_after: Duration,
}

/// Counts for the whole server.
#[derive(Debug)]
pub(crate) struct Quotas {
    addresses: Mutex<Counted<IpAddr>>,
    keys: Mutex<Counted<KeyId>>,
    /// Held while the rooms of a key are counted and changed.
    pub(super) changing_rooms: OneAtATime,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            addresses: Mutex::new(Counted::new(ADDRESS_INTERVAL, ADDRESS_BURST)),
            keys: Mutex::new(Counted::new(KEY_INTERVAL, KEY_BURST)),
            changing_rooms: OneAtATime::default(),
        }
    }
}

impl Quotas {
    /// Counts a request of this address.
    pub(super) fn of_address(&self, address: IpAddr, now: Instant) -> Result<Left, TooMany> {
        let address = super::super::admission::network(address);
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).take(address, now)
    }

    /// Counts a request with this key.
    pub(super) fn of_key(&self, key: &KeyId, now: Instant) -> Result<Left, TooMany> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).take(key.clone(), now)
    }
}

#[derive(Debug)]
struct Counted<K> {
    interval: Duration,
    burst: u32,
    limiters: HashMap<K, RateLimiter>,
}

impl<K: Hash + Eq> Counted<K> {
    fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, limiters: HashMap::new() }
    }

    fn take(&mut self, key: K, now: Instant) -> Result<Left, TooMany> {
        let (interval, burst) = (self.interval, self.burst);
        if self.limiters.len() >= COUNTED_MAX && !self.limiters.contains_key(&key) {
            self.limiters.retain(|_, limiter| limiter.left(now) < burst);
            if self.limiters.len() >= COUNTED_MAX {
                return Err(TooMany { retry_after: interval * burst });
            }
        }
        let limiter = self.limiters.entry(key).or_insert_with(|| RateLimiter::new(interval, burst, now));
        if limiter.take(now) {
            let window_s = (interval * burst).as_secs().max(1);
            Ok(Left { requests: limiter.left(now), burst, window_s })
        } else {
            Err(TooMany { retry_after: limiter.wait(now) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_it_is_told_when_to_come_back() {
        let (quotas, now) = (Quotas::default(), Instant::now());
        let key = KeyId::new("a").unwrap();
        for left in (0..KEY_BURST).rev() {
            assert_eq!(quotas.of_key(&key, now).unwrap().requests, left);
        }
        let refused = quotas.of_key(&key, now).unwrap_err();
        assert_eq!(refused.retry_after, KEY_INTERVAL);
        assert!(quotas.of_key(&KeyId::new("b").unwrap(), now).is_ok(), "another key has its own");
        assert!(quotas.of_key(&key, now + KEY_INTERVAL).is_ok());
    }

    #[test]
    fn a_network_counts_as_one_address() {
        let (quotas, now) = (Quotas::default(), Instant::now());
        for host in 0..ADDRESS_BURST {
            let address = format!("2001:db8::{host:x}").parse().unwrap();
            assert!(quotas.of_address(address, now).is_ok());
        }
        assert!(quotas.of_address("2001:db8::ffff".parse().unwrap(), now).is_err());
        assert!(quotas.of_address("2001:db8:1::1".parse().unwrap(), now).is_ok());
    }

    #[test]
    fn what_is_counted_is_bounded_and_forgets_the_quiet() {
        let now = Instant::now();
        let mut counted = Counted::new(Duration::from_secs(1), 1);
        for address in 0..COUNTED_MAX {
            assert!(counted.take(address, now).is_ok());
        }
        assert!(counted.take(COUNTED_MAX, now).is_err(), "full, and everybody has just asked");
        assert!(counted.take(COUNTED_MAX, now + Duration::from_secs(1)).is_ok());
        assert_eq!(counted.limiters.len(), 1);
    }
}
