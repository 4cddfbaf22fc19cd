//! One room: who is in it, in order of arrival, at which revision.

use std::time::{Duration, Instant};

use shared::PeerId;
use shared::limits::AUDIO_SLOTS;

use crate::peer_table::PeerKey;
use crate::relay::{ShardId, Voices};
use crate::rtp::AudioLevel;
use crate::speaker::Selector;

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
        }
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
