//! Who is in the room: snapshot, revision, deltas.

use std::time::Duration;

use shared::PeerId;
use shared::limits::PARTICIPANTS_MAX;
use shared::protocol::{Change, Participant, Snapshot};

use crate::error::Notice;
use crate::moment::Moment;

/// The room as far as this client knows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster {
    revision: u32,
    /// In order of arrival, each peer once, at most [`PARTICIPANTS_MAX`]; who would be more is not shown.
    participants: Vec<Participant>,
    /// Of them, who was seen coming.
    newcomers: Vec<PeerId>,
    resync: Resync,
}

/// Whether a snapshot must be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Resync {
    /// Nothing is missing.
    #[default]
    Unneeded,
    /// Something is missing; ask at this time.
    Due(Moment),
    /// Asked; ask again when nothing came by this time.
    Asked(Moment),
}

impl Roster {
    pub(crate) fn participants(&self) -> &[Participant] {
        &self.participants
    }

    pub(crate) fn participant(&self, peer: PeerId) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.peer == peer)
    }

    /// Whether they came while this client looked on: all that they do is new.
    pub(crate) fn is_newcomer(&self, peer: PeerId) -> bool {
        self.newcomers.contains(&peer)
    }

    /// Takes the whole room; whatever was known or missing before does not matter any more.
    pub(crate) fn replace(&mut self, snapshot: Snapshot) {
        self.revision = snapshot.revision;
        self.participants.clear();
        self.newcomers.clear();
        for participant in snapshot.participants {
            self.insert(participant);
        }
        self.resync = Resync::Unneeded;
    }

    /// Applies a delta that is next in line and returns what to tell the participant. An old delta is
    /// ignored; a gap asks for a snapshot, and until it comes no delta is applied.
    pub(crate) fn apply(&mut self, now: Moment, revision: u32, changes: Vec<Change>) -> Vec<Notice> {
        // Revisions wrap around: the distance, read as signed, tells old from new.
        let distance = revision.wrapping_sub(self.revision).cast_signed();
        if distance <= 0 {
            return Vec::new();
        }
        if distance > 1 || self.resync != Resync::Unneeded {
            self.demand_snapshot(now);
            return Vec::new();
        }
        self.revision = revision;
        changes.into_iter().filter_map(|change| self.change(change)).collect()
    }

    /// Something could not be read: what is known cannot be trusted any more.
    pub(crate) fn demand_snapshot(&mut self, now: Moment) {
        if self.resync == Resync::Unneeded {
            self.resync = Resync::Due(now);
        }
    }

    /// The server did not take the request.
    pub(crate) fn resync_refused(&mut self, now: Moment) {
        if self.resync != Resync::Unneeded {
            self.resync = Resync::Due(now + RESYNC_REFUSED_DELAY);
        }
    }

    /// Whether to ask for a snapshot now. Counts as asked from here on.
    pub(crate) fn take_resync(&mut self, now: Moment) -> bool {
        match self.resync {
            Resync::Due(at) | Resync::Asked(at) if at <= now => {
                self.resync = Resync::Asked(now + RESYNC_TIMEOUT);
                true
            }
            Resync::Unneeded | Resync::Due(_) | Resync::Asked(_) => false,
        }
    }

    pub(crate) const fn poll_timeout(&self) -> Option<Moment> {
        match self.resync {
            Resync::Unneeded => None,
            Resync::Due(at) | Resync::Asked(at) => Some(at),
        }
    }

    fn change(&mut self, change: Change) -> Option<Notice> {
        match change {
            Change::Joined { participant } => {
                let notice = Notice::Arrived { peer: participant.peer, name: participant.name.clone() };
                let peer = participant.peer;
                let is_new = self.insert(participant);
                if is_new {
                    self.newcomers.push(peer);
                }
                is_new.then_some(notice)
            }
            Change::Updated { participant } => {
                self.insert(participant);
                None
            }
            Change::Left { peer, departure } => {
                let index = self.participants.iter().position(|participant| participant.peer == peer)?;
                let name = self.participants.remove(index).name;
                self.newcomers.retain(|newcomer| *newcomer != peer);
                Some(Notice::Departed { peer, name, departure })
            }
        }
    }

    /// Puts somebody in, or in the place of what was known; says whether they are new.
    fn insert(&mut self, participant: Participant) -> bool {
        if let Some(known) = self.participants.iter_mut().find(|known| known.peer == participant.peer) {
            *known = participant;
            return false;
        }
        if self.participants.len() >= PARTICIPANTS_MAX {
            return false;
        }
        self.participants.push(participant);
        true
    }
}

/// A snapshot is one message on an open connection: five seconds are many round trips.
const RESYNC_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait after `rate_limited`.
const RESYNC_REFUSED_DELAY: Duration = Duration::from_secs(1);
