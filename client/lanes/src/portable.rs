//! The lanes as an array, for targets without the instructions that this engine knows.
#![expect(unsafe_code, reason = "loads and stores through pointers, as the SIMD instructions do")]

use std::array::from_fn;
use std::ops::{Add, Div, Mul, Sub};

use super::{LANES, WORDS};

/// Four numbers.
#[derive(Debug, Clone, Copy)]
pub struct F32x4([f32; LANES]);

impl F32x4 {
    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    /// Four numbers in a row.
    ///
    /// # Safety
    ///
    /// `from` must be valid for reads of four numbers.
    #[inline(always)]
    pub unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises four readable numbers; an array of them has no other demands.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    /// One number for every lane.
    ///
    /// # Safety
    ///
    /// `from` must be valid for a read of one number.
    #[inline(always)]
    pub unsafe fn load_splat(from: *const f32) -> Self {
        // SAFETY: the caller promises a readable number.
        Self::splat(unsafe { from.read() })
    }

    /// Writes four numbers in a row.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writes of four numbers.
    #[inline(always)]
    pub unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises room for four numbers.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    /// The lanes, first to last.
    #[inline(always)]
    pub fn to_array(self) -> [f32; LANES] {
        self.0
    }

    /// self · factor + addend
    #[inline(always)]
    pub fn mul_add(self, factor: Self, addend: Self) -> Self {
        self * factor + addend
    }

    /// The larger of each pair; `other`'s where one is not a number, so that a bound is one for everything.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        Self(from_fn(|lane| if self.0[lane] > other.0[lane] { self.0[lane] } else { other.0[lane] }))
    }

    /// The smaller of each pair; `other`'s where one is not a number.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        Self(from_fn(|lane| if self.0[lane] < other.0[lane] { self.0[lane] } else { other.0[lane] }))
    }

    /// The nearest whole numbers, halves to even.
    #[inline(always)]
    pub(crate) fn nearest(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }

    /// 2ˣ of whole numbers from −126 to 127.
    #[inline(always)]
    pub(crate) fn exp2_of_whole(self) -> Self {
        Self(self.0.map(|x| f32::from_bits(((x as i32 + 127) << 23).cast_unsigned())))
    }

    /// The sums of the lanes of each row, one a lane.
    #[inline(always)]
    pub fn sums_of_rows(rows: [Self; LANES]) -> Self {
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

/// Four sums of whole numbers.
#[derive(Debug, Clone, Copy)]
pub struct I32x4([i32; LANES]);

impl I32x4 {
    /// Nothing summed yet.
    pub const ZERO: Self = Self([0; LANES]);

    /// Adds the products of sixteen pairs. Which lane gets which is open; the sum of all lanes is what counts.
    #[inline(always)]
    #[must_use]
    pub fn add_products(self, weights: &[i8; 16], values: &[i16; 16]) -> Self {
        let product = |at: usize| i32::from(weights[at]) * i32::from(values[at]);
        Self(from_fn(|lane| self.0[lane] + (0..4).map(|quarter| product(4 * quarter + lane)).sum::<i32>()))
    }

    /// The sum of all lanes of each, as numbers.
    #[inline(always)]
    #[must_use]
    pub fn sums(all: [Self; LANES]) -> F32x4 {
        F32x4(all.map(|lanes| lanes.0.iter().sum::<i32>() as f32))
    }
}

/// Eight numbers of sixteen bits; sums and products beyond that wrap.
#[derive(Debug, Clone, Copy)]
pub struct U16x8([u16; WORDS]);

impl U16x8 {
    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(x: u16) -> Self {
        Self([x; WORDS])
    }

    /// Eight numbers of an array.
    #[inline(always)]
    pub fn of(numbers: &[u16; WORDS]) -> Self {
        Self(*numbers)
    }

    /// Eight bytes, widened.
    #[inline(always)]
    pub fn of_bytes(bytes: &[u8; WORDS]) -> Self {
        Self(bytes.map(u16::from))
    }

    /// Writes an array.
    #[inline(always)]
    pub fn write(self, numbers: &mut [u16; WORDS]) {
        *numbers = self.0;
    }

    /// Writes the numbers as bytes; what does not fit becomes 255.
    #[inline(always)]
    pub fn write_bytes(self, bytes: &mut [u8; WORDS]) {
        *bytes = self.0.map(|x| x.min(255) as u8);
    }

    /// Every lane shifted right by `BITS`.
    #[inline(always)]
    pub fn shifted<const BITS: u32>(self) -> Self {
        Self(self.0.map(|x| x >> BITS))
    }

    /// The low byte of every lane.
    #[inline(always)]
    pub fn low_bytes(self) -> Self {
        Self(self.0.map(|x| x & 0xff))
    }

    /// The lanes of both in turns: the first halves, and the second ones.
    #[inline(always)]
    pub fn in_turns(self, other: Self) -> [Self; 2] {
        [0, 4].map(|half| Self(from_fn(|lane| if lane % 2 == 0 { self.0 } else { other.0 }[half + lane / 2])))
    }
}

impl Add for U16x8 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane].wrapping_add(other.0[lane])))
    }
}

impl Sub for U16x8 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane].wrapping_sub(other.0[lane])))
    }
}

impl Mul for U16x8 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane].wrapping_mul(other.0[lane])))
    }
}
