//! Several numbers at a time: types with one meaning, made of SIMD instructions where the target has them.
//!
//! The kernels of `effects` and `deep_filter` are written once on top of them, so that the tests of this machine run the
//! very code that the browser runs, down to the instructions themselves; those are tested by the same comparisons inside
//! WebAssembly. Everything here is one instruction or a few, and is compiled into its caller.

#![expect(unsafe_code, reason = "arrays are read and written as the SIMD instructions do, through pointers")]

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub use portable::{F32x4, I32x4, U16x8};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::{F32x4, I32x4, U16x8};

/// The number of lanes of [`F32x4`].
pub const LANES: usize = 4;
/// The number of lanes of [`U16x8`].
pub const WORDS: usize = 8;

/// 2ˣ on [−½, ½]: the first coefficients of its Taylor series, the fifth power's first. Off by less than 3 · 10⁻⁶.
const EXP2: [f32; 6] = [1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0];

impl F32x4 {
    /// max(x, 0)
    #[inline(always)]
    pub fn relu(self) -> Self {
        self.max(Self::splat(0.0))
    }

    /// min(max(x, 0), 6)
    #[inline(always)]
    pub fn relu6(self) -> Self {
        self.relu().min(Self::splat(6.0))
    }

    /// x · min(max(x / 6 + ½, 0), 1)
    #[inline(always)]
    pub fn hard_swish(self) -> Self {
        let gate = self.mul_add(Self::splat(1.0 / 6.0), Self::splat(0.5));
        self * gate.max(Self::splat(0.0)).min(Self::splat(1.0))
    }

    /// 1 / (1 + e⁻ˣ), to 2 · 10⁻⁶
    #[inline(always)]
    pub fn sigmoid(self) -> Self {
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
    #[must_use]
    pub fn tanh(self) -> Self {
        let twice = Self::splat(2.0);
        (self * twice).sigmoid().mul_add(twice, Self::splat(-1.0))
    }

    /// Four numbers of an array.
    #[inline(always)]
    pub fn of(numbers: &[f32; LANES]) -> Self {
        // SAFETY: the array has four numbers.
        unsafe { Self::load(numbers.as_ptr()) }
    }

    /// Writes an array.
    #[inline(always)]
    pub fn write(self, numbers: &mut [f32; LANES]) {
        // SAFETY: the array has room for four numbers.
        unsafe { self.store(numbers.as_mut_ptr()) }
    }

    /// Every lane kept between 0 and 1.
    #[inline(always)]
    pub fn unit(self) -> Self {
        self.max(Self::splat(0.0)).min(Self::splat(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(numbers: [f32; LANES], of: impl Fn(F32x4) -> F32x4) -> [f32; LANES] {
        let mut result = [0.0; LANES];
        of(F32x4::of(&numbers)).write(&mut result);
        result
    }

    #[test]
    fn the_curves_are_those_of_mathematics_as_closely_as_they_say() {
        for step in -400_i16..=400 {
            let x = f32::from(step) / 10.0;
            let of = [x, -x, x / 100.0, x + 0.05];
            for (at, number) in of.into_iter().enumerate() {
                let exact = f64::from(number);
                let sigmoid = f64::from(lanes(of, F32x4::sigmoid)[at]);
                assert!((sigmoid - 1.0 / (1.0 + (-exact).exp())).abs() < 2e-6, "{number}");
                assert!((f64::from(lanes(of, F32x4::tanh)[at]) - exact.tanh()).abs() < 4e-6, "{number}");
            }
        }
    }

    #[test]
    fn what_is_no_number_ends_at_a_bound_and_does_not_go_on() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.5];
        assert_eq!(lanes(odd, F32x4::relu), [0.0, f32::INFINITY, 0.0, 0.0]);
        assert_eq!(lanes(odd, F32x4::unit), [0.0, 1.0, 0.0, 0.0]);
        assert!(lanes(odd, F32x4::sigmoid).iter().chain(&lanes(odd, F32x4::tanh)).all(|x| x.is_finite()));
    }
}
