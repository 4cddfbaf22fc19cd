//! One shard: owns rooms, peers and their transports, and dispatches. It computes nothing itself.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use shared::{PeerId, RoomId};

use crate::address::{Address, TcpConnection};
use crate::command::{Command, ConnectionId};
use crate::config::Config;
use crate::drop_reason::DropReason;
use crate::dtls::Certificate;
use crate::event::{CloseReason, Event, Notice, Refusal, SeatChange};
use crate::fingerprint::Fingerprint;
use crate::ice::{self, Response};
use crate::membership::{Departure, Reservations};
use crate::outbox::Outbox;
use crate::overload::Overload;
use crate::peer::Peer;
use crate::peer_table::{PeerKey, PeerTable};
use crate::relay::Relay;
use crate::room::Room;
use crate::send_batch::SendBatch;
use crate::statistics::Statistics;
use crate::transport::Progress;

/// Timers run on this grid while media flows: NACKs and transport feedback need no finer one.
const TICK: Duration = Duration::from_millis(10);
/// And on this grid while nobody has a transport.
const IDLE_TICK: Duration = Duration::from_millis(250);
/// Datagrams from addresses that belong to nobody for which a peer is looked for, between two ticks: a client whose NAT forgot
/// it sends three at most before its new address is known, and a flood of others costs no more than this.
const STRAYS_MAX: u32 = 64;
/// How often rooms are looked at as a whole: who speaks, which layers are still sent, who has to go.
const REVIEW_SPACING: Duration = Duration::from_millis(200);

/// See the [crate].
#[derive(Debug)]
pub struct Sfu {
    pub(crate) config: Config,
    pub(crate) certificate: Certificate,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) random: ChaCha20Rng,
    pub(crate) peers: PeerTable<Peer>,
    pub(crate) rooms: BTreeMap<RoomId, Room>,
    pub(crate) connections: HashMap<ConnectionId, PeerKey>,
    /// Every participant of every room here, wherever its home is.
    pub(crate) seats: HashMap<PeerId, PeerKey>,
    /// How many of them have their home elsewhere.
    pub(crate) remote_peers: usize,
    pub(crate) relay: Relay,
    pub(crate) overload: Overload,
    /// Full queues as of the last measurement.
    queues_full: u64,
    /// Most participants of one room, wherever they are.
    pub(crate) participants_max: usize,
    pub(crate) reservations: Reservations,
    /// Where peers send from, once a check from there passed: as many for each as its transport holds.
    addresses: HashMap<Address, PeerKey>,
    /// Our user fragments, at most two a peer: they find the peer of a first check.
    pub(crate) ufrags: HashMap<String, PeerKey>,
    pub(crate) events: VecDeque<Event>,
    /// Grows with joins, twice for each: whoever lets people in drains it.
    pub(crate) seat_changes: VecDeque<SeatChange>,
    pub(crate) outbox: Outbox,
    /// Peers with packets to send.
    pub(crate) busy: Vec<PeerKey>,
    /// Peers whose packets wait for their pacers, at most once each, and when they are released together.
    pub(crate) paced: Vec<PeerKey>,
    pub(crate) release_at: Option<Instant>,
    pub(crate) any_dirty: bool,
    /// When the first of the large rooms is due that have to wait before they are reconciled again.
    pub(crate) settle_at: Option<Instant>,
    /// Names the next stream.
    pub(crate) next_token: u32,
    pub(crate) statistics: Statistics,
    pub(crate) facts_due: Instant,
    response: Response,
    /// How many more strays are looked at before the next tick.
    strays_left: u32,
    /// Memory for the keys that a tick visits; empty between ticks.
    visited: Vec<PeerKey>,
    pub(crate) next_tick: Instant,
    next_review: Instant,
}

impl Sfu {
    /// An SFU without rooms. `seed` must come from a cryptographic source: ICE passwords and resume tokens are
    /// drawn from it.
    #[must_use]
    pub fn new(config: Config, certificate: Certificate, seed: [u8; 32], now: Instant) -> Self {
        Self {
            fingerprint: certificate.fingerprint(),
            config,
            certificate,
            random: ChaCha20Rng::from_seed(seed),
            peers: PeerTable::default(),
            rooms: BTreeMap::new(),
            connections: HashMap::new(),
            seats: HashMap::new(),
            remote_peers: 0,
            relay: Relay::alone(),
            overload: Overload::default(),
            queues_full: 0,
            participants_max: shared::limits::PARTICIPANTS_DEFAULT,
            reservations: Reservations::default(),
            addresses: HashMap::new(),
            ufrags: HashMap::new(),
            events: VecDeque::new(),
            seat_changes: VecDeque::new(),
            outbox: Outbox::default(),
            busy: Vec::new(),
            paced: Vec::new(),
            release_at: None,
            any_dirty: false,
            settle_at: None,
            next_token: 1,
            statistics: Statistics::default(),
            facts_due: now,
            response: Response::new(),
            strays_left: STRAYS_MAX,
            visited: Vec::new(),
            next_tick: now,
            next_review: now,
        }
    }

    /// One request of a client. What it leads to is in [`Self::poll_event`] and [`Self::poll_transmit`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let connection = match command {
            Command::Join { connection, room, name, media, resume, suspends_layers, admission } => {
                self.join(now, connection, room, name, media, resume, suspends_layers, admission);
                return self.settle(now);
            }
            Command::Disconnect { connection } => {
                self.disconnect(now, connection);
                return self.settle(now);
            }
            Command::Offer { connection, .. }
            | Command::Wants { connection, .. }
            | Command::SetMedia { connection, .. }
            | Command::Rename { connection, .. }
            | Command::Resync { connection }
            | Command::Leave { connection } => connection,
        };
        let Some(key) = self.connections.get(&connection).copied() else {
            return self.refuse(connection, Refusal::Unexpected, "This connection has not joined a room.");
        };
        match command {
            Command::Offer { negotiation, sdp, sources, .. } => {
                self.offer(now, key, connection, negotiation, &sdp, &sources);
            }
            Command::Wants { wants, .. } => self.set_wants(key, connection, &wants),
            Command::SetMedia { media, .. } => self.set_media(key, media),
            Command::Rename { name, .. } => self.rename(key, name),
            Command::Resync { .. } => self.resync(key, connection),
            Command::Leave { .. } => self.leave(key, connection),
            Command::Join { .. } | Command::Disconnect { .. } => {}
        }
        self.settle(now);
    }

    /// One datagram from the network; it is decrypted in place. Forwarding happens in [`Self::poll_transmit`].
    pub fn handle_datagram(&mut self, now: Instant, from: impl Into<Address>, datagram: &mut [u8]) {
        let from = from.into();
        self.statistics.datagrams_in += 1;
        // RFC 7983 §7, and RFC 5761 §4 for RTCP.
        let result = match *datagram {
            [0..=3, ..] => self.handle_stun(now, from, datagram),
            [20..=63, ..] => self.handle_dtls(now, from, datagram),
            [128..=191, 192..=223, ..] => self.handle_srtcp(now, from, datagram),
            [128..=191, ..] => self.handle_srtp(now, from, datagram),
            _ => Err(DropReason::NotWebRtc),
        };
        if let Err(reason) = result {
            self.statistics.drop(reason);
        }
    }

    /// Whether what comes from this address at `now` belongs to a peer.
    #[must_use]
    pub fn is_validated(&self, now: Instant, address: Address) -> bool {
        let peer = self.addresses.get(&address).and_then(|key| self.peers.get(*key));
        let transport = peer.and_then(|peer| peer.transport.as_ref());
        transport.is_some_and(|transport| transport.is_validated(address, now))
    }

    /// A TCP connection was closed. Its peer goes on over another address, if it has one.
    pub fn handle_closed(&mut self, connection: TcpConnection) {
        let address = Address::Tcp(connection);
        let Some(key) = self.addresses.remove(&address) else { return };
        if let Some(transport) = self.peers.get_mut(key).and_then(|peer| peer.transport.as_mut()) {
            transport.forget(address);
        }
    }

    /// Lets time pass; call when [`Self::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.release_paced(now);
        self.settle_late(now);
        if now < self.next_tick {
            return;
        }
        self.strays_left = STRAYS_MAX;
        let mut keys = std::mem::take(&mut self.visited);
        keys.extend(self.peers.keys());
        let mut has_transport = false;
        let since_unix_epoch = self.config.wall_clock.since_unix_epoch(now);
        for key in keys.drain(..) {
            let tick = |sfu: &mut Self, peer: &mut Peer| sfu.tick_peer(now, since_unix_epoch, key, peer);
            has_transport |= self.with_peer(key, tick).unwrap_or(false);
            self.unbind_released(key);
        }
        self.visited = keys;
        self.relay_voices();
        self.next_tick = now + if has_transport { TICK } else { IDLE_TICK };
        if now >= self.next_review {
            self.next_review = now + REVIEW_SPACING;
            self.expire_seats(now);
            self.update_speakers(now);
            self.review_rooms(now);
            self.relay_facts(now);
            self.settle(now);
        }
    }

    /// When [`Self::handle_timeout`] is due; nothing while there is nobody.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let others = [self.release_at, self.settle_at].into_iter().flatten();
        (self.peers.len() > 0).then(|| others.fold(self.next_tick, Instant::min))
    }

    /// Fills `batch` with datagrams to send. When it returns true there are more: send, clear, call again.
    pub fn poll_transmit(&mut self, now: Instant, batch: &mut SendBatch) -> bool {
        loop {
            self.settle(now);
            if self.outbox.drain_into(batch) || self.transmit_media(now, batch) {
                return true;
            }
            if !self.any_dirty {
                return false;
            }
        }
    }

    /// What to tell the clients; call until nothing is left.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whose seats are taken and given up, in this order; call until nothing is left.
    pub fn poll_seat_change(&mut self) -> Option<SeatChange> {
        self.seat_changes.pop_front()
    }

    /// Allows rooms of so many participants; the next one is refused with [`Refusal::RoomFull`].
    #[must_use]
    pub const fn with_rooms_of(mut self, participants_max: usize) -> Self {
        self.participants_max = participants_max;
        self
    }

    /// The thread worked for so many thousandths of the last quarter of a second. Too much of it for too long, and
    /// pictures are given up until it is better: see [`crate::Level`].
    pub fn handle_load(&mut self, now: Instant, busy_permille: u32) {
        let queues_full = self.statistics.dropped(DropReason::QueueFull);
        let drops = queues_full - std::mem::replace(&mut self.queues_full, queues_full);
        let before = self.overload.level();
        let level = self.overload.update(now, busy_permille, drops);
        if level != before {
            tracing::warn!(?level, busy_permille, drops, "the load of this shard changed what it gives up");
            for room in self.rooms.values_mut() {
                room.is_dirty = true;
            }
            self.any_dirty = true;
            self.settle(now);
        }
    }

    /// Counters, and how much is held now.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let mut statistics = self.statistics;
        statistics.peers = self.own_peers();
        statistics.remote_peers = self.remote_peers;
        statistics.rooms = self.rooms.len();
        statistics.level = self.overload.level();
        statistics
    }

    pub(crate) fn tell(&mut self, connection: ConnectionId, notice: Notice) {
        self.events.push_back(Event { connection, notice });
    }

    pub(crate) fn refuse(&mut self, connection: ConnectionId, refusal: Refusal, message: &str) {
        self.tell(connection, Notice::Refused { refusal, message: message.to_owned() });
    }

    /// An SSRC that is not zero.
    pub(crate) fn random_ssrc(&mut self) -> u32 {
        self.random.next_u32().max(1)
    }

    /// Takes the peer out of the table and acts on it beside the rest. When that panics, the peer is dropped and
    /// the others go on: nothing of theirs was lent out.
    #[inline]
    pub(crate) fn with_peer<R>(
        &mut self,
        key: PeerKey,
        act: impl FnOnce(&mut Self, &mut Peer) -> R,
    ) -> Option<R> {
        let mut peer = self.peers.take(key)?;
        let result = catch_unwind(AssertUnwindSafe(|| act(self, &mut peer)));
        self.peers.give_back(key, peer);
        match result {
            Ok(result) => Some(result),
            Err(_) => {
                self.drop_failed(key);
                None
            }
        }
    }

    #[cold]
    fn drop_failed(&mut self, key: PeerKey) {
        tracing::error!("a peer's state failed; the peer is dropped");
        self.statistics.peers_failed += 1;
        if let Some(connection) = self.peers.get(key).and_then(|peer| peer.connection) {
            self.refuse(
                connection,
                Refusal::Internal,
                "Something failed on the server. Joining again helps.",
            );
            self.tell(connection, Notice::Closed(CloseReason::Failed));
        }
        self.remove_peer(key, Departure::TimedOut);
    }

    fn tick_peer(&mut self, now: Instant, since_unix_epoch: Duration, key: PeerKey, peer: &mut Peer) -> bool {
        let Some(transport) = &mut peer.transport else {
            self.relay_key_frames(now, peer);
            return false;
        };
        if transport.poll_timeout().is_some_and(|due| due <= now) {
            transport.handle_timeout(now, &mut self.outbox);
        }
        let counts = peer.send_reports(now, since_unix_epoch, &mut self.outbox);
        self.statistics.nacks_sent += counts.nacked;
        self.statistics.key_frame_requests += counts.key_frames;
        if peer.time_passes(now) && !peer.is_busy {
            peer.is_busy = true;
            self.busy.push(key);
        }
        true
    }

    fn handle_stun(&mut self, now: Instant, from: Address, datagram: &[u8]) -> Result<(), DropReason> {
        if let Some(transaction) = ice::peek_transaction_of_success(datagram) {
            return self.handle_path_answer(now, from, transaction, datagram);
        }
        let ufrag = ice::peek_local_ufrag(datagram).ok_or(DropReason::Stun)?;
        let key = *self.ufrags.get(ufrag).ok_or(DropReason::Stun)?;
        let progress = self.with_peer(key, |sfu, peer| {
            let transport = peer.transport.as_mut().ok_or(DropReason::Stun)?;
            let progress = transport.handle_stun(now, from, datagram, &mut sfu.response, &mut sfu.outbox);
            progress.map_err(|_| DropReason::Stun)
        });
        if progress.transpose()? == Some(Progress::Validated) {
            self.unbind_released(key);
            // The check passed. An address that changes hands is taken from its old peer.
            self.addresses.insert(from, key);
        }
        Ok(())
    }

    /// Forgets the addresses that a peer has given up, so that it never holds more than its transport's bound.
    fn unbind_released(&mut self, key: PeerKey) {
        let Some(transport) = self.peers.get_mut(key).and_then(|peer| peer.transport.as_mut()) else {
            return;
        };
        for address in transport.take_released() {
            if self.addresses.get(&address) == Some(&key) {
                self.addresses.remove(&address);
            }
        }
    }

    /// Forgets where a peer sends from and by which user fragments it is found.
    pub(crate) fn forget_addresses(&mut self, key: PeerKey) {
        self.addresses.retain(|_, bound| *bound != key);
        self.ufrags.retain(|_, bound| *bound != key);
    }

    fn handle_dtls(&mut self, now: Instant, from: Address, datagram: &[u8]) -> Result<(), DropReason> {
        let key = *self.addresses.get(&from).ok_or(DropReason::UnknownAddress)?;
        let progress = self.with_peer(key, |sfu, peer| {
            let transport = peer.transport.as_mut().ok_or(DropReason::Dtls)?;
            if !transport.is_validated(from, now) {
                return Err(DropReason::UnknownAddress);
            }
            transport.handle_dtls(now, datagram, &mut sfu.outbox).map_err(|error| {
                tracing::debug!(%error, "DTLS datagram refused");
                if error.is_fatal()
                    && let Some(connection) = peer.connection
                {
                    let message =
                        format!("The media connection cannot be encrypted: {error}. A new one is needed.");
                    sfu.refuse(connection, Refusal::TransportFailed, &message);
                }
                DropReason::Dtls
            })
        });
        if progress.transpose()? == Some(Progress::Established) {
            // Key frames that were asked for before there were keys can be sent now.
            self.next_tick = now;
        }
        Ok(())
    }

    #[inline]
    fn handle_srtp(&mut self, now: Instant, from: Address, datagram: &mut [u8]) -> Result<(), DropReason> {
        /// RFC 3550 §5.1.
        const SSRC_AT: usize = 8;
        let key = self.addresses.get(&from).copied().or_else(|| self.find_stray(datagram, SSRC_AT));
        let key = key.ok_or(DropReason::UnknownAddress)?;
        self.with_peer(key, |sfu, peer| sfu.receive_rtp(now, key, peer, from, datagram)).unwrap_or(Ok(()))
    }

    fn handle_srtcp(&mut self, now: Instant, from: Address, datagram: &mut [u8]) -> Result<(), DropReason> {
        /// RFC 3550 §6.4: every packet begins with the SSRC of its sender.
        const SSRC_AT: usize = 4;
        let key = self.addresses.get(&from).copied().or_else(|| self.find_stray(datagram, SSRC_AT));
        let key = key.ok_or(DropReason::UnknownAddress)?;
        self.with_peer(key, |sfu, peer| sfu.receive_rtcp(now, key, peer, from, datagram)).unwrap_or(Ok(()))
    }

    /// Whose a datagram may be that comes from nobody's address: whoever sends a stream of this number. The keys tell.
    #[cold]
    fn find_stray(&mut self, datagram: &[u8], ssrc_at: usize) -> Option<PeerKey> {
        let ssrc = u32::from_be_bytes(*datagram.get(ssrc_at..)?.first_chunk()?);
        self.find_within_budget(|peer| peer.uplink.has(ssrc))
    }

    /// What may be the answer to a check of ours.
    #[cold]
    fn handle_path_answer(
        &mut self,
        now: Instant,
        from: Address,
        transaction: &[u8],
        datagram: &[u8],
    ) -> Result<(), DropReason> {
        let asked =
            |peer: &Peer| peer.transport.as_ref().is_some_and(|transport| transport.asked(from, transaction));
        let key = self.find_within_budget(asked).ok_or(DropReason::Stun)?;
        let transport = self.peers.get_mut(key).and_then(|peer| peer.transport.as_mut());
        if !transport.is_some_and(|transport| transport.handle_path_answer(now, from, datagram)) {
            return Err(DropReason::Stun);
        }
        self.unbind_released(key);
        self.addresses.insert(from, key);
        Ok(())
    }

    /// Looks for a peer among all of them, as long as it has not been done too often: see [`STRAYS_MAX`].
    fn find_within_budget(&mut self, is_it: impl Fn(&Peer) -> bool) -> Option<PeerKey> {
        self.strays_left = self.strays_left.checked_sub(1)?;
        self.peers.keys().find(|key| self.peers.get(*key).is_some_and(&is_it))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use shared::{DisplayName, MediaState};

    use super::*;
    use crate::bandwidth::Algorithm;
    use crate::config::WallClock;
    use crate::event::Change;

    fn sfu(now: Instant) -> Sfu {
        let wall_clock = WallClock { instant: now, since_unix_epoch: Duration::ZERO };
        let candidates = vec![SocketAddr::from(([192, 0, 2, 1], 3478))];
        let video_codecs = crate::sdp::Codec::VIDEO.to_vec();
        let config = Config {
            candidates,
            tcp_candidates: Vec::new(),
            shard: 0,
            peers_max: 2,
            video_codecs,
            estimator: Algorithm::default(),
            wall_clock,
        };
        Sfu::new(config, Certificate::generate().unwrap(), [7; 32], now)
    }

    fn join(sfu: &mut Sfu, now: Instant, number: u64) -> Vec<Notice> {
        let (room, name) = (RoomId::new("room").unwrap(), DisplayName::new("Ada").unwrap());
        let (connection, media) = (ConnectionId(number), MediaState::default());
        let admission = crate::command::Admission::default();
        let join =
            Command::Join { connection, room, name, media, resume: None, suspends_layers: false, admission };
        sfu.handle_command(now, join);
        told(sfu, number)
    }

    fn told(sfu: &mut Sfu, number: u64) -> Vec<Notice> {
        let events = std::iter::from_fn(|| sfu.poll_event());
        events.filter(|event| event.connection == ConnectionId(number)).map(|event| event.notice).collect()
    }

    #[test]
    fn a_peer_whose_state_fails_is_dropped_alone() {
        let now = Instant::now();
        let mut sfu = sfu(now);
        join(&mut sfu, now, 1);
        join(&mut sfu, now, 2);
        let key = sfu.connections[&ConnectionId(1)];
        assert_eq!(sfu.with_peer(key, |_, _| -> () { panic!("on purpose") }), None);
        let events: Vec<Event> = std::iter::from_fn(|| sfu.poll_event()).collect();
        let to = |number| events.iter().filter(move |event| event.connection == ConnectionId(number));
        assert!(to(1).any(|event| event.notice == Notice::Closed(CloseReason::Failed)));
        let gone =
            |event: &Event| matches!(event.notice, Notice::Changed { change: Change::TimedOut(_), .. });
        assert!(to(2).any(gone), "the other is told");
        let statistics = sfu.statistics();
        assert_eq!((statistics.peers, statistics.peers_failed), (1, 1));
        assert!(join(&mut sfu, now, 3).iter().any(|notice| matches!(notice, Notice::Welcomed { .. })));
    }

    #[test]
    fn a_full_shard_refuses_the_next() {
        let now = Instant::now();
        let mut sfu = sfu(now);
        join(&mut sfu, now, 1);
        join(&mut sfu, now, 2);
        let refused = |notice: &Notice| {
            matches!(notice, Notice::Refused { refusal: Refusal::Full { retry_after_s: 5 }, .. })
        };
        assert!(join(&mut sfu, now, 3).iter().any(refused));
    }
}
