//! What takes the noise out of the own sound, and when ours is given up.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Moment;

/// Who takes the noise out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NoiseSuppression {
    /// The browser, with what it has.
    #[default]
    Browser,
    /// Our own network, in a worklet.
    Own,
    /// A larger one, in a worker: better, later, and more work for the device.
    High,
}

impl NoiseSuppression {
    /// Under what it is remembered; tests depend on it as well.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Own => "own",
            Self::High => "high",
        }
    }

    /// What was remembered under this name; the browser's for one that nobody knows.
    pub(crate) fn remembered(name: &str) -> Self {
        [Self::Browser, Self::Own, Self::High].into_iter().find(|one| one.name() == name).unwrap_or_default()
    }
}

/// How our own is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SuppressionState {
    /// It is not wanted, or there is no microphone.
    #[default]
    Idle,
    /// It is being loaded, or the browser holds it back: sound is sent as it is.
    Starting,
    /// What is sent went through it.
    Running,
    /// It does not work here: the browser's is used instead.
    Failed,
}

impl SuppressionState {
    /// For `data-state`: stable, tests depend on it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Failed => "failed",
        }
    }
}

/// Whether the person is hearing what the suppression does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Listening {
    /// No.
    #[default]
    Idle,
    /// What they say is being recorded.
    Recording,
    /// The recording is being played.
    Playing {
        /// Without its noise.
        is_after: bool,
    },
}

impl Listening {
    /// For `data-state`: stable, tests depend on it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Recording => "recording",
            Self::Playing { is_after: false } => "before",
            Self::Playing { is_after: true } => "after",
        }
    }
}

/// Less of the time than this processed means that sound is breaking up.
const SHARE_MIN: f64 = 0.85;
/// So often in a row is no hiccup, such as another speaker being plugged in.
const LATE_MAX: u32 = 3;
/// Looks further apart than this say nothing: the device slept, or the tab was held back.
const GAP_MAX: Duration = Duration::from_secs(5);

/// Watches whether the audio thread keeps up: the clock of its samples against the one on the wall.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watchdog {
    last: Option<(Moment, f64)>,
    late: u32,
}

impl Watchdog {
    /// Forgets what was seen: the audio thread stopped, or goes on after it had.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// A look at both clocks, about once a second; `processed` is in seconds of sound. Whether it has to be given up.
    pub(crate) fn is_in_trouble(&mut self, now: Moment, processed: f64) -> bool {
        let Some((before, processed_before)) = self.last.replace((now, processed)) else { return false };
        let passed = now.since(before);
        if passed.is_zero() || passed > GAP_MAX {
            self.late = 0;
            return false;
        }
        let share = (processed - processed_before) / passed.as_secs_f64();
        self.late = if share < SHARE_MIN { self.late + 1 } else { 0 };
        self.late >= LATE_MAX
    }
}

/// What frames of 10 ms without an answer in time are too much for: so many within such a time. A twentieth of a minute, or
/// a sixth of ten seconds; a hiccup of the machine is no reason, for after a second without any answer the worklet gives up itself.
const LATE_FRAMES_MAX: [(Duration, u32); 2] = [(Duration::from_mins(1), 300), (Duration::from_secs(10), 165)];

/// Counts the frames to which the larger network answered too late.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lateness {
    frames: u32,
    /// How many and when, of the last minute: at most one entry a second.
    told: VecDeque<(Moment, u32)>,
}

impl Lateness {
    /// So many frames were late since the beginning; told at most once a second. Whether it has to be given up.
    pub(crate) fn is_too_much(&mut self, now: Moment, frames: u32) -> bool {
        let late = frames.saturating_sub(std::mem::replace(&mut self.frames, frames));
        self.told.push_back((now, late));
        let [(longest, _), _] = LATE_FRAMES_MAX;
        self.told.retain(|(at, _)| now.since(*at) < longest);
        LATE_FRAMES_MAX.into_iter().any(|(time, most)| {
            let within = self.told.iter().filter(|(at, _)| now.since(*at) < time);
            within.map(|(_, late)| late).sum::<u32>() > most
        })
    }
}

/// The larger network is tried again after this long,
const PAUSE_MIN: Duration = Duration::from_secs(30);
/// after twice as long each time that it did not last, up to this,
const PAUSE_MAX: Duration = Duration::from_mins(16);
/// and it lasted when it ran for this long.
const LASTING: Duration = Duration::from_mins(2);

/// When the larger network is tried again, after it was too much for the device: devices have other things to do, and then
/// they have not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comeback {
    ran_since: Option<Moment>,
    given_up: Option<Moment>,
    /// Between the last time it was given up and the next trial.
    pause: Duration,
}

impl Comeback {
    /// The larger network runs from now on.
    pub(crate) const fn began(&mut self, now: Moment) {
        self.ran_since = Some(now);
        self.given_up = None;
    }

    /// It does not any more, or did not even begin.
    pub(crate) fn gave_up(&mut self, now: Moment) {
        let has_lasted = self.ran_since.take().is_some_and(|since| now.since(since) >= LASTING);
        self.pause = if has_lasted { PAUSE_MIN } else { (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX) };
        self.given_up = Some(now);
    }

    /// Whether to try it now; never before it was given up.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.given_up.is_some_and(|at| now.since(at) >= self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64) -> Moment {
        Moment::after_start(Duration::from_secs(number))
    }

    #[test]
    fn sound_that_keeps_up_is_no_trouble_and_one_hiccup_is_none_either() {
        let mut watchdog = Watchdog::default();
        let mut processed = 0.0;
        for number in 0..600 {
            processed += if number % 3 == 0 { 0.1 } else { 1.0 };
            assert!(!watchdog.is_in_trouble(second(number), processed), "second {number}");
        }
    }

    #[test]
    fn sound_that_breaks_up_for_three_seconds_is_trouble() {
        let mut watchdog = Watchdog::default();
        let looks: Vec<bool> =
            (0..4).map(|number| watchdog.is_in_trouble(second(number), 0.8 * number as f64)).collect();
        assert_eq!(looks, [false, false, false, true]);
    }

    #[test]
    fn a_device_that_slept_starts_anew() {
        let mut watchdog = Watchdog::default();
        for number in 0..3 {
            assert!(!watchdog.is_in_trouble(second(number), 0.0));
        }
        assert!(!watchdog.is_in_trouble(second(3600), 0.0), "an hour without a look");
        assert!(!watchdog.is_in_trouble(second(3601), 1.0));
        watchdog.restart();
        assert!(!watchdog.is_in_trouble(second(3602), 1.0));
    }

    /// In which second the larger network is given up, when `late` tells the late frames of each.
    fn given_up(late: impl Fn(u64) -> u32) -> Option<u64> {
        let mut lateness = Lateness::default();
        let mut frames = 0;
        (0..600).find(|number| {
            let now = late(*number);
            frames += now;
            // Nothing is told when nothing was late.
            now > 0 && lateness.is_too_much(second(*number), frames)
        })
    }

    #[test]
    fn frames_that_are_late_now_and_then_are_borne() {
        assert_eq!(given_up(|_| 5), None, "a twentieth of all");
        assert_eq!(
            given_up(|number| if number % 20 == 0 { 100 } else { 0 }),
            None,
            "a hiccup every twenty seconds"
        );
        assert_eq!(
            given_up(|number| if number % 60 < 3 { 50 } else { 0 }),
            None,
            "three bad seconds a minute"
        );
    }

    #[test]
    fn a_device_that_is_too_slow_is_noticed_the_sooner_the_slower_it_is() {
        assert_eq!(given_up(|_| 6), Some(50));
        assert_eq!(given_up(|_| 11), Some(27));
        assert_eq!(given_up(|_| 20), Some(8));
        assert_eq!(given_up(|_| 60), Some(2));
        assert_eq!(
            given_up(|number| if number % 5 == 0 { 100 } else { 0 }),
            Some(5),
            "two hiccups in ten seconds"
        );
    }

    #[test]
    fn what_was_late_is_forgiven_after_a_minute_of_good_answers() {
        let hiccups =
            |number: u64| if [0, 15, 30, 45, 110, 125, 140, 155].contains(&number) { 75 } else { 0 };
        assert_eq!(given_up(hiccups), None);
        assert_eq!(given_up(|number| hiccups(number) + if number == 59 { 41 } else { 0 }), Some(59));
    }

    #[test]
    fn the_larger_network_comes_back_later_each_time_that_it_does_not_last() {
        let mut comeback = Comeback::default();
        assert!(!comeback.is_due(second(3600)), "it was never given up");
        let mut now = 0;
        for pause in [30, 60, 120, 240, 480, 960, 960] {
            comeback.began(second(now));
            assert!(!comeback.is_due(second(now + 100)), "it runs");
            now += 119;
            comeback.gave_up(second(now));
            assert!(!comeback.is_due(second(now + pause - 1)), "{pause} s");
            assert!(comeback.is_due(second(now + pause)), "{pause} s");
            now += pause;
        }
        comeback.began(second(now));
        comeback.gave_up(second(now + 120));
        assert!(comeback.is_due(second(now + 150)), "it has lasted");
        comeback.gave_up(second(now + 151));
        assert!(!comeback.is_due(second(now + 210)), "it did not even begin");
        assert!(comeback.is_due(second(now + 211)));
    }

    #[test]
    fn what_is_remembered_comes_back_and_unknown_names_are_the_browsers() {
        for one in [NoiseSuppression::Browser, NoiseSuppression::Own, NoiseSuppression::High] {
            assert_eq!(NoiseSuppression::remembered(one.name()), one);
        }
        assert_eq!(NoiseSuppression::remembered("telepathy"), NoiseSuppression::Browser);
    }
}
