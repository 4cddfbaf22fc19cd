//! The door: who comes in, who waits, and who does not.

use sfu::ConnectionId;
use shared::limits::KNOCKS_MAX;
use shared::{PeerId, ResumeToken};

use super::mark::Mark;
use super::output::{Output, Refusal};
use super::passcode::{self, Attempt};
use super::seat;
use super::state::{Entering, Meeting, Now};
use super::visitor::{Visitor, seat_mark};

/// Most digests of people who are kept out; the oldest is forgotten first.
const BANS_MAX: usize = 1000;

impl Meeting {
    /// Somebody wants in. Answered by [`Output::Admit`], [`Output::Wait`] or [`Output::Refuse`].
    pub(crate) fn enter(&mut self, now: Now, mut visitor: Visitor) {
        let connection = visitor.connection;
        self.former.retain(|(_, _, until)| now.instant < *until);
        if let Some(peer) = visitor.resume.as_ref().and_then(|resume| self.seat_with(resume)) {
            return self.come_back(peer, visitor);
        }
        if visitor.is_only_back {
            return self.refuse(connection, Refusal::TokenRequired);
        }
        if self.is_banned(&visitor) {
            return self.refuse(connection, Refusal::Banned);
        }
        // The seat went with the server's earlier life; the person did not.
        let known = visitor.resume.and_then(|resume| self.take_known(&resume));
        visitor.is_host |= known.is_some_and(|known| known.host);
        let number = known.and_then(|known| known.number);
        if !visitor.is_host && known.is_none() {
            if self.policy.locked {
                return self.refuse(connection, Refusal::Locked);
            }
            if let Err(refusal) = self.check_passcode(now, &visitor) {
                return self.refuse(connection, refusal);
            }
            if self.policy.waiting_room {
                return self.knock(visitor);
            }
        }
        self.admit(visitor, number);
    }

    /// Whether this token gives a seat back, one that is held or was given up not long ago.
    pub(crate) fn has_seat(&self, resume: &ResumeToken) -> bool {
        self.seat_with(resume).is_some()
    }

    fn seat_with(&self, resume: &ResumeToken) -> Option<PeerId> {
        let held = self.seats.iter().find(|(_, seat)| seat.resume == *resume).map(|(peer, _)| *peer);
        held.or_else(|| {
            self.former.iter().find(|(_, seat, _)| seat.resume == *resume).map(|(peer, _, _)| *peer)
        })
    }

    /// Whoever has a seat keeps what they are, and gains what a token says beyond it.
    fn come_back(&mut self, peer: PeerId, mut visitor: Visitor) {
        let policy = self.policy;
        let former = self.former.iter_mut().find(|(former, _, _)| *former == peer).map(|(_, seat, _)| seat);
        let Some(seat) = self.seats.get_mut(&peer).or(former) else { return };
        let is_promoted = visitor.is_host && !seat.is_granted_host;
        seat.is_granted_host |= is_promoted;
        seat.is_host |= is_promoted;
        if seat.is_named {
            visitor.name = seat.name.clone();
        }
        // Should the SFU not hold the seat any more, the new one is like it.
        visitor.is_named = seat.is_named;
        visitor.is_host = seat.is_host;
        visitor.is_hidden = seat.is_hidden;
        visitor.publish = seat.publish;
        visitor.participants_max = seat.participants_max;
        visitor.identity = seat.identity.clone();
        let (connection, name, number) = (visitor.connection, visitor.name.clone(), seat.last_number);
        let mut admission = seat.admission(&policy);
        admission.participants_max = self.participants_max(admission.participants_max);
        if is_promoted {
            self.everybody_is_stale();
        }
        self.entering.insert(connection, Entering { visitor, seat: Some(peer), number });
        self.outputs.push_back(Output::Admit { connection, name, admission });
    }

    pub(super) fn admit(&mut self, visitor: Visitor, number: Option<u32>) {
        let (connection, name) = (visitor.connection, visitor.name.clone());
        let nothing = shared::MediaState::default();
        let admission = sfu::Admission {
            allowed: seat::allowed(
                &self.policy,
                visitor.is_host,
                visitor.is_hidden,
                visitor.publish,
                nothing,
            ),
            is_hidden: visitor.is_hidden,
            participants_max: self.participants_max(visitor.participants_max),
            identity: visitor.identity.clone(),
        };
        self.entering.insert(connection, Entering { visitor, seat: None, number });
        self.outputs.push_back(Output::Admit { connection, name, admission });
    }

    /// The least of what the token and the operator say.
    fn participants_max(&self, granted: Option<usize>) -> Option<usize> {
        granted.into_iter().chain(self.foundation.participants_max).min()
    }

    fn knock(&mut self, visitor: Visitor) {
        let connection = visitor.connection;
        if self.knocks.len() >= KNOCKS_MAX {
            return self.refuse(connection, Refusal::WaitingRoomFull);
        }
        self.knocks.push_back((self.next_knock, visitor));
        self.next_knock = self.next_knock.wrapping_add(1);
        self.outputs.push_back(Output::Wait { connection });
        self.tell_knocks();
    }

    fn check_passcode(&mut self, now: Now, visitor: &Visitor) -> Result<(), Refusal> {
        let Some(expected) = self.passcode.filter(|_| !visitor.is_invited) else { return Ok(()) };
        let Some(said) = &visitor.passcode else { return Err(Refusal::PasscodeRequired) };
        let said = passcode::digest(&self.salt, said);
        match self.attempts.attempt(now.instant, visitor.person.address, &expected, &said) {
            Attempt::Right => Ok(()),
            Attempt::Wrong => Err(Refusal::PasscodeWrong),
            Attempt::TooMany => Err(Refusal::PasscodeLater { retry_after_s: passcode::RETRY_AFTER_S }),
        }
    }

    /// Whether this person is kept out. A host whom a token made one is so only under their own name, not because of where
    /// they come from.
    pub(super) fn is_banned(&self, visitor: &Visitor) -> bool {
        let by_seat = visitor.resume.as_ref().map(|resume| seat_mark(&self.salt, resume));
        let has_name = !visitor.person.names.is_empty();
        let by_person = visitor.person.marks(&self.salt).into_iter().filter(|_| has_name || !visitor.is_host);
        by_seat.into_iter().chain(by_person).any(|mark| self.bans.contains(&mark))
    }

    pub(super) fn ban(&mut self, marks: impl IntoIterator<Item = Mark>) {
        for mark in marks {
            if self.bans.contains(&mark) {
                continue;
            }
            if self.bans.len() >= BANS_MAX {
                self.bans.pop_front();
            }
            self.bans.push_back(mark);
        }
        // Nobody slips in who is on the way already.
        let banned: Vec<ConnectionId> = self
            .entering
            .iter()
            .filter(|(_, entering)| entering.seat.is_none() && self.is_banned(&entering.visitor))
            .map(|(connection, _)| *connection)
            .collect();
        let knocking = self.knocks.iter().filter(|(_, visitor)| self.is_banned(visitor));
        let knocking: Vec<ConnectionId> = knocking.map(|(_, visitor)| visitor.connection).collect();
        for connection in banned.into_iter().chain(knocking) {
            self.entering.remove(&connection);
            self.knocks.retain(|(_, visitor)| visitor.connection != connection);
            self.outputs.push_back(Output::Dismiss { connection, is_denied: true, message: None });
        }
    }

    fn take_known(&mut self, resume: &ResumeToken) -> Option<super::saved::Known> {
        let mark = seat_mark(&self.salt, resume);
        let at = self.known.iter().position(|known| known.seat == mark)?;
        Some(self.known.swap_remove(at))
    }
}
