//! Lowers the effort of the background effects before pictures are lost, and raises it again when there is time.
//!
//! Pure: it is told once a second how the last one went. One step down after two bad seconds, so that a hiccup changes
//! nothing; one step up after ten good ones, twice as many after each step up that did not last.
//!
//! Only effects that cannot keep up themselves end with the camera off. A device that is hot, or an encoder that gets
//! nowhere, takes effort from them as long as there is some to take, and is left alone then.

use super::background::{Background, Strength};
use super::encoder::{Encoded, Limitation};

/// How much effort is made, from the most to the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// The person is looked for in every picture, of the camera's full size.
    #[default]
    Full,
    /// In every second picture.
    EverySecond,
    /// And the camera gives 360 lines.
    Small,
    /// And the blur is light.
    LightBlur,
    /// And a plain picture stands in for the blur.
    Picture,
    /// Nothing that could be sent: the camera goes off, and the person is told.
    Off,
}

/// How a second went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Second {
    /// Pictures that were finished.
    pub(crate) finished: u32,
    /// Pictures that came while one was being worked on, or failed.
    pub(crate) dropped: u32,
    /// Half of the pictures took at most so long, in milliseconds.
    pub(crate) median_ms: f64,
    /// The device itself says that it has too much to do (W3C Compute Pressure: `serious` or `critical`).
    pub(crate) is_pressed: bool,
    /// What the encoder made of them; nothing before the meeting, and where the browser does not tell.
    pub(crate) encoded: Option<Encoded>,
}

/// What the effects are asked to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What lies behind the person.
    pub(crate) background: Background,
    /// How strong it is, if it is a blur.
    pub(crate) strength: Strength,
}

/// A step of the governor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// The effort until then.
    pub(crate) from: Effort,
    /// The effort from then on.
    pub(crate) to: Effort,
    /// Why.
    pub(crate) reason: Reason,
}

/// Why there was a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Pictures were lost.
    PicturesLost,
    /// They took nearly all of the time there is.
    NoTime,
    /// The device said that it has too much to do.
    Pressure,
    /// The encoder made too few frames of the pictures it got, and not for want of bandwidth.
    EncoderBehind,
    /// The encoder said that it would do more on a faster device.
    EncoderLimited,
    /// There was time to spare.
    TimeToSpare,
}

/// Fewer pictures a second than this are not enough for a conversation.
const FEWEST: u32 = 15;
/// More of the time between two pictures than this is too much: the encoder and the page want some as well.
const SHARE_MAX: f64 = 0.75;
/// So much of it may be taken by what the next step up is expected to take.
const SHARE_GOOD: f64 = 0.4;
/// Bad seconds before a step down, good ones before a step up, and the most that good ones are doubled to.
const BAD: u32 = 2;
/// The camera goes off only when it is certain that nothing else helps.
const BAD_BEFORE_OFF: u32 = 6;
const GOOD: u32 = 10;
const GOOD_MAX: u32 = 160;
/// After a change the first second says nothing yet.
const SETTLING: u32 = 1;
/// A relapse so soon after a step up means that it was too early.
const RELAPSE: u32 = 30;

/// See the [module](self).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Governor {
    effort: Effort,
    settling: u32,
    bad: u32,
    good: u32,
    /// Good seconds that the next step up takes.
    patience: u32,
    /// Seconds since the last step up.
    since_raise: u32,
}

impl Default for Governor {
    fn default() -> Self {
        let effort = Effort::Full;
        Self { effort, settling: SETTLING, bad: 0, good: 0, patience: GOOD, since_raise: RELAPSE }
    }
}

impl Governor {
    /// What is done now.
    pub(crate) const fn effort(&self) -> Effort {
        self.effort
    }

    /// How much is blurred now; nothing when something else is drawn.
    pub(crate) fn strength(&self, asked: Asked) -> Option<Strength> {
        asked.background.preset()?;
        match self.effort {
            Effort::Picture => None,
            Effort::LightBlur => Some(asked.strength.min(Strength::LIGHT)),
            Effort::Full | Effort::EverySecond | Effort::Small | Effort::Off => Some(asked.strength),
        }
    }

    /// Something else begins: another camera or effect. What was learnt about the device stays.
    pub(crate) const fn restart(&mut self) {
        (self.settling, self.bad, self.good) = (SETTLING, 0, 0);
    }

    /// A second is over; returns what changes, if anything does.
    pub(crate) fn observe(&mut self, second: Second, asked: Asked) -> Option<Step> {
        self.since_raise = self.since_raise.saturating_add(1);
        if self.settling > 0 {
            self.settling -= 1;
            return None;
        }
        let from = self.effort;
        let reason = self.trouble(second);
        if let Some(reason) = reason {
            (self.bad, self.good) = (self.bad + 1, 0);
            if self.bad >= BAD {
                self.lower(asked, reason, second.finished < FEWEST);
            }
        } else {
            (self.bad, self.good) = (0, if self.is_good(second) { self.good + 1 } else { 0 });
            if self.good >= self.patience {
                self.raise(asked);
            }
        }
        (self.effort != from).then(|| {
            self.restart();
            Step { from, to: self.effort, reason: reason.unwrap_or(Reason::TimeToSpare) }
        })
    }

    /// What was bad about a second, the worst first.
    fn trouble(&self, second: Second) -> Option<Reason> {
        let came = second.finished + second.dropped;
        if second.dropped > 0 && second.finished < FEWEST && came >= FEWEST {
            return Some(Reason::PicturesLost);
        }
        if share(second, 1.0) > SHARE_MAX {
            return Some(Reason::NoTime);
        }
        if second.is_pressed {
            return Some(Reason::Pressure);
        }
        let encoded = second.encoded?;
        // Nothing at all is what nobody watches: the server had it suspended.
        let is_few = encoded.frames_per_second > 0.0 && encoded.frames_per_second < f64::from(FEWEST);
        let is_behind = is_few && second.finished >= FEWEST;
        if is_behind && encoded.limitation != Limitation::Bandwidth {
            return Some(Reason::EncoderBehind);
        }
        // Browsers keep saying so after they have helped themselves: reason enough for the step that nobody sees, and no more.
        let is_limited = encoded.limitation == Limitation::Processor && self.effort == Effort::Full;
        is_limited.then_some(Reason::EncoderLimited)
    }

    /// Whether the step above would fit with room to spare.
    fn is_good(&self, second: Second) -> bool {
        let factor = match self.effort {
            Effort::Full | Effort::Off => return false,
            Effort::EverySecond => 1.6,
            Effort::Small => 2.5,
            Effort::LightBlur | Effort::Picture => 1.2,
        };
        let is_limited = second.encoded.is_some_and(|encoded| encoded.limitation == Limitation::Processor);
        !is_limited && share(second, factor) < SHARE_GOOD
    }

    fn lower(&mut self, asked: Asked, reason: Reason, are_few: bool) {
        let below = steps(asked).find(|step| *step > self.effort).unwrap_or(Effort::Off);
        let is_of_effects = matches!(reason, Reason::PicturesLost | Reason::NoTime);
        let is_lost = is_of_effects && are_few && self.bad >= BAD_BEFORE_OFF;
        if below == Effort::Off && !is_lost {
            return;
        }
        // The rest of the device may be what is too much: what the person chose to show is not taken away for that.
        if below > Effort::LightBlur && reason == Reason::Pressure {
            return;
        }
        if self.since_raise < RELAPSE {
            self.patience = (2 * self.patience).min(GOOD_MAX);
        }
        self.effort = below;
    }

    fn raise(&mut self, asked: Asked) {
        let above = steps(asked).filter(|step| *step < self.effort).last();
        self.effort = above.unwrap_or(Effort::Full);
        self.since_raise = 0;
    }
}

/// The steps that save something with what is asked.
fn steps(asked: Asked) -> impl Iterator<Item = Effort> {
    let is_blur = asked.background.preset().is_some();
    let saves = move |step: &Effort| match step {
        Effort::LightBlur => is_blur && asked.strength > Strength::LIGHT,
        Effort::Picture => is_blur,
        Effort::Full | Effort::EverySecond | Effort::Small | Effort::Off => true,
    };
    [Effort::Full, Effort::EverySecond, Effort::Small, Effort::LightBlur, Effort::Picture, Effort::Off]
        .into_iter()
        .filter(saves)
}

/// The share of the time that the pictures take, if each took `factor` times as long.
fn share(second: Second, factor: f64) -> f64 {
    f64::from(second.finished + second.dropped) * second.median_ms * factor / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLUR: Asked = Asked { background: Background::StrongBlur, strength: Strength::STRONG };
    const OWN: Asked = Asked { background: Background::Own, strength: Strength::STRONG };

    fn second(finished: u32, dropped: u32, median_ms: f64) -> Second {
        Second { finished, dropped, median_ms, ..Second::default() }
    }

    /// A second of effects without trouble, and an encoder.
    fn encoded(frames_per_second: f64, limitation: Limitation) -> Second {
        let encoded = Encoded { frames_per_second, limitation, ..Encoded::default() };
        Second { encoded: Some(encoded), ..second(30, 0, 7.0) }
    }

    /// Observes the same for so many seconds; returns the changes.
    fn pass(governor: &mut Governor, seconds: u32, each: Second, asked: Asked) -> Vec<Effort> {
        (0..seconds).filter_map(|_| governor.observe(each, asked)).map(|step| step.to).collect()
    }

    #[test]
    fn a_fast_device_is_left_alone() {
        let mut governor = Governor::default();
        assert_eq!(pass(&mut governor, 100, second(30, 0, 7.0), BLUR), []);
        assert_eq!(governor.effort(), Effort::Full);
    }

    #[test]
    fn one_bad_second_changes_nothing() {
        let mut governor = Governor::default();
        pass(&mut governor, 5, second(30, 0, 7.0), BLUR);
        assert_eq!(pass(&mut governor, 1, second(5, 25, 80.0), BLUR), []);
        assert_eq!(pass(&mut governor, 5, second(30, 0, 7.0), BLUR), []);
    }

    #[test]
    fn a_device_that_never_keeps_up_goes_down_every_step_in_order() {
        let mut governor = Governor::default();
        let slow = second(8, 22, 110.0);
        let steps = pass(&mut governor, 60, slow, BLUR);
        let expected = [Effort::EverySecond, Effort::Small, Effort::LightBlur, Effort::Picture, Effort::Off];
        assert_eq!(steps, expected);
        let mut governor = Governor::default();
        let steps = pass(&mut governor, 60, slow, OWN);
        assert_eq!(steps, [Effort::EverySecond, Effort::Small, Effort::Off], "no blur to be made lighter");
        let mut governor = Governor::default();
        let light = Asked { background: Background::LightBlur, strength: Strength::LIGHT };
        let expected = [Effort::EverySecond, Effort::Small, Effort::Picture, Effort::Off];
        assert_eq!(pass(&mut governor, 60, slow, light), expected, "light already");
    }

    #[test]
    fn what_takes_most_of_the_time_is_lowered_before_pictures_are_lost() {
        let mut governor = Governor::default();
        assert_eq!(pass(&mut governor, 4, second(30, 0, 27.0), BLUR), [Effort::EverySecond]);
    }

    #[test]
    fn a_device_that_says_it_is_too_hot_is_believed() {
        let mut governor = Governor::default();
        let pressed = Second { is_pressed: true, ..second(30, 0, 7.0) };
        assert_eq!(pass(&mut governor, 4, pressed, BLUR), [Effort::EverySecond]);
    }

    #[test]
    fn heat_and_encoders_take_effort_but_never_the_camera() {
        let pressed = Second { is_pressed: true, ..second(30, 0, 7.0) };
        let behind = encoded(9.0, Limitation::Processor);
        // For heat the blur stays: it may be of something else that the device does.
        for (each, count) in [(pressed, 3), (behind, 4)] {
            let mut governor = Governor::default();
            let steps = [Effort::EverySecond, Effort::Small, Effort::LightBlur, Effort::Picture];
            assert_eq!(pass(&mut governor, 100, each, BLUR), steps[..count]);
            let mut governor = Governor::default();
            assert_eq!(pass(&mut governor, 100, each, OWN), [Effort::EverySecond, Effort::Small]);
        }
    }

    #[test]
    fn an_encoder_that_the_network_limits_takes_nothing() {
        let mut governor = Governor::default();
        assert_eq!(pass(&mut governor, 100, encoded(9.0, Limitation::Bandwidth), BLUR), []);
    }

    #[test]
    fn an_encoder_that_had_to_reduce_its_pictures_takes_the_step_that_nobody_sees() {
        let mut governor = Governor::default();
        let limited = encoded(30.0, Limitation::Processor);
        assert_eq!(pass(&mut governor, 100, limited, BLUR), [Effort::EverySecond], "and does not climb");
        assert_eq!(pass(&mut governor, 100, encoded(30.0, Limitation::None), BLUR), [Effort::Full]);
    }

    #[test]
    fn what_nobody_watches_and_is_not_sent_takes_nothing() {
        let mut governor = Governor::default();
        assert_eq!(pass(&mut governor, 100, encoded(0.0, Limitation::None), BLUR), []);
    }

    #[test]
    fn a_few_bad_seconds_do_not_switch_the_camera_off() {
        let mut governor = Governor::default();
        let stalled = second(2, 0, 800.0);
        pass(&mut governor, 12, stalled, BLUR);
        assert_eq!(governor.effort(), Effort::Picture);
        assert_eq!(pass(&mut governor, 5, stalled, BLUR), []);
        assert_eq!(pass(&mut governor, 5, second(20, 0, 9.0), BLUR), []);
        assert_eq!(pass(&mut governor, 10, stalled, BLUR), [Effort::Off]);
    }

    #[test]
    fn an_encoder_is_not_blamed_for_pictures_that_never_came() {
        let mut governor = Governor::default();
        let dark = Second { finished: 10, ..encoded(10.0, Limitation::None) };
        assert_eq!(pass(&mut governor, 100, dark, BLUR), []);
    }

    #[test]
    fn the_light_blur_caps_what_was_chosen() {
        let strength = |effort, asked| Governor { effort, ..Governor::default() }.strength(asked);
        let weak = Asked { background: Background::LightBlur, strength: Strength::MIN };
        assert_eq!(strength(Effort::Small, BLUR), Some(Strength::STRONG));
        assert_eq!(strength(Effort::LightBlur, BLUR), Some(Strength::LIGHT));
        assert_eq!(strength(Effort::LightBlur, weak), Some(Strength::MIN), "never more than was asked for");
        assert_eq!(strength(Effort::Picture, BLUR), None);
        assert_eq!(strength(Effort::Full, OWN), None);
    }

    #[test]
    fn every_step_says_why() {
        let reason = |each: Second| {
            let mut governor = Governor::default();
            (0..4).find_map(|_| governor.observe(each, BLUR)).map(|step| step.reason)
        };
        assert_eq!(reason(second(8, 22, 110.0)), Some(Reason::PicturesLost));
        assert_eq!(reason(second(30, 0, 27.0)), Some(Reason::NoTime));
        assert_eq!(reason(Second { is_pressed: true, ..second(30, 0, 7.0) }), Some(Reason::Pressure));
        assert_eq!(reason(encoded(9.0, Limitation::None)), Some(Reason::EncoderBehind));
        assert_eq!(reason(encoded(30.0, Limitation::Processor)), Some(Reason::EncoderLimited));
        let mut governor = Governor::default();
        pass(&mut governor, 3, second(8, 22, 110.0), BLUR);
        let step = (0..20).find_map(|_| governor.observe(second(30, 0, 3.0), BLUR)).unwrap();
        assert_eq!(step, Step { from: Effort::EverySecond, to: Effort::Full, reason: Reason::TimeToSpare });
    }

    #[test]
    fn a_dark_room_where_the_camera_gives_ten_pictures_is_no_reason() {
        let mut governor = Governor::default();
        assert_eq!(pass(&mut governor, 60, second(10, 0, 8.0), BLUR), []);
    }

    #[test]
    fn it_climbs_back_and_waits_longer_after_every_relapse() {
        let mut governor = Governor::default();
        let (bad, good) = (second(10, 20, 90.0), second(30, 0, 3.0));
        assert_eq!(pass(&mut governor, 3, bad, BLUR), [Effort::EverySecond]);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let mut waited = 0;
            while governor.effort() != Effort::Full {
                governor.observe(good, BLUR);
                waited += 1;
            }
            waits.push(waited);
            pass(&mut governor, 3, bad, BLUR);
        }
        assert_eq!(waits, [11, 21, 41, 81, 161, 161, 161]);
    }

    #[test]
    fn it_does_not_climb_into_what_would_not_fit() {
        let mut governor = Governor::default();
        pass(&mut governor, 3, second(10, 20, 90.0), BLUR);
        // At 12 ms every second picture, 19 ms would be more than 40 % of the time.
        assert_eq!(pass(&mut governor, 200, second(30, 0, 12.0), BLUR), []);
    }
}
