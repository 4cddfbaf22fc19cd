//! What hosts and the operator do. Everything here is refused to anybody else, before anything is looked at.

use std::collections::VecDeque;

use sfu::{ConnectionId, Control};
use shared::meeting::{Audience, Policy};
use shared::protocol::Moderation;
use shared::{PeerId, SourceKind};

use super::chronicle::Cause;
use super::output::{Change, Output, Refusal, Told};
use super::passcode;
use super::seat::{self, Seat};
use super::state::{Foundation, Meeting, Now};
use super::visitor::seat_mark;

const REQUEST: &str = "moderate";

impl Meeting {
    /// Somebody says that they lead the meeting.
    pub(crate) fn moderate(&mut self, now: Now, connection: ConnectionId, moderation: Moderation) {
        let Some(by) = self.peer_of(connection) else { return };
        if !self.seats.get(&by).is_some_and(|seat| seat.is_host) {
            return self.refuse(connection, Refusal::HostsOnly { request: REQUEST });
        }
        if let Err(reason) = self.carry_out(now, by, moderation) {
            self.refuse(connection, Refusal::NotPossible { request: REQUEST, reason });
        }
        self.flush(now.instant);
    }

    fn carry_out(&mut self, now: Now, by: PeerId, moderation: Moderation) -> Result<(), &'static str> {
        match moderation {
            Moderation::Mute { peer, kind } => self.mute(peer, kind, Some(by)),
            Moderation::MuteAll => self.mute_all(by),
            Moderation::AskToUnmute { peer, kind } => return self.ask_to_unmute(peer, kind, by),
            Moderation::LowerHand { peer } => self.lower(|hand| hand == peer),
            Moderation::LowerAllHands => self.lower(|_| true),
            Moderation::Remove { peer, .. } if peer == by => {
                return Err("Nobody sends themselves out: leave instead.");
            }
            Moderation::Remove { peer, ban } => {
                self.remove(now, peer, ban);
            }
            Moderation::SetHost { peer, host } => return self.set_host(peer, host),
            Moderation::Admit { knock } => self.let_in(|waiting| waiting == knock),
            Moderation::AdmitAll => self.let_in(|_| true),
            Moderation::Deny { knock, message } => self.deny(knock, message),
            Moderation::SetPolicy { policy } => self.set_policy(now, policy, Some(by)),
            Moderation::SetPasscode { passcode } => self.set_passcode(passcode.as_deref()),
            Moderation::End => self.end(now),
        }
        Ok(())
    }

    /// Silences a source; only its owner can switch it on again, where the rules allow it.
    pub(crate) fn mute(&mut self, peer: PeerId, kind: SourceKind, by: Option<PeerId>) {
        let Some(seat) = self.seats.get_mut(&peer) else { return };
        let was_live = seat::has(seat.said, kind);
        seat::set(&mut seat.asked, kind, false);
        seat::set(&mut seat.said, kind, false);
        if let Some(connection) = seat.connection.filter(|_| was_live) {
            self.tell(connection, Told::Muted(kind, by));
        }
        self.control(Control::Mute { peer, kind });
        self.retune(peer, by);
    }

    fn mute_all(&mut self, by: PeerId) {
        let others: Vec<PeerId> =
            self.seats.iter().filter(|(_, seat)| !seat.is_host).map(|(peer, _)| *peer).collect();
        for peer in others {
            self.mute(peer, SourceKind::Microphone, Some(by));
        }
    }

    fn ask_to_unmute(&mut self, peer: PeerId, kind: SourceKind, by: PeerId) -> Result<(), &'static str> {
        let Some(seat) = self.seats.get_mut(&peer) else { return Ok(()) };
        if seat.is_hidden || !seat::has(seat.publish, kind) {
            return Err("Their invitation does not let them publish this.");
        }
        seat::set(&mut seat.asked, kind, true);
        let connection = seat.connection;
        self.retune(peer, Some(by));
        if let Some(connection) = connection {
            self.tell(connection, Told::AskedToUnmute(kind, Some(by)));
        }
        Ok(())
    }

    fn lower(&mut self, is_meant: impl Fn(PeerId) -> bool) {
        let before = self.hands.len();
        self.hands.retain(|hand| !is_meant(*hand));
        if self.hands.len() != before {
            self.everybody_is_stale();
        }
    }

    /// Sends somebody out. False: they are not there.
    pub(crate) fn remove(&mut self, now: Now, peer: PeerId, ban: bool) -> bool {
        let former = self.former.iter().position(|(former, _, _)| *former == peer);
        let former = former.and_then(|at| self.former.remove(at)).map(|(_, seat, _)| seat);
        let Some(seat) = self.take_out(now, peer, Cause::Removed).or(former) else { return false };
        // Whoever comes back with this token comes as somebody new.
        self.entering.retain(|_, entering| entering.seat != Some(peer));
        if let Some(connection) = seat.connection.filter(|_| ban) {
            self.outputs.push_back(Output::Ban { connection });
        }
        self.control(Control::Remove { peer });
        if ban {
            let Seat { marks, resume, .. } = seat;
            let by_seat = seat_mark(&self.salt, &resume);
            self.ban(marks.into_iter().chain([by_seat]));
            self.tell_knocks();
        }
        self.save();
        self.flush(now.instant);
        true
    }

    fn set_host(&mut self, peer: PeerId, host: bool) -> Result<(), &'static str> {
        let hosts = self.seats.values().filter(|seat| seat.is_host).count();
        let Some(seat) = self.seats.get_mut(&peer).filter(|seat| seat.is_host != host) else { return Ok(()) };
        if !host && hosts == 1 {
            return Err("A meeting that has hosts keeps one: make somebody else a host first.");
        }
        seat.is_host = host;
        let connection = seat.connection;
        self.everybody_is_stale();
        self.retune(peer, None);
        if let Some(connection) = connection {
            let knocks = if host { self.knock_list() } else { Vec::new() };
            self.tell(connection, Told::Knocks(knocks));
        }
        self.save();
        Ok(())
    }

    fn let_in(&mut self, is_meant: impl Fn(u32) -> bool) {
        let (meant, others): (VecDeque<_>, VecDeque<_>) =
            self.knocks.drain(..).partition(|(knock, _)| is_meant(*knock));
        self.knocks = others;
        if meant.is_empty() {
            return;
        }
        for (_, visitor) in meant {
            self.admit(visitor, None);
        }
        self.tell_knocks();
    }

    fn deny(&mut self, knock: u32, message: Option<String>) {
        let Some(at) = self.knocks.iter().position(|(waiting, _)| *waiting == knock) else { return };
        if let Some((_, visitor)) = self.knocks.remove(at) {
            let connection = visitor.connection;
            self.outputs.push_back(Output::Dismiss { connection, is_denied: true, message });
        }
        self.tell_knocks();
    }

    /// The operator sets how meetings begin here, and with it the rules of this one.
    pub(crate) fn found(&mut self, now: Now, foundation: Foundation) {
        self.foundation = foundation;
        self.set_policy(now, foundation.policy, None);
    }

    /// The rules from now on. What is live and no longer allowed is muted at once.
    pub(crate) fn set_policy(&mut self, now: Now, policy: Policy, by: Option<PeerId>) {
        let known = |audience| match audience {
            Audience::Everyone => Audience::Everyone,
            Audience::Hosts | Audience::Unknown => Audience::Hosts,
        };
        let policy = Policy {
            share: known(policy.share),
            chat: known(policy.chat),
            unmute: known(policy.unmute),
            ..policy
        };
        if std::mem::replace(&mut self.policy, policy) == policy {
            return;
        }
        self.everybody_is_stale();
        let peers: Vec<PeerId> = self.seats.keys().copied().collect();
        for peer in peers {
            self.retune(peer, by);
        }
        if !policy.waiting_room && !policy.locked {
            self.let_in(|_| true);
        }
        self.save();
        self.flush(now.instant);
    }

    /// Lets the SFU, and the person, know what they may have live now. What is not allowed any more is muted.
    pub(super) fn retune(&mut self, peer: PeerId, by: Option<PeerId>) {
        let Some(seat) = self.seats.get_mut(&peer) else { return };
        let allowed = seat.allowed(&self.policy);
        for kind in [SourceKind::Microphone, SourceKind::Camera, SourceKind::Screen] {
            if seat::has(seat.said, kind) && !seat::has(allowed, kind) {
                seat::set(&mut seat.said, kind, false);
                if let Some(connection) = seat.connection {
                    self.outputs.push_back(Output::Tell { connection, told: Told::Muted(kind, by) });
                }
            }
        }
        if seat.tuned.replace(allowed) != Some(allowed) {
            self.outputs.push_back(Output::Control(Control::Allow { peer, allowed }));
            self.is_stale(peer);
        }
    }

    fn set_passcode(&mut self, passcode: Option<&str>) {
        let passcode = passcode.filter(|passcode| !passcode.is_empty());
        self.passcode = passcode.map(|passcode| passcode::digest(&self.salt, passcode));
        self.everybody_is_stale();
        self.save();
    }

    /// The meeting is over for everybody, and so is everything that it knew.
    pub(crate) fn end(&mut self, now: Now) {
        self.control(Control::End { room: self.room.clone() });
        let waiting = self.knocks.drain(..).map(|(_, visitor)| visitor.connection);
        let connections: Vec<ConnectionId> = waiting.chain(self.entering.keys().copied()).collect();
        for connection in connections {
            self.outputs.push_back(Output::Dismiss { connection, is_denied: false, message: None });
        }
        while let Some((peer, seat)) = self.seats.pop_first() {
            self.note_left(peer, &seat, Cause::Ended);
        }
        self.outputs.push_back(Output::Save(Change::Over));
        let mut next = Self::new(self.room.clone(), [0; 16], self.foundation, now);
        next.salt = self.salt;
        next.outputs = std::mem::take(&mut self.outputs);
        *self = next;
    }
}
