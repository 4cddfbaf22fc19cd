//! How many connections one address may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Most signaling connections in all: far above what the shards carry.
pub(crate) const SIGNALING_MAX: usize = 20_000;

/// Counts connections by address. Its size is bounded by the connections that it counts.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    per_address_max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One counted connection; gives its place back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    key: IpAddr,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The server has as many connections as it can.
    Server,
    /// The address has.
    Address,
}

impl Admission {
    /// So many in all, and of one address.
    pub(crate) fn new(max: usize, per_address_max: usize) -> Arc<Self> {
        Arc::new(Self { max, per_address_max, open: Mutex::default() })
    }

    /// A place for one more connection of this address.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Full> {
        let key = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.by_address.get(&key).copied().unwrap_or_default();
        if open.total >= self.max {
            return Err(Full::Server);
        }
        if count >= self.per_address_max {
            return Err(Full::Address);
        }
        open.total += 1;
        open.by_address.insert(key, count + 1);
        Ok(Permit { admission: Arc::clone(self), key })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        let left = open.by_address.get(&self.key).map_or(0, |count| count - 1);
        if left > 0 {
            open.by_address.insert(self.key, left);
        } else {
            open.by_address.remove(&self.key);
        }
    }
}

/// One subscriber usually has a whole /64 of IPv6 addresses (RFC 6177), so those count as one.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_bound_and_gets_places_back() {
        let admission = Admission::new(100, 2);
        let first = admission.admit(at("10.0.0.1")).unwrap();
        let _second = admission.admit(at("10.0.0.1")).unwrap();
        assert!(admission.admit(at("10.0.0.1")).is_err());
        assert!(admission.admit(at("10.0.0.2")).is_ok());
        drop(first);
        assert!(admission.admit(at("10.0.0.1")).is_ok());
    }

    #[test]
    fn all_addresses_together_have_a_bound_too() {
        let admission = Admission::new(1, 2);
        let _permit = admission.admit(at("10.0.0.1")).unwrap();
        assert_eq!(admission.admit(at("10.0.0.2")).unwrap_err(), Full::Server);
    }

    #[test]
    fn nothing_is_kept_about_an_address_without_connections() {
        let admission = Admission::new(100, 2);
        drop(admission.admit(at("10.0.0.1")));
        assert!(admission.open.lock().unwrap().by_address.is_empty());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let admission = Admission::new(100, 1);
        let _permit = admission.admit(at("2001:db8::1")).unwrap();
        assert!(admission.admit(at("2001:db8::ffff:2")).is_err());
        assert!(admission.admit(at("2001:db8:0:1::1")).is_ok());
    }
}
