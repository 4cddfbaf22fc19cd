//! What happens in a meeting, as its operator may want to know it.

use sfu::Identity;
use shared::{DisplayName, PeerId};

use super::output::Output;
use super::seat::Seat;
use super::state::Meeting;

/// Something happened. Who is hidden from the others is not told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The first participant is in it.
    Started,
    /// Somebody is in it.
    Joined(Somebody),
    /// Somebody is not in it any more.
    Left(Somebody, Cause),
    /// The last participant has left it.
    Ended,
}

/// A participant at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Somebody {
    /// The seat.
    pub(crate) peer: PeerId,
    /// What the others read.
    pub(crate) name: DisplayName,
    /// Who it is outside of the meeting.
    pub(crate) identity: Identity,
}

/// Why somebody is not in the meeting any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// They left.
    Left,
    /// Their connection was lost and did not come back in time.
    Lost,
    /// A host or the operator sent them out.
    Removed,
    /// The meeting was ended for everybody.
    Ended,
}

impl Meeting {
    /// To be called once the seat is taken.
    pub(super) fn note_joined(&mut self, peer: PeerId) {
        let Some(somebody) = self.seats.get(&peer).and_then(|seat| somebody(peer, seat)) else { return };
        if self.shown() == 1 {
            self.happened(Happening::Started);
        }
        self.happened(Happening::Joined(somebody));
    }

    /// To be called once the seat is free.
    pub(super) fn note_left(&mut self, peer: PeerId, seat: &Seat, cause: Cause) {
        let Some(somebody) = somebody(peer, seat) else { return };
        self.happened(Happening::Left(somebody, cause));
        if self.shown() == 0 {
            self.happened(Happening::Ended);
        }
    }

    /// How many are in it for the others.
    fn shown(&self) -> usize {
        self.seats.values().filter(|seat| !seat.is_hidden).count()
    }

    fn happened(&mut self, happening: Happening) {
        self.outputs.push_back(Output::Happened(happening));
    }
}

fn somebody(peer: PeerId, seat: &Seat) -> Option<Somebody> {
    let is_shown = !seat.is_hidden;
    is_shown.then(|| Somebody { peer, name: seat.name.clone(), identity: seat.identity.clone() })
}
