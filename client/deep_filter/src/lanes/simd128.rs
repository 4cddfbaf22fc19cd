//! The lanes as one WebAssembly vector.
#![expect(unsafe_code, reason = "SIMD loads and stores go through pointers")]

use std::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_div, f32x4_mul, f32x4_nearest, f32x4_pmax, f32x4_pmin, f32x4_splat,
    f32x4_sub, i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i32x4_add, i32x4_dot_i16x8, i32x4_shl,
    i32x4_shuffle, i32x4_splat, i32x4_trunc_sat_f32x4, v128, v128_load, v128_store,
};
use std::ops::{Add, Div, Mul, Sub};

/// Four numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32x4(v128);

impl F32x4 {
    /// The same number in every lane.
    #[inline(always)]
    pub(crate) fn splat(x: f32) -> Self {
        Self(f32x4_splat(x))
    }

    /// The numbers of an array.
    #[inline(always)]
    pub(crate) fn of(numbers: &[f32; 4]) -> Self {
        // SAFETY: the array has sixteen bytes; the instruction needs no alignment.
        Self(unsafe { v128_load(numbers.as_ptr().cast()) })
    }

    /// Writes an array.
    #[inline(always)]
    pub(crate) fn write(self, numbers: &mut [f32; 4]) {
        // SAFETY: the array has room for sixteen bytes; the instruction needs no alignment.
        unsafe { v128_store(numbers.as_mut_ptr().cast(), self.0) }
    }

    /// self · factor + addend
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }

    /// The larger of both, lane by lane.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self(f32x4_pmax(other.0, self.0))
    }

    /// The smaller of both, lane by lane.
    #[inline(always)]
    pub(crate) fn min(self, other: Self) -> Self {
        Self(f32x4_pmin(other.0, self.0))
    }

    /// The nearest whole numbers.
    #[inline(always)]
    pub(crate) fn nearest(self) -> Self {
        Self(f32x4_nearest(self.0))
    }

    /// 2ˣ for whole numbers from −126 to 127
    #[inline(always)]
    pub(crate) fn exp2_of_whole(self) -> Self {
        Self(i32x4_shl(i32x4_add(i32x4_trunc_sat_f32x4(self.0), i32x4_splat(127)), 23))
    }
}

impl Add for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(f32x4_add(self.0, other.0))
    }
}

impl Sub for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(f32x4_sub(self.0, other.0))
    }
}

impl Mul for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(f32x4_mul(self.0, other.0))
    }
}

impl Div for F32x4 {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(f32x4_div(self.0, other.0))
    }
}

/// Four sums of whole numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct I32x4(v128);

impl I32x4 {
    /// Nothing summed yet.
    pub(crate) const ZERO: Self = Self(std::arch::wasm32::i32x4(0, 0, 0, 0));

    /// Adds the products of sixteen pairs. Which lane gets which is open; the sum of all lanes is what counts.
    #[inline(always)]
    pub(crate) fn add_products(self, weights: &[i8; 16], values: &[i16; 16]) -> Self {
        // SAFETY: the arrays have sixteen and twice sixteen bytes; the instruction needs no alignment.
        let (weights, first, second) = unsafe {
            let values: *const v128 = values.as_ptr().cast();
            (v128_load(weights.as_ptr().cast()), v128_load(values), v128_load(values.add(1)))
        };
        let first = i32x4_dot_i16x8(i16x8_extend_low_i8x16(weights), first);
        let second = i32x4_dot_i16x8(i16x8_extend_high_i8x16(weights), second);
        Self(i32x4_add(self.0, i32x4_add(first, second)))
    }

    /// The sum of all lanes of each, as numbers.
    #[inline(always)]
    pub(crate) fn sums([a, b, c, d]: [Self; 4]) -> F32x4 {
        // Halves of two sums each, then of all four.
        let pair = |one: v128, other: v128| {
            i32x4_add(i32x4_shuffle::<0, 4, 1, 5>(one, other), i32x4_shuffle::<2, 6, 3, 7>(one, other))
        };
        let (first, second) = (pair(a.0, b.0), pair(c.0, d.0));
        let sums =
            i32x4_add(i32x4_shuffle::<0, 1, 4, 5>(first, second), i32x4_shuffle::<2, 3, 6, 7>(first, second));
        F32x4(f32x4_convert_i32x4(sums))
    }
}
