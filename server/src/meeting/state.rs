//! One meeting: who is in it, at its door and on the way in, and what they are told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use sfu::{ConnectionId, Control};
use shared::limits::CHAT_LINES_MAX;
use shared::meeting::{ChatMessage, ChatRecipient, Knock, Meeting as Known, Policy, Reaction};
use shared::protocol::Chat;
use shared::{DisplayName, MediaState, PeerId, ResumeToken, RoomId};

use super::captions::Captions;
use super::chat::{self, History};
use super::chronicle::Cause;
use super::mark::{Mark, Salt};
use super::output::{Change, Output, Refusal, Told};
use super::passcode::Attempts;
use super::saved::{self, Saved};
use super::seat::{self, Seat, Seated};
use super::visitor::{Visitor, seat_mark};

/// Most people whose seats were given up and who may come back as themselves; the oldest is forgotten first.
const FORMER_MAX: usize = 1024;
/// Most people who are known again after a restart: those who have seats first.
const KNOWN_MAX: usize = 1000;
/// Seats up to which everybody is told at once of every change. In larger meetings it waits a millisecond for each
/// seat, so that what it costs a second does not grow with the square.
const SEATS_AT_ONCE: usize = 50;

/// The time, both ways.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// For what is measured.
    pub(crate) instant: Instant,
    /// For what is written down: seconds since the Unix epoch.
    pub(crate) unix_s: u32,
}

/// What the operator set for a room: how every meeting in it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Foundation {
    /// The first rules; hosts may change them for the meeting that goes on.
    pub(crate) policy: Policy,
    /// Most participants at a time; nothing: the server's own bound.
    pub(crate) participants_max: Option<usize>,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Meeting {
    pub(super) room: RoomId,
    pub(super) salt: Salt,
    pub(super) foundation: Foundation,
    pub(super) policy: Policy,
    pub(super) passcode: Option<Mark>,
    pub(super) attempts: Attempts,
    /// Bounded by the rooms' own bound.
    pub(super) seats: BTreeMap<PeerId, Seat>,
    pub(super) connections: BTreeMap<ConnectionId, PeerId>,
    /// Let in, but not seated yet: bounded by the connections.
    pub(super) entering: BTreeMap<ConnectionId, Entering>,
    /// The longest first; at most `KNOCKS_MAX`.
    pub(super) knocks: VecDeque<(u32, Visitor)>,
    pub(super) next_knock: u32,
    /// Given up, but may come back until then; at most [`FORMER_MAX`].
    pub(super) former: VecDeque<(PeerId, Seat, Instant)>,
    /// Were in it before the server started; never more than were saved.
    pub(super) known: Vec<saved::Known>,
    /// The oldest first.
    pub(super) bans: VecDeque<Mark>,
    /// The longest first; each is a seat's.
    pub(super) hands: Vec<PeerId>,
    pub(super) history: History,
    pub(super) captions: Captions,
    pub(super) empty_since_s: Option<u32>,
    pub(super) started_s: u32,
    pub(super) outputs: VecDeque<Output>,
    /// Who knows the meeting as it was.
    stale: BTreeSet<PeerId>,
    /// Before this, everybody is not told again.
    tell_at: Option<Instant>,
}

/// Somebody who was let in and takes a seat next.
#[derive(Debug, Clone)]
pub(super) struct Entering {
    pub(super) visitor: Visitor,
    /// The seat that they come back to.
    pub(super) seat: Option<PeerId>,
    /// Their number in the chat, when they were known from before.
    pub(super) number: Option<u32>,
}

impl Meeting {
    /// A meeting that begins. `salt` is drawn at random.
    pub(crate) fn new(room: RoomId, salt: [u8; 16], foundation: Foundation, now: Now) -> Self {
        Self {
            room,
            salt: Salt::new(salt),
            foundation,
            policy: foundation.policy,
            passcode: None,
            attempts: Attempts::new(),
            seats: BTreeMap::new(),
            connections: BTreeMap::new(),
            entering: BTreeMap::new(),
            knocks: VecDeque::new(),
            next_knock: 1,
            former: VecDeque::new(),
            known: Vec::new(),
            bans: VecDeque::new(),
            hands: Vec::new(),
            history: History::default(),
            captions: Captions::default(),
            empty_since_s: Some(now.unix_s),
            started_s: now.unix_s,
            outputs: VecDeque::new(),
            stale: BTreeSet::new(),
            tell_at: None,
        }
    }

    /// A meeting that goes on as it was saved.
    pub(crate) fn restored(
        room: RoomId,
        saved: Saved,
        lines: Vec<ChatMessage>,
        foundation: Foundation,
        now: Now,
    ) -> Self {
        Self {
            salt: saved.salt,
            policy: saved.policy,
            passcode: saved.passcode,
            known: saved.known,
            bans: saved.bans.into(),
            history: History::restored(lines),
            ..Self::new(room, [0; 16], foundation, now)
        }
    }

    /// What is to be kept beyond a restart.
    pub(crate) fn saved(&self) -> Saved {
        let seat = |seat: &Seat| saved::Known {
            seat: seat_mark(&self.salt, &seat.resume),
            host: seat.is_host,
            number: seat.last_number,
        };
        let former = self.former.iter().map(|(_, former, _)| seat(former));
        Saved {
            salt: self.salt,
            policy: self.policy,
            passcode: self.passcode,
            bans: self.bans.iter().copied().collect(),
            known: self
                .seats
                .values()
                .map(seat)
                .chain(former)
                .chain(self.known.iter().copied())
                .take(KNOWN_MAX)
                .collect(),
        }
    }

    /// Where it is.
    pub(crate) const fn room(&self) -> &RoomId {
        &self.room
    }

    /// Since when nobody is in it, at its door or on the way in: seconds since the Unix epoch.
    pub(crate) fn idle_since_s(&self) -> Option<u32> {
        self.empty_since_s.filter(|_| self.knocks.is_empty() && self.entering.is_empty())
    }

    /// The welcome is with the connection; [`Self::joined`] may have come before.
    pub(crate) fn welcomed(&mut self, now: Now, connection: ConnectionId, peer: PeerId, resume: ResumeToken) {
        if self.entering.contains_key(&connection) {
            self.joined(now, connection, peer, resume);
        }
    }

    /// A shard has seated this connection.
    pub(crate) fn joined(&mut self, now: Now, connection: ConnectionId, peer: PeerId, resume: ResumeToken) {
        let Some(Entering { visitor, number, seat: back }) = self.entering.remove(&connection) else {
            return self.joined_late(peer, resume);
        };
        if visitor.is_only_back && back != Some(peer) {
            // The SFU did not hold the seat any more, and nothing else lets this one in.
            return self.control(Control::Remove { peer });
        }
        let marks = visitor.person.marks(&self.salt);
        let former = self.former.iter().position(|(former, _, _)| *former == peer);
        let was_here = self.seats.contains_key(&peer);
        let earlier = self
            .seats
            .remove(&peer)
            .or_else(|| former.and_then(|at| self.former.remove(at)).map(|(_, seat, _)| seat));
        let is_new = earlier.is_none();
        let seat = match earlier {
            Some(mut seat) => {
                self.connections.retain(|_, of| *of != peer);
                seat.connection = Some(connection);
                seat.resume = resume;
                seat.name = visitor.name;
                seat.said = visitor.media;
                seat.may_caption |= visitor.may_caption;
                seat.wants_captions = false;
                seat.tuned = None;
                seat
            }
            None => Seat { last_number: number, ..Seat::new(visitor, resume, marks, now.unix_s) },
        };
        if seat.is_host && (is_new || former.is_some()) {
            self.everybody_is_stale();
        }
        self.connections.insert(connection, peer);
        self.seats.insert(peer, seat);
        if self.empty_since_s.take().is_some() {
            self.started_s = now.unix_s;
        }
        if !was_here {
            self.note_joined(peer);
        }
        // The rules may have changed on the way.
        self.retune(peer, None);
        self.welcome(connection, peer);
        self.save();
        self.flush(now.instant);
    }

    /// The connection has ended on the way, or must not come in any more.
    fn joined_late(&mut self, peer: PeerId, resume: ResumeToken) {
        let former = self.former.iter().position(|(former, _, _)| *former == peer);
        if let Some((peer, seat, _)) = former.and_then(|at| self.former.remove(at)) {
            self.seats.insert(peer, seat);
            self.empty_since_s = None;
            self.note_joined(peer);
            self.everybody_is_stale();
        }
        match self.seats.get_mut(&peer) {
            Some(seat) => seat.resume = resume,
            // It was banned, or the meeting ended.
            None => self.control(Control::Remove { peer }),
        }
    }

    /// What follows a welcome.
    fn welcome(&mut self, connection: ConnectionId, peer: PeerId) {
        self.stale.remove(&peer);
        self.tell_meeting(peer);
        if self.seats.get(&peer).is_some_and(|seat| seat.is_host) {
            let knocks = self.knock_list();
            self.tell(connection, Told::Knocks(knocks));
        }
        let lines: Vec<ChatMessage> = self.history.readable_by(peer).collect();
        for lines in lines.chunks(CHAT_LINES_MAX) {
            self.tell(connection, Told::Chat(lines.to_vec()));
        }
    }

    /// A connection has ended, whatever its state was. The seat is the SFU's to give up.
    pub(crate) fn disconnected(&mut self, now: Now, connection: ConnectionId) {
        self.entering.remove(&connection);
        let waiting = self.knocks.len();
        self.knocks.retain(|(_, visitor)| visitor.connection != connection);
        if self.knocks.len() != waiting {
            self.tell_knocks();
        }
        if let Some(peer) = self.connections.remove(&connection)
            && let Some(seat) = self.seats.get_mut(&peer)
        {
            seat.connection = None;
        }
        self.flush(now.instant);
    }

    /// The SFU of this connection's seat is gone.
    pub(crate) fn seat_lost(&mut self, now: Now, connection: ConnectionId) {
        if let Some(peer) = self.peer_of(connection) {
            self.departed(now, peer, None);
        }
    }

    /// Who is in it, hidden ones too, by seat.
    pub(crate) fn seated(&self) -> impl Iterator<Item = Seated<'_>> {
        self.seats.iter().map(|(peer, seat)| seat.seated(*peer))
    }

    /// Since when somebody has been in it: seconds since the Unix epoch.
    pub(crate) const fn started_s(&self) -> u32 {
        self.started_s
    }

    /// The SFU has given a seat up.
    pub(crate) fn departed(&mut self, now: Now, peer: PeerId, back_until: Option<Instant>) {
        let cause = if back_until.is_some() { Cause::Lost } else { Cause::Left };
        let Some(seat) = self.take_out(now, peer, cause) else { return };
        if let Some(until) = back_until {
            self.former.retain(|(_, _, until)| now.instant < *until);
            if self.former.len() >= FORMER_MAX {
                self.former.pop_front();
            }
            self.former.push_back((peer, seat, until));
        }
        self.save();
        self.flush(now.instant);
    }

    /// Takes a seat out of everything.
    pub(super) fn take_out(&mut self, now: Now, peer: PeerId, cause: Cause) -> Option<Seat> {
        let seat = self.seats.remove(&peer)?;
        self.connections.retain(|_, of| *of != peer);
        self.stale.remove(&peer);
        let hands = self.hands.len();
        self.hands.retain(|hand| *hand != peer);
        if self.hands.len() != hands || seat.is_host {
            self.everybody_is_stale();
        }
        if self.seats.is_empty() {
            self.empty_since_s = Some(now.unix_s);
        }
        self.note_left(peer, &seat, cause);
        Some(seat)
    }

    /// What the client says is live.
    pub(crate) fn said_media(&mut self, connection: ConnectionId, media: MediaState) {
        let policy = self.policy;
        let Some((_, seat)) = self.seat_of(connection) else { return };
        seat.said = seat::both(media, seat.allowed(&policy));
        if seat.said != media {
            self.refuse(connection, Refusal::HostsOnly { request: "media" });
        }
    }

    /// Somebody wants another name. False: it is the token's and stays.
    pub(crate) fn rename(&mut self, connection: ConnectionId, name: &DisplayName) -> bool {
        let Some((_, seat)) = self.seat_of(connection) else { return true };
        if seat.is_named && seat.name != *name {
            let reason = "Your name here comes with your invitation and cannot be changed.";
            self.refuse(connection, Refusal::NotPossible { request: "rename", reason });
            return false;
        }
        seat.name = name.clone();
        true
    }

    /// Somebody writes.
    pub(crate) fn chat(&mut self, now: Now, connection: ConnectionId, said: Chat) {
        let Some(peer) = self.peer_of(connection) else { return };
        let Some(seat) = self.seats.get_mut(&peer) else { return };
        let request = "chat";
        if seat.last_number.is_some_and(|last| said.number <= last) {
            // Said again, because the author does not know that it was taken.
            if let Some(line) = self.history.find(peer, said.number).cloned() {
                self.tell(connection, Told::Chat(vec![line]));
            }
            return;
        }
        if seat.is_hidden {
            let reason = "Whoever is not shown cannot write.";
            return self.refuse(connection, Refusal::NotPossible { request, reason });
        }
        if seat.lines.is_full(now.instant) {
            return self.refuse(connection, Refusal::TooFast { request });
        }
        let (name, is_host) = (seat.name.clone(), seat.is_host);
        let to = said.to.map(|to| (to, self.seats.get(&to).filter(|reader| !reader.is_hidden)));
        let is_to_host = match to {
            Some((_, None)) => {
                let reason = "The person that this was for is not in the meeting any more.";
                return self.refuse(connection, Refusal::NotPossible { request, reason });
            }
            Some((_, Some(reader))) => reader.is_host,
            None => false,
        };
        if !is_to_host && !self.policy.chat.admits(is_host) {
            return self.refuse(connection, Refusal::HostsOnly { request });
        }
        let to = to.and_then(|(peer, reader)| Some(ChatRecipient { peer, name: reader?.name.clone() }));
        if let Some(seat) = self.seats.get_mut(&peer) {
            seat.lines.take(now.instant);
            seat.last_number = Some(said.number);
        }
        let number = Some(said.number);
        let line = ChatMessage { id: 0, at_s: now.unix_s, from: peer, name, to, text: said.text, number };
        let line = self.history.add(line);
        for (reader, seat) in &self.seats {
            if let Some(connection) = seat.connection.filter(|_| chat::may_read(&line, *reader)) {
                let told = Told::Chat(vec![chat::for_reader(&line, *reader)]);
                self.outputs.push_back(Output::Tell { connection, told });
            }
        }
        if line.to.is_none() {
            self.outputs.push_back(Output::Save(Change::Line(ChatMessage { number: None, ..line })));
        }
    }

    /// Somebody reacts.
    pub(crate) fn react(&mut self, now: Now, connection: ConnectionId, reaction: Reaction) {
        let Some(peer) = self.take_sign(now, connection, "react") else { return };
        if reaction == Reaction::Unknown {
            return;
        }
        for seat in self.seats.values() {
            if let Some(connection) = seat.connection {
                self.outputs.push_back(Output::Tell { connection, told: Told::Reaction(peer, reaction) });
            }
        }
    }

    /// Somebody raises or lowers the own hand.
    pub(crate) fn hand(&mut self, now: Now, connection: ConnectionId, raised: bool) {
        let Some(peer) = self.peer_of(connection) else { return };
        if self.hands.contains(&peer) == raised {
            return;
        }
        if self.take_sign(now, connection, "hand").is_none() {
            return;
        }
        if raised {
            self.hands.push(peer);
        } else {
            self.hands.retain(|hand| *hand != peer);
        }
        self.everybody_is_stale();
        self.flush(now.instant);
    }

    /// Whether one more sign of this kind may be given, and by whom.
    fn take_sign(&mut self, now: Now, connection: ConnectionId, request: &'static str) -> Option<PeerId> {
        let (peer, seat) = self.seat_of(connection)?;
        let refusal = if seat.is_hidden {
            Refusal::NotPossible { request, reason: "Whoever is not shown cannot give signs." }
        } else if seat.signs.take(now.instant) {
            return Some(peer);
        } else {
            Refusal::TooFast { request }
        };
        self.refuse(connection, refusal);
        None
    }

    /// Lets time pass; call when [`Self::poll_timeout`] is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.flush(now);
    }

    /// When [`Self::handle_timeout`] is due, if ever.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.tell_at.filter(|_| !self.stale.is_empty())
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn everybody_is_stale(&mut self) {
        self.stale.extend(self.seats.keys());
    }

    pub(super) fn is_stale(&mut self, peer: PeerId) {
        self.stale.insert(peer);
    }

    /// Tells those who know the meeting as it was, unless it is too soon for all of them.
    pub(super) fn flush(&mut self, now: Instant) {
        let is_large = self.stale.len() > SEATS_AT_ONCE;
        if self.stale.is_empty() || is_large && self.tell_at.is_some_and(|at| now < at) {
            return;
        }
        if is_large {
            let wait = Duration::from_millis(self.seats.len() as u64);
            self.tell_at = Some(now + wait);
        }
        for peer in std::mem::take(&mut self.stale) {
            self.tell_meeting(peer);
        }
    }

    fn tell_meeting(&mut self, peer: PeerId) {
        let Some(connection) = self.seats.get(&peer).and_then(|seat| seat.connection) else { return };
        if let Some(told) = self.as_known_to(peer) {
            self.tell(connection, Told::Meeting(told));
        }
    }

    /// The meeting as this participant may know it.
    fn as_known_to(&self, peer: PeerId) -> Option<Known> {
        let you = self.seats.get(&peer)?.permissions(&self.policy);
        let is_shown_host = |(at, seat): &(&PeerId, &Seat)| seat.is_host && (!seat.is_hidden || **at == peer);
        Some(Known {
            policy: self.policy,
            passcode: self.passcode.is_some(),
            hosts: self.seats.iter().filter(is_shown_host).map(|(peer, _)| *peer).collect(),
            hands: self.hands.clone(),
            you,
        })
    }

    pub(super) fn knock_list(&self) -> Vec<Knock> {
        let knock = |(knock, visitor): &(u32, Visitor)| Knock { knock: *knock, name: visitor.name.clone() };
        self.knocks.iter().map(knock).collect()
    }

    pub(super) fn tell_knocks(&mut self) {
        let knocks = self.knock_list();
        for seat in self.seats.values().filter(|seat| seat.is_host) {
            if let Some(connection) = seat.connection {
                self.outputs.push_back(Output::Tell { connection, told: Told::Knocks(knocks.clone()) });
            }
        }
    }

    pub(super) fn peer_of(&self, connection: ConnectionId) -> Option<PeerId> {
        self.connections.get(&connection).copied()
    }

    pub(super) fn seat_of(&mut self, connection: ConnectionId) -> Option<(PeerId, &mut Seat)> {
        let peer = self.peer_of(connection)?;
        Some((peer, self.seats.get_mut(&peer)?))
    }

    pub(super) fn tell(&mut self, connection: ConnectionId, told: Told) {
        self.outputs.push_back(Output::Tell { connection, told });
    }

    pub(super) fn refuse(&mut self, connection: ConnectionId, refusal: Refusal) {
        self.outputs.push_back(Output::Refuse { connection, refusal });
    }

    pub(super) fn control(&mut self, control: Control) {
        self.outputs.push_back(Output::Control(control));
    }

    pub(super) fn save(&mut self) {
        self.outputs.push_back(Output::Save(Change::State));
    }
}
