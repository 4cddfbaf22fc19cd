//! Where datagrams come from and go to.

use std::net::SocketAddr;

/// One end of a media path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A UDP address.
    Udp(SocketAddr),
    /// A TCP connection that carries framed datagrams (RFC 4571, RFC 6544).
    Tcp(TcpConnection),
}

/// A TCP connection. The shell numbers them and never uses a number twice, so that an address that outlives its
/// connection names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpConnection {
    /// The shell's number.
    pub id: u64,
    /// The other end, as this end sees it.
    pub remote: SocketAddr,
}

impl Address {
    /// The other end's IP address and port.
    #[must_use]
    pub const fn remote(&self) -> SocketAddr {
        match self {
            Self::Udp(remote) | Self::Tcp(TcpConnection { remote, .. }) => *remote,
        }
    }

    /// The TCP connection, when it is one.
    #[must_use]
    pub const fn tcp(&self) -> Option<TcpConnection> {
        match self {
            Self::Udp(_) => None,
            Self::Tcp(connection) => Some(*connection),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Udp(address)
    }
}

impl From<TcpConnection> for Address {
    fn from(connection: TcpConnection) -> Self {
        Self::Tcp(connection)
    }
}
