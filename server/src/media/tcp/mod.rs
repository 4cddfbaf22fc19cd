//! Media over TCP, for clients whose network lets no UDP through (RFC 6544, RFC 4571).
//!
//! ```text
//! listener (tokio) ── first frame: whose ufrag? ──▶ shard ──▶ Connections ── datagrams ──▶ Sfu
//!                                                             Connections ◀── SendBatch ── Sfu
//! ```
//!
//! One listener serves all shards; a connection belongs to the shard that its first connectivity check names. From
//! then on the shard's thread reads and writes it, never waiting: what a connection does not take is queued within
//! bounds and then given up, video first.

mod accept;
mod queue;
mod ready;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use sfu::ice::framing::Deframer;
use sfu::{Address, SendBatch, TcpConnection};

pub(crate) use self::accept::accept;
use self::queue::{Kind, SendQueue};
use self::ready::Ready;

/// A connection that no check has validated for this long is closed: since it was opened, or since its last one ran
/// out.
const UNVALIDATED_MAX: Duration = Duration::from_secs(10);
/// A connection that takes nothing for this long is closed: what waits in it is worth nothing any more.
const STALLED_MAX: Duration = Duration::from_secs(10);
/// Read calls for one connection in one turn; the rest waits for the next, so that nobody starves.
const READS_A_TURN: u32 = 4;
/// Bytes of one read call.
const READ_BYTES: usize = 16 * 1024;
/// What the kernel may hold for one connection, so that the queue here decides what is given up.
const KERNEL_SEND_BYTES: usize = 64 * 1024;

/// The TCP connections of one shard.
#[derive(Debug)]
pub(super) struct Connections {
    open: HashMap<u64, Connection>,
    max: usize,
    next: u64,
    ready: Ready,
    /// Memory for a turn.
    ids: Vec<u64>,
    space: Vec<u8>,
    /// Connections with something queued since the last flush.
    written: Vec<u64>,
    counts: Counts,
}

/// What the connections of a shard have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Connections taken over.
    pub(super) accepted: u64,
    /// Datagrams queued.
    pub(super) sent: u64,
    /// Datagrams given up because their connection did not drain.
    pub(super) given_up: u64,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    deframer: Deframer,
    queue: SendQueue,
    /// Since when no check from it holds.
    unvalidated_since: Option<Instant>,
    /// Since when it has taken nothing although something waits.
    stalled_since: Option<Instant>,
}

impl Connection {
    /// Writes what waits, as far as the kernel takes it. Says whether something is left.
    fn flush(&mut self, now: Instant) -> io::Result<bool> {
        let stream = &mut self.stream;
        let mut has_moved = false;
        self.queue.drain(|octets| match stream.write(octets) {
            Ok(taken) => {
                has_moved |= taken > 0;
                Ok(taken)
            }
            Err(error) if is_later(&error) => Ok(0),
            Err(error) => Err(error),
        })?;
        let is_left = !self.queue.is_empty();
        match (is_left, has_moved) {
            (false, _) => self.stalled_since = None,
            (true, true) => self.stalled_since = Some(now),
            (true, false) => {
                self.stalled_since.get_or_insert(now);
            }
        }
        Ok(is_left)
    }
}

impl Connections {
    /// For at most `max` connections; further ones are closed at once.
    pub(super) fn new(max: usize) -> io::Result<Self> {
        Ok(Self {
            open: HashMap::new(),
            max,
            next: 1,
            ready: Ready::new()?,
            ids: Vec::new(),
            space: vec![0; READ_BYTES],
            written: Vec::new(),
            counts: Counts::default(),
        })
    }

    /// What to wait for beside the UDP socket.
    #[cfg(target_os = "linux")]
    pub(super) fn readiness(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        use std::os::fd::AsFd as _;
        (!self.open.is_empty()).then(|| self.ready.as_fd())
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn readiness(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a connection over whose first octets were read already; `take` gets their datagrams.
    pub(super) fn add(
        &mut self,
        now: Instant,
        stream: TcpStream,
        remote: SocketAddr,
        mut received: Vec<u8>,
        mut take: impl FnMut(Address, &mut [u8]),
    ) -> io::Result<()> {
        if self.open.len() >= self.max {
            return Ok(());
        }
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        socket2::SockRef::from(&stream).set_send_buffer_size(KERNEL_SEND_BYTES)?;
        let id = self.next;
        self.ready.add(id, &stream)?;
        self.next += 1;
        self.counts.accepted += 1;
        let mut deframer = Deframer::default();
        let address = Address::Tcp(TcpConnection { id, remote });
        let is_readable = deframer.push(&mut received, |datagram| take(address, datagram)).is_ok();
        let connection = Connection {
            stream,
            remote,
            deframer,
            queue: SendQueue::default(),
            unvalidated_since: Some(now),
            stalled_since: None,
        };
        self.open.insert(id, connection);
        if !is_readable {
            self.close(id);
        }
        Ok(())
    }

    /// Reads what has come; `take` gets the datagrams, `closed` the connections that have ended.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        mut take: impl FnMut(Address, &mut [u8]),
        mut closed: impl FnMut(TcpConnection),
    ) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut ids = std::mem::take(&mut self.ids);
        self.ready.poll(&mut ids)?;
        for id in ids.drain(..) {
            let Some(connection) = self.open.get_mut(&id) else { continue };
            let ended = TcpConnection { id, remote: connection.remote };
            let goes_on =
                read(connection, ended, &mut self.space, &mut take).and_then(|()| connection.flush(now));
            match goes_on {
                Ok(is_left) => {
                    let _ = self.ready.watch_writable(id, &connection.stream, is_left);
                }
                Err(error) => {
                    tracing::debug!(%error, "a media connection over TCP has ended");
                    self.close(id);
                    closed(ended);
                }
            }
        }
        self.ids = ids;
        Ok(())
    }

    /// Queues the datagrams of `batch` that go over TCP. Those of connections that have ended are dropped.
    pub(super) fn queue(&mut self, batch: &SendBatch) {
        for datagram in batch.datagrams() {
            let Some(TcpConnection { id, .. }) = datagram.to.tcp() else { continue };
            let Some(connection) = self.open.get_mut(&id) else { continue };
            let payload = batch.payload(datagram);
            if connection.queue.push(payload, Kind::of(payload, datagram.is_audio)) {
                self.counts.sent += 1;
                if self.written.last() != Some(&id) {
                    self.written.push(id);
                }
            } else {
                self.counts.given_up += 1;
            }
        }
    }

    /// Writes what was queued, as far as the connections take it. The rest follows when they have room.
    pub(super) fn flush(&mut self, now: Instant) {
        for id in self.written.drain(..) {
            let Some(connection) = self.open.get_mut(&id) else { continue };
            // A failure shows again when it is read from, and is handled there.
            if let Ok(true) = connection.flush(now) {
                let _ = self.ready.watch_writable(id, &connection.stream, true);
            }
        }
    }

    /// Closes the connections that are of no use: nobody's for too long, or stalled.
    pub(super) fn sweep(
        &mut self,
        now: Instant,
        is_validated: impl Fn(Address) -> bool,
        mut closed: impl FnMut(TcpConnection),
    ) {
        let mut ids = std::mem::take(&mut self.ids);
        for (id, connection) in &mut self.open {
            let address = Address::Tcp(TcpConnection { id: *id, remote: connection.remote });
            if is_validated(address) {
                connection.unvalidated_since = None;
            } else {
                connection.unvalidated_since.get_or_insert(now);
            }
            let is_over = |since: Option<Instant>, max| since.is_some_and(|since| now - since >= max);
            if is_over(connection.unvalidated_since, UNVALIDATED_MAX)
                || is_over(connection.stalled_since, STALLED_MAX)
            {
                ids.push(*id);
            }
        }
        for id in ids.drain(..) {
            if let Some(remote) = self.close(id) {
                closed(TcpConnection { id, remote });
            }
        }
        self.ids = ids;
    }

    fn close(&mut self, id: u64) -> Option<SocketAddr> {
        let connection = self.open.remove(&id)?;
        self.ready.remove(id, &connection.stream);
        Some(connection.remote)
    }
}

/// Reads until nothing is left or the turn is over. An error ends the connection, as does its end.
fn read(
    connection: &mut Connection,
    name: TcpConnection,
    space: &mut [u8],
    take: &mut impl FnMut(Address, &mut [u8]),
) -> io::Result<()> {
    for _ in 0..READS_A_TURN {
        match connection.stream.read(space) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let pushed =
                    connection.deframer.push(&mut space[..count], |datagram| take(name.into(), datagram));
                pushed.map_err(io::Error::other)?;
                if count < space.len() {
                    return Ok(());
                }
            }
            Err(error) if is_later(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
