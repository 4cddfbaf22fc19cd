//! Several numbers at a time: types with one meaning, made of SIMD instructions where the target has them.
//!
//! The vector kernels are written once on top of them, so that the tests of this machine run the very code that the
//! browser runs, down to the instructions themselves; those are tested by the same comparisons inside WebAssembly.

#![expect(unsafe_code, reason = "arrays are read and written as the SIMD instructions do, through pointers")]

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use portable::{F32x4, U16x8};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::{F32x4, U16x8};

/// The number of lanes of [`F32x4`].
pub(crate) const LANES: usize = 4;
/// The number of lanes of [`U16x8`].
pub(crate) const WORDS: usize = 8;

/// 2ˣ on [−½, ½]: the first coefficients of its Taylor series, the fifth power's first. Off by less than 3 · 10⁻⁶.
const EXP2: [f32; 6] = [1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0];

impl F32x4 {
    /// max(x, 0)
    #[inline(always)]
    pub(crate) fn relu(self) -> Self {
        self.max(Self::splat(0.0))
    }

    /// min(max(x, 0), 6)
    #[inline(always)]
    pub(crate) fn relu6(self) -> Self {
        self.relu().min(Self::splat(6.0))
    }

    /// x · min(max(x / 6 + ½, 0), 1)
    #[inline(always)]
    pub(crate) fn hard_swish(self) -> Self {
        let gate = self.mul_add(Self::splat(1.0 / 6.0), Self::splat(0.5));
        self * gate.max(Self::splat(0.0)).min(Self::splat(1.0))
    }

    /// 1 / (1 + e⁻ˣ), to 2 · 10⁻⁶
    #[inline(always)]
    pub(crate) fn sigmoid(self) -> Self {
        // Beyond ±30 the result is 0 or 1 in single precision, and 2ˣ stays a normal number.
        let x = self.max(Self::splat(-30.0)).min(Self::splat(30.0));
        let power = x * Self::splat(-std::f32::consts::LOG2_E);
        let whole = power.nearest();
        let fraction = power - whole;
        let mut series = Self::splat(EXP2[0]);
        for coefficient in &EXP2[1..] {
            series = series.mul_add(fraction, Self::splat(*coefficient));
        }
        let one = Self::splat(1.0);
        one / (series * whole.exp2_of_whole() + one)
    }

    /// Four numbers of an array.
    #[inline(always)]
    pub(crate) fn of(numbers: &[f32; LANES]) -> Self {
        // SAFETY: the array has four numbers.
        unsafe { Self::load(numbers.as_ptr()) }
    }

    /// Writes an array.
    #[inline(always)]
    pub(crate) fn write(self, numbers: &mut [f32; LANES]) {
        // SAFETY: the array has room for four numbers.
        unsafe { self.store(numbers.as_mut_ptr()) }
    }

    /// Every lane kept between 0 and 1.
    #[inline(always)]
    pub(crate) fn unit(self) -> Self {
        self.max(Self::splat(0.0)).min(Self::splat(1.0))
    }
}
