//! What a listener hears and a viewer sees of what comes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Pictures over whose distances a freeze is judged.
const RECENT: usize = 30;
/// What a freeze is longer than an ordinary distance by, at least.
const FREEZE: Duration = Duration::from_millis(150);

/// The frames of one source, from their capture to their being played.
#[derive(Debug, Default)]
pub(super) struct Playback {
    /// How long after its capture a frame is to be played.
    delay: Duration,
    frames: Vec<Frame>,
    /// Place of a frame in `frames`, by its number.
    places: BTreeMap<u32, usize>,
    /// The first picture that is neither shown nor passed over.
    next: usize,
    /// When pictures were shown.
    shown: Vec<Duration>,
}

#[derive(Debug, Clone)]
struct Frame {
    at: Duration,
    is_key: bool,
    /// Numbers of its packets that are still missing.
    missing: BTreeSet<u32>,
    whole_at: Option<Duration>,
}

impl Playback {
    /// From now on frames are to be played so long after their capture.
    pub(super) const fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// A frame with this number was captured, and leaves in these packets.
    pub(super) fn sent(&mut self, at: Duration, number: u32, is_key: bool, packets: BTreeSet<u32>) {
        self.places.insert(number, self.frames.len());
        self.frames.push(Frame { at, is_key, missing: packets, whole_at: None });
    }

    /// A packet of a frame has come.
    pub(super) fn came(&mut self, now: Duration, number: u32, packet: u32) {
        let Some(frame) = self.places.get(&number).and_then(|place| self.frames.get_mut(*place)) else {
            return;
        };
        frame.missing.remove(&packet);
        if frame.missing.is_empty() {
            frame.whole_at.get_or_insert(now);
        }
    }

    /// Shows what is due and can be decoded: the next picture, or a later key frame when the next has not come.
    pub(super) fn show(&mut self, now: Duration) {
        while let Some(first) = self.frames.get(self.next..).and_then(<[Frame]>::first) {
            let later = self.frames[self.next..].iter().take_while(|frame| frame.at + self.delay <= now);
            let is_next = first.whole_at.is_some();
            let mut candidates = later.enumerate().filter(|(_, frame)| frame.whole_at.is_some());
            let Some((ahead, _)) = candidates.find(|(ahead, frame)| *ahead == 0 && is_next || frame.is_key)
            else {
                return;
            };
            self.shown.push(now);
            self.next += ahead + 1;
        }
    }

    /// The share of the frames captured in this time that had not come when they were to be played (W3C WebRTC statistics:
    /// concealedSamples).
    pub(super) fn concealed(&self, from: Duration, to: Duration) -> f64 {
        let due = self.frames.iter().filter(|frame| (from..to).contains(&frame.at));
        let in_time = |frame: &&Frame| frame.whole_at.is_some_and(|at| at <= frame.at + self.delay);
        let (all, heard) = (due.clone().count(), due.filter(in_time).count());
        1.0 - heard as f64 / all.max(1) as f64
    }

    /// The share of this time during which the picture stood still (W3C WebRTC statistics: totalFreezesDuration): the distance to the
    /// picture before was more than three times the average of the last 30, and more than the average and 150 ms.
    pub(super) fn frozen(&self, from: Duration, to: Duration) -> f64 {
        let mut recent: VecDeque<Duration> = VecDeque::with_capacity(RECENT);
        let mut frozen = Duration::ZERO;
        // Who sees nothing any more sees it until the end.
        for pair in self.shown.iter().copied().chain([to]).collect::<Vec<_>>().windows(2) {
            let distance = pair[1].saturating_sub(pair[0]);
            let average = recent.iter().sum::<Duration>() / recent.len().max(1) as u32;
            let is_frozen = distance >= (3 * average).max(average + FREEZE);
            if is_frozen && pair[1] > from && pair[0] < to {
                frozen += pair[1].min(to) - pair[0].max(from);
            }
            if recent.len() == RECENT {
                recent.pop_front();
            }
            recent.push_back(distance);
        }
        if self.shown.first().is_none_or(|first| *first >= to) {
            return 1.0;
        }
        frozen.as_secs_f64() / (to - from).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING: Duration = Duration::from_millis(40);

    /// A hundred pictures, every tenth a key frame, of which those in `lost` never come.
    fn pictures(lost: std::ops::Range<u32>) -> Playback {
        let mut playback = Playback::default();
        for number in 0..100 {
            let at = number * SPACING;
            playback.sent(at, number, number % 10 == 0, BTreeSet::from([2 * number, 2 * number + 1]));
            if !lost.contains(&number) {
                playback.came(at, number, 2 * number);
                playback.came(at, number, 2 * number + 1);
            }
            playback.show(at);
        }
        playback
    }

    #[test]
    fn an_even_flow_is_never_frozen() {
        let playback = pictures(0..0);
        assert!(playback.frozen(Duration::ZERO, 100 * SPACING) < 1e-9);
        assert!(playback.concealed(Duration::ZERO, 100 * SPACING) < 1e-9);
    }

    #[test]
    fn a_lost_picture_freezes_until_the_next_key_frame() {
        // Shown are 51 and then 60: nine distances of a hundred.
        let frozen = pictures(52..53).frozen(Duration::ZERO, 100 * SPACING);
        assert!((frozen - 0.09).abs() < 0.001, "{frozen}");
        // From 58 to 60 is too short to be seen as a freeze.
        assert!(pictures(59..60).frozen(Duration::ZERO, 100 * SPACING) < 1e-9);
    }

    #[test]
    fn what_is_not_seen_until_the_end_is_frozen_until_the_end() {
        let frozen = pictures(51..100).frozen(Duration::ZERO, 100 * SPACING);
        assert!((frozen - 0.5).abs() < 0.001, "{frozen}");
        assert!((pictures(0..100).frozen(Duration::ZERO, SPACING) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_picture_that_is_asked_for_again_in_time_freezes_nothing() {
        for (delay, is_frozen) in [(2, true), (7, false)] {
            let mut playback = Playback::default();
            playback.set_delay(delay * SPACING);
            for number in 0..50 {
                playback.sent(number * SPACING, number, number == 0, BTreeSet::from([number]));
                match number {
                    20 => {}
                    26 => [20, 26].iter().for_each(|number| playback.came(26 * SPACING, *number, *number)),
                    _ => playback.came(number * SPACING, number, number),
                }
                playback.show(number * SPACING);
            }
            assert_eq!(playback.frozen(Duration::ZERO, 40 * SPACING) > 0.0, is_frozen);
        }
    }

    #[test]
    fn a_frame_that_comes_too_late_is_concealed() {
        let mut playback = Playback::default();
        for number in 0..10 {
            playback.sent(number * SPACING, number, false, BTreeSet::from([number]));
            let takes = if number == 4 { 3 * SPACING } else { SPACING };
            playback.came(number * SPACING + takes, number, number);
        }
        playback.set_delay(2 * SPACING);
        let concealed = playback.concealed(Duration::ZERO, 10 * SPACING);
        assert!((concealed - 0.1).abs() < 1e-9, "{concealed}");
    }
}
