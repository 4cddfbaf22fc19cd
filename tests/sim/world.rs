//! A whole call in one thread: the SFU, its signaling, clients and the network between them, in virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::{Input, SocketId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use server::mapping;
use sfu::{Command, Config, ConnectionId, Notice, SendBatch, WallClock};
use shared::MediaState;
use shared::protocol::{ClientMessage, ServerMessage, Version, decode_client};

use crate::checker::Checker;
use crate::client::{Client, Request};
use crate::link::{Impairment, Link};
use crate::shards::{Between, Shards};

pub(crate) const SERVER: &str = "192.0.2.1:3478";
/// What a client hears nothing for before it reconnects, in milliseconds.
const TIMEOUT_MS: u32 = 6_000;
/// One way, in order and without loss: a WebSocket.
const SIGNALING_DELAY: Duration = Duration::from_millis(15);

/// One load of one client's page, and a WebSocket of it.
type Socket = (usize, u16, SocketId);

#[derive(Debug)]
enum Happening {
    ToServer(SocketAddr, Vec<u8>),
    ToClient(SocketAddr, Vec<u8>),
    SocketOpens(Socket),
    TextToServer(Socket, String),
    TextToClient(Socket, String),
    ServerCloses(Socket),
    ServerNotices(Socket),
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) epoch: Instant,
    pub(crate) sfu: Shards,
    pub(crate) clients: Vec<Client>,
    /// By client: what it sends, what it receives.
    pub(crate) up: Vec<Link>,
    pub(crate) down: Vec<Link>,
    pub(crate) checker: Checker,
    pub(crate) random: ChaCha8Rng,
    /// Texts to clients that were delivered, newest last.
    pub(crate) told: Vec<(usize, ServerMessage)>,
    queue: BTreeMap<(Duration, u64), Happening>,
    order: u64,
    addresses: BTreeMap<SocketAddr, usize>,
    /// Every address ever used: whose, and of which connection.
    owners: BTreeMap<SocketAddr, (usize, u16)>,
    connections: BTreeMap<ConnectionId, Socket>,
    sockets: BTreeMap<Socket, ConnectionId>,
    next_connection: u64,
    batch: SendBatch,
    /// Somebody who sees what the first client sends: a copy of all its media reaches the server from here, just before it.
    pub(crate) copyist: Option<SocketAddr>,
    /// Datagrams that the server sent to addresses of nobody, less its checks (RFC 7983: what begins with 0 or 1 is STUN).
    pub(crate) astray: u32,
    pub(crate) seed: u64,
}

impl World {
    /// A server of one shard.
    pub(crate) fn new(seed: u64) -> Self {
        Self::of_shards(seed, 1, Between::Ideal)
    }

    pub(crate) fn of_shards(seed: u64, shards: usize, between: Between) -> Self {
        let epoch = Instant::now();
        let config = Config {
            candidates: vec![SERVER.parse().unwrap()],
            tcp_candidates: Vec::new(),
            shard: 0,
            peers_max: 100,
            video_codecs: sfu::sdp::Codec::VIDEO.to_vec(),
            estimator: sfu::bandwidth::Algorithm::default(),
            wall_clock: WallClock { instant: epoch, since_unix_epoch: Duration::ZERO },
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sfu_seed = [0; 32];
        random.fill_bytes(&mut sfu_seed);
        let sfu = Shards::new(shards, between, &config, sfu_seed, epoch);
        Self {
            now: Duration::ZERO,
            epoch,
            clients: Vec::new(),
            up: Vec::new(),
            down: Vec::new(),
            checker: Checker::new(seed, sfu.lag()),
            sfu,
            random,
            told: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            addresses: BTreeMap::new(),
            owners: BTreeMap::new(),
            connections: BTreeMap::new(),
            sockets: BTreeMap::new(),
            next_connection: 0,
            batch: SendBatch::with_capacity(64),
            copyist: None,
            astray: 0,
            seed,
        }
    }

    /// Somebody opens the link of a room, over a good network.
    pub(crate) fn join(&mut self, room: &str, media: MediaState) -> usize {
        self.join_over(room, media, Impairment::GOOD)
    }

    pub(crate) fn join_over(&mut self, room: &str, media: MediaState, impairment: Impairment) -> usize {
        let number = self.clients.len();
        let seed = self.seed.wrapping_mul(1_000_003) + number as u64 * 7919;
        self.clients.push(Client::new(number as u16, room, media, self.now, self.epoch, seed));
        self.up.push(Link::new(impairment, seed ^ 1));
        self.down.push(Link::new(impairment, seed ^ 2));
        let requests = self.clients[number].drain(self.now);
        self.carry_out(number, requests);
        number
    }

    /// The user does something.
    pub(crate) fn tell(&mut self, client: usize, input: Input) {
        let requests = self.clients[client].handle(self.now, input);
        self.carry_out(client, requests);
    }

    /// The page, its connection and its socket vanish without a word; the server notices the socket after a while.
    pub(crate) fn kill(&mut self, client: usize, noticed_after: Duration) {
        self.clients[client].alive = false;
        let load = self.clients[client].loads;
        let open: Vec<Socket> =
            self.sockets.keys().copied().filter(|socket| (socket.0, socket.1) == (client, load)).collect();
        for socket in open {
            self.schedule(noticed_after, Happening::ServerNotices(socket));
        }
    }

    pub(crate) fn reload(&mut self, client: usize, media: MediaState) {
        self.kill(client, SIGNALING_DELAY);
        self.clients[client].reload(self.now, media);
        let requests = self.clients[client].drain(self.now);
        self.carry_out(client, requests);
    }

    /// The socket is lost at both ends; media goes on.
    pub(crate) fn lose_socket(&mut self, client: usize) {
        let load = self.clients[client].loads;
        let open: Vec<Socket> =
            self.sockets.keys().copied().filter(|socket| (socket.0, socket.1) == (client, load)).collect();
        for socket in open {
            self.schedule(Duration::ZERO, Happening::ServerNotices(socket));
            self.schedule(Duration::ZERO, Happening::ServerCloses(socket));
        }
    }

    /// The client's address changes under way, as by a new NAT binding.
    pub(crate) fn rebind(&mut self, client: usize, port: u16) -> SocketAddr {
        let connection = self.clients[client].connection.as_mut().expect("a connection");
        let old = connection.address;
        connection.address.set_port(port);
        self.addresses.remove(&old);
        old
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
        self.now = end;
        self.checker.statistics(self.now, &self.sfu.statistics(), self.next_connection);
    }

    /// Lets time pass until something holds; returns how long that took.
    pub(crate) fn run_until(&mut self, limit: Duration, mut holds: impl FnMut(&Self) -> bool) -> Duration {
        let start = self.now;
        while !holds(self) {
            if !self.step(start + limit) {
                self.checker.fail(self.now, "what was waited for did not happen");
            }
        }
        self.now - start
    }

    /// Does the next thing that is due before `end`; returns whether there was one.
    fn step(&mut self, end: Duration) -> bool {
        let happening = self.queue.first_key_value().map(|((at, _), _)| *at);
        let sfu = self.sfu.poll_timeout().map(|at| at.saturating_duration_since(self.epoch));
        let client = self.next_client_timeout();
        let due = [happening, sfu, client.map(|(at, _)| at)].into_iter().flatten().min();
        let Some(due) = due.filter(|due| *due <= end) else { return false };
        self.now = due.max(self.now);
        if happening.is_some_and(|at| at <= self.now) {
            let (_, happening) = self.queue.pop_first().expect("seen above");
            self.happen(happening);
        } else if sfu.is_some_and(|at| at <= self.now) {
            self.sfu.handle_timeout(self.epoch + self.now);
            self.drain_sfu();
        } else if let Some((_, number)) = client {
            let requests = self.clients[number].handle_timeout(self.now);
            self.carry_out(number, requests);
        }
        true
    }

    fn next_client_timeout(&self) -> Option<(Duration, usize)> {
        let alive = self.clients.iter().enumerate().filter(|(_, client)| client.alive);
        alive.filter_map(|(number, client)| Some((client.poll_timeout()?, number))).min()
    }

    fn schedule(&mut self, delay: Duration, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.now + delay, self.order), happening);
    }

    fn carry_out(&mut self, number: usize, requests: Vec<Request>) {
        let load = self.clients[number].loads;
        for request in requests {
            match request {
                Request::OpenSocket(socket) => {
                    self.schedule(SIGNALING_DELAY * 2, Happening::SocketOpens((number, load, socket)));
                }
                Request::CloseSocket(socket) => {
                    self.schedule(SIGNALING_DELAY, Happening::ServerNotices((number, load, socket)));
                }
                Request::Text(socket, text) => {
                    self.schedule(SIGNALING_DELAY, Happening::TextToServer((number, load, socket), text));
                }
                Request::Datagram(from, datagram) => {
                    self.addresses.insert(from, number);
                    if let Some(connection) = &self.clients[number].connection {
                        self.owners.insert(from, (number, connection.origin.connection));
                    }
                    for (delay, datagram) in self.up[number].carry(self.now, &datagram) {
                        self.schedule(delay, Happening::ToServer(from, datagram));
                    }
                }
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToServer(from, datagram) => {
                let is_media = matches!(*datagram, [128..=191, ..]) && self.addresses.get(&from) == Some(&0);
                if let Some(copyist) = self.copyist.filter(|_| is_media) {
                    self.datagram_to_server(copyist, datagram.clone());
                }
                self.datagram_to_server(from, datagram);
            }
            Happening::ToClient(to, datagram) => {
                let Some(number) = self.addresses.get(&to).copied() else { return };
                if self.clients[number].alive {
                    let requests = self.clients[number].datagram(self.now, to, datagram);
                    self.carry_out(number, requests);
                }
            }
            Happening::SocketOpens(socket) => self.open(socket),
            Happening::TextToServer(socket, text) => self.text_to_server(socket, &text),
            Happening::TextToClient(socket, text) => {
                if self.is_current(socket) {
                    self.told.push((socket.0, shared::protocol::decode_server(&text).unwrap()));
                    self.tell(socket.0, Input::Message { socket: socket.2, text });
                }
            }
            Happening::ServerCloses(socket) => {
                if self.is_current(socket) {
                    self.tell(socket.0, Input::SocketClosed { socket: socket.2 });
                }
            }
            Happening::ServerNotices(socket) => {
                if let Some(connection) = self.sockets.remove(&socket) {
                    self.connections.remove(&connection);
                    self.command(Command::Disconnect { connection });
                }
            }
        }
    }

    fn is_current(&self, (number, load, _): Socket) -> bool {
        self.clients[number].alive && self.clients[number].loads == load
    }

    /// A datagram reaches the server, from wherever it claims.
    pub(crate) fn datagram_to_server(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        if let Some(number) = self.addresses.get(&from).copied()
            && let Some(connection) = &self.clients[number].connection
        {
            let wished = self.clients[number].engine.media();
            self.checker.incoming(number as u16, connection, wished, &datagram);
        }
        self.sfu.handle_datagram(self.epoch + self.now, from, &mut datagram);
        self.drain_sfu();
    }

    fn open(&mut self, socket: Socket) {
        if !self.is_current(socket) {
            return;
        }
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        self.connections.insert(connection, socket);
        self.sockets.insert(socket, connection);
        self.tell(socket.0, Input::SocketOpened { socket: socket.2 });
    }

    fn text_to_server(&mut self, socket: Socket, text: &str) {
        let Some(connection) = self.sockets.get(&socket).copied() else { return };
        let message = decode_client(text).expect("the engine sends what the protocol allows");
        if let ClientMessage::Ping { nonce } = message {
            return self.answer(socket, &ServerMessage::Pong { nonce });
        }
        if let Some(command) = mapping::command(connection, message) {
            self.command(command);
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        match &command {
            Command::Join { connection, room, media, .. } => {
                let number = self.connections[connection].0 as u16;
                self.checker.joins(*connection, number, room, *media);
            }
            Command::SetMedia { connection, media } => {
                self.checker.sets_media(self.now, *connection, *media);
            }
            Command::Leave { connection } => self.checker.leaves(self.now, *connection),
            Command::Offer { .. }
            | Command::Wants { .. }
            | Command::Rename { .. }
            | Command::Resync { .. }
            | Command::Disconnect { .. } => {}
        }
        self.sfu.handle_command(self.epoch + self.now, command);
        self.drain_sfu();
    }

    fn answer(&mut self, socket: Socket, message: &ServerMessage) {
        self.schedule(SIGNALING_DELAY, Happening::TextToClient(socket, message.encode()));
    }

    fn drain_sfu(&mut self) {
        loop {
            let more = self.sfu.poll_transmit(self.epoch + self.now, &mut self.batch);
            self.send_batch();
            if !more {
                break;
            }
        }
        while let Some(event) = self.sfu.poll_event() {
            let Some(socket) = self.connections.get(&event.connection).copied() else { continue };
            self.checker.notice(self.now, event.connection, socket.0 as u16, &event.notice);
            let closed = matches!(event.notice, Notice::Closed(_));
            self.answer(socket, &mapping::message(event.notice, Version::CURRENT, TIMEOUT_MS));
            if closed {
                self.sockets.remove(&socket);
                self.connections.remove(&event.connection);
                self.schedule(SIGNALING_DELAY, Happening::ServerCloses(socket));
            }
        }
    }

    fn send_batch(&mut self) {
        let batch = std::mem::replace(&mut self.batch, SendBatch::with_capacity(0));
        for datagram in batch.datagrams() {
            let payload = batch.payload(datagram);
            let Some((number, of)) = self.owners.get(&datagram.to.remote()).copied() else {
                self.astray += u32::from(!matches!(*payload, [0..=1, ..]));
                continue;
            };
            let connection = self.clients[number].connection.as_ref();
            if let Some(connection) = connection.filter(|connection| connection.origin.connection == of) {
                self.checker.outgoing(self.now, number as u16, connection, payload);
            }
            for (delay, copy) in self.down[number].carry(self.now, payload) {
                self.schedule(delay, Happening::ToClient(datagram.to.remote(), copy));
            }
        }
        self.batch = batch;
        self.batch.clear();
    }
}
