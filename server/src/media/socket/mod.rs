//! Datagrams in batches: the only module that may be unsafe, because the kernel's batch calls take pointers.
//!
//! ```text
//! ReceiveSlab ◀── recvmmsg ── UDP socket ◀── sendmmsg, each message a run with UDP_SEGMENT ── SendBatch
//! ```
//!
//! On Linux one call receives up to 64 datagrams, and one message of a send call carries a whole *run*: up
//! to 64 datagrams of one size to one destination, which the kernel cuts (UDP_SEGMENT, "GSO"). Elsewhere, and
//! where the kernel cannot, the same interface sends one by one.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod portable;
mod run;
mod wait;

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

#[cfg(target_os = "linux")]
pub(super) use self::linux::{ReceiveSlab, Transmitter, receive};
#[cfg(not(target_os = "linux"))]
pub(super) use self::portable::{ReceiveSlab, Transmitter, receive};
pub(super) use self::wait::{Waker, wait};

/// Datagrams that one receive call takes.
pub(super) const RECEIVE_BATCH: usize = 64;
/// Room for one received datagram: more than Ethernet carries, so that a longer one is recognised and dropped.
const RECEIVE_BYTES_MAX: usize = 2048;
/// What the kernel is asked to buffer each way: about 100 ms of 300 Mbit/s.
pub(crate) const BUFFER_BYTES: usize = 4 << 20;
/// How long a full send buffer is waited for before the rest of a batch is dropped: media that comes later than
/// this helps nobody, and meanwhile nothing is received.
const WRITABLE_TIMEOUT_MS: u16 = 2;

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Datagrams handed to the kernel.
    pub(super) datagrams: u64,
    /// Datagrams dropped because the send buffer stayed full.
    pub(super) dropped_full: u64,
    /// Datagrams that the kernel refused: no route, not permitted, too long.
    pub(super) dropped_refused: u64,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.datagrams += other.datagrams;
        self.dropped_full += other.dropped_full;
        self.dropped_refused += other.dropped_refused;
    }
}

/// A non-blocking UDP socket with large buffers. One on `::` serves IPv4 too.
pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    // The kernel cuts these to net.core.{r,w}mem_max and reports no error.
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Tells the operator which setting of the kernel cuts the buffers that [`bind`] asks for.
pub(super) fn warn_of_small_buffers(socket: &UdpSocket) -> io::Result<()> {
    let socket = socket2::SockRef::from(socket);
    warn_of_small("receive", "net.core.rmem_max", socket.recv_buffer_size()?);
    warn_of_small("send", "net.core.wmem_max", socket.send_buffer_size()?);
    Ok(())
}

/// Linux reports twice what it grants, for its own book-keeping (socket(7)).
fn warn_of_small(buffer: &str, setting: &str, reported: usize) {
    let granted = if cfg!(target_os = "linux") { reported / 2 } else { reported };
    if granted < BUFFER_BYTES {
        tracing::warn!(
            "the kernel gives {granted} bytes of {buffer} buffer for media instead of {BUFFER_BYTES}: bursts of large \
             rooms will lose packets. Set `sysctl -w {setting}={BUFFER_BYTES}`"
        );
    }
}

/// An IPv4 address as an IPv6 socket reports it (RFC 4291 section 2.5.5.2) becomes plain again.
fn normalised(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The form of `to` that a socket of this family can send to.
fn for_family(to: SocketAddr, is_ipv6: bool) -> SocketAddr {
    match to.ip() {
        IpAddr::V4(address) if is_ipv6 => SocketAddrV6::new(address.to_ipv6_mapped(), to.port(), 0, 0).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => to,
    }
}

#[cfg(test)]
mod tests;
