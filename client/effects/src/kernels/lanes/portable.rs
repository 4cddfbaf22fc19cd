//! The lanes as an array, for targets without the instructions that this engine knows.
#![expect(unsafe_code, reason = "loads and stores through pointers, as the SIMD instructions do")]

use std::array::from_fn;
use std::ops::{Add, Div, Mul, Sub};

use super::LANES;

/// Four numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32x4([f32; LANES]);

impl F32x4 {
    /// The same number in every lane.
    #[inline(always)]
    pub(crate) fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    /// Four numbers in a row.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reads of four numbers.
    #[inline(always)]
    pub(crate) unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises four readable numbers; an array of them has no other demands.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    /// One number for every lane.
    ///
    /// # Safety
    ///
    /// `from` must be valid for a read of one number.
    #[inline(always)]
    pub(crate) unsafe fn load_splat(from: *const f32) -> Self {
        // SAFETY: the caller promises a readable number.
        Self::splat(unsafe { from.read() })
    }

    /// Writes four numbers in a row.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writes of four numbers.
    #[inline(always)]
    pub(crate) unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises room for four numbers.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    /// The lanes, first to last.
    #[inline(always)]
    pub(crate) fn to_array(self) -> [f32; LANES] {
        self.0
    }

    /// self · factor + addend
    #[inline(always)]
    pub(crate) fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }

    /// The larger of each pair.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self(from_fn(|lane| if self.0[lane] < other.0[lane] { other.0[lane] } else { self.0[lane] }))
    }

    /// The smaller of each pair.
    #[inline(always)]
    pub(crate) fn min(self, other: Self) -> Self {
        Self(from_fn(|lane| if other.0[lane] < self.0[lane] { other.0[lane] } else { self.0[lane] }))
    }

    /// The nearest whole numbers, halves to even.
    #[inline(always)]
    pub(super) fn nearest(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }

    /// 2ˣ of whole numbers from −126 to 127.
    #[inline(always)]
    pub(super) fn exp2_of_whole(self) -> Self {
        Self(self.0.map(|x| f32::from_bits(((x as i32 + 127) << 23).cast_unsigned())))
    }

    /// The sums of the lanes of each row, one a lane.
    #[inline(always)]
    pub(crate) fn sums_of_rows(rows: [Self; LANES]) -> Self {
        Self(rows.map(|Self([a, b, c, d])| (a + b) + (c + d)))
    }
}

impl Add for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] + other.0[lane]))
    }
}

impl Sub for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] - other.0[lane]))
    }
}

impl Mul for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] * other.0[lane]))
    }
}

impl Div for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] / other.0[lane]))
    }
}
