//! When a certificate is ordered. Pure.

use crate::access::UnixSeconds;

/// A certificate is renewed before less than this part of its lifetime is left...
const HELD_MIN: u64 = 3;
/// ...earlier by up to this part of it, so that servers that were started together do not ask together.
const SPREAD: u64 = 30;
/// The first pause after a failure; each further one is twice as long, up to [`PAUSE_MAX_S`]. Half of it is random. Let's
/// Encrypt takes five failed validations of a name an hour.
const PAUSE_S: u64 = 600;
const PAUSE_MAX_S: u64 = 6 * 3600;
/// Between two orders, whatever became of the first: an authority whose certificates have ended when they come is not asked
/// in a loop.
const PAUSE_MIN_S: u64 = 10;

/// From when to when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: UnixSeconds,
    pub(super) not_after: UnixSeconds,
}

/// When the next order is due, `held` being what is shown now. The last one ended at `ordered_at`, and `failures` in a row
/// have failed.
pub(super) fn next(
    held: Option<Validity>,
    failures: u32,
    ordered_at: Option<UnixSeconds>,
    random: u32,
) -> UnixSeconds {
    // An authority may write any time into a certificate.
    let part = |whole: u64| (u128::from(whole) * u128::from(random) / u128::from(u32::MAX)) as u64;
    let due = held.map_or(UnixSeconds(0), |held| {
        let lifetime = held.not_after.0.saturating_sub(held.not_before.0);
        let early = lifetime / HELD_MIN + part(lifetime / SPREAD);
        UnixSeconds(held.not_after.0.saturating_sub(early))
    });
    let Some(ordered_at) = ordered_at else { return due };
    let pause = match failures.checked_sub(1) {
        None => PAUSE_MIN_S,
        Some(earlier) => {
            let full = PAUSE_S.saturating_mul(1 << earlier.min(16)).min(PAUSE_MAX_S);
            full / 2 + part(full - full / 2)
        }
    };
    due.max(ordered_at.plus(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
    const DAY_S: u64 = 24 * 3600;

    #[test]
    fn without_a_certificate_one_is_ordered_at_once() {
        assert_eq!(next(None, 0, None, 7), UnixSeconds(0));
    }

    #[test]
    fn a_certificate_is_renewed_before_less_than_a_third_is_left() {
        let held = Some(Validity { not_before: NOW, not_after: NOW.plus(90 * DAY_S) });
        assert_eq!(next(held, 0, None, 0), NOW.plus(60 * DAY_S));
        assert_eq!(next(held, 0, None, u32::MAX), NOW.plus(57 * DAY_S));
        // Six days, as Let's Encrypt offers them.
        let short = Some(Validity { not_before: NOW, not_after: NOW.plus(6 * DAY_S) });
        assert_eq!(next(short, 0, None, 0), NOW.plus(4 * DAY_S));
    }

    #[test]
    fn after_failures_the_pauses_double_and_are_spread() {
        let check = |failures, least, most| {
            assert_eq!(next(None, failures, Some(NOW), 0), NOW.plus(least));
            assert_eq!(next(None, failures, Some(NOW), u32::MAX), NOW.plus(most));
        };
        check(1, 300, 600);
        check(2, 600, 1200);
        check(6, 9600, 19_200);
        check(7, 10_800, 21_600);
        check(1000, 10_800, 21_600);
    }

    #[test]
    fn nonsense_in_a_certificate_does_no_harm() {
        let backwards = Some(Validity { not_before: NOW, not_after: UnixSeconds(5) });
        assert_eq!(next(backwards, 0, None, u32::MAX), UnixSeconds(5));
        assert_eq!(next(backwards, 0, Some(NOW), u32::MAX), NOW.plus(10), "not in a loop");
        let endless = Some(Validity { not_before: UnixSeconds(0), not_after: UnixSeconds(1 << 40) });
        assert!(next(endless, 0, None, u32::MAX) < UnixSeconds(1 << 40));
    }
}
