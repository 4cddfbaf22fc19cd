//! The Fourier transform of 960 real numbers, as one of 480 complex ones (Cooley and Tukey 1965, in Stockham's order).

use std::f64::consts::TAU;

/// A complex number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Complex {
    /// Its real part.
    pub(crate) re: f32,
    /// Its imaginary part.
    pub(crate) im: f32,
}

impl Complex {
    pub(crate) const ZERO: Self = Self { re: 0.0, im: 0.0 };

    const fn new(re: f32, im: f32) -> Self {
        Self { re, im }
    }

    /// e^(−2πi · share)
    fn turned(share: f64) -> Self {
        let (sin, cos) = (-TAU * share).sin_cos();
        Self::new(cos as f32, sin as f32)
    }

    const fn plus(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }

    const fn minus(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }

    pub(crate) const fn times(self, other: Self) -> Self {
        Self::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }

    pub(crate) const fn scaled(self, factor: f32) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }

    const fn conjugate(self) -> Self {
        Self::new(self.re, -self.im)
    }

    /// Times −i.
    const fn quarter_back(self) -> Self {
        Self::new(self.im, -self.re)
    }

    /// The square of its length.
    pub(crate) const fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }
}

/// Real numbers of a transform.
pub(crate) const SIZE: usize = 960;
/// Complex numbers of it.
pub(crate) const BINS: usize = HALF + 1;
const HALF: usize = SIZE / 2;
/// The passes; their product is [`HALF`].
const RADICES: [usize; 5] = [4, 4, 2, 3, 5];

/// The transform with its tables.
#[derive(Debug)]
pub(crate) struct Fourier {
    /// e^(−2πi · k / 480)
    turns: Box<[Complex; HALF]>,
    /// e^(−2πi · k / 960)
    half_turns: Box<[Complex; BINS]>,
    numbers: Box<[Complex; HALF]>,
    passed: Box<[Complex; HALF]>,
}

impl Fourier {
    pub(crate) fn new() -> Self {
        Self {
            turns: Box::new(std::array::from_fn(|k| Complex::turned(k as f64 / HALF as f64))),
            half_turns: Box::new(std::array::from_fn(|k| Complex::turned(k as f64 / SIZE as f64))),
            numbers: Box::new([Complex::ZERO; HALF]),
            passed: Box::new([Complex::ZERO; HALF]),
        }
    }

    /// The spectrum of `samples`, not scaled.
    pub(crate) fn forward(&mut self, samples: &[f32; SIZE], spectrum: &mut [Complex; BINS]) {
        for (number, [even, odd]) in self.numbers.iter_mut().zip(samples.as_chunks().0) {
            *number = Complex::new(*even, *odd);
        }
        self.transform();
        for (k, bin) in spectrum.iter_mut().enumerate() {
            let (one, other) = (self.numbers[k % HALF], self.numbers[(HALF - k) % HALF].conjugate());
            let odd = one.minus(other).quarter_back().times(self.half_turns[k]);
            *bin = one.plus(other).plus(odd).scaled(0.5);
        }
    }

    /// The samples of `spectrum`, 960 times as large as they were before [`Self::forward`].
    pub(crate) fn inverse(&mut self, spectrum: &[Complex; BINS], samples: &mut [f32; SIZE]) {
        for (k, number) in self.numbers.iter_mut().enumerate() {
            let (mut one, mut other) = (spectrum[k], spectrum[HALF - k].conjugate());
            if k == 0 {
                // Of real samples these two are real.
                (one.im, other.im) = (0.0, 0.0);
            }
            // −i · conj(turn) · difference is the conjugate's way round; a transform of conjugates is the inverse.
            let odd = one.minus(other).times(self.half_turns[k].conjugate()).quarter_back();
            *number = one.plus(other).minus(odd).conjugate();
        }
        self.transform();
        for (number, [even, odd]) in self.numbers.iter().zip(samples.as_chunks_mut().0) {
            (*even, *odd) = (number.re, -number.im);
        }
    }

    /// The transform of `numbers`, in place.
    fn transform(&mut self) {
        let (mut size, mut stride) = (HALF, 1);
        for radix in RADICES {
            match radix {
                2 => self.pass(size, stride, two),
                3 => self.pass(size, stride, three),
                4 => self.pass(size, stride, four),
                _ => self.pass(size, stride, five),
            }
            std::mem::swap(&mut self.numbers, &mut self.passed);
            (size, stride) = (size / radix, stride * radix);
        }
    }

    /// One pass over `stride` transforms of `size` numbers that lie interleaved.
    #[inline(always)]
    fn pass<const R: usize>(
        &mut self,
        size: usize,
        stride: usize,
        small: impl Fn([Complex; R]) -> [Complex; R],
    ) {
        let count = size / R;
        for p in 0..count {
            // size · stride is always the whole.
            let turns: [Complex; R] = std::array::from_fn(|r| self.turns[p * r * stride]);
            for q in 0..stride {
                let parts = small(std::array::from_fn(|r| self.numbers[q + stride * (p + r * count)]));
                for (r, (part, turn)) in parts.into_iter().zip(turns).enumerate() {
                    self.passed[q + stride * (R * p + r)] = part.times(turn);
                }
            }
        }
    }
}

fn two([a, b]: [Complex; 2]) -> [Complex; 2] {
    [a.plus(b), a.minus(b)]
}

fn three([a, b, c]: [Complex; 3]) -> [Complex; 3] {
    // √3 / 2
    const SINE: f32 = 0.866_025_4;
    let (sum, difference) = (b.plus(c), b.minus(c).scaled(SINE).quarter_back());
    let middle = a.minus(sum.scaled(0.5));
    [a.plus(sum), middle.plus(difference), middle.minus(difference)]
}

fn four([a, b, c, d]: [Complex; 4]) -> [Complex; 4] {
    let [sum, difference] = two([a, c]);
    let [other_sum, other_difference] = two([b, d]);
    let turned = other_difference.quarter_back();
    [sum.plus(other_sum), difference.plus(turned), sum.minus(other_sum), difference.minus(turned)]
}

fn five([a, b, c, d, e]: [Complex; 5]) -> [Complex; 5] {
    // Cosine and sine of one fifth and of two fifths of a turn.
    const COSINES: [f32; 2] = [0.309_017, -0.809_017];
    const SINES: [f32; 2] = [0.951_056_54, 0.587_785_24];
    let (outer, inner) = (b.plus(e), c.plus(d));
    let (outer_difference, inner_difference) = (b.minus(e), c.minus(d));
    let first = a.plus(outer.scaled(COSINES[0])).plus(inner.scaled(COSINES[1]));
    let second = a.plus(outer.scaled(COSINES[1])).plus(inner.scaled(COSINES[0]));
    let first_turned =
        outer_difference.scaled(SINES[0]).plus(inner_difference.scaled(SINES[1])).quarter_back();
    let second_turned =
        outer_difference.scaled(SINES[1]).minus(inner_difference.scaled(SINES[0])).quarter_back();
    [
        a.plus(outer).plus(inner),
        first.plus(first_turned),
        second.plus(second_turned),
        second.minus(second_turned),
        first.minus(first_turned),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> [f32; SIZE] {
        std::array::from_fn(|at| ((at * at * 37 + at * 11) % 1009) as f32 / 504.5 - 1.0)
    }

    #[test]
    fn a_spectrum_is_what_the_definition_says() {
        let samples = samples();
        let mut spectrum = [Complex::ZERO; BINS];
        Fourier::new().forward(&samples, &mut spectrum);
        for (k, bin) in spectrum.iter().enumerate() {
            let (mut re, mut im) = (0.0_f64, 0.0_f64);
            for (at, sample) in samples.iter().enumerate() {
                let (sin, cos) = (-TAU * (k * at % SIZE) as f64 / SIZE as f64).sin_cos();
                re += f64::from(*sample) * cos;
                im += f64::from(*sample) * sin;
            }
            let difference = (f64::from(bin.re) - re).hypot(f64::from(bin.im) - im);
            assert!(difference < 1e-4, "bin {k}: {bin:?}, {re} {im}");
        }
    }

    #[test]
    fn there_and_back_is_the_same_960_times() {
        let samples = samples();
        let mut fourier = Fourier::new();
        let (mut spectrum, mut back) = ([Complex::ZERO; BINS], [0.0; SIZE]);
        fourier.forward(&samples, &mut spectrum);
        // What the ends cannot have is not heard.
        spectrum[0].im = 3.0;
        spectrum[HALF].im = -4.0;
        fourier.inverse(&spectrum, &mut back);
        for (at, (before, after)) in samples.iter().zip(back).enumerate() {
            assert!((before - after / SIZE as f32).abs() < 1e-6, "{at}: {before} {after}");
        }
    }
}
