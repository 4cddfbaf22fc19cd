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
/// Whoever has spoken for this long without a break gets a slot that nobody uses, however quiet the beginning; a keystroke
/// is shorter.
const BEGINNING: Duration = Duration::from_millis(40);
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
    /// When the stretch of speech that the last packet belongs to began.
    began: Option<Instant>,
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

    /// Notes the level of one audio packet. Returns whether its sender speaks, or begins to, and has no slot.
    #[inline]
    pub fn observe(&mut self, now: Instant, key: K, level: AudioLevel) -> bool {
        let at = match self.speakers.binary_search_by_key(&key, |speaker| speaker.key) {
            Ok(at) => at,
            Err(_) if self.speakers.len() >= MAX_SPEAKERS => return false,
            Err(at) => {
                self.speakers.insert(
                    at,
                    Speaker { key, loudness: 0, heard: now, spoke: None, began: None, selected: None },
                );
                at
            }
        };
        self.speakers[at].observe(now, level);
        self.speakers[at].selected.is_none() && self.speakers[at].begins(now)
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
            let waits = |speaker: &Speaker<K>| speaker.selected.is_none() && speaker.begins(now);
            let Some(candidate) = self.loudest(now, waits) else { break };
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
        self.ranked(now, |speaker| speaker.speaks(now))
    }

    /// The same with whoever only begins to speak: he is to be heard, but perhaps not announced.
    pub fn beginners_too(&self, now: Instant) -> Vec<(K, u8)> {
        self.ranked(now, |speaker| speaker.begins(now))
    }

    fn ranked(&self, now: Instant, speaks: impl Fn(&Speaker<K>) -> bool) -> Vec<(K, u8)> {
        let held = self.slots.iter().flatten().filter_map(|key| self.speaker(*key));
        let level = |speaker: &Speaker<K>| {
            if speaks(speaker) { (speaker.loudness_at(now) / 100).clamp(1, 127) as u8 } else { 0 }
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

    /// The loudest of those whom `admit` lets through; the smaller key on a tie.
    fn loudest(&self, now: Instant, admit: impl Fn(&Speaker<K>) -> bool) -> Option<Speaker<K>> {
        self.speakers
            .iter()
            .filter(|speaker| admit(speaker))
            .copied()
            .reduce(|best, other| if other.loudness_at(now) > best.loudness_at(now) { other } else { best })
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
        // Whoever only pauses between words is neither.
        let speaking = unprotected().filter(|(_, holder)| holder.speaks(now));
        let (slot, quietest) = speaking.min_by_key(|(_, holder)| holder.loudness_at(now))?;
        (loudness > quietest.loudness_at(now) + SLOT_MARGIN).then_some(slot)
    }

    fn update_dominant(&mut self, now: Instant) {
        let speaks = |speaker: &Speaker<K>| speaker.selected.is_some() && speaker.speaks(now);
        let Some(loudest) = self.loudest(now, speaks) else {
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
        let limit = if level.voice { VOICED_SPEECH_DB } else { SPEECH_DB };
        let speech = level.below_full_scale_db <= limit;
        let target = 100 * (127 - i32::from(level.below_full_scale_db.min(127)));
        let faded = self.loudness_at(now);
        // At least one packet's time passes even when packets come in bursts; at most the gap that already faded out.
        let step = now.saturating_duration_since(self.heard).clamp(Duration::from_millis(10), PACKET_GAP);
        let constant = if target > faded { ATTACK } else { RELEASE };
        let (step, constant) = (step.as_micros() as i64, constant.as_micros() as i64);
        let is_connected = speech && now.saturating_duration_since(self.heard) < PACKET_GAP;
        self.began = self.began.filter(|_| is_connected).or(speech.then_some(now));
        self.heard = now;
        // The dips between syllables say nothing about how loud somebody speaks.
        if speech || !within(now, self.spoke, SPEAKING) {
            self.loudness = faded + (i64::from(target - faded) * step / (constant + step)) as i32;
        }
        if speech {
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

    /// Speaks, or has begun to a moment ago.
    #[inline]
    fn begins(&self, now: Instant) -> bool {
        let has_begun = self.began.is_some_and(|began| now.saturating_duration_since(began) >= BEGINNING);
        self.speaks(now) || (has_begun && within(now, self.spoke, PACKET_GAP))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A room in virtual time: everybody in `talking` sends a packet of that level every 20 ms.
    struct Room {
        now: Instant,
        selector: Selector<u32>,
    }

    impl Room {
        fn new() -> Self {
            Self { now: Instant::now(), selector: Selector::new() }
        }

        fn run(&mut self, millis: u64, talking: &[(u32, u8)]) -> [Option<u32>; 3] {
            for _ in 0..millis / 20 {
                self.now += Duration::from_millis(20);
                for (key, below_full_scale_db) in talking {
                    let voice = *below_full_scale_db < 60;
                    self.selector.observe(
                        self.now,
                        *key,
                        AudioLevel { below_full_scale_db: *below_full_scale_db, voice },
                    );
                }
                self.selector.select(self.now);
            }
            *self.selector.slots()
        }
    }

    #[test]
    fn speakers_fill_the_slots_in_the_order_in_which_they_speak_up() {
        let mut room = Room::new();
        assert_eq!(room.run(500, &[(5, 127), (6, 127)]), [None, None, None]);
        assert_eq!(room.run(500, &[(5, 30), (6, 127)]), [Some(5), None, None]);
        assert_eq!(room.run(500, &[(5, 30), (6, 30)]), [Some(5), Some(6), None]);
    }

    #[test]
    fn silence_keeps_the_slots() {
        let mut room = Room::new();
        room.run(1000, &[(1, 20), (2, 20), (3, 20)]);
        assert_eq!(room.run(60_000, &[(1, 127)]), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn a_new_speaker_takes_the_slot_of_whoever_is_silent_longest_and_nobody_else_moves() {
        let mut room = Room::new();
        room.run(1000, &[(1, 20), (2, 20), (3, 20)]);
        room.run(500, &[(1, 20), (3, 20), (2, 127)]);
        room.run(2000, &[(1, 127), (2, 127), (3, 20)]);
        assert_eq!(room.run(500, &[(3, 20), (4, 30)]), [Some(1), Some(4), Some(3)]);
    }

    #[test]
    fn a_pause_between_words_does_not_cost_the_slot() {
        let mut room = Room::new();
        room.run(2000, &[(1, 20), (2, 20), (3, 20)]);
        assert_eq!(room.run(800, &[(1, 127), (2, 20), (3, 20), (4, 20)]), [Some(1), Some(2), Some(3)]);
        assert_eq!(room.run(400, &[(1, 127), (2, 20), (3, 20), (4, 20)]), [Some(4), Some(2), Some(3)]);
    }

    #[test]
    fn while_all_speak_only_a_clearly_louder_one_takes_a_slot_from_the_quietest() {
        let mut room = Room::new();
        room.run(3000, &[(1, 25), (2, 35), (3, 25)]);
        assert_eq!(room.run(5000, &[(1, 25), (2, 35), (3, 25), (4, 30)]), [Some(1), Some(3), Some(2)]);
        assert_eq!(room.run(2000, &[(1, 25), (2, 35), (3, 25), (4, 15)]), [Some(1), Some(3), Some(4)]);
    }

    #[test]
    fn a_click_takes_no_slot_from_a_speaker() {
        let mut room = Room::new();
        room.run(3000, &[(1, 25), (2, 25), (3, 25)]);
        room.run(3000, &[(1, 25), (2, 25), (3, 25), (4, 120)]);
        room.run(40, &[(1, 25), (2, 25), (3, 25), (4, 10)]);
        assert_eq!(room.run(500, &[(1, 25), (2, 25), (3, 25), (4, 120)]), [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn whoever_leaves_frees_the_slot_at_once() {
        let mut room = Room::new();
        room.run(1000, &[(1, 20), (2, 20), (3, 20)]);
        room.selector.remove(2);
        assert_eq!(room.selector.slots(), &[Some(1), None, Some(3)]);
        assert_eq!(room.run(300, &[(1, 20), (3, 20), (4, 30)]), [Some(1), Some(4), Some(3)]);
    }

    #[test]
    fn the_dominant_speaker_changes_after_a_while_and_is_told_once() {
        let mut room = Room::new();
        room.run(500, &[(1, 20)]);
        assert_eq!((room.selector.poll_dominant(), room.selector.poll_dominant()), (Some(Some(1)), None));
        room.run(400, &[(2, 20)]);
        assert_eq!(room.selector.dominant(), Some(1), "an interjection");
        room.run(200, &[(1, 20)]);
        room.run(1500, &[(2, 20)]);
        assert_eq!((room.selector.poll_dominant(), room.selector.poll_dominant()), (Some(Some(2)), None));
        room.run(20_000, &[]);
        assert_eq!(room.selector.dominant(), Some(2), "silence");
        room.selector.remove(2);
        assert_eq!(room.selector.poll_dominant(), Some(None));
    }

    #[test]
    fn more_speakers_than_the_bound_are_ignored() {
        let now = Instant::now();
        let mut selector: Selector<usize> = Selector::new();
        for key in 0..=MAX_SPEAKERS {
            selector.observe(now, key, AudioLevel { below_full_scale_db: 20, voice: true });
        }
        assert_eq!(selector.speakers.len(), MAX_SPEAKERS);
    }

    proptest! {
        #[test]
        fn nobody_has_two_slots_and_nobody_moves_between_slots(
            steps in proptest::collection::vec((0u32..8, 0u8..128, 0u64..60, any::<bool>()), 1..600),
        ) {
            let mut now = Instant::now();
            let (mut selector, mut twin) = (Selector::<u32>::new(), Selector::<u32>::new());
            let mut before = [None; 3];
            for (key, below_full_scale_db, pause, leaves) in steps {
                now += Duration::from_millis(pause);
                if leaves && below_full_scale_db > 120 {
                    selector.remove(key);
                    twin.remove(key);
                    before = before.map(|held| held.filter(|held| *held != key));
                }
                let level = AudioLevel { below_full_scale_db, voice: below_full_scale_db < 60 };
                selector.observe(now, key, level);
                twin.observe(now, key, level);
                let slots = *selector.select(now);
                prop_assert_eq!(&slots, twin.select(now));
                for (slot, held) in slots.iter().enumerate().filter_map(|(slot, held)| Some((slot, (*held)?))) {
                    let places = slots.iter().filter(|other| **other == Some(held)).count();
                    let moved = before.iter().position(|other| *other == Some(held)).is_some_and(|was| was != slot);
                    prop_assert!(places == 1 && !moved, "{:?} {:?}", before, slots);
                }
                before = slots;
            }
        }
    }
}
