//! What clients will see of this server, and whether that can be right: looked at once, at the start.
//!
//! The judgement is pure; the only thing tried out is whether an announced address leads back here, with one STUN
//! message to ourselves. A NAT that does not turn packets around ("hairpin") fails that although all is well, so it
//! is told as a hint, not as a fault.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::announce::{candidates, local_addresses, tcp_candidates};
use crate::config::{Announced, Config};

/// How long a message to an announced address may take to come back.
const PROBE_TIMEOUT: Duration = Duration::from_millis(300);

/// What clients will see of the media ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The UDP addresses that clients are told, of all shards.
    pub candidates: Vec<SocketAddr>,
    /// The TCP addresses that clients without UDP are told.
    pub tcp_candidates: Vec<SocketAddr>,
    /// What cannot be right, or may not be.
    pub warnings: Vec<ReachWarning>,
}

impl Reach {
    /// Adds a shard's socket on `bound`, which nobody reads yet.
    pub(super) fn look_at(
        &mut self,
        announce: &[Announced],
        socket: &UdpSocket,
        bound: SocketAddr,
        candidates: &[SocketAddr],
    ) {
        let announced: Vec<IpAddr> = announce.iter().map(|announced| announced.address).collect();
        let mut warnings = judge(bound, candidates, &announced);
        if !announced.is_empty() {
            let is_served =
                |candidate: &SocketAddr| !warnings.contains(&ReachWarning::WrongFamily(candidate.ip()));
            let served: Vec<SocketAddr> = candidates.iter().copied().filter(is_served).collect();
            warnings.extend(probe(socket, &served));
        }
        warnings.retain(|warning| !self.warnings.contains(warning));
        self.candidates.extend(candidates);
        self.warnings.extend(warnings);
    }

    /// Says it to the operator, once, when all shards are there.
    pub(crate) fn log(&self) {
        // The loopback addresses are always among them, and of interest to nobody.
        let seen = |candidates: &[SocketAddr]| -> Vec<SocketAddr> {
            candidates.iter().copied().filter(|candidate| !candidate.ip().is_loopback()).collect()
        };
        let (udp, tcp) = (seen(&self.candidates), seen(&self.tcp_candidates));
        tracing::info!(?udp, ?tcp, "clients send media to");
        for warning in &self.warnings {
            if warning.is_certain() {
                tracing::warn!("{warning}");
            } else {
                tracing::info!("{warning}");
            }
        }
    }
}

/// What clients will see of a server with these settings on this machine, which need not run. Nothing is sent.
pub(crate) fn foresee(config: &Config) -> Reach {
    let local = local_addresses();
    let announced: Vec<IpAddr> = config.announce.iter().map(|announced| announced.address).collect();
    let candidates = candidates(config.media_listen, 0, &config.announce, &local);
    let tcp_candidates =
        config.media_tcp.map(|tcp| tcp_candidates(tcp.address, &config.announce, &local)).unwrap_or_default();
    let warnings = judge(config.media_listen, &candidates, &announced);
    Reach { candidates, tcp_candidates, warnings }
}

/// Something about the addresses that clients are told, with what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachWarning {
    /// Nobody but this machine reaches the server.
    OnlyLoopback,
    /// Everything is private; nobody outside the local network reaches it.
    OnlyPrivate,
    /// An announced address has a family that the socket does not serve.
    WrongFamily(IpAddr),
    /// An announced address belongs to no network that clients on the Internet can reach.
    PrivateAnnounced(IpAddr),
    /// A message to this announced address did not come back.
    NoEcho(SocketAddr),
}

impl ReachWarning {
    /// Whether it is certain. Otherwise it may be as the operator wants it.
    const fn is_certain(self) -> bool {
        matches!(self, Self::OnlyLoopback | Self::WrongFamily(_))
    }
}

impl fmt::Display for ReachWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyLoopback => formatter.write_str(
                "only this machine can reach the media ports: listen on a network with --media-address, or name an \
                 address with --announce",
            ),
            Self::OnlyPrivate => formatter.write_str(
                "all addresses are private: people outside this network cannot connect unless you name the outside \
                 address with --announce",
            ),
            Self::WrongFamily(address) => write!(
                formatter,
                "{address} is announced, but media does not listen on that family: use --media-address {}",
                if address.is_ipv4() { "0.0.0.0 or ::" } else { "::" }
            ),
            Self::PrivateAnnounced(address) => write!(
                formatter,
                "{address} is announced, which is a private address: announce the outside one, unless everybody is in \
                 this network"
            ),
            Self::NoEcho(address) => write!(
                formatter,
                "a packet to {address} did not come back: check that the firewall and the router pass UDP port {} to \
                 this machine (some routers never turn packets around; then this means nothing)",
                address.port()
            ),
        }
    }
}

/// What can be said of the candidates of a socket on `bound`, of which the operator has named `announced`.
fn judge(bound: SocketAddr, candidates: &[SocketAddr], announced: &[IpAddr]) -> Vec<ReachWarning> {
    let mut warnings = Vec::new();
    for address in announced {
        let is_served = match (bound.ip(), address) {
            // A socket on all IPv6 addresses takes IPv4 too.
            (IpAddr::V6(ip), IpAddr::V4(_)) => ip.is_unspecified(),
            (IpAddr::V6(_), IpAddr::V6(_)) | (IpAddr::V4(_), IpAddr::V4(_)) => true,
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        };
        if !is_served {
            warnings.push(ReachWarning::WrongFamily(*address));
        } else if is_private(*address) && !address.is_loopback() {
            warnings.push(ReachWarning::PrivateAnnounced(*address));
        }
    }
    if candidates.iter().all(|candidate| candidate.ip().is_loopback()) {
        warnings.push(ReachWarning::OnlyLoopback);
    } else if announced.is_empty() && candidates.iter().all(|candidate| is_private(candidate.ip())) {
        warnings.push(ReachWarning::OnlyPrivate);
    }
    warnings
}

/// Addresses that no packet from the Internet is sent to: RFC 1918, RFC 6598, RFC 4193, loopback and link-local.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

/// Sends a STUN Binding request to each announced address from a socket of its own, and tells which did not reach
/// `socket`, which must not be read by anybody else meanwhile.
fn probe(socket: &UdpSocket, announced: &[SocketAddr]) -> Vec<ReachWarning> {
    let mut waiting: Vec<(SocketAddr, [u8; 20])> = Vec::new();
    for address in announced {
        let message = binding_request(rand::random());
        let from: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // Whatever fails here shows as an answer that does not come.
        let _ = UdpSocket::bind((from, 0)).and_then(|sender| sender.send_to(&message, address));
        waiting.push((*address, message));
    }
    let start = Instant::now();
    let mut bytes = [0; 64];
    while !waiting.is_empty() && start.elapsed() < PROBE_TIMEOUT {
        match socket.recv_from(&mut bytes) {
            Ok((len, _)) => waiting.retain(|(_, message)| bytes[..len] != message[..]),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    waiting.into_iter().map(|(address, _)| ReachWarning::NoEcho(address)).collect()
}

/// RFC 8489 section 5: a header with nothing behind it.
fn binding_request(transaction: [u8; 12]) -> [u8; 20] {
    let mut message = [0; 20];
    message[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
    message[8..].copy_from_slice(&transaction);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bound: &str, candidates: &[&str], announced: &[&str]) -> Vec<ReachWarning> {
        let candidates: Vec<SocketAddr> = candidates.iter().map(|text| text.parse().unwrap()).collect();
        let announced: Vec<IpAddr> = announced.iter().map(|text| text.parse().unwrap()).collect();
        judge(bound.parse().unwrap(), &candidates, &announced)
    }

    #[test]
    fn a_public_address_is_nothing_to_warn_about() {
        assert_eq!(judged("0.0.0.0:1", &["203.0.113.7:1", "127.0.0.1:1"], &[]), []);
        assert_eq!(judged("[::]:1", &["10.0.0.1:1", "[2001:db8::1]:1"], &[]), []);
        assert_eq!(judged("0.0.0.0:1", &["203.0.113.7:1"], &["203.0.113.7"]), []);
    }

    #[test]
    fn who_is_only_seen_here_or_only_in_the_house_is_told() {
        assert_eq!(judged("127.0.0.1:1", &["127.0.0.1:1"], &[]), [ReachWarning::OnlyLoopback]);
        for private in ["10.1.2.3:1", "192.168.0.1:1", "100.64.0.1:1", "[fd00::2]:1"] {
            assert_eq!(judged("[::]:1", &[private, "127.0.0.1:1"], &[]), [ReachWarning::OnlyPrivate]);
        }
    }

    #[test]
    fn an_announced_address_is_looked_at_too() {
        let v6: IpAddr = "2001:db8::7".parse().unwrap();
        let warnings = judged("0.0.0.0:1", &["[2001:db8::7]:1"], &["2001:db8::7"]);
        assert_eq!(warnings, [ReachWarning::WrongFamily(v6)]);
        assert_eq!(judged("[::]:1", &["203.0.113.7:1"], &["203.0.113.7"]), []);
        let v4: IpAddr = "10.0.0.7".parse().unwrap();
        let warnings = judged("0.0.0.0:1", &["10.0.0.7:1"], &["10.0.0.7"]);
        assert_eq!(warnings, [ReachWarning::PrivateAnnounced(v4)]);
    }

    #[test]
    fn every_warning_says_what_to_do() {
        let at = SocketAddr::from(([203, 0, 113, 7], 7000));
        let warnings = [
            ReachWarning::OnlyLoopback,
            ReachWarning::OnlyPrivate,
            ReachWarning::WrongFamily(at.ip()),
            ReachWarning::PrivateAnnounced(at.ip()),
            ReachWarning::NoEcho(at),
        ];
        for warning in warnings {
            let text = warning.to_string();
            let has_fix = ["--announce", "--media-address", "announce the outside", "firewall"];
            assert!(has_fix.iter().any(|fix| text.contains(fix)) && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn a_message_to_an_address_that_leads_here_comes_back_and_one_that_does_not_is_named() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let elsewhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let warnings = probe(&socket, &[socket.local_addr().unwrap(), elsewhere]);
        assert_eq!(warnings, [ReachWarning::NoEcho(elsewhere)]);
        assert_eq!(probe(&socket, &[]), []);
    }
}
