//! The rules of the meeting as a host wants them, from saying so until the server shows it.

use std::collections::VecDeque;
use std::time::Duration;

use shared::meeting::Policy;

use crate::moment::Moment;

/// The rules that were said and have not been seen yet. A change of one rule says all of them: what comes next has to
/// build on what was said last, or it would take that back.
#[derive(Debug, Default)]
pub(crate) struct SaidPolicies {
    /// Oldest first: the server goes through them in this order. At most [`SAID_MAX`], the oldest give way.
    said: VecDeque<Policy>,
    /// When they are given up.
    until: Option<Moment>,
}

impl SaidPolicies {
    /// What shall hold in the end; nothing: what the server shows.
    pub(crate) fn latest(&self) -> Option<Policy> {
        self.said.back().copied()
    }

    pub(crate) fn say(&mut self, now: Moment, policy: Policy) {
        if self.said.len() >= SAID_MAX {
            self.said.pop_front();
        }
        self.said.push_back(policy);
        self.until = Some(now + PATIENCE);
    }

    /// The server shows these rules: those that were said before them were shown or skipped.
    pub(crate) fn learn(&mut self, shown: Policy) {
        if let Some(at) = self.said.iter().position(|said| *said == shown) {
            self.said.drain(..=at);
        }
        if self.said.is_empty() {
            self.until = None;
        }
    }

    /// Nothing of it will come true: it was refused, or may never have arrived.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) const fn poll_timeout(&self) -> Option<Moment> {
        self.until
    }

    /// Gives up what was not seen for long, and says whether it did.
    pub(crate) fn handle_timeout(&mut self, now: Moment) -> bool {
        let is_late = self.until.is_some_and(|until| until <= now);
        if is_late {
            self.forget();
        }
        is_late
    }
}

/// More switches than fingers move in one round trip.
const SAID_MAX: usize = 16;
/// Rules that another host replaced at once are never seen: after this long, what the server shows is the truth.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const AT_FIRST: Moment = Moment::START;

    fn locked(locked: bool) -> Policy {
        Policy { locked, ..Policy::default() }
    }

    #[test]
    fn what_was_said_last_counts_until_it_is_shown() {
        let mut said = SaidPolicies::default();
        assert_eq!(said.latest(), None);
        let both = Policy { waiting_room: true, ..locked(true) };
        said.say(AT_FIRST, locked(true));
        said.say(AT_FIRST, both);
        said.learn(locked(true));
        assert_eq!(said.latest(), Some(both));
        said.learn(Policy::default());
        assert_eq!(said.latest(), Some(both), "something else changed meanwhile");
        said.learn(both);
        assert_eq!((said.latest(), said.poll_timeout()), (None, None));
    }

    #[test]
    fn a_switch_that_goes_forth_and_back_does_not_stop_half_way() {
        let mut said = SaidPolicies::default();
        for is_locked in [true, false, true] {
            said.say(AT_FIRST, locked(is_locked));
        }
        said.learn(locked(true));
        said.learn(locked(false));
        assert_eq!(said.latest(), Some(locked(true)));
        said.learn(locked(true));
        assert_eq!(said.latest(), None);
    }

    #[test]
    fn what_is_never_shown_is_given_up() {
        let mut said = SaidPolicies::default();
        said.say(AT_FIRST, locked(true));
        let late = said.poll_timeout().unwrap();
        assert!(!said.handle_timeout(AT_FIRST));
        assert!(said.handle_timeout(late));
        assert_eq!((said.latest(), said.poll_timeout()), (None, None));
    }

    #[test]
    fn a_finger_that_never_rests_fills_no_memory() {
        let mut said = SaidPolicies::default();
        for turn in 0..100 {
            said.say(AT_FIRST, locked(turn % 2 == 0));
        }
        assert_eq!((said.said.len(), said.latest()), (SAID_MAX, Some(locked(false))));
    }
}
