//! The lanes as arrays, for targets without WebAssembly's vectors.

use std::array::from_fn;
use std::ops::{Add, Div, Mul, Sub};

/// Four numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32x4([f32; 4]);

impl F32x4 {
    /// The same number in every lane.
    #[inline(always)]
    pub(crate) fn splat(x: f32) -> Self {
        Self([x; 4])
    }

    /// The numbers of an array.
    #[inline(always)]
    pub(crate) fn of(numbers: &[f32; 4]) -> Self {
        Self(*numbers)
    }

    /// Writes an array.
    #[inline(always)]
    pub(crate) fn write(self, numbers: &mut [f32; 4]) {
        *numbers = self.0;
    }

    /// self · factor + addend
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }

    /// The larger of both, lane by lane.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self(from_fn(|lane| if self.0[lane] > other.0[lane] { self.0[lane] } else { other.0[lane] }))
    }

    /// The smaller of both, lane by lane.
    #[inline(always)]
    pub(crate) fn min(self, other: Self) -> Self {
        Self(from_fn(|lane| if self.0[lane] < other.0[lane] { self.0[lane] } else { other.0[lane] }))
    }

    /// The nearest whole numbers.
    #[inline(always)]
    pub(crate) fn nearest(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }

    /// 2ˣ for whole numbers from −126 to 127
    #[inline(always)]
    pub(crate) fn exp2_of_whole(self) -> Self {
        Self(self.0.map(|x| f32::from_bits((((x as i32) + 127) << 23).cast_unsigned())))
    }

    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Self(from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }
}

impl Add for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |one, other| one + other)
    }
}

impl Sub for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |one, other| one - other)
    }
}

impl Mul for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |one, other| one * other)
    }
}

impl Div for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |one, other| one / other)
    }
}

/// Four sums of whole numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct I32x4([i32; 4]);

impl I32x4 {
    /// Nothing summed yet.
    pub(crate) const ZERO: Self = Self([0; 4]);

    /// Adds the products of sixteen pairs. Which lane gets which is open; the sum of all lanes is what counts.
    #[inline(always)]
    pub(crate) fn add_products(self, weights: &[i8; 16], values: &[i16; 16]) -> Self {
        let product = |at: usize| i32::from(weights[at]) * i32::from(values[at]);
        Self(from_fn(|lane| self.0[lane] + (0..4).map(|quarter| product(4 * quarter + lane)).sum::<i32>()))
    }

    /// The sum of all lanes of each, as numbers.
    #[inline(always)]
    pub(crate) fn sums(all: [Self; 4]) -> F32x4 {
        F32x4(all.map(|lanes| lanes.0.iter().sum::<i32>() as f32))
    }
}
