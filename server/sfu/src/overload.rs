//! What is given up when the thread has more to do than it can: pictures first, voices never.
//!
//! Told how busy the thread was and what was dropped, it answers with a [`Level`]: one step up for every half second of
//! strain, one step down after a quiet while, which grows when the strain comes back at once.

use std::time::{Duration, Instant};

use crate::allocation::Demand;

/// Busier than this is strain: what is left is needed for bursts and for the kernel.
const STRAINED_PERMILLE: u32 = 850;
/// Calmer than this there is room for what was given up: a level saves a quarter and more.
const CALM_PERMILLE: u32 = 600;
/// Time that a step takes to show.
const STEP: Duration = Duration::from_millis(500);
/// Calm that is needed before something is given back.
const CALM_MIN: Duration = Duration::from_secs(3);
/// It doubles up to this, each time that the strain comes back soon.
const CALM_MAX: Duration = Duration::from_secs(60);
/// Strain this soon after something was given back comes from that.
const SOON: Duration = Duration::from_secs(10);
/// Tiles of up to this height are thumbnails.
const THUMBNAIL_HEIGHT: u16 = 240;

/// How much is given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    #[default]
    Everything,
    /// Thumbnails get their cheapest quality.
    SmallThumbnails,
    /// All cameras do.
    SmallCameras,
    /// And every viewer sees only the most important camera, and screens.
    OneCamera,
}

impl Level {
    const fn up(self) -> Self {
        match self {
            Self::Everything => Self::SmallThumbnails,
            Self::SmallThumbnails => Self::SmallCameras,
            Self::SmallCameras | Self::OneCamera => Self::OneCamera,
        }
    }

    const fn down(self) -> Self {
        match self {
            Self::OneCamera => Self::SmallCameras,
            Self::SmallCameras => Self::SmallThumbnails,
            Self::SmallThumbnails | Self::Everything => Self::Everything,
        }
    }

    /// Whether somebody new may come in: not while others are given less for want of time.
    pub(crate) const fn admits(self) -> bool {
        matches!(self, Self::Everything)
    }

    /// When somebody who was refused may try again, in seconds.
    pub(crate) const fn retry_after_s(self) -> u32 {
        match self {
            Self::Everything | Self::SmallThumbnails => 5,
            Self::SmallCameras => 10,
            Self::OneCamera => 20,
        }
    }

    /// Takes from one viewer's demands what this level gives up; what remains is allocated as ever. True for each
    /// demand that is paused altogether.
    pub(crate) fn shed(self, demands: &mut [Demand]) -> Vec<bool> {
        let kept = match self {
            Self::OneCamera => demands
                .iter()
                .enumerate()
                .filter(|(_, demand)| !demand.is_screen && !demand.qualities.is_empty())
                .max_by_key(|(at, demand)| (demand.priority, demand.tile_height, std::cmp::Reverse(*at)))
                .map(|(at, _)| at),
            Self::Everything | Self::SmallThumbnails | Self::SmallCameras => None,
        };
        let shed = |(at, demand): (usize, &mut Demand)| {
            let is_small = demand.tile_height <= THUMBNAIL_HEIGHT;
            let is_cheap = self >= Self::SmallCameras || self == Self::SmallThumbnails && is_small;
            if demand.is_screen || demand.qualities.is_empty() {
                return false;
            }
            let is_paused = self == Self::OneCamera && kept != Some(at);
            demand.qualities.truncate(if is_paused {
                0
            } else if is_cheap {
                1
            } else {
                usize::MAX
            });
            is_paused
        };
        demands.iter_mut().enumerate().map(shed).collect()
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Overload {
    level: Level,
    changed: Option<Instant>,
    calm_since: Option<Instant>,
    /// When something was last given back.
    relaxed: Option<Instant>,
    /// Steps of [`CALM_MIN`], doubled so many times.
    relapses: u32,
}

impl Overload {
    pub(crate) const fn level(&self) -> Level {
        self.level
    }

    /// The thread worked for so many thousandths of the last moments, and `drops` packets found their queue full.
    pub(crate) fn update(&mut self, now: Instant, busy_permille: u32, drops: u64) -> Level {
        let since = |at: Option<Instant>| at.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        if busy_permille >= STRAINED_PERMILLE || drops > 0 {
            self.calm_since = None;
            if since(self.changed) >= STEP && self.level != Level::OneCamera {
                if since(self.relaxed.take()) < SOON {
                    self.relapses += 1;
                }
                self.level = self.level.up();
                self.changed = Some(now);
            }
        } else if busy_permille >= CALM_PERMILLE {
            self.calm_since = None;
        } else if self.level != Level::Everything {
            let calm_since = *self.calm_since.get_or_insert(now);
            let needed = (CALM_MIN * (1 << self.relapses.min(5))).min(CALM_MAX);
            if now.saturating_duration_since(calm_since) >= needed {
                self.level = self.level.down();
                (self.changed, self.relaxed) = (Some(now), Some(now));
                self.calm_since = None;
            }
        } else if since(self.changed) >= CALM_MAX {
            self.relapses = 0;
        }
        self.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::Quality;

    /// Feeds one measurement every quarter of a second and gives the level after each.
    fn levels(overload: &mut Overload, now: &mut Instant, busy_permille: u32, quarters: usize) -> Vec<Level> {
        let mut step = || {
            *now += Duration::from_millis(250);
            overload.update(*now, busy_permille, 0)
        };
        (0..quarters).map(|_| step()).collect()
    }

    #[test]
    fn strain_gives_up_more_and_more_and_calm_gives_it_back_step_by_step() {
        use Level::{Everything, OneCamera, SmallCameras, SmallThumbnails};
        let (mut overload, mut now) = (Overload::default(), Instant::now());
        assert_eq!(levels(&mut overload, &mut now, 840, 40).last(), Some(&Everything));
        let up = levels(&mut overload, &mut now, 900, 6);
        assert_eq!(up, [SmallThumbnails, SmallThumbnails, SmallCameras, SmallCameras, OneCamera, OneCamera]);
        assert_eq!(levels(&mut overload, &mut now, 700, 100).last(), Some(&OneCamera), "neither");
        let down = levels(&mut overload, &mut now, 500, 39);
        let count = |level| down.iter().filter(|other| **other == level).count();
        assert_eq!((count(OneCamera), count(SmallCameras), count(SmallThumbnails)), (12, 13, 13));
        assert_eq!(down.last(), Some(&Everything));
    }

    #[test]
    fn strain_that_comes_back_at_once_makes_the_next_try_later() {
        let (mut overload, mut now) = (Overload::default(), Instant::now());
        let mut tries = Vec::new();
        for _ in 0..4 {
            while levels(&mut overload, &mut now, 900, 1) != [Level::SmallThumbnails] {}
            let from = now;
            while levels(&mut overload, &mut now, 500, 1) != [Level::Everything] {}
            tries.push((now - from).as_secs());
        }
        assert_eq!(tries, [3, 6, 12, 24]);
    }

    #[test]
    fn a_full_queue_is_strain_whatever_the_clock_says() {
        let mut overload = Overload::default();
        assert_eq!(overload.update(Instant::now(), 100, 1), Level::SmallThumbnails);
        assert!(!overload.level().admits());
    }

    #[test]
    fn thumbnails_go_first_then_all_cameras_and_screens_never() {
        let quality =
            |height: u16| Quality { bps: u64::from(height) * 1000, height, frame_rate_percent: 100 };
        let demand = |tile_height, priority, is_screen| Demand {
            priority,
            is_screen,
            tile_height,
            qualities: [180, 360, 720].map(quality).to_vec(),
        };
        let check = |level: Level, expected: [usize; 4]| {
            let mut demands =
                [demand(180, 1, false), demand(720, 1, false), demand(720, 2, false), demand(1080, 1, true)];
            let paused = level.shed(&mut demands);
            assert_eq!(demands.each_ref().map(|demand| demand.qualities.len()), expected, "{level:?}");
            assert_eq!(paused, expected.map(|left| left == 0), "{level:?}");
        };
        check(Level::Everything, [3, 3, 3, 3]);
        check(Level::SmallThumbnails, [1, 3, 3, 3]);
        check(Level::SmallCameras, [1, 1, 1, 3]);
        check(Level::OneCamera, [0, 0, 1, 3]);
    }
}
