//! Sequence numbers wrap at 65536; this gives them a line.

/// Whether `a` comes after `b` on the circle of sequence numbers (RFC 1982 with 16 bits). Never true for `a == b`.
#[inline]
#[must_use]
pub const fn is_newer(a: u16, b: u16) -> bool {
    distance(a, b) > 0
}

/// Steps from `b` forward to `a`: negative when `a` is older. The farthest point (32768 away) counts as older.
#[inline]
#[must_use]
pub const fn distance(a: u16, b: u16) -> i16 {
    a.wrapping_sub(b) as i16
}

/// The number on the line that is nearest to `near` and has the low 16 bits `sequence`.
#[inline]
#[must_use]
pub const fn unwrap_near(near: u64, sequence: u16) -> u64 {
    near.wrapping_add_signed(distance(sequence, near as u16) as i64)
}

/// Turns wrapping sequence numbers into indices which only grow, relative to the newest one seen.
///
/// The first number is placed in cycle 1 (`65536 + sequence`), so that packets older than the first have an index too.
/// It is not an SRTP index, which starts in cycle 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceUnwrapper {
    newest: Option<u64>,
}

impl SequenceUnwrapper {
    /// The index of `sequence`; remembers it when it is the newest. Jumps of 32768 and more count as going back.
    #[inline]
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let index = self.peek(sequence);
        self.newest = self.newest.max(Some(index));
        index
    }

    /// The index `sequence` would get, without remembering it.
    #[inline]
    #[must_use]
    pub fn peek(&self, sequence: u16) -> u64 {
        match self.newest {
            Some(newest) => unwrap_near(newest, sequence),
            None => 65536 + u64::from(sequence),
        }
    }

    /// The newest index so far.
    #[inline]
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn newer_is_judged_across_the_wrap() {
        assert!(is_newer(0, 65535) && is_newer(100, 65500) && is_newer(32767, 0));
        assert!(!is_newer(65535, 0) && !is_newer(5, 5) && !is_newer(32768, 0) && !is_newer(0, 32768));
    }

    #[test]
    fn packets_older_than_the_first_have_an_index_below_it() {
        let mut unwrapper = SequenceUnwrapper::default();
        let first = unwrapper.unwrap(0);
        assert_eq!(unwrapper.unwrap(65535), first - 1);
        assert_eq!(unwrapper.unwrap(1), first + 1);
        assert_eq!(unwrapper.newest(), Some(first + 1));
    }

    proptest! {
        #[test]
        fn indices_follow_any_walk_of_small_steps(start: u16, steps in proptest::collection::vec(-3000i64..3000, 1..200)) {
            let mut unwrapper = SequenceUnwrapper::default();
            let mut newest = unwrapper.unwrap(start);
            for step in steps {
                let target = newest.wrapping_add_signed(step);
                prop_assert_eq!(unwrapper.unwrap(target as u16), target);
                newest = newest.max(target);
                prop_assert_eq!(unwrapper.newest(), Some(newest));
            }
        }
    }
}
