//! The lanes as one WebAssembly vector. With relaxed SIMD, multiplication and addition round once where the machine can.
#![expect(unsafe_code, reason = "SIMD loads and stores go through pointers")]

use std::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_div, f32x4_extract_lane, f32x4_mul, f32x4_nearest, f32x4_pmax,
    f32x4_pmin, f32x4_splat, f32x4_sub, i16x8_add, i16x8_extend_high_i8x16, i16x8_extend_low_i8x16,
    i16x8_mul, i16x8_shuffle, i16x8_sub, i32x4_add, i32x4_dot_i16x8, i32x4_shl, i32x4_shuffle, i32x4_splat,
    i32x4_trunc_sat_f32x4, u8x16_narrow_i16x8, u16x8_extend_low_u8x16, u16x8_shr, u16x8_splat, v128,
    v128_and, v128_load, v128_load32_splat, v128_load64_zero, v128_store, v128_store64_lane,
};
use std::ops::{Add, Div, Mul, Sub};

use super::{LANES, WORDS};

/// Four numbers.
#[derive(Debug, Clone, Copy)]
pub struct F32x4(v128);

impl F32x4 {
    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self(f32x4_splat(x))
    }

    /// Four numbers in a row.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reads of four numbers.
    #[inline(always)]
    pub unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises four readable numbers; the instruction needs no alignment.
        Self(unsafe { v128_load(from.cast()) })
    }

    /// One number for every lane.
    ///
    /// # Safety
    ///
    /// `from` must be valid for a read of one number.
    #[inline(always)]
    pub unsafe fn load_splat(from: *const f32) -> Self {
        // SAFETY: the caller promises a readable number.
        Self(unsafe { v128_load32_splat(from.cast()) })
    }

    /// Writes four numbers in a row.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writes of four numbers.
    #[inline(always)]
    pub unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises room for four numbers; the instruction needs no alignment.
        unsafe { v128_store(to.cast(), self.0) }
    }

    /// The lanes, first to last.
    #[inline(always)]
    pub fn to_array(self) -> [f32; LANES] {
        [
            f32x4_extract_lane::<0>(self.0),
            f32x4_extract_lane::<1>(self.0),
            f32x4_extract_lane::<2>(self.0),
            f32x4_extract_lane::<3>(self.0),
        ]
    }

    /// self · factor + addend
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    pub fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }

    /// self · factor + addend, rounded once or twice
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    pub fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::arch::wasm32::f32x4_relaxed_madd(self.0, factor.0, addend.0))
    }

    /// The larger of each pair; `other`'s where one is not a number, so that a bound is one for everything.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        Self(f32x4_pmax(other.0, self.0))
    }

    /// The smaller of each pair; `other`'s where one is not a number.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        Self(f32x4_pmin(other.0, self.0))
    }

    /// The nearest whole numbers, halves to even.
    #[inline(always)]
    pub(crate) fn nearest(self) -> Self {
        Self(f32x4_nearest(self.0))
    }

    /// 2ˣ of whole numbers from −126 to 127.
    #[inline(always)]
    pub(crate) fn exp2_of_whole(self) -> Self {
        Self(i32x4_shl(i32x4_add(i32x4_trunc_sat_f32x4(self.0), i32x4_splat(127)), 23))
    }

    /// The sums of the lanes of each row, one a lane.
    #[inline(always)]
    pub fn sums_of_rows([a, b, c, d]: [Self; LANES]) -> Self {
        // Lanes of a and b in turns, and of c and d; then the halves of both together.
        let ab_first = i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0);
        let ab_last = i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0);
        let cd_first = i32x4_shuffle::<0, 4, 1, 5>(c.0, d.0);
        let cd_last = i32x4_shuffle::<2, 6, 3, 7>(c.0, d.0);
        let first = i32x4_shuffle::<0, 1, 4, 5>(ab_first, cd_first);
        let second = i32x4_shuffle::<2, 3, 6, 7>(ab_first, cd_first);
        let third = i32x4_shuffle::<0, 1, 4, 5>(ab_last, cd_last);
        let fourth = i32x4_shuffle::<2, 3, 6, 7>(ab_last, cd_last);
        Self(f32x4_add(f32x4_add(first, second), f32x4_add(third, fourth)))
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
pub struct I32x4(v128);

impl I32x4 {
    /// Nothing summed yet.
    pub const ZERO: Self = Self(std::arch::wasm32::i32x4(0, 0, 0, 0));

    /// Adds the products of sixteen pairs. Which lane gets which is open; the sum of all lanes is what counts.
    #[inline(always)]
    #[must_use]
    pub fn add_products(self, weights: &[i8; 16], values: &[i16; 16]) -> Self {
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
    #[must_use]
    pub fn sums([a, b, c, d]: [Self; LANES]) -> F32x4 {
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

/// Eight numbers of sixteen bits; sums and products beyond that wrap.
#[derive(Debug, Clone, Copy)]
pub struct U16x8(v128);

impl U16x8 {
    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(x: u16) -> Self {
        Self(u16x8_splat(x))
    }

    /// Eight numbers of an array.
    #[inline(always)]
    pub fn of(numbers: &[u16; WORDS]) -> Self {
        // SAFETY: the array has eight numbers; the instruction needs no alignment.
        Self(unsafe { v128_load(numbers.as_ptr().cast()) })
    }

    /// Eight bytes, widened.
    #[inline(always)]
    pub fn of_bytes(bytes: &[u8; WORDS]) -> Self {
        // SAFETY: the array has eight bytes; the instruction needs no alignment.
        Self(u16x8_extend_low_u8x16(unsafe { v128_load64_zero(bytes.as_ptr().cast()) }))
    }

    /// Writes an array.
    #[inline(always)]
    pub fn write(self, numbers: &mut [u16; WORDS]) {
        // SAFETY: the array has room for eight numbers; the instruction needs no alignment.
        unsafe { v128_store(numbers.as_mut_ptr().cast(), self.0) }
    }

    /// Writes the numbers, below 2¹⁵, as bytes; what does not fit becomes 255.
    #[inline(always)]
    pub fn write_bytes(self, bytes: &mut [u8; WORDS]) {
        let narrow = u8x16_narrow_i16x8(self.0, self.0);
        // SAFETY: the array has room for eight bytes; the instruction needs no alignment.
        unsafe { v128_store64_lane::<0>(narrow, bytes.as_mut_ptr().cast()) }
    }

    /// Every lane shifted right by `BITS`.
    #[inline(always)]
    pub fn shifted<const BITS: u32>(self) -> Self {
        Self(u16x8_shr(self.0, BITS))
    }

    /// The low byte of every lane.
    #[inline(always)]
    pub fn low_bytes(self) -> Self {
        Self(v128_and(self.0, u16x8_splat(0xff)))
    }

    /// The lanes of both in turns: the first halves, and the second ones.
    #[inline(always)]
    pub fn in_turns(self, other: Self) -> [Self; 2] {
        [
            Self(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(self.0, other.0)),
            Self(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(self.0, other.0)),
        ]
    }
}

impl Add for U16x8 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(i16x8_add(self.0, other.0))
    }
}

impl Sub for U16x8 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(i16x8_sub(self.0, other.0))
    }
}

impl Mul for U16x8 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(i16x8_mul(self.0, other.0))
    }
}
