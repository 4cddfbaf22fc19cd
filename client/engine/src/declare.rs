//! What the server shall know against what it was told.

use std::time::Duration;

use crate::moment::Moment;

/// A statement to the server that is repeated until told and desired are the same. Idempotent: setting
/// what is already told sends nothing; changes within `settle` and `interval` become one message.
#[derive(Debug, Clone)]
pub(crate) struct Declaration<T> {
    desired: T,
    /// Nothing: the server knows nothing of it yet.
    told: Option<T>,
    not_before: Moment,
    refusals: u32,
    pace: Pace,
}

/// How often a statement may be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// A change waits this long for the next one.
    pub(crate) settle: Duration,
    /// Shortest time between two messages.
    pub(crate) interval: Duration,
}

impl<T: Clone + PartialEq> Declaration<T> {
    pub(crate) const fn new(desired: T, pace: Pace) -> Self {
        Self { desired, told: None, not_before: Moment::START, refusals: 0, pace }
    }

    pub(crate) const fn desired(&self) -> &T {
        &self.desired
    }

    pub(crate) const fn told(&self) -> Option<&T> {
        self.told.as_ref()
    }

    /// Sets what the server shall know; says whether that is different from before.
    pub(crate) fn set(&mut self, now: Moment, desired: T) -> bool {
        if desired == self.desired {
            return false;
        }
        if !self.is_open() {
            self.not_before = self.not_before.max(now + self.pace.settle);
        }
        self.desired = desired;
        true
    }

    /// The server knows this now, for example from the roster.
    pub(crate) fn learn(&mut self, told: Option<T>) {
        self.told = told;
    }

    /// What to say now. Counts as told from here on.
    pub(crate) fn take_due(&mut self, now: Moment) -> Option<T> {
        if !self.is_open() || now < self.not_before {
            return None;
        }
        self.not_before = now + self.pace.interval;
        self.told = Some(self.desired.clone());
        self.told.clone()
    }

    /// The server did what was asked.
    pub(crate) const fn accepted(&mut self) {
        self.refusals = 0;
    }

    /// The server did not do it: say it again, later each time.
    pub(crate) fn refused(&mut self, now: Moment) {
        let doublings = self.refusals.min(REFUSAL_DOUBLINGS_MAX);
        self.refusals = self.refusals.saturating_add(1);
        self.not_before = now + REFUSAL_DELAY * 2u32.pow(doublings);
        self.told = None;
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        self.is_open().then_some(self.not_before)
    }

    fn is_open(&self) -> bool {
        self.told.as_ref() != Some(&self.desired)
    }
}

/// First wait after a refusal.
const REFUSAL_DELAY: Duration = Duration::from_secs(1);
/// 1 s · 2⁵ = 32 s is the longest wait.
const REFUSAL_DOUBLINGS_MAX: u32 = 5;
