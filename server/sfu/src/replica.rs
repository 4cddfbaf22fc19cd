//! One room on several SFUs: every SFU holds a replica with all members.
//!
//! A member that lives elsewhere is a [`Peer`] without a transport, whose streams are fed by [`RelayMessage`]s. So
//! routing, slots, speakers and allocation treat it like any other. Only streams that somebody here watches travel,
//! once for each SFU, as decrypted packets under their original numbers. Revisions are each replica's own: a
//! client stays with its SFU, and its resume token leads back there.
//!
//! A replica begins by telling every other SFU its [`RelayMessage::Members`]; whoever has the room answers in kind.
//! The links are ordered, so no agreement is needed: the last word about a member is its home's.

use std::time::{Duration, Instant};

use rand_chacha::rand_core::RngCore;
use shared::{PeerId, ResumeToken, RoomId};

use crate::drop_reason::DropReason;
use crate::event::{Change, Seat};
use crate::membership::Departure;
use crate::peer::Peer;
use crate::peer_table::PeerKey;
use crate::relay::{
    Published, RelayMessage, RelayPacket, ShardId, Source, StreamFacts, WantedLayers, first_token,
};
use crate::room::Room;
use crate::rtp::{AudioLevel, Header};
use crate::sfu::Sfu;
use crate::uplink::{Received, Stream};

/// Time between two reports of all streams. Less than half of what a stream may be silent before it counts as
/// paused, so that one late report pauses nothing.
const FACTS_SPACING: Duration = Duration::from_millis(400);

/// Where a member lives that lives elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) shard: ShardId,
    /// Whether signaling is connected there.
    pub(crate) connected: bool,
}

impl Sfu {
    /// Makes this SFU one of several that share rooms. Call before the first command: stream tokens and peer ids
    /// begin with the shard's number.
    #[must_use]
    pub fn beside(mut self, me: ShardId, others: impl IntoIterator<Item = ShardId>) -> Self {
        self.relay.me = me;
        self.relay.others = others.into_iter().filter(|other| *other != me).collect();
        self.next_token = first_token(me);
        self
    }

    /// A message of another SFU. Messages of one sender must come in the order of its [`Self::poll_relay`].
    pub fn handle_relay(&mut self, now: Instant, from: ShardId, message: RelayMessage) {
        match message {
            RelayMessage::Members { room, seats } => self.relayed_members(now, from, &room, seats),
            RelayMessage::Rooms(rooms) => self.relayed_rooms(from, &rooms),
            RelayMessage::Gone { room } => self.relayed_gone(from, &room),
            RelayMessage::Changed { room, change } => self.relayed_change(now, from, &room, change),
            RelayMessage::Published { peer, published } => {
                self.relayed_publication(now, from, peer, *published)
            }
            RelayMessage::Streams(facts) => self.relayed_facts(now, from, &facts),
            RelayMessage::Voices { room, levels } => self.relayed_voices(now, from, &room, &levels),
            RelayMessage::Want { peer, token, is_wanted } => self.relayed_want(from, peer, token, is_wanted),
            RelayMessage::Interest { peer, source, wanted } => {
                self.relayed_interest(from, peer, source, wanted)
            }
            RelayMessage::KeyFrame { peer, source } => self.relayed_key_frame(peer, source),
            // Routing is settled by whoever sends next: not for every packet.
            RelayMessage::Packet { peer, token, packet } => {
                return self.relayed_packet(now, from, peer, token, &packet);
            }
        }
        self.settle(now);
    }

    /// What to tell other SFUs, and whom; call until nothing is left, after every step.
    pub fn poll_relay(&mut self) -> Option<(ShardId, RelayMessage)> {
        self.relay.poll()
    }

    /// The link to `with` has lost control messages: everything that it should have carried is told again.
    pub fn resync_relay(&mut self, now: Instant, with: ShardId) {
        let rooms: Vec<RoomId> = self.rooms.keys().cloned().collect();
        self.relay.send(with, RelayMessage::Rooms(rooms.clone()));
        for room in &rooms {
            self.send_replica(now, with, room);
        }
        self.settle(now);
    }

    /// The SFU `with` is gone, and everybody on it.
    pub fn close_relay(&mut self, now: Instant, with: ShardId) {
        let rooms: Vec<RoomId> = self.rooms.keys().cloned().collect();
        for room in &rooms {
            self.relayed_gone(with, room);
        }
        self.settle(now);
    }

    /// Peers whose home is here.
    pub(crate) fn own_peers(&self) -> usize {
        self.peers.len() - self.remote_peers
    }

    /// Tells all other SFUs that there is a replica here now.
    pub(crate) fn open_replica(&mut self, now: Instant, room: &RoomId) {
        for other in self.relay.others.clone() {
            self.send_replica(now, other, room);
        }
    }

    /// Takes a room without members of its own away, and those of the others with it.
    pub(crate) fn close_replica(&mut self, id: &RoomId) {
        let Some(room) = self.rooms.remove(id) else { return };
        for fellow in room.fellows {
            self.relay.send(fellow, RelayMessage::Gone { room: id.clone() });
        }
        for key in room.members {
            if let Some(peer) = self.peers.remove(key) {
                self.seats.remove(&peer.id);
                self.remote_peers -= 1;
            }
        }
    }

    /// Tells the other replicas of a room about one of our own members.
    pub(crate) fn relay_change(&mut self, id: &RoomId, change: &Change) {
        let Some(room) = self.rooms.get(id) else { return };
        for fellow in &room.fellows {
            self.relay.send(*fellow, RelayMessage::Changed { room: id.clone(), change: change.clone() });
        }
    }

    /// Tells the other replicas what one of our own members has negotiated.
    pub(crate) fn relay_publication(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(key) else { return };
        let Some(room) = self.rooms.get(&peer.room) else { return };
        for fellow in &room.fellows {
            self.relay.send(*fellow, published(peer));
        }
    }

    /// A stream appeared, or its picture may have another size.
    #[cold]
    pub(crate) fn relay_stream(&mut self, now: Instant, peer: &Peer, stream: &Stream) {
        if peer.home.is_some() {
            return;
        }
        let Some(room) = self.rooms.get(&peer.room) else { return };
        for fellow in &room.fellows {
            self.relay.send(*fellow, RelayMessage::Streams(vec![facts(now, peer, stream)]));
        }
    }

    /// Passes a packet on to the SFUs that want its stream. `plain` is the decrypted datagram it came in.
    #[cold]
    pub(crate) fn relay_packet(&mut self, peer: &Peer, stream: &Stream, sequence: u16, plain: &[u8]) {
        let packet = self.relay.packet(|space| original(stream, sequence, plain, space));
        let Some(packet) = packet else { return self.statistics.drop(DropReason::RelayFull) };
        for shard in &stream.relay.to {
            let packet = packet.clone();
            self.relay.send(*shard, RelayMessage::Packet { peer: peer.id, token: stream.token, packet });
            self.statistics.relayed += 1;
        }
    }

    /// Tells the other replicas how our streams are; called with every review.
    pub(crate) fn relay_facts(&mut self, now: Instant) {
        if now < self.facts_due {
            return;
        }
        self.facts_due = now + FACTS_SPACING;
        for room in self.rooms.values().filter(|room| !room.fellows.is_empty()) {
            let own = room.members.iter().filter_map(|key| self.peers.get(*key));
            let facts: Vec<StreamFacts> = own
                .filter(|peer| peer.home.is_none())
                .flat_map(|peer| peer.uplink.streams.iter().map(move |stream| facts(now, peer, stream)))
                .collect();
            if facts.is_empty() {
                continue;
            }
            for fellow in &room.fellows {
                self.relay.send(*fellow, RelayMessage::Streams(facts.clone()));
            }
        }
    }

    /// Tells the other replicas who of our members is heard; called with every tick.
    pub(crate) fn relay_voices(&mut self) {
        if self.relay.others.is_empty() {
            return;
        }
        for (id, room) in self.rooms.iter_mut().filter(|(_, room)| !room.voices.is_empty()) {
            let levels = room.voices.take();
            for fellow in &room.fellows {
                let message = RelayMessage::Voices { room: id.clone(), levels: levels.clone() };
                self.relay.send(*fellow, message);
            }
        }
    }

    /// Asks a member's home for the key frames that are due.
    pub(crate) fn relay_key_frames(&mut self, now: Instant, peer: &mut Peer) {
        let Some(home) = peer.home else { return };
        for publication in &mut peer.uplink.publications {
            if publication.key_frames.poll(now) {
                let source = Source(publication.mid);
                self.relay.send(home.shard, RelayMessage::KeyFrame { peer: peer.id, source });
            }
        }
    }

    /// Asks the homes of the streams that are watched here for their packets, and no longer for the others.
    pub(crate) fn relay_wants(&mut self, members: &[PeerKey]) {
        if self.remote_peers == 0 {
            return;
        }
        for key in members {
            let Some(peer) = self.peers.get_mut(*key) else { continue };
            let Some(home) = peer.home else { continue };
            let peer_id = peer.id;
            for stream in &mut peer.uplink.streams {
                let is_wanted = !stream.watchers.is_empty();
                if stream.relay.is_wanted == is_wanted {
                    continue;
                }
                if is_wanted {
                    stream.begin_anew();
                }
                stream.relay.is_wanted = is_wanted;
                let message = RelayMessage::Want { peer: peer_id, token: stream.token, is_wanted };
                self.relay.send(home.shard, message);
            }
        }
    }

    /// Our whole part of a room, for another replica.
    fn send_replica(&mut self, now: Instant, to: ShardId, id: &RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        // The wants are part of it; settling tells them again.
        room.is_dirty = true;
        self.any_dirty = true;
        let members = room.members.clone();
        for key in &members {
            let Some(peer) = self.peers.get_mut(*key) else { continue };
            if peer.home.is_some_and(|home| home.shard == to) {
                peer.uplink.streams.iter_mut().for_each(|stream| stream.relay.is_wanted = false);
                peer.uplink.forget_interest(to);
            }
        }
        let own: Vec<&Peer> = members
            .iter()
            .filter_map(|key| self.peers.get(*key))
            .filter(|peer| peer.home.is_none())
            .collect();
        let shown = own.iter().filter(|peer| !peer.is_hidden);
        let seats = shown.map(|peer| peer.seat()).collect();
        self.relay.send(to, RelayMessage::Members { room: id.clone(), seats });
        for peer in own.iter().filter(|peer| !peer.is_hidden && !peer.uplink.publications.is_empty()) {
            self.relay.send(to, published(peer));
            let facts: Vec<StreamFacts> =
                peer.uplink.streams.iter().map(|stream| facts(now, peer, stream)).collect();
            self.relay.send(to, RelayMessage::Streams(facts));
        }
    }

    fn relayed_members(&mut self, now: Instant, from: ShardId, id: &RoomId, seats: Vec<Seat>) {
        let Some(room) = self.rooms.get_mut(id) else {
            return self.relay.send(from, RelayMessage::Gone { room: id.clone() });
        };
        let is_new = !room.fellows.contains(&from);
        if is_new {
            room.fellows.push(from);
        }
        let mut gone = Vec::new();
        for key in &room.members {
            let Some(peer) = self.peers.get_mut(*key) else { continue };
            peer.uplink.streams.iter_mut().for_each(|stream| stream.relay.to.retain(|to| *to != from));
            peer.uplink.forget_interest(from);
            let is_theirs = peer.home.is_some_and(|home| home.shard == from);
            if is_theirs && !seats.iter().any(|seat| seat.peer == peer.id) {
                gone.push(*key);
            }
        }
        let gone = gone.into_iter().filter_map(|key| self.take_out(key, Departure::TimedOut));
        let mut changes: Vec<Change> = gone.collect();
        changes.extend(seats.into_iter().filter_map(|seat| self.seat_remote(now, from, id, seat)));
        self.tell_changes(id, changes);
        if is_new {
            self.send_replica(now, from, id);
        }
    }

    fn relayed_rooms(&mut self, from: ShardId, theirs: &[RoomId]) {
        let is_over = |(id, room): &(&RoomId, &Room)| room.fellows.contains(&from) && !theirs.contains(id);
        let over: Vec<RoomId> = self.rooms.iter().filter(is_over).map(|(id, _)| id.clone()).collect();
        for room in over {
            self.relayed_gone(from, &room);
        }
    }

    fn relayed_gone(&mut self, from: ShardId, id: &RoomId) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.fellows.retain(|fellow| *fellow != from);
        let mut changes = Vec::new();
        for key in room.members.clone() {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            peer.uplink.streams.iter_mut().for_each(|stream| stream.relay.to.retain(|to| *to != from));
            peer.uplink.forget_interest(from);
            if peer.home.is_some_and(|home| home.shard == from) {
                changes.extend(self.take_out(key, Departure::TimedOut));
            }
        }
        self.tell_changes(id, changes);
    }

    fn relayed_change(&mut self, now: Instant, from: ShardId, id: &RoomId, change: Change) {
        if !self.rooms.get(id).is_some_and(|room| room.fellows.contains(&from)) {
            // Its members will come first.
            return;
        }
        match change {
            Change::Joined(seat) | Change::Updated(seat) => {
                if let Some(change) = self.seat_remote(now, from, id, seat) {
                    self.tell_change(id, change, None);
                }
            }
            Change::Left(peer) => self.unseat_remote(from, peer, Departure::Left),
            Change::TimedOut(peer) => self.unseat_remote(from, peer, Departure::TimedOut),
            Change::Removed(peer) => self.unseat_remote(from, peer, Departure::Removed),
        }
    }

    fn unseat_remote(&mut self, from: ShardId, peer: PeerId, departure: Departure) {
        if let Some(key) = self.remote(from, peer) {
            self.remove_peer(key, departure);
        }
    }

    /// The key of a member that lives on `from`.
    fn remote(&self, from: ShardId, peer: PeerId) -> Option<PeerKey> {
        let key = self.seats.get(&peer).copied()?;
        self.peers.get(key)?.home.is_some_and(|home| home.shard == from).then_some(key)
    }

    /// Makes a member of another SFU as it says; gives the change to tell.
    fn seat_remote(&mut self, now: Instant, from: ShardId, id: &RoomId, seat: Seat) -> Option<Change> {
        if let Some(key) = self.remote(from, seat.peer) {
            let peer = self.peers.get_mut(key).filter(|peer| peer.seat() != seat)?;
            peer.name = seat.name.clone();
            peer.set_media(seat.media);
            peer.identity = seat.identity.clone();
            peer.home = Some(Home { shard: from, connected: seat.connected });
            return Some(Change::Updated(seat));
        }
        if self.seats.contains_key(&seat.peer) {
            tracing::error!(from = from.0, "another shard names a participant that is not its own");
            return None;
        }
        let our_ssrc = self.random_ssrc();
        let session_id = self.random.next_u64() >> 2;
        // Never looked at: a seat is given back by its home alone.
        let resume = ResumeToken::new([0; 16]);
        let (name, media) = (seat.name.clone(), seat.media);
        let mut peer = Peer::new(now, seat.peer, resume, id.clone(), name, media, our_ssrc, session_id);
        peer.home = Some(Home { shard: from, connected: seat.connected });
        peer.identity = seat.identity.clone();
        let key = self.peers.insert(Box::new(peer));
        self.remote_peers += 1;
        self.seats.insert(seat.peer, key);
        if let Some(room) = self.rooms.get_mut(id) {
            room.members.push(key);
        }
        Some(Change::Joined(seat))
    }

    fn relayed_publication(&mut self, now: Instant, from: ShardId, peer: PeerId, published: Published) {
        let Some(peer) = self.remote(from, peer).and_then(|key| self.peers.get_mut(key)) else { return };
        peer.uplink.negotiate(published.publications, published.extensions);
        peer.uplink.streams.retain(|stream| published.tokens.contains(&stream.token));
        let room = peer.room.clone();
        self.mark_dirty(&room);
        self.next_tick = self.next_tick.min(now);
    }

    fn relayed_facts(&mut self, now: Instant, from: ShardId, facts: &[StreamFacts]) {
        for facts in facts {
            let Some(key) = self.remote(from, facts.peer) else { continue };
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if peer.uplink.learn(now, facts) {
                let room = peer.room.clone();
                self.mark_dirty(&room);
            }
        }
    }

    fn relayed_voices(&mut self, now: Instant, from: ShardId, id: &RoomId, levels: &[(PeerId, AudioLevel)]) {
        for (peer, level) in levels {
            let Some(key) = self.remote(from, *peer) else { continue };
            let is_live = self.peers.get(key).is_some_and(|peer| peer.live().microphone);
            if let Some(room) = self.rooms.get_mut(id).filter(|_| is_live) {
                self.any_dirty |= room.hear(now, key, *level);
            }
        }
    }

    fn relayed_want(&mut self, from: ShardId, peer: PeerId, token: u32, is_wanted: bool) {
        let key = self.seats.get(&peer).copied();
        let Some(peer) = key.and_then(|key| self.peers.get_mut(key)).filter(|peer| peer.home.is_none())
        else {
            return;
        };
        let Some(stream) = peer.uplink.streams.iter_mut().find(|stream| stream.token == token) else {
            return;
        };
        stream.relay.to.retain(|to| *to != from);
        if is_wanted {
            stream.relay.to.push(from);
        }
    }

    fn relayed_interest(&mut self, from: ShardId, peer: PeerId, source: Source, wanted: WantedLayers) {
        let key = self.seats.get(&peer).copied();
        let Some(peer) = key.and_then(|key| self.peers.get_mut(key)).filter(|peer| peer.home.is_none())
        else {
            return;
        };
        peer.uplink.note_interest(from, source.0, wanted.0);
        let room = peer.room.clone();
        self.mark_dirty(&room);
    }

    fn relayed_key_frame(&mut self, peer: PeerId, source: Source) {
        let key = self.seats.get(&peer).copied();
        if let Some(peer) = key.and_then(|key| self.peers.get_mut(key)).filter(|peer| peer.home.is_none()) {
            peer.uplink.ask_key_frame(source.0);
        }
    }

    #[inline]
    fn relayed_packet(
        &mut self,
        now: Instant,
        from: ShardId,
        peer: PeerId,
        token: u32,
        packet: &RelayPacket,
    ) {
        let result = match self.remote(from, peer) {
            Some(key) => self.with_peer(key, |sfu, peer| {
                match peer.uplink.receive_relayed(now, token, packet.bytes())? {
                    Received::Media(arrived) => {
                        peer.note_arrival(&arrived);
                        sfu.fan_out(now, key, peer, &arrived, packet.bytes())
                    }
                    Received::Padding { stream, sequence } => {
                        sfu.close_gap(key, peer, stream, sequence, packet.bytes());
                        Ok(())
                    }
                }
            }),
            None => Some(Err(DropReason::UnknownStream)),
        };
        if let Some(Err(reason)) = result {
            self.statistics.drop(reason);
        }
    }
}

fn published(peer: &Peer) -> RelayMessage {
    let mut publications = peer.uplink.publications.clone();
    publications.iter_mut().for_each(|publication| publication.elsewhere.clear());
    let published = Published {
        publications,
        extensions: *peer.uplink.extensions(),
        tokens: peer.uplink.streams.iter().map(|stream| stream.token).collect(),
    };
    RelayMessage::Published { peer: peer.id, published: Box::new(published) }
}

fn facts(now: Instant, peer: &Peer, stream: &Stream) -> StreamFacts {
    StreamFacts {
        peer: peer.id,
        token: stream.token,
        mid: stream.mid,
        layer: stream.layer,
        ssrc: stream.ssrc,
        resolution: stream.resolution,
        bps: stream.rate.bps(),
        is_live: stream.is_live(now),
        steps: stream.told_steps(now),
    }
}

/// Writes the packet as the publisher sent it first, whatever datagram brought it: a retransmission has another
/// SSRC, number and payload type in its header.
fn original(stream: &Stream, sequence: u16, plain: &[u8], space: &mut [u8]) -> Option<usize> {
    let header_len = Header::parse(plain).ok()?.header_len();
    let stored = stream.ring.get(sequence);
    let payload = stored.map_or(&[][..], |packet| packet.payload);
    let len = header_len + payload.len();
    let (header, rest) = space.get_mut(..len)?.split_at_mut(header_len);
    header.copy_from_slice(&plain[..header_len]);
    rest.copy_from_slice(payload);
    // Without padding.
    header[0] &= !0x20;
    if let Some(packet) = stored {
        header[1] = packet.payload_type | if packet.marker { 0x80 } else { 0 };
        header[4..8].copy_from_slice(&packet.timestamp.to_be_bytes());
    }
    header[2..4].copy_from_slice(&sequence.to_be_bytes());
    header[8..12].copy_from_slice(&stream.ssrc.to_be_bytes());
    Some(len)
}
