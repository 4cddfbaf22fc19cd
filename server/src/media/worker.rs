//! One shard: an OS thread with a socket, an SFU and the routes to its clients.
//!
//! A turn does, in this order and each within a budget, so that nothing starves:
//! 1. drain outputs: after every step, so that a packet leaves as soon as it can;
//! 2. datagrams: media is what cannot wait;
//! 3. requests of the signaling side;
//! 4. what other shards say;
//! 5. timers that are due.
//!
//! It sleeps only when all of them are done.

use std::collections::HashMap;
use std::io;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sfu::{Command, ConnectionId, Event, Notice, SeatChange, SendBatch, Sfu, ShardId};
use tokio::sync::mpsc;

use super::busy::Busy;
use super::forwarding_time::ForwardingTime;
use super::handle::{Inbox, Request};
use super::links::{Links, shard_id};
use super::socket::{RECEIVE_BATCH, ReceiveSlab, Sent, Transmitter, receive, wait};
use super::tcp::Connections;

/// Receive calls of one turn: 16 × 64 datagrams are about 5 ms of work, as long as a request may wait.
const RECEIVES_A_TURN: u32 = 16;
/// Requests of one turn: an offer is the dearest, a fraction of a millisecond.
const REQUESTS_A_TURN: u32 = 64;
/// Datagrams of one send batch: one publisher's burst to a hundred subscribers, and it stays in the cache.
const SEND_BATCH: usize = 512;
/// How often routes are searched for clients whose end was not told.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// TCP connections for each participant that a shard may have.
const TCP_PER_PEER: usize = 4;
/// Failed receive calls in a row after which the socket counts as lost.
const RECEIVE_ERRORS_MAX: u32 = 1000;

/// What a shard needs to start.
pub(super) struct Shard {
    pub(super) index: usize,
    /// The core to stay on, when that is useful.
    pub(super) core: Option<usize>,
    pub(super) socket: UdpSocket,
    pub(super) inbox: Inbox,
    pub(super) links: Links,
    /// Where it is told who takes seats and gives them up.
    pub(super) seat_changes: mpsc::Sender<SeatChange>,
    /// All shards, this one too.
    pub(super) others: Vec<ShardId>,
    pub(super) participants_max: usize,
    pub(super) config: sfu::Config,
    pub(super) certificate: sfu::Certificate,
    pub(super) seed: [u8; 32],
}

/// Starts the thread. It ends when it is told to, or, with a loud log line, when its SFU or its socket fails as a
/// whole: then the handles of the shard report that it has stopped.
pub(super) fn spawn(shard: Shard) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("media-{}", shard.index)).spawn(move || {
        let index = shard.index;
        let is_alive = std::sync::Arc::clone(&shard.inbox.is_alive);
        let ending = catch_unwind(AssertUnwindSafe(|| {
            stay_on_core(shard.core);
            Worker::new(shard)?.run()
        }));
        is_alive.store(false, Ordering::Release);
        match ending {
            Ok(Ok(())) => tracing::debug!(shard = index, "the media thread has ended"),
            Ok(Err(error)) => tracing::error!(shard = index, %error, "the media thread has lost its socket"),
            Err(_) => tracing::error!(shard = index, "the media thread has panicked; its meetings are lost"),
        }
    })
}

struct Worker {
    sfu: Sfu,
    socket: UdpSocket,
    inbox: Inbox,
    links: Links,
    busy: Busy,
    forwarding_time: ForwardingTime,
    notices: HashMap<ConnectionId, mpsc::Sender<Notice>>,
    seat_changes: mpsc::Sender<SeatChange>,
    slab: ReceiveSlab,
    batch: SendBatch,
    transmitter: Transmitter,
    tcp: Connections,
    sent: Sent,
    receive_errors: u32,
    sweep_at: Instant,
}

/// What follows a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// More is waiting already.
    Turn,
    Sleep,
    Stop,
}

impl Worker {
    fn new(shard: Shard) -> io::Result<Self> {
        let now = Instant::now();
        // A browser has a connection for each of its own addresses while it looks for a path.
        let tcp_max = shard.config.peers_max.saturating_mul(TCP_PER_PEER);
        let transmitter = Transmitter::new(&shard.socket, SEND_BATCH)?;
        tracing::info!(
            shard = shard.index,
            port = shard.socket.local_addr()?.port(),
            segmentation = transmitter.is_segmenting(),
            "media thread started"
        );
        Ok(Self {
            sfu: Sfu::new(shard.config, shard.certificate, shard.seed, now)
                .beside(shard_id(shard.index), shard.others)
                .with_rooms_of(shard.participants_max),
            socket: shard.socket,
            inbox: shard.inbox,
            links: shard.links,
            busy: Busy::new(now, thread_time()),
            forwarding_time: ForwardingTime::new(now),
            notices: HashMap::new(),
            seat_changes: shard.seat_changes,
            slab: ReceiveSlab::new(),
            batch: SendBatch::with_capacity(SEND_BATCH),
            transmitter,
            tcp: Connections::new(tcp_max)?,
            sent: Sent::default(),
            receive_errors: 0,
            sweep_at: now + SWEEP_INTERVAL,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        loop {
            match self.turn()? {
                Next::Turn => {}
                Next::Sleep => {
                    let due = self.sfu.poll_timeout().map_or(self.sweep_at, |due| due.min(self.sweep_at));
                    let from = Instant::now();
                    let timeout = due.saturating_duration_since(from);
                    if !timeout.is_zero() {
                        self.busy.sleeps(from);
                        wait(&self.socket, self.tcp.readiness(), &self.inbox.waker, Some(timeout))?;
                    }
                }
                Next::Stop => return Ok(()),
            }
            if let Some(permille) = self.busy.turn(Instant::now(), thread_time) {
                self.inbox.busy_permille.store(permille, Ordering::Relaxed);
                let now = Instant::now();
                self.sfu.handle_load(now, permille);
                self.drain(now);
            }
        }
    }

    fn turn(&mut self) -> io::Result<Next> {
        let after_datagrams = self.handle_datagrams()?;
        self.handle_tcp()?;
        let after_requests = self.handle_requests();
        let now = Instant::now();
        let after_relays = if self.links.receive(now, &mut self.sfu) { Next::Turn } else { Next::Sleep };
        self.drain(now);
        if self.sfu.poll_timeout().is_some_and(|due| due <= now) {
            self.sfu.handle_timeout(now);
            self.drain(now);
        }
        if self.sweep_at <= now {
            self.sweep_at = now + SWEEP_INTERVAL;
            self.sweep(now);
        }
        Ok(match (after_requests, after_datagrams, after_relays) {
            (Next::Stop, _, _) => Next::Stop,
            (Next::Sleep, Next::Sleep, Next::Sleep) => Next::Sleep,
            _ => Next::Turn,
        })
    }

    fn handle_datagrams(&mut self) -> io::Result<Next> {
        for _ in 0..RECEIVES_A_TURN {
            let count = match receive(&self.socket, &mut self.slab) {
                Ok(count) => count,
                // An error report of an earlier send may surface here once; a lost socket fails for ever.
                Err(_) if self.receive_errors < RECEIVE_ERRORS_MAX => {
                    self.receive_errors += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.receive_errors = 0;
            let now = Instant::now();
            for (from, datagram) in self.slab.datagrams_mut() {
                self.sfu.handle_datagram(now, from, datagram);
            }
            self.drain_batch(now);
            if count < RECEIVE_BATCH {
                return Ok(Next::Sleep);
            }
        }
        Ok(Next::Turn)
    }

    fn handle_tcp(&mut self) -> io::Result<()> {
        if self.tcp.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        let mut closed = Vec::new();
        let Self { tcp, sfu, .. } = self;
        tcp.receive(
            now,
            |from, datagram| sfu.handle_datagram(now, from, datagram),
            |connection| closed.push(connection),
        )?;
        closed.into_iter().for_each(|connection| self.sfu.handle_closed(connection));
        self.drain(now);
        Ok(())
    }

    fn handle_requests(&mut self) -> Next {
        self.inbox.waker.clear();
        for _ in 0..REQUESTS_A_TURN {
            // All handles being gone is no reason to stop: participants may still be connected to each other.
            let Ok(request) = self.inbox.requests.try_recv() else { return Next::Sleep };
            let now = Instant::now();
            match request {
                Request::Command(command) => self.sfu.handle_command(now, command),
                Request::Control(control) => self.sfu.handle_control(now, control),
                Request::Join { connection, notices, command } => {
                    self.notices.insert(connection, notices);
                    self.sfu.handle_command(now, command);
                }
                Request::Disconnect(connection) => self.disconnect(now, connection),
                Request::Tcp { stream, remote, received } => {
                    let Self { tcp, sfu, .. } = self;
                    let take = |from, datagram: &mut [u8]| sfu.handle_datagram(now, from, datagram);
                    if let Err(error) = tcp.add(now, stream, remote, received, take) {
                        tracing::debug!(%error, "a media connection over TCP could not be taken over");
                    }
                }
                Request::Statistics(answer) => {
                    // Who asked may have stopped waiting.
                    let _ = answer.send(self.sfu.statistics());
                }
                Request::Stop => return Next::Stop,
            }
            self.drain(now);
        }
        Next::Turn
    }

    /// Drains after a batch of datagrams that was read at `now`, and notes what it took if anything was sent. That is one reading
    /// of the clock for a batch.
    fn drain_batch(&mut self, now: Instant) {
        let before = self.sent.datagrams;
        self.drain(now);
        if self.sent.datagrams == before {
            return;
        }
        if let Some(us) = self.forwarding_time.record(now, Instant::now()) {
            self.inbox.forwarding_us.store(us, Ordering::Relaxed);
        }
    }

    /// Sends and delivers everything that the SFU has to say.
    fn drain(&mut self, now: Instant) {
        loop {
            let is_more_waiting = self.sfu.poll_transmit(now, &mut self.batch);
            if !self.batch.is_empty() {
                self.sent += self.transmitter.send(&self.socket, &self.batch);
                if self.batch.has_tcp() {
                    self.tcp.queue(&self.batch);
                    self.tcp.flush(now);
                }
                self.batch.clear();
            }
            // Delivering can make new outputs, when it drops a client that reads too slowly.
            let is_delivered = self.deliver(now);
            let has_more = self.links.send(now, &mut self.sfu);
            if !is_more_waiting && is_delivered && !has_more {
                return;
            }
        }
    }

    /// Returns false when a client was dropped on the way.
    fn deliver(&mut self, now: Instant) -> bool {
        self.tell_seat_changes();
        while let Some(Event { connection, notice }) = self.sfu.poll_event() {
            let is_last = matches!(notice, Notice::Closed(_));
            let Some(notices) = self.notices.get(&connection) else { continue };
            let is_taken = notices.try_send(notice).is_ok();
            if is_last {
                self.notices.remove(&connection);
            } else if !is_taken {
                self.disconnect(now, connection);
                return false;
            }
        }
        true
    }

    /// What is not taken stays with the SFU until the next turn. It is told before the clients are, and never lost.
    fn tell_seat_changes(&mut self) {
        while let Ok(place) = self.seat_changes.try_reserve() {
            let Some(change) = self.sfu.poll_seat_change() else { return };
            place.send(change);
        }
    }

    fn disconnect(&mut self, now: Instant, connection: ConnectionId) {
        if self.notices.remove(&connection).is_some() {
            self.sfu.handle_command(now, Command::Disconnect { connection });
        }
    }

    /// Finds the clients whose task has ended without its word getting through.
    fn sweep(&mut self, now: Instant) {
        let is_gone = |(connection, notices): (&ConnectionId, &mpsc::Sender<Notice>)| {
            notices.is_closed().then_some(*connection)
        };
        let gone: Vec<ConnectionId> = self.notices.iter().filter_map(is_gone).collect();
        for connection in gone {
            self.disconnect(now, connection);
        }
        self.sweep_tcp(now);
        self.drain(now);
    }

    fn sweep_tcp(&mut self, now: Instant) {
        let mut closed = Vec::new();
        let Self { tcp, sfu, .. } = self;
        tcp.sweep(now, |address| sfu.is_validated(now, address), |connection| closed.push(connection));
        closed.into_iter().for_each(|connection| self.sfu.handle_closed(connection));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Sent { datagrams, dropped_full, dropped_refused } = self.sent;
        let tcp = self.tcp.counts();
        let relays_dropped = self.links.dropped;
        tracing::info!(
            datagrams,
            dropped_full,
            dropped_refused,
            relays_dropped,
            ?tcp,
            "media thread stops sending"
        );
    }
}

#[cfg(target_os = "linux")]
fn stay_on_core(core: Option<usize>) {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let Some(core) = core else { return };
    let mut cores = CpuSet::new();
    cores.set(core);
    if let Err(error) = sched_setaffinity(None, &cores) {
        tracing::debug!(core, %error, "the media thread is not pinned");
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_on_core(_core: Option<usize>) {}

/// The processor time that this thread has used up.
#[cfg(unix)]
fn thread_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).ok()
}

#[cfg(not(unix))]
const fn thread_time() -> Option<Duration> {
    None
}
