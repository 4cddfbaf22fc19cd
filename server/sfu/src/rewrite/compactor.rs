//! Numbers that close up over what is left out.

use super::Refused;

/// Renumbers a growing series from which some numbers are left out, with a window for late ones.
#[derive(Clone, Debug)]
pub(super) struct Compactor<const WORDS: usize> {
    pub(super) first: u64,
    pub(super) newest: u64,
    /// Numbers left out up to `newest`.
    skipped: u64,
    /// One bit per number of the window that ends with `newest`: left out.
    bits: [u64; WORDS],
}

impl<const WORDS: usize> Compactor<WORDS> {
    pub(super) const WINDOW: u64 = 64 * WORDS as u64;

    pub(super) fn starting_at(first: u64) -> Self {
        Self { first, newest: first, skipped: 0, bits: [0; WORDS] }
    }

    /// `number` minus how many before it were left out.
    #[inline]
    pub(super) fn map(&self, number: u64) -> Result<u64, Refused> {
        if number >= self.newest {
            let skipped = number == self.newest && self.is_skipped(number);
            return if skipped { Err(Refused::Skipped) } else { Ok(number - self.skipped) };
        }
        if number < self.first {
            return Err(Refused::BeforeSwitch);
        }
        if self.newest - number >= Self::WINDOW {
            return Err(Refused::TooOld);
        }
        if self.is_skipped(number) {
            return Err(Refused::Skipped);
        }
        let later: u32 = Self::spans(number + 1, self.newest)
            .map(|(word, mask)| (self.bits[word] & mask).count_ones())
            .sum();
        Ok(number + u64::from(later) - self.skipped)
    }

    /// Makes `number` part of the window.
    #[inline]
    pub(super) fn advance(&mut self, number: u64) {
        if number <= self.newest {
            return;
        }
        if number - self.newest >= Self::WINDOW {
            self.bits = [0; WORDS];
        } else {
            for (word, mask) in Self::spans(self.newest + 1, number) {
                self.bits[word] &= !mask;
            }
        }
        self.newest = number;
    }

    /// Leaves out `number`, which must be newer than all others.
    #[inline]
    pub(super) fn skip(&mut self, number: u64) {
        self.advance(number);
        self.bits[(number / 64) as usize % WORDS] |= 1 << (number % 64);
        self.skipped += 1;
    }

    #[inline]
    pub(super) fn is_skipped(&self, number: u64) -> bool {
        self.bits[(number / 64) as usize % WORDS] >> (number % 64) & 1 == 1
    }

    /// Words and masks that cover the bits of `from..=to`.
    #[inline]
    fn spans(mut from: u64, to: u64) -> impl Iterator<Item = (usize, u64)> {
        std::iter::from_fn(move || {
            if from > to {
                return None;
            }
            let bit = from % 64;
            let len = (64 - bit).min(to - from + 1);
            let span = ((from / 64) as usize % WORDS, u64::MAX >> (64 - len) << bit);
            from += len;
            Some(span)
        })
    }
}
