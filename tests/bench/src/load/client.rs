//! A whole run: connect everybody, warm up, measure, and count allocations in a last stretch of their own.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use rtc::rtp_transceiver::RTCRtpSenderId;

use super::Load;
use super::connection::{CLOCK_HZ, Connection, PAYLOAD_TYPE, is_rtp};
use super::packets::{self, Position};
use super::tally::{Tally, VERIFIED_MIN, Window};
use crate::control::{Request, ServerProcess};
use crate::measure::percentile;
use crate::socket::Receiver;

/// How long a handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Quiet time after the last handshake, so that its last timers are over.
const SETTLE: Duration = Duration::from_millis(1000);
/// Media before anything is measured: congestion windows, caches and the first [`VERIFIED_MIN`] packets.
const WARM_UP: Duration = Duration::from_millis(1500);
/// How long allocations are counted, after the measured time: counting itself costs processor time.
const ALLOCATIONS: Duration = Duration::from_millis(1000);
/// How long the last packets of a stretch may take to arrive. A server that is behind by more than this loses.
const DRAIN: Duration = Duration::from_millis(300);
/// In the warm-up one frame of so many can start a new viewer; later there is none, as in a call.
const KEY_FRAME_SPACING: u32 = 10;
/// How often timers of the stacks are looked at.
const TIMER_SPACING: Duration = Duration::from_millis(20);
/// Sockets that one wait reports.
const EVENTS_MAX: usize = 256;

/// What one run found.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Packets that subscribers should have received in the measured time.
    pub(crate) expected: u64,
    /// Packets that they did receive, however late.
    pub(crate) received: u64,
    /// Packets a second that subscribers should have received: less than asked for when the load client itself is
    /// too slow.
    pub(crate) offered_per_second: f64,
    pub(crate) cpu_us_per_forward: f64,
    pub(crate) latency_p50_ms: f64,
    pub(crate) latency_p99_ms: f64,
    pub(crate) memory_kb_per_peer: f64,
    pub(crate) allocations_per_forward: f64,
    /// Packets that were decrypted and found intact.
    pub(crate) verified: u64,
}

/// Drives `load` through a server and measures it.
///
/// # Errors
/// When a client cannot connect, or what arrives is not what was published.
pub(crate) fn drive(server: &mut ServerProcess, load: &Load) -> Result<Outcome> {
    let mut client = Client::connect(server, load)?;
    client.settle(SETTLE)?;
    client.play(WARM_UP, true)?;
    client.ensure_verified()?;
    client.latencies_us.clear();
    let before = server.usage()?;
    let measured = client.play(Duration::from_secs_f64(load.seconds), false)?;
    let after = server.usage()?;
    let forwarded = client.arrived(measured);
    let mut latencies_us = std::mem::take(&mut client.latencies_us);
    latencies_us.sort_unstable();
    server.tell(&Request::CountAllocations)?;
    let counted = client.play(ALLOCATIONS, false)?;
    let at_end = server.usage()?;
    client.ensure_verified()?;
    let subscribers = client.subscribers.len() as u64;
    let expected = measured.len() * subscribers;
    ensure!(forwarded > 0, "nothing arrived in the measured time");
    let latency_ms = |quantile| percentile(&latencies_us, quantile).map_or(0.0, |us| f64::from(us) / 1000.0);
    let cpu = after.cpu().saturating_sub(before.cpu());
    let grown_kb = before.resident_kb.saturating_sub(server.at_start.resident_kb);
    let allocations = at_end.allocations - after.allocations;
    Ok(Outcome {
        expected,
        received: client.arrived(measured),
        offered_per_second: expected as f64 / load.seconds,
        cpu_us_per_forward: cpu.as_secs_f64() * 1e6 / forwarded as f64,
        latency_p50_ms: latency_ms(0.5),
        latency_p99_ms: latency_ms(0.99),
        memory_kb_per_peer: grown_kb as f64 / (subscribers + 1) as f64,
        allocations_per_forward: allocations as f64 / client.arrived(counted).max(1) as f64,
        verified: client.subscribers.iter().map(|(_, tally)| tally.verified()).sum(),
    })
}

struct Client {
    load: Load,
    publisher: Connection,
    sender: RTCRtpSenderId,
    subscribers: Vec<(Connection, Tally)>,
    receiver: Receiver,
    epoll: Epoll,
    events: Vec<EpollEvent>,
    timers_due: Instant,
    next_packet: u32,
    next_frame: u32,
    /// When each of the publisher's packets left, in nanoseconds since the Unix epoch.
    sent_at_ns: Vec<u64>,
    latencies_us: Vec<u32>,
}

impl Client {
    fn connect(server: &mut ServerProcess, load: &Load) -> Result<Self> {
        let (mut publisher, sender) = Connection::publisher(server.clients_at)?;
        let answer = server.answer(true, publisher.offer()?)?;
        publisher.accept(answer).context("the answer to the publisher")?;
        let seconds = load.seconds + (WARM_UP + ALLOCATIONS).as_secs_f64() + 1.0;
        let packets = (load.rate * seconds) as usize;
        let mut client = Self {
            load: *load,
            publisher,
            sender,
            subscribers: Vec::new(),
            receiver: Receiver::new(),
            epoll: Epoll::new(EpollCreateFlags::empty())?,
            events: vec![EpollEvent::empty(); EVENTS_MAX],
            timers_due: Instant::now(),
            next_packet: 0,
            next_frame: 0,
            sent_at_ns: Vec::with_capacity(packets),
            latencies_us: Vec::with_capacity(packets * load.subscribers),
        };
        client.watch(0)?;
        client.wait_until(|client| client.publisher.is_connected)?;
        for at in 0..load.subscribers {
            let subscriber = subscribe(server)?;
            client.subscribers.push((subscriber, Tally::default()));
            client.watch(at + 1)?;
            client.wait_until(|client| client.subscribers[at].0.is_connected)?;
        }
        Ok(client)
    }

    /// Adds a client to the sockets that are waited for: 0 is the publisher, the others follow.
    fn watch(&mut self, index: usize) -> Result<()> {
        let connection = match index.checked_sub(1) {
            None => &mut self.publisher,
            Some(at) => &mut self.subscribers[at].0,
        };
        // Begins the checks: nothing would be read before something was sent.
        connection.drive(|_, _| Ok(()))?;
        self.epoll.add(connection.socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        Ok(())
    }

    fn wait_until(&mut self, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        let start = Instant::now();
        while !is_done(self) {
            ensure!(start.elapsed() < CONNECT_TIMEOUT, "a client did not connect within {CONNECT_TIMEOUT:?}");
            self.turn(1)?;
        }
        Ok(())
    }

    fn settle(&mut self, time: Duration) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.turn(1)?;
        }
        Ok(())
    }

    /// Publishes for this long, then waits for the last packets. Returns what was published.
    fn play(&mut self, time: Duration, with_key_frames: bool) -> Result<Window> {
        let first = self.next_packet;
        let start = Instant::now();
        let mut burst = 0;
        while start.elapsed() < time {
            let due = self.load.due(burst);
            let elapsed = start.elapsed();
            if due <= elapsed {
                self.publish_frame(with_key_frames)?;
                burst += 1;
            }
            let is_far = self.load.due(burst).saturating_sub(start.elapsed()) > Duration::from_millis(1);
            self.turn(u8::from(is_far))?;
        }
        self.settle(DRAIN)?;
        Ok(Window { first, end: self.next_packet })
    }

    fn publish_frame(&mut self, with_key_frames: bool) -> Result<()> {
        let is_key_frame = with_key_frames && self.next_frame.is_multiple_of(KEY_FRAME_SPACING);
        let frame_ticks = f64::from(CLOCK_HZ) * f64::from(self.load.burst) / self.load.rate;
        let timestamp = (f64::from(self.next_frame) * frame_ticks) as u64 as u32;
        for at in 0..self.load.burst {
            let position = Position {
                number: self.next_packet,
                frame: self.next_frame,
                is_first: at == 0,
                is_key_frame,
            };
            let header = rtc::rtp::header::Header {
                version: 2,
                marker: at + 1 == self.load.burst,
                payload_type: PAYLOAD_TYPE,
                sequence_number: self.next_packet as u16,
                timestamp,
                ..rtc::rtp::header::Header::default()
            };
            let payload = packets::payload(position, self.load.payload);
            let sent_at_ns = &mut self.sent_at_ns;
            let number = self.next_packet as usize;
            self.publisher.send(self.sender, rtc::rtp::Packet { header, payload }, || {
                // A retransmission leaves later; only the first time counts.
                if sent_at_ns.len() == number {
                    sent_at_ns.push(unix_ns());
                }
            })?;
            ensure!(
                self.sent_at_ns.len() == number + 1,
                "the publisher's stack did not send packet {number}"
            );
            self.next_packet += 1;
        }
        self.next_frame += 1;
        Ok(())
    }

    /// Waits at most so many milliseconds for datagrams, takes them in, and runs timers that are due.
    fn turn(&mut self, timeout_ms: u8) -> Result<()> {
        let count = match self.epoll.wait(&mut self.events, EpollTimeout::from(timeout_ms)) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error).context("waiting for datagrams"),
        };
        for at in 0..count {
            match (self.events[at].data() as usize).checked_sub(1) {
                None => self.receive_feedback()?,
                Some(subscriber) => self.receive_media(subscriber)?,
            }
        }
        let now = Instant::now();
        if self.timers_due <= now {
            self.timers_due = now + TIMER_SPACING;
            self.run_timers(now)?;
        }
        Ok(())
    }

    fn run_timers(&mut self, now: Instant) -> Result<()> {
        if self.publisher.due <= now {
            self.publisher.drive(|_, _| Ok(()))?;
        }
        for (connection, _) in self.subscribers.iter_mut().filter(|(connection, _)| connection.due <= now) {
            connection.drive(|_, _| Ok(()))?;
        }
        Ok(())
    }

    fn receive_feedback(&mut self) -> Result<()> {
        let Connection { socket, stack, .. } = &mut self.publisher;
        for (arrival, datagram) in self.receiver.receive(socket)? {
            stack.handle(datagram, arrival.from);
        }
        self.publisher.drive(|_, _| Ok(()))
    }

    fn receive_media(&mut self, at: usize) -> Result<()> {
        let (connection, tally) = &mut self.subscribers[at];
        let Connection { socket, stack, .. } = connection;
        let mut is_for_stack = false;
        for (arrival, datagram) in self.receiver.receive(socket)? {
            if is_media(datagram) {
                let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
                if let Some(number) = tally.receive(sequence)
                    && let (Some(at_ns), Some(sent_ns)) =
                        (arrival.at_ns, self.sent_at_ns.get(number as usize))
                {
                    self.latencies_us.push((at_ns.saturating_sub(*sent_ns) / 1000) as u32);
                }
                if !tally.submit() {
                    continue;
                }
            }
            stack.handle(datagram, arrival.from);
            is_for_stack = true;
        }
        if !is_for_stack {
            return Ok(());
        }
        let len = self.load.payload;
        connection.drive(|sequence, payload| {
            let number = packets::verify(payload, len);
            tally.verify(sequence, number.context("a packet arrived damaged")?)
        })
    }

    fn ensure_verified(&self) -> Result<()> {
        for (at, (_, tally)) in self.subscribers.iter().enumerate() {
            let verified = tally.verified();
            ensure!(
                tally.is_verified(),
                "subscriber {at} got {verified} packets intact, fewer than {VERIFIED_MIN} or than it should"
            );
        }
        Ok(())
    }

    /// How many of these packets have arrived, all subscribers together.
    fn arrived(&self, window: Window) -> u64 {
        self.subscribers.iter().map(|(_, tally)| tally.arrived(window)).sum()
    }
}

/// One more subscriber, negotiated and not yet connected.
fn subscribe(server: &mut ServerProcess) -> Result<Connection> {
    if server.invites {
        let (subscriber, sdp) =
            Connection::invited(server.clients_at, server.invite()?).context("the offer to a subscriber")?;
        server.accept(sdp)?;
        return Ok(subscriber);
    }
    let mut subscriber = Connection::subscriber(server.clients_at)?;
    let answer = server.answer(false, subscriber.offer()?)?;
    subscriber.accept(answer).context("the answer to a subscriber")?;
    Ok(subscriber)
}

/// Whether a datagram is a packet of the published stream, not a retransmission or padding under another type.
fn is_media(datagram: &[u8]) -> bool {
    is_rtp(datagram) && datagram.len() > 12 && datagram[1] & 0x7f == PAYLOAD_TYPE
}

fn unix_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}
