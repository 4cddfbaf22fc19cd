//! Notices that somebody speaks although their microphone is off.

use std::time::Duration;

use engine::Moment;

use super::level::BARS;

/// How often to look.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What was heard of the silenced microphone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MutedSpeech {
    /// Rises with every loud look and falls with every quiet one.
    loud: u32,
    told: Option<Moment>,
}

impl MutedSpeech {
    /// A look at the level meter, ten times a second. True when it is time to tell: somebody has spoken for about a second, and
    /// was not told for a while.
    pub(crate) fn is_to_be_told(&mut self, now: Moment, lit_bars: usize) -> bool {
        self.loud =
            if lit_bars >= SPEECH_BARS { self.loud + LOUDER } else { self.loud.saturating_sub(QUIETER) };
        let is_recent = self.told.is_some_and(|told| now.since(told) < TELL_INTERVAL);
        if self.loud < ENOUGH || is_recent {
            self.loud = self.loud.min(ENOUGH);
            return false;
        }
        *self = Self { loud: 0, told: Some(now) };
        true
    }
}

/// Somebody who speaks to the microphone, rather than in the next room.
const SPEECH_BARS: usize = BARS / 2;
/// A cough is no speech, a pause between two words does not end one: six of ten looks have to be loud.
const LOUDER: u32 = 2;
const QUIETER: u32 = 1;
const ENOUGH: u32 = 10;
/// Who is muted on purpose and talks to somebody beside them is not bothered all the time.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    /// When it was told, in tenths of a second.
    fn told(levels: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut speech = MutedSpeech::default();
        let tells = |(at, bars): (usize, usize)| {
            speech.is_to_be_told(Moment::from_millis(100 * at as u64), bars).then_some(at)
        };
        levels.into_iter().enumerate().filter_map(tells).collect()
    }

    #[test]
    fn speech_is_noticed_within_a_second_and_told_once_in_a_while() {
        let speech = [12, 13, 3, 12, 12, 14, 2, 12, 11, 12].into_iter().cycle();
        let times = told(speech.take(700));
        assert!(times[0] <= 10, "{times:?}");
        assert!(times.windows(2).all(|two| two[1] - two[0] >= 300), "{times:?}");
        assert_eq!(times.len(), 3);
    }

    #[test]
    fn coughs_knocks_and_the_next_room_are_not_speech() {
        assert_eq!(told([16, 16, 0, 0, 0, 0, 0, 0, 0, 0].into_iter().cycle().take(600)), Vec::<usize>::new());
        assert_eq!(told([6; 600]), Vec::<usize>::new());
    }
}
