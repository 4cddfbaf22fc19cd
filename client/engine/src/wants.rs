//! From what the page shows to what every slot should carry.

use std::time::Duration;

use shared::limits::{PARTICIPANTS_MAX, VIDEO_SLOTS_MAX};
use shared::protocol::Want;
use shared::{PeerId, SourceKind, SourceRef};

use crate::declare::{Declaration, Pace};
use crate::input::Tile;
use crate::moment::Moment;
use crate::quality::height_step;
use crate::roster::Roster;

/// The layout, the slots it was mapped to, and what the server was told of it.
#[derive(Debug)]
pub(crate) struct Wants {
    /// Most important first, each source once, visible ones only, at most [`TILES_MAX`].
    layout: Vec<Tile>,
    /// What each slot carries, in the order of the slots' mids; survives layouts, so that a source stays
    /// in its slot while it is wanted and its picture does not flicker.
    assignment: Vec<Option<SourceRef>>,
    declaration: Declaration<Vec<Want>>,
}

impl Wants {
    pub(crate) fn new() -> Self {
        Self { layout: Vec::new(), assignment: Vec::new(), declaration: Declaration::new(Vec::new(), PACE) }
    }

    pub(crate) fn set_layout(&mut self, tiles: Vec<Tile>) {
        self.layout.clear();
        for tile in tiles {
            let known = self.layout.iter().any(|other| other.source == tile.source);
            if self.layout.len() < TILES_MAX && tile.height > 0 && !tile.source.kind.is_audio() && !known {
                self.layout.push(tile);
            }
        }
    }

    /// How many slots would show every visible picture that is live now.
    pub(crate) fn slots_needed(&self, roster: &Roster, me: Option<PeerId>) -> usize {
        let shown = self.layout.iter().filter(|tile| liveness(tile, roster, me) == Liveness::Live);
        shown.count().min(VIDEO_SLOTS_MAX)
    }

    /// Maps the layout to the slots with these mids. Idempotent.
    pub(crate) fn reconcile(&mut self, now: Moment, roster: &Roster, me: Option<PeerId>, mids: &[String]) {
        let chosen = self.choose(roster, me, mids.len());
        self.assign(&chosen, mids.len());
        let wants = mids.iter().zip(&self.assignment).filter_map(|(mid, source)| {
            let (rank, tile) = chosen.iter().find(|(_, tile)| Some(tile.source) == *source)?;
            Some(Want {
                mid: mid.clone(),
                source: tile.source,
                max_height: height_step(tile.height),
                priority: u8::MAX - u8::try_from(*rank).unwrap_or(u8::MAX),
            })
        });
        self.declaration.set(now, wants.collect());
    }

    /// What to send now, if anything. Without slots there is nothing to say; with slots even an empty
    /// list is said once, because it is answered by a slot map.
    pub(crate) fn take_due(&mut self, now: Moment) -> Option<Vec<Want>> {
        if self.assignment.is_empty() { None } else { self.declaration.take_due(now) }
    }

    /// A new connection or new media: the server may know nothing.
    pub(crate) fn forget_told(&mut self) {
        self.declaration.learn(None);
    }

    pub(crate) const fn accepted(&mut self) {
        self.declaration.accepted();
    }

    pub(crate) fn refused(&mut self, now: Moment) {
        self.declaration.refused(now);
    }

    pub(crate) fn desired(&self) -> &[Want] {
        self.declaration.desired()
    }

    pub(crate) fn told(&self) -> Option<&[Want]> {
        self.declaration.told().map(Vec::as_slice)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        if self.assignment.is_empty() { None } else { self.declaration.poll_timeout() }
    }

    /// The tiles that get a slot, with their rank in the layout. Muted sources only get slots that
    /// nothing live needs: then their picture comes back at once.
    fn choose(&self, roster: &Roster, me: Option<PeerId>, slots: usize) -> Vec<(usize, Tile)> {
        let with = |wanted: Liveness| {
            let ranked = self.layout.iter().copied().enumerate();
            ranked.filter(move |(_, tile)| liveness(tile, roster, me) == wanted)
        };
        with(Liveness::Live).chain(with(Liveness::Muted)).take(slots).collect()
    }

    fn assign(&mut self, chosen: &[(usize, Tile)], slots: usize) {
        self.assignment.resize(slots, None);
        for slot in &mut self.assignment {
            slot.take_if(|source| chosen.iter().all(|(_, tile)| tile.source != *source));
        }
        for (_, tile) in chosen {
            if self.assignment.contains(&Some(tile.source)) {
                continue;
            }
            if let Some(free) = self.assignment.iter_mut().find(|slot| slot.is_none()) {
                *free = Some(tile.source);
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Liveness {
    Live,
    Muted,
    /// The own picture, or of somebody who is not in the room.
    Absent,
}

fn liveness(tile: &Tile, roster: &Roster, me: Option<PeerId>) -> Liveness {
    let SourceRef { peer, kind } = tile.source;
    if me == Some(peer) {
        return Liveness::Absent;
    }
    let Some(participant) = roster.participant(peer) else { return Liveness::Absent };
    let live = match kind {
        SourceKind::Camera => participant.media.camera,
        SourceKind::Screen => participant.media.screen,
        SourceKind::Microphone | SourceKind::ScreenAudio => return Liveness::Absent,
    };
    if live { Liveness::Live } else { Liveness::Muted }
}

/// A camera and a screen of everybody; more tiles are ignored.
const TILES_MAX: usize = 2 * PARTICIPANTS_MAX;
/// Layouts come in bursts (somebody joins, the grid moves, sizes follow within a frame or two); scrolling
/// changes them with every frame. Both stay far below `MESSAGES_PER_SECOND_MAX`.
const PACE: Pace = Pace { settle: Duration::from_millis(50), interval: Duration::from_millis(200) };
