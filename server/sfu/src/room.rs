//! One room: who is in it, in order of arrival, at which revision.

use shared::PeerId;
use shared::limits::AUDIO_SLOTS;

use crate::peer_table::PeerKey;
use crate::relay::{ShardId, Voices};
use crate::speaker::Selector;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Room {
    /// Counts up by one with every change that is told.
    pub(crate) revision: u32,
    /// In order of arrival.
    pub(crate) members: Vec<PeerKey>,
    /// One more than a viewer has slots, because nobody hears themselves.
    pub(crate) speakers: Selector<PeerKey, { AUDIO_SLOTS + 1 }>,
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
            told_speakers: Vec::new(),
            fellows: Vec::new(),
            voices: Voices::default(),
            is_dirty: true,
        }
    }
}
