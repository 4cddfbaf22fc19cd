//! At most so many in any span of time, counted exactly.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// See the [module](self).
#[derive(Debug, Clone)]
pub(crate) struct Window {
    max: usize,
    span: Duration,
    /// When the last were; at most `max`.
    taken: VecDeque<Instant>,
}

impl Window {
    /// At most `max` within `span`.
    pub(crate) const fn new(max: usize, span: Duration) -> Self {
        Self { max, span, taken: VecDeque::new() }
    }

    /// Whether one more would be too many.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        while self.taken.front().is_some_and(|at| now.saturating_duration_since(*at) >= self.span) {
            self.taken.pop_front();
        }
        self.taken.len() >= self.max
    }

    /// Takes one. False: it would be too many; nothing was taken.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let is_allowed = !self.is_full(now);
        if is_allowed {
            self.taken.push_back(now);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_span_holds_more_than_allowed(gaps_ms in proptest::collection::vec(0_u64..900, 1..200)) {
            let (start, span) = (Instant::now(), Duration::from_secs(2));
            let mut window = Window::new(5, span);
            let (mut now, mut passed) = (start, Vec::new());
            for gap_ms in gaps_ms {
                now += Duration::from_millis(gap_ms);
                if window.take(now) {
                    passed.push(now);
                }
            }
            for six in passed.windows(6) {
                prop_assert!(six[5] - six[0] >= span);
            }
        }
    }

    #[test]
    fn after_the_span_there_is_room_again() {
        let start = Instant::now();
        let mut window = Window::new(2, Duration::from_secs(1));
        assert!(window.take(start) && window.take(start) && !window.take(start));
        assert!(!window.take(start + Duration::from_millis(999)));
        assert!(window.take(start + Duration::from_secs(1)));
    }
}
