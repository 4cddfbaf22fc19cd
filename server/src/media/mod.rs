//! The media plane's shell: one thread a shard, which owns a socket and an SFU, and the handles to speak to it.
//!
//! Nothing here decides about media. No lock and no async on the packet path: a shard is reached through a bounded
//! queue and answers through bounded queues, one a client.

mod announce;
mod busy;
mod forwarding_time;
mod handle;
mod links;
mod placement;
mod reach;
mod socket;
mod tcp;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use sfu::{Certificate, SeatChange, Statistics, WallClock};
use shared::{ResumeToken, RoomId};
use tokio::sync::mpsc;

pub(crate) use self::announce::local_addresses;
pub(crate) use self::handle::{Handle, SendError};
use self::placement::{Load, Placement};
pub use self::reach::{Reach, ReachWarning};
pub(crate) use self::reach::{foresee, is_private};
pub(crate) use self::socket::BUFFER_BYTES;
pub(crate) use self::tcp::accept;
use crate::config::Config;

/// How often a stop that found a full queue is repeated, and how often in all.
const STOP_INTERVAL: Duration = Duration::from_millis(10);
const STOP_ATTEMPTS: u32 = 200;
/// Seats taken and given up that wait to be heard of. Beyond it they wait with their shard.
const SEAT_CHANGES_MAX: usize = 4096;

/// Why the media plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The UDP port cannot be listened on.
    #[error("UDP {address} cannot be listened on for media")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A thread, or the pipe to it, cannot be made.
    #[error("a media thread cannot be started")]
    Thread(#[source] io::Error),
    /// The key or the certificate of the server's DTLS cannot be made.
    #[error("the certificate for DTLS cannot be made: {0}")]
    Certificate(String),
}

/// All shards. A room lives on one of them, or on several when it is large.
#[derive(Debug)]
pub(crate) struct Shards {
    handles: Vec<Handle>,
    threads: Vec<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
    /// Asked once for each join.
    placement: Mutex<Placement>,
    reach: Reach,
    /// Until somebody takes it.
    seat_changes: Mutex<Option<mpsc::Receiver<SeatChange>>>,
}

/// A connection's place: which shard serves it. Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shards: Arc<Shards>,
    room: RoomId,
    index: usize,
}

impl Place {
    /// The shard.
    pub(crate) fn shard(&self) -> &Handle {
        &self.shards.handles[self.index]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shards.placement().leave(&self.room, self.index);
    }
}

impl Shards {
    /// Binds the sockets and starts the threads. `tcp` is where the listener of [`accept`] listens, if there is one.
    pub(crate) fn start(config: &Config, tcp: Option<SocketAddr>) -> Result<Self, MediaError> {
        let placement = Mutex::new(Placement::new(config.shards, config.peers_per_shard_max));
        let (seat_changes, all_seat_changes) = mpsc::channel(SEAT_CHANGES_MAX);
        let mut shards = Self {
            seat_changes: Mutex::new(Some(all_seat_changes)),
            handles: Vec::new(),
            threads: Vec::new(),
            addresses: Vec::new(),
            placement,
            reach: Reach::default(),
        };
        let pairs: Result<Vec<_>, io::Error> = (0..config.shards).map(|_| handle::pair()).collect();
        let pairs = pairs.map_err(MediaError::Thread)?;
        let wakers: Vec<_> = pairs.iter().map(|(_, inbox)| Arc::clone(&inbox.waker)).collect();
        let ends = pairs.into_iter().zip(links::between(&wakers));
        let local = local_addresses();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for (index, ((handle, inbox), links)) in ends.enumerate() {
            let offset = u16::try_from(index).unwrap_or(u16::MAX);
            let address = shard_address(config.media_listen, offset);
            let bind_error = |source| MediaError::Bind { address, source };
            let socket = socket::bind(address).map_err(bind_error)?;
            let bound = socket.local_addr().map_err(bind_error)?;
            if index == 0 {
                socket::warn_of_small_buffers(&socket).map_err(bind_error)?;
            }
            let candidates = announce::candidates(bound, offset, &config.announce, &local);
            let tcp_candidates =
                tcp.map(|tcp| announce::tcp_candidates(tcp, &config.announce, &local)).unwrap_or_default();
            shards.reach.look_at(&config.announce, &socket, bound, &candidates);
            shards.reach.tcp_candidates.clone_from(&tcp_candidates);
            let thread = worker::spawn(worker::Shard {
                index,
                // One thread is better left to the scheduler, and when every core has a shard nothing is gained.
                core: (config.shards > 1 && config.shards < cores).then_some(index),
                socket,
                inbox,
                links,
                seat_changes: seat_changes.clone(),
                others: (0..config.shards).map(links::shard_id).collect(),
                participants_max: config.participants_max,
                config: sfu::Config {
                    candidates,
                    tcp_candidates,
                    shard: offset,
                    peers_max: config.peers_per_shard_max,
                    video_codecs: config.video_codecs.iter().map(|codec| codec.codec()).collect(),
                    estimator: sfu::bandwidth::Algorithm::default(),
                    wall_clock: wall_clock(),
                },
                certificate: Certificate::generate()
                    .map_err(|error| MediaError::Certificate(error.to_string()))?,
                seed: rand::random(),
            });
            shards.threads.push(thread.map_err(MediaError::Thread)?);
            shards.handles.push(handle);
            shards.addresses.push(bound);
        }
        Ok(shards)
    }

    /// Who takes seats and gives them up, on all shards. There is one, for whoever asks first.
    pub(crate) fn take_seat_changes(&self) -> Option<mpsc::Receiver<SeatChange>> {
        self.seat_changes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What clients will see.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Where the shards listen.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The shard with this number.
    pub(crate) fn handle(&self, index: u16) -> Option<&Handle> {
        self.handles.get(usize::from(index))
    }

    /// Chooses the shard for a connection to a room. `resume` leads back to where the seat is.
    pub(crate) fn place(self: &Arc<Self>, room: &RoomId, resume: Option<&ResumeToken>) -> Place {
        let load =
            |handle: &Handle| Load { busy_permille: handle.busy_permille(), is_alive: handle.is_alive() };
        let loads: Vec<Load> = self.handles.iter().map(load).collect();
        let led = resume.map(|token| usize::from(token.first_byte()));
        let index = self.placement().join(room, led, &loads);
        Place { shards: Arc::clone(self), room: room.clone(), index }
    }

    fn placement(&self) -> std::sync::MutexGuard<'_, Placement> {
        // It is a table of counts: a panic beside it leaves it usable.
        self.placement.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of every shard, or nothing when one does not answer within `deadline`.
    pub(crate) async fn statistics(&self, deadline: Duration) -> Option<Vec<Statistics>> {
        let answers = futures_util::future::join_all(self.handles.iter().map(Handle::statistics));
        tokio::time::timeout(deadline, answers).await.ok()?.into_iter().collect()
    }

    /// What forwarding takes on the slowest shard, in microseconds; nothing before anything was forwarded.
    pub(crate) fn forwarding_us(&self) -> Option<u32> {
        self.handles.iter().filter_map(Handle::forwarding_us).max()
    }

    /// Asks all threads to end.
    pub(crate) async fn stop(&self) {
        for handle in &self.handles {
            for _ in 0..STOP_ATTEMPTS {
                if handle.stop() != Err(SendError::Busy) {
                    break;
                }
                tokio::time::sleep(STOP_INTERVAL).await;
            }
        }
    }

    /// Waits until all threads have ended. Blocks.
    pub(crate) fn join(self) {
        for thread in self.threads {
            // A panic was logged where it happened.
            let _ = thread.join();
        }
    }
}

fn shard_address(base: SocketAddr, index: u16) -> SocketAddr {
    let port = if base.port() == 0 { 0 } else { base.port().saturating_add(index) };
    SocketAddr::new(base.ip(), port)
}

fn wall_clock() -> WallClock {
    let since_unix_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallClock { instant: Instant::now(), since_unix_epoch }
}

#[cfg(test)]
mod tests;
