//! When a message is sent again, and when no more. Pure.

use crate::access::UnixSeconds;

/// The first pause; each further one is twice as long, up to [`PAUSE_MAX_S`].
const PAUSE_S: u64 = 5;
/// Twelve a day and more even at the end, so that an endpoint that is back gets everything soon.
const PAUSE_MAX_S: u64 = 3600;
/// What is older interests nobody.
pub(super) const AGE_MAX_S: u64 = 3 * 24 * 3600;
/// An endpoint that took nothing for so long is given up until the server is started again.
const FAILING_MAX_S: u64 = AGE_MAX_S;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Delivered,
    /// It was not, or nothing is known.
    Failed,
    /// The endpoint says that it is no more (410).
    Gone,
}

/// What becomes of a message after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Again, not before.
    Retry(UnixSeconds),
    /// Never again.
    GiveUp,
}

/// After so many attempts, the last of which has just failed. `random` spreads what failed together.
pub(super) fn fate(created_at: UnixSeconds, attempts: u32, now: UnixSeconds, random: u32) -> Fate {
    let full = PAUSE_S.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(PAUSE_MAX_S);
    // From half of it to all of it.
    let pause = full / 2 + (full - full / 2) * u64::from(random) / u64::from(u32::MAX);
    let again = now.plus(pause.max(1));
    if again >= created_at.plus(AGE_MAX_S) { Fate::GiveUp } else { Fate::Retry(again) }
}

/// Since when an endpoint fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Health {
    failing_since: Option<UnixSeconds>,
    is_disabled: bool,
}

impl Health {
    /// An attempt has ended. Returns whether the endpoint is given up by it.
    pub(super) fn observe(&mut self, outcome: Outcome, now: UnixSeconds) -> bool {
        let was_disabled = self.is_disabled;
        match outcome {
            Outcome::Delivered => *self = Self::default(),
            Outcome::Failed => {
                let since = *self.failing_since.get_or_insert(now);
                self.is_disabled |= now >= since.plus(FAILING_MAX_S);
            }
            Outcome::Gone => self.is_disabled = true,
        }
        self.is_disabled && !was_disabled
    }

    pub(super) const fn is_disabled(self) -> bool {
        self.is_disabled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    #[test]
    fn pauses_double_up_to_an_hour_and_are_spread() {
        let check = |attempts, least, most| {
            assert_eq!(fate(NOW, attempts, NOW, 0), Fate::Retry(NOW.plus(least)));
            assert_eq!(fate(NOW, attempts, NOW, u32::MAX), Fate::Retry(NOW.plus(most)));
        };
        check(1, 2, 5);
        check(2, 5, 10);
        check(3, 10, 20);
        check(11, 1800, 3600);
        check(1000, 1800, 3600);
    }

    #[test]
    fn an_old_message_is_given_up() {
        let late = NOW.plus(AGE_MAX_S - 3600);
        assert_eq!(fate(NOW, 50, late, u32::MAX), Fate::GiveUp);
        assert!(matches!(fate(NOW, 50, late, 0), Fate::Retry(_)));
    }

    #[test]
    fn an_endpoint_that_fails_for_days_is_given_up_once_and_one_success_mends_all() {
        let mut health = Health::default();
        assert!(!health.observe(Outcome::Failed, NOW));
        assert!(!health.observe(Outcome::Failed, NOW.plus(FAILING_MAX_S - 1)));
        assert!(!health.observe(Outcome::Delivered, NOW.plus(FAILING_MAX_S - 1)));
        assert!(!health.observe(Outcome::Failed, NOW.plus(FAILING_MAX_S)));
        assert!(health.observe(Outcome::Failed, NOW.plus(2 * FAILING_MAX_S)));
        assert!(!health.observe(Outcome::Failed, NOW.plus(2 * FAILING_MAX_S)), "it is said once");
        assert!(health.is_disabled());
    }

    #[test]
    fn an_endpoint_that_is_gone_is_given_up_at_once() {
        let mut health = Health::default();
        assert!(health.observe(Outcome::Gone, NOW));
    }
}
