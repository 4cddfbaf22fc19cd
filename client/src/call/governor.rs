//! Lowers the effort of the background effects before pictures are lost, and raises it again when there is time.
//!
//! Pure: it is told once a second how the last one went. One step down after two bad seconds, so that a hiccup changes
//! nothing; one step up after ten good ones, twice as many after each step up that did not last.

use super::background::Background;

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
}

/// Fewer pictures a second than this are not enough for a conversation.
const FEWEST: u32 = 15;
/// More of the time between two pictures than this is too much: the encoder and the page want some as well.
const SHARE_MAX: f64 = 0.75;
/// So much of it may be taken by what the next step up is expected to take.
const SHARE_GOOD: f64 = 0.4;
/// Bad seconds before a step down, good ones before a step up, and the most that good ones are doubled to.
const BAD: u32 = 2;
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

    /// Something else begins: another camera or effect. What was learnt about the device stays.
    pub(crate) const fn restart(&mut self) {
        (self.settling, self.bad, self.good) = (SETTLING, 0, 0);
    }

    /// A second is over; returns the effort from now on when it changed.
    pub(crate) fn observe(&mut self, second: Second, background: Background) -> Option<Effort> {
        self.since_raise = self.since_raise.saturating_add(1);
        if self.settling > 0 {
            self.settling -= 1;
            return None;
        }
        let before = self.effort;
        if self.is_bad(second) {
            (self.bad, self.good) = (self.bad + 1, 0);
            if self.bad >= BAD {
                self.lower(background);
            }
        } else {
            (self.bad, self.good) = (0, if self.is_good(second) { self.good + 1 } else { 0 });
            if self.good >= self.patience {
                self.raise(background);
            }
        }
        (self.effort != before).then(|| {
            self.restart();
            self.effort
        })
    }

    fn is_bad(&self, second: Second) -> bool {
        let asked = second.finished + second.dropped;
        let is_losing = second.dropped > 0 && second.finished < FEWEST && asked >= FEWEST;
        second.is_pressed || is_losing || share(second, 1.0) > SHARE_MAX
    }

    /// Whether the step above would fit with room to spare.
    fn is_good(&self, second: Second) -> bool {
        let factor = match self.effort {
            Effort::Full | Effort::Off => return false,
            Effort::EverySecond => 1.6,
            Effort::Small => 2.5,
            Effort::LightBlur | Effort::Picture => 1.2,
        };
        !second.is_pressed && share(second, factor) < SHARE_GOOD
    }

    fn lower(&mut self, background: Background) {
        if self.since_raise < RELAPSE {
            self.patience = (2 * self.patience).min(GOOD_MAX);
        }
        self.effort = steps(background).find(|step| *step > self.effort).unwrap_or(Effort::Off);
    }

    fn raise(&mut self, background: Background) {
        let above = steps(background).filter(|step| *step < self.effort).last();
        self.effort = above.unwrap_or(Effort::Full);
        self.since_raise = 0;
    }
}

/// The steps that save something with this background.
fn steps(background: Background) -> impl Iterator<Item = Effort> {
    let saves = move |step: &Effort| match step {
        Effort::LightBlur => background == Background::StrongBlur,
        Effort::Picture => matches!(background, Background::LightBlur | Background::StrongBlur),
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

    const BLUR: Background = Background::StrongBlur;

    fn second(finished: u32, dropped: u32, median_ms: f64) -> Second {
        Second { finished, dropped, median_ms, is_pressed: false }
    }

    /// Observes the same for so many seconds; returns the changes.
    fn pass(governor: &mut Governor, seconds: u32, each: Second, background: Background) -> Vec<Effort> {
        (0..seconds).filter_map(|_| governor.observe(each, background)).collect()
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
        let steps = pass(&mut governor, 60, slow, Background::Own);
        assert_eq!(steps, [Effort::EverySecond, Effort::Small, Effort::Off], "no blur to be made lighter");
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
