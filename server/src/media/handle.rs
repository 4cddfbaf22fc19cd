//! The signaling side's end of a shard: commands in, notices out, statistics on request.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use sfu::{Command, ConnectionId, Control, Notice, Statistics};
use tokio::sync::{mpsc, oneshot};

use super::socket::Waker;

/// Requests that wait for a shard. A thousand is more than a shard handles in 10 ms; when they are full the
/// client is told that the server is busy.
const REQUESTS_MAX: usize = 1024;

/// What a shard is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    /// A client's command.
    Command(Command),
    /// What the rules of a room ask.
    Control(Control),
    /// A client's first command, and where its notices go from now on.
    Join { connection: ConnectionId, notices: mpsc::Sender<Notice>, command: Command },
    /// The connection has ended, or has been refused.
    Disconnect(ConnectionId),
    /// A media connection over TCP, its other end, and what was read from it already.
    Tcp { stream: TcpStream, remote: SocketAddr, received: Vec<u8> },
    /// Answer with a snapshot of the counters.
    Statistics(oneshot::Sender<Statistics>),
    /// End the thread.
    Stop,
}

/// Why a request was not handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// Too many requests wait already.
    #[error("the shard has too much to do")]
    Busy,
    /// The thread has ended.
    #[error("the shard has stopped")]
    Stopped,
}

/// Cheap to clone; all clones speak to the same shard.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    requests: SyncSender<Request>,
    waker: Arc<Waker>,
    is_alive: Arc<AtomicBool>,
    busy_permille: Arc<AtomicU32>,
    forwarding_us: Arc<AtomicU32>,
}

/// The shard's end.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) requests: Receiver<Request>,
    pub(super) waker: Arc<Waker>,
    pub(super) is_alive: Arc<AtomicBool>,
    /// The part of the last moments that the thread worked, told for placement.
    pub(super) busy_permille: Arc<AtomicU32>,
    /// What forwarding took on average in the last moments that there was any, in microseconds; 0 before.
    pub(super) forwarding_us: Arc<AtomicU32>,
}

/// A handle and the inbox that it fills.
pub(super) fn pair() -> std::io::Result<(Handle, Inbox)> {
    let (sender, requests) = sync_channel(REQUESTS_MAX);
    let waker = Arc::new(Waker::new()?);
    let is_alive = Arc::new(AtomicBool::new(true));
    let busy_permille = Arc::new(AtomicU32::new(0));
    let forwarding_us = Arc::new(AtomicU32::new(0));
    let handle = Handle {
        requests: sender,
        waker: Arc::clone(&waker),
        is_alive: Arc::clone(&is_alive),
        busy_permille: Arc::clone(&busy_permille),
        forwarding_us: Arc::clone(&forwarding_us),
    };
    Ok((handle, Inbox { requests, waker, is_alive, busy_permille, forwarding_us }))
}

impl Handle {
    /// Hands a client's join over; its notices come through `notices` until it is disconnected. The shard
    /// drops `notices` when they are full: the client reads too slowly.
    ///
    /// # Errors
    /// [`SendError`]; nothing happened then.
    pub(crate) fn join(
        &self,
        connection: ConnectionId,
        notices: mpsc::Sender<Notice>,
        command: Command,
    ) -> Result<(), SendError> {
        self.send(Request::Join { connection, notices, command })
    }

    /// Hands a command over.
    ///
    /// # Errors
    /// [`SendError`]; nothing happened then.
    pub(crate) fn command(&self, command: Command) -> Result<(), SendError> {
        self.send(Request::Command(command))
    }

    /// Hands over what the rules of a room ask.
    ///
    /// # Errors
    /// [`SendError`]; nothing happened then.
    pub(crate) fn control(&self, control: Control) -> Result<(), SendError> {
        self.send(Request::Control(control))
    }

    /// Hands a media connection over TCP over; when it is not taken it is closed, and the client tries again.
    ///
    /// # Errors
    /// [`SendError`]; the connection is closed then.
    pub(super) fn tcp(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
        received: Vec<u8>,
    ) -> Result<(), SendError> {
        self.send(Request::Tcp { stream, remote, received })
    }

    /// The connection has ended. When the shard is too busy to be told, it finds out by itself within a second.
    pub(crate) fn disconnect(&self, connection: ConnectionId) {
        // Both errors are harmless: a busy shard sees that the receiver of the notices is gone.
        let _ = self.send(Request::Disconnect(connection));
    }

    /// The shard's counters; nothing when it has stopped or has too much to do. Can take as long as the shard is
    /// stuck: give it a deadline.
    pub(crate) async fn statistics(&self) -> Option<Statistics> {
        let (sender, receiver) = oneshot::channel();
        self.send(Request::Statistics(sender)).ok()?;
        receiver.await.ok()
    }

    /// Whether the thread runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.is_alive.load(Ordering::Acquire)
    }

    /// The part of the last moments that the thread worked, in thousandths.
    pub(crate) fn busy_permille(&self) -> u32 {
        self.busy_permille.load(Ordering::Relaxed)
    }

    /// What forwarding took on average in the last moments that there was any, in microseconds.
    pub(super) fn forwarding_us(&self) -> Option<u32> {
        Some(self.forwarding_us.load(Ordering::Relaxed)).filter(|us| *us > 0)
    }

    /// Asks the thread to end.
    pub(super) fn stop(&self) -> Result<(), SendError> {
        self.send(Request::Stop)
    }

    fn send(&self, request: Request) -> Result<(), SendError> {
        if !self.is_alive() {
            return Err(SendError::Stopped);
        }
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => SendError::Busy,
            TrySendError::Disconnected(_) => SendError::Stopped,
        })?;
        self.waker.wake();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resync() -> Command {
        Command::Resync { connection: ConnectionId(1) }
    }

    #[test]
    fn a_full_queue_is_busy_and_keeps_what_it_has() {
        let (handle, inbox) = pair().unwrap();
        for _ in 0..REQUESTS_MAX {
            handle.command(resync()).unwrap();
        }
        assert_eq!(handle.command(resync()), Err(SendError::Busy));
        assert_eq!(inbox.requests.try_iter().count(), REQUESTS_MAX);
        assert_eq!(handle.command(resync()), Ok(()));
    }

    #[test]
    fn a_stopped_shard_takes_nothing() {
        let (handle, inbox) = pair().unwrap();
        inbox.is_alive.store(false, Ordering::Release);
        assert_eq!(handle.command(resync()), Err(SendError::Stopped));
        let (handle, inbox) = pair().unwrap();
        drop(inbox);
        assert_eq!(handle.command(resync()), Err(SendError::Stopped));
    }
}
