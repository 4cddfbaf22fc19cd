//! Several numbers at a time: types with one meaning, made of SIMD instructions where the target has them.
//!
//! The kernels are written once on top of them, so that the tests of this machine run the very code that the browser runs, down
//! to the instructions themselves; those are tested by the same comparisons inside WebAssembly.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use portable::{F32x4, I32x4};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::{F32x4, I32x4};

/// 2ˣ on [−½, ½]: the first coefficients of its Taylor series, the fifth power's first. Off by less than 3 · 10⁻⁶.
const EXP2: [f32; 6] = [1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0];

impl F32x4 {
    /// max(x, 0)
    #[inline(always)]
    pub(crate) fn relu(self) -> Self {
        self.max(Self::splat(0.0))
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

    /// The hyperbolic tangent, to 4 · 10⁻⁶: 2 / (1 + e⁻²ˣ) − 1
    #[inline(always)]
    pub(crate) fn tanh(self) -> Self {
        let twice = Self::splat(2.0);
        (self * twice).sigmoid().mul_add(twice, Self::splat(-1.0))
    }
}
