//! One server of one or several shards, and the links between them: ordered, late, and lossy for media alone.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sfu::{
    Certificate, Command, Config, ConnectionId, Event, RelayMessage, SendBatch, Sfu, ShardId, Statistics,
};

/// Longest time that a message between shards takes.
pub(crate) const LAG_MAX: Duration = Duration::from_millis(40);
/// One in so many messages comes this late: its shard's thread was busy.
const STALLS: u32 = 500;
const STALL: Duration = Duration::from_millis(300);

/// What messages between shards suffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Nothing: they come at once.
    Ideal,
    /// Up to [`LAG_MAX`], sometimes [`STALL`], and one in a hundred media packets is lost.
    Busy,
}

#[derive(Debug)]
pub(crate) struct Shards {
    sfus: Vec<Sfu>,
    /// By sender and receiver, oldest first.
    links: BTreeMap<(usize, usize), VecDeque<(Instant, RelayMessage)>>,
    between: Between,
    /// Where each connection joined.
    connections: BTreeMap<ConnectionId, usize>,
    /// Which shard has answered an address.
    addresses: BTreeMap<SocketAddr, usize>,
    random: ChaCha8Rng,
    next_transmit: usize,
    /// Media packets lost between shards.
    pub(crate) lost: u64,
}

impl Shards {
    pub(crate) fn new(count: usize, between: Between, config: &Config, seed: [u8; 32], now: Instant) -> Self {
        let mut random = ChaCha8Rng::from_seed(seed);
        let ids = || (0..count).map(|shard| ShardId(shard as u8));
        let sfus = ids().map(|me| {
            let mut seed = seed;
            if me.0 > 0 {
                random.fill_bytes(&mut seed);
            }
            Sfu::new(config.clone(), Certificate::generate().unwrap(), seed, now).beside(me, ids())
        });
        Self {
            sfus: sfus.collect(),
            links: BTreeMap::new(),
            between,
            connections: BTreeMap::new(),
            addresses: BTreeMap::new(),
            random,
            next_transmit: 0,
            lost: 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.sfus.len()
    }

    /// How late a shard may know what another does.
    pub(crate) fn lag(&self) -> Duration {
        if self.count() == 1 || self.between == Between::Ideal { Duration::ZERO } else { STALL + LAG_MAX }
    }

    /// What each shard counts.
    pub(crate) fn each(&self) -> impl Iterator<Item = Statistics> + '_ {
        self.sfus.iter().map(Sfu::statistics)
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let mut all = Statistics::default();
        self.each().for_each(|statistics| all += statistics);
        all
    }

    /// New clients are spread over the shards; who comes back with a token goes where it leads.
    pub(crate) fn handle_command(&mut self, now: Instant, command: Command) {
        let (connection, joins) = match &command {
            Command::Join { connection, resume, .. } => {
                let led = resume.map(|token| usize::from(token.first_byte()));
                let placed = connection.0 as usize % self.count();
                (*connection, Some(led.filter(|shard| *shard < self.count()).unwrap_or(placed)))
            }
            Command::Offer { connection, .. }
            | Command::Wants { connection, .. }
            | Command::SetMedia { connection, .. }
            | Command::Rename { connection, .. }
            | Command::Resync { connection }
            | Command::Leave { connection }
            | Command::Disconnect { connection } => (*connection, None),
        };
        if let Some(shard) = joins {
            self.connections.insert(connection, shard);
        }
        let shard = self.connections.get(&connection).copied().unwrap_or(0);
        self.sfus[shard].handle_command(now, command);
        self.carry(now);
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        match self.addresses.get(&from).copied() {
            Some(shard) => self.sfus[shard].handle_datagram(now, from, datagram),
            // Each shard has its own port; here whoever knows the user fragment answers.
            None => {
                for sfu in &mut self.sfus {
                    sfu.handle_datagram(now, from, &mut datagram.to_vec());
                }
            }
        }
        self.carry(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let links = self.links.values().filter_map(|link| link.front().map(|(due, _)| *due));
        self.sfus.iter().filter_map(Sfu::poll_timeout).chain(links).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.deliver(now);
        for sfu in &mut self.sfus {
            if sfu.poll_timeout().is_some_and(|due| due <= now) {
                sfu.handle_timeout(now);
            }
        }
        self.carry(now);
    }

    pub(crate) fn poll_transmit(&mut self, now: Instant, batch: &mut SendBatch) -> bool {
        let shard = self.next_transmit;
        let more = self.sfus[shard].poll_transmit(now, batch);
        for datagram in batch.datagrams() {
            self.addresses.insert(datagram.to.remote(), shard);
        }
        if more {
            return true;
        }
        self.next_transmit = (shard + 1) % self.sfus.len();
        self.carry(now);
        self.next_transmit != 0
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.sfus.iter_mut().find_map(Sfu::poll_event)
    }

    /// Puts what the shards say to each other on its way; over ideal links it arrives, and so do the answers.
    fn carry(&mut self, now: Instant) {
        loop {
            let mut is_quiet = true;
            for from in 0..self.sfus.len() {
                while let Some((to, message)) = self.sfus[from].poll_relay() {
                    is_quiet = false;
                    self.send(now, from, usize::from(to.0), message);
                }
            }
            if is_quiet || self.between == Between::Busy {
                return;
            }
            self.deliver(now);
        }
    }

    fn send(&mut self, now: Instant, from: usize, to: usize, message: RelayMessage) {
        let delay = match self.between {
            Between::Ideal => Duration::ZERO,
            Between::Busy if self.random.next_u32().is_multiple_of(STALLS) => STALL,
            Between::Busy => Duration::from_micros(u64::from(self.random.next_u32()) % 40_000),
        };
        if self.between == Between::Busy && message.is_media() && self.random.next_u32().is_multiple_of(100) {
            self.lost += 1;
            return;
        }
        let link = self.links.entry((from, to)).or_default();
        let due = link.back().map_or(now + delay, |(last, _)| (*last).max(now + delay));
        link.push_back((due, message));
    }

    fn deliver(&mut self, now: Instant) {
        for ((from, to), link) in &mut self.links {
            while link.front().is_some_and(|(due, _)| *due <= now) {
                let Some((_, message)) = link.pop_front() else { break };
                self.sfus[*to].handle_relay(now, ShardId(*from as u8), message);
            }
        }
    }

    /// The link between two shards loses everything that is on its way, control too, and is mended.
    pub(crate) fn break_link(&mut self, now: Instant, one: usize, other: usize) {
        for (from, to) in [(one, other), (other, one)] {
            self.links.remove(&(from, to));
            self.sfus[from].resync_relay(now, ShardId(to as u8));
        }
        self.carry(now);
    }
}

impl Shards {
    /// All threads worked this part of the last moments.
    pub(crate) fn handle_load(&mut self, now: Instant, busy_permille: u32) {
        for sfu in &mut self.sfus {
            sfu.handle_load(now, busy_permille);
        }
        self.carry(now);
    }
}
