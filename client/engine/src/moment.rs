//! Time as the engine knows it.

use std::ops::Add;
use std::time::Duration;

/// A point in time: the time since a start that the shell chose, for example the page's load.
///
/// Unlike `std::time::Instant` it exists on wasm32 and can be made up by tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(Duration);

impl Moment {
    /// The start itself.
    pub const START: Self = Self(Duration::ZERO);

    /// The moment this long after the start.
    #[must_use]
    pub const fn after_start(duration: Duration) -> Self {
        Self(duration)
    }

    /// The moment this many milliseconds after the start.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// How long after the start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// How long after `earlier`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}
