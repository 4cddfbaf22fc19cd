//! Who is heard: the loudest speakers of a room in stable slots, chosen from the audio levels of their packets (RFC 6464).
//!
//! A speaker keeps its slot while selected, and after speaking until somebody else needs the slot, so that slots switch
//! rarely. Integer arithmetic and ordered keys: equal input gives equal output.

use crate::rtp::AudioLevel;
use std::time::{Duration, Instant};

/// Most speakers that are followed (56 bytes each); packets of further ones are ignored until others are removed.
pub const MAX_SPEAKERS: usize = 4096;

/// Speech is at most this far below full scale,
const SPEECH_DB: u8 = 50;
/// or this far when the sender's voice detector agrees.
const VOICED_SPEECH_DB: u8 = 65;
/// Time constants of the smoothed loudness: slow enough upwards that a cough or a keystroke does not take a slot.
const ATTACK: Duration = Duration::from_millis(150);
const RELEASE: Duration = Duration::from_millis(600);
/// A sender that pauses for longer (DTX, mute) fades out.
const PACKET_GAP: Duration = Duration::from_millis(100);
/// Somebody who spoke this recently speaks still.
const SPEAKING: Duration = Duration::from_millis(300);
/// A slot's speaker is protected for this long after its last word and after getting the slot.
const HOLD: Duration = Duration::from_secs(1);
/// A challenger takes a speaking holder's slot only when louder by 6 dB.
const SLOT_MARGIN: i32 = 600;
/// A challenger becomes dominant when louder by 3 dB, or alone,
const DOMINANT_MARGIN: i32 = 300;
/// for this long.
const DOMINANT_AFTER: Duration = Duration::from_millis(600);

/// Follows the speakers of one room. `N` slots: one more than a listener has, since nobody hears himself.
#[derive(Debug)]
pub struct Selector<K, const N: usize = 3> {
    /// Ascending by key.
    speakers: Vec<Speaker<K>>,
    slots: [Option<K>; N],
    dominant: Option<K>,
    dominant_changed: bool,
    /// Who has been louder than the dominant speaker, and since when.
    challenger: Option<(K, Instant)>,
}

#[derive(Clone, Copy, Debug)]
struct Speaker<K> {
    key: K,
    /// Smoothed, in 1/100 dB above silence (127 dB below full scale).
    loudness: i32,
    heard: Instant,
    spoke: Option<Instant>,
    selected: Option<Instant>,
}

impl<K: Copy + Ord, const N: usize> Default for Selector<K, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Ord, const N: usize> Selector<K, N> {
    /// A selector with empty slots.
    #[must_use]
    pub fn new() -> Self {
        Self {
            speakers: Vec::new(),
            slots: [None; N],
            dominant: None,
            dominant_changed: false,
            challenger: None,
        }
    }

    /// Notes the level of one audio packet.
    #[inline]
    pub fn observe(&mut self, now: Instant, key: K, level: AudioLevel) {
        let at = match self.speakers.binary_search_by_key(&key, |speaker| speaker.key) {
            Ok(at) => at,
            Err(_) if self.speakers.len() >= MAX_SPEAKERS => return,
            Err(at) => {
                self.speakers
                    .insert(at, Speaker { key, loudness: 0, heard: now, spoke: None, selected: None });
                at
            }
        };
        self.speakers[at].observe(now, level);
    }

    /// Forgets a speaker who left or was muted, and frees its slot.
    pub fn remove(&mut self, key: K) {
        self.speakers.retain(|speaker| speaker.key != key);
        for slot in &mut self.slots {
            slot.take_if(|held| *held == key);
        }
        self.challenger.take_if(|(challenger, _)| *challenger == key);
        if self.dominant == Some(key) {
            self.dominant = None;
            self.dominant_changed = true;
        }
    }

    /// Updates the slots; call every 20–50 ms. Whoever stays selected stays in the same slot.
    pub fn select(&mut self, now: Instant) -> &[Option<K>; N] {
        for _ in 0..N {
            let Some(candidate) = self.loudest(now, |speaker| speaker.selected.is_none()) else { break };
            let Some(slot) = self.slot_for(now, candidate.loudness_at(now)) else { break };
            if let Some(key) = self.slots[slot].replace(candidate.key) {
                self.set_selected(key, None);
            }
            self.set_selected(candidate.key, Some(now));
        }
        self.update_dominant(now);
        &self.slots
    }

    /// The slots as last selected.
    #[must_use]
    pub fn slots(&self) -> &[Option<K>; N] {
        &self.slots
    }

    /// Who is in the slots, loudest first, with the smoothed level from 0 (silent) to 127; 0 for whoever is not
    /// speaking at `now`.
    pub fn loudest_first(&self, now: Instant) -> Vec<(K, u8)> {
        let held = self.slots.iter().flatten().filter_map(|key| self.speaker(*key));
        let level = |speaker: &Speaker<K>| {
            if speaker.speaks(now) { (speaker.loudness_at(now) / 100).clamp(1, 127) as u8 } else { 0 }
        };
        let mut ranked: Vec<(K, u8)> = held.map(|speaker| (speaker.key, level(speaker))).collect();
        ranked.sort_by_key(|(key, level)| (std::cmp::Reverse(*level), *key));
        ranked
    }

    /// Who holds the floor, as of the last [`Selector::select`]. Stays while everybody is silent.
    #[must_use]
    pub fn dominant(&self) -> Option<K> {
        self.dominant
    }

    /// Whether [`Selector::dominant`] has changed since the last call, and to whom.
    pub fn poll_dominant(&mut self) -> Option<Option<K>> {
        std::mem::take(&mut self.dominant_changed).then_some(self.dominant)
    }

    /// The loudest of those who speak now and whom `admit` lets through; the smaller key on a tie.
    fn loudest(&self, now: Instant, admit: impl Fn(&Speaker<K>) -> bool) -> Option<Speaker<K>> {
        let speaking = self.speakers.iter().filter(|speaker| admit(speaker) && speaker.speaks(now));
        speaking.copied().reduce(
            |best, other| {
                if other.loudness_at(now) > best.loudness_at(now) { other } else { best }
            },
        )
    }

    /// The slot that a candidate of this loudness may take: an empty one, else that of the holder silent longest, else that of
    /// the quietest holder if the candidate is clearly louder.
    fn slot_for(&self, now: Instant, loudness: i32) -> Option<usize> {
        if let Some(empty) = self.slots.iter().position(Option::is_none) {
            return Some(empty);
        }
        let holders =
            || self.slots.iter().enumerate().filter_map(|(slot, key)| Some((slot, self.speaker((*key)?)?)));
        let unprotected = || holders().filter(|(_, holder)| !within(now, holder.selected, HOLD));
        let silent = unprotected().filter(|(_, holder)| !within(now, holder.spoke, HOLD));
        if let Some((slot, _)) = silent.min_by_key(|(_, holder)| holder.spoke) {
            return Some(slot);
        }
        let (slot, quietest) = unprotected().min_by_key(|(_, holder)| holder.loudness_at(now))?;
        (loudness > quietest.loudness_at(now) + SLOT_MARGIN).then_some(slot)
    }

    fn update_dominant(&mut self, now: Instant) {
        let Some(loudest) = self.loudest(now, |speaker| speaker.selected.is_some()) else {
            self.challenger = None;
            return;
        };
        let Some(dominant) = self.dominant.and_then(|key| self.speaker(key)).copied() else {
            self.set_dominant(loudest.key);
            return;
        };
        let louder =
            loudest.loudness_at(now) > dominant.loudness_at(now) + DOMINANT_MARGIN || !dominant.speaks(now);
        if loudest.key == dominant.key || !louder {
            self.challenger = None;
            return;
        }
        let since = match self.challenger {
            Some((key, since)) if key == loudest.key => since,
            _ => now,
        };
        self.challenger = Some((loudest.key, since));
        if now.saturating_duration_since(since) >= DOMINANT_AFTER {
            self.set_dominant(loudest.key);
        }
    }

    fn set_dominant(&mut self, key: K) {
        self.dominant = Some(key);
        self.dominant_changed = true;
        self.challenger = None;
    }

    fn set_selected(&mut self, key: K, selected: Option<Instant>) {
        if let Ok(at) = self.speakers.binary_search_by_key(&key, |speaker| speaker.key) {
            self.speakers[at].selected = selected;
        }
    }

    fn speaker(&self, key: K) -> Option<&Speaker<K>> {
        let at = self.speakers.binary_search_by_key(&key, |speaker| speaker.key).ok()?;
        self.speakers.get(at)
    }
}

impl<K> Speaker<K> {
    #[inline]
    fn observe(&mut self, now: Instant, level: AudioLevel) {
        let target = 100 * (127 - i32::from(level.below_full_scale_db.min(127)));
        self.loudness = self.loudness_at(now);
        // At least one packet's time passes even when packets come in bursts; at most the gap that already faded out.
        let step = now.saturating_duration_since(self.heard).clamp(Duration::from_millis(10), PACKET_GAP);
        let constant = if target > self.loudness { ATTACK } else { RELEASE };
        let (step, constant) = (step.as_micros() as i64, constant.as_micros() as i64);
        self.loudness += (i64::from(target - self.loudness) * step / (constant + step)) as i32;
        self.heard = now;
        let limit = if level.voice { VOICED_SPEECH_DB } else { SPEECH_DB };
        if level.below_full_scale_db <= limit {
            self.spoke = Some(now);
        }
    }

    /// The loudness, faded since the last packet when that is too long ago.
    #[inline]
    fn loudness_at(&self, now: Instant) -> i32 {
        let silence = now.saturating_duration_since(self.heard).saturating_sub(PACKET_GAP).as_micros() as i64;
        let release = RELEASE.as_micros() as i64;
        (i64::from(self.loudness) * release / (release + silence)) as i32
    }

    #[inline]
    fn speaks(&self, now: Instant) -> bool {
        within(now, self.spoke, SPEAKING)
            && self.loudness_at(now) >= 100 * (127 - i32::from(VOICED_SPEECH_DB))
    }
}

#[inline]
fn within(now: Instant, since: Option<Instant>, limit: Duration) -> bool {
    since.is_some_and(|since| now.saturating_duration_since(since) < limit)
}
