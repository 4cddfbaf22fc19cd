//! Who is in which room: joining, coming back, leaving, and what the others are told about it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand_chacha::rand_core::RngCore;
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId};

use crate::command::{Admission, ConnectionId};
use crate::event::{Change, CloseReason, Notice, Refusal, Roster, SeatChange};
use crate::peer::Peer;
use crate::peer_table::PeerKey;
use crate::room::Room;
use crate::sfu::Sfu;

/// A seat without signaling and without media is given up after this long: others see the person go within
/// five seconds.
const SEAT_HOLD: Duration = Duration::from_secs(4);
/// A seat whose media flows but whose signaling does not come back is given up after this long.
const SIGNALING_HOLD: Duration = Duration::from_secs(60);
/// For this long after a seat was given up, its token still gives the same participant back.
const RESERVATION: Duration = Duration::from_secs(120);
/// Most changes that are told one by one when another shard tells many.
const CHANGES_AT_ONCE: usize = 16;
/// Most reservations; the oldest is forgotten first.
const RESERVATIONS_MAX: usize = 1024;

/// Seats that were given up but whose people may come back as themselves.
#[derive(Debug, Default)]
pub(crate) struct Reservations(VecDeque<Reservation>);

#[derive(Debug)]
struct Reservation {
    resume: ResumeToken,
    room: RoomId,
    peer: PeerId,
    until: Instant,
}

impl Reservations {
    fn add(&mut self, reservation: Reservation) {
        if self.0.len() >= RESERVATIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(reservation);
    }

    fn take(&mut self, now: Instant, resume: &ResumeToken, room: &RoomId) -> Option<PeerId> {
        // No timer runs while nobody is there.
        self.expire(now);
        let at = self.0.iter().position(|held| held.resume == *resume && held.room == *room)?;
        self.0.remove(at).map(|held| held.peer)
    }

    /// The participant cannot come back as the same any more.
    pub(crate) fn forget(&mut self, peer: PeerId) {
        self.0.retain(|held| held.peer != peer);
    }

    /// Nobody of this room can.
    pub(crate) fn forget_room(&mut self, room: &RoomId) {
        self.0.retain(|held| held.room != *room);
    }

    fn expire(&mut self, now: Instant) {
        self.0.retain(|held| now < held.until);
    }
}

/// How somebody goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    Left,
    TimedOut,
    Removed,
}

impl Sfu {
    #[expect(clippy::too_many_arguments, reason = "the fields of one command, each named at the only call")]
    pub(crate) fn join(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        room: RoomId,
        name: DisplayName,
        media: MediaState,
        resume: Option<ResumeToken>,
        suspends_layers: bool,
        admission: Admission,
    ) {
        if self.connections.contains_key(&connection) {
            return self.refuse(connection, Refusal::Unexpected, "This connection is in a room already.");
        }
        let seated = resume.and_then(|token| self.seat_of(&token, &room));
        if let Some(key) = seated {
            return self.come_back(now, key, connection, name, media, suspends_layers, &admission);
        }
        let participants_max =
            admission.participants_max.map_or(self.participants_max, |max| max.min(self.participants_max));
        if !admission.is_hidden && self.participants(&room) >= participants_max {
            let message = format!(
                "The room is full: it has {participants_max} participants, which is the most it can have."
            );
            return self.refuse(connection, Refusal::RoomFull, &message);
        }
        if self.own_peers() >= self.config.peers_max || !self.overload.level().admits() {
            let retry_after_s = self.overload.level().retry_after_s();
            let message = format!(
                "The server is full at the moment. This page tries again in {retry_after_s} seconds."
            );
            return self.refuse(connection, Refusal::Full { retry_after_s }, &message);
        }
        let reserved = resume.and_then(|token| self.reservations.take(now, &token, &room));
        let id = reserved.filter(|id| !self.seats.contains_key(id)).unwrap_or_else(|| self.new_peer_id());
        let token = resume.filter(|_| reserved.is_some()).unwrap_or_else(|| {
            let mut bytes = [0; 16];
            self.random.fill_bytes(&mut bytes);
            // Tells whoever places joins where to come back to; 120 random bits are left.
            bytes[0] = self.relay.me.0;
            ResumeToken::new(bytes)
        });
        let mut peer = self.new_peer(now, id, token, room, name, media);
        peer.connection = Some(connection);
        peer.suspends_layers = suspends_layers;
        peer.admit(&admission);
        self.take_seat(now, connection, peer, reserved.is_some());
        if resume.is_some() && reserved.is_none() {
            self.refuse(
                connection,
                Refusal::ResumeExpired,
                "Your earlier place in this meeting has expired; you joined anew.",
            );
        }
    }

    /// An id that no other participant has: its last byte is the shard's number.
    fn new_peer_id(&mut self) -> PeerId {
        loop {
            let id = PeerId::new(self.random.next_u64() & !0xff | u64::from(self.relay.me.0));
            if !self.seats.contains_key(&id) {
                return id;
            }
        }
    }

    /// How many participants a room has, hidden ones not counted.
    fn participants(&self, room: &RoomId) -> usize {
        let Some(room) = self.rooms.get(room) else { return 0 };
        let is_shown = |key: &&PeerKey| self.peers.get(**key).is_some_and(|peer| !peer.is_hidden);
        room.members.iter().filter(is_shown).count()
    }

    fn new_peer(
        &mut self,
        now: Instant,
        id: PeerId,
        resume: ResumeToken,
        room: RoomId,
        name: DisplayName,
        media: MediaState,
    ) -> Peer {
        let our_ssrc = self.random_ssrc();
        // RFC 9429 §5.2.1: at most 2^62.
        let session_id = self.random.next_u64() >> 2;
        Peer::new(now, id, resume, room, name, media, our_ssrc, session_id)
    }

    fn take_seat(&mut self, now: Instant, connection: ConnectionId, peer: Peer, resumed: bool) {
        let (id, resume, room, seat) = (peer.id, peer.resume, peer.room.clone(), peer.seat());
        let key = self.peers.insert(Box::new(peer));
        self.connections.insert(connection, key);
        self.seats.insert(id, key);
        let is_new = !self.rooms.contains_key(&room);
        self.rooms.entry(room.clone()).or_insert_with(Room::new).members.push(key);
        if is_new {
            self.open_replica(now, &room);
        }
        self.announce(key, &room, Change::Joined(seat), Some(key));
        self.seat_changes.push_back(SeatChange::Taken { room: room.clone(), peer: id, connection, resume });
        let roster = self.roster(&room, key);
        let video_codecs = self.config.video_codecs.clone();
        let (peer, media_alive) = (id, false);
        self.tell(connection, Notice::Welcomed { peer, resume, resumed, media_alive, video_codecs, roster });
    }

    fn seat_of(&self, resume: &ResumeToken, room: &RoomId) -> Option<PeerKey> {
        let members = &self.rooms.get(room)?.members;
        let is_theirs = |peer: &Peer| peer.home.is_none() && peer.resume == *resume;
        members.iter().copied().find(|key| self.peers.get(*key).is_some_and(is_theirs))
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command, each named at the only call")]
    fn come_back(
        &mut self,
        now: Instant,
        key: PeerKey,
        connection: ConnectionId,
        name: DisplayName,
        media: MediaState,
        suspends_layers: bool,
        admission: &Admission,
    ) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let replaced = peer.connection.replace(connection);
        peer.lost_at = None;
        peer.name = name;
        peer.admit(admission);
        peer.set_media(media);
        // The new connection knows no slot map yet.
        peer.told_slots.clear();
        // And a client that loses its connection sends everything again.
        peer.told_layers.clear();
        peer.suspends_layers = suspends_layers;
        let media_alive =
            peer.transport.as_ref().is_some_and(|transport| transport.is_ready() && transport.is_alive(now));
        let (id, resume, room, seat) = (peer.id, peer.resume, peer.room.clone(), peer.seat());
        if let Some(replaced) = replaced {
            self.connections.remove(&replaced);
            self.tell(replaced, Notice::Closed(CloseReason::Replaced));
        }
        self.connections.insert(connection, key);
        self.announce(key, &room, Change::Updated(seat), Some(key));
        self.seat_changes.push_back(SeatChange::Taken { room: room.clone(), peer: id, connection, resume });
        let roster = self.roster(&room, key);
        let video_codecs = self.config.video_codecs.clone();
        let (peer, resumed) = (id, true);
        self.tell(connection, Notice::Welcomed { peer, resume, resumed, media_alive, video_codecs, roster });
    }

    pub(crate) fn set_media(&mut self, key: PeerKey, media: MediaState) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let before = peer.live();
        peer.set_media(media);
        self.tell_live(key, before);
    }

    /// Tells the room when something else of a member is live than before.
    pub(crate) fn tell_live(&mut self, key: PeerKey, before: MediaState) {
        let Some(peer) = self.peers.get(key).filter(|peer| peer.live() != before) else { return };
        let (room, seat) = (peer.room.clone(), peer.seat());
        self.announce(key, &room, Change::Updated(seat), None);
    }

    pub(crate) fn rename(&mut self, key: PeerKey, name: DisplayName) {
        let Some(peer) = self.peers.get_mut(key).filter(|peer| peer.name != name) else { return };
        peer.name = name;
        let (room, seat) = (peer.room.clone(), peer.seat());
        self.announce(key, &room, Change::Updated(seat), None);
    }

    pub(crate) fn resync(&mut self, key: PeerKey, connection: ConnectionId) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.told_slots.clear();
        let room = peer.room.clone();
        self.mark_dirty(&room);
        let roster = self.roster(&room, key);
        self.tell(connection, Notice::Snapshot(roster));
    }

    pub(crate) fn leave(&mut self, key: PeerKey, connection: ConnectionId) {
        self.tell(connection, Notice::Closed(CloseReason::Left));
        self.remove_peer(key, Departure::Left);
    }

    pub(crate) fn disconnect(&mut self, now: Instant, connection: ConnectionId) {
        let Some(key) = self.connections.remove(&connection) else { return };
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.connection = None;
        peer.lost_at = Some(now);
        let (room, seat) = (peer.room.clone(), peer.seat());
        self.announce(key, &room, Change::Updated(seat), None);
    }

    /// Gives up the seats whose people did not come back in time.
    pub(crate) fn expire_seats(&mut self, now: Instant) {
        self.reservations.expire(now);
        let keys: Vec<PeerKey> = self.peers.keys().collect();
        for key in keys {
            let Some(peer) = self.peers.get(key) else { continue };
            let Some(lost_at) = peer.lost_at else { continue };
            let lost_for = now.saturating_duration_since(lost_at);
            let transport = peer.transport.as_ref();
            let alive =
                transport.is_some_and(|transport| transport.is_alive(now) && transport.carries_media(now));
            if lost_for < if alive { SIGNALING_HOLD } else { SEAT_HOLD } {
                continue;
            }
            let (resume, room, peer) = (peer.resume, peer.room.clone(), peer.id);
            let until = now + RESERVATION;
            self.give_up(key, Departure::TimedOut, Some(until));
            self.reservations.add(Reservation { resume, room, peer, until });
        }
    }

    /// Takes a peer out of everything and tells its room.
    pub(crate) fn remove_peer(&mut self, key: PeerKey, departure: Departure) {
        self.give_up(key, departure, None);
    }

    fn give_up(&mut self, key: PeerKey, departure: Departure, back_until: Option<Instant>) {
        let Some(peer) = self.peers.get(key) else { return };
        let (room, id, is_own, is_hidden) = (peer.room.clone(), peer.id, peer.home.is_none(), peer.is_hidden);
        if is_own {
            let given_up = SeatChange::GivenUp { room: room.clone(), peer: id, back_until };
            self.seat_changes.push_back(given_up);
        }
        let Some(change) = self.take_out(key, departure) else { return };
        if is_hidden {
            self.mark_dirty(&room);
            return;
        }
        if is_own {
            self.relay_change(&room, &change);
        }
        self.tell_change(&room, change, None);
    }

    /// Takes a peer out of everything and gives the change to tell, when somebody is left to be told.
    pub(crate) fn take_out(&mut self, key: PeerKey, departure: Departure) -> Option<Change> {
        let peer = self.peers.remove(key)?;
        if let Some(connection) = peer.connection {
            self.connections.remove(&connection);
        }
        self.forget_addresses(key);
        self.seats.remove(&peer.id);
        self.remote_peers -= usize::from(peer.home.is_some());
        let room = self.rooms.get_mut(&peer.room)?;
        room.members.retain(|member| *member != key);
        room.speakers.remove(key);
        let is_served_here = |key: &PeerKey| self.peers.get(*key).is_some_and(|peer| peer.home.is_none());
        if !room.members.iter().any(is_served_here) {
            self.close_replica(&peer.room);
            return None;
        }
        Some(match departure {
            Departure::Left => Change::Left(peer.id),
            Departure::TimedOut => Change::TimedOut(peer.id),
            Departure::Removed => Change::Removed(peer.id),
        })
    }

    /// A member of our own changed: tells everybody in the room but `except`, here and elsewhere. Of a hidden one nobody
    /// is told.
    fn announce(&mut self, key: PeerKey, room: &RoomId, change: Change, except: Option<PeerKey>) {
        if self.peers.get(key).is_some_and(|peer| peer.is_hidden) {
            return self.mark_dirty(room);
        }
        self.relay_change(room, &change);
        self.tell_change(room, change, except);
    }

    /// Tells everybody here many changes at once: as one snapshot, when the changes one by one would be more than a
    /// client takes in a breath.
    pub(crate) fn tell_changes(&mut self, id: &RoomId, changes: Vec<Change>) {
        if changes.len() <= CHANGES_AT_ONCE {
            return changes.into_iter().for_each(|change| self.tell_change(id, change, None));
        }
        let Some(room) = self.rooms.get_mut(id) else { return };
        room.revision = room.revision.wrapping_add(1);
        room.is_dirty = true;
        self.any_dirty = true;
        for key in room.members.clone() {
            if let Some(connection) = self.peers.get(key).and_then(|peer| peer.connection) {
                let roster = self.roster(id, key);
                self.tell(connection, Notice::Snapshot(roster));
            }
        }
    }

    /// Tells everybody here who is in the room but `except`, at the next revision.
    pub(crate) fn tell_change(&mut self, room: &RoomId, change: Change, except: Option<PeerKey>) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        room.revision = room.revision.wrapping_add(1);
        room.is_dirty = true;
        self.any_dirty = true;
        for key in room.members.iter().filter(|key| Some(**key) != except) {
            if let Some(connection) = self.peers.get(*key).and_then(|peer| peer.connection) {
                let notice = Notice::Changed { revision: room.revision, change: change.clone() };
                self.events.push_back(crate::Event { connection, notice });
            }
        }
    }

    /// The room as this member may see it: itself, and who is not hidden.
    fn roster(&self, room: &RoomId, viewer: PeerKey) -> Roster {
        let Some(room) = self.rooms.get(room) else { return Roster { revision: 0, seats: Vec::new() } };
        let members = room.members.iter().filter_map(|key| Some((*key, self.peers.get(*key)?)));
        let shown = members.filter(|(key, peer)| !peer.is_hidden || *key == viewer);
        Roster { revision: room.revision, seats: shown.map(|(_, peer)| peer.seat()).collect() }
    }
}
