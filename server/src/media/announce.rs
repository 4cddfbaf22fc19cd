//! Which addresses clients are told to send media to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use crate::config::Announced;

/// Most candidates: each costs every client connectivity checks, and a machine with many virtual bridges has
/// dozens of addresses.
const CANDIDATES_MAX: usize = 8;

/// The candidates of the shard `index` that listens on `bound`, best first. `local` are this machine's addresses,
/// best first.
pub(super) fn candidates(
    bound: SocketAddr,
    index: u16,
    announced: &[Announced],
    local: &[IpAddr],
) -> Vec<SocketAddr> {
    if !announced.is_empty() {
        let port = |port: Option<u16>| port.map_or(bound.port(), |port| port.saturating_add(index));
        return announced.iter().map(|to| SocketAddr::new(to.address, port(to.port))).collect();
    }
    if !bound.ip().is_unspecified() {
        return vec![bound];
    }
    let is_served = |address: &&IpAddr| address.is_ipv4() || bound.is_ipv6();
    let (loopback, mut others): (Vec<IpAddr>, Vec<IpAddr>) = local
        .iter()
        .filter(is_served)
        .filter(|address| is_useful(address))
        .partition(|address| address.is_loopback());
    // The loopback addresses come last, and always: two browsers on the server's own machine find each other even
    // without a network.
    others.truncate(CANDIDATES_MAX - loopback.len().min(2));
    others
        .into_iter()
        .chain(loopback.into_iter().take(2))
        .map(|ip| SocketAddr::new(ip, bound.port()))
        .collect()
}

/// The TCP candidates of a listener on `bound`. Announced ports are those of UDP; TCP keeps its own.
pub(super) fn tcp_candidates(
    bound: SocketAddr,
    announced: &[Announced],
    local: &[IpAddr],
) -> Vec<SocketAddr> {
    let without_ports: Vec<Announced> =
        announced.iter().map(|to| Announced { address: to.address, port: None }).collect();
    candidates(bound, 0, &without_ports, local)
}

/// A link-local address means nothing without an interface's name, which candidates cannot carry.
fn is_useful(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_unspecified(),
        IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_unspecified(),
    }
}

/// This machine's addresses, that of the default route first. When they cannot be listed: what is known anyway.
pub(crate) fn local_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = default_route().into_iter().collect();
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => addresses.extend(interfaces.iter().map(if_addrs::Interface::ip)),
        Err(error) => {
            tracing::warn!(%error, "the network interfaces cannot be listed: name your addresses with --announce");
        }
    }
    addresses.push(Ipv4Addr::LOCALHOST.into());
    let mut seen = Vec::with_capacity(addresses.len());
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen
}

/// The address that packets to the Internet would leave from. Nothing is sent to find out.
fn default_route() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address of TEST-NET-1 (RFC 5737): nobody's.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bound: &str, announced: &[&str], local: &[&str], expected: &[&str]) {
        let announced: Vec<Announced> = announced.iter().map(|text| text.parse().unwrap()).collect();
        let local: Vec<IpAddr> = local.iter().map(|text| text.parse().unwrap()).collect();
        let expected: Vec<SocketAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(candidates(bound.parse().unwrap(), 1, &announced, &local), expected);
    }

    const LOCAL: [&str; 5] = ["10.0.0.5", "127.0.0.1", "fe80::1", "2001:db8::5", "169.254.0.1"];

    #[test]
    fn on_all_ipv4_addresses_the_loopback_comes_last() {
        check("0.0.0.0:7000", &[], &LOCAL, &["10.0.0.5:7000", "127.0.0.1:7000"]);
    }

    #[test]
    fn on_all_addresses_ipv6_is_there_too_but_not_link_local() {
        let expected = ["10.0.0.5:7000", "[2001:db8::5]:7000", "127.0.0.1:7000"];
        check("[::]:7000", &[], &LOCAL, &expected);
    }

    #[test]
    fn one_address_is_announced_as_it_is() {
        check("127.0.0.1:7000", &[], &LOCAL, &["127.0.0.1:7000"]);
    }

    #[test]
    fn what_the_operator_announces_replaces_everything_and_counts_ports_up() {
        let announced = ["203.0.113.7", "203.0.113.8:9000"];
        check("0.0.0.0:7001", &announced, &LOCAL, &["203.0.113.7:7001", "203.0.113.8:9001"]);
    }

    #[test]
    fn tcp_is_announced_at_its_own_port() {
        let announced: Vec<Announced> = vec!["203.0.113.8:9000".parse().unwrap()];
        let found = tcp_candidates("0.0.0.0:443".parse().unwrap(), &announced, &[]);
        assert_eq!(found, [SocketAddr::from(([203, 0, 113, 8], 443))]);
    }

    #[test]
    fn many_bridges_do_not_crowd_the_loopback_out() {
        let many: Vec<String> = (1..30).map(|number| format!("10.0.{number}.1")).collect();
        let mut local: Vec<&str> = many.iter().map(String::as_str).collect();
        local.push("127.0.0.1");
        let local: Vec<IpAddr> = local.iter().map(|text| text.parse().unwrap()).collect();
        let found = candidates("0.0.0.0:7000".parse().unwrap(), 0, &[], &local);
        assert_eq!(found.len(), CANDIDATES_MAX);
        assert_eq!(found.last().unwrap().ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn the_machine_s_addresses_are_listed_once_each() {
        let addresses = local_addresses();
        assert!(addresses.contains(&Ipv4Addr::LOCALHOST.into()));
        let count = |address| addresses.iter().filter(|other| *other == address).count();
        assert!(addresses.iter().all(|address| count(address) == 1));
    }
}
