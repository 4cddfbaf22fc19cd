//! Everything that is written with vector instructions beside its scalar twin: run by the unit tests here, and inside
//! WebAssembly by the tests that instantiate the module, because only there are the instructions the real ones.

use crate::compositor::twins::COMPOSITOR;
use crate::kernels::twins::KERNELS;

/// The largest difference that rounding may cause, for numbers around one.
pub(crate) const TOLERANCE: f32 = 2e-5;

/// A comparison by name; it returns the largest difference between the twins.
pub(crate) type Twins = (&'static str, fn() -> f32);

/// All comparisons.
pub(crate) fn all() -> impl Iterator<Item = Twins> {
    KERNELS.into_iter().chain(COMPOSITOR)
}

/// Numbers that look random and are the same everywhere (Marsaglia's xorshift).
#[derive(Debug)]
pub(crate) struct Random(u32);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9)
    }

    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// A number from −1 to 1.
    pub(crate) fn number(&mut self) -> f32 {
        self.bits() as f32 / (u32::MAX as f32 / 2.0) - 1.0
    }

    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.number()).collect()
    }

    /// Bytes, the extremes among them.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let byte = |bits: u32| match bits >> 28 {
            0 => 0,
            1 => 255,
            _ => (bits >> 16) as u8,
        };
        (0..count).map(|_| byte(self.bits())).collect()
    }
}

/// The largest difference of two rows of numbers; no number at all is the largest.
pub(crate) fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
    if one.len() != other.len() || one.iter().chain(other).any(|number| number.is_nan()) {
        return f32::MAX;
    }
    one.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_with_vectors_computes_what_its_scalar_twin_computes() {
        for (name, difference) in all() {
            let difference = difference();
            assert!(difference <= TOLERANCE, "{name}: {difference}");
        }
    }
}
