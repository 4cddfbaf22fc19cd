//! One room: who is in it, in order of arrival, at which revision.

use std::time::{Duration, Instant};

use shared::PeerId;
use shared::limits::AUDIO_SLOTS;

use crate::peer_table::PeerKey;
use crate::relay::{ShardId, Voices};
use crate::rtp::AudioLevel;
use crate::speaker::Selector;

/// Members that may be reconciled at once however often something changes: they cost a few microseconds each.
const MEMBERS_AT_ONCE: usize = 50;
/// For each member beyond those, reconciling is put off by this since the last time, so that what it costs a second
/// grows with the room and not with its square: in a room of a thousand, 19 milliseconds.
const PUT_OFF: Duration = Duration::from_micros(20);
/// Speakers without a slot make the room choose anew at most this often.
const SELECT_SPACING: Duration = Duration::from_millis(20);

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Room {
    /// Counts up by one with every change that is told.
    pub(crate) revision: u32,
    /// In order of arrival.
    pub(crate) members: Vec<PeerKey>,
    /// One more than a viewer has slots, because nobody hears themselves.
    pub(crate) speakers: Selector<PeerKey, { AUDIO_SLOTS + 1 }>,
    /// When the speakers are chosen again because somebody without a slot speaks.
    select_due: Option<Instant>,
    /// Who was last announced as speaking.
    pub(crate) told_speakers: Vec<PeerId>,
    /// Other SFUs with a replica of this room.
    pub(crate) fellows: Vec<ShardId>,
    /// Who of our own members was heard since the other replicas were told.
    pub(crate) voices: Voices,
    /// What is watched may differ from what should be.
    pub(crate) is_dirty: bool,
    /// Before this a large room is not reconciled again.
    reconcile_at: Option<Instant>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            revision: 0,
            members: Vec::new(),
            speakers: Selector::new(),
            select_due: None,
            told_speakers: Vec::new(),
            fellows: Vec::new(),
            voices: Voices::default(),
            is_dirty: true,
            reconcile_at: None,
        }
    }

    /// Begins to reconcile, unless it has to wait: then gives until when, and the room stays dirty.
    pub(crate) fn begin_reconcile(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(at) = self.reconcile_at.filter(|at| now < *at) {
            return Err(at);
        }
        self.is_dirty = false;
        let beyond = self.members.len().saturating_sub(MEMBERS_AT_ONCE);
        self.reconcile_at = (beyond > 0).then(|| now + PUT_OFF * u32::try_from(beyond).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Somebody's packet has this level. Whoever begins to speak gets a slot at once when there is one to get: the next
    /// review would be too late for the first word. Returns whether somebody else is heard now.
    #[inline]
    pub(crate) fn hear(&mut self, now: Instant, key: PeerKey, level: AudioLevel) -> bool {
        let waits = self.speakers.observe(now, key, level);
        if !waits || self.select_due.is_some_and(|due| now < due) {
            return false;
        }
        self.select_due = Some(now + SELECT_SPACING);
        let before = *self.speakers.slots();
        let has_changed = before != *self.speakers.select(now);
        self.is_dirty |= has_changed;
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer_table::PeerTable;

    fn room(members: usize) -> Room {
        let mut table = PeerTable::default();
        let mut room = Room::new();
        room.members = (0..members).map(|_| table.insert(Box::new(()))).collect();
        room
    }

    #[test]
    fn a_small_room_is_reconciled_at_once_however_often_it_changes() {
        let (now, mut room) = (Instant::now(), room(MEMBERS_AT_ONCE));
        for _ in 0..3 {
            room.is_dirty = true;
            assert_eq!(room.begin_reconcile(now), Ok(()));
            assert!(!room.is_dirty);
        }
    }

    #[test]
    fn a_large_room_waits_the_longer_the_larger_it_is_and_stays_dirty() {
        let now = Instant::now();
        let waits = [100, 1000].map(|members| {
            let mut room = room(members);
            assert_eq!(room.begin_reconcile(now), Ok(()), "the first time is at once");
            room.is_dirty = true;
            let at = room.begin_reconcile(now).unwrap_err();
            assert!(room.is_dirty);
            assert_eq!(room.begin_reconcile(at), Ok(()));
            at - now
        });
        assert_eq!(waits, [1, 19].map(Duration::from_millis));
    }
}
