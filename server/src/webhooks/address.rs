//! Which addresses webhooks may be sent to: an operator's typing error, or a name that somebody else points to our own
//! network, must not make this server ask its neighbours (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet (IANA's special-purpose registries).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_special = match address.octets() {
        // This network; private; loopback; link local; private; private; multicast and reserved.
        [0 | 10 | 127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] | [224..=255, ..] => true,
        // Shared by carriers; protocol assignments; documentation; 6to4 relays; benchmarks; documentation twice.
        [100, 64..=127, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => true,
        _ => false,
    };
    !is_special
}

const fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Only 2000::/3 is given out. Of it, Teredo and 6to4 lead to IPv4 addresses that nobody checked, and
        // documentation leads nowhere.
        [0x2001, 0 | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_internet_may_be_asked_and_nothing_else() {
        for text in ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "::ffff:9.9.9.9"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        let special = [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "203.0.113.7",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "::ffff:127.0.0.1",
        ];
        for text in special {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
