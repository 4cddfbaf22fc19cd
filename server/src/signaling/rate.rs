//! A token bucket that is told the time.

use std::time::{Duration, Instant};

/// Allows a burst, and after it an average rate.
#[derive(Debug, Clone)]
pub(crate) struct RateLimiter {
    /// Time until one token is back.
    interval: Duration,
    burst: u32,
    tokens: u32,
    /// Up to here tokens have been handed back.
    refilled_until: Instant,
}

impl RateLimiter {
    /// A full bucket of `burst` tokens that gets one back every `interval`, which must not be zero.
    pub(crate) fn new(interval: Duration, burst: u32, now: Instant) -> Self {
        assert!(!interval.is_zero(), "a token needs time to come back");
        Self { interval, burst, tokens: burst, refilled_until: now }
    }

    /// Takes one token. False: there is none; nothing was taken.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let is_allowed = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        is_allowed
    }

    /// How many tokens are left.
    pub(crate) fn left(&mut self, now: Instant) -> u32 {
        self.refill(now);
        self.tokens
    }

    /// How long until there is a token again; zero when there is one.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        self.refill(now);
        if self.tokens > 0 { Duration::ZERO } else { (self.refilled_until + self.interval) - now }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled_until);
        let earned = elapsed.as_nanos() / self.interval.as_nanos();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.tokens = self.tokens.saturating_add(earned).min(self.burst);
        // What does not make a whole token yet counts later; a full bucket earns nothing.
        let counted = self.interval.checked_mul(earned).unwrap_or(elapsed);
        self.refilled_until += if self.tokens == self.burst { elapsed } else { counted };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    #[test]
    fn a_burst_passes_and_the_next_message_does_not() {
        let now = Instant::now();
        let mut limiter = RateLimiter::new(INTERVAL, 3, now);
        assert!((0..3).all(|_| limiter.take(now)));
        assert!(!limiter.take(now));
    }

    #[test]
    fn a_token_is_back_after_the_interval_and_not_before() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(INTERVAL, 1, start);
        assert!(limiter.take(start));
        assert!(!limiter.take(start + Duration::from_millis(99)));
        assert!(limiter.take(start + Duration::from_millis(100)));
        assert!(!limiter.take(start + Duration::from_millis(199)));
        assert!(limiter.take(start + Duration::from_millis(200)));
    }

    #[test]
    fn it_tells_what_is_left_and_how_long_to_wait() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(INTERVAL, 2, start);
        assert_eq!((limiter.left(start), limiter.wait(start)), (2, Duration::ZERO));
        assert!(limiter.take(start) && limiter.take(start));
        let later = start + Duration::from_millis(30);
        assert_eq!((limiter.left(later), limiter.wait(later)), (0, Duration::from_millis(70)));
    }

    #[test]
    fn a_quiet_time_fills_the_bucket_and_no_more() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(INTERVAL, 2, start);
        let later = start + Duration::from_secs(1_000_000);
        assert!(limiter.take(later) && limiter.take(later));
        assert!(!limiter.take(later));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_plus_rate_passes(gaps_ms in proptest::collection::vec(0_u64..300, 1..200)) {
            let start = Instant::now();
            let mut limiter = RateLimiter::new(INTERVAL, 5, start);
            let mut now = start;
            let mut passed = 0_u128;
            for gap_ms in gaps_ms {
                now += Duration::from_millis(gap_ms);
                passed += u128::from(limiter.take(now));
                prop_assert!(passed <= 5 + now.duration_since(start).as_millis() / 100);
            }
        }
    }
}
