//! A meeting's passcode, of which only a digest is kept, and the patience with those who do not know it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::mark::{Mark, Salt};
use super::window::Window;

/// Wrong passcodes of one address within [`SPAN`].
const WRONG_PER_ADDRESS: usize = 5;
/// Wrong passcodes of all addresses within [`SPAN`]: guessing from many places is no faster.
const WRONG_IN_ALL: usize = 60;
const SPAN: Duration = Duration::from_secs(60);
/// Addresses that are remembered; the one that was wrong first is forgotten first. The bound for all holds then too.
const ADDRESSES_MAX: usize = 256;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    Right,
    Wrong,
    /// Too many were wrong lately: it was not even looked at.
    TooMany,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Attempts {
    by_address: VecDeque<(IpAddr, Window)>,
    all: Window,
}

impl Attempts {
    pub(super) const fn new() -> Self {
        Self { by_address: VecDeque::new(), all: Window::new(WRONG_IN_ALL, SPAN) }
    }

    /// Looks at a passcode, unless too many were wrong.
    pub(super) fn attempt(&mut self, now: Instant, from: IpAddr, expected: &Mark, said: &Mark) -> Attempt {
        let of_address = self.by_address.iter_mut().find(|(address, _)| *address == from);
        if of_address.is_some_and(|(_, window)| window.is_full(now)) || self.all.is_full(now) {
            return Attempt::TooMany;
        }
        if expected == said {
            return Attempt::Right;
        }
        self.all.take(now);
        if let Some((_, window)) = self.by_address.iter_mut().find(|(address, _)| *address == from) {
            window.take(now);
        } else {
            if self.by_address.len() >= ADDRESSES_MAX {
                self.by_address.pop_front();
            }
            let mut window = Window::new(WRONG_PER_ADDRESS, SPAN);
            window.take(now);
            self.by_address.push_back((from, window));
        }
        Attempt::Wrong
    }
}

/// When to try again after [`Attempt::TooMany`], in seconds.
pub(super) const RETRY_AFTER_S: u32 = SPAN.as_secs() as u32;

/// What is kept of a passcode.
pub(super) fn digest(salt: &Salt, passcode: &str) -> Mark {
    salt.mark("passcode", passcode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn an_address_that_guesses_has_to_wait_and_others_do_not() {
        let salt = Salt::new([1; 16]);
        let (right, wrong) = (digest(&salt, "right"), digest(&salt, "wrong"));
        let (now, mut attempts) = (Instant::now(), Attempts::new());
        for _ in 0..WRONG_PER_ADDRESS {
            assert_eq!(attempts.attempt(now, address(1), &right, &wrong), Attempt::Wrong);
        }
        assert_eq!(
            attempts.attempt(now, address(1), &right, &right),
            Attempt::TooMany,
            "right, but too late"
        );
        assert_eq!(attempts.attempt(now, address(2), &right, &right), Attempt::Right);
        assert_eq!(attempts.attempt(now + SPAN, address(1), &right, &right), Attempt::Right);
    }

    #[test]
    fn many_addresses_guess_no_faster_and_are_not_all_remembered() {
        let salt = Salt::new([1; 16]);
        let (right, wrong) = (digest(&salt, "right"), digest(&salt, "wrong"));
        let (mut now, mut attempts) = (Instant::now(), Attempts::new());
        let mut looked_at = 0;
        for number in 0..10_000_u16 {
            now += Duration::from_millis(10);
            let from = IpAddr::from([10, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]]);
            looked_at += usize::from(attempts.attempt(now, from, &right, &wrong) == Attempt::Wrong);
        }
        assert!(looked_at <= 2 * WRONG_IN_ALL, "100 seconds: {looked_at}");
        assert!(attempts.by_address.len() <= ADDRESSES_MAX);
    }

    #[test]
    fn a_right_passcode_costs_nothing() {
        let right = digest(&Salt::new([1; 16]), "right");
        let (now, mut attempts) = (Instant::now(), Attempts::new());
        assert!((0..1000).all(|_| attempts.attempt(now, address(1), &right, &right) == Attempt::Right));
    }
}
